//! The project's own tasks, run as `cargo xtask <task>`.
//!
//! A task is a module with one function `run`; each starts programs and prints what it starts. What a task needs from
//! outside (Debian packages, Cargo tools) is listed in [`tools`].

#![expect(
    clippy::disallowed_methods,
    reason = "tasks write reports and look for programs; what is banned guards user files"
)]

mod bench;
mod demo;
mod dist;
mod docs;
mod fault;
mod install;
mod step;
mod survey;
mod test;
mod tools;

use std::process::ExitCode;

const USAGE: &str = "\
The project's own tasks

Usage: cargo xtask <TASK>

Tasks:
  test                    Everything that a change must pass; installs what is missing
  install [--root DIR]    Install the commands, their manual pages and completions
  dist [--key FILE]       Make an archive of these, with checksums and, by that key, a signature
  docs [--bless]          Build the API documentation and check its links; with --bless, put what
                          the examples of the pages really print into them instead
  demo [--ripgrep]        Show the main job, end to end, in a throw-away world
  bench [NAME] [--json FILE]
                          Measure; with --json, write one flat object of numbers
  fault [run] [NAME] [--json FILE]
                          Do harm to a registry (a full disk, kill -9, slow clients, …) and say
                          how it stood that; with --json, write the figures
  survey [--no-fetch] [--json FILE] [HOME]
                          Look whether every .crate that Cargo unpacks can be vendored, with some
                          thousand real ones, which are fetched into HOME (target/survey)
";

/// Why a task ended: a sentence for the person who ran it.
type Failure = String;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (task, rest) = match arguments.split_first() {
        Some((task, rest)) => (task.as_str(), rest),
        None => ("help", &[][..]),
    };
    let result = match task {
        "test" => test::run(rest),
        "install" => install::run(rest),
        "dist" => dist::run(rest),
        "docs" => docs::run(rest),
        "demo" => demo::run(rest),
        "bench" => bench::run(rest),
        "fault" => fault::run(rest),
        "survey" => survey::run(rest),
        "help" | "--help" | "-h" => {
            print!("{USAGE}");
            Ok(())
        }
        other => {
            eprint!("error: no task is called `{other}`\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Refuses arguments where a task takes none.
fn no_arguments(arguments: &[String]) -> Result<(), Failure> {
    match arguments.first() {
        None => Ok(()),
        Some(unexpected) => Err(format!("unexpected argument `{unexpected}`")),
    }
}
