//! Which key a request means.

use super::{KeyBook, KeyEntry, KeyName, Role};
use crate::shell::ExitCode;
use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::Namespace;
use cargo_namespaces::text::excerpt;
use strsim::levenshtein;

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
        name: KeyName,
        /// Whose it is.
        key: PublicKey,
    },
    /// The key is in the book.
    #[error("the key {key} is here already, under the name `{name}`")]
    KeyKnown { key: PublicKey, name: KeyName },
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
    NotHere { key: PublicKey },
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
                format!("make one with `cargo nspublish setup {namespace}`, or bring yours with `cargo nspublish key import FILE --namespace {namespace}`")
            }
            Self::NoKey { namespace: None } => {
                "make one with `cargo nspublish key new`, or bring yours with `cargo nspublish key import FILE`".to_owned()
            }
            Self::Ambiguous { .. } => "name one of them: `--key NAME` where a key signs, `key show NAME`, `key export NAME`".to_owned(),
        })
    }

    pub(in crate::keystore) fn exit(&self) -> ExitCode {
        match self {
            Self::Name { .. } => ExitCode::Usage,
            Self::NoKey { .. } | Self::Ambiguous { .. } => ExitCode::ActionRequired,
            _ => ExitCode::Failure,
        }
    }
}

impl KeyBook {
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
            .map(|entry| (levenshtein(&entry.name.as_str().to_ascii_lowercase(), &text), entry.name.clone()));
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
