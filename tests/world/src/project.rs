//! Small projects to add to, publish and vendor.

use std::fs;
use std::path::{Path, PathBuf};

use crate::snapshot::{Snapshot, snapshot};

/// A directory with a package or workspace in it. Cheap to clone; the world removes the files.
#[derive(Clone, Debug)]
pub struct Project {
    root: PathBuf,
}

impl Project {
    /// An empty directory at `root` (or what is there already).
    #[must_use]
    pub fn at(root: PathBuf) -> Self {
        fs::create_dir_all(&root).expect("create a project");
        Self { root }
    }

    /// Writes a file, and the directories it needs.
    #[must_use]
    pub fn file(self, path: &str, text: &str) -> Self {
        self.write(path, text);
        self
    }

    /// As [`Self::file`], later.
    ///
    /// # Panics
    ///
    /// When the file cannot be written.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().expect("a file is in a directory")).expect("create a directory");
        fs::write(&path, text).unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
    }

    /// A package in the project's root: manifest and a `src/lib.rs` that compiles. `dependencies` is the text of that table.
    #[must_use]
    pub fn library(self, name: &str, version: &str, dependencies: &str) -> Self {
        let source = format!(
            "/// Says which crate this is.\npub fn who() -> &'static str {{\n    \"{name} {version}\"\n}}\n"
        );
        self.manifest(name, version, dependencies).file("src/lib.rs", &source)
    }

    /// A package in the project's root with a `src/main.rs`.
    #[must_use]
    pub fn binary(self, name: &str, dependencies: &str, main: &str) -> Self {
        self.manifest(name, "0.1.0", dependencies).file("src/main.rs", main)
    }

    fn manifest(self, name: &str, version: &str, dependencies: &str) -> Self {
        self.file(
            "Cargo.toml",
            &format!(
                "[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2021\"\nlicense = \"MIT\"\n\
                 description = \"A crate of the test world\"\n\n[dependencies]\n{dependencies}"
            ),
        )
    }

    /// Its directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// A file as text.
    ///
    /// # Panics
    ///
    /// When it is not there.
    #[must_use]
    #[track_caller]
    pub fn read(&self, path: &str) -> String {
        let path = self.root.join(path);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
    }

    /// Whether a file or directory is there.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        self.root.join(path).symlink_metadata().is_ok()
    }

    /// Everything in it, for [`Snapshot::assert_unchanged`].
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        snapshot(&self.root)
    }

    /// Nothing in it has changed since `before`.
    #[track_caller]
    pub fn assert_unchanged(&self, before: &Snapshot) {
        before.assert_unchanged(&self.root);
    }
}
