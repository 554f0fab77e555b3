//! The crates in Cargo's cache against the index lines that crates.io serves for them.
//!
//! Whoever builds this workspace has its dependencies there: some hundred crates, each with a line that crates.io
//! computed and a .crate that `cargo package` made. All of them must pass the rules for packages, and their lines must be
//! the ones computed here. What is not in the cache (dependencies vendored, other platforms) is not compared.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use cargo_namespaces::index::{IndexLine, compute};
use cargo_namespaces::lockfile::{LockFile, LockSource};
use cargo_namespaces::name::{CRATES_IO_INDEX, IndexUrl};
use cargo_namespaces::package::{Rules, inspect};
use namespace_world::require::{WITHOUT, cargo_home};
use namespace_world::{Need, require};

/// Fewer are a cache that was cleared, not a checkout that was built here.
const LEAST: usize = 100;

#[test]
fn lines_computed_here_are_those_of_crates_io() {
    if !require(Need::CargoCache) {
        return;
    }
    let registry = cargo_home().join("registry");
    let own: IndexUrl = "sparse+https://own.example/cargo/index/".parse().unwrap();
    let lines = cached_lines(&of_crates_io(&registry.join("index")));
    let archives = of_crates_io(&registry.join("cache"));
    let lock = LockFile::parse(include_str!("../../../Cargo.lock")).unwrap();
    let mut compared = 0;
    for locked in lock.packages.iter().filter(|locked| locked.source == LockSource::CratesIo) {
        let stem = format!("{}-{}", locked.name, locked.version);
        let file_name = format!("{stem}.crate");
        let archive =
            archives.iter().find(|archive| archive.file_name().is_some_and(|name| *name == *file_name));
        let (Some(line), Some(archive)) = (lines.get(&stem), archive) else { continue };
        let line = IndexLine::parse(line).unwrap_or_else(|error| panic!("{stem}: {error}"));
        let bytes = std::fs::read(archive).unwrap();
        let package = inspect(Rules::Consume, &bytes[..], line.name.as_str(), &line.vers)
            .unwrap_or_else(|error| panic!("{stem}: {error}"));
        let mut facts = compute(&package.manifest, &own).unwrap_or_else(|error| panic!("{stem}: {error}"));
        for dep in &mut facts.deps {
            // On crates.io's own lines, crates.io is the registry that needs no name.
            assert_eq!(dep.registry.take().as_deref(), Some(CRATES_IO_INDEX), "{stem}");
        }
        line.check_facts(&facts).unwrap_or_else(|error| panic!("{stem}: {error}"));
        let ours = IndexLine::new(facts, line.cksum, Vec::new());
        assert_eq!(
            (&ours.features, &ours.features2, ours.v),
            (&line.features, &line.features2, line.v),
            "{stem}"
        );
        assert_eq!(IndexLine::parse(&line.to_line()).unwrap(), line, "{stem}");
        compared += 1;
    }
    println!("compared {compared} crates");
    // Crates for other platforms are not fetched, and a vendored checkout has none.
    assert!(
        compared > LEAST,
        "only {compared} crates are in {}; to run the others, set {WITHOUT}={}",
        registry.display(),
        Need::CargoCache.name()
    );
}

/// The JSON of each line in Cargo's index cache, by `name-version`. The cache's files hold them between NULs.
fn cached_lines(index: &[PathBuf]) -> HashMap<String, String> {
    let mut lines = HashMap::new();
    for file in index {
        let Ok(bytes) = std::fs::read(file) else { continue };
        for piece in bytes.split(|&byte| byte == 0).filter(|piece| piece.starts_with(b"{")) {
            let Ok(line) = serde_json::from_slice::<serde_json::Value>(piece) else { continue };
            if let (Some(name), Some(version)) = (line["name"].as_str(), line["vers"].as_str()) {
                lines.insert(format!("{name}-{version}"), String::from_utf8_lossy(piece).into_owned());
            }
        }
    }
    lines
}

/// The files of the folders that Cargo names after crates.io's index.
fn of_crates_io(folder: &Path) -> Vec<PathBuf> {
    let of_crates_io = |path: &PathBuf| {
        path.strip_prefix(folder).is_ok_and(|path| path.to_string_lossy().starts_with("index.crates.io-"))
    };
    files(folder).into_iter().filter(of_crates_io).collect()
}

/// All files below a folder; none where there is no such folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries
        .filter_map(Result::ok)
        .flat_map(|entry| if entry.path().is_dir() { files(&entry.path()) } else { vec![entry.path()] })
        .collect()
}
