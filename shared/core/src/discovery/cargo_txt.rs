//! `cargo.txt`: what a registry says about itself.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::{DocumentError, text};
use crate::key::{PublicKey, PublicKeyError};
use crate::name::{IndexUrl, NameError, Namespace, is_local_http};

/// The parsed `https://<registry>/.well-known/cargo.txt`, `name: value` lines:
///
/// ```text
/// api: /api/v1
/// index: sparse+https://crates.example/index/{namespace}/
/// key: ed25519:…
/// operations: fetch publish
/// contact: admin@crates.example
/// ```
///
/// Names are case-insensitive, `#` begins a comment line, unknown names are kept, a name given twice is an error
/// (of two answers to one question, none can be relied on).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CargoTxt {
    /// Where the registry's interface lives: a path on this host, or an https URL.
    pub api: Option<String>,
    /// Where the index of a namespace lives.
    pub index: Option<IndexTemplate>,
    /// The key with which the registry signs what it accepted.
    pub key: Option<PublicKey>,
    /// What it accepts from other registries: `fetch`, `publish`; words of others are kept.
    pub operations: BTreeSet<String>,
    /// Whom to ask.
    pub contact: Option<String>,
    /// Lines that this version does not know, in order.
    pub extra: Vec<(String, String)>,
}

/// An index URL with `{namespace}` in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexTemplate(String);

/// Why a `cargo.txt` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CargoTxtError {
    /// Too long, or no text.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// A line without a colon.
    #[error("line {line} is not `name: value`")]
    NotAField {
        /// Counted from one.
        line: usize,
    },
    /// A name given twice.
    #[error("`{name}` is given twice")]
    Twice {
        /// The name.
        name: String,
    },
    /// A value of a known name that cannot be read.
    #[error("`{name}` is not usable: {problem}")]
    Value {
        /// The name.
        name: String,
        /// What is wrong with its value.
        problem: ValueError,
    },
}

/// Why a value of a `cargo.txt` cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ValueError {
    /// No address of an interface.
    #[error("neither a path nor an https URL")]
    Api,
    /// An index template without its placeholder.
    #[error("`{0}` does not hold `{PLACEHOLDER}`")]
    NoPlaceholder(String),
    /// An index template that makes no index URL.
    #[error(transparent)]
    Index(#[from] NameError),
    /// No key.
    #[error(transparent)]
    Key(#[from] PublicKeyError),
}

const PLACEHOLDER: &str = "{namespace}";

impl IndexTemplate {
    /// The index of one namespace.
    ///
    /// # Errors
    /// Another namespace makes an index URL of the template, and this one does not.
    pub fn for_namespace(&self, namespace: &Namespace) -> Result<IndexUrl, NameError> {
        IndexUrl::parse(&self.0.replace(PLACEHOLDER, namespace.as_str()))
    }

    /// The text, with the placeholder.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IndexTemplate {
    type Err = ValueError;

    fn from_str(template: &str) -> Result<Self, ValueError> {
        if !template.contains(PLACEHOLDER) {
            return Err(ValueError::NoPlaceholder(template.to_owned()));
        }
        let template = Self(template.to_owned());
        let probe = Namespace::parse("serde.rs")?;
        template.for_namespace(&probe)?;
        Ok(template)
    }
}

impl CargoTxt {
    /// Reads the document; a byte order mark and CRLF are tolerated.
    ///
    /// # Errors
    /// See [`CargoTxtError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, CargoTxtError> {
        let mut found = Self::default();
        let mut seen = BTreeSet::new();
        for (at, line) in text(bytes)?.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, value) = line.split_once(':').ok_or(CargoTxtError::NotAField { line: at + 1 })?;
            let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
            if !seen.insert(name.clone()) {
                return Err(CargoTxtError::Twice { name });
            }
            found.set(&name, value).map_err(|problem| CargoTxtError::Value { name, problem })?;
        }
        Ok(found)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), ValueError> {
        match name {
            "api" if value.starts_with('/') || value.starts_with("https://") || is_local_http(value) => {
                self.api = Some(value.to_owned());
            }
            "api" => return Err(ValueError::Api),
            "index" => self.index = Some(value.parse()?),
            "key" => self.key = Some(value.parse()?),
            "operations" => self.operations = value.split_whitespace().map(str::to_owned).collect(),
            "contact" => self.contact = Some(value.to_owned()),
            _ => self.extra.push((name.to_owned(), value.to_owned())),
        }
        Ok(())
    }
}

