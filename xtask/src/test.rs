//! `cargo xtask test`: everything that a change must pass, from a bare machine.

use crate::step::{Steps, cargo};
use crate::{Failure, docs, no_arguments, tools};

/// Runs all steps in order, stops at the first that fails, and prints the time of each.
pub fn run(arguments: &[String]) -> Result<(), Failure> {
    no_arguments(arguments)?;
    let mut steps = Steps::default();
    let result = all(&mut steps);
    steps.summary();
    if result.is_ok() {
        eprintln!("\nall passed");
    }
    result
}

fn all(steps: &mut Steps) -> Result<(), Failure> {
    tools::debian_packages(steps)?;
    tools::nextest(steps)?;
    tools::validators(steps)?;
    let mut step = |name: &str, arguments: &[&str]| steps.run(name, cargo().args(arguments));
    step("fmt", &["fmt", "--all", "--check"])?;
    step("clippy", &["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
    // The end-to-end tests start the commands, so these come first.
    step("build", &["build", "--locked", "--workspace", "--bins"])?;
    step("tests", &["nextest", "run", "--locked", "--workspace"])?;
    step("doctests", &["test", "--locked", "--workspace", "--doc", "--quiet"])?;
    steps.run("docs", docs::command(&mut cargo()))
}
