//! Which files a package is vendored as: those of its .crate, in the shape that the [filters](crate::filter) give it.
//!
//! Whoever unpacks, compares or packs goes through [`for_each_file`], and so sees the same files.

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;

use cargo_namespaces::limits::MAX_MANIFEST;
use cargo_namespaces::package::{self, Entry, Odd, PackageError, Rules, for_each_entry};
use cargo_namespaces_cli::crate_file::CrateFile;
use cargo_namespaces_net::fs::{FsError, create_dir_all, read, remove_dir_all, remove_file, write_cache};

use crate::extract::{CHECKSUMS, Checksums, ExtractError, is_vendored};
use crate::filter::shape::{MANIFEST, Shape};
use crate::plan::Package;
use crate::work;
use cargo_namespaces::digest::Digest;

/// Called with a path, whether it is executable, and its content.
pub type Visit<'a> = &'a mut dyn FnMut(&str, bool, &mut dyn BufRead) -> Result<(), ExtractError>;

/// Calls `visit` for every file that is vendored of `archive`, the package's .crate. Gives what is odd about that.
///
/// # Errors
/// A broken rule; or the visitor's own error.
pub fn for_each_file(archive: &CrateFile, package: &Package, visit: Visit<'_>) -> Result<Odd, ExtractError> {
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
        archive.for_each_entry(Some(scratch), &package.name, &package.version, visit)
    })?;
    Ok(walked.odd)
}

/// The manifest inside a .crate, as published; the archive is read no further.
///
/// # Errors
/// A broken rule before it, or there is none.
pub fn manifest_of(archive: &CrateFile, package: &Package) -> Result<String, ExtractError> {
    first_manifest(|visit| archive.for_each_entry(None, &package.name, &package.version, visit))
}

/// As [`manifest_of`], of a file of which nobody knows yet whether it is the right one.
///
/// # Errors
/// As [`manifest_of`].
pub fn unverified_manifest(path: &Path, package: &Package) -> Result<String, ExtractError> {
    let failed = |source| FsError { action: "read", path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let archive = BufReader::new(file);
    first_manifest(|visit| {
        for_each_entry(Rules::Consume, archive, length, &package.name, &package.version, visit)
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
            // Enough was read: this error ends the walk and is not passed on.
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

/// Gives a package from git, which `cargo vendor` has written to `directory`, its shape.
///
/// # Errors
/// A file cannot be read, written or removed; the manifest is not TOML.
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
        // Directories of which nothing is left.
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
