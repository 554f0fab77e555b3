//! What the tasks need from outside: Debian packages, Cargo tools, validators. Installed where it is missing.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use crate::Failure;
use crate::step::{Steps, cargo, root};

/// The version of cargo-local-registry that is measured against.
const LOCAL_REGISTRY: &str = "0.2.12";

/// Lines of a program and the Debian package that holds it; `#` begins a comment.
const PROGRAMS: &str = include_str!("../../tests/programs.txt");

/// Installs the Debian packages that are missing, or says which.
pub fn debian_packages(steps: &mut Steps) -> Result<(), Failure> {
    let lines = PROGRAMS.lines().filter(|line| !line.starts_with('#'));
    let missing = lines.filter_map(|line| line.split_once(' ')).filter(|(program, _)| !is_installed(program));
    // Sorted, and each package once.
    let packages: BTreeSet<&str> = missing.map(|(_, package)| package).collect();
    if packages.is_empty() {
        return Ok(());
    }
    let names = packages.iter().copied().collect::<Vec<_>>().join(" ");
    if !is_root() {
        return Err(format!(
            "the test world needs programs that are not installed; as root, run\n\n    apt-get install --no-install-recommends {names}\n"
        ));
    }
    steps.run("package lists", Command::new("apt-get").args(["update", "--quiet"]))?;
    steps.run(
        "Debian packages",
        Command::new("apt-get")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(["install", "--no-install-recommends", "--yes", "--quiet"])
            .args(&packages)
            .current_dir(root()),
    )
}

/// Installs cargo-nextest unless it is there.
pub fn nextest(steps: &mut Steps) -> Result<(), Failure> {
    let there = cargo().args(["nextest", "--version"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if there.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    steps.run("cargo-nextest", cargo().args(["install", "--locked", "cargo-nextest"]))
}

/// Installs cargo-local-registry, which local registries are measured against, into `target/tools`.
pub fn local_registry(steps: &mut Steps) -> Result<(), Failure> {
    let tools = root().join("target/tools");
    if tools.join("bin/cargo-local-registry").is_file() {
        return Ok(());
    }
    let mut install = cargo();
    install.args(["install", "--locked", "cargo-local-registry", "--version", LOCAL_REGISTRY, "--root"]);
    steps.run("cargo-local-registry", install.arg(tools))
}

/// Installs the validators of bills of materials unless they are there, in these versions.
pub fn validators(steps: &mut Steps) -> Result<(), Failure> {
    let (wanted, directory) = (root().join("tests/validators.txt"), root().join("target/validators"));
    let noted = directory.join("installed.txt");
    let text =
        std::fs::read(&wanted).map_err(|error| format!("cannot read {}: {error}", wanted.display()))?;
    if std::fs::read(&noted).is_ok_and(|noted| noted == text) {
        return Ok(());
    }
    steps.run(
        "validators",
        Command::new("pip3")
            .args(["install", "--quiet", "--disable-pip-version-check", "--upgrade", "--target"])
            .arg(&directory)
            .arg("--requirement")
            .arg(&wanted),
    )?;
    std::fs::copy(&wanted, &noted).map_err(|error| format!("cannot write {}: {error}", noted.display()))?;
    Ok(())
}

/// Whether a program is in the path, or where Debian keeps its servers.
fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/usr/bin".into()])
        .any(|directory: std::path::PathBuf| directory.join(program).is_file())
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
}
