//! A TOML file as it is spelled: sections under headers, entries, keys and values, each with its byte range.
//!
//! `toml_edit` decides whether a text is TOML at all (and caps its nesting at 80 levels); the lexer beneath it tells
//! where everything stands.

use super::{Position, SyntaxError};
use crate::limits::MAX_TOML;
use std::borrow::Cow;
use std::ops::Range;
use toml_parser::parser::{Event, EventKind};
use toml_parser::{Source, parser::ValidateWhitespace};

/// A parsed file. The first section is the root: what stands before any header.
#[derive(Debug)]
pub(crate) struct Toml<'t> {
    pub(crate) text: &'t str,
    pub(crate) sections: Vec<Section>,
}

/// A header with the entries under it.
#[derive(Debug)]
pub(crate) struct Section {
    /// The header's keys; empty for the root.
    pub(crate) keys: Vec<Key>,
    /// `[…]` with its brackets; empty at the start of the file for the root.
    pub(crate) span: Range<usize>,
    pub(crate) entries: Vec<Entry>,
}

/// `a.b = value`, under a header or within an inline table.
#[derive(Debug)]
pub(crate) struct Entry {
    /// At least one.
    pub(crate) keys: Vec<Key>,
    pub(crate) value: Value,
}

/// One part of a key.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) name: String,
    /// With its quotes.
    pub(crate) span: Range<usize>,
}

#[derive(Debug)]
pub(crate) struct Value {
    pub(crate) span: Range<usize>,
    pub(crate) kind: ValueKind,
}

#[derive(Debug)]
pub(crate) enum ValueKind {
    String(String),
    Bool(bool),
    Array(Vec<Value>),
    Table(Vec<Entry>),
    /// A number or a date; nothing here looks inside.
    Other,
}

