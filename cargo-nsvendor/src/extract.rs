//! Unpacking one .crate into one directory, byte for byte as `cargo vendor --versioned-dirs` does.
//!
//! The .crate is read once: it is inflated, checked against the package rules, hashed and written at the same time. Its hash must
//! have been checked before, and the directory must lie in a stage: a rule may be broken near the end of the .crate, after files
//! were written.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, ErrorKind, Write as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

use cargo_namespaces::digest::{Digest, Hasher};
use cargo_namespaces::package::Odd;
use cargo_namespaces_cli::crate_file::CrateFile;
use cargo_namespaces_net::fs::FsError;

use crate::checksum_list::{CHECKSUMS, Checksums};
use crate::content::{ExtractError, for_each_file};
use crate::evidence::Fingerprint;
use crate::plan::Package;

/// The modification time of every vendored file, which is the one that `cargo package` gives the files of a .crate. As it never
/// changes, vendoring again does not make a build script run again.
pub const MODIFIED: Duration = Duration::from_secs(1_153_704_088);

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extracted {
    /// The number of files, without `.cargo-checksum.json`.
    pub files: usize,
    pub fingerprint: Digest,
    pub odd: Odd,
}

/// Unpacks `crate_file` into the new directory `into`.
///
/// # Errors
/// The .crate breaks a rule, or a file cannot be written. `into` is then incomplete.
pub fn unpack(crate_file: &CrateFile, package: &Package, into: &Path) -> Result<Extracted, ExtractError> {
    let mut writer = PackageWriter::new(into)?;
    let mut checksums = Checksums { files: BTreeMap::new(), package: package.checksum };
    let odd = for_each_file(crate_file, package, &mut |path, executable, content| {
        let digest = writer.write(path, executable, content)?;
        checksums.files.insert(path.to_owned(), digest);
        Ok(())
    })?;
    writer.write(CHECKSUMS, false, &mut checksums.to_json().as_bytes())?;
    Ok(Extracted { files: checksums.files.len(), fingerprint: writer.fingerprint.finish(), odd })
}

/// Writes the files of one package.
struct PackageWriter<'a> {
    root: &'a Path,
    made: HashSet<String>,
    fingerprint: Fingerprint,
}

impl<'a> PackageWriter<'a> {
    fn new(root: &'a Path) -> Result<Self, FsError> {
        fs::create_dir_all(root).map_err(|source| failed("create directory", root, source))?;
        Ok(Self { root, made: HashSet::new(), fingerprint: Fingerprint::default() })
    }

    /// Makes a directory and those above it. None of them may exist before the package does.
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

    /// Writes a file. The package rules have checked `path`: it has plain components, joined with `/`.
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
        self.fingerprint.add(path.to_owned(), &metadata);
        Ok(hasher.finish().0)
    }
}

/// No path comes twice, and the directory is new. So an existing file has another name, and the file system takes both for one.
fn one_file(path: &str) -> ExtractError {
    ExtractError::OneFile(path.to_owned())
}

fn failed(action: &'static str, path: &Path, source: std::io::Error) -> FsError {
    FsError { action, path: path.to_owned(), source }
}

/// Creates a file that must not exist. The umask of the process applies to its mode.
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

    /// A file system that ignores case has the one already when the other is made; the names are taken here by the same spelling.
    #[test]
    fn two_names_that_are_one_file_here_are_refused() {
        let home = tempfile::tempdir().unwrap();
        cargo_namespaces_net::fs::write_atomic(&home.path().join("readme.md"), b"one").unwrap();
        cargo_namespaces_net::fs::write_atomic(&home.path().join("src/a.rs"), b"one").unwrap();
        let mut writer = PackageWriter::new(home.path()).unwrap();
        for path in ["readme.md", "src/b.rs", "src/deep/c.rs"] {
            let refused = writer.write(path, false, &mut &b"another"[..]).unwrap_err();
            assert!(matches!(refused, ExtractError::OneFile(_)), "{path}: {refused}");
        }
        writer.write("new/deep/c.rs", false, &mut &b"new"[..]).unwrap();
        writer.write("new/d.rs", false, &mut &b"new"[..]).unwrap();
    }
}
