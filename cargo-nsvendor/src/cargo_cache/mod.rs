//! Moving downloaded .crates into Cargo's cache. A build without the vendored directory then needs no download, and nothing is
//! kept twice.
//!
//! Downloads first go to a directory of our own, where files are named by their hash and no lock is needed. Cargo's lock is held
//! only while they are moved. A file of the same name is replaced: the downloaded bytes were checked.

pub mod dir_name;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use cargo_namespaces::name::IndexUrl;
use cargo_namespaces_cli::interrupt;
use cargo_namespaces_cli::settings::{Replacement, Settings};
use cargo_namespaces_cli::shell::Shell;
use cargo_namespaces_net::fs::{FsError, create_dir_all, open_lock};

use crate::plan::{Package, Plan, PlannedSource};

/// How often the lock is tried again, and Ctrl-C is checked.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Moves the downloaded .crates of the plan's packages. What cannot be moved stays where the next run finds it.
pub fn with_cargo(shell: &Shell, settings: &Settings, plan: &Plan) {
    let own = settings.cache().join("crates");
    let kept: BTreeSet<String> = fs::read_dir(&own)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    if kept.is_empty() {
        return;
    }
    let mut moves: BTreeMap<PathBuf, Vec<(String, &Package)>> = BTreeMap::new();
    for source in &plan.sources {
        let downloaded = source.packages.iter().filter_map(|package| {
            let name = format!("{}.crate", package.checksum?);
            kept.contains(&name).then_some((name, package))
        });
        let downloaded: Vec<_> = downloaded.collect();
        if !downloaded.is_empty()
            && let Some(directory) = directory_of(settings, &source.source)
        {
            moves.entry(directory).or_default().extend(downloaded);
        }
    }
    if moves.is_empty() {
        return;
    }
    let Some(_lock) = package_cache_lock(shell, settings) else { return };
    for (directory, packages) in moves {
        for (name, package) in packages {
            let _ = place(&own.join(name), &directory, &package.crate_file());
        }
    }
}

/// Takes Cargo's lock on its package cache, for writing .crates. Returns `None` after Ctrl-C, or if the system has no locks.
fn package_cache_lock(shell: &Shell, settings: &Settings) -> Option<File> {
    let lock = open_lock(&settings.cargo_home.join(".package-cache")).ok()?;
    match lock.try_lock() {
        Ok(()) => return Some(lock),
        Err(TryLockError::Error(_)) => return None,
        Err(TryLockError::WouldBlock) => {}
    }
    shell.status_wait("Blocking", "waiting for file lock on package cache");
    while !interrupt::is_set() {
        std::thread::sleep(LOOK_AGAIN);
        match lock.try_lock() {
            Ok(()) => return Some(lock),
            Err(TryLockError::Error(_)) => return None,
            Err(TryLockError::WouldBlock) => {}
        }
    }
    None
}

fn place(from: &Path, directory: &Path, name: &str) -> Result<(), FsError> {
    create_dir_all(directory)?;
    let to = directory.join(name);
    #[expect(
        clippy::disallowed_methods,
        reason = "a cache: synced by nobody, and its readers check what they read"
    )]
    fs::rename(from, &to).map_err(|source| FsError { action: "move to", path: to, source })
}

/// Where Cargo keeps the .crates of a source: under the name of its replacement, if it has one. Returns `None` if Cargo keeps none,
/// or if that is not known.
fn directory_of(settings: &Settings, source: &PlannedSource) -> Option<PathBuf> {
    let index = match source {
        PlannedSource::CratesIo => match settings.crates_io_replacement().ok()? {
            None => return Some(directory(settings, "index.crates.io", dir_name::of_crates_io())),
            Some(place) => place,
        },
        PlannedSource::Namespace { index, .. } => settings.replacement_of(index).ok()?,
        PlannedSource::Registry(url) => settings.replacement_of(&IndexUrl::parse(url).ok()?).ok()?,
        PlannedSource::Git(_) => return None,
    };
    match index {
        Replacement::Index(index) => Some(directory(settings, index.host(), dir_name::of_index(&index))),
        Replacement::LocalRegistry(_) | Replacement::Directory(_) => None,
    }
}

/// The directory of this name; or the only one of the host, if Cargo has given it another name.
fn directory(settings: &Settings, host: &str, name: String) -> PathBuf {
    let registry = settings.cargo_home.join("registry");
    let of_host = |name: &String| {
        let hash = name.strip_prefix(host).and_then(|rest| rest.strip_prefix('-'));
        hash.is_some_and(|hash| hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    let found = fs::read_dir(registry.join("index")).into_iter().flatten().flatten();
    let found: Vec<String> =
        found.filter_map(|entry| entry.file_name().into_string().ok()).filter(of_host).collect();
    let name = match found.as_slice() {
        [only] if *only != name => only.clone(),
        _ => name,
    };
    registry.join("cache").join(name)
}
