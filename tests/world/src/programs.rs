//! The programs that the world is made of, and the Debian package of each.
//!
//! A missing program is never a skipped test: [`command`] panics and names the package. `cargo xtask test` installs the same list.

use std::path::PathBuf;
use std::process::Command;

/// The list that `cargo xtask test` installs from, too.
const PROGRAMS: &str = include_str!("../../programs.txt");

/// A command that starts `program` with the C locale and the system's path.
///
/// # Panics
///
/// When the program is not installed, naming the Debian package that holds it.
#[must_use]
pub fn command(program: &str) -> Command {
    let mut command = Command::new(find(program));
    command.env("LC_ALL", "C");
    command
}

/// A command whose process dies with the thread that starts it, so that a killed test leaves no server behind.
///
/// # Panics
///
/// As [`command`].
#[must_use]
pub fn daemon(program: &str) -> Command {
    let mut command = command("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(find(program));
    command
}

/// Where `program` is: in `PATH`, or in the system directories that a user's path may lack.
///
/// # Panics
///
/// As [`command`].
#[must_use]
pub fn find(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/bin", "/sbin", "/bin"].map(PathBuf::from))
        .map(|directory| directory.join(program))
        .find(|candidate| candidate.is_file())
        .unwrap_or_else(|| missing(program))
}

fn missing(program: &str) -> ! {
    let package = PROGRAMS.lines().find_map(|line| line.strip_prefix(program)?.strip_prefix(' '));
    match package {
        Some(package) => panic!(
            "the test world needs `{program}`: run `apt-get install {package}` (or `cargo xtask test` as root, which does)"
        ),
        None => panic!("the test world needs `{program}`, which is not installed"),
    }
}
