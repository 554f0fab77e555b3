//! The same file by logical path, whichever way each table is spelled.
//!
//! One **node** is one key as it stands in the text: the `serde` of `[dependencies.serde]`, of `serde = "1"`, of
//! `serde.version = "1"`, or of `dependencies = { serde = "1" }`. A table spelled in several places has several nodes
//! of the same path, and renaming it means replacing each of them.

use super::syntax::{Entry, Key, Toml, Value};
use std::collections::BTreeMap;
use std::ops::Range;

/// What a key does where it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Role<'d> {
    /// The last key of a `[header]`: the section with this number defines the table.
    Header(usize),
    /// An earlier key of a `[header]`.
    Through,
    /// The last key of an entry: the value is the entry's.
    Entry(&'d Entry),
    /// An earlier key of a dotted entry; the number is this key's place in it.
    Dotted(&'d Entry, usize),
}

/// One key in the text.
#[derive(Clone, Debug)]
pub(crate) struct Node<'d> {
    /// The key itself, with its quotes.
    pub(crate) span: Range<usize>,
    pub(crate) role: Role<'d>,
    /// Within `{ … }`, where siblings are separated by commas and not by lines.
    pub(crate) inline: bool,
}

/// All nodes of a file, by path: a tree of names, so that a deep file costs no more than a long one.
#[derive(Debug)]
pub(crate) struct Nodes<'d, 't> {
    pub(crate) toml: &'d Toml<'t>,
    /// The root first.
    places: Vec<NodePlace<'d>>,
}

/// One path, with all its spellings.
#[derive(Debug, Default)]
struct NodePlace<'d> {
    nodes: Vec<Node<'d>>,
    children: BTreeMap<&'d str, usize>,
}

const ROOT: usize = 0;

impl<'d, 't> Nodes<'d, 't> {
    pub(crate) fn new(toml: &'d Toml<'t>) -> Self {
        let mut nodes = Self { toml, places: vec![NodePlace::default()] };
        for (number, section) in toml.sections.iter().enumerate() {
            let mut place = ROOT;
            for (depth, key) in section.keys.iter().enumerate() {
                let last = depth + 1 == section.keys.len();
                let role = if last { Role::Header(number) } else { Role::Through };
                place = nodes.push(place, key, role, false);
            }
            for entry in &section.entries {
                nodes.add_entry(place, entry, false);
            }
        }
        nodes
    }

    fn push(&mut self, parent: usize, key: &'d Key, role: Role<'d>, inline: bool) -> usize {
        let next = self.places.len();
        let place = *self.places[parent].children.entry(&key.name).or_insert(next);
        if place == next {
            self.places.push(NodePlace::default());
        }
        self.places[place].nodes.push(Node { span: key.span.clone(), role, inline });
        place
    }

    fn add_entry(&mut self, parent: usize, entry: &'d Entry, inline: bool) {
        let mut place = parent;
        for (depth, key) in entry.keys.iter().enumerate() {
            let last = depth + 1 == entry.keys.len();
            let role = if last { Role::Entry(entry) } else { Role::Dotted(entry, depth) };
            place = self.push(place, key, role, inline);
        }
        for inner in entry.value.as_table().unwrap_or_default() {
            self.add_entry(place, inner, true);
        }
    }

    fn find(&self, path: &[String]) -> Option<&NodePlace<'d>> {
        let mut place = &self.places[ROOT];
        for part in path {
            place = &self.places[*place.children.get(part.as_str())?];
        }
        Some(place)
    }

    /// Every spelling of the table or value at `path`, in the order of the text.
    pub(crate) fn at(&self, path: &[String]) -> &[Node<'d>] {
        self.find(path).map_or(&[], |place| place.nodes.as_slice())
    }

    /// Whether anything stands at `path`.
    pub(crate) fn has(&self, path: &[String]) -> bool {
        self.find(path).is_some()
    }

    /// The value at `path`, if an entry gives one.
    pub(crate) fn value(&self, path: &[String]) -> Option<&'d Value> {
        self.entry(path).map(|entry| &entry.value)
    }

    /// The entry that gives the value at `path`.
    pub(crate) fn entry(&self, path: &[String]) -> Option<&'d Entry> {
        self.at(path).iter().find_map(|node| match node.role {
            Role::Entry(entry) => Some(entry),
            _ => None,
        })
    }

    /// The string at `path`.
    pub(crate) fn string(&self, path: &[String]) -> Option<&'d str> {
        self.value(path).and_then(Value::as_str)
    }

    /// The names in the table at `path`, in the order of the text.
    pub(crate) fn children(&self, path: &[String]) -> Vec<&'d str> {
        let Some(place) = self.find(path) else { return Vec::new() };
        let start = |place: usize| self.places[place].nodes.first().map_or(0, |node| node.span.start);
        let mut found: Vec<_> = place.children.iter().map(|(name, place)| (start(*place), *name)).collect();
        found.sort_unstable();
        found.into_iter().map(|(_, name)| name).collect()
    }
}

/// `["a", "b"]` as a path.
pub(crate) fn path<S: AsRef<str>>(parts: impl IntoIterator<Item = S>) -> Vec<String> {
    parts.into_iter().map(|part| part.as_ref().to_owned()).collect()
}

/// A path with one more part.
pub(crate) fn join(path: &[String], part: &str) -> Vec<String> {
    let mut longer = path.to_vec();
    longer.push(part.to_owned());
    longer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_table_in_four_spellings() {
        let text = "d.a = 1\n[d.b]\nx.y = 2\nx.z = { w = 3 }\n[d.b.q]\n";
        let toml = Toml::parse(text).unwrap();
        let nodes = Nodes::new(&toml);
        assert_eq!(nodes.children(&path(["d"])), ["a", "b"]);
        assert_eq!(nodes.at(&path(["d", "b"])).len(), 2);
        assert_eq!(nodes.children(&path(["d", "b"])), ["x", "q"]);
        assert!(nodes.has(&path(["d", "b", "x", "z", "w"])));
        assert_eq!(nodes.children(&[]), ["d"]);
    }
}
