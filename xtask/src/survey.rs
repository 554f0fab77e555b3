//! `cargo xtask survey [--no-fetch] [--json FILE] [HOME]`: whether consumers take every .crate that Cargo unpacks, tried with
//! some thousand real ones.
//!
//! The program is in `tests/bench`. It downloads gigabytes into HOME (`target/survey`), and is no part of the tests.

use crate::Failure;
use crate::step::{Profile, Steps, build_with, built};

/// Builds the program and runs it with the same arguments.
pub fn run(arguments: &[String]) -> Result<(), Failure> {
    let mut steps = Steps::default();
    build_with(&mut steps, Profile::Release, "survey")?;
    steps.run("survey", built(Profile::Release, "survey")?.args(arguments))
}
