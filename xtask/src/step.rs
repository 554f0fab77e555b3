//! Running one program as a step: printed, timed, and remembered for a summary.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::Failure;

/// The workspace's root.
pub fn root() -> PathBuf {
    let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().map_or(manifest.clone(), PathBuf::from)
}

/// The Cargo that runs this task, as a person would start it: Cargo has told this program about its own package, and
/// build scripts that look at such variables would run again, with all that depends on them.
pub fn cargo() -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(root());
    without(&mut command, &["CARGO_PKG_", "CARGO_MANIFEST_"]);
    command
}

/// Keeps the caller's variables that begin so from a command.
pub fn without(command: &mut Command, prefixes: &[&str]) {
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if prefixes.iter().any(|prefix| name.starts_with(prefix)) {
            command.env_remove(name.as_ref());
        }
    }
}

/// Those of `default-members`: what `cargo build` makes.
pub const COMMANDS: [&str; 4] = ["cargo-nsadd", "cargo-nspublish", "cargo-nsvendor", "cargo-nsregistry"];

/// Builds all programs of the workspace at once, as `cargo xtask test` does: a choice of packages would resolve other
/// features, and compile much of it again.
pub fn build(steps: &mut Steps) -> Result<(), Failure> {
    let mut build = cargo();
    build.args(["build", "--locked", "--workspace", "--bins"]);
    steps.run("build", &mut build)
}

/// As [`build`], of the tests' programs only one: linking all takes long.
pub fn build_with(steps: &mut Steps, profile: Profile, program: &str) -> Result<(), Failure> {
    let mut build = cargo();
    build.args(["build", "--locked", "--workspace"]);
    if profile == Profile::Release {
        build.arg("--release");
    }
    build.args(COMMANDS.iter().chain([&program]).flat_map(|name| ["--bin", name]));
    steps.run("build", &mut build)
}

/// Builds the commands for release, and nothing else, in `release` of that target directory.
pub fn build_commands(
    steps: &mut Steps,
    target: &Path,
    variables: &[(&str, Option<String>)],
) -> Result<(), Failure> {
    let mut build = cargo();
    build.args(["build", "--locked", "--release", "--target-dir"]).arg(target);
    // With it, programs are built in a directory of that target's.
    build.env_remove("CARGO_BUILD_TARGET");
    for (name, value) in variables {
        match value {
            Some(value) => build.env(name, value),
            None => build.env_remove(name),
        };
    }
    steps.run("build", &mut build)
}

/// A program of the workspace that [`build`] has built.
pub fn built(profile: Profile, program: &str) -> Result<Command, Failure> {
    Ok(Command::new(built_in(profile)?.join(program)))
}

/// Where programs are built.
pub fn built_in(profile: Profile) -> Result<PathBuf, Failure> {
    Ok(target()?.join(if profile == Profile::Release { "release" } else { "debug" }))
}

/// The target directory of this task.
pub fn target() -> Result<PathBuf, Failure> {
    // It is `<target>/debug/xtask`.
    let task = std::env::current_exe().map_err(|error| format!("cannot find this program: {error}"))?;
    let target = task.ancestors().nth(2).ok_or("this program is not in a target directory")?;
    Ok(target.to_owned())
}

/// How programs are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// `target/debug`
    Debug,
    /// `target/release`
    Release,
}

/// Steps done so far, with their times.
#[derive(Default)]
pub struct Steps(Vec<(String, Duration)>);

impl Steps {
    /// Prints the command, runs it, and fails when it fails.
    pub fn run(&mut self, name: &str, command: &mut Command) -> Result<(), Failure> {
        eprintln!("\n==> {name}: {}", shown(command));
        let begin = Instant::now();
        let status = command.status().map_err(|error| format!("cannot start {}: {error}", shown(command)))?;
        self.0.push((name.to_owned(), begin.elapsed()));
        if status.success() {
            Ok(())
        } else {
            Err(format!("step `{name}` failed ({status}): {}", shown(command)))
        }
    }

    /// One line a step, then the sum.
    pub fn summary(&self) {
        let total: Duration = self.0.iter().map(|(_, took)| *took).sum();
        eprintln!();
        for (name, took) in self.0.iter().chain([&("total".to_owned(), total)]) {
            eprintln!("{:>8.1} s  {name}", took.as_secs_f64());
        }
    }
}

/// The command as one would type it.
pub fn shown(command: &Command) -> String {
    let variables =
        command.get_envs().filter_map(|(name, value)| Some(format!("{}={:?}", name.to_str()?, value?)));
    let program = command.get_program().to_string_lossy();
    let program = program.rsplit('/').next().unwrap_or(&program).to_owned();
    let arguments = command.get_args().map(|argument| argument.to_string_lossy().into_owned());
    variables.chain([program]).chain(arguments).collect::<Vec<_>>().join(" ")
}
