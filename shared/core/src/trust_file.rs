//! `.cargo/namespaces.toml`: the indexes and keys that a project trusts. Committed; written by `cargo nsadd`.
//!
//! ```toml
//! # Written by cargo nsadd: …
//!
//! ["serde.rs"]
//! index = "sparse+https://serde.rs/cargo/index/"
//! trusted = [
//!   "ed25519:BASE64 serde.rs",
//!   "ed25519:BASE64 serde.rs/serde-abc",
//! ]
//! revoked = [
//!   "ed25519:BASE64",
//! ]
//! ```
//!
//! Made to be merged: namespaces and lines are sorted, a key has one line, nothing depends on when it was written. The
//! same pins are the same bytes, and what is read and written again is unchanged. The whole file is ours: comments that
//! others add are not kept.
//!
//! A file that decides whom to trust is read strictly: an unknown key, a scope in another namespace or a second spelling
//! of a namespace is an error, so that a typing error never means "no pins".

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::key::{PublicKey, PublicKeyError};
use crate::limits::MAX_TRUST_FILE;
use crate::name::{IndexUrl, NameError, Namespace, QualifiedName};
use crate::token::Scope;
use crate::toml_text::{Nodes, join};
use crate::toml_text::{Position, SyntaxError, Toml, Value, ValueKind, conflict_marker, quoted};

const HEADER: &str = "# Written by cargo nsadd: the registry indexes and publishers' keys that this project trusts.\n\
                      # Commit it. Changes here deserve a review: a key in this file may publish what you build.\n";

/// What the project pinned, by namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustFile {
    /// The namespaces.
    pub namespaces: BTreeMap<Namespace, Pins>,
}

/// What is pinned for one namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pins {
    /// The canonical index.
    pub index: IndexUrl,
    /// The trusted keys, each with what it may sign.
    pub trusted: BTreeSet<(PublicKey, Scope)>,
    /// Keys that are not to be trusted whatever the domain says.
    pub revoked: BTreeSet<PublicKey>,
}

/// Why a text is no trust file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrustFileError {
    /// Bigger than the limit.
    #[error("the trust file is larger than {MAX_TRUST_FILE} bytes")]
    TooLarge,
    /// An unresolved merge.
    #[error("the trust file has merge-conflict markers (line {0})")]
    Conflict(usize),
    /// Not TOML.
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    /// A line that does not belong there.
    #[error("{position}: {problem}")]
    Line {
        /// Where.
        position: Position,
        /// What is wrong.
        problem: TrustFileProblem,
    },
}

/// What is wrong with a line of a trust file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrustFileProblem {
    /// Not one of `index`, `trusted`, `revoked` in a namespace's table.
    #[error("unknown key {0:?}")]
    UnknownKey(String),
    /// A name, scope or URL that is none.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A key that is none.
    #[error(transparent)]
    Key(#[from] PublicKeyError),
    /// A value of another type.
    #[error("`{key}` must be {expected}")]
    WrongType {
        /// The key.
        key: &'static str,
        /// What is expected.
        expected: &'static str,
    },
    /// A line of `trusted` without a scope.
    #[error("a trusted key is followed by a blank and its scope: `ed25519:… {0}`")]
    NoScope(Namespace),
    /// A scope that lies elsewhere.
    #[error("the scope {scope} does not lie in {namespace}")]
    OtherNamespace {
        /// The scope.
        scope: Scope,
        /// The table that it stands in.
        namespace: Namespace,
    },
    /// No index.
    #[error("{0} has no `index`")]
    NoIndex(Namespace),
    /// An index on the machine of whoever reads the file.
    #[error("the index of {0} cannot be on this machine: only names below `localhost` are served there")]
    LocalIndex(Namespace),
    /// Two spellings of one namespace.
    #[error("{0} has two tables")]
    Twice(Namespace),
}

impl TrustFileError {
    /// What to do next.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Conflict(_) => Some(
                "resolve it as in code: keep the lines of both sides whose keys you trust; order does not matter",
            ),
            Self::Line { problem: TrustFileProblem::UnknownKey(_), .. } => {
                Some("a namespace's table has the keys `index`, `trusted` and `revoked`")
            }
            _ => None,
        }
    }
}

