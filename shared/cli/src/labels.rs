//! What the user calls keys, their own and those of others: `$CARGO_HOME/namespaces/labels.toml`. Pure.
//!
//! ```toml
//! "ed25519:3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=" = "work laptop"
//! ```
//!
//! A label is the reader's own word for a key. Nothing that others say of a key becomes one: neither a registry, nor a
//! domain, nor a file of a project, any of which could call a stranger's key by the name of a friend's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cargo_namespaces::escape::escape_line;
use cargo_namespaces::key::PublicKey;
use cargo_namespaces::text::excerpt;

/// Longest label, in characters: it stands beside a key on a terminal's line.
pub const MAX_LABEL: usize = 40;

const HEAD: &str = "# Written by `cargo nspublish key label`: what you call keys. Nobody else sees it.\n";

/// The labels, each of one key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels(BTreeMap<PublicKey, String>);

/// Why a text is no label, or a file no list of labels.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LabelError {
    /// Not a text that can stand beside a key.
    #[error("{text:?} cannot be a label")]
    Text {
        /// What was given.
        text: String,
    },
    /// Another key has it.
    #[error("the label `{label}` is that of {key}")]
    Taken {
        /// The label.
        label: String,
        /// Whose it is.
        key: PublicKey,
    },
    /// Not such a file.
    #[error("not a list of labels: {0}")]
    File(String),
}

impl LabelError {
    /// What to do next.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Text { .. } => {
                "a label has up to 40 characters on one line, without backquotes, and is not itself a key"
            }
            Self::Taken { .. } => {
                "choose another, or take it from that key first with `cargo nspublish key label --remove KEY`"
            }
            Self::File(_) => "correct the file, or remove it: it holds nothing but what you call keys",
        }
    }
}

/// The file of the labels in Cargo's home.
pub fn labels_path(cargo_home: &Path) -> PathBuf {
    cargo_home.join("namespaces").join("labels.toml")
}

impl Labels {
    /// Reads the file.
    ///
    /// # Errors
    /// [`LabelError::File`].
    pub fn parse(text: &str) -> Result<Self, LabelError> {
        let wrong = |problem: String| LabelError::File(problem);
        let read: BTreeMap<String, String> =
            toml_edit::de::from_str(text).map_err(|error| wrong(error.message().to_owned()))?;
        let mut labels = Self::default();
        for (key, label) in read {
            let key = PublicKey::parse(&key).map_err(|error| wrong(error.to_string()))?;
            labels.set(key, &label).map_err(|error| wrong(error.to_string()))?;
        }
        Ok(labels)
    }

    /// Writes it: sorted by key, a line each.
    pub fn to_toml(&self) -> String {
        let line = |(key, label): (&PublicKey, &String)| {
            format!("\"{key}\" = {}\n", toml_edit::Value::from(label.as_str()))
        };
        HEAD.to_owned() + &self.0.iter().map(line).collect::<String>()
    }

    /// The label of a key.
    pub fn get(&self, key: &PublicKey) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// The key of a label, whatever the case of its letters.
    pub fn key_of(&self, label: &str) -> Option<&PublicKey> {
        let same = |found: &&str| found.to_lowercase() == label.trim().to_lowercase();
        self.0.iter().find(|(_, found)| same(&found.as_str())).map(|(key, _)| key)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&PublicKey, &str)> {
        self.0.iter().map(|(key, label)| (key, label.as_str()))
    }

    /// Calls a key by a label.
    ///
    /// # Errors
    /// It cannot be one, or is another key's: two keys with one label could not be told apart.
    pub fn set(&mut self, key: PublicKey, label: &str) -> Result<(), LabelError> {
        let label = label.trim();
        let seen = !label.is_empty() && label.chars().count() <= MAX_LABEL && escape_line(label) == label;
        if !seen || label.contains('`') || PublicKey::parse(label).is_ok() {
            return Err(LabelError::Text { text: excerpt(label) });
        }
        match self.key_of(label) {
            Some(other) if *other != key => {
                Err(LabelError::Taken { label: self.0[other].clone(), key: *other })
            }
            _ => {
                self.0.insert(key, label.to_owned());
                Ok(())
            }
        }
    }

    /// Takes a label away; what it was.
    pub fn remove(&mut self, key: &PublicKey) -> Option<String> {
        self.0.remove(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cargo_namespaces::key::SecretKey;

    #[test]
    fn labels_are_kept_and_belong_to_one_key() {
        let [one, two] = [0; 2].map(|_| SecretKey::generate().unwrap().public());
        let mut labels = Labels::default();
        labels.set(one, " work laptop ").unwrap();
        assert_eq!(labels.get(&one), Some("work laptop"));
        assert_eq!(labels.key_of("Work Laptop"), Some(&one));
        assert!(matches!(labels.set(two, "WORK laptop"), Err(LabelError::Taken { key, .. }) if key == one));
        labels.set(one, "old laptop").unwrap();
        labels.set(two, "Büro \"2\"").unwrap();
        assert_eq!(Labels::parse(&labels.to_toml()).unwrap(), labels);
        assert_eq!(labels.remove(&one).as_deref(), Some("old laptop"));
    }

    #[test]
    fn what_would_mislead_is_no_label() {
        let key = SecretKey::generate().unwrap().public();
        let long = "x".repeat(MAX_LABEL + 1);
        for text in ["", " ", "a\nb", "a\u{202e}b", "a`b", &long, &key.to_string(), &key.to_base64()] {
            assert!(Labels::default().set(key, text).is_err(), "{text:?}");
        }
        assert!(Labels::parse("\"ed25519:x\" = \"a\"\n").is_err());
    }
}
