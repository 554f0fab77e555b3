//! The real cargo: run, watched, asked.
//!
//! `CARGO` names it when we run as its subcommand; otherwise it is the `cargo` of the search path. Its output is the
//! user's: it inherits the terminal unless it is captured.

use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use semver::Version;

use crate::env::Var;
use crate::fs::directory_of;
use crate::interrupt;
use crate::shell::{CliError, ExitCode};

/// The first Cargo that is not open to CVE-2026-5223: before it, a symbolic link in one crate could overwrite the cached
/// source of another.
const SAFE_UNPACKING: Version = Version::new(1, 96, 0);
/// How long a child may take to end by itself after Ctrl-C.
const GRACE: Duration = Duration::from_secs(2);
/// How often somebody who waits for a line looks whether Ctrl-C came.
const LOOK_AROUND: Duration = Duration::from_millis(50);

/// What kept cargo from doing its work.
#[derive(Debug, thiserror::Error)]
pub enum CargoError {
    /// It cannot be started.
    #[error("failed to run `{program}`")]
    Start {
        /// The program.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It ended with another code than 0. `stderr` is empty when it inherited the terminal.
    #[error("`{command}` failed with {status}")]
    Failed {
        /// What was run.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// What it said.
        stderr: String,
    },
    /// What it answered is not understood.
    #[error("`{command}` answered something unexpected: {problem}")]
    Answer {
        /// What was run.
        command: String,
        /// What is wrong with it.
        problem: String,
    },
    /// There is no manifest where one is needed, or it cannot be read: what Cargo says of it.
    #[error("{0}")]
    Manifest(String),
    /// Ctrl-C.
    #[error(transparent)]
    Interrupted(#[from] interrupt::Interrupted),
}

impl From<CargoError> for CliError {
    /// A cargo that printed its own error ends the command with its exit code, silently; what was captured is shown.
    fn from(error: CargoError) -> Self {
        match error {
            CargoError::Interrupted(interrupted) => interrupted.into(),
            CargoError::Failed { status, ref stderr, .. } => {
                let code = status.code().and_then(|code| u8::try_from(code).ok());
                let exit = ExitCode::Cargo(code.unwrap_or(101));
                if stderr.is_empty() {
                    return Self::already_reported(exit);
                }
                let said = stderr.trim_end();
                Self::new(exit, error.to_string()).because(said)
            }
            CargoError::Start { .. } => {
                Self::from_error(ExitCode::Failure, &error).hint("install Cargo, or set `CARGO` to its path")
            }
            CargoError::Manifest(ref said) => {
                let hint = if said.contains("could not find `Cargo.toml`") {
                    "run the command in a package, or give `--manifest-path`"
                } else if said.contains("Unicode") || said.contains("UTF-8") {
                    "run the command in the root of the workspace, or give the directory a name in UTF-8"
                } else {
                    "correct the manifest, and run the command again"
                };
                Self::from_error(ExitCode::InvalidInput, &error).hint(hint)
            }
            CargoError::Answer { .. } => Self::from_error(ExitCode::Failure, &error),
        }
    }
}

/// A cargo to run in one directory.
#[derive(Clone, Debug)]
pub struct Cargo {
    program: OsString,
    directory: PathBuf,
    /// Variables over the user's own.
    variables: Vec<(&'static str, OsString)>,
}

impl Cargo {
    /// The cargo that runs us, or the one of the search path, to be run in `directory`.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        let program = Var::Cargo.get_os().unwrap_or_else(|| "cargo".into());
        Self { program, directory: directory.into(), variables: Vec::new() }
    }

    /// A cargo for the manifest, and the flag that names it. Cargo takes no argument that is not UTF-8, but works in a
    /// directory of such a name: there it is run where the manifest stands.
    pub fn for_manifest(&self, manifest_path: Option<&Path>) -> (Self, Vec<OsString>) {
        let mut cargo = self.clone();
        // A missing one must not become another one, further up.
        let is_one = |path: &&Path| path.ends_with("Cargo.toml") && self.directory.join(path).is_file();
        if let Some(path) = manifest_path.filter(|path| path.to_str().is_none()).filter(is_one) {
            cargo.directory = self.directory.join(directory_of(path));
            return (cargo, Vec::new());
        }
        (cargo, manifest_flag(manifest_path))
    }

    /// The same, with another value of a variable of Cargo's.
    #[must_use]
    pub fn with_variable(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    /// A command with these arguments; for what the methods below do not cover. It inherits the environment without
    /// the secrets in it.
    pub fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(&self.program);
        command.args(args).current_dir(&self.directory);
        for secret in Var::SECRETS {
            command.env_remove(secret.name());
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs it on the user's terminal. With `quiet_out`, its standard output goes nowhere (for `--message-format json`).
    ///
    /// # Errors
    /// It cannot be started, fails, or Ctrl-C.
    pub fn run<S: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = S>,
        quiet_out: bool,
    ) -> Result<(), CargoError> {
        self.run_command(self.command(args), quiet_out)
    }

    fn run_command(&self, mut command: Command, quiet_out: bool) -> Result<(), CargoError> {
        if quiet_out {
            command.stdout(Stdio::null());
        }
        let status = wait(self.start(&mut command)?)?;
        if status.success() {
            return Ok(());
        }
        Err(CargoError::Failed { command: shown(&command), status, stderr: String::new() })
    }

    /// Runs it and hands its standard error on line by line, without line ends, while it runs. Its standard output goes
    /// nowhere, its standard input is empty.
    ///
    /// # Errors
    /// As [`Cargo::run`].
    pub fn run_lines<S: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = S>,
        on_line: &mut dyn FnMut(&str),
    ) -> Result<(), CargoError> {
        let mut command = self.command(args);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = self.start(&mut command)?;
        let (send, lines) = mpsc::channel();
        let pipe = child.stderr.take();
        std::thread::spawn(move || {
            let mut reader = io::BufReader::new(pipe?);
            let mut line = Vec::new();
            while reader.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
                let text = String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned();
                send.send(text).ok()?;
                line.clear();
            }
            Some(())
        });
        let mut interrupted_at: Option<Instant> = None;
        loop {
            match lines.recv_timeout(LOOK_AROUND) {
                Ok(line) => on_line(&line),
                // The pipe is closed: it ends, or has ended.
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => {}
            }
            if interrupt::is_set() && interrupted_at.get_or_insert_with(Instant::now).elapsed() > GRACE {
                break;
            }
        }
        let status = wait(child)?;
        if status.success() {
            return Ok(());
        }
        Err(CargoError::Failed { command: shown(&command), status, stderr: String::new() })
    }

    /// As [`Cargo::run`], with the secrets in its environment: only for what builds nothing, such as `publish
    /// --no-verify`, whose credential provider needs them.
    ///
    /// # Errors
    /// As [`Cargo::run`].
    pub fn run_with_secrets<S: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = S>,
        quiet_out: bool,
    ) -> Result<(), CargoError> {
        let mut command = self.command(args);
        command.envs(Var::SECRETS.into_iter().filter_map(|secret| Some((secret.name(), secret.get_os()?))));
        self.run_command(command, quiet_out)
    }

