//! Edits as byte ranges, and the account of them.

use super::{SyntaxError, newline_of};
use std::ops::Range;

/// One change to a text, for a person to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The line in the text as it was, from 1; for added lines, the line that they come before.
    pub line: usize,
    /// The lines as they were, without the last line break; empty where lines are added.
    pub before: String,
    /// The lines as they are now; empty where lines are removed.
    pub after: String,
    /// Why, as fragments joined by `; `.
    pub why: String,
}

/// An edited text with what was changed in it, in the order of the lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    /// The whole text after the edit.
    pub text: String,
    /// What changed; empty when nothing did.
    pub changes: Vec<Change>,
}

impl Edited {
    /// Whether the edit changed anything.
    pub fn is_changed(&self) -> bool {
        !self.changes.is_empty()
    }
}

#[derive(Clone, Debug)]
struct Splice {
    range: Range<usize>,
    text: String,
    why: String,
}

/// Edits of one text, collected in any order.
#[derive(Debug)]
pub(crate) struct Splices<'t> {
    text: &'t str,
    newline: &'static str,
    list: Vec<Splice>,
}

/// Edits that cannot be applied together, or whose result is not TOML. The text stays as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpliceError {
    /// Two edits of the same bytes.
    #[error("two changes fall on the same place, at {0}")]
    Overlap(super::Position),
    /// The result does not parse.
    #[error("the edited text would not be valid")]
    Invalid(#[source] SyntaxError),
}

impl<'t> Splices<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { text, newline: newline_of(text), list: Vec::new() }
    }

    pub(crate) fn text(&self) -> &'t str {
        self.text
    }

    pub(crate) fn newline(&self) -> &'static str {
        self.newline
    }

    /// Replaces a range; nothing is recorded when the bytes are the same, or when this very edit was made before.
    pub(crate) fn replace(&mut self, range: Range<usize>, text: impl Into<String>, why: impl Into<String>) {
        let text = text.into();
        let same = self.text[range.clone()] == text;
        let again =
            !range.is_empty() && self.list.iter().any(|splice| splice.range == range && splice.text == text);
        if !same && !again {
            self.list.push(Splice { range, text, why: why.into() });
        }
    }

    /// Inserts at an offset, after what was inserted there before.
    pub(crate) fn insert(&mut self, at: usize, text: impl Into<String>, why: impl Into<String>) {
        self.replace(at..at, text, why);
    }

    /// Whether a line can start at an offset, after what is inserted there already.
    pub(crate) fn line_starts_at(&self, at: usize) -> bool {
        let before = self.inserted_at(at).unwrap_or(&self.text[..at]);
        before.ends_with('\n') || before.trim_start_matches('\u{feff}').is_empty()
    }

    /// The last text inserted at an offset.
    pub(crate) fn inserted_at(&self, at: usize) -> Option<&str> {
        self.list.iter().rev().find(|splice| splice.range == (at..at)).map(|splice| splice.text.as_str())
    }

    /// What replaces exactly this range, or the range's own text.
    pub(crate) fn current(&self, range: Range<usize>) -> &str {
        match self.list.iter().find(|splice| splice.range == range) {
            Some(splice) => &splice.text,
            None => &self.text[range],
        }
    }

    /// Applies the edits.
    ///
    /// # Errors
    /// See [`SpliceError`]; both mean a defect here and not in the text, and leave the text alone.
    pub(crate) fn finish(mut self) -> Result<Edited, SpliceError> {
        // Stable: insertions at one place keep their order, and come before a replacement that starts there.
        self.list.sort_by_key(|splice| (splice.range.start, splice.range.end));
        if let Some(pair) = self.list.windows(2).find(|pair| pair[0].range.end > pair[1].range.start) {
            return Err(SpliceError::Overlap(super::Position::of(self.text, pair[1].range.start)));
        }
        let text = apply(self.text, 0..self.text.len(), &self.list);
        if !self.list.is_empty() {
            toml_edit::Document::parse(text.as_str())
                .map_err(|error| SpliceError::Invalid(SyntaxError::from_toml(&text, &error)))?;
        }
        let changes = self.changes();
        Ok(Edited { text, changes })
    }

    /// One change for each run of lines that edits touch together; added lines stand alone.
    fn changes(&self) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut rest = self.list.as_slice();
        while let Some(first) = rest.first() {
            let mut lines = self.lines_of(first);
            let mut count = 1;
            if !lines.is_empty() {
                while let Some(next) = rest.get(count) {
                    let touched = self.lines_of(next);
                    if touched.is_empty() || touched.start >= lines.end {
                        break;
                    }
                    lines.end = lines.end.max(touched.end);
                    count += 1;
                }
            }
            changes.push(self.change(lines, &rest[..count]));
            rest = &rest[count..];
        }
        changes
    }

    fn change(&self, lines: Range<usize>, splices: &[Splice]) -> Change {
        let before = without_break(&self.text[lines.clone()]).to_owned();
        let after = apply(self.text, lines.clone(), splices);
        // Added lines may bring blank lines around them.
        let after = if lines.is_empty() { after.trim_matches(['\r', '\n']) } else { without_break(&after) }
            .to_owned();
        let mut why: Vec<&str> = Vec::new();
        for splice in splices {
            if !splice.why.is_empty() && !why.contains(&splice.why.as_str()) {
                why.push(&splice.why);
            }
        }
        let line = super::Position::of(self.text, lines.start).line;
        Change { line, before, after, why: why.join("; ") }
    }

    /// The whole lines that a splice touches; an empty range for added lines.
    fn lines_of(&self, splice: &Splice) -> Range<usize> {
        let Range { start, end } = splice.range;
        let at_line_start = start == 0 || self.text[..start].ends_with('\n');
        let adds_lines = start == end
            && ((at_line_start && splice.text.ends_with('\n'))
                || (start == self.text.len() && splice.text.starts_with(['\r', '\n'])));
        if adds_lines {
            return start..start;
        }
        // A range that ends with a line break does not touch the next line.
        let last = if end > start && self.text[..end].ends_with('\n') { end - 1 } else { end };
        line_start(self.text, start)..line_end(self.text, last)
    }
}

