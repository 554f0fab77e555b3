//! Edits of a configuration file. Comments, order and line endings stay; making an edit twice changes nothing.

use super::CargoConfigError;
use crate::limits::MAX_CARGO_CONFIG;
use crate::name::{IndexUrl, RegistryName};
use crate::source_id::{GitReference, GitSource, LockSource};
use crate::toml_text::{Edited, Editor, Nodes, Position, Toml, join, key_text, path, quoted};

/// Adds `[registries.NAME] index = "…"`, at the end of the file or beside what the file has of that registry.
///
/// # Errors
/// [`CargoConfigError::RegistryTaken`] when the name has another index; the file does not parse.
pub fn add_registry(text: &str, name: &RegistryName, index: &IndexUrl) -> Result<Edited, CargoConfigError> {
    edit(text, |editor| {
        let table = path(["registries", name.as_str()]);
        let at = join(&table, "index");
        if editor.nodes.has(&at) {
            let existing = editor.nodes.string(&at).unwrap_or_default();
            if IndexUrl::parse(existing).as_ref() == Ok(index) {
                return Ok(());
            }
            let start = editor.nodes.at(&at).first().map_or(0, |node| node.span.start);
            return Err(CargoConfigError::RegistryTaken {
                position: Position::of(text, start),
                name: name.to_string(),
                existing: existing.to_owned(),
            });
        }
        editor.insert_keys(&table, &[("index", quoted(index.as_str()))], "");
        Ok(())
    })
}

/// Sets one more key of a registry, such as `credential-provider`. `value` is TOML: `["cargo-nspublish"]`.
///
/// # Errors
/// The file does not parse, or would not with that value.
pub fn set_registry_value(
    text: &str,
    name: &RegistryName,
    key: &str,
    value: &str,
) -> Result<Edited, CargoConfigError> {
    edit(text, |editor| {
        editor.set(&path(["registries", name.as_str()]), key, value, "");
        Ok(())
    })
}

/// Takes a registry out of the file, however it is spelled; comments stay. Nothing happens when it is not there.
///
/// # Errors
/// The file does not parse.
pub fn remove_registry(text: &str, name: &RegistryName) -> Result<String, CargoConfigError> {
    let table = path(["registries", name.as_str()]);
    let edited = edit(text, |editor| {
        let keys = editor.nodes.children(&table);
        editor.remove_fields(&table, &keys, "");
        if let Some(entry) = editor.nodes.entry(&table) {
            editor.remove_entry(entry, false, true, "");
        }
        Ok(())
    });
    // An inline table goes as a whole; its fields must not go twice.
    let edited = match edited {
        Err(CargoConfigError::Splice(_)) => edit(text, |editor| {
            if let Some(entry) = editor.nodes.entry(&table) {
                editor.remove_entry(entry, false, true, "");
            }
            Ok(())
        })?,
        other => other?,
    };
    Ok(without_empty_table(&edited.text, &format!("[registries.{}]", key_text(name.as_str()))))
}

/// The text without a header that has nothing below it, and without the blank line before it.
fn without_empty_table(text: &str, header: &str) -> String {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let Some(at) = lines.iter().position(|line| line.trim() == header) else { return text.to_owned() };
    let next = lines[at + 1..].iter().find(|line| !line.trim().is_empty());
    if next.is_some_and(|line| !line.trim_start().starts_with('[')) {
        return text.to_owned();
    }
    let from = if at > 0 && lines[at - 1].trim().is_empty() { at - 1 } else { at };
    [&lines[..from], &lines[at + 1..]].concat().concat()
}

/// Sets a string under `[namespaces]`.
///
/// # Errors
/// The file does not parse.
pub fn set_namespaces(text: &str, key: &str, value: &str) -> Result<Edited, CargoConfigError> {
    edit(text, |editor| {
        editor.set(&path(["namespaces"]), key, &quoted(value), "");
        Ok(())
    })
}

/// A source of a lock file and the directory that holds it, vendored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectorySource {
    /// What is replaced. [`LockSource::Path`] needs no replacement and is skipped.
    pub original: LockSource,
    /// The name of the directory source: `vendored-serde_rs`.
    pub name: String,
    /// The directory, relative to the one that holds `.cargo`, or absolute.
    pub directory: String,
    /// What is in it.
    pub kind: SourceKind,
}

/// What a [`DirectorySource`] holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// Unpacked packages: Cargo's `directory`.
    Unpacked,
    /// .crate files and an index: Cargo's `local-registry`.
    LocalRegistry,
}

impl SourceKind {
    fn key(self) -> &'static str {
        match self {
            Self::Unpacked => "directory",
            Self::LocalRegistry => "local-registry",
        }
    }
}

