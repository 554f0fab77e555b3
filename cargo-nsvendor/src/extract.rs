//! One .crate becomes one directory, byte for byte what `cargo vendor --versioned-dirs` makes of it.
//!
//! The archive is read once: inflated, checked against the package rules, hashed and written as it streams by. It must
//! have been checked against the lock file before, and the directory must lie in a staging tree: a rule that is broken
//! near the end of the archive is seen after the files before it were written.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, ErrorKind, Write as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

use cargo_namespaces::digest::{Digest, Hasher};
use cargo_namespaces::package::{Odd, PackageError};
use cargo_namespaces_cli::crate_file::CrateFile;
use cargo_namespaces_net::fs::FsError;
use serde::{Deserialize, Serialize};

use crate::content::for_each_file;
use crate::evidence::Print;
use crate::plan::Package;

/// Cargo's name for the checksums of a vendored package.
pub const CHECKSUMS: &str = ".cargo-checksum.json";

/// The modification time of every vendored file: the one that `cargo package` gives the files of an archive, so that
/// vendoring again never makes a build script run again.
pub const MODIFIED: Duration = Duration::from_secs(1_153_704_088);

/// `.cargo-checksum.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksums {
    /// SHA-256 of each file, by its path with `/`.
    pub files: BTreeMap<String, Digest>,
    /// SHA-256 of the .crate; `null` for packages from git.
    pub package: Option<Digest>,
}

impl Checksums {
    /// The text of the file, as Cargo writes it.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a map of texts can be written as JSON")
    }
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extracted {
    /// Files, without `.cargo-checksum.json`.
    pub files: usize,
    /// How all of them look from outside.
    pub print: Digest,
    /// What is odd about the archive.
    pub odd: Odd,
}

/// Why a package was not unpacked.
#[derive(Debug, thiserror::Error)]
pub enum ExtractError {
    /// The archive breaks a rule.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// A file could not be written.
    #[error(transparent)]
    File(#[from] FsError),
    /// A case twin, on a file system that ignores case.
    #[error(
        "the package has two files or directories that are one on this file system, which ignores case or Unicode form: {0:?}"
    )]
    OneFile(String),
    /// The manifest, which a filter has to change, cannot be read.
    #[error("its Cargo.toml is not TOML")]
    Manifest(#[from] Box<toml_edit::TomlError>),
}

/// Whether `cargo vendor` writes this file of a package.
///
/// It leaves out what would make git treat the vendored directory in a special way when it is committed.
pub fn is_vendored(path: &str) -> bool {
    let file_name = path.rsplit('/').next().unwrap_or(path);
    !matches!(file_name, ".gitattributes" | ".gitignore") && path.split('/').all(|part| part != ".git")
}

/// Unpacks `archive` into the new directory `into`.
///
/// # Errors
/// [`ExtractError`]: a broken rule, or a file that could not be written. `into` is then incomplete.
pub fn unpack(archive: &CrateFile, package: &Package, into: &Path) -> Result<Extracted, ExtractError> {
    let mut writer = Writer::new(into)?;
    let mut checksums = Checksums { files: BTreeMap::new(), package: package.checksum };
    let odd = for_each_file(archive, package, &mut |path, executable, content| {
        let digest = writer.write(path, executable, content)?;
        checksums.files.insert(path.to_owned(), digest);
        Ok(())
    })?;
    writer.write(CHECKSUMS, false, &mut checksums.to_json().as_bytes())?;
    Ok(Extracted { files: checksums.files.len(), print: writer.print.finish(), odd })
}

/// Writes the files of one package.
struct Writer<'a> {
    root: &'a Path,
    made: HashSet<String>,
    print: Print,
}

impl<'a> Writer<'a> {
    fn new(root: &'a Path) -> Result<Self, FsError> {
        fs::create_dir_all(root).map_err(|source| failed("create directory", root, source))?;
        Ok(Self { root, made: HashSet::new(), print: Print::default() })
    }

