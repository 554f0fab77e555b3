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
//! release its version and its line. If a file has another form, the index is asked.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use cargo_namespaces::digest::Digest;
use cargo_namespaces::index::index_path;
use cargo_namespaces::name::{CrateName, IndexUrl, NameError};
use cargo_namespaces_cli::interrupt::Interrupted;
use cargo_namespaces_cli::registry_client::RegistryError;
use cargo_namespaces_cli::settings::{Replacement, Settings};
use semver::Version;
use serde::Deserialize;

use crate::context::Context;
use crate::plan::{Package, PlannedSource, SourceDir};
use crate::work;

/// crates.io's sparse index.
const CRATES_IO: &str = "sparse+https://index.crates.io/";
/// The hosts in the names of Cargo's caches of crates.io: of the sparse index, and of the former git index.
const CRATES_IO_HOSTS: [&str; 2] = ["index.crates.io", "github.com"];
/// The version of Cargo's cache that is read here, and the bytes before its texts.
const CACHE_VERSION: u8 = 3;
const CACHE_HEADER: usize = 5;

/// The fields by which a line is recognised.
#[derive(Deserialize)]
struct LineKey {
    name: String,
    vers: Version,
    cksum: Digest,
}

/// Why a line cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum IndexLineError {
    #[error("there is no index line of {package} with the locked checksum")]
    Missing {
        package: String,
        /// The registry whose index was asked, as messages name it.
        registry: String,
    },
    #[error("`{name}` cannot be in an index")]
    Name {
        name: String,
        #[source]
        source: NameError,
    },
    #[error(transparent)]
    Registry(#[from] RegistryError),
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

/// An index file of a local registry: its path below `index/`, and its text.
pub type IndexFile = (String, String);

/// The index files for the packages of one registry, with the lines of the locked releases only.
pub fn index_files(context: &Context<'_>, source: &SourceDir) -> Result<Vec<IndexFile>, IndexLineError> {
    let mut found: BTreeMap<(String, Version), String> = BTreeMap::new();
    if !matches!(source.source, PlannedSource::Namespace { .. }) {
        let caches = caches_of(&context.project.settings, &source.source);
        let lines = work::for_each(&source.packages, |package| {
            Ok::<_, IndexLineError>(cached_line(&caches, package))
        })?;
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
    for (package, line) in asked(context, &source.source, &missing)? {
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

/// Whether two index files have the same lines, except that a release may have been yanked in one of them.
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

/// The hash of a package in the index.
pub fn checksum_of(
    context: &Context<'_>,
    source: &PlannedSource,
    package: &Package,
) -> Result<Digest, IndexLineError> {
    let line = match cached_line(&caches_of(&context.project.settings, source), package) {
        Some(line) => line,
        None => {
            let mut lines = asked(context, source, &[package])?;
            lines.pop().ok_or_else(|| missing(source, package))?.1
        }
    };
    let known: LineKey = serde_json::from_str(&line).map_err(|_| missing(source, package))?;
    Ok(known.cksum)
}

/// Asks the index for the lines of packages.
fn asked<'p>(
    context: &Context<'_>,
    source: &PlannedSource,
    packages: &[&'p Package],
) -> Result<Vec<(&'p Package, String)>, IndexLineError> {
    if packages.is_empty() {
        return Ok(Vec::new());
    }
    let index = match source {
        PlannedSource::Namespace { index, .. } => Some(index.clone()),
        PlannedSource::CratesIo => match context.project.settings.crates_io_replacement().ok().flatten() {
            Some(Replacement::Index(index)) => Some(index),
            _ => IndexUrl::parse(CRATES_IO).ok(),
        },
        PlannedSource::Registry(url) => IndexUrl::parse(url).ok(),
        PlannedSource::Git(_) => None,
    };
    let Some(index) = index else { return Err(missing(source, packages[0])) };
    let mut crates = Vec::with_capacity(packages.len());
    for package in packages {
        crates.push((index.clone(), crate_name(&package.name)?));
    }
    let mut lines = Vec::with_capacity(packages.len());
    for (package, text) in packages.iter().zip(context.registries.index_texts(&crates)) {
        let text = String::from_utf8_lossy(&text?).into_owned();
        let line = text.lines().find(|line| is_of(line, package));
        lines.push((*package, line.ok_or_else(|| missing(source, package))?.to_owned()));
    }
    Ok(lines)
}

fn missing(source: &PlannedSource, package: &Package) -> IndexLineError {
    let name = format!("`{}` {}", package.name, package.version);
    IndexLineError::Missing { package: name, registry: source.display() }
}

/// Whether a line is that of this release. The hash must be the same, if it is known.
fn is_of(line: &str, package: &Package) -> bool {
    serde_json::from_str::<LineKey>(line).is_ok_and(|known| {
        known.name == package.name
            && known.vers == package.version
            && package.checksum.is_none_or(|checksum| checksum == known.cksum)
    })
}

/// The directories in which Cargo may keep the lines of a source.
fn caches_of(settings: &Settings, source: &PlannedSource) -> Vec<PathBuf> {
    let hosts: Vec<String> = match source {
        PlannedSource::CratesIo => CRATES_IO_HOSTS.map(str::to_owned).into(),
        PlannedSource::Registry(url) => {
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
        PlannedSource::Namespace { .. } | PlannedSource::Git(_) => Vec::new(),
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
    // In reverse order, the sparse index of crates.io (`index.…`) comes before the git index (`github.com`).
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

/// The versions and lines in a file of Cargo's cache. There may be thousands, so they are returned as bytes and parsed only if
/// needed.
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
/// It is not a crate's name.
pub fn path_of(name: &str) -> Result<String, IndexLineError> {
    Ok(index_path(&crate_name(name)?))
}

fn crate_name(name: &str) -> Result<CrateName, IndexLineError> {
    CrateName::parse(name).map_err(|source| IndexLineError::Name { name: name.to_owned(), source })
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