    /// Runs it and keeps both its outputs.
    ///
    /// # Errors
    /// It cannot be started, fails, or Ctrl-C.
    pub fn capture<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Result<Output, CargoError> {
        let mut command = self.command(args);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let program = self.program.to_string_lossy().into_owned();
        let output = self
            .start(&mut command)?
            .wait_with_output()
            .map_err(|source| CargoError::Start { program, source })?;
        interrupt::check()?;
        if output.status.success() {
            return Ok(output);
        }
        let mut stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        if stderr.is_empty() {
            stderr = "it said nothing".to_owned();
        }
        Err(CargoError::Failed { command: shown(&command), status: output.status, stderr })
    }

    fn start(&self, command: &mut Command) -> Result<Child, CargoError> {
        interrupt::check()?;
        command.spawn().map_err(|source| CargoError::Start {
            program: self.program.to_string_lossy().into_owned(),
            source,
        })
    }

    /// `cargo metadata --format-version 1` with further flags; the whole dependency graph unless `--no-deps` is one.
    ///
    /// # Errors
    /// As [`Cargo::capture`]; or its JSON cannot be read.
    pub fn metadata<S: AsRef<OsStr>>(
        &self,
        manifest_path: Option<&Path>,
        flags: impl IntoIterator<Item = S>,
    ) -> Result<cargo_metadata::Metadata, CargoError> {
        let mut args: Vec<OsString> = ["metadata", "--format-version", "1"].map(Into::into).to_vec();
        let (cargo, named) = self.for_manifest(manifest_path);
        args.extend(named);
        args.extend(flags.into_iter().map(|flag| flag.as_ref().to_owned()));
        let output = cargo.capture(&args)?;
        serde_json::from_slice(&output.stdout).map_err(|error| CargoError::Answer {
            command: "cargo metadata".to_owned(),
            problem: error.to_string(),
        })
    }

