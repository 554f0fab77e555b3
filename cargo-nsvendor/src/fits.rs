//! Whether the lock files fit the manifests, asked of Cargo once for each state of both.
//!
//! Cargo takes longer to answer than all the rest of a run that changes nothing. Its answer depends on the lock files, the
//! manifests of the workspace and of its path dependencies, the configuration, the toolchain and some variables; the digest
//! of these is kept with the [evidence](crate::evidence). What cannot be told for certain to be all of them (a `**` in
//! the workspace's members, an `include` in the configuration) has no digest, and Cargo is asked.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use cargo_namespaces::digest::{Digest, Hasher};
use cargo_namespaces_cli::env;
use cargo_namespaces_net::fs::directory_of;
use toml_edit::{DocumentMut, Item, Value};

use crate::cargo_run::configuration_files;
use crate::form::Form;
use crate::project::Project;

/// Above this many manifests Cargo is asked: they would take as long to read.
const MAX_MANIFESTS: usize = 2000;

/// What Cargo's answer depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inputs {
    /// The manifests, the toolchain, the variables.
    manifests: Digest,
    /// The lock files.
    locks: Digest,
    /// The configuration files, which a run may write itself.
    configuration: Digest,
}

impl Inputs {
    /// Reads everything; none where it is not certain that this is all.
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
            // Other files, or other packages, that are not looked at here.
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

    /// As [`Self::digest`], for what is vendored in a form: that Cargo resolves it from there.
    pub fn digest_in(&self, form: Form) -> Digest {
        let kind: u8 = match form {
            Form::Directory => 1,
            Form::LocalRegistry => 2,
            Form::TarZst => 3,
        };
        Digest::of(&[self.digest().as_bytes().as_slice(), &[kind]].concat())
    }

    /// Whether only the lock files and the configuration differ, which the run itself may have changed.
    pub fn same_manifests(&self, other: &Self) -> bool {
        self.manifests == other.manifests
    }
}

/// With its length, so that no two lists of texts are fed alike.
fn feed(hasher: &mut Hasher, bytes: &[u8]) {
    hasher.update(&(bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}

/// The manifest at `root`, those of its members, and those of everything that any of them names by a path; more rather
/// than fewer. None when that cannot be told.
fn manifests_of(root: &Path) -> Option<Vec<(PathBuf, String)>> {
    let mut seen = BTreeSet::new();
    let mut pending = vec![root.to_owned()];
    let mut found = Vec::new();
    while let Some(path) = pending.pop() {
        // `a/../b` and `b` are one; two packages that name each other would never end.
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

/// The directories that a member's pattern may mean; a component with a wildcard counts as any name.
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
