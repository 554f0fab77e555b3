//! `cargo xtask fault [run] [NAME] [--json FILE]`: does harm to a registry, and says how it stood that.
//!
//! The program is `tests/fault`.

use crate::bench::parse;
use crate::step::{Profile, Steps, build_with, built};
use crate::{Failure, tools};

/// Builds the commands and runs the faults, or the one that is named.
pub fn run(arguments: &[String]) -> Result<(), Failure> {
    let arguments = match arguments.split_first() {
        Some((word, rest)) if word == "run" => rest,
        _ => arguments,
    };
    let arguments = parse(arguments)?;
    let mut steps = Steps::default();
    tools::debian_packages(&mut steps)?;
    build_with(&mut steps, Profile::Debug, "fault")?;
    steps.run("faults", built(Profile::Debug, "fault")?.args(arguments))
}
