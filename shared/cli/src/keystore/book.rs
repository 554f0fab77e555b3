//! The key book: what is known about the user's keys without their secrets, and which key a request means. Pure.

mod select;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;

use serde::Deserialize;

pub use select::SelectError;

use cargo_namespaces::key::{PublicKey, PublicKeyError};
use cargo_namespaces::name::Namespace;
use cargo_namespaces::text::excerpt;

/// What a key is called on a command line: letters, digits and `.`, `-`, `_`, `@`, at most 64, the first a letter or
/// a digit. It never looks like a public key or a key file, so that `--key` has one meaning.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Signs releases, on a machine or in a build service.
    Device,
    /// Kept offline: revokes a lost device key and endorses the next one. Never chosen to sign releases.
    Recovery,
}

/// Where a key's secret is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Store {
    /// In the operating system's keyring.
    Keyring,
    /// In this PKCS#8 PEM file.
    File(PathBuf),
}

/// One key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyEntry {
    /// Its name, unique in the book whatever the case of its letters.
    pub name: KeyName,
    /// What it is for.
    pub role: Role,
    /// Where its secret is.
    pub store: Store,
    /// The namespaces that it publishes for, or recovers.
    pub namespaces: BTreeSet<Namespace>,
    /// The namespaces where a rotation put another key in its place. Its token may still be listed.
    pub replaced: BTreeSet<Namespace>,
    /// The namespaces where it was revoked.
    pub revoked: BTreeSet<Namespace>,
}

/// All keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyBook {
    keys: BTreeMap<PublicKey, KeyEntry>,
}

/// Why a text is no key book.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BookError {
    /// Not TOML, or not of the documented shape.
    #[error("not a key book: {0}")]
    Toml(String),
    /// A table's name is not a public key.
    #[error(transparent)]
    Key(#[from] PublicKeyError),
    /// A value that is not what it should be.
    #[error("the key {key}: {problem}")]
    Entry {
        /// Whose entry.
        key: PublicKey,
        /// What is wrong.
        problem: String,
    },
}

