//! Local registries against `cargo-local-registry`, which `cargo xtask bench` installs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::project::Bench;
use super::{PAIRS, Pairs, timed};

/// Both from caches that are warm, into an empty directory. What Cargo has found out about the compiler is among them: it keeps
/// that between two questions of ours, and the other command never asks. So is which archives passed the rules, which the other
/// command does not look into.
pub fn pairs(bench: &Bench) -> Pairs {
    let mut pairs = Pairs::default();
    // The first round warms up.
    for round in 0..=PAIRS {
        let mut turn = Pairs::default();
        take(bench, &mut turn, round % 2 == 0, Bench::forget_directories);
        if round > 0 {
            pairs.ours.append(&mut turn.ours);
            pairs.theirs.append(&mut turn.theirs);
        }
    }
    assert_same(&bench.directory().join("registry/crates.io"), &bench.directory().join("theirs"));
    for directory in ["registry", "theirs"] {
        bench.clear(directory);
    }
    pairs
}

/// As [`pairs`], but our command knows nothing: every .crate is looked into, and Cargo asks the compiler.
pub fn first(bench: &Bench) -> Pairs {
    let mut pairs = Pairs::default();
    for round in 0..PAIRS {
        take(bench, &mut pairs, round % 2 == 0, Bench::forget);
    }
    for directory in ["registry", "theirs"] {
        bench.clear(directory);
    }
    pairs
}

fn take(bench: &Bench, pairs: &mut Pairs, first: bool, forget: impl Fn(&Bench)) {
    let program = program();
    pairs.take(
        first,
        || {
            forget(bench);
            bench.clear("registry");
            timed(bench.nsvendor("registry").args(["--format", "local-registry"]))
        },
        || {
            bench.clear("theirs");
            fs::create_dir(bench.directory().join("theirs")).expect("make a directory");
            timed(bench.isolated(Command::new(&program)).args(["--quiet", "--sync", "Cargo.lock", "theirs"]))
        },
    );
}

/// Both hold the same .crates: what is measured is the same work.
fn assert_same(ours: &Path, theirs: &Path) {
    let crates = |directory: &Path| -> Vec<String> {
        let entries = fs::read_dir(directory).expect("list it");
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.retain(|name| name.ends_with(".crate"));
        names.sort();
        names
    };
    assert_eq!(crates(ours), crates(theirs));
}

/// # Panics
///
/// When it is not installed.
fn program() -> PathBuf {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/bin/cargo-local-registry");
    assert!(
        program.is_file(),
        "cargo-local-registry is not installed: `cargo xtask bench vendor` does it, or \
         `cargo install --locked cargo-local-registry --root target/tools`"
    );
    program
}
