//! What one process costs.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Wall time, CPU time with that of its children, and memory at its highest.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    pub wall: Duration,
    pub cpu: Duration,
    pub peak_mib: f64,
}

/// Runs a command to its end.
///
/// # Panics
///
/// When it fails; it is then run again to show what it says.
pub fn timed(command: &mut Command) -> Cost {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let before = cpu_of_children();
    let begin = Instant::now();
    let mut child = command.spawn().expect("start a command");
    let status_file = format!("/proc/{}/status", child.id());
    let watch = thread::spawn(move || {
        let mut peak = 0.0_f64;
        // Until the process is gone: a zombie has no such line.
        while let Some(kib) = high_water(&status_file) {
            peak = peak.max(kib / 1024.0);
            thread::sleep(Duration::from_millis(10));
        }
        peak
    });
    let status = child.wait().expect("wait for a command");
    let wall = begin.elapsed();
    if !status.success() {
        panic!("failed, and when run again: {}", namespace_world::run(command));
    }
    let cpu = cpu_of_children().saturating_sub(before);
    Cost { wall, cpu, peak_mib: watch.join().unwrap_or_default() }
}

fn high_water(status_file: &str) -> Option<f64> {
    let text = fs::read_to_string(status_file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// What the children that have ended used, theirs included, in steps of a hundredth of a second.
fn cpu_of_children() -> Duration {
    let text = fs::read_to_string("/proc/self/stat").expect("this is Linux");
    let (_, after_name) = text.rsplit_once(") ").expect("a name in parentheses");
    // `cutime` and `cstime` are the 16th and 17th field of all.
    let ticks: u64 =
        after_name.split(' ').skip(13).take(2).map(|field| field.parse::<u64>().expect("a number")).sum();
    Duration::from_millis(ticks * 10)
}
