//! What a directory holds, to say afterwards that nothing in it has changed.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// One file, directory or link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Mode and a hash of the content.
    File(u32, u64),
    /// Mode.
    Directory(u32),
    /// Target.
    Link(String),
}

/// Every path under a directory, relative to it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Snapshot(BTreeMap<String, Entry>);

/// Reads the whole tree under `directory`; a directory that does not exist is empty.
///
/// # Panics
///
/// When something in it cannot be read.
#[must_use]
pub fn snapshot(directory: &Path) -> Snapshot {
    let mut entries = BTreeMap::new();
    if directory.exists() {
        walk(directory, directory, &mut entries);
    }
    Snapshot(entries)
}

fn walk(root: &Path, directory: &Path, entries: &mut BTreeMap<String, Entry>) {
    for entry in fs::read_dir(directory).expect("list a directory") {
        let path = entry.expect("read a directory entry").path();
        let metadata = fs::symlink_metadata(&path).expect("look at a file");
        let mode = metadata.permissions().mode() & 0o7777;
        let entry = if metadata.is_symlink() {
            Entry::Link(fs::read_link(&path).expect("read a link").display().to_string())
        } else if metadata.is_dir() {
            walk(root, &path, entries);
            Entry::Directory(mode)
        } else if metadata.is_file() {
            let mut hasher = DefaultHasher::new();
            hasher.write(&fs::read(&path).expect("read a file"));
            Entry::File(mode, hasher.finish())
        } else {
            Entry::File(mode, 0)
        };
        let relative = path.strip_prefix(root).expect("the path is below its root").display().to_string();
        entries.insert(relative, entry);
    }
}

impl Snapshot {
    /// All paths, sorted.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether this path is there.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    /// Whether `other` has the same at this path.
    #[must_use]
    pub fn same_at(&self, path: &str, other: &Self) -> bool {
        self.0.contains_key(path) && self.0.get(path) == other.0.get(path)
    }

    /// What became different: `+ path`, `- path`, `~ path`.
    #[must_use]
    pub fn changes(&self, after: &Self) -> Vec<String> {
        let gone = self.0.keys().filter(|path| !after.0.contains_key(*path)).map(|path| format!("- {path}"));
        let new = after.0.keys().filter(|path| !self.0.contains_key(*path)).map(|path| format!("+ {path}"));
        let other = self.0.iter().filter(|(path, entry)| after.0.get(*path).is_some_and(|now| now != *entry));
        gone.chain(new).chain(other.map(|(path, _)| format!("~ {path}"))).collect()
    }

    /// The tree under `directory` is still as it was when this was taken.
    #[track_caller]
    pub fn assert_unchanged(&self, directory: &Path) {
        let changes = self.changes(&snapshot(directory));
        assert!(changes.is_empty(), "changed in {}:\n{}", directory.display(), changes.join("\n"));
    }
}
