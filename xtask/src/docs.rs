//! `cargo xtask docs`: the API documentation, where a broken link is an error.

use std::process::Command;

use crate::step::{Steps, cargo, root};
use crate::{Failure, no_arguments};

/// Builds it into `target/doc`.
pub fn run(arguments: &[String]) -> Result<(), Failure> {
    no_arguments(arguments)?;
    Steps::default().run("docs", command(&mut cargo()))
}

/// The command that builds it, as a step of other tasks.
pub fn command(cargo: &mut Command) -> &mut Command {
    cargo.current_dir(root()).env("RUSTDOCFLAGS", "-D warnings").args([
        "doc",
        "--locked",
        "--workspace",
        "--no-deps",
        "--document-private-items",
    ])
}
