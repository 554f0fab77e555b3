//! Do consumers take every .crate that Cargo unpacks?
//!
//! Cargo fetches the dependency closures of the packages in `tests/bench/survey.txt` into a home of the survey's own, and unpacks them
//! there. Then each .crate in that home goes through the walk that vendoring unpacks with, and must hold the same files with
//! the same content as what Cargo has made of it. What is refused, what differs and what is odd is listed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_namespaces::digest::Digest;
use cargo_namespaces::package::{PackageError, Scratch};
use cargo_namespaces_cli::crate_file::CrateFile;
use semver::Version;

/// The packages, one a line: `name version`.
const LIST: &str = include_str!("../survey.txt");
/// Cargo's mark that a package is unpacked whole.
const UNPACKED: &str = ".cargo-ok";

/// What became of the .crates.
#[derive(Debug, Default)]
pub struct Findings {
    /// Packages of the list whose closure could not be fetched, with what Cargo said.
    pub not_fetched: Vec<(String, String)>,
    /// .crates in the home.
    pub crates: usize,
    /// Bytes of the largest.
    pub largest: u64,
    /// Of these, Cargo has unpacked so many.
    pub unpacked: usize,
    /// Refused, with the reason; and whether Cargo has unpacked it.
    pub refused: BTreeMap<String, (String, bool)>,
    /// Unpacked otherwise than by Cargo, with the first path.
    pub differ: BTreeMap<String, String>,
    /// Taken, though nobody could publish them, with the first reason.
    pub odd: BTreeMap<String, String>,
}

/// Surveys in `home`, which is used again by the next run; without `fetch`, what is there.
///
/// # Errors
/// The home cannot be written or read.
pub fn run(home: &Path, fetch: bool) -> std::io::Result<Findings> {
    let mut findings = Findings::default();
    let lines = LIST.lines().filter(|line| !line.starts_with('#'));
    for (name, version) in lines.filter_map(|line| line.split_once(' ')).filter(|_| fetch) {
        println!("fetching {name} {version}");
        let asked = home.join("survey").join(format!("{name}-{version}"));
        let manifest = format!(
            "[package]\nname = \"survey-root\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n\
             [dependencies]\nthe_one = {{ package = \"{name}\", version = \"={version}\" }}\n"
        );
        fs::create_dir_all(asked.join("src"))?;
        fs::write(asked.join("Cargo.toml"), manifest)?;
        fs::write(asked.join("src/lib.rs"), "")?;
        let mut said = cargo_fetch(home, &asked, &[])?;
        if said.is_none()
            && let Some(own) = own_project(home, name, version)?
        {
            said = cargo_fetch(home, &own, &["--locked"])?;
        }
        findings.not_fetched.extend(said.map(|said| (format!("{name} {version}"), said)));
    }
    for registry in directories(&home.join("registry/cache"))? {
        let sources = home.join("registry/src").join(registry.file_name().unwrap_or_default());
        let mut archives: Vec<PathBuf> = fs::read_dir(&registry)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()?;
        archives.sort();
        for archive in archives {
            findings.look_at(&archive, &sources)?;
        }
    }
    Ok(findings)
}

/// Writes a report.
///
/// # Errors
/// It cannot be written.
pub fn write(file: &Path, text: &str) -> std::io::Result<()> {
    fs::write(file, text)
}

/// Gives what Cargo said if it failed.
fn cargo_fetch(home: &Path, project: &Path, flags: &[&str]) -> std::io::Result<Option<String>> {
    let mut cargo = Command::new("cargo");
    cargo.args(["fetch", "--quiet"]).args(flags).current_dir(project).env("CARGO_HOME", home);
    let output = cargo.output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    Ok((!output.status.success()).then(|| said.lines().last().unwrap_or_default().trim().to_owned()))
}

