//! Where a new key goes, and how an entry leaves, for every spelling of a table.
//!
//! | the table is | a new key becomes |
//! |---|---|
//! | `[table]` | a line after the section's last entry |
//! | `table = { … }` | one more item in the braces |
//! | `table.key = …` | a line `table.new = …` after the last of them |
//! | not there | `[table]` after the nearest related section, else at the end of the file |

use super::key_text;
use super::nodes::{Node, Nodes, Role};
use super::splice::{Edited, SpliceError, Splices, line_end, line_start};
use super::syntax::{Entry, Key, Value};
use std::ops::Range;

/// Edits of one file, told by logical path.
#[derive(Debug)]
pub(crate) struct Editor<'d, 't> {
    pub(crate) nodes: &'d Nodes<'d, 't>,
    pub(crate) splices: Splices<'t>,
}

impl<'d, 't> Editor<'d, 't> {
    pub(crate) fn new(nodes: &'d Nodes<'d, 't>) -> Self {
        Self { nodes, splices: Splices::new(nodes.toml.text) }
    }

    pub(crate) fn finish(self) -> Result<Edited, SpliceError> {
        self.splices.finish()
    }

    fn text(&self) -> &'t str {
        self.splices.text()
    }

    /// Replaces a value, keeping what stands around it.
    pub(crate) fn replace_value(&mut self, value: &Value, with: impl Into<String>, why: &str) {
        self.splices.replace(value.span.clone(), with, why);
    }

    /// Renames a table or key everywhere it is spelled.
    pub(crate) fn rename(&mut self, path: &[String], name: &str, why: &str) {
        for node in self.nodes.at(path) {
            self.splices.replace(node.span.clone(), key_text(name), why);
        }
    }

    /// Gives `table.key` a value: replaces the one there, or adds it.
    pub(crate) fn set(&mut self, table: &[String], key: &str, value: &str, why: &str) {
        match self.nodes.value(&super::nodes::join(table, key)) {
            Some(old) => self.splices.replace(old.span.clone(), value, why),
            None => self.insert_keys(table, &[(key, value.to_owned())], why),
        }
    }

    /// Adds a key beside an existing one of the same table, right after it and spelled like it.
    pub(crate) fn insert_beside(&mut self, sibling: &Node<'_>, key: &str, value: &str, why: &str) {
        let (entry, prefix) = match sibling.role {
            Role::Entry(entry) => (entry, &entry.keys[..entry.keys.len() - 1]),
            Role::Dotted(entry, place) => (entry, &entry.keys[..place]),
            Role::Header(_) | Role::Through => return,
        };
        let line = format!("{}{} = {value}", self.prefix_text(prefix), key_text(key));
        if sibling.inline {
            self.splices.insert(entry.value.span.end, format!(", {line}"), why);
        } else {
            let indent = self.indent_of(entry.span().start);
            self.insert_line(line_end(self.text(), entry.value.span.end), &format!("{indent}{line}"), why);
        }
    }

    /// Adds keys, none of which is there, to the table at `path`, which need not be there either.
    pub(crate) fn insert_keys(&mut self, path: &[String], keys: &[(&str, String)], why: &str) {
        for depth in (0..=path.len()).rev() {
            let (table, rest) = path.split_at(depth);
            if self.insert_under(table, rest, keys, why) {
                return;
            }
        }
    }

    /// Adds `rest.key = value` lines to what spells `table`, if anything does.
    fn insert_under(
        &mut self,
        table: &[String],
        rest: &[String],
        keys: &[(&str, String)],
        why: &str,
    ) -> bool {
        let nodes = self.nodes;
        let spelled = nodes.at(table);
        let relative: String = rest.iter().map(|part| key_text(part) + ".").collect();
        let lines: Vec<String> =
            keys.iter().map(|(key, value)| format!("{relative}{} = {value}", key_text(key))).collect();
        if let Some(value) = nodes.value(table) {
            return self.insert_in_braces(value, &lines, why);
        }
        let header = spelled.iter().rev().find_map(|node| match node.role {
            Role::Header(number) => Some(number),
            _ => None,
        });
        let dotted = spelled.iter().rev().find_map(|node| match node.role {
            Role::Dotted(entry, place) => Some((entry, place, node.inline)),
            _ => None,
        });
        if let (Some(number), true) = (header, rest.is_empty()) {
            self.append_to_section(number, &lines, why);
        } else if let Some((entry, place, inline)) = dotted {
            self.insert_after_dotted(entry, place, inline, &lines, why);
        } else if table.is_empty() && rest.is_empty() {
            self.append_to_section(0, &lines, why);
        } else if table.is_empty() || !spelled.is_empty() {
            let header: Vec<&str> = table.iter().chain(rest).map(String::as_str).collect();
            self.append_section(&header, self.last_section_under(table), keys, why);
        } else {
            return false;
        }
        true
    }

    fn insert_in_braces(&mut self, value: &Value, lines: &[String], why: &str) -> bool {
        let Some(entries) = value.as_table() else { return false };
        let items = lines.join(", ");
        match entries.last() {
            Some(last) => self.splices.insert(last.value.span.end, format!(", {items}"), why),
            None => self.splices.replace(value.span.clone(), format!("{{ {items} }}"), why),
        }
        true
    }

    fn insert_after_dotted(
        &mut self,
        entry: &Entry,
        place: usize,
        inline: bool,
        lines: &[String],
        why: &str,
    ) {
        let prefix = self.prefix_text(&entry.keys[..=place]);
        if inline {
            let items: String = lines.iter().map(|line| format!(", {prefix}{line}")).collect();
            self.splices.insert(entry.value.span.end, items, why);
            return;
        }
        let indent = self.indent_of(entry.span().start);
        let at = line_end(self.text(), entry.value.span.end);
        for line in lines {
            self.insert_line(at, &format!("{indent}{prefix}{line}"), why);
        }
    }

    fn append_to_section(&mut self, number: usize, lines: &[String], why: &str) {
        let section = &self.nodes.toml.sections[number];
        let (at, indent) = match section.entries.last() {
            Some(entry) => (line_end(self.text(), entry.value.span.end), self.indent_of(entry.span().start)),
            // At the start of the file, after a byte order mark.
            None if number == 0 => (self.text().len() - self.text().trim_start_matches('\u{feff}').len(), ""),
            None => (line_end(self.text(), section.span.end), self.indent_of(section.span.start)),
        };
        for line in lines {
            self.insert_line(at, &format!("{indent}{line}"), why);
        }
    }

    fn append_section(&mut self, header: &[&str], after: Option<usize>, keys: &[(&str, String)], why: &str) {
        let newline = self.splices.newline();
        let text = self.text();
        let at = after.map_or(text.len(), |number| self.section_end(number));
        let mut block = String::new();
        if !self.splices.line_starts_at(at) {
            block.push_str(newline);
        }
        let opens_file = text[..at].trim_start_matches('\u{feff}').trim().is_empty();
        if !opens_file || self.splices.inserted_at(at).is_some() {
            block.push_str(newline);
        }
        let header: Vec<String> = header.iter().map(|part| key_text(part)).collect();
        block.push_str(&format!("[{}]{newline}", header.join(".")));
        for (key, value) in keys {
            block.push_str(&format!("{} = {value}{newline}", key_text(key)));
        }
        self.splices.insert(at, block, why);
    }

    /// The last section whose header is `table` or lies beneath it; none for the root.
    fn last_section_under(&self, table: &[String]) -> Option<usize> {
        if table.is_empty() {
            return None;
        }
        let under = |keys: &[Key]| {
            keys.len() >= table.len() && keys.iter().zip(table).all(|(key, part)| key.name == *part)
        };
        let exact = self
            .nodes
            .toml
            .sections
            .iter()
            .rposition(|section| section.keys.len() == table.len() && under(&section.keys));
        exact.or_else(|| self.nodes.toml.sections.iter().rposition(|section| under(&section.keys)))
    }

    /// The end of a section: of its last line, and of the comment lines that follow it at once unless they lead to the next header.
    fn section_end(&self, number: usize) -> usize {
        let text = self.text();
        let section = &self.nodes.toml.sections[number];
        let last = section.entries.last().map_or(section.span.end, |entry| entry.value.span.end);
        let end = line_end(text, last);
        let mut after_comments = end;
        while text[after_comments..].trim_start_matches([' ', '\t']).starts_with('#') {
            after_comments = line_end(text, after_comments);
        }
        let next_line = &text[after_comments..line_end(text, after_comments)];
        if next_line.trim().is_empty() { after_comments } else { end }
    }

    /// Inserts a whole line at a line's start, or at the end of a text whose last line has no break.
    fn insert_line(&mut self, at: usize, line: &str, why: &str) {
        let newline = self.splices.newline();
        if self.splices.line_starts_at(at) {
            self.splices.insert(at, format!("{line}{newline}"), why);
        } else {
            self.splices.insert(at, format!("{newline}{line}"), why);
        }
    }

    /// Takes an entry out, with its line; a comment at the line's end stays, on a line of its own.
    /// Returns that comment's range.
    pub(crate) fn remove_entry(&mut self, entry: &Entry, inline: bool, keep_comment: bool, why: &str) {
        let text = self.text();
        let span = entry.span();
        if inline {
            self.splices.replace(item_range(text, &span), "", why);
            return;
        }
        let (start, mut end) = (line_start(text, span.start), line_end(text, span.end));
        // The file does not begin with the blank line that came after its first entry.
        let opens_file = text[..start].trim_start_matches('\u{feff}').trim().is_empty();
        if opens_file && text[end..line_end(text, end)].trim().is_empty() {
            end = line_end(text, end);
        }
        let range = match (keep_comment, self.comment_after(entry)) {
            (true, Some(comment)) => span.start..comment.start,
            _ => start..end,
        };
        self.splices.replace(range, "", why);
    }

    /// The comment at the end of an entry's line, from its `#` to before the line break.
    pub(crate) fn comment_after(&self, entry: &Entry) -> Option<Range<usize>> {
        let text = self.text();
        let from = entry.value.span.end;
        let rest = text[from..line_end(text, from)].trim_end_matches(['\r', '\n']);
        let comment = rest.trim_start_matches([' ', '\t']);
        comment.starts_with('#').then(|| from + rest.len() - comment.len()..from + rest.len())
    }

    /// Takes items out of one array or one pair of braces, each run of them with its comma.
    /// `items` are all items there, in order; `gone` says of each whether it leaves.
    pub(crate) fn remove_items(&mut self, items: &[Range<usize>], gone: impl Fn(usize) -> bool, why: &str) {
        let mut number = 0;
        while number < items.len() {
            let first = number;
            while number < items.len() && gone(number) {
                number += 1;
            }
            if first < number {
                let run = items[first].start..items[number - 1].end;
                self.splices.replace(item_range(self.text(), &run), "", why);
            }
            number += 1;
        }
    }

    /// Takes keys out of a table, however it is spelled. A key that is a table of its own stays.
    pub(crate) fn remove_fields(&mut self, table: &[String], names: &[&str], why: &str) {
        if let Some(entries) = self.nodes.value(table).and_then(Value::as_table) {
            let spans: Vec<_> = entries.iter().map(Entry::span).collect();
            self.remove_items(&spans, |number| names.contains(&entries[number].keys[0].name.as_str()), why);
            return;
        }
        for name in names {
            for node in self.nodes.at(&super::nodes::join(table, name)) {
                if let Role::Entry(entry) = node.role {
                    self.remove_entry(entry, node.inline, true, why);
                }
            }
        }
    }

    fn prefix_text(&self, keys: &[Key]) -> String {
        keys.iter().map(|key| format!("{}.", self.splices.current(key.span.clone()))).collect()
    }

    fn indent_of(&self, at: usize) -> &'t str {
        let text = self.text();
        let line = &text[line_start(text, at)..at];
        if line.trim_matches([' ', '\t']).is_empty() { line } else { "" }
    }
}

