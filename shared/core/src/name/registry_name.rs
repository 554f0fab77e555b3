//! [`RegistryName`]: the key of a registry under `[registries]` in Cargo's configuration.
//!
//! Cargo takes identifiers with `-`: no dot, no digit first. Labels of host names hold no `_`, so putting `_` for each
//! `.` maps different namespaces to different names; a leading digit gets a `_` before it, which no label starts with.

use std::fmt;

use super::{NameError, Namespace};
use crate::text::{excerpt, string_form};

/// A registry's name: `serde_rs`, `a-b_example`, `_0x_io`, or whatever else a user chose.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegistryName(String);

/// Far above any domain; a longer name is a mistake.
const MAX_REGISTRY_NAME: usize = 256;

impl RegistryName {
    /// The name that a namespace's registry gets by default.
    pub fn from_namespace(namespace: &Namespace) -> Self {
        let mut name = namespace.as_str().replace('.', "_");
        if name.starts_with(|first: char| first.is_ascii_digit()) {
            name.insert(0, '_');
        }
        Self(name)
    }

    /// Reads a registry's name: ASCII letters, digits, `-`, `_`, and no digit or `-` first, as Cargo has it.
    ///
    /// # Errors
    /// [`NameError::RegistryName`].
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        let start = |b: &u8| b.is_ascii_alphabetic() || *b == b'_';
        let fine = text.len() <= MAX_REGISTRY_NAME
            && text.as_bytes().first().is_some_and(start)
            && text.bytes().all(fits);
        if fine { Ok(Self(text.to_owned())) } else { Err(NameError::RegistryName { text: excerpt(text) }) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RegistryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

string_form!(RegistryName, NameError);
