//! `cargo nsvendor` against `cargo vendor`, on a project of 559 crates from crates.io.
//!
//! Whole processes, taken in turns, each with caches of its own; ratios are medians over the pairs, ours over Cargo's. The
//! directories are on tmpfs where there is room, so that the disk is not what is measured; `empty_cpu_disk` is
//! on a disk. `empty_wall` is a first run: nothing is known of an earlier one. The floors say what the parts would take alone.

mod floors;
mod local_registry;
mod process;
mod project;

use std::time::Duration;

use namespace_world::figures::{Numbers, median, median_ms};
use process::{Cost, timed};
use project::Bench;

/// Taken in turns.
const PAIRS: usize = 7;
/// On a disk: each writes 1.3 GB.
const DISK_PAIRS: usize = 5;
/// With an empty `CARGO_HOME`, over the network.
const COLD_PAIRS: usize = 3;

/// What both did, in turns.
#[derive(Default)]
struct Pairs {
    ours: Vec<Cost>,
    theirs: Vec<Cost>,
}

impl Pairs {
    fn take(&mut self, first: bool, mut ours: impl FnMut() -> Cost, mut theirs: impl FnMut() -> Cost) {
        if first {
            self.ours.push(ours());
            self.theirs.push(theirs());
        } else {
            self.theirs.push(theirs());
            self.ours.push(ours());
        }
    }

    fn wall(&self) -> f64 {
        self.ratio(|cost| cost.wall)
    }

    fn ratio(&self, of: impl Fn(&Cost) -> Duration) -> f64 {
        let both = self.ours.iter().zip(&self.theirs);
        median(&both.map(|(our, their)| of(our).as_secs_f64() / of(their).as_secs_f64()).collect::<Vec<_>>())
    }

    fn put(&self, numbers: &mut Numbers, name: &str) {
        numbers.put(&format!("{name}_ms"), median_wall(&self.ours));
        numbers.put(&format!("{name}_cargo_ms"), median_wall(&self.theirs));
    }
}

fn median_wall(costs: &[Cost]) -> f64 {
    median_ms(&costs.iter().map(|cost| cost.wall).collect::<Vec<_>>())
}

fn median_cpu(costs: &[Cost]) -> f64 {
    median_ms(&costs.iter().map(|cost| cost.cpu).collect::<Vec<_>>())
}

/// Measures.
///
/// # Panics
///
/// When a command fails, or crates.io cannot be reached.
#[must_use]
pub fn vendor() -> Numbers {
    let bench = Bench::new();
    let mut all = Turns::default();
    let locks = bench.locks(PAIRS + 1);
    // The first round warms up.
    for round in 0..=PAIRS {
        let turn = one_round(&bench, &locks[0], &locks[round], round % 2 == 0);
        if round > 0 {
            all.extend(turn);
        }
    }
    bench.lock(&locks[0]);
    let mut numbers = Numbers::default();
    for (name, pairs) in [
        ("empty_wall", &all.empty),
        ("unchanged_wall", &all.unchanged),
        ("unchanged_vs_versioned", &all.versioned),
        ("one_changed_wall", &all.changed),
        ("check_wall", &all.check),
    ] {
        numbers.put(name, pairs.wall());
    }
    let disk_bench = bench.on_disk();
    let disk = on_disk(&bench, &disk_bench);
    numbers.put("empty_cpu_disk", disk.ratio(|cost| cost.cpu));
    let packed = local_registry::pairs(&bench);
    numbers.put("local_registry_wall", packed.wall());
    numbers.put("local_registry_first_wall", local_registry::first(&bench).wall());
    let cold = cold(&bench);
    numbers.put("cold_wall", cold.wall());
    let peaks = all.empty.ours.iter().chain(&cold.ours).map(|cost| cost.peak_mib);
    numbers.put("peak_mib", peaks.fold(0.0, f64::max));
    for (name, pairs) in [
        ("empty", &all.empty),
        ("unchanged", &all.unchanged),
        ("versioned", &all.versioned),
        ("one_changed", &all.changed),
        ("check", &all.check),
        ("local_registry", &packed),
        ("cold", &cold),
    ] {
        pairs.put(&mut numbers, name);
    }
    for (name, pairs) in [("empty", &all.empty), ("empty_disk", &disk), ("check", &all.check)] {
        numbers.put(&format!("{name}_cpu_ms"), median_cpu(&pairs.ours));
        numbers.put(&format!("{name}_cargo_cpu_ms"), median_cpu(&pairs.theirs));
    }
    let floor = floors::put(&bench, &disk_bench, &mut numbers);
    // The rest of the CPU time: Cargo, asked whether the lock file fits; headers, paths, evidence; starting.
    let asking = bench.asking_cargo();
    numbers.put("asking_cargo_cpu_ms", asking.cpu.as_secs_f64() * 1000.0);
    numbers.put("empty_rest_cpu_ms", median_cpu(&all.empty.ours) - floor - asking.cpu.as_secs_f64() * 1000.0);
    numbers.put("pairs", PAIRS as f64);
    numbers
}

