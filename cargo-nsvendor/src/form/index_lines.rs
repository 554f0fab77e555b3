//! The index lines of locked packages, byte for byte as their registries published them.
//!
//! | of | from |
//! |---|---|
//! | a namespace | its index, through our cache: the line that was verified |
//! | crates.io | Cargo's own cache of the index; else the sparse index |
//! | another registry | the same |
//!
//! Cargo keeps each crate's lines in `$CARGO_HOME/registry/index/<host>-<hash>/.cache/<path>`: a version byte (3), four bytes of
//! the line format's version, then texts that end in a zero byte: what the registry called this state, and for each
//! release its version and its line. Where that is of another form, the index is asked.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use cargo_namespaces::digest::Digest;
use cargo_namespaces::index::index_path;
use cargo_namespaces::name::{CrateName, IndexUrl};
use cargo_namespaces_cli::registry_client::RegistryClient;
use cargo_namespaces_cli::settings::{Replacement, Settings};
use cargo_namespaces_cli::shell::{CliError, ExitCode};
use semver::Version;
use serde::Deserialize;

use crate::plan::{Package, Source, SourceDir};
use crate::work;

/// crates.io's sparse index.
const CRATES_IO: &str = "sparse+https://index.crates.io/";
/// What Cargo names the caches of crates.io: of the sparse index, and of the git one before.
const CRATES_IO_HOSTS: [&str; 2] = ["index.crates.io", "github.com"];
/// The form of Cargo's cache that is read here, and the bytes before its texts.
const CACHE_VERSION: u8 = 3;
const CACHE_HEADER: usize = 5;

/// The part of a line by which it is recognised.
#[derive(Deserialize)]
struct Known {
    name: String,
    vers: Version,
    cksum: Digest,
}

/// An index file of a local registry: its path below `index/`, and its text.
pub type IndexFile = (String, String);

/// The index files for the packages of one registry: each crate's locked releases, and no others.
///
/// # Errors
/// A line cannot be had.
pub fn index_files(
    settings: &Settings,
    client: &RegistryClient<'_>,
    source: &SourceDir,
) -> Result<Vec<IndexFile>, CliError> {
    let mut found: BTreeMap<(String, Version), String> = BTreeMap::new();
    if !matches!(source.source, Source::Namespace { .. }) {
        let caches = caches_of(settings, &source.source);
        let lines = work::for_each(&source.packages, |package| Ok(cached_line(&caches, package)))?;
        for (package, line) in source.packages.iter().zip(lines) {
            if let Some(line) = line {
                found.insert((package.name.clone(), package.version.clone()), line);
            }
        }
    }
    let missing: Vec<&Package> = source
        .packages
        .iter()
        .filter(|package| !found.contains_key(&(package.name.clone(), package.version.clone())))
        .collect();
    for (package, line) in asked(settings, client, &source.source, &missing)? {
        found.insert((package.name.clone(), package.version.clone()), line);
    }
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for ((name, _), line) in found {
        let text = files.entry(path_of(&name)?).or_default();
        text.push_str(&line);
        text.push('\n');
    }
    Ok(files.into_iter().collect())
}

/// Whether an index file is right: a line for each locked release, as published, but that it may have been yanked since.
///
/// # Errors
/// It is not JSON.
pub fn same_lines(one: &str, other: &str) -> Result<bool, serde_json::Error> {
    let lines = |text: &str| -> Result<Vec<serde_json::Value>, serde_json::Error> {
        let mut lines = Vec::new();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let mut value: serde_json::Value = serde_json::from_str(line)?;
            if let Some(object) = value.as_object_mut() {
                object.remove("yanked");
                object.remove("yank_attestations");
            }
            lines.push(value);
        }
        Ok(lines)
    };
    Ok(lines(one)? == lines(other)?)
}

/// The hash that the index says for a package.
///
/// # Errors
/// A line cannot be had.
pub fn checksum_of(
    settings: &Settings,
    client: &RegistryClient<'_>,
    source: &Source,
    package: &Package,
) -> Result<Digest, CliError> {
    let line = match cached_line(&caches_of(settings, source), package) {
        Some(line) => line,
        None => {
            let mut lines = asked(settings, client, source, &[package])?;
            lines.pop().ok_or_else(|| missing(source, package))?.1
        }
    };
    let known: Known = serde_json::from_str(&line).map_err(|_| missing(source, package))?;
    Ok(known.cksum)
}

/// Asks the index for the lines of packages.
fn asked<'p>(
    settings: &Settings,
    client: &RegistryClient<'_>,
    source: &Source,
    packages: &[&'p Package],
) -> Result<Vec<(&'p Package, String)>, CliError> {
    if packages.is_empty() {
        return Ok(Vec::new());
    }
    let index = match source {
        Source::Namespace { index, .. } => Some(index.clone()),
        Source::CratesIo => match settings.crates_io_replacement().ok().flatten() {
            Some(Replacement::Index(index)) => Some(index),
            _ => IndexUrl::parse(CRATES_IO).ok(),
        },
        Source::Registry(url) => IndexUrl::parse(url).ok(),
        Source::Git(_) => None,
    };
    let Some(index) = index else { return Err(missing(source, packages[0])) };
    let mut crates = Vec::with_capacity(packages.len());
    for package in packages {
        crates.push((index.clone(), crate_name(&package.name)?));
    }
    let mut lines = Vec::with_capacity(packages.len());
    for (package, text) in packages.iter().zip(client.index_texts(&crates)) {
        let text = String::from_utf8_lossy(&text?).into_owned();
        let line = text.lines().find(|line| is_of(line, package));
        lines.push((*package, line.ok_or_else(|| missing(source, package))?.to_owned()));
    }
    Ok(lines)
}

