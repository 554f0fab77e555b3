//! One cache with Cargo: what was downloaded is moved to where Cargo keeps its archives, so that a build without the
//! vendored directory needs no download, and nothing is kept twice.
//!
//! Cargo's directory for a registry ends in a hash of its own making; the one is taken that its index already has. A file
//! of the same name with other bytes gives way: these were checked. Cargo's lock is held meanwhile; when another
//! cargo has it, the files stay where they are, where the next run finds them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use cargo_namespaces::fs::{FsError, create_dir_all, open_lock};
use cargo_namespaces::settings::Settings;

use crate::plan::{Plan, Source};

/// The directory of crates.io's sparse index for Cargo 1.85 and later; an older one may stand beside it.
const CRATES_IO: &str = "index.crates.io-1949cf8c6b5b557f";

/// Moves the downloaded archives of the plan's packages. What cannot be moved stays.
pub fn with_cargo(settings: &Settings, plan: &Plan) {
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
    let Ok(lock) = open_lock(&settings.cargo_home.join(".package-cache")) else { return };
    if lock.try_lock().is_err() {
        return;
    }
    for source in &plan.sources {
        let Some(directory) = directory_of(settings, &source.source) else { continue };
        for package in &source.packages {
            let Some(name) = package.checksum.map(|digest| format!("{digest}.crate")) else { continue };
            if kept.contains(&name) {
                let _ = place(&own.join(name), &directory, &format!("{}.crate", package.dir()));
            }
        }
    }
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

/// Where Cargo keeps the archives of a source; none when that cannot be told.
fn directory_of(settings: &Settings, source: &Source) -> Option<PathBuf> {
    let registry = settings.cargo_home.join("registry");
    let host = match source {
        // A replaced source is cached under the name of what replaces it.
        _ if !settings.sources.is_empty() => return None,
        Source::CratesIo if registry.join("index").join(CRATES_IO).is_dir() => {
            return Some(registry.join("cache").join(CRATES_IO));
        }
        Source::CratesIo => "index.crates.io",
        Source::Namespace { index, .. } => index.host(),
        Source::Registry(_) | Source::Git(_) => return None,
    };
    let of_host = |name: &String| {
        let hash = name.strip_prefix(host).and_then(|rest| rest.strip_prefix('-'));
        hash.is_some_and(|hash| hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    let names = fs::read_dir(registry.join("index")).ok()?.flatten();
    let mut names = names.filter_map(|entry| entry.file_name().into_string().ok()).filter(of_host);
    // Two indexes on one host: which is whose, only Cargo knows.
    match (names.next(), names.next()) {
        (Some(only), None) => Some(registry.join("cache").join(only)),
        _ => None,
    }
}
