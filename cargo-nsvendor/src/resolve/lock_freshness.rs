//! Whether the lock files are up to date with the manifests. Cargo is asked once for each state of both.
//!
//! Cargo takes longer to answer than all the rest of a run that changes nothing. Its answer depends on the lock files, the
//! manifests of the workspace and of its path dependencies, the configuration, the toolchain and some variables. The digest
//! of these is kept with the [evidence](crate::evidence). If it is not certain that all of them were found (a `**` in the
//! workspace's members, an `include` in the configuration), there is no digest, and Cargo is asked.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use cargo_namespaces::digest::{Digest, Hasher};
use cargo_namespaces::lockfile::{LockFile, LockSource, LockedPackage};
use cargo_namespaces_cli::env;
use cargo_namespaces_net::fs::directory_of;
use toml_edit::{DocumentMut, Item, Value};

use crate::cargo_run::configuration_files;
use crate::evidence::Evidence;
use crate::form::Form;
use crate::project::Project;

/// If there are more manifests than this, Cargo is asked: reading them would take as long.
const MAX_MANIFESTS: usize = 2000;

/// Whether the lock files are up to date with the manifests, and whether Cargo resolves from what is vendored what is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockFreshness {
    /// Both are so: Cargo said it of the same lock files, manifests and configuration.
    Known,
    /// Cargo was not asked yet.
    Unknown,
    /// Cargo cannot say it without fetching: a lock file is missing or has packages from git or patches that nothing uses.
    Unanswerable,
    /// Cargo has just said that the lock files are up to date.
    Confirmed,
    /// Cargo has just updated the lock files. `resolves` is true if they did not change, and Cargo is known to resolve them.
    Updated { resolves: bool },
    /// The sink finds out by itself, and reports it.
    Reported,
}

impl LockFreshness {
    /// What is known at the beginning, for a sink that makes `form`.
    pub fn at_start(
        project: &Project,
        evidence: &Evidence,
        inputs: Option<&FreshnessInputs>,
        form: Form,
    ) -> Self {
        if inputs.is_some_and(|inputs| evidence.is_known_fresh(&inputs.digest_in(form))) {
            return Self::Known;
        }
        let Ok(locks) = project.locks() else { return Self::Unanswerable };
        let is_git = |package: &LockedPackage| matches!(package.source, LockSource::Git(_));
        // Cargo loads a patch even if no package uses it, and such a patch is not vendored.
        let needs_more = |lock: &LockFile| lock.packages.iter().any(is_git) || lock.has_unused_patches();
        if locks.iter().any(needs_more) { Self::Unanswerable } else { Self::Unknown }
    }

    /// Whether Cargo has just updated the lock files.
    pub fn is_updated(self) -> bool {
        matches!(self, Self::Updated { .. })
    }

    /// Whether Cargo need not be asked any more whether it resolves what is locked from what is vendored.
    pub fn is_resolution_known(self) -> bool {
        matches!(self, Self::Known | Self::Updated { resolves: true })
    }
}

/// What Cargo's answer depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FreshnessInputs {
    /// Of the manifests, the toolchain and the variables.
    manifests: Digest,
    /// Of the lock files.
    locks: Digest,
    /// Of the configuration files, which a run may write itself.
    configuration: Digest,
}

impl FreshnessInputs {
    /// Reads everything. Returns `None` if it is not certain that this is all.
    pub fn read(project: &Project, overrides: &[String]) -> Option<Self> {
        let mut manifests = Hasher::new();
        for root in &project.manifests {
            for (path, text) in manifests_of(root)? {
                feed(&mut manifests, path.as_os_str().as_encoded_bytes());
                feed(&mut manifests, text.as_bytes());
            }
        }
        for directory in project.settings.directory.ancestors() {
            for name in ["rust-toolchain", "rust-toolchain.toml"] {
                feed(&mut manifests, &fs::read(directory.join(name)).unwrap_or_default());
            }
        }
        for (name, value) in env::of_cargo() {
            feed(&mut manifests, name.as_encoded_bytes());
            feed(&mut manifests, value.as_encoded_bytes());
        }
        overrides.iter().for_each(|text| feed(&mut manifests, text.as_bytes()));
        let mut locks = Hasher::new();
        for path in project.lock_paths() {
            feed(&mut locks, &fs::read(path).ok()?);
        }
        let mut configuration = Hasher::new();
        let homes = ["config", "config.toml"].map(|name| project.settings.cargo_home.join(name));
        for path in configuration_files(&project.settings).into_iter().chain(homes) {
            let text = fs::read_to_string(&path).unwrap_or_default();
            // These keys name other files or packages, which are not read here.
            if ["include", "paths", "patch"].iter().any(|key| text.contains(key)) {
                return None;
            }
            feed(&mut configuration, path.as_os_str().as_encoded_bytes());
            feed(&mut configuration, text.as_bytes());
        }
        let [manifests, locks, configuration] =
            [manifests, locks, configuration].map(|hasher| hasher.finish().0);
        Some(Self { manifests, locks, configuration })
    }

    /// One digest of all.
    pub fn digest(&self) -> Digest {
        let parts = [self.manifests, self.locks, self.configuration];
        Digest::of(&parts.iter().flat_map(|digest| *digest.as_bytes()).collect::<Vec<u8>>())
    }