/// What is measured on tmpfs.
#[derive(Default)]
struct Turns {
    empty: Pairs,
    unchanged: Pairs,
    versioned: Pairs,
    changed: Pairs,
    check: Pairs,
}

impl Turns {
    fn extend(&mut self, more: Self) {
        for (all, more) in [
            (&mut self.empty, more.empty),
            (&mut self.unchanged, more.unchanged),
            (&mut self.versioned, more.versioned),
            (&mut self.changed, more.changed),
            (&mut self.check, more.check),
        ] {
            all.ours.extend(more.ours);
            all.theirs.extend(more.theirs);
        }
    }
}

/// Each measurement once; `other` is a lock file that was never vendored before and differs in one package.
fn one_round(bench: &Bench, lock: &str, other: &str, first: bool) -> Turns {
    let mut turns = Turns::default();
    bench.lock(lock);
    turns.empty.take(
        first,
        || {
            bench.forget();
            bench.clear("ours");
            timed(&mut bench.nsvendor("ours"))
        },
        || {
            bench.clear("theirs");
            timed(&mut bench.cargo_vendor("theirs"))
        },
    );
    let ours = || timed(&mut bench.nsvendor("ours"));
    let theirs = || timed(&mut bench.cargo_vendor("theirs"));
    let versioned = || timed(bench.cargo_vendor("versioned").arg("--versioned-dirs"));
    turns.unchanged.take(first, ours, theirs);
    versioned();
    turns.versioned.take(first, ours, versioned);
    turns.check.ours.push(timed(bench.nsvendor("ours").arg("--check")));
    turns.check.theirs.push(turns.empty.theirs[0]);
    bench.lock(other);
    turns.changed.take(first, ours, theirs);
    turns
}

/// CPU time on a disk, where waiting for it says more about the disk than about the command.
fn on_disk(bench: &Bench, disk: &Bench) -> Pairs {
    let mut pairs = Pairs::default();
    for round in 0..DISK_PAIRS {
        // Removed at the end only: ext4 is slow to make files for minutes after many were removed.
        let [ours, theirs] = ["ours", "theirs"].map(|name| format!("{name}-{round}"));
        pairs.take(
            round % 2 == 0,
            || {
                bench.forget();
                timed(&mut disk.nsvendor(&ours))
            },
            || timed(&mut disk.cargo_vendor(&theirs)),
        );
    }
    pairs
}

/// With nothing in `CARGO_HOME`.
fn cold(bench: &Bench) -> Pairs {
    let mut pairs = Pairs::default();
    for round in 0..COLD_PAIRS {
        pairs.take(
            round % 2 == 0,
            || {
                bench.clear("ours");
                timed(&mut bench.with_empty_home(bench.nsvendor("ours")))
            },
            || {
                bench.clear("theirs");
                timed(&mut bench.with_empty_home(bench.cargo_vendor("theirs")))
            },
        );
    }
    pairs
}
