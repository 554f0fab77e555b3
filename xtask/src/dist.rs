//! `cargo xtask dist`: an archive with the commands for whoever has no Rust, the same to the byte wherever it is made.
//!
//! What would differ from machine to machine is taken out: the paths of the sources in the programs are replaced, and times,
//! owners and order in the archive are fixed. The toolchain and the C compiler must be the same.
//!
//! ```text
//! target/dist/cargo-namespaces-<version>-<target>.tar.gz   bin/, share/ (manual pages, completions), bill of materials, licences
//! target/dist/SHA256SUMS                                   of the archive
//! target/dist/SHA256SUMS.sig                               with --key FILE: an Ed25519 signature of the checksums
//! ```

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;
use crate::install::{Places, lay_out, write};
use crate::step::{Steps, build_commands, cargo, root};

/// What lies beside the commands.
const TEXTS: [&str; 4] = ["README.md", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT"];
/// The checksums.
const SUMS: &str = "SHA256SUMS";

/// Makes the archive.
pub fn run(arguments: &[String]) -> Result<(), Failure> {
    let key = match arguments {
        [] => None,
        [flag, file] if flag == "--key" => {
            Some(std::path::absolute(file).map_err(|error| error.to_string())?)
        }
        [unexpected, ..] => return Err(format!("unexpected argument `{unexpected}`")),
    };
    let mut steps = Steps::default();
    let dist = root().join("target/dist");
    let name = format!("cargo-namespaces-{}-{}", env!("CARGO_PKG_VERSION"), host()?);
    let time = time()?;
    let build = dist.join("build");
    build_commands(&mut steps, Some(&build), &without_paths()?)?;
    let stage = dist.join(&name);
    if stage.exists() {
        fs::remove_dir_all(&stage)
            .map_err(|error| format!("cannot remove `{}`: {error}", stage.display()))?;
    }
    lay_out(&build.join("release"), &Places::below(&stage))?;
    for text in TEXTS {
        let bytes = fs::read(root().join(text)).map_err(|error| format!("cannot read `{text}`: {error}"))?;
        write(&stage.join(text), &bytes)?;
    }
    bill(&mut steps, &dist, &stage, &time)?;
    let archive = format!("{name}.tar.gz");
    pack(&mut steps, &dist, &name, &archive, &time)?;
    let sums = output(Command::new("sha256sum").arg(&archive).current_dir(&dist))?;
    write(&dist.join(SUMS), sums.as_bytes())?;
    match key {
        Some(key) => sign(&mut steps, &dist, &key)?,
        None => eprintln!(
            "note: nothing is signed without `--key FILE`, an Ed25519 key as `cargo nspublish key new --file` makes it"
        ),
    }
    steps.summary();
    print!("{sums}");
    Ok(())
}

/// Variables by which neither Rust nor C leaves the paths of this machine in a program.
fn without_paths() -> Result<Vec<(&'static str, String)>, Failure> {
    let home =
        std::env::var("CARGO_HOME").or_else(|_| std::env::var("HOME").map(|home| format!("{home}/.cargo")));
    let home = home.map_err(|_| "neither `CARGO_HOME` nor `HOME` is set")?;
    let root = root().display().to_string();
    let places = [(root.as_str(), "/cargo-namespaces"), (home.as_str(), "/cargo")];
    let flags = |flag: &str| places.map(|(from, to)| format!("{flag}={from}={to}")).join(" ");
    let c = flags("-ffile-prefix-map");
    Ok(vec![("RUSTFLAGS", flags("--remap-path-prefix")), ("CFLAGS", c.clone()), ("CXXFLAGS", c)])
}

/// What is in the programs, as `cargo nsvendor` finds it.
fn bill(steps: &mut Steps, dist: &Path, stage: &Path, time: &str) -> Result<(), Failure> {
    let program = stage.join("bin/cargo-nsvendor");
    let mut command = Command::new(program);
    command.current_dir(root()).env("CARGO", cargo().get_program()).env("SOURCE_DATE_EPOCH", time);
    command.arg("nsvendor").arg(dist.join("vendor"));
    command.arg(format!("--sbom=cyclonedx={}", stage.join("bom.cdx.json").display()));
    steps.run("bill of materials", &mut command)
}

fn pack(steps: &mut Steps, dist: &Path, name: &str, archive: &str, time: &str) -> Result<(), Failure> {
    let mut tar = Command::new("tar");
    tar.current_dir(dist);
    tar.args([
        "--create",
        "--sort=name",
        "--owner=0",
        "--group=0",
        "--numeric-owner",
        "--mode=u=rwX,go=rX",
        "--format=ustar",
    ]);
    tar.arg(format!("--mtime=@{time}")).args([
        "--use-compress-program=gzip --no-name -9",
        "--file",
        archive,
        name,
    ]);
    steps.run("archive", &mut tar)
}

/// Anybody verifies it with `openssl pkeyutl -verify -rawin -pubin`.
fn sign(steps: &mut Steps, dist: &Path, key: &Path) -> Result<(), Failure> {
    let mut openssl = Command::new("openssl");
    openssl
        .current_dir(dist)
        .args(["pkeyutl", "-sign", "-rawin", "-in", SUMS, "-out", "SHA256SUMS.sig", "-inkey"])
        .arg(key);
    steps.run("signature", &mut openssl)
}

/// Seconds since 1970 that stand for the time everywhere: of the commit, unless `SOURCE_DATE_EPOCH` says otherwise.
fn time() -> Result<String, Failure> {
    if let Ok(time) = std::env::var("SOURCE_DATE_EPOCH") {
        return Ok(time);
    }
    let said = output(Command::new("git").args(["log", "-1", "--format=%ct"]).current_dir(root()))?;
    Ok(said.trim().to_owned())
}

/// The target that is built for.
fn host() -> Result<String, Failure> {
    let rustc: PathBuf = PathBuf::from(cargo().get_program()).with_file_name("rustc");
    let said = output(Command::new(rustc).arg("-vV"))?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc does not say what it builds for".to_owned())
}

fn output(command: &mut Command) -> Result<String, Failure> {
    let shown = crate::step::shown(command);
    let output = command.output().map_err(|error| format!("cannot start {shown}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{shown} failed: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("{shown} printed no text"))
}
