//! `cargo xtask demo`: the main job, end to end, in a throw-away world.
//!
//! The demo itself is a program in the tests' crate, since it needs the test world; this builds what it runs.

use crate::step::{Profile, Steps, build, built};
use crate::{Failure, tools};

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
    tools::debian_packages(&mut steps)?;
    build(&mut steps, Profile::Debug)?;
    steps.run("demo", built(Profile::Debug, "demo")?.args(arguments))?;
    steps.summary();
    Ok(())
}
