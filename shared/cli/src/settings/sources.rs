//! Source replacement: where Cargo fetches a registry's crates when the user put something in its place.
//!
//! The identity of a namespace stays its canonical index; only the place that bytes come from changes. So whatever comes
//! from a replacement is verified exactly as if it came from the index itself.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::layers::Layers;
use super::{Settings, SettingsError, same_index};
use cargo_namespaces::name::{CRATES_IO_INDEX, IndexUrl};
use cargo_namespaces::source_id::{GitReference, GitSource, LockSource};

/// One entry of `[source]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// The index that this entry is about, as it is written.
    pub registry: Option<String>,
    /// The repository that this entry is about.
    pub git: Option<GitSource>,
    /// The name of the entry, or of the registry, that stands in for it.
    pub replace_with: Option<String>,
    /// A directory source, as `cargo vendor` writes.
    pub directory: Option<PathBuf>,
    /// A local registry: .crate files beside an index.
    pub local_registry: Option<PathBuf>,
}

/// Where the files of an index come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replacement {
    /// A sparse index: the canonical one, or a mirror.
    Index(IndexUrl),
    /// Unpacked crates, each with a `.cargo-checksum.json`.
    Directory(PathBuf),
    /// .crate files, and an index below `index/`.
    LocalRegistry(PathBuf),
}

/// A replacement that cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// `replace-with` names nothing.
    #[error("the source `{from}` is replaced with `{to}`, which is not defined")]
    Unknown {
        /// The entry.
        from: String,
        /// What it names.
        to: String,
    },
    /// `replace-with` leads in a circle.
    #[error("the source replacement of `{0}` leads in a circle")]
    Circle(String),
    /// The replacement is of a kind that is not read, such as a git index.
    #[error("the source `{0}` is neither a sparse index nor a directory")]
    Unsupported(String),
}

impl Settings {
    /// Where the files of `index` come from: itself, unless `[source]` replaces it.
    ///
    /// # Errors
    /// The replacement leads nowhere, in a circle, or to an index that is not sparse.
    pub fn replacement_of(&self, index: &IndexUrl) -> Result<Replacement, SourceError> {
        match self.entry_of(&LockSource::Registry(index.clone())) {
            Some((key, source)) if source.replace_with.is_some() => self.follow(key, source),
            _ => Ok(Replacement::Index(index.clone())),
        }
    }

    /// What stands in for crates.io, if anything does.
    ///
    /// # Errors
    /// As [`Settings::replacement_of`].
    pub fn crates_io_replacement(&self) -> Result<Option<Replacement>, SourceError> {
        self.replacement_of_locked(&LockSource::CratesIo)
    }

    /// What stands in for a source of the lock file, if anything does.
    ///
    /// # Errors
    /// As [`Settings::replacement_of`].
    pub fn replacement_of_locked(&self, locked: &LockSource) -> Result<Option<Replacement>, SourceError> {
        if let LockSource::Registry(index) = locked {
            return self.replacement_of(index).map(Some);
        }
        match self.entry_of(locked) {
            Some((key, source)) if source.replace_with.is_some() => self.follow(key, source).map(Some),
            _ => Ok(None),
        }
    }

    /// The key under which `[source]` has an entry for a source of the lock file.
    pub fn source_key_of(&self, locked: &LockSource) -> Option<&str> {
        self.entry_of(locked).map(|(key, _)| key.as_str())
    }

    fn entry_of(&self, locked: &LockSource) -> Option<(&String, &Source)> {
        match locked {
            LockSource::Path => None,
            LockSource::CratesIo => self.sources.iter().find(|(key, source)| {
                *key == "crates-io" || source.registry.as_deref() == Some(CRATES_IO_INDEX)
            }),
            LockSource::Registry(index) => self.sources.iter().find(|(key, source)| {
                let by_registry =
                    source.registry.as_deref().is_some_and(|registry| same_index(registry, index));
                by_registry || same_index(key, index) || self.names_registry(key, index)
            }),
            LockSource::OtherRegistry(text) => {
                let url = text.strip_prefix("registry+").unwrap_or(text);
                let named = |key: &str| self.registries.get(key).is_some_and(|known| known.index == url);
                self.sources.iter().find(|(key, entry)| {
                    entry.registry.as_deref() == Some(url) || *key == text || *key == url || named(key)
                })
            }
            LockSource::Git(git) => self
                .sources
                .iter()
                .find(|(_, entry)| entry.git.as_ref().is_some_and(|other| other.same_place(git))),
        }
    }

    /// True when `key` is the name of a registry with this index.
    fn names_registry(&self, key: &str, index: &IndexUrl) -> bool {
        self.registries.get(key).is_some_and(|registry| same_index(&registry.index, index))
    }

    fn follow(&self, key: &str, source: &Source) -> Result<Replacement, SourceError> {
        let first = key;
        let (mut key, mut source) = (key, source);
        // As many steps as there are entries: more is a circle.
        for _ in 0..=self.sources.len() {
            let Some(next) = source.replace_with.as_deref() else {
                return place(key, source);
            };
            match self.sources.get_key_value(next) {
                Some((name, entry)) => (key, source) = (name, entry),
                None => {
                    let registry = self
                        .registries
                        .get(next)
                        .ok_or_else(|| SourceError::Unknown { from: key.to_owned(), to: next.to_owned() })?;
                    return sparse(next, &registry.index);
                }
            }
        }
        Err(SourceError::Circle(first.to_owned()))
    }
}

fn place(key: &str, source: &Source) -> Result<Replacement, SourceError> {
    if let Some(directory) = &source.directory {
        return Ok(Replacement::Directory(directory.clone()));
    }
    if let Some(directory) = &source.local_registry {
        return Ok(Replacement::LocalRegistry(directory.clone()));
    }
    sparse(key, source.registry.as_deref().unwrap_or(key))
}

fn sparse(key: &str, index: &str) -> Result<Replacement, SourceError> {
    IndexUrl::parse(index).map(Replacement::Index).map_err(|_| SourceError::Unsupported(key.to_owned()))
}

/// The `[source]` table of all layers.
pub(super) fn read(layers: &Layers) -> Result<BTreeMap<String, Source>, SettingsError> {
    let mut found = BTreeMap::new();
    for name in layers.names("source") {
        let text = |key: &str| -> Result<Option<String>, SettingsError> {
            Ok(layers.string(&["source", &name, key])?.map(|(_, text)| text.to_owned()))
        };
        let source = Source {
            registry: text("registry")?,
            git: git(&text)?,
            replace_with: text("replace-with")?,
            directory: layers.path(&["source", &name, "directory"])?,
            local_registry: layers.path(&["source", &name, "local-registry"])?,
        };
        found.insert(name, source);
    }
    Ok(found)
}

/// The repository that an entry is about, and which of its branches, tags or commits.
fn git(
    text: &dyn Fn(&str) -> Result<Option<String>, SettingsError>,
) -> Result<Option<GitSource>, SettingsError> {
    let Some(url) = text("git")? else { return Ok(None) };
    let mut reference = None;
    for kind in GitReference::ALL {
        if let Some(value) = text(kind.key())? {
            reference = Some((kind, value));
            break;
        }
    }
    Ok(Some(GitSource::new(&url, reference, None)))
}