    /// As [`Self::digest`], together with the form that Cargo resolves from.
    pub fn digest_in(&self, form: Form) -> Digest {
        let kind: u8 = match form {
            Form::Directory => 1,
            Form::LocalRegistry => 2,
            Form::TarZst => 3,
        };
        Digest::of(&[self.digest().as_bytes().as_slice(), &[kind]].concat())
    }

    /// Whether everything is the same except what the run itself may have changed: lock files and configuration.
    pub fn same_manifests(&self, other: &Self) -> bool {
        self.manifests == other.manifests
    }
}

/// Hashes the length too, so that different lists of texts give different digests.
fn feed(hasher: &mut Hasher, bytes: &[u8]) {
    hasher.update(&(bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}

/// The manifest at `root`, those of its members, and those of everything that any of them names by a path. There may be some too
/// many. Returns `None` if they cannot all be found.
fn manifests_of(root: &Path) -> Option<Vec<(PathBuf, String)>> {
    let mut seen = BTreeSet::new();
    let mut pending = vec![root.to_owned()];
    let mut found = Vec::new();
    while let Some(path) = pending.pop() {
        // `a/../b` and `b` are the same. Without this, two packages that name each other would never end.
        let path = fs::canonicalize(path).ok()?;
        if !seen.insert(path.clone()) {
            continue;
        }
        if seen.len() > MAX_MANIFESTS {
            return None;
        }
        let text = fs::read_to_string(&path).ok()?;
        let document: DocumentMut = text.parse().ok()?;
        let directory = directory_of(&path);
        let mut named = Vec::new();
        for (key, item) in document.iter() {
            paths_in(key, item, &mut named);
        }
        let mut directories: Vec<PathBuf> = named.iter().map(|name| directory.join(name)).collect();
        let members = document.get("workspace").and_then(|workspace| workspace.get("members"));
        for member in members.and_then(Item::as_array).into_iter().flatten() {
            directories.extend(expand(directory, member.as_str()?)?);
        }
        pending.extend(
            directories.into_iter().map(|member| member.join("Cargo.toml")).filter(|path| path.is_file()),
        );
        found.push((path, text));
    }
    found.sort();
    Some(found)
}

/// Every text under a key `path` at any depth.
fn paths_in(key: &str, item: &Item, found: &mut Vec<String>) {
    match item {
        Item::Value(value) => paths_in_value(key, value, found),
        Item::Table(table) => table.iter().for_each(|(key, item)| paths_in(key, item, found)),
        Item::ArrayOfTables(tables) => {
            tables.iter().flat_map(toml_edit::Table::iter).for_each(|(key, item)| paths_in(key, item, found));
        }
        Item::None => {}
    }
}

fn paths_in_value(key: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if key == "path" => found.push(text.value().clone()),
        Value::InlineTable(table) => table.iter().for_each(|(key, value)| paths_in_value(key, value, found)),
        _ => {}
    }
}

/// The directories that a member's pattern may mean. A component with a wildcard matches every name.
fn expand(directory: &Path, pattern: &str) -> Option<Vec<PathBuf>> {
    let mut found = vec![directory.to_owned()];
    for component in pattern.split('/').filter(|component| !component.is_empty() && *component != ".") {
        if component.contains("**") {
            return None;
        }
        if !component.contains(['*', '?', '[']) {
            found.iter_mut().for_each(|path| path.push(component));
            continue;
        }
        let entries = found.iter().flat_map(|path| fs::read_dir(path).into_iter().flatten().flatten());
        found = entries.map(|entry| entry.path()).collect();
        if found.len() > MAX_MANIFESTS {
            return None;
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cargo_namespaces_net::fs::write_atomic;

    #[test]
    fn every_manifest_that_matters_is_found() {
        let home = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| write_atomic(&home.path().join(path), text.as_bytes()).unwrap();
        let root = "[workspace]\nmembers = [\"crates/*\", \"tool\"]\n[workspace.dependencies]\nx = { path = \"x\" }\n\
                    [patch.crates-io]\nitoa = { path = \"../itoa\" }\n";
        put("ws/Cargo.toml", root);
        put("ws/crates/a/Cargo.toml", "[target.'cfg(unix)'.dependencies.far]\npath = \"../../../far\"\n");
        put("ws/crates/notes.txt", "");
        put("ws/tool/Cargo.toml", "[lib]\npath = \"src/lib.rs\"\n");
        put("ws/x/Cargo.toml", "");
        put("itoa/Cargo.toml", "");
        put("far/Cargo.toml", "[dependencies]\nback = { path = \"../ws/crates/a\" }\n");
        put("unrelated/Cargo.toml", "");
        let found = manifests_of(&home.path().join("ws/Cargo.toml")).unwrap();
        assert_eq!(found.len(), 6, "{found:?}");
        put("ws/crates/b/Cargo.toml", "");
        let more = manifests_of(&home.path().join("ws/Cargo.toml")).unwrap();
        assert_eq!(more.len(), found.len() + 1);
    }

    #[test]
    fn what_is_not_certain_has_no_digest() {
        let home = tempfile::tempdir().unwrap();
        let manifest = home.path().join("Cargo.toml");
        for text in ["[workspace]\nmembers = [\"a/**\"]\n", "no toml", "[workspace]\nmembers = [1]\n"] {
            write_atomic(&manifest, text.as_bytes()).unwrap();
            assert_eq!(manifests_of(&manifest), None, "{text}");
        }
    }
}