    /// The manifest that Cargo would use (`--workspace`: of the workspace's root).
    ///
    /// # Errors
    /// As [`Cargo::capture`]; there is no manifest, or it does not parse.
    pub fn locate_manifest(
        &self,
        manifest_path: Option<&Path>,
        workspace: bool,
    ) -> Result<PathBuf, CargoError> {
        let mut args: Vec<OsString> =
            ["locate-project", "--message-format", "plain"].map(Into::into).to_vec();
        if workspace {
            args.push("--workspace".into());
        }
        let (cargo, named) = self.for_manifest(manifest_path);
        args.extend(named);
        let output = cargo.capture(&args).map_err(|error| match error {
            CargoError::Failed { stderr, .. } => {
                CargoError::Manifest(stderr.trim().trim_start_matches("error: ").to_owned())
            }
            other => other,
        })?;
        let text = String::from_utf8_lossy(&output.stdout);
        Ok(PathBuf::from(text.trim_end_matches(['\r', '\n'])))
    }

    /// `cargo fetch` with further flags, on the user's terminal.
    ///
    /// # Errors
    /// As [`Cargo::run`].
    pub fn fetch<S: AsRef<OsStr>>(
        &self,
        manifest_path: Option<&Path>,
        flags: impl IntoIterator<Item = S>,
    ) -> Result<(), CargoError> {
        let mut args: Vec<OsString> = vec!["fetch".into()];
        let (cargo, named) = self.for_manifest(manifest_path);
        args.extend(named);
        args.extend(flags.into_iter().map(|flag| flag.as_ref().to_owned()));
        cargo.run(&args, true)
    }

    /// Its version, without build data.
    ///
    /// # Errors
    /// As [`Cargo::capture`]; or the answer is not a version.
    pub fn version(&self) -> Result<Version, CargoError> {
        let output = self.capture(["--version"])?;
        let text = String::from_utf8_lossy(&output.stdout);
        parse_version(&text).ok_or_else(|| CargoError::Answer {
            command: "cargo --version".to_owned(),
            problem: text.trim().to_owned(),
        })
    }
}

/// `--manifest-path PATH`, if there is one.
pub fn manifest_flag(manifest_path: Option<&Path>) -> Vec<OsString> {
    match manifest_path {
        Some(path) => vec!["--manifest-path".into(), path.into()],
        None => Vec::new(),
    }
}

/// The warning for a Cargo that unpacks symbolic links, if this is one.
pub fn unsafe_unpacking(version: &Version) -> Option<String> {
    // A pre-release of the first safe version has the fix; semver sorts it below.
    let plain = Version::new(version.major, version.minor, version.patch);
    (plain < SAFE_UNPACKING).then(|| {
        format!(
            "cargo {version} lets a symbolic link in one crate overwrite another's cached source (CVE-2026-5223); \
             update to {SAFE_UNPACKING} or later"
        )
    })
}

/// `cargo 1.95.0 (f2d3ce0bd 2026-03-21)`.
fn parse_version(text: &str) -> Option<Version> {
    Version::parse(text.strip_prefix("cargo ")?.split_whitespace().next()?).ok()
}

