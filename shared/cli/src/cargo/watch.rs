//! Whether a Cargo that we started takes more than any project needs.
//!
//! What Cargo reads of an index it keeps in memory, without a limit; and a host that sends a byte a second is never
//! given up. Our own client reads the same files first, with limits, but a host can tell the two apart. So Cargo's
//! memory is looked at while it runs, and whether it gets anywhere.
//!
//! | | memory | progress |
//! |---|---|---|
//! | Linux | `/proc/<pid>/status` | `/proc/<pid>`: files written, memory, children (a compiler, a credential provider), locks |
//! | other Unix | `ps` | not looked at |
//! | others | not looked at | not looked at |
//!
//! Only Cargo itself is measured: compilers and build scripts may take what they need.

use std::time::{Duration, Instant};

use cargo_namespaces::limits::{CARGO_STALL_TIMEOUT, MAX_CARGO_MEMORY};

/// How often memory is looked at: a fast host fills some ten MiB meanwhile.
const MEMORY_EVERY: Duration = Duration::from_millis(if cfg!(target_os = "linux") { 20 } else { 1000 });
/// How often progress is looked at.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);
/// More memory than ever before by this much is progress: part of a large download has come.
const GROWTH: u64 = 256 * 1024;

/// Of what a Cargo took too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Excess {
    /// Memory of its own, above the limit.
    #[error("it took more than {} MiB of memory", MAX_CARGO_MEMORY >> 20)]
    Memory,
    /// Time, without getting anywhere.
    #[error("it made no progress for {} minutes", CARGO_STALL_TIMEOUT.as_secs() / 60)]
    Time,
}

/// One process, watched.
#[derive(Debug)]
pub struct Watch {
    pid: u32,
    memory_at: Option<Instant>,
    progress_at: Option<Instant>,
    /// When it last got somewhere, by what it had done then.
    moved: Instant,
    written: u64,
    peak: u64,
    /// How long it may get nowhere.
    patience: Duration,
}

impl Watch {
    /// Of a process that has just been started.
    pub fn new(pid: u32) -> Self {
        Self {
            pid,
            memory_at: None,
            progress_at: None,
            moved: Instant::now(),
            written: 0,
            peak: 0,
            patience: CARGO_STALL_TIMEOUT,
        }
    }

    /// Whether it has taken too much by now; to be called often.
    pub fn exceeded(&mut self) -> Option<Excess> {
        let now = Instant::now();
        if self.memory_at.is_none_or(|at| now - at >= MEMORY_EVERY) {
            self.memory_at = Some(now);
            let memory = system::memory(self.pid).unwrap_or(0);
            if memory > MAX_CARGO_MEMORY {
                return Some(Excess::Memory);
            }
            if memory >= self.peak + GROWTH {
                (self.peak, self.moved) = (memory, now);
            }
        }
        if self.progress_at.is_none_or(|at| now - at >= PROGRESS_EVERY) {
            self.progress_at = Some(now);
            match system::activity(self.pid) {
                Some(system::Activity { written, waits }) => {
                    if written != self.written || waits {
                        (self.written, self.moved) = (written, now);
                    }
                }
                // It cannot be told here.
                None => self.moved = now,
            }
        }
        (now - self.moved >= self.patience).then_some(Excess::Time)
    }
}

#[cfg(target_os = "linux")]
mod system {
    use std::fs;

    /// What a process does.
    #[derive(Debug)]
    pub struct Activity {
        /// Bytes it has written to files and pipes.
        pub written: u64,
        /// Whether it waits for somebody else: a child, or who holds a lock.
        pub waits: bool,
    }

