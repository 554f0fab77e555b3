//! The files that are vendored of a package: those of its .crate, in the shape that the [filters](crate::filter) give it.
//!
//! Unpacking, comparing and packing all use [`for_each_file`], so they see the same files.

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;

use cargo_namespaces::limits::MAX_MANIFEST;
use cargo_namespaces::package::{self, Entry, Odd, PackageError, Rules, for_each_entry};
use cargo_namespaces_cli::crate_file::CrateFile;
use cargo_namespaces_net::fs::{FsError, create_dir_all, read, remove_dir_all, remove_file, write_cache};

use crate::checksum_list::{CHECKSUMS, Checksums};
use crate::filter::shape::{MANIFEST, Shape};
use crate::plan::{Package, SourceDir};
use crate::work;
use cargo_namespaces::digest::Digest;

/// Why the files of a package cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ExtractError {
    /// The .crate breaks a rule.
    #[error(transparent)]
    Package(#[from] PackageError),
    #[error(transparent)]
    File(#[from] FsError),
    /// Two names of the package are the same name on this file system.
    #[error(
        "the package has two files or directories that are one on this file system, which ignores case or Unicode form: {0:?}"
    )]
    OneFile(String),
    /// A filter has to change the manifest, which is not TOML.
    #[error("its Cargo.toml is not TOML")]
    Manifest(#[from] Box<toml_edit::TomlError>),
}

/// A package that is refused, and why.
#[derive(Debug, thiserror::Error)]
#[error("{package}")]
pub struct RefusedPackage {
    /// As [`SourceDir::describe`] says it.
    pub package: String,
    #[source]
    pub error: ExtractError,
}

impl RefusedPackage {
    pub fn new(source: &SourceDir, package: &Package, error: impl Into<ExtractError>) -> Self {
        Self { package: source.describe(package), error: error.into() }
    }
}

/// Whether `cargo vendor` writes this file of a package. It leaves out files that change how git treats the directory when it is
/// committed.
pub fn is_vendored(path: &str) -> bool {
    let file_name = path.rsplit('/').next().unwrap_or(path);
    !matches!(file_name, ".gitattributes" | ".gitignore") && path.split('/').all(|part| part != ".git")
}

/// Called for each file with its path, whether it is executable, and its content.
pub type Visit<'a> = &'a mut dyn FnMut(&str, bool, &mut dyn BufRead) -> Result<(), ExtractError>;

/// Calls `visit` for every file that is vendored of `crate_file`, the package's .crate. Returns what is odd about the .crate.
///
/// # Errors
/// The .crate breaks a rule, or the visitor returned an error.
pub fn for_each_file(
    crate_file: &CrateFile,
    package: &Package,
    visit: Visit<'_>,
) -> Result<Odd, ExtractError> {
    let shape = &package.shape;
    let visit = |entry: &mut Entry<'_>| {
        let path = entry.path().to_owned();
        if !is_vendored(&path) || !shape.keeps(&path) {
            return Ok(());
        }
        if path == MANIFEST && shape.changes_manifest() {
            let text = text_of(entry)?;
            let (text, stub) = shape.manifest(&text).map_err(Box::new)?;
            visit(MANIFEST, false, &mut text.as_bytes())?;
            return stub
                .files
                .into_iter()
                .try_for_each(|(path, text)| visit(path, false, &mut text.as_bytes()));
        }
        let executable = entry.is_executable();
        visit(&path, executable, entry)
    };
    let walked = work::with_scratch(|scratch| {
        crate_file.for_each_entry(Some(scratch), &package.name, &package.version, visit)
    })?;
    Ok(walked.odd)
}

/// The manifest inside a .crate, as published. The .crate is not read further.
///
/// # Errors
/// The .crate breaks a rule before the manifest, or has none.
pub fn manifest_of(crate_file: &CrateFile, package: &Package) -> Result<String, ExtractError> {
    first_manifest(|visit| crate_file.for_each_entry(None, &package.name, &package.version, visit))
}