/// The part `window` of `text` with the splices within it applied; they are sorted and apart.
fn apply(text: &str, window: Range<usize>, splices: &[Splice]) -> String {
    let mut result =
        String::with_capacity(window.len() + splices.iter().map(|splice| splice.text.len()).sum::<usize>());
    let mut done = window.start;
    for splice in splices {
        result.push_str(&text[done..splice.range.start]);
        result.push_str(&splice.text);
        done = splice.range.end;
    }
    result.push_str(&text[done..window.end]);
    result
}

/// Lines without their last line break.
fn without_break(lines: &str) -> &str {
    let lines = lines.strip_suffix('\n').unwrap_or(lines);
    lines.strip_suffix('\r').unwrap_or(lines)
}

/// The offset of the first byte of the line that holds `at`.
pub(crate) fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

/// The offset after the line break that ends the line of `at`, or the end of the text.
pub(crate) fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |newline| at + newline + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_told_line_by_line() {
        let text = "a = 1\r\nb = 2\r\nc = 3\r\n";
        let mut splices = Splices::new(text);
        splices.replace(7..8, "bb", "renamed");
        splices.replace(11..12, "22", "more");
        splices.insert(14, "new = 0\r\n", "added");
        splices.replace(14..21, "", "removed");
        let edited = splices.finish().unwrap();
        assert_eq!(edited.text, "a = 1\r\nbb = 22\r\nnew = 0\r\n");
        let told: Vec<_> = edited
            .changes
            .iter()
            .map(|change| (change.line, change.before.as_str(), change.after.as_str(), change.why.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                (2, "b = 2", "bb = 22", "renamed; more"),
                (3, "", "new = 0", "added"),
                (3, "c = 3", "", "removed")
            ]
        );
    }

    #[test]
    fn a_broken_result_is_refused() {
        let mut splices = Splices::new("a = 1\nb = 2\n");
        splices.replace(6..7, "a", "");
        assert!(matches!(splices.finish(), Err(SpliceError::Invalid(_))));
        let mut splices = Splices::new("a = 1\n");
        splices.replace(0..2, "b ", "");
        splices.replace(1..3, "  ", "");
        assert!(matches!(splices.finish(), Err(SpliceError::Overlap(_))));
    }

    #[test]
    fn no_edit_is_no_change() {
        let mut splices = Splices::new("a = 1");
        splices.replace(0..1, "a", "the same");
        let edited = splices.finish().unwrap();
        assert_eq!((edited.text.as_str(), edited.is_changed()), ("a = 1", false));
    }
}