    /// Memory that is not a file's, swapped out or not.
    pub fn memory(pid: u32) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let of = |key: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(key))?;
            value.trim().strip_suffix(" kB")?.parse::<u64>().ok()
        };
        Some((of("RssAnon:")? + of("VmSwap:").unwrap_or(0)) * 1024)
    }

    pub fn activity(pid: u32) -> Option<Activity> {
        let io = fs::read_to_string(format!("/proc/{pid}/io")).ok()?;
        let written = io.lines().find_map(|line| line.strip_prefix("wchar: "))?.parse().ok()?;
        Some(Activity { written, waits: has_children(pid) || waits_for_lock(pid) })
    }

    fn has_children(pid: u32) -> bool {
        let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        threads
            .map(|thread| fs::read_to_string(thread.path().join("children")).unwrap_or_default())
            .any(|children| !children.trim().is_empty())
    }

    /// `1: -> FLOCK  ADVISORY  WRITE 4711 fd:01:42 0 EOF` says that 4711 waits.
    fn waits_for_lock(pid: u32) -> bool {
        let (locks, pid) = (fs::read_to_string("/proc/locks").unwrap_or_default(), pid.to_string());
        locks.lines().any(|line| {
            let mut fields = line.split_whitespace();
            fields.nth(1) == Some("->") && fields.nth(3) == Some(pid.as_str())
        })
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    /// What a process does.
    #[derive(Debug)]
    pub struct Activity {
        /// Bytes it has written to files and pipes.
        pub written: u64,
        /// Whether it waits for somebody else.
        pub waits: bool,
    }

    /// Its resident memory, as every Unix can tell.
    pub fn memory(pid: u32) -> Option<u64> {
        if !cfg!(unix) {
            return None;
        }
        let output =
            std::process::Command::new("ps").args(["-o", "rss=", "-p", &pid.to_string()]).output().ok()?;
        Some(String::from_utf8(output.stdout).ok()?.trim().parse::<u64>().ok()? * 1024)
    }

    pub fn activity(_: u32) -> Option<Activity> {
        None
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    /// A process that takes memory without end, as Cargo does for an index file without end.
    #[test]
    fn memory_without_end_is_noticed() {
        let mut child = Command::new("tail").arg("/dev/zero").stdout(Stdio::null()).spawn().unwrap();
        let mut watch = Watch::new(child.id());
        let began = Instant::now();
        let excess = loop {
            let found = watch.exceeded();
            if found.is_some() || began.elapsed() > Duration::from_secs(60) {
                break found;
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(excess, Some(Excess::Memory));
    }

    #[test]
    fn who_writes_or_waits_for_a_child_gets_somewhere_and_who_sleeps_does_not() {
        let moved_within = |script: &str| {
            let mut child = Command::new("sh").args(["-c", script]).stdout(Stdio::null()).spawn().unwrap();
            let mut watch = Watch::new(child.id());
            std::thread::sleep(Duration::from_millis(300));
            watch.exceeded();
            let (before, written) = (watch.moved, watch.written);
            std::thread::sleep(PROGRESS_EVERY + Duration::from_millis(200));
            watch.exceeded();
            child.kill().unwrap();
            child.wait().unwrap();
            (watch.moved > before, watch.written > written)
        };
        assert_eq!(moved_within("while :; do echo; done"), (true, true));
        assert_eq!(moved_within("sleep 3; :"), (true, false));
        assert_eq!(moved_within("exec sleep 3"), (false, false));
    }

    #[test]
    fn who_gets_nowhere_is_ended_in_the_end() {
        let ended = |script: &str| {
            let mut child = Command::new("sh").args(["-c", script]).stdout(Stdio::null()).spawn().unwrap();
            let mut watch = Watch::new(child.id());
            watch.patience = PROGRESS_EVERY * 3;
            let began = Instant::now();
            let mut excess = None;
            while excess.is_none() && began.elapsed() < PROGRESS_EVERY * 6 {
                std::thread::sleep(Duration::from_millis(50));
                excess = watch.exceeded();
            }
            child.kill().unwrap();
            child.wait().unwrap();
            excess
        };
        assert_eq!(ended("exec sleep 20"), Some(Excess::Time));
        assert_eq!(ended("while :; do echo; done"), None);
        assert_eq!(ended("sleep 20; :"), None);
    }

    #[test]
    fn who_waits_for_a_lock_gets_somewhere() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock");
        let held = std::fs::File::create(&path).unwrap();
        held.lock().unwrap();
        let mut child = Command::new("flock").args([path.to_str().unwrap(), "true"]).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(300));
        let activity = system::activity(child.id()).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(activity.waits);
    }
}
