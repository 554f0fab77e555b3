//! The real cargo: run, watched, asked.
//!
//! `CARGO` names it when we run as its subcommand; otherwise it is the `cargo` of the search path. Its output is the
//! user's: it inherits the terminal unless it is captured.
//!
//! Cargo bounds neither how much nor how long a host may answer, so every Cargo that is started here is [watched](watch).

mod error;
mod watch;

use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use semver::Version;

use crate::env::Var;
use crate::registry_client::SignIn;
use crate::settings::Settings;
use cargo_namespaces::name::CRATES_IO_INDEX;
use cargo_namespaces_net::client::LOCALHOST;
use cargo_namespaces_net::fs::directory_of;
use cargo_namespaces_net::interrupt;
pub use error::CargoError;
pub use watch::Excess;
use watch::Watch;

/// The first Cargo that is not open to CVE-2026-5223: before it, a symbolic link in one crate could overwrite the cached
/// source of another.
const SAFE_UNPACKING: Version = Version::new(1, 96, 0);
/// How long a child may take to end by itself after Ctrl-C.
const GRACE: Duration = Duration::from_secs(2);
/// The proxy for `http` where `http` is refused. curl knows that names below `localhost` are this machine, and shows the name
/// in its error.
const NO_HTTP: &str = "http://redirects-to-http-are-not-followed.localhost:1";
/// How often somebody who waits for a line looks whether Ctrl-C came.
const LOOK_AROUND: Duration = Duration::from_millis(50);

/// A cargo to run in one directory.
#[derive(Clone, Debug)]
pub struct Cargo {
    program: OsString,
    directory: PathBuf,
    /// Set where nothing is asked over `http`: the proxy for `https`, if there is one.
    https_only: Option<Option<String>>,
    /// Variables over the user's own.
    variables: Vec<(&'static str, OsString)>,
    /// The private registries that it may ask.
    sign_in: Option<SignIn>,
}

impl Cargo {
    /// The cargo that runs us, or the one of the search path, to be run in `directory`.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        let program = Var::Cargo.get_os().unwrap_or_else(|| "cargo".into());
        Self { program, directory: directory.into(), https_only: None, variables: Vec::new(), sign_in: None }
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

    /// Signs in to these registries before it is started with the network.
    #[must_use]
    pub fn signing_in(mut self, sign_in: SignIn) -> Self {
        self.sign_in = Some(sign_in);
        self
    }