/// Waits without deafness to Ctrl-C: the child gets the signal from the terminal and ends; one that does not is ended.
fn wait(mut child: Child) -> Result<ExitStatus, CargoError> {
    let failed = |source| CargoError::Start { program: "cargo".to_owned(), source };
    let mut pause = Duration::from_millis(1);
    let mut interrupted_at: Option<Instant> = None;
    loop {
        if let Some(status) = child.try_wait().map_err(failed)? {
            interrupt::check()?;
            return Ok(status);
        }
        if interrupt::is_set() && interrupted_at.get_or_insert_with(Instant::now).elapsed() > GRACE {
            let _ = child.kill();
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

/// The command line, for messages.
fn shown(command: &Command) -> String {
    let mut text = "cargo".to_owned();
    for arg in command.get_args() {
        text.push(' ');
        text.push_str(&arg.to_string_lossy());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::write_atomic;

    fn project() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let manifest = b"[package]\nname = \"demo\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
        write_atomic(&root.path().join("Cargo.toml"), manifest).unwrap();
        write_atomic(&root.path().join("src/lib.rs"), b"").unwrap();
        root
    }

    #[test]
    fn secrets_are_not_inherited() {
        let command = Cargo::new("/").command(["build"]);
        let removed: Vec<_> =
            command.get_envs().filter(|(_, value)| value.is_none()).map(|(name, _)| name).collect();
        assert_eq!(removed, ["CARGO_NAMESPACES_KEY", "CARGO_NAMESPACES_KEY_PASSPHRASE"]);
    }

    #[test]
    fn versions_are_read_and_old_ones_warned_about() {
        let version = parse_version("cargo 1.95.0 (f2d3ce0bd 2026-03-21)\n").unwrap();
        assert_eq!(version, Version::new(1, 95, 0));
        assert!(unsafe_unpacking(&version).unwrap().contains("CVE-2026-5223"));
        let nightly = parse_version("cargo 1.97.0-nightly (0123456 2026-05-01)").unwrap();
        assert_eq!(unsafe_unpacking(&nightly), None);
        assert_eq!(unsafe_unpacking(&Version::new(1, 96, 0)), None);
        assert!(parse_version("rustc 1.95.0").is_none());
    }

    #[test]
    fn the_real_cargo_answers() {
        let root = project();
        let cargo = Cargo::new(root.path());
        assert!(cargo.version().unwrap() >= Version::new(1, 90, 0));
        let manifest = cargo.locate_manifest(None, true).unwrap();
        assert_eq!(manifest.file_name(), Some(OsStr::new("Cargo.toml")));
        let metadata = cargo.metadata(Some(&manifest), ["--no-deps", "--offline"]).unwrap();
        assert_eq!(metadata.packages[0].name.as_str(), "demo");
    }

    #[test]
    fn its_lines_arrive_one_by_one() {
        let mut lines = Vec::new();
        let cargo = Cargo::new(std::env::temp_dir());
        let error = cargo.run_lines(["no-such-command"], &mut |line| lines.push(line.to_owned()));
        assert!(lines.len() > 1 && lines[0].contains("no such command"), "{lines:?}");
        cargo.run_lines(["--version"], &mut |line| panic!("{line}")).unwrap();
        assert!(CliError::from(error.unwrap_err()).is_silent());
    }

    #[test]
    fn a_failure_carries_what_cargo_said() {
        let empty = tempfile::tempdir().unwrap();
        let cargo = Cargo::new(empty.path());
        let error = CliError::from(cargo.capture(["tree"]).unwrap_err());
        assert_eq!(error.exit(), ExitCode::Cargo(101));
        assert!(error.causes()[0].contains("could not find `Cargo.toml`"), "{error}");
        let error = CliError::from(cargo.locate_manifest(None, false).unwrap_err());
        assert_eq!(error.exit(), ExitCode::InvalidInput);
        assert!(error.message().starts_with("could not find `Cargo.toml`"), "{error}");
    }

    #[test]
    fn a_missing_cargo_is_said_with_the_way_out() {
        let cargo = Cargo { program: "no-such-cargo".into(), directory: ".".into(), variables: Vec::new() };
        let error = CliError::from(cargo.version().unwrap_err());
        assert_eq!(error.message(), "failed to run `no-such-cargo`");
        assert!(error.hint_text().unwrap().contains("CARGO"));
    }
}
