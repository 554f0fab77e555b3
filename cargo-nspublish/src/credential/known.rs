//! The indexes that the credential provider answers for: `$CARGO_HOME/namespaces/registries.toml`.
//!
//! ```toml
//! # Written by cargo nspublish: the indexes that it signs for when Cargo asks.
//! ["sparse+https://crates.example/index/serde.rs/"]
//! namespace = "serde.rs"
//! ```
//!
//! Only `setup` and `cargo nspublish` add to it, never a configuration file of a project.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cargo_namespaces::name::{IndexUrl, NameError, Namespace};
use cargo_namespaces_cli::shell::{CliError, ExitCode};
use cargo_namespaces_net::fs;
use toml_edit::{DocumentMut, value};

const HEAD: &str = "# Written by cargo nspublish: the indexes that it signs for when Cargo asks.\n";

/// The known indexes, each with its namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownIndexes(BTreeMap<IndexUrl, Namespace>);

/// Why a file is no list of indexes.
#[derive(Debug, thiserror::Error)]
pub enum KnownIndexesError {
    /// It is not TOML.
    #[error("{}", .0.message())]
    Toml(toml_edit::TomlError),
    /// A name in it is none.
    #[error(transparent)]
    Name(#[from] NameError),
    /// An index without a namespace.
    #[error("`{0}` has no `namespace`")]
    NoNamespace(IndexUrl),
}

impl KnownIndexes {
    /// Where the list is.
    pub fn path(cargo_home: &Path) -> PathBuf {
        cargo_home.join("namespaces").join("registries.toml")
    }

    /// Reads the list. It is empty if there is no file.
    pub fn load(cargo_home: &Path) -> Result<Self, CliError> {
        let path = Self::path(cargo_home);
        let Some(text) = fs::read_to_string_if_exists(&path)? else { return Ok(Self::default()) };
        Self::parse(&text).map_err(|problem| {
            CliError::new(ExitCode::InvalidInput, format!("`{}` cannot be used: {problem}", path.display()))
                .hint("remove it, and run `cargo nspublish setup` for each of your namespaces")
        })
    }

    fn parse(text: &str) -> Result<Self, KnownIndexesError> {
        let document: DocumentMut = text.parse().map_err(KnownIndexesError::Toml)?;
        let entry = |(index, item): (&str, &toml_edit::Item)| {
            let index = IndexUrl::parse(index)?;
            let namespace = item.get("namespace").and_then(|name| name.as_str());
            let Some(namespace) = namespace else { return Err(KnownIndexesError::NoNamespace(index)) };
            Ok((index, Namespace::parse(namespace)?))
        };
        Ok(Self(document.iter().map(entry).collect::<Result<_, _>>()?))
    }

    fn to_toml(&self) -> String {
        let mut document = DocumentMut::new();
        for (index, namespace) in &self.0 {
            let mut table = toml_edit::Table::new();
            table["namespace"] = value(namespace.as_str());
            document[index.as_str()] = toml_edit::Item::Table(table);
        }
        format!("{HEAD}{document}")
    }

    /// The namespace of a known index.
    pub fn namespace_of(&self, index: &IndexUrl) -> Option<&Namespace> {
        self.0.get(index)
    }

    /// Adds an index. It replaces the one that the namespace had before.
    pub fn set(&mut self, index: &IndexUrl, namespace: &Namespace) {
        self.0.retain(|_, of| of != namespace);
        self.0.insert(index.clone(), namespace.clone());
    }

    /// Writes the list, if it differs from the file.
    pub fn save(&self, cargo_home: &Path) -> Result<(), CliError> {
        fs::write_if_changed(&Self::path(cargo_home), self.to_toml().as_bytes())?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_reads_back_and_holds_one_index_a_namespace() {
        let namespace = Namespace::parse("serde.rs").unwrap();
        let [first, second] = ["sparse+https://a.example/i/", "sparse+https://b.example/i/"]
            .map(|index| IndexUrl::parse(index).unwrap());
        let mut known = KnownIndexes::default();
        known.set(&first, &namespace);
        known.set(&second, &namespace);
        assert_eq!(known.namespace_of(&first), None);
        assert_eq!(known.namespace_of(&second), Some(&namespace));
        let text = known.to_toml();
        assert_eq!(text, format!("{HEAD}[\"{second}\"]\nnamespace = \"serde.rs\"\n"));
        assert_eq!(KnownIndexes::parse(&text).unwrap(), known);
    }

    #[test]
    fn what_is_no_list_is_refused() {
        assert!(KnownIndexes::parse("[\"https://a.example/\"]\nnamespace = \"serde.rs\"\n").is_err());
        assert!(
            KnownIndexes::parse("[\"sparse+https://a.example/\"]\n")
                .unwrap_err()
                .to_string()
                .contains("no `namespace`")
        );
        assert!(KnownIndexes::parse("[").is_err());
    }
}
