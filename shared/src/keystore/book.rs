//! The key book: what is known about the user's keys without their secrets, and which key a request means. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;

use serde::Deserialize;

use crate::key::{PublicKey, PublicKeyError};
use crate::name::Namespace;
use crate::shell::ExitCode;
use crate::text::excerpt;

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

/// Why a request names no key, or not exactly one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SelectError {
    /// Not a name that a key can have.
    #[error("{text:?} cannot be the name of a key")]
    Name {
        /// What was given.
        text: String,
    },
    /// Another key has the name.
    #[error("there is a key named `{name}` already: {key}")]
    NameTaken {
        /// The name.
        name: KeyName,
        /// Whose it is.
        key: PublicKey,
    },
    /// The key is in the book.
    #[error("the key {key} is here already, under the name `{name}`")]
    KeyKnown {
        /// The key.
        key: PublicKey,
        /// Its name.
        name: KeyName,
    },
    /// Nothing of this name.
    #[error("there is no key named {text:?}")]
    Unknown {
        /// What was asked for.
        text: String,
        /// A name that is written almost like it.
        suggestion: Option<KeyName>,
    },
    /// A public key whose secret is not here.
    #[error("the key {key} is not among the keys here")]
    NotHere {
        /// The key.
        key: PublicKey,
    },
    /// No device key at all, or none that may sign for the namespace.
    #[error("there is no key to sign with{}", for_namespace(namespace.as_ref()))]
    NoKey {
        /// For which namespace, if one was named.
        namespace: Option<Namespace>,
    },
    /// More than one device key.
    #[error("several keys could be meant{}: {}", for_namespace(namespace.as_ref()), candidates.join(", "))]
    Ambiguous {
        /// For which namespace, if one was named.
        namespace: Option<Namespace>,
        /// Name and key of each.
        candidates: Vec<String>,
    },
}

fn for_namespace(namespace: Option<&Namespace>) -> String {
    namespace.map(|namespace| format!(" for {}", namespace.display_both())).unwrap_or_default()
}

impl SelectError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Name { .. } => "letters, digits and `.`, `-`, `_`, `@`, at most 64; not ending in `.pem`".to_owned(),
            Self::NameTaken { .. } => "choose another name".to_owned(),
            Self::KeyKnown { .. } => return None,
            Self::Unknown { suggestion: Some(name), .. } => format!("did you mean `{name}`?"),
            Self::Unknown { .. } | Self::NotHere { .. } => {
                "`cargo nspublish key list` shows the keys here; a key file is named by its path".to_owned()
            }
            Self::NoKey { namespace: Some(namespace) } => {
                format!("make one with `cargo nspublish setup {namespace}`, or bring yours with `cargo nspublish key import FILE`")
            }
            Self::NoKey { namespace: None } => {
                "make one with `cargo nspublish key new`, or bring yours with `cargo nspublish key import FILE`".to_owned()
            }
            Self::Ambiguous { .. } => "say which with `--key NAME`".to_owned(),
        })
    }

    pub(super) fn exit(&self) -> ExitCode {
        match self {
            Self::Name { .. } => ExitCode::Usage,
            Self::NoKey { .. } | Self::Ambiguous { .. } => ExitCode::ActionRequired,
            _ => ExitCode::Failure,
        }
    }
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

    /// The name.
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

impl Store {
    fn parse(text: &str) -> Result<Self, String> {
        match text.strip_prefix("file:") {
            Some(path) if !path.is_empty() => Ok(Self::File(path.into())),
            None if text == "keyring" => Ok(Self::Keyring),
            _ => Err(format!("store = {:?} is neither \"keyring\" nor \"file:/path\"", excerpt(text))),
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
                store: Store::parse(&raw.store).map_err(wrong)?,
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

    /// The key that a text names: a key's name, whatever the case, or a public key.
    ///
    /// # Errors
    /// [`SelectError::Unknown`] with a suggestion, [`SelectError::NotHere`] for a public key.
    pub fn find(&self, text: &str) -> Result<(&PublicKey, &KeyEntry), SelectError> {
        if let Ok(key) = PublicKey::parse(text) {
            return self.keys.get_key_value(&key).ok_or(SelectError::NotHere { key });
        }
        self.keys
            .iter()
            .find(|(_, entry)| entry.name.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| SelectError::Unknown { text: excerpt(text), suggestion: self.nearest(text) })
    }

    /// The key that signs for `namespace`: the device key registered for it; where there is none, the only device key
    /// that there is, unless it was revoked or replaced there.
    ///
    /// # Errors
    /// [`SelectError::NoKey`], or [`SelectError::Ambiguous`] with the candidates.
    pub fn device_for(&self, namespace: &Namespace) -> Result<(&PublicKey, &KeyEntry), SelectError> {
        let usable = self
            .devices()
            .filter(|(_, entry)| !entry.revoked.contains(namespace) && !entry.replaced.contains(namespace));
        let usable: Vec<_> = usable.collect();
        let registered: Vec<_> =
            usable.iter().copied().filter(|(_, entry)| entry.namespaces.contains(namespace)).collect();
        only(if registered.is_empty() { &usable } else { &registered }, Some(namespace))
    }

    /// The only device key that there is.
    ///
    /// # Errors
    /// As [`KeyBook::device_for`].
    pub fn only_device(&self) -> Result<(&PublicKey, &KeyEntry), SelectError> {
        only(&self.devices().collect::<Vec<_>>(), None)
    }

    /// The keys of a role that are registered for `namespace`.
    pub fn registered(&self, namespace: &Namespace, role: Role) -> Vec<(&PublicKey, &KeyEntry)> {
        let mut all = self.entries();
        all.retain(|(_, entry)| entry.role == role && entry.namespaces.contains(namespace));
        all
    }

    fn devices(&self) -> impl Iterator<Item = (&PublicKey, &KeyEntry)> {
        self.keys.iter().filter(|(_, entry)| entry.role == Role::Device)
    }

    fn nearest(&self, text: &str) -> Option<KeyName> {
        let text = text.to_ascii_lowercase();
        let near = self
            .keys
            .values()
            .map(|entry| (distance(&entry.name.as_str().to_ascii_lowercase(), &text), entry.name.clone()));
        near.min().filter(|(steps, name)| *steps <= name.as_str().len().div_ceil(3)).map(|(_, name)| name)
    }
}

fn only<'a>(
    found: &[(&'a PublicKey, &'a KeyEntry)],
    namespace: Option<&Namespace>,
) -> Result<(&'a PublicKey, &'a KeyEntry), SelectError> {
    match *found {
        [one] => Ok(one),
        [] => Err(SelectError::NoKey { namespace: namespace.cloned() }),
        _ => {
            let mut candidates: Vec<String> =
                found.iter().map(|(key, entry)| format!("{} ({key})", entry.name)).collect();
            candidates.sort();
            Err(SelectError::Ambiguous { namespace: namespace.cloned(), candidates })
        }
    }
}

/// How many letters must be added, left out or changed to get from one text to the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().take(80).collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let changed = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests;