impl fmt::Display for CargoTxt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |name: &str, value: &str| writeln!(f, "{name}: {value}");
        if let Some(api) = &self.api {
            line("api", api)?;
        }
        if let Some(index) = &self.index {
            line("index", index.as_str())?;
        }
        if let Some(key) = &self.key {
            line("key", &key.to_string())?;
        }
        if !self.operations.is_empty() {
            let words: Vec<&str> = self.operations.iter().map(String::as_str).collect();
            line("operations", &words.join(" "))?;
        }
        if let Some(contact) = &self.contact {
            line("contact", contact)?;
        }
        self.extra.iter().try_for_each(|(name, value)| line(name, value))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EXAMPLE: &str = "\u{feff}# a registry\r\nAPI: /api/v1\r\nindex: sparse+https://crates.example/index/{namespace}/\r\n\
                           operations: publish fetch\r\ncontact: admin@crates.example\r\nmotto: be kind\r\n";

    #[test]
    fn a_registry_says_what_it_is() {
        let txt = CargoTxt::parse(EXAMPLE.as_bytes()).unwrap();
        assert_eq!(txt.api.as_deref(), Some("/api/v1"));
        let ns = Namespace::parse("serde.rs").unwrap();
        let index = txt.index.as_ref().unwrap().for_namespace(&ns).unwrap();
        assert_eq!(index.as_str(), "sparse+https://crates.example/index/serde.rs/");
        assert!(txt.operations.contains("fetch"));
        assert_eq!(txt.extra, [("motto".to_owned(), "be kind".to_owned())]);
        let written = txt.to_string();
        assert_eq!(CargoTxt::parse(written.as_bytes()).unwrap(), txt);
    }

    #[test]
    fn what_cannot_be_relied_on_is_an_error() {
        let parse = |text: &str| CargoTxt::parse(text.as_bytes()).unwrap_err();
        assert!(matches!(parse("api: /a\nAPI: /b\n"), CargoTxtError::Twice { .. }));
        assert!(matches!(parse("hello\n"), CargoTxtError::NotAField { line: 1 }));
        assert!(matches!(parse("index: sparse+https://crates.example/\n"), CargoTxtError::Value { .. }));
        assert!(matches!(
            parse("index: sparse+http://crates.example/{namespace}/\n"),
            CargoTxtError::Value { .. }
        ));
        assert!(matches!(parse("api: http://crates.example/\n"), CargoTxtError::Value { .. }));
        assert!(matches!(parse("key: ed25519:zzz\n"), CargoTxtError::Value { .. }));
    }

    proptest! {
        #[test]
        fn written_documents_read_back(
            api in proptest::option::of("/[a-z0-9/]{0,12}"),
            host in proptest::option::of("[a-z]{1,8}"),
            operations in proptest::collection::btree_set("[a-z]{1,8}", 0..4),
            contact in proptest::option::of("[a-z@.:]{1,20}"),
            extra in proptest::collection::btree_map("x-[a-z]{1,5}", "[a-z:# ]{0,12}", 0..3),
        ) {
            let txt = CargoTxt {
                api,
                index: host.map(|h| format!("sparse+https://{h}.example/{{namespace}}/").parse().unwrap()),
                key: None,
                operations,
                contact,
                extra: extra.into_iter().map(|(k, v)| (k, v.trim().to_owned())).collect(),
            };
            let written = txt.to_string();
            let again = CargoTxt::parse(written.as_bytes()).unwrap();
            prop_assert_eq!(&again, &txt);
            prop_assert_eq!(again.to_string(), written);
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = CargoTxt::parse(&bytes);
        }
    }
}
