//! What some tests need of the machine, and `cargo xtask test` cannot install.
//!
//! A test that cannot run fails. Whoever does without it says so: `NAMESPACE_TESTS_WITHOUT=mount,port-53` in the environment.

use std::net::UdpSocket;
use std::path::PathBuf;

use rustix::process::{Resource, getrlimit};

use crate::programs;

/// The variable that lists what this machine does without, separated by commas.
pub const WITHOUT: &str = "NAMESPACE_TESTS_WITHOUT";

/// A need of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Mounting a file system of one's own: small disks that fill up.
    Mount,
    /// Port 53 on loopback: the servers of a zone are asked there.
    Port53,
    /// More than ten thousand open files in one process.
    OpenFiles,
    /// .crates and index files of crates.io in the `CARGO_HOME` of whoever runs the tests: they are compared with our rules.
    CargoCache,
}

impl Need {
    const ALL: [Self; 4] = [Self::Mount, Self::Port53, Self::OpenFiles, Self::CargoCache];

    /// As the variable names it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mount => "mount",
            Self::Port53 => "port-53",
            Self::OpenFiles => "open-files",
            Self::CargoCache => "cargo-cache",
        }
    }

    fn is_met(self) -> bool {
        match self {
            Self::Mount => {
                let mut mount = programs::command("unshare");
                mount.args(["--mount", "--user", "--map-root-user", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]);
                mount.output().is_ok_and(|output| output.status.success())
            }
            Self::Port53 => UdpSocket::bind(("127.254.254.254", 53)).is_ok(),
            Self::OpenFiles => getrlimit(Resource::Nofile).maximum.is_none_or(|most| most > 11_000),
            Self::CargoCache => cargo_home().join("registry/cache").is_dir(),
        }
    }
}

/// Whether the test can run: `if !require(Need::Mount) { return; }`.
///
/// # Panics
///
/// When the machine lacks it, and the variable [`WITHOUT`] does not name it, or names something unknown.
#[must_use]
pub fn require(need: Need) -> bool {
    let without = std::env::var(WITHOUT).unwrap_or_default();
    let found = decide(need, &without, || need.is_met());
    let can_run = found.unwrap_or_else(|message| panic!("{message}"));
    if !can_run {
        eprintln!("not tested: {WITHOUT} names `{}`", need.name());
    }
    can_run
}

/// What is opted out of is not tried, so that a run tells the same on every machine.
fn decide(need: Need, without: &str, is_met: impl FnOnce() -> bool) -> Result<bool, String> {
    let names: Vec<&str> = without.split(',').filter(|name| !name.is_empty()).collect();
    if let Some(unknown) = names.iter().find(|name| Need::ALL.iter().all(|need| need.name() != **name)) {
        let known = Need::ALL.map(Need::name).join(", ");
        return Err(format!("{WITHOUT} names `{unknown}`; there is: {known}"));
    }
    if names.contains(&need.name()) {
        return Ok(false);
    }
    if is_met() {
        return Ok(true);
    }
    let name = need.name();
    Err(format!(
        "this machine lacks what this test needs ({need:?}); to run the others, set {WITHOUT}={name}"
    ))
}

/// The `CARGO_HOME` of whoever runs the tests.
#[must_use]
pub fn cargo_home() -> PathBuf {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo"));
    std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(home).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_that_cannot_run_fails_unless_the_person_opted_out() {
        assert_eq!(decide(Need::Mount, "", || true), Ok(true));
        assert_eq!(decide(Need::Mount, "port-53", || true), Ok(true));
        assert_eq!(decide(Need::Mount, "port-53,mount", || panic!("not tried")), Ok(false));
        let message = decide(Need::Mount, "port-53", || false).unwrap_err();
        assert!(message.contains("set NAMESPACE_TESTS_WITHOUT=mount"), "{message}");
        let message = decide(Need::Mount, "mounts", || true).unwrap_err();
        assert!(message.contains("`mounts`; there is: mount, port-53"), "{message}");
    }
}