    /// Makes a directory and those above it, each as new as the package is.
    fn directory(&mut self, path: &str) -> Result<(), ExtractError> {
        if self.made.contains(path) {
            return Ok(());
        }
        if let Some((above, _)) = path.rsplit_once('/') {
            self.directory(above)?;
        }
        let directory = self.root.join(path);
        match fs::create_dir(&directory) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(one_file(path)),
            made => made.map_err(|source| failed("create directory", &directory, source))?,
        }
        self.made.insert(path.to_owned());
        Ok(())
    }

    /// `path` comes from the package rules: plain components, joined with `/`.
    fn write(
        &mut self,
        path: &str,
        executable: bool,
        content: &mut dyn BufRead,
    ) -> Result<Digest, ExtractError> {
        let target = self.root.join(path);
        if let Some((directory, _)) = path.rsplit_once('/') {
            self.directory(directory)?;
        }
        let mut file = match create(&target, executable) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(one_file(path)),
            created => created.map_err(|source| failed("create", &target, source))?,
        };
        let mut hasher = Hasher::new();
        loop {
            let piece = content.fill_buf().map_err(|source| failed("unpack", &target, source))?;
            let count = piece.len();
            if count == 0 {
                break;
            }
            hasher.update(piece);
            file.write_all(piece).map_err(|source| failed("write", &target, source))?;
            content.consume(count);
        }
        file.set_modified(SystemTime::UNIX_EPOCH + MODIFIED)
            .map_err(|source| failed("set the time of", &target, source))?;
        let metadata = file.metadata().map_err(|source| failed("look at", &target, source))?;
        self.print.add(path.to_owned(), &metadata);
        Ok(hasher.finish().0)
    }
}

/// The walk has no path twice, and the directory is new: who is there has another name, and this file system knows only one.
fn one_file(path: &str) -> ExtractError {
    ExtractError::OneFile(path.to_owned())
}

fn failed(action: &'static str, path: &Path, source: std::io::Error) -> FsError {
    FsError { action, path: path.to_owned(), source }
}

/// A file that must be new; the process's umask is taken off its mode.
fn create(path: &Path, executable: bool) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(if executable { 0o777 } else { 0o666 });
    }
    #[cfg(not(unix))]
    let _ = executable;
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cargo_leaves_out_is_left_out() {
        for path in [".gitignore", "a/.gitattributes", ".git", "a/.git/config"] {
            assert!(!is_vendored(path), "{path}");
        }
        for path in ["Cargo.toml", ".github/x.yml", "a/.gitignore/x", "gitignore", "x.orig", ".gitmodules"] {
            assert!(is_vendored(path), "{path}");
        }
    }

    /// A file system that ignores case has the one already when the other is made; the names are taken here by the same spelling.
    #[test]
    fn two_names_that_are_one_file_here_are_refused() {
        let home = tempfile::tempdir().unwrap();
        cargo_namespaces_net::fs::write_atomic(&home.path().join("readme.md"), b"one").unwrap();
        cargo_namespaces_net::fs::write_atomic(&home.path().join("src/a.rs"), b"one").unwrap();
        let mut writer = Writer::new(home.path()).unwrap();
        for path in ["readme.md", "src/b.rs", "src/deep/c.rs"] {
            let refused = writer.write(path, false, &mut &b"another"[..]).unwrap_err();
            assert!(matches!(refused, ExtractError::OneFile(_)), "{path}: {refused}");
        }
        writer.write("new/deep/c.rs", false, &mut &b"new"[..]).unwrap();
        writer.write("new/d.rs", false, &mut &b"new"[..]).unwrap();
    }

    #[test]
    fn checksums_are_written_as_cargo_writes_them() {
        let mut checksums = Checksums::default();
        checksums.files.insert("b".to_owned(), Digest::of(b""));
        checksums.files.insert("a\"".to_owned(), Digest::of(b""));
        let empty = Digest::of(b"");
        assert_eq!(
            checksums.to_json(),
            format!("{{\"files\":{{\"a\\\"\":\"{empty}\",\"b\":\"{empty}\"}},\"package\":null}}")
        );
    }
}