impl TrustFile {
    /// Reads a trust file. An empty text is an empty file.
    ///
    /// # Errors
    /// See [`TrustFileError`].
    pub fn parse(text: &str) -> Result<Self, TrustFileError> {
        if text.len() as u64 > MAX_TRUST_FILE {
            return Err(TrustFileError::TooLarge);
        }
        if let Some(line) = conflict_marker(text) {
            return Err(TrustFileError::Conflict(line));
        }
        let toml = Toml::parse(text)?;
        let reader = Reader { nodes: &Nodes::new(&toml) };
        let mut namespaces = BTreeMap::new();
        for name in reader.nodes.children(&[]) {
            let at = vec![name.to_owned()];
            let namespace = Namespace::parse(name).map_err(|error| reader.error(&at, error))?;
            let pins = reader.pins(&at, &namespace)?;
            if namespaces.insert(namespace.clone(), pins).is_some() {
                return Err(reader.error(&at, TrustFileProblem::Twice(namespace)));
            }
        }
        Ok(Self { namespaces })
    }

    /// The file's text.
    pub fn serialise(&self) -> String {
        let mut text = HEADER.to_owned();
        for (namespace, pins) in &self.namespaces {
            // Writing to a String cannot fail.
            let _ = write!(text, "\n[{}]\n", quoted(namespace.as_str()));
            let _ = writeln!(text, "index = {}", quoted(pins.index.as_str()));
            let trusted = pins.trusted.iter().map(|(key, scope)| format!("{key} {scope}")).collect();
            push_list(&mut text, "trusted", trusted);
            if !pins.revoked.is_empty() {
                push_list(&mut text, "revoked", pins.revoked.iter().map(PublicKey::to_string).collect());
            }
        }
        text
    }

    /// What is pinned for a namespace.
    pub fn pins(&self, namespace: &Namespace) -> Option<&Pins> {
        self.namespaces.get(namespace)
    }

    /// The pinned index of a namespace.
    pub fn index(&self, namespace: &Namespace) -> Option<&IndexUrl> {
        self.pins(namespace).map(|pins| &pins.index)
    }

    /// The namespace whose pinned index that is.
    pub fn namespace_of(&self, index: &IndexUrl) -> Option<&Namespace> {
        self.namespaces.iter().find(|(_, pins)| pins.index == *index).map(|(namespace, _)| namespace)
    }

    /// The widest scope with which a key is pinned for a crate; none for a key that is revoked.
    pub fn pinned(&self, name: &QualifiedName, key: &PublicKey) -> Option<&Scope> {
        self.pins(&name.namespace)?.pinned(name, key)
    }

    /// Whether the project takes a key for revoked.
    pub fn is_revoked(&self, namespace: &Namespace, key: &PublicKey) -> bool {
        self.pins(namespace).is_some_and(|pins| pins.revoked.contains(key))
    }

    /// Pins a namespace's index, replacing the one there. Returns whether anything changed.
    pub fn set_index(&mut self, namespace: &Namespace, index: &IndexUrl) -> bool {
        match self.namespaces.get_mut(namespace) {
            Some(pins) if pins.index == *index => false,
            Some(pins) => {
                pins.index = index.clone();
                true
            }
            None => {
                self.namespaces.insert(namespace.clone(), Pins::new(index.clone()));
                true
            }
        }
    }

    /// Pins a key with its scope, in the scope's namespace. Nothing is added where a pin covers it already; a narrower pin of
    /// the same key goes when a wider one comes. `index` is pinned if the namespace is new, and ignored otherwise.
    /// Returns whether anything changed.
    pub fn add_pin(&mut self, index: &IndexUrl, key: PublicKey, scope: Scope) -> bool {
        let pins =
            self.namespaces.entry(scope.namespace().clone()).or_insert_with(|| Pins::new(index.clone()));
        if pins.trusted.iter().any(|(pinned, wider)| *pinned == key && scope.within(wider)) {
            return false;
        }
        pins.trusted.retain(|(pinned, narrower)| *pinned != key || !narrower.within(&scope));
        pins.trusted.insert((key, scope))
    }

    /// Takes a key for revoked in a namespace, and its pins out. A namespace that is not in the file stays so.
    /// Returns whether anything changed.
    pub fn revoke(&mut self, namespace: &Namespace, key: PublicKey) -> bool {
        let Some(pins) = self.namespaces.get_mut(namespace) else { return false };
        let before = pins.trusted.len();
        pins.trusted.retain(|(pinned, _)| *pinned != key);
        pins.revoked.insert(key) || pins.trusted.len() != before
    }
}