fn missing(source: &Source, package: &Package) -> CliError {
    let message =
        format!("there is no index line of `{}` {} with the locked checksum", package.name, package.version);
    CliError::new(ExitCode::Unreachable, message)
        .because(format!("looked in Cargo's cache of {} and in its index", source.display()))
        .hint("run `cargo fetch`, which brings Cargo's cache of the index up to date")
}

/// Whether a line is of this release, with its hash, if that is known.
fn is_of(line: &str, package: &Package) -> bool {
    serde_json::from_str::<Known>(line).is_ok_and(|known| {
        known.name == package.name
            && known.vers == package.version
            && package.checksum.is_none_or(|checksum| checksum == known.cksum)
    })
}

/// The directories in which Cargo may keep the lines of a source.
fn caches_of(settings: &Settings, source: &Source) -> Vec<PathBuf> {
    let hosts: Vec<String> = match source {
        Source::CratesIo => CRATES_IO_HOSTS.map(str::to_owned).into(),
        Source::Registry(url) => {
            let authority = url.split("://").nth(1).unwrap_or_default().split('/').next().unwrap_or_default();
            vec![
                authority
                    .rsplit('@')
                    .next()
                    .unwrap_or_default()
                    .split(':')
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
            ]
        }
        Source::Namespace { .. } | Source::Git(_) => Vec::new(),
    };
    let indexes = settings.cargo_home.join("registry").join("index");
    let entries = fs::read_dir(indexes).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries
        .filter(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            name.rsplit_once('-').is_some_and(|(host, _)| hosts.iter().any(|known| known == host))
        })
        .map(|entry| entry.path().join(".cache"))
        .collect();
    // The sparse index of crates.io first: `index.…` after `github.com`.
    found.sort();
    found.reverse();
    found
}

fn cached_line(caches: &[PathBuf], package: &Package) -> Option<String> {
    let path = path_of(&package.name).ok()?;
    caches.iter().find_map(|cache| {
        let bytes = fs::read(cache.join(&path)).ok()?;
        let version = package.version.to_string();
        let of_version = lines_of_cache(&bytes)?.filter(|(known, _)| *known == version.as_bytes());
        let mut lines = of_version.filter_map(|(_, line)| std::str::from_utf8(line).ok());
        lines.find(|line| is_of(line, package)).map(str::to_owned)
    })
}

/// The versions and lines in a file of Cargo's cache. There may be thousands: what is not wanted is not even read as text.
fn lines_of_cache(bytes: &[u8]) -> Option<impl Iterator<Item = (&[u8], &[u8])>> {
    if *bytes.first()? != CACHE_VERSION {
        return None;
    }
    let mut texts = bytes.get(CACHE_HEADER..)?.split(|byte| *byte == 0);
    texts.next()?;
    Some(std::iter::from_fn(move || Some((texts.next()?, texts.next()?))))
}

/// The path of a crate's file below the index.
///
/// # Errors
/// It cannot be in one.
pub fn path_of(name: &str) -> Result<String, CliError> {
    Ok(index_path(&crate_name(name)?))
}

fn crate_name(name: &str) -> Result<CrateName, CliError> {
    CrateName::parse(name).map_err(|error| {
        CliError::new(ExitCode::InvalidInput, format!("`{name}` cannot be in an index")).caused_by(&error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::shape::Shape;

    const SHA: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn cargos_cache_is_read_and_only_the_locked_line_taken() {
        let line = format!("{{\"name\":\"a\",\"vers\":\"1.0.0\",\"deps\":[],\"cksum\":\"{SHA}\",\"x\":1}}");
        let other = line.replace("1.0.0", "2.0.0");
        let mut bytes = vec![3, 2, 0, 0, 0];
        for text in ["etag: \"x\"", "2.0.0", &other, "1.0.0", &line] {
            bytes.extend_from_slice(text.as_bytes());
            bytes.push(0);
        }
        let found: Vec<_> = lines_of_cache(&bytes).unwrap().collect();
        let expected = [("2.0.0", &other), ("1.0.0", &line)];
        assert_eq!(found, expected.map(|(version, line)| (version.as_bytes(), line.as_bytes())));
        let mut package = Package {
            name: "a".to_owned(),
            version: Version::new(1, 0, 0),
            checksum: Some(Digest::of(b"")),
            shape: Shape::Whole,
        };
        assert!(is_of(&line, &package) && !is_of(&other, &package));
        package.checksum = Some(Digest::of(b"other"));
        assert!(!is_of(&line, &package));
        bytes[0] = 4;
        assert!(lines_of_cache(&bytes).is_none());
    }

    #[test]
    fn a_yank_since_then_is_no_difference() {
        let line = "{\"name\":\"a\",\"yanked\":false}\n";
        assert!(same_lines(line, "{\"name\":\"a\",\"yanked\":true}").unwrap());
        assert!(!same_lines(line, "{\"name\":\"b\",\"yanked\":false}").unwrap());
        assert!(!same_lines(line, "").unwrap() && same_lines(line, "no json").is_err());
    }
}