impl Value {
    pub(crate) fn as_str(&self) -> Option<&str> {
        match &self.kind {
            ValueKind::String(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_bool(&self) -> Option<bool> {
        match self.kind {
            ValueKind::Bool(value) => Some(value),
            _ => None,
        }
    }

    pub(crate) fn as_array(&self) -> Option<&[Value]> {
        match &self.kind {
            ValueKind::Array(items) => Some(items),
            _ => None,
        }
    }

    pub(crate) fn as_table(&self) -> Option<&[Entry]> {
        match &self.kind {
            ValueKind::Table(entries) => Some(entries),
            _ => None,
        }
    }
}

impl Entry {
    /// From the first key to the end of the value.
    pub(crate) fn span(&self) -> Range<usize> {
        self.keys[0].span.start..self.value.span.end
    }
}

impl<'t> Toml<'t> {
    /// Parses `text`.
    ///
    /// # Errors
    /// What is not TOML, with line and column.
    pub(crate) fn parse(text: &'t str) -> Result<Self, SyntaxError> {
        if text.len() > MAX_TOML {
            let message = format!("longer than {MAX_TOML} bytes");
            return Err(SyntaxError { position: Position { line: 1, column: 1 }, message });
        }
        toml_edit::Document::parse(text).map_err(|error| SyntaxError::from_toml(text, &error))?;
        let source = Source::new(text);
        let tokens = source.lex().into_vec();
        let mut events: Vec<Event> = Vec::with_capacity(tokens.len());
        let mut errors: Vec<toml_parser::ParseError> = Vec::new();
        let mut receiver = ValidateWhitespace::new(&mut events, source);
        toml_parser::parser::parse_document(&tokens, &mut receiver, &mut errors);
        events.retain(|event| !is_layout(event.kind()));
        let mut reader = Reader { source, events: &events, next: 0 };
        let sections = reader.sections()?;
        Ok(Self { text, sections })
    }
}

/// What separates, and carries nothing that an edit looks at.
fn is_layout(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::Whitespace
            | EventKind::Comment
            | EventKind::Newline
            | EventKind::KeySep
            | EventKind::KeyValSep
            | EventKind::ValueSep
    )
}

/// Recursive descent over the events of a text that is known to be valid.
struct Reader<'e, 't> {
    source: Source<'t>,
    events: &'e [Event],
    next: usize,
}

impl Reader<'_, '_> {
    fn peek(&self) -> Option<EventKind> {
        self.events.get(self.next).map(Event::kind)
    }

    fn take(&mut self) -> Result<Event, SyntaxError> {
        let event = self.events.get(self.next).copied();
        self.next += 1;
        event.ok_or_else(|| self.unexpected(self.source.input().len()))
    }

    fn unexpected(&self, offset: usize) -> SyntaxError {
        SyntaxError {
            position: Position::of(self.source.input(), offset),
            message: "unexpected syntax".to_owned(),
        }
    }

    fn sections(&mut self) -> Result<Vec<Section>, SyntaxError> {
        let mut sections = vec![Section { keys: Vec::new(), span: 0..0, entries: Vec::new() }];
        while let Some(kind) = self.peek() {
            match kind {
                EventKind::StdTableOpen | EventKind::ArrayTableOpen => sections.push(self.header()?),
                _ => {
                    let entry = self.entry()?;
                    if let Some(section) = sections.last_mut() {
                        section.entries.push(entry);
                    }
                }
            }
        }
        Ok(sections)
    }

    fn header(&mut self) -> Result<Section, SyntaxError> {
        let open = self.take()?;
        let keys = self.keys()?;
        let close = self.take()?;
        match close.kind() {
            EventKind::StdTableClose | EventKind::ArrayTableClose => {
                let span = open.span().start()..close.span().end();
                Ok(Section { keys, span, entries: Vec::new() })
            }
            _ => Err(self.unexpected(close.span().start())),
        }
    }

    fn entry(&mut self) -> Result<Entry, SyntaxError> {
        let keys = self.keys()?;
        let value = self.value()?;
        Ok(Entry { keys, value })
    }

    fn keys(&mut self) -> Result<Vec<Key>, SyntaxError> {
        let mut keys = Vec::new();
        while self.peek() == Some(EventKind::SimpleKey) {
            let event = self.take()?;
            let span = range(&event);
            let raw = self.source.get(event).ok_or_else(|| self.unexpected(span.start))?;
            let mut name = Cow::Borrowed("");
            raw.decode_key(&mut name, &mut ());
            keys.push(Key { name: name.into_owned(), span });
        }
        if keys.is_empty() {
            let at =
                self.events.get(self.next).map_or(self.source.input().len(), |event| event.span().start());
            return Err(self.unexpected(at));
        }
        Ok(keys)
    }

    fn value(&mut self) -> Result<Value, SyntaxError> {
        let event = self.take()?;
        let start = event.span().start();
        match event.kind() {
            EventKind::Scalar => Ok(Value { span: range(&event), kind: self.scalar(&event)? }),
            EventKind::ArrayOpen => {
                let mut items = Vec::new();
                while self.peek().is_some_and(|kind| kind != EventKind::ArrayClose) {
                    items.push(self.value()?);
                }
                let close = self.take()?;
                Ok(Value { span: start..close.span().end(), kind: ValueKind::Array(items) })
            }
            EventKind::InlineTableOpen => {
                let mut entries = Vec::new();
                while self.peek().is_some_and(|kind| kind != EventKind::InlineTableClose) {
                    entries.push(self.entry()?);
                }
                let close = self.take()?;
                Ok(Value { span: start..close.span().end(), kind: ValueKind::Table(entries) })
            }
            _ => Err(self.unexpected(start)),
        }
    }

    fn scalar(&self, event: &Event) -> Result<ValueKind, SyntaxError> {
        use toml_parser::decoder::ScalarKind;
        let raw = self.source.get(event).ok_or_else(|| self.unexpected(event.span().start()))?;
        let mut decoded = Cow::Borrowed("");
        Ok(match raw.decode_scalar(&mut decoded, &mut ()) {
            ScalarKind::String => ValueKind::String(decoded.into_owned()),
            ScalarKind::Boolean(value) => ValueKind::Bool(value),
            _ => ValueKind::Other,
        })
    }
}

fn range(event: &Event) -> Range<usize> {
    event.span().start()..event.span().end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_cover_quotes_and_brackets() {
        let text = "a.'b c' = { x = [1, \"two\"] } # c\r\n[[p.\"q/r\"]]\nk = true\n";
        let toml = Toml::parse(text).unwrap();
        let entry = &toml.sections[0].entries[0];
        assert_eq!(entry.keys[1].name, "b c");
        assert_eq!(&text[entry.keys[1].span.clone()], "'b c'");
        assert_eq!(&text[entry.value.span.clone()], "{ x = [1, \"two\"] }");
        let inner = &entry.value.as_table().unwrap()[0];
        assert_eq!(inner.value.as_array().unwrap()[1].as_str(), Some("two"));
        assert_eq!(&text[toml.sections[1].span.clone()], "[[p.\"q/r\"]]");
        assert_eq!(toml.sections[1].entries[0].value.as_bool(), Some(true));
    }

    #[test]
    fn byte_order_mark_is_kept_outside_of_the_first_key() {
        let text = "\u{feff}a = 1\n";
        let toml = Toml::parse(text).unwrap();
        assert_eq!(toml.sections[0].entries[0].keys[0].span, 3..4);
    }

    #[test]
    fn an_error_names_line_and_column() {
        let error = Toml::parse("[package]\nname = \n").unwrap_err();
        assert_eq!(error.position, Position { line: 2, column: 8 });
        let error = Toml::parse("a = 1\na = 2\n").unwrap_err();
        assert_eq!(error.position.line, 2);
    }

    #[test]
    fn nesting_without_end_is_an_error_and_no_crash() {
        assert!(Toml::parse(&"a=[".repeat(100_000)).is_err());
        assert!(Toml::parse(&format!("a = {}", "[".repeat(100_000))).is_err());
        assert!(Toml::parse(&format!("{}a = 1", "a.".repeat(100_000))).is_err());
        assert!(Toml::parse(&format!("[{}a]", "a.".repeat(100_000))).is_err());
    }
}
