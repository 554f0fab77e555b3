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
/// In the form that `sha256sum --check` reads.
const SUMS: &str = "SHA256SUMS";
/// Ed25519 over the bytes of [`SUMS`], 64 bytes.
const SIGNATURE: &str = "SHA256SUMS.sig";

/// Builds, lays out, packs and, with a key, signs.
pub fn run(arguments: &[String]) -> Result<(), Failure> {
    let key = key(arguments)?;
    let mut steps = Steps::default();
    let dist = root().join("target/dist");
    let name = format!("cargo-namespaces-{}-{}", env!("CARGO_PKG_VERSION"), host()?);
    let time = time()?;
    let build = dist.join("build");
    build_commands(&mut steps, &build, &without_paths()?)?;
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
    sum(&dist, &sums)?;
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

/// The key to sign with.
fn key(arguments: &[String]) -> Result<Option<PathBuf>, Failure> {
    let file = match arguments {
        [] => return Ok(None),
        [flag, file] if flag == "--key" => file.as_str(),
        [flag] if flag.starts_with("--key=") => &flag["--key=".len()..],
        [flag] if flag == "--key" => return Err("`--key` needs a file".to_owned()),
        [unexpected, ..] => return Err(format!("unexpected argument `{unexpected}`")),
    };
    std::path::absolute(file).map(Some).map_err(|error| format!("`{file}` is no file to sign with: {error}"))
}

/// Writes the checksums. A signature of others, made earlier, does not stay beside them.
fn sum(dist: &Path, sums: &str) -> Result<(), Failure> {
    let signature = dist.join(SIGNATURE);
    match fs::remove_file(&signature) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("cannot remove `{}`: {error}", signature.display()))
        }
        _ => write(&dist.join(SUMS), sums.as_bytes()),
    }
}

/// Variables by which neither Rust nor C leaves the paths of this machine in a program, and those that must not be set.
fn without_paths() -> Result<Vec<(&'static str, Option<String>)>, Failure> {
    let home =
        std::env::var("CARGO_HOME").or_else(|_| std::env::var("HOME").map(|home| format!("{home}/.cargo")));
    let home = home.map_err(|_| "neither `CARGO_HOME` nor `HOME` is set")?;
    Ok(mapped(&root().display().to_string(), &home))
}

fn mapped(root: &str, home: &str) -> Vec<(&'static str, Option<String>)> {
    let places = [(root, "/cargo-namespaces"), (home, "/cargo")];
    let flags = |flag: &str| places.map(|(from, to)| format!("{flag}={from}={to}"));
    // A path may have spaces. What was encoded wins over `RUSTFLAGS`, and so does an encoded one of whoever builds.
    let rust = flags("--remap-path-prefix").join("\u{1f}");
    let quoted = |text: String| match text.chars().all(|c| c.is_ascii_alphanumeric() || "/=._-+".contains(c))
    {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    };
    let c = flags("-ffile-prefix-map").map(quoted).join(" ");
    vec![
        ("RUSTFLAGS", None),
        ("CARGO_ENCODED_RUSTFLAGS", Some(rust)),
        ("CC_SHELL_ESCAPED_FLAGS", Some("1".to_owned())),
        ("CFLAGS", Some(c.clone())),
        ("CXXFLAGS", Some(c)),
    ]
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
        .args(["pkeyutl", "-sign", "-rawin", "-in", SUMS, "-out", SIGNATURE, "-inkey"])
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Result<Option<PathBuf>, Failure> {
        key(&arguments.iter().map(|&text| text.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn the_key_is_named_in_either_way() {
        assert_eq!(read(&[]), Ok(None));
        let expected = Ok(Some(PathBuf::from("/keys/release.pem")));
        assert_eq!(read(&["--key", "/keys/release.pem"]), expected);
        assert_eq!(read(&["--key=/keys/release.pem"]), expected);
        for wrong in [&["--key"] as &[&str], &["--key="], &["--kez=x"], &["--key", "a", "b"]] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_path_with_a_space_is_one_flag() {
        let variables = mapped("/home/a b/clone", "/home/a b/.cargo");
        let find =
            |name| variables.iter().find(|(known, _)| *known == name).and_then(|(_, value)| value.clone());
        let rust = find("CARGO_ENCODED_RUSTFLAGS").unwrap();
        let flags: Vec<&str> = rust.split('\u{1f}').collect();
        assert_eq!(
            flags,
            [
                "--remap-path-prefix=/home/a b/clone=/cargo-namespaces",
                "--remap-path-prefix=/home/a b/.cargo=/cargo"
            ]
        );
        assert!(
            find("CFLAGS").unwrap().starts_with("'-ffile-prefix-map=/home/a b/clone=/cargo-namespaces' '")
        );
        assert!(variables.contains(&("RUSTFLAGS", None)), "one of the caller's is not laid over it");
    }

    #[test]
    fn an_older_signature_does_not_stay_beside_new_sums() {
        let dist = std::env::temp_dir().join(format!("cargo-namespaces-dist-{}", std::process::id()));
        write(&dist.join(SIGNATURE), b"of others").unwrap();
        sum(&dist, "sums\n").unwrap();
        assert!(!dist.join(SIGNATURE).exists());
        assert_eq!(fs::read_to_string(dist.join(SUMS)).unwrap(), "sums\n");
        sum(&dist, "sums\n").unwrap();
        fs::remove_dir_all(&dist).unwrap();
    }
}
