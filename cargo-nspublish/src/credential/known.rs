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

use cargo_namespaces::name::{IndexUrl, Namespace};
use cargo_namespaces_cli::shell::{CliError, ExitCode};
use cargo_namespaces_net::fs;
use toml_edit::{DocumentMut, value};

const HEAD: &str = "# Written by cargo nspublish: the indexes that it signs for when Cargo asks.\n";

/// The known indexes, each with its namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known(BTreeMap<IndexUrl, Namespace>);

impl Known {
    /// Where the list is.
    pub fn path(cargo_home: &Path) -> PathBuf {
        cargo_home.join("namespaces").join("registries.toml")
    }

    /// The list; empty when there is none.
    ///
    /// # Errors
    /// The file cannot be read, or is not such a list.
    pub fn load(cargo_home: &Path) -> Result<Self, CliError> {
        let path = Self::path(cargo_home);
        let Some(text) = fs::read_to_string_if_exists(&path)? else { return Ok(Self::default()) };
        Self::parse(&text).map_err(|problem| {
            CliError::new(ExitCode::InvalidInput, format!("`{}` cannot be used: {problem}", path.display()))
                .hint("remove it, and run `cargo nspublish setup` for each of your namespaces")
        })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let document: DocumentMut =
            text.parse().map_err(|error: toml_edit::TomlError| error.message().to_owned())?;
        let entry = |(index, item): (&str, &toml_edit::Item)| {
            let index = IndexUrl::parse(index).map_err(|error| error.to_string())?;
            let namespace = item.get("namespace").and_then(|name| name.as_str());
            let namespace = namespace.ok_or_else(|| format!("`{index}` has no `namespace`"))?;
            Ok((index, Namespace::parse(namespace).map_err(|error| error.to_string())?))
        };
        Ok(Self(document.iter().map(entry).collect::<Result<_, String>>()?))
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

    /// Adds an index, in place of a former one of the namespace.
    pub fn set(&mut self, index: &IndexUrl, namespace: &Namespace) {
        self.0.retain(|_, of| of != namespace);
        self.0.insert(index.clone(), namespace.clone());
    }

    /// Writes the list, if it is another than the one there.
    ///
    /// # Errors
    /// It cannot be written.
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
        let mut known = Known::default();
        known.set(&first, &namespace);
        known.set(&second, &namespace);
        assert_eq!(known.namespace_of(&first), None);
        assert_eq!(known.namespace_of(&second), Some(&namespace));
        let text = known.to_toml();
        assert_eq!(text, format!("{HEAD}[\"{second}\"]\nnamespace = \"serde.rs\"\n"));
        assert_eq!(Known::parse(&text).unwrap(), known);
    }

    #[test]
    fn what_is_no_list_is_refused() {
        assert!(Known::parse("[\"https://a.example/\"]\nnamespace = \"serde.rs\"\n").is_err());
        assert!(Known::parse("[\"sparse+https://a.example/\"]\n").unwrap_err().contains("no `namespace`"));
        assert!(Known::parse("[").is_err());
    }
}