/// As [`manifest_of`], from a file whose hash was not checked.
pub fn unverified_manifest(path: &Path, package: &Package) -> Result<String, ExtractError> {
    let failed = |source| FsError { action: "read", path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let crate_file = BufReader::new(file);
    first_manifest(|visit| {
        for_each_entry(Rules::Consume, crate_file, length, &package.name, &package.version, visit)
    })
}

type VisitEntry<'a> = &'a mut dyn FnMut(&mut Entry<'_>) -> Result<(), ExtractError>;

fn first_manifest(
    walk: impl FnOnce(VisitEntry<'_>) -> Result<package::Package, ExtractError>,
) -> Result<String, ExtractError> {
    let mut found = None;
    let walked = walk(&mut |entry| {
        if entry.path() == MANIFEST {
            found = Some(text_of(entry)?);
            // This error only ends the walk; it is not reported.
            return Err(ExtractError::Package(PackageError::Truncated));
        }
        Ok(())
    });
    match (found, walked) {
        (Some(text), _) => Ok(text),
        (None, Err(error)) => Err(error),
        (None, Ok(_)) => Ok(String::new()),
    }
}

fn text_of(content: &mut dyn BufRead) -> Result<String, ExtractError> {
    let mut bytes = Vec::new();
    let read = content.take(MAX_MANIFEST).read_to_end(&mut bytes);
    read.map_err(|source| FsError { action: "read", path: MANIFEST.into(), source })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Gives a package from git its shape, after `cargo vendor` has written it to `directory`.
///
/// # Errors
/// A file cannot be read, written or removed, or the manifest is not TOML.
pub fn reshape(directory: &Path, package: &Package) -> Result<(), ExtractError> {
    if package.shape == Shape::Whole {
        return Ok(());
    }
    let manifest = read(&directory.join(MANIFEST))?;
    let (text, stub) = package.shape.manifest(&String::from_utf8_lossy(&manifest)).map_err(Box::new)?;
    let mut checksums: Checksums =
        serde_json::from_slice(&read(&directory.join(CHECKSUMS))?).unwrap_or_default();
    if package.shape == Shape::Stub {
        checksums.files.clear();
        remove_dir_all(directory)?;
        create_dir_all(directory)?;
    }
    let lost: Vec<String> =
        checksums.files.keys().filter(|path| !package.shape.keeps(path)).cloned().collect();
    for path in lost {
        checksums.files.remove(&path);
        remove_file(&directory.join(&path))?;
        // Directories that are empty now.
        for above in Path::new(&path).ancestors().skip(1).filter(|above| !above.as_os_str().is_empty()) {
            let _ = std::fs::remove_dir(directory.join(above));
        }
    }
    for (path, text) in stub.files.into_iter().chain([(MANIFEST, text.as_str())]) {
        write_cache(&directory.join(path), text.as_bytes())?;
        checksums.files.insert(path.to_owned(), Digest::of(text.as_bytes()));
    }
    write_cache(&directory.join(CHECKSUMS), checksums.to_json().as_bytes())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use cargo_namespaces_net::fs::write_atomic;
    use semver::Version;

    #[test]
    fn what_cargo_leaves_out_is_left_out() {
        for path in [".gitignore", "a/.gitattributes", ".git", "a/.git/config"] {
            assert!(!is_vendored(path), "{path}");
        }
        for path in ["Cargo.toml", ".github/x.yml", "a/.gitignore/x", "gitignore", "x.orig", ".gitmodules"] {
            assert!(is_vendored(path), "{path}");
        }
    }

    fn package(shape: Shape) -> Package {
        Package { name: "a".to_owned(), version: Version::new(1, 0, 0), checksum: None, shape }
    }

    fn vendored() -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        let mut checksums = Checksums::default();
        for (path, text) in
            [("Cargo.toml", "[package]\nname = \"a\"\n"), ("src/lib.rs", "x"), ("tests/deep/t.rs", "")]
        {
            write_atomic(&home.path().join(path), text.as_bytes()).unwrap();
            checksums.files.insert(path.to_owned(), Digest::of(text.as_bytes()));
        }
        write_atomic(&home.path().join(CHECKSUMS), checksums.to_json().as_bytes()).unwrap();
        home
    }

    #[test]
    fn a_package_from_git_loses_paths_from_the_disk_and_from_its_list() {
        let home = vendored();
        reshape(home.path(), &package(Shape::Without(vec!["tests".to_owned()]))).unwrap();
        assert!(!home.path().join("tests").exists() && home.path().join("src/lib.rs").exists());
        let listed: Checksums = serde_json::from_slice(&read(&home.path().join(CHECKSUMS)).unwrap()).unwrap();
        assert_eq!(listed.files.keys().collect::<Vec<_>>(), ["Cargo.toml", "src/lib.rs"]);
    }

    #[test]
    fn a_package_from_git_becomes_a_stub() {
        let home = vendored();
        reshape(home.path(), &package(Shape::Stub)).unwrap();
        assert_eq!(read(&home.path().join("src/lib.rs")).unwrap(), b"");
        let listed: Checksums = serde_json::from_slice(&read(&home.path().join(CHECKSUMS)).unwrap()).unwrap();
        assert_eq!(listed.files["src/lib.rs"], Digest::of(b""));
        assert!(!home.path().join("tests").exists());
    }
}
