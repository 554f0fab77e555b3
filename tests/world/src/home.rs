//! A home to run commands in: directories, an environment, and no server.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::TempDir;

use crate::project::Project;

/// Where nobody listens. What needs the network fails at once, and is a test for a [`crate::World`].
const NOBODY: &str = "127.0.0.1:1";

/// A throw-away directory, and commands that see nothing else. Removed when dropped.
///
/// ```text
/// home/, cargo/   HOME and CARGO_HOME        target/   CARGO_TARGET_DIR
/// projects/       Home::project              tmp/      TMPDIR
/// ```
#[derive(Debug)]
pub struct Home {
    environment: Mutex<Vec<(String, String)>>,
    directory: TempDir,
}

impl Default for Home {
    fn default() -> Self {
        Self::new()
    }
}

impl Home {
    /// Makes the directories.
    ///
    /// # Panics
    ///
    /// When they cannot be made.
    #[must_use]
    pub fn new() -> Self {
        let directory =
            tempfile::Builder::new().prefix("world-").tempdir().expect("create the home's directory");
        for name in ["home", "cargo", "target", "tmp", "projects", "run"] {
            fs::create_dir_all(directory.path().join(name)).expect("create a directory of the home");
        }
        Self { environment: Mutex::default(), directory }
    }

    /// The directory of it all.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.directory.path()
    }

    /// `HOME` of the commands.
    #[must_use]
    pub fn home(&self) -> PathBuf {
        self.root().join("home")
    }

    /// `CARGO_HOME` of the commands.
    #[must_use]
    pub fn cargo_home(&self) -> PathBuf {
        self.root().join("cargo")
    }

    /// `CARGO_TARGET_DIR` of the commands.
    #[must_use]
    pub fn target_dir(&self) -> PathBuf {
        self.root().join("target")
    }

    /// The directory of the project `name`, made on first use.
    #[must_use]
    pub fn project(&self, name: &str) -> Project {
        Project::at(self.root().join("projects").join(name))
    }
}

impl Home {
    /// `cargo`, the stock one of the toolchain that runs the tests.
    #[must_use]
    pub fn cargo(&self) -> Command {
        self.command("cargo")
    }

    /// `cargo-nsadd`, as built beside the tests.
    #[must_use]
    pub fn nsadd(&self) -> Command {
        self.command(built("cargo-nsadd"))
    }

    /// `cargo-nspublish`, as built beside the tests.
    #[must_use]
    pub fn nspublish(&self) -> Command {
        self.command(built("cargo-nspublish"))
    }

    /// `cargo-nsvendor`, as built beside the tests.
    #[must_use]
    pub fn nsvendor(&self) -> Command {
        self.command(built("cargo-nsvendor"))
    }

    /// `cargo-nsregistry`, as built beside the tests.
    #[must_use]
    pub fn nsregistry(&self) -> Command {
        self.command(built("cargo-nsregistry"))
    }

    /// Any program, in the environment of the home and nothing else, started in it.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(self.environment()).current_dir(self.home());
        command
    }

    /// Adds a variable to the environment of all later commands.
    pub fn set_env(&self, name: &str, value: &str) {
        let mut environment = lock(&self.environment);
        environment.retain(|(other, _)| other != name);
        environment.push((name.to_owned(), value.to_owned()));
    }

    /// A variable of the environment of a command.
    ///
    /// # Panics
    ///
    /// When it is not set.
    #[must_use]
    pub fn variable(&self, name: &str) -> String {
        let set = self.environment().into_iter().find(|(variable, _)| variable == name);
        set.unwrap_or_else(|| panic!("{name} is not set")).1
    }

    /// The whole environment of a command.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        let path = |name: &str| self.root().join(name).display().to_string();
        let mut variables: Vec<(String, String)> = [
            ("PATH", search_path()),
            ("HOME", path("home")),
            ("CARGO_HOME", path("cargo")),
            ("CARGO_TARGET_DIR", path("target")),
            ("TMPDIR", path("tmp")),
            ("XDG_CONFIG_HOME", path("home/.config")),
            ("XDG_DATA_HOME", path("home/.local/share")),
            ("XDG_CACHE_HOME", path("home/.cache")),
            ("XDG_RUNTIME_DIR", path("run")),
            ("LANG", "C.UTF-8".to_owned()),
            ("USER", "tester".to_owned()),
            ("GIT_CONFIG_NOSYSTEM", "1".to_owned()),
            ("GIT_AUTHOR_NAME", "tester".to_owned()),
            ("GIT_AUTHOR_EMAIL", "tester@world.example".to_owned()),
            ("GIT_COMMITTER_NAME", "tester".to_owned()),
            ("GIT_COMMITTER_EMAIL", "tester@world.example".to_owned()),
            ("CARGO_TERM_COLOR", "never".to_owned()),
            ("CARGO_INCREMENTAL", "0".to_owned()),
            ("CARGO_PROFILE_DEV_DEBUG", "0".to_owned()),
            ("CARGO_HTTP_PROXY", format!("http://{NOBODY}")),
            ("CARGO_NAMESPACES_RESOLVER", NOBODY.to_owned()),
            ("CARGO_NAMESPACES_SPECIAL_USE", "true".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        variables.extend(toolchain());
        let set = lock(&self.environment);
        variables.retain(|(name, _)| !set.iter().any(|(other, _)| other == name));
        variables.extend(set.iter().cloned());
        variables
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The directory of the binaries that were built with the running one.
fn built_dir() -> PathBuf {
    let executable = std::env::current_exe().expect("the running program has a path");
    let directory = executable.parent().expect("a program is in a directory");
    // Tests are in target/debug/deps, commands in target/debug.
    if directory.ends_with("deps") {
        directory.parent().expect("deps is in a directory").to_owned()
    } else {
        directory.to_owned()
    }
}

/// A command of ours, as built beside the running program.
///
/// # Panics
///
/// When it is not built.
#[must_use]
pub fn built(program: &str) -> PathBuf {
    let path = built_dir().join(program);
    assert!(
        path.is_file(),
        "{} is not built: run `cargo build --workspace` first, or `cargo xtask test`",
        path.display()
    );
    path
}

/// Our commands first, then the caller's path, so that the toolchain is found.
fn search_path() -> String {
    let old = std::env::var("PATH").unwrap_or_default();
    format!("{}:{old}", built_dir().display())
}

/// What rustup needs to find the toolchain although the home is another one.
pub(crate) fn toolchain() -> Vec<(String, String)> {
    let home = std::env::var("HOME").unwrap_or_default();
    let mut variables =
        vec![("RUSTUP_HOME".to_owned(), std::env::var("RUSTUP_HOME").unwrap_or(format!("{home}/.rustup")))];
    if let Ok(toolchain) = std::env::var("RUSTUP_TOOLCHAIN") {
        variables.push(("RUSTUP_TOOLCHAIN".to_owned(), toolchain));
    }
    variables
}
