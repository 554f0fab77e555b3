//! `cargo xtask demo`: the main job, end to end, in a throw-away world.
//!
//! The demo itself is a program in the tests' crate, since it needs the test world; this builds what it runs.

use std::process::Command;

use crate::step::{Steps, cargo};
use crate::{Failure, install};

/// Builds the commands and shows the small demo, or with `--ripgrep` the large one.
pub fn run(arguments: &[String]) -> Result<(), Failure> {
    match arguments {
        [] => {}
        [flag] if flag == "--ripgrep" => {}
        [unexpected, ..] => {
            return Err(format!("unexpected argument `{unexpected}`; `cargo xtask help` lists the flags"));
        }
    }
    let mut steps = Steps::default();
    install::debian_packages(&mut steps)?;
    steps.run("commands", cargo().args(["build", "--locked"]).args(install::packages()))?;
    steps.run("demo", program(&mut cargo()).args(arguments))?;
    steps.summary();
    Ok(())
}

fn program(cargo: &mut Command) -> &mut Command {
    cargo.args(["run", "--locked", "--quiet", "-p", "namespace-tests", "--bin", "demo", "--"])
}
