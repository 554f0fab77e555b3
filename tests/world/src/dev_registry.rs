//! A development registry (`cargo nsregistry serve --dev`) with nothing around it: no world, no variable of a developer's, an
//! empty home. What it prints can be typed.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::home::{built, toolchain};
use crate::run::{Output, run};

/// How long it may take to come up.
const START: Duration = Duration::from_secs(60);

/// A running one, in a directory with a home beside its own.
#[derive(Debug)]
pub struct DevRegistry {
    directory: PathBuf,
    address: SocketAddr,
    child: Child,
}

/// An address of loopback where nothing listens just now.
///
/// # Panics
///
/// When there is none.
#[must_use]
pub fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    listener.local_addr().expect("a socket has an address")
}

/// Sends a request as it stands; the status of the answer, and the answer.
///
/// # Panics
///
/// When nothing answers.
#[must_use]
pub fn ask(address: SocketAddr, request: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("the registry listens");
    stream.write_all(request.as_bytes()).expect("the registry reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the registry answers");
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or_else(|| panic!("no HTTP: {answer}")), answer)
}

impl DevRegistry {
    /// Starts one in `directory`.
    ///
    /// # Panics
    ///
    /// When it does not come up.
    #[must_use]
    pub fn start(directory: &Path) -> Self {
        Self::start_at(directory, free_address(), &[])
    }

    /// As [`Self::start`], at this address and with further variables.
    ///
    /// # Panics
    ///
    /// As [`Self::start`].
    #[must_use]
    pub fn start_at(directory: &Path, address: SocketAddr, variables: &[(&str, &str)]) -> Self {
        fs::create_dir_all(directory.join("home")).expect("create a home");
        let log = |name: &str| File::create(directory.join(name)).expect("create a log");
        let mut command = bare(directory, built("cargo-nsregistry"));
        command.args(["serve", "--dev", "--listen", &address.to_string()]).envs(variables.iter().copied());
        command.stdin(Stdio::null()).stdout(log("stdout")).stderr(log("stderr"));
        let child = command.spawn().expect("start a development registry");
        let mut registry = Self { directory: directory.to_owned(), address, child };
        let deadline = Instant::now() + START;
        // The commands end with an empty line.
        while !registry.commands().ends_with("\n\n") {
            let ended = registry.child.try_wait().expect("ask for its state");
            assert!(ended.is_none() && Instant::now() < deadline, "{ended:?}: {}", registry.log());
            std::thread::sleep(Duration::from_millis(5));
        }
        registry
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its own directory.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.directory.join("nsregistry-dev")
    }

    /// The commands that it printed, as they stand.
    ///
    /// # Panics
    ///
    /// When its output cannot be read.
    #[must_use]
    pub fn commands(&self) -> String {
        fs::read_to_string(self.directory.join("stdout")).expect("read its output")
    }

    /// What it said beside them.
    ///
    /// # Panics
    ///
    /// When its log cannot be read.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.join("stderr")).expect("read its log")
    }

    /// Types lines into a shell that has nothing but a toolchain and an empty home; it ends at the first that fails.
    pub fn paste(&self, lines: &str) -> Output {
        run(&mut self.shell(lines))
    }

    /// The shell of [`Self::paste`].
    #[must_use]
    pub fn shell(&self, lines: &str) -> Command {
        let mut shell = bare(&self.directory, "/bin/sh");
        shell.args(["-ec", lines]);
        shell
    }

    /// The lines that set the variables, for other commands than those that were printed.
    #[must_use]
    pub fn variables(&self) -> String {
        let commands = self.commands();
        commands
            .lines()
            .take_while(|line| line.starts_with("export "))
            .map(|line| format!("{line}\n"))
            .collect()
    }
}

impl Drop for DevRegistry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program as at the terminal of somebody who has just installed Rust.
fn bare(directory: &Path, program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().envs(toolchain()).env("HOME", directory.join("home")).current_dir(directory);
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}