    /// Keeps it from following a redirect from `https` to `http`, as our own client does: `http` gets a proxy that nothing
    /// listens at. Only for what builds nothing, since build scripts would inherit it; and only where nothing can lead to `http`
    /// rightly: all that the configuration and `texts`, the project's lock files and manifests, name is crates.io and sparse
    /// indexes over `https`. A repository has submodules and manifests of its own, and a git index names its downloads.
    /// An `http.proxy` in a configuration file counts for Cargo before any variable: there it is left as it is.
    #[must_use]
    pub fn https_only<'t>(mut self, settings: &Settings, texts: impl IntoIterator<Item = &'t str>) -> Self {
        if !settings.proxy_in_file && settings.is_https_only() && !texts.into_iter().any(may_lead_to_http) {
            self.https_only = Some(settings.http.proxy.as_ref().map(|proxy| proxy.url.clone()));
        }
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
        if Var::NamespacesDev.get_os().is_some() {
            // curl takes a proxy for http also to this machine, and reads the lower-case name first.
            let except = Var::NoProxyLower.get().or_else(|| Var::NoProxy.get()).unwrap_or_default();
            command.env(Var::NoProxyLower.name(), format!("{except},{LOCALHOST}").trim_start_matches(','));
        }
        if let Some(proxy) = &self.https_only {
            // Cargo's own variable would count for both.
            command.env_remove(Var::CargoHttpProxy.name()).env("http_proxy", NO_HTTP);
            match proxy {
                Some(proxy) => command.env(Var::HttpsProxyLower.name(), proxy),
                // Without a proxy for https, exceptions are for nothing but http.
                None if Var::NamespacesDev.get_os().is_some() => {
                    command.env(Var::NoProxyLower.name(), LOCALHOST)
                }
                None => command.env_remove(Var::NoProxyLower.name()).env_remove(Var::NoProxy.name()),
            };
        }
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
        let child = self.start(&mut command)?;
        let watch = Watch::new(child.id());
        let status = wait(child, watch, &command)?;
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
        let mut watch = Watch::new(child.id());
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
            if let Some(excess) = watch.exceeded() {
                return Err(end(&mut child, excess, &command));
            }
            if interrupt::is_set() && interrupted_at.get_or_insert_with(Instant::now).elapsed() > GRACE {
                break;
            }
        }
        let status = wait(child, watch, &command)?;
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
        command.envs(Var::secrets());
        self.run_command(command, quiet_out)
    }

    /// Runs it and keeps both its outputs.
    ///
    /// # Errors
    /// It cannot be started, fails, or Ctrl-C.
    pub fn capture<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Result<Output, CargoError> {
        let mut command = self.command(args);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.start(&mut command)?;
        let watch = Watch::new(child.id());
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let (status, stdout, stderr) = std::thread::scope(|scope| {
            let (out, err) = (scope.spawn(|| read_whole(out)), scope.spawn(|| read_whole(err)));
            let status = wait(child, watch, &command);
            let read = "reading a pipe does not panic";
            (status, out.join().expect(read), err.join().expect(read))
        });
        let status = status?;
        if status.success() {
            return Ok(Output { status, stdout, stderr });
        }
        let mut stderr = String::from_utf8_lossy(&stderr).into_owned();
        if stderr.is_empty() {
            stderr = "it said nothing".to_owned();
        }
        Err(CargoError::Failed { command: shown(&command), status, stderr })
    }

    fn start(&self, command: &mut Command) -> Result<Child, CargoError> {
        interrupt::check()?;
        let offline = command.get_args().any(|arg| arg == "--offline" || arg == "--frozen");
        if let Some(sign_in) = self.sign_in.as_ref().filter(|_| !offline) {
            command.args(sign_in.flags());
            interrupt::check()?;
        }
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

    /// What cargo says of a lock file that cannot be read, without `error: `; nothing where it says nothing of it, because it
    /// can be read or something else is wrong first.
    #[must_use]
    pub fn says_of_lock(&self, manifest_path: &Path) -> Option<String> {
        let mut args: Vec<OsString> = ["pkgid", "--offline"].map(Into::into).to_vec();
        args.extend(manifest_flag(Some(manifest_path)));
        match self.capture(&args) {
            Err(CargoError::Failed { stderr, .. }) if stderr.contains("lock file") => {
                Some(stderr.trim().trim_start_matches("error: ").to_owned())
            }
            _ => None,
        }
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
fn wait(mut child: Child, mut watch: Watch, command: &Command) -> Result<ExitStatus, CargoError> {
    let failed = |source| CargoError::Start { program: "cargo".to_owned(), source };
    let mut pause = Duration::from_millis(1);
    let mut interrupted_at: Option<Instant> = None;
    loop {
        if let Some(status) = child.try_wait().map_err(failed)? {
            interrupt::check()?;
            return Ok(status);
        }
        if let Some(excess) = watch.exceeded() {
            return Err(end(&mut child, excess, command));
        }
        if interrupt::is_set() && interrupted_at.get_or_insert_with(Instant::now).elapsed() > GRACE {
            let _ = child.kill();
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

/// Ends a child that took too much.
fn end(child: &mut Child, excess: Excess, command: &Command) -> CargoError {
    // One that has ended meanwhile cannot be killed, and need not be.
    let _ = child.kill();
    let _ = child.wait();
    CargoError::Excess { command: shown(command), excess }
}

/// What a child writes, until it closes the pipe.
fn read_whole(pipe: Option<impl io::Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    // What cannot be read any more was not said.
    let _ = pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
    bytes
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

/// Whether a manifest or a lock file names a repository, or a registry that is neither crates.io nor a sparse index over `https`.
fn may_lead_to_http(text: &str) -> bool {
    // `git = …`, `"git"=…`, `git+https://…`
    let is_named = |rest: &str| rest.trim_start_matches(['"', '\'', ' ', '\t']).starts_with(['=', '+']);
    text.contains("+http://")
        || text.match_indices("git").any(|(at, git)| is_named(&text[at + git.len()..]))
        || text
            .match_indices("registry+")
            .any(|(at, kind)| !text[at + kind.len()..].starts_with(CRATES_IO_INDEX))
}

#[cfg(test)]
mod tests;