/// A copy of the package to be fetched by its own lock file, if it has one.
fn own_project(home: &Path, name: &str, version: &str) -> std::io::Result<Option<PathBuf>> {
    let stem = format!("{name}-{version}");
    let registries = directories(&home.join("registry/src"))?;
    let unpacked = registries.into_iter().map(|registry| registry.join(&stem));
    let Some(unpacked) = unpacked.into_iter().find(|path| path.join("Cargo.lock").is_file()) else {
        return Ok(None);
    };
    let own = home.join("survey").join(format!("{stem}.own"));
    for file in files(&unpacked)? {
        // Which toolchain it is built with does not matter here, and would have to be installed.
        if !file.starts_with("rust-toolchain") {
            let to = own.join(&file);
            fs::create_dir_all(to.parent().unwrap_or(&own))?;
            fs::copy(unpacked.join(&file), to)?;
        }
    }
    Ok(Some(own))
}

impl Findings {
    fn look_at(&mut self, path: &Path, sources: &Path) -> std::io::Result<()> {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let Some((name, version)) = split(&stem) else { return Ok(()) };
        self.crates += 1;
        self.largest = self.largest.max(fs::metadata(path)?.len());
        let unpacked = sources.join(&stem);
        let by_cargo = unpacked.join(UNPACKED).is_file();
        self.unpacked += usize::from(by_cargo);
        let Some(archive) = CrateFile::read(path)? else {
            self.refused.insert(stem, ("too large".to_owned(), by_cargo));
            return Ok(());
        };
        let mut ours: BTreeMap<String, Digest> = BTreeMap::new();
        let walked = archive.for_each_entry(Some(&mut Scratch::new()), &name, &version, |entry| {
            let digest = entry.digest()?;
            ours.insert(entry.path().to_owned(), digest);
            Ok::<(), PackageError>(())
        });
        match walked {
            Err(error) => {
                self.refused.insert(stem, (error.to_string(), by_cargo));
            }
            Ok(package) => {
                if let Some(first) = package.odd.first.first() {
                    self.odd.insert(stem.clone(), first.clone());
                }
                if by_cargo && let Some(path) = difference(&ours, &unpacked)? {
                    self.differ.insert(stem, path);
                }
            }
        }
        Ok(())
    }
}

/// The first path in which a package and what Cargo unpacked differ.
fn difference(ours: &BTreeMap<String, Digest>, unpacked: &Path) -> std::io::Result<Option<String>> {
    let mut theirs: BTreeMap<String, Digest> = BTreeMap::new();
    for path in files(unpacked)? {
        let digest = Digest::of(&fs::read(unpacked.join(&path))?);
        theirs.insert(path, digest);
    }
    theirs.remove(UNPACKED);
    let differs = |path: &&String| ours.get(*path) != theirs.get(*path);
    Ok(ours.keys().chain(theirs.keys()).find(differs).cloned())
}

/// `name-1.0.0-alpha.1` into its two parts.
fn split(stem: &str) -> Option<(String, Version)> {
    let at = |at: usize| Some((stem[..at].to_owned(), Version::parse(&stem[at + 1..]).ok()?));
    stem.match_indices('-').find_map(|(position, _)| at(position))
}

/// The paths of all files below a directory.
fn files(directory: &Path) -> std::io::Result<Vec<String>> {
    let mut found = Vec::new();
    let mut pending = vec![(directory.to_owned(), String::new())];
    while let Some((directory, below)) = pending.pop() {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let path = format!("{below}{}", entry.file_name().to_string_lossy());
            if entry.file_type()?.is_dir() {
                pending.push((entry.path(), format!("{path}/")));
            } else {
                found.push(path);
            }
        }
    }
    Ok(found)
}

/// The directories in a directory; none where there is no such one.
fn directories(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
    if !directory.is_dir() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(directory)?.collect::<Result<Vec<_>, _>>()?;
    Ok(entries.into_iter().map(|entry| entry.path()).filter(|path| path.is_dir()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_versions_are_told_apart() {
        for (stem, name, version) in [
            ("itoa-1.0.15", "itoa", "1.0.15"),
            ("a-1-2.0.0-rc.1", "a-1", "2.0.0-rc.1"),
            ("curl-sys-0.4.83+curl-8.15.0", "curl-sys", "0.4.83+curl-8.15.0"),
        ] {
            assert_eq!(split(stem), Some((name.to_owned(), Version::parse(version).unwrap())));
        }
    }

    #[test]
    fn every_line_of_the_list_is_a_package() {
        for line in LIST.lines().filter(|line| !line.starts_with('#')) {
            let (_, version) = line.split_once(' ').unwrap();
            Version::parse(version).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }
}