impl KeyName {
    /// Reads a name.
    ///
    /// # Errors
    /// [`SelectError::Name`].
    pub fn parse(text: &str) -> Result<Self, SelectError> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b".-_@".contains(&b);
        let first = text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
        let like_a_file = text.to_ascii_lowercase().ends_with(".pem");
        if !first || text.len() > 64 || !text.bytes().all(plain) || like_a_file {
            return Err(SelectError::Name { text: excerpt(text) });
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn same(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl std::fmt::Display for KeyName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

impl Role {
    /// As the book spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Recovery => "recovery",
        }
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text says nowhere to keep a key.
#[derive(Debug, thiserror::Error)]
#[error("store = {0:?} is neither \"keyring\" nor \"file:/path\"")]
struct NotAStore(String);

impl Store {
    fn parse(text: &str) -> Result<Self, NotAStore> {
        match text.strip_prefix("file:") {
            Some(path) if !path.is_empty() => Ok(Self::File(path.into())),
            None if text == "keyring" => Ok(Self::Keyring),
            _ => Err(NotAStore(excerpt(text))),
        }
    }
}

impl std::fmt::Display for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Keyring => f.pad("keyring"),
            Self::File(path) => f.pad(&format!("file:{}", path.display())),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    name: String,
    role: Role,
    store: String,
    #[serde(default)]
    namespaces: BTreeSet<Namespace>,
    #[serde(default)]
    replaced: BTreeSet<Namespace>,
    #[serde(default)]
    revoked: BTreeSet<Namespace>,
}

impl KeyBook {
    const HEADER: &str = "# The signing keys of `cargo nspublish`. Nothing here is secret; \
                          the secrets are where `store` says.\n";

    /// Reads `keys.toml`.
    ///
    /// # Errors
    /// [`BookError`]; unknown fields are errors, so that a typing mistake does not change which key signs.
    pub fn parse(text: &str) -> Result<Self, BookError> {
        let raw: BTreeMap<String, RawEntry> =
            toml_edit::de::from_str(text).map_err(|error| BookError::Toml(error.to_string()))?;
        let mut book = Self::default();
        for (key, raw) in raw {
            let key = PublicKey::parse(&key)?;
            let wrong = |problem: String| BookError::Entry { key, problem };
            let entry = KeyEntry {
                name: KeyName::parse(&raw.name).map_err(|error| wrong(error.to_string()))?,
                role: raw.role,
                store: Store::parse(&raw.store).map_err(|error| wrong(error.to_string()))?,
                namespaces: raw.namespaces,
                replaced: raw.replaced,
                revoked: raw.revoked,
            };
            book.add(key, entry).map_err(|error| wrong(error.to_string()))?;
        }
        Ok(book)
    }

    /// Writes it: sorted by key, one field a line.
    pub fn to_toml(&self) -> String {
        let mut text = Self::HEADER.to_owned();
        for (key, entry) in &self.keys {
            let _ = writeln!(text, "\n[\"{key}\"]");
            for (field, value) in [
                ("name", entry.name.to_string()),
                ("role", entry.role.to_string()),
                ("store", entry.store.to_string()),
            ] {
                let _ = writeln!(text, "{field} = {}", toml_edit::Value::from(value));
            }
            for (field, namespaces) in [
                ("namespaces", &entry.namespaces),
                ("replaced", &entry.replaced),
                ("revoked", &entry.revoked),
            ] {
                if !namespaces.is_empty() {
                    let list: Vec<String> = namespaces.iter().map(|name| format!("\"{name}\"")).collect();
                    let _ = writeln!(text, "{field} = [{}]", list.join(", "));
                }
            }
        }
        text
    }

    /// All keys, sorted by name.
    pub fn entries(&self) -> Vec<(&PublicKey, &KeyEntry)> {
        let mut all: Vec<_> = self.keys.iter().collect();
        all.sort_by(|(_, one), (_, other)| one.name.cmp(&other.name));
        all
    }

    /// The entry of a key.
    pub fn get(&self, key: &PublicKey) -> Option<&KeyEntry> {
        self.keys.get(key)
    }

    /// The entry of a key, to change its namespaces.
    pub fn get_mut(&mut self, key: &PublicKey) -> Option<&mut KeyEntry> {
        self.keys.get_mut(key)
    }

    /// Whether a key of this name can be added.
    ///
    /// # Errors
    /// The key is here, or another has the name.
    pub fn check_new(&self, key: &PublicKey, name: &KeyName) -> Result<(), SelectError> {
        if let Some(entry) = self.keys.get(key) {
            return Err(SelectError::KeyKnown { key: *key, name: entry.name.clone() });
        }
        match self.keys.iter().find(|(_, entry)| entry.name.same(name)) {
            Some((key, entry)) => Err(SelectError::NameTaken { name: entry.name.clone(), key: *key }),
            None => Ok(()),
        }
    }

    /// Adds a key.
    ///
    /// # Errors
    /// As [`KeyBook::check_new`].
    pub fn add(&mut self, key: PublicKey, entry: KeyEntry) -> Result<(), SelectError> {
        self.check_new(&key, &entry.name)?;
        self.keys.insert(key, entry);
        Ok(())
    }

    /// Removes a key.
    pub fn remove(&mut self, key: &PublicKey) -> Option<KeyEntry> {
        self.keys.remove(key)
    }

    /// `wanted`, or `wanted-2`, `wanted-3`, … when that is taken.
    pub fn free_name(&self, wanted: &KeyName) -> KeyName {
        let mut name = wanted.clone();
        let mut number = 2;
        while self.keys.values().any(|entry| entry.name.same(&name)) {
            name = KeyName(format!("{wanted}-{number}"));
            number += 1;
        }
        name
    }
}

#[cfg(test)]
mod tests;
