//! TOML as text: where each key and value stands, and edits that leave every other byte alone.
//!
//! A person's `Cargo.toml` is theirs: its comments, its order, its indentation, its line endings. Building a document
//! tree, changing it and printing it again loses some of that (scattered dotted keys are gathered, `\r\n` becomes `\n`).
//! So an edit here is a **splice**: a byte range of the original text and what replaces it. What no splice covers is
//! copied, byte for byte, by construction.
//!
//! - [`syntax`]: the text as sections, entries, keys and values, each with its byte range. It keeps what the file spells
//!   (two headers, a dotted key, an inline table), since an edit has to follow the spelling.
//! - [`nodes`]: the same file seen by logical path (`dependencies.serde.version`), whichever way it is spelled.
//! - [`splice`]: collecting edits, applying them, and telling line by line what changed.
//! - [`place`]: where a new key goes, for every spelling of its table.
//!
//! Used by [`manifest`](crate::manifest) and [`cargo_config`](crate::cargo_config).

pub(crate) mod syntax;
pub(crate) mod nodes;
pub(crate) mod splice;
pub(crate) mod place;

pub(crate) use nodes::{Nodes, Role, join, path};
pub(crate) use place::Editor;
pub use splice::{Change, Edited, SpliceError};
pub(crate) use syntax::{Toml, Value, ValueKind};

use std::fmt;

/// A place in a text, as editors count: the first line and the first column are 1, columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl Position {
    /// The position of a byte offset in `text`; an offset past the end, or inside a character, counts as the nearest before it.
    pub fn of(text: &str, offset: usize) -> Self {
        let mut offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &text[..offset];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].trim_start_matches('\u{feff}').chars().count() + 1,
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// A text that is not TOML, or that breaks a rule of TOML such as a key given twice.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid TOML at {position}: {message}")]
pub struct SyntaxError {
    /// Where.
    pub position: Position,
    /// What the parser expected or refused.
    pub message: String,
}

impl SyntaxError {
    pub(crate) fn from_toml(text: &str, error: &toml_edit::TomlError) -> Self {
        Self::at(text, error.span(), error.message())
    }

    pub(crate) fn from_de(text: &str, error: &toml_edit::de::Error) -> Self {
        Self::at(text, error.span(), error.message())
    }

    fn at(text: &str, span: Option<std::ops::Range<usize>>, message: &str) -> Self {
        let offset = span.map_or(0, |span| span.start);
        let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
        Self { position: Position::of(text, offset), message }
    }
}

/// A string written as a TOML value, quoted and escaped as needed.
pub(crate) fn quoted(text: &str) -> String {
    toml_edit::Value::from(text).to_string()
}

/// A key written as TOML: bare where that is allowed, else quoted.
pub(crate) fn key_text(name: &str) -> String {
    toml_edit::Key::new(name).to_string()
}

/// The line ending of a text: that of its first line, `\n` where there is none.
pub(crate) fn newline_of(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if text[..at].ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

/// The line, from 1, of the first merge-conflict marker in a text.
pub(crate) fn conflict_marker(text: &str) -> Option<usize> {
    let is_marker =
        |line: &str| line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> ") || line == "=======";
    text.lines().position(is_marker).map(|line| line + 1)
}
