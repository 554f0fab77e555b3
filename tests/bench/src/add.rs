//! `cargo nsadd` against `cargo add --registry` followed by `cargo fetch`, for the same crate on the same site.
//!
//! Both start from the same project, committed as an earlier `cargo nsadd` left it: the registry is configured, the key
//! pinned, Cargo's caches warm. What nsadd does beyond Cargo is asking the domain who may publish, and checking every
//! release. The two take turns, so that whatever else the machine does hits both.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use namespace_world::figures::{Numbers, median, median_ms};
use namespace_world::{Project, SignedSite, World, run};

const HOST: &str = "bench.example";
/// Taken in turns.
const PAIRS: u32 = 21;
/// First contacts, each with an empty `CARGO_HOME`.
const FIRST_CONTACTS: u32 = 5;

/// Measures. `ratio` is the median over the pairs of nsadd's time over Cargo's.
///
/// # Panics
///
/// When a command fails.
#[must_use]
pub fn add() -> Numbers {
    let world = World::new(&[HOST]);
    publish(&world);
    let project = world.project("app").binary("app", "", "fn main() {}\n");
    let start = Start::take(&project);
    let first_contact: Vec<Duration> = (0..FIRST_CONTACTS)
        .map(|_| {
            let _ = fs::remove_dir_all(world.cargo_home());
            start.restore(&project);
            let _ = fs::remove_dir_all(project.path().join(".cargo"));
            timed(&mut nsadd(&world, &project))
        })
        .collect();
    // From here on the registry is configured and the key is pinned.
    start.restore(&project);
    let (mut ours, mut cargos, mut adds) = (Vec::new(), Vec::new(), Vec::new());
    for pair in 0..=PAIRS {
        let (our, (add, fetch)) = if pair % 2 == 0 {
            let our = once(&start, &project, || timed(&mut nsadd(&world, &project)));
            (our, once(&start, &project, || cargo_add_and_fetch(&world, &project)))
        } else {
            let cargo = once(&start, &project, || cargo_add_and_fetch(&world, &project));
            (once(&start, &project, || timed(&mut nsadd(&world, &project))), cargo)
        };
        // The first pair warms up what the first contacts left cold.
        if pair > 0 {
            ours.push(our);
            adds.push(add);
            cargos.push(add + fetch);
        }
    }
    let ratios: Vec<f64> =
        ours.iter().zip(&cargos).map(|(our, cargo)| our.as_secs_f64() / cargo.as_secs_f64()).collect();
    let mut numbers = Numbers::default();
    numbers.put("ratio", median(&ratios));
    numbers.put("ratio_of_medians", median_ms(&ours) / median_ms(&cargos));
    numbers.put("nsadd_ms", median_ms(&ours));
    numbers.put("cargo_ms", median_ms(&cargos));
    numbers.put("cargo_add_ms", median_ms(&adds));
    numbers.put("nsadd_min_ms", smallest_ms(&ours));
    numbers.put("cargo_min_ms", smallest_ms(&cargos));
    numbers.put("first_contact_ms", median_ms(&first_contact));
    numbers.put("pairs", f64::from(PAIRS));
    numbers
}

/// A crate that needs another one of its namespace, as most do.
fn publish(world: &World) {
    let site = SignedSite::new(world, HOST);
    site.release("measured-core", "1.0.0").publish();
    site.release("measured", "1.0.0").dependency(&site.dependency("measured-core", "1")).publish();
    site.release("measured", "1.1.0").dependency(&site.dependency("measured-core", "1")).publish();
}

/// The files that both commands change.
struct Start {
    manifest: String,
}

impl Start {
    fn take(project: &Project) -> Self {
        Self { manifest: project.read("Cargo.toml") }
    }

    /// The project as it was before the crate was added; what is in `.cargo` stays.
    fn restore(&self, project: &Project) {
        project.write("Cargo.toml", &self.manifest);
        let _ = fs::remove_file(project.path().join("Cargo.lock"));
    }
}

fn once<T>(start: &Start, project: &Project, measure: impl FnOnce() -> T) -> T {
    start.restore(project);
    let result = measure();
    assert!(project.read("Cargo.lock").contains("measured-core"), "the crate was not added");
    result
}

fn nsadd(world: &World, project: &Project) -> Command {
    let mut command = world.nsadd();
    command.args(["bench.example/measured", "--quiet"]).current_dir(project.path());
    command
}

/// The times of both.
fn cargo_add_and_fetch(world: &World, project: &Project) -> (Duration, Duration) {
    let mut add = world.cargo();
    add.args(["add", "--quiet", "--registry", "bench_example", "measured"]).current_dir(project.path());
    let mut fetch = world.cargo();
    fetch.args(["fetch", "--quiet"]).current_dir(project.path());
    (timed(&mut add), timed(&mut fetch))
}

/// The whole process's time. When it fails it is run again to show what it says.
fn timed(command: &mut Command) -> Duration {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let begin = Instant::now();
    let status = command.status().expect("start a command");
    let time = begin.elapsed();
    if !status.success() {
        panic!("failed, and when run again: {}", run(command));
    }
    time
}

fn smallest_ms(times: &[Duration]) -> f64 {
    times.iter().min().map_or(0.0, |time| time.as_secs_f64() * 1000.0)
}