/// One `[source.KEY]` with its strings.
struct SourceTable {
    key: String,
    fields: Vec<(&'static str, String)>,
}

impl DirectorySource {
    fn tables(&self) -> Vec<SourceTable> {
        let Some(mut original) = original_table(&self.original) else { return Vec::new() };
        original.fields.push(("replace-with", self.name.clone()));
        let directory =
            SourceTable { key: self.name.clone(), fields: vec![(self.kind.key(), self.directory.clone())] };
        vec![original, directory]
    }
}

/// The `[source]` entry that stands for a locked source, as `cargo vendor` writes it: the URL is the key, since two keys for
/// one URL are an error in Cargo.
fn original_table(source: &LockSource) -> Option<SourceTable> {
    match source {
        LockSource::Path => None,
        LockSource::CratesIo => Some(SourceTable { key: "crates-io".to_owned(), fields: Vec::new() }),
        LockSource::Registry(index) => Some(registry_table(index.as_str(), index.as_str())),
        LockSource::OtherRegistry(text) => Some(registry_table(
            text.strip_prefix("registry+").unwrap_or(text),
            text.strip_prefix("registry+").unwrap_or(text),
        )),
        LockSource::Git(git) => {
            let mut fields = vec![("git", git.url().to_owned())];
            fields.extend(git.reference().map(|(kind, value)| (kind.key(), value.to_owned())));
            Some(SourceTable { key: git.plain_name(), fields })
        }
    }
}

fn registry_table(key: &str, url: &str) -> SourceTable {
    SourceTable { key: key.to_owned(), fields: vec![("registry", url.to_owned())] }
}

/// The `[source]` tables for a set of directory sources, as text to put into a configuration file.
pub fn source_snippet(sources: &[DirectorySource]) -> String {
    snippet(tables(sources, |_| None))
}

/// The same for configuration that lies over another one, which has an entry of the key `key_of` for a source: Cargo takes no
/// two keys for one source.
pub fn source_snippet_over(
    sources: &[DirectorySource],
    key_of: impl Fn(&LockSource) -> Option<String>,
) -> String {
    snippet(tables(sources, key_of))
}

fn snippet(tables: Vec<SourceTable>) -> String {
    let mut text = String::new();
    for table in tables {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&format!("[source.{}]\n", key_text(&table.key)));
        for (key, value) in &table.fields {
            text.push_str(&format!("{key} = {}\n", quoted(value)));
        }
    }
    text
}

/// The keys of a source that lies on this disk.
const PLACES: [&str; 2] = ["directory", "local-registry"];

/// Originals first, then directories, each once.
fn tables(sources: &[DirectorySource], key_of: impl Fn(&LockSource) -> Option<String>) -> Vec<SourceTable> {
    let mut originals: Vec<SourceTable> = Vec::new();
    let mut directories: Vec<SourceTable> = Vec::new();
    for source in sources {
        for mut table in source.tables() {
            let is_directory = table.fields.iter().any(|(key, _)| PLACES.contains(key));
            if !is_directory && let Some(key) = key_of(&source.original) {
                table.key = key;
            }
            let list = if is_directory { &mut directories } else { &mut originals };
            if !list.iter().any(|other| other.key == table.key) {
                list.push(table);
            }
        }
    }
    originals.append(&mut directories);
    originals
}

/// Writes [`source_snippet`] into a configuration file: keys that are there get the new value, others are added. An entry
/// that the file already has for the same URL under another key is used.
///
/// # Errors
/// The file does not parse.
pub fn upsert_source_replacements(
    text: &str,
    sources: &[DirectorySource],
) -> Result<Edited, CargoConfigError> {
    edit(text, |editor| {
        for table in tables(sources, |_| None) {
            let at = path(["source", &existing_key(editor.nodes, &table)]);
            if !editor.nodes.has(&at) {
                let fields: Vec<_> = table.fields.iter().map(|(key, value)| (*key, quoted(value))).collect();
                editor.insert_keys(&at, &fields, "");
                continue;
            }
            for (key, value) in &table.fields {
                if editor.nodes.string(&join(&at, key)) != Some(value) {
                    editor.set(&at, key, &quoted(value), "");
                }
            }
        }
        Ok(())
    })
}

/// The key under which the file has this source: the same key, or another one with the same `registry`, or the same `git`
/// with the same reference. Cargo takes no two keys for one source.
fn existing_key(nodes: &Nodes<'_, '_>, table: &SourceTable) -> String {
    let sources = path(["source"]);
    if nodes.has(&join(&sources, &table.key)) {
        return table.key.clone();
    }
    let field =
        |name: &str| table.fields.iter().find(|(field, _)| *field == name).map(|(_, value)| value.as_str());
    let wanted = (field("registry"), git_of(field));
    let same = |key: &&str| {
        let found = |name: &str| nodes.string(&join(&join(&sources, key), name));
        wanted != (None, None) && wanted == (found("registry"), git_of(found))
    };
    nodes.children(&sources).into_iter().find(same).unwrap_or(&table.key).to_owned()
}

/// The repository that an entry of `[source]` is about.
fn git_of<'a>(field: impl Fn(&str) -> Option<&'a str>) -> Option<GitSource> {
    let references = GitReference::ALL.into_iter();
    let reference = references.filter_map(|kind| Some((kind, field(kind.key())?.to_owned()))).next();
    Some(GitSource::new(field("git")?, reference, None))
}

fn edit(
    text: &str,
    change: impl FnOnce(&mut Editor<'_, '_>) -> Result<(), CargoConfigError>,
) -> Result<Edited, CargoConfigError> {
    if text.len() as u64 > MAX_CARGO_CONFIG {
        return Err(CargoConfigError::TooLarge);
    }
    let toml = Toml::parse(text)?;
    let nodes = Nodes::new(&toml);
    let mut editor = Editor::new(&nodes);
    change(&mut editor)?;
    Ok(editor.finish()?)
}