/// The range of an item in braces or brackets, with the comma that goes with it and the blanks after that.
fn item_range(text: &str, item: &Range<usize>) -> Range<usize> {
    if let Some(comma) = comma_after(text, item.end) {
        let rest = &text[comma + 1..];
        let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        return item.start..comma + 1 + blanks;
    }
    // The last item: the comma before it goes, unless a comment stands between.
    let before = text[..item.start].trim_end();
    match before.strip_suffix(',') {
        Some(kept) => kept.len()..item.end,
        None => item.clone(),
    }
}

/// The comma that follows an item, past blanks, line breaks and comments.
fn comma_after(text: &str, from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        let rest = &text[at..];
        at += rest.len() - rest.trim_start().len();
        match text[at..].chars().next()? {
            ',' => return Some(at),
            '#' => at = line_end(text, at),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::nodes::path;
    use super::super::syntax::Toml;
    use super::*;

    fn edit(text: &str, change: impl FnOnce(&mut Editor<'_, '_>)) -> String {
        let toml = Toml::parse(text).unwrap();
        let nodes = Nodes::new(&toml);
        let mut editor = Editor::new(&nodes);
        change(&mut editor);
        editor.finish().unwrap().text
    }

    fn set(text: &str, table: &str, key: &str) -> String {
        edit(text, |editor| editor.set(&path(table.split('.')), key, "9", ""))
    }

    #[test]
    fn a_key_goes_where_its_table_is_spelled() {
        assert_eq!(set("", "a.b", "k"), "[a.b]\nk = 9\n");
        assert_eq!(
            set("[a]\nx = 1 # one\n# tail\n\n[z]\n", "a.b", "k"),
            "[a]\nx = 1 # one\n# tail\n\n[a.b]\nk = 9\n\n[z]\n"
        );
        assert_eq!(set("[a.b]\r\n  x = 1\r\n", "a.b", "k"), "[a.b]\r\n  x = 1\r\n  k = 9\r\n");
        assert_eq!(set("[a]\nb = { x = 1 }\n", "a.b", "k"), "[a]\nb = { x = 1, k = 9 }\n");
        assert_eq!(set("[a]\nb = {}", "a.b", "k"), "[a]\nb = { k = 9 }");
        assert_eq!(set("[a]\nb.x = 1", "a.b", "k"), "[a]\nb.x = 1\nb.k = 9");
        assert_eq!(set("a = { b.x = 1 }\n", "a.b", "k"), "a = { b.x = 1, b.k = 9 }\n");
        assert_eq!(set("a = { q = 1 }\n", "a.b", "k"), "a = { q = 1, b.k = 9 }\n");
        assert_eq!(set("a.q = 1\n[z]\n", "a.b", "k"), "a.q = 1\na.b.k = 9\n[z]\n");
        assert_eq!(set("[a.b.c]\nx = 1", "a.b", "k"), "[a.b.c]\nx = 1\n\n[a.b]\nk = 9\n");
        assert_eq!(set("[a.b]\nk = 1 # c\n", "a.b", "k"), "[a.b]\nk = 9 # c\n");
        assert_eq!(set("x = 1", "a", "k"), "x = 1\n\n[a]\nk = 9\n");
    }

    #[test]
    fn an_entry_leaves_with_its_line_and_not_with_its_comment() {
        let remove = |text: &str, at: &str, keep| {
            edit(text, |editor| {
                let at = path(at.split('.'));
                let inline = editor.nodes.at(&at)[0].inline;
                editor.remove_entry(editor.nodes.entry(&at).unwrap(), inline, keep, "");
            })
        };
        assert_eq!(remove("a = 1\n  b = 2 # why\nc = 3\n", "b", true), "a = 1\n  # why\nc = 3\n");
        assert_eq!(remove("a = 1\n  b = 2 # why\nc = 3\n", "b", false), "a = 1\nc = 3\n");
        assert_eq!(remove("t = { a = 1, b = 2, c = 3 }", "t.b", true), "t = { a = 1, c = 3 }");
        assert_eq!(remove("t = { a = 1, b = 2 }", "t.b", true), "t = { a = 1 }");
        assert_eq!(remove("t = { a = 1 }", "t.a", true), "t = {  }");
    }

    #[test]
    fn neighbours_leave_together() {
        let remove = |text: &str, gone: &[usize]| {
            edit(text, |editor| {
                let items = editor.nodes.value(&path(["t"])).unwrap().as_array().unwrap();
                let spans: Vec<_> = items.iter().map(|item| item.span.clone()).collect();
                editor.remove_items(&spans, |number| gone.contains(&number), "");
            })
        };
        assert_eq!(remove("t = [1, 2, 3, 4]", &[1, 2]), "t = [1, 4]");
        assert_eq!(remove("t = [1, 2, 3, 4]", &[2, 3]), "t = [1, 2]");
        assert_eq!(remove("t = [1, 2, 3, 4]", &[0, 2, 3]), "t = [2]");
        assert_eq!(remove("t = [\n  1, # one\n  2,\n]", &[1]), "t = [\n  1, # one\n  \n]");
    }

    #[test]
    fn two_new_tables_follow_one_another() {
        let text = edit("x = 1", |editor| {
            editor.insert_keys(&path(["a"]), &[("k", "1".into())], "");
            editor.insert_keys(&path(["b"]), &[("k", "2".into())], "");
        });
        assert_eq!(text, "x = 1\n\n[a]\nk = 1\n\n[b]\nk = 2\n");
    }
}