impl Pins {
    /// No keys yet.
    pub fn new(index: IndexUrl) -> Self {
        Self { index, trusted: BTreeSet::new(), revoked: BTreeSet::new() }
    }

    /// The widest scope with which a key is pinned for a crate; none for a key that is revoked.
    pub fn pinned(&self, name: &QualifiedName, key: &PublicKey) -> Option<&Scope> {
        if self.revoked.contains(key) {
            return None;
        }
        let mut covering = self
            .trusted
            .iter()
            .filter(|(pinned, scope)| pinned == key && scope.covers(name))
            .map(|(_, scope)| scope);
        let first = covering.next()?;
        Some(covering.fold(first, |widest, scope| if widest.within(scope) { scope } else { widest }))
    }
}

/// `name = [` and one sorted line for each item.
fn push_list(text: &mut String, name: &str, mut lines: Vec<String>) {
    lines.sort_unstable();
    let _ = writeln!(text, "{name} = [");
    for line in lines {
        let _ = writeln!(text, "  {},", quoted(&line));
    }
    text.push_str("]\n");
}

struct Reader<'a> {
    nodes: &'a Nodes<'a, 'a>,
}

impl Reader<'_> {
    fn error(&self, at: &[String], problem: impl Into<TrustFileProblem>) -> TrustFileError {
        let start = self.nodes.at(at).first().map_or(0, |node| node.span.start);
        self.error_at(start, problem)
    }

    fn error_at(&self, offset: usize, problem: impl Into<TrustFileProblem>) -> TrustFileError {
        let position = Position::of(self.nodes.toml.text, offset);
        TrustFileError::Line { position, problem: problem.into() }
    }

    fn pins(&self, at: &[String], namespace: &Namespace) -> Result<Pins, TrustFileError> {
        let unknown =
            self.nodes.children(at).into_iter().find(|key| !["index", "trusted", "revoked"].contains(key));
        if let Some(key) = unknown {
            return Err(self.error(&join(at, key), TrustFileProblem::UnknownKey(key.to_owned())));
        }
        let index = self.value(at, "index");
        let index = index.ok_or_else(|| self.error(at, TrustFileProblem::NoIndex(namespace.clone())))?;
        let mut pins = Pins::new(self.parsed(index, "index", |text| {
            let index = IndexUrl::parse(text)?;
            if index.may_serve(namespace) {
                Ok(index)
            } else {
                Err(TrustFileProblem::LocalIndex(namespace.clone()))
            }
        })?);
        for line in self.list(at, "trusted")? {
            pins.trusted.insert(self.parsed(line, "trusted", |text| trusted(text, namespace))?);
        }
        for line in self.list(at, "revoked")? {
            pins.revoked.insert(self.parsed(line, "revoked", |text| Ok(PublicKey::parse(text)?))?);
        }
        Ok(pins)
    }

    /// What stands at `key`; also something that is no value (a table), which then has no right type.
    fn value(&self, at: &[String], key: &str) -> Option<&Value> {
        self.nodes.value(&join(at, key))
    }

    fn list(&self, at: &[String], key: &'static str) -> Result<&[Value], TrustFileError> {
        let wrong = TrustFileProblem::WrongType { key, expected: "a list of strings" };
        match self.value(at, key).map(|value| &value.kind) {
            Some(ValueKind::Array(items)) => Ok(items),
            None if !self.nodes.has(&join(at, key)) => Ok(&[]),
            _ => Err(self.error(&join(at, key), wrong)),
        }
    }

    fn parsed<T>(
        &self,
        value: &Value,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, TrustFileProblem>,
    ) -> Result<T, TrustFileError> {
        let expected = if key == "index" { "a string" } else { "a list of strings" };
        let text = value.as_str().ok_or(TrustFileProblem::WrongType { key, expected });
        text.and_then(parse).map_err(|problem| self.error_at(value.span.start, problem))
    }
}

fn trusted(line: &str, namespace: &Namespace) -> Result<(PublicKey, Scope), TrustFileProblem> {
    let (key, scope) = line.split_once(' ').ok_or_else(|| TrustFileProblem::NoScope(namespace.clone()))?;
    let (key, scope) = (PublicKey::parse(key)?, Scope::parse(scope)?);
    if scope.namespace() != namespace {
        return Err(TrustFileProblem::OtherNamespace { scope, namespace: namespace.clone() });
    }
    Ok((key, scope))
}

#[cfg(test)]
mod tests;
