//! Does a directory hold exactly the files of its package?
//!
//! Cargo checks the files that `.cargo-checksum.json` names and nothing else: an extra `build.rs` runs, and whoever changes a
//! file can change the list. So each file is compared with the archive, which the lock file vouches for, and
//! the directory is listed.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, Read as _};
use std::path::{Path, PathBuf};

use cargo_namespaces::digest::{Digest, Hasher};
use cargo_namespaces_cli::crate_file::CrateFile;
use cargo_namespaces_net::fs::{FsError, read};

use crate::content::for_each_file;
use crate::extract::{CHECKSUMS, Checksums, ExtractError};
use crate::plan::Package;

/// One path that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Below the directory that was compared, with `/`; empty for the directory itself.
    pub path: String,
    /// What about it.
    pub what: What,
}

/// What is wrong with a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// Other content.
    Changed,
    /// Not there.
    Missing,
    /// Not in the package.
    Extra,
    /// It can be run, and in the package it cannot.
    Executable,
    /// It cannot be run, and in the package it can.
    NotExecutable,
    /// A link, a directory, a device where a file belongs.
    NotAFile,
    /// In the vendored directory, but not in the lock file.
    Stray,
}

impl What {
    /// Stable code for machines.
    pub fn code(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Executable => "executable",
            Self::NotExecutable => "not-executable",
            Self::NotAFile => "not-a-file",
            Self::Stray => "stray",
        }
    }

    /// For people.
    pub fn text(self) -> &'static str {
        match self {
            Self::Changed => "differs from the package",
            Self::Missing => "is missing",
            Self::Extra => "is not in the package",
            Self::Executable => "is executable, and in the package it is not",
            Self::NotExecutable => "is not executable, and in the package it is",
            Self::NotAFile => "is a link or another special file",
            Self::Stray => "is not in the lock file",
        }
    }
}

/// Compares `directory` with the archive that it was made from, whose hash the caller has checked.
///
/// # Errors
/// The archive breaks a rule, or a file cannot be read.
pub fn against_archive(
    archive: &CrateFile,
    package: &Package,
    directory: &Path,
) -> Result<Vec<Finding>, ExtractError> {
    let mut found = list(directory)?;
    let mut expected = Checksums { files: BTreeMap::new(), package: package.checksum };
    let mut findings = Vec::new();
    let mut buffer = Vec::new();
    let modes = keeps_modes(directory);
    for_each_file(archive, package, &mut |path, executable, content| {
        let mut find = |what| findings.push(Finding { path: path.to_owned(), what });
        match found.remove(path) {
            None => find(What::Missing),
            Some(Kind::Other | Kind::Empty) => find(What::NotAFile),
            Some(Kind::File) => {
                let compared = compare(content, &directory.join(path), &mut buffer)?;
                if !compared.same {
                    find(What::Changed);
                } else if modes && let Some(what) = other_mode(executable, compared.executable) {
                    find(what);
                }
                expected.files.insert(path.to_owned(), compared.digest);
            }
        }
        Ok(())
    })?;
    let listed = found.remove(CHECKSUMS);
    findings.extend(found.into_keys().map(|path| Finding { path, what: What::Extra }));
    // With other findings the list cannot fit either; that says nothing more.
    let fits = match listed {
        Some(Kind::File) => checksums(directory)?.as_ref() == Some(&expected),
        _ => false,
    };
    if !fits && findings.is_empty() {
        let what = if listed.is_none() { What::Missing } else { What::Changed };
        findings.push(Finding { path: CHECKSUMS.to_owned(), what });
    }
    findings.sort();
    Ok(findings)
}

/// Compares `directory` with its own `.cargo-checksum.json`, and that with the lock file: all that can be done without the
/// archive. Whoever wrote the one could have written the other.
///
/// # Errors
/// A file cannot be read.
pub fn against_itself(package: &Package, directory: &Path) -> Result<Vec<Finding>, FsError> {
    let mut found = list(directory)?;
    let listed = if found.remove(CHECKSUMS) == Some(Kind::File) { checksums(directory)? } else { None };
    let Some(listed) = listed.filter(|listed| listed.package == package.checksum) else {
        return Ok(vec![Finding { path: CHECKSUMS.to_owned(), what: What::Changed }]);
    };
    let mut findings = Vec::new();
    for (path, digest) in listed.files {
        let what = match found.remove(&path) {
            None => What::Missing,
            Some(Kind::Other | Kind::Empty) => What::NotAFile,
            Some(Kind::File) if Digest::of(&read(&directory.join(&path))?) != digest => What::Changed,
            Some(Kind::File) => continue,
        };
        findings.push(Finding { path, what });
    }
    findings.extend(found.into_keys().map(|path| Finding { path, what: What::Extra }));
    findings.sort();
    Ok(findings)
}

/// Compares `directory` with the directory that it should be.
///
/// # Errors
/// A file cannot be read.
pub fn against_directory(expected: &Path, directory: &Path) -> Result<Vec<Finding>, FsError> {
    let wanted = list(expected)?;
    let mut found = list(directory)?;
    let mut findings = Vec::new();
    let modes = keeps_modes(directory);
    for path in wanted.into_keys() {
        let (one, other) = (expected.join(&path), directory.join(&path));
        let what = match found.remove(&path) {
            None => Some(What::Missing),
            Some(Kind::Other | Kind::Empty) => Some(What::NotAFile),
            Some(Kind::File) if read(&one)? != read(&other)? => Some(What::Changed),
            Some(Kind::File) if modes => other_mode(can_be_run(&one), can_be_run(&other)),
            Some(Kind::File) => None,
        };
        findings.extend(what.map(|what| Finding { path, what }));
    }
    findings.extend(found.into_keys().map(|path| Finding { path, what: What::Extra }));
    findings.sort();
    Ok(findings)
}

/// What stands at a path below a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory with nothing in it: no package has one.
    Empty,
    /// A link, a device and the like.
    Other,
}

/// Every file and empty directory below `directory`, by its path with `/`; nothing for a directory that is missing. Links are
/// not followed.
///
/// # Errors
/// A directory cannot be read.
pub fn list(directory: &Path) -> Result<BTreeMap<String, Kind>, FsError> {
    let mut found = BTreeMap::new();
    let mut pending: Vec<(PathBuf, String)> = vec![(directory.to_owned(), String::new())];
    while let Some((directory, below)) = pending.pop() {
        let entries = entries(&directory)?;
        if entries.is_empty() && !below.is_empty() {
            found.insert(below.trim_end_matches('/').to_owned(), Kind::Empty);
        }
        for entry in entries {
            // A name that is no text is no package's; shown as well as it can be.
            let path = format!("{below}{}", entry.file_name().to_string_lossy());
            let kind = match entry.file_type() {
                Ok(kind) if kind.is_dir() => {
                    pending.push((entry.path(), format!("{path}/")));
                    continue;
                }
                Ok(kind) if kind.is_file() => Kind::File,
                _ => Kind::Other,
            };
            found.insert(path, kind);
        }
    }
    Ok(found)
}

/// What a directory holds; nothing for one that is missing.
///
/// # Errors
/// It cannot be read.
pub fn entries(directory: &Path) -> Result<Vec<fs::DirEntry>, FsError> {
    let read = match fs::read_dir(directory) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read.and_then(Iterator::collect),
    };
    read.map_err(|source| FsError { action: "read", path: directory.to_owned(), source })
}

fn checksums(directory: &Path) -> Result<Option<Checksums>, FsError> {
    Ok(serde_json::from_slice(&read(&directory.join(CHECKSUMS))?).ok())
}

/// Whether the file system keeps the executable bit: one that does not shows it everywhere, or nowhere but by a mount's mask.
fn keeps_modes(directory: &Path) -> bool {
    cfg!(unix) && !can_be_run(&directory.join(CHECKSUMS))
}

fn can_be_run(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| is_executable(&found))
}

/// Whether its owner may run a file; whoever else may is for the umask to say.
#[cfg(unix)]
fn is_executable(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o100 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &fs::Metadata) -> bool {
    false
}

fn other_mode(expected: bool, found: bool) -> Option<What> {
    match (expected, found) {
        (false, true) => Some(What::Executable),
        (true, false) => Some(What::NotExecutable),
        _ => None,
    }
}

/// A file beside an entry of the archive.
struct Compared {
    /// It holds what the entry yields.
    same: bool,
    /// Of the entry.
    digest: Digest,
    /// The file can be run.
    executable: bool,
}

/// Compares the file at `path` with what the entry yields. Both are read to their ends.
fn compare(entry: &mut dyn BufRead, path: &Path, buffer: &mut Vec<u8>) -> Result<Compared, FsError> {
    let failed = |source| FsError { action: "read", path: path.to_owned(), source };
    let mut file = File::open(path).map_err(failed)?;
    let mut hasher = Hasher::new();
    let mut same = true;
    loop {
        let ours = entry.fill_buf().map_err(failed)?;
        let count = ours.len();
        if count == 0 {
            break;
        }
        hasher.update(ours);
        if buffer.len() < count {
            buffer.resize(count, 0);
        }
        same = same && file.read_exact(&mut buffer[..count]).is_ok() && *ours == buffer[..count];
        entry.consume(count);
    }
    same = same && file.read(&mut [0]).map_err(failed)? == 0;
    let executable = is_executable(&file.metadata().map_err(failed)?);
    Ok(Compared { same, digest: hasher.finish().0, executable })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::shape::Shape;
    use cargo_namespaces_net::fs::write_atomic;
    use semver::Version;

    fn put(root: &Path, path: &str, content: &str) {
        write_atomic(&root.join(path), content.as_bytes()).unwrap();
    }

    fn vendored(root: &Path, files: &[(&str, &str)]) -> Package {
        let mut checksums = Checksums { files: BTreeMap::new(), package: Some(Digest::of(b"crate")) };
        for (path, content) in files {
            put(root, path, content);
            checksums.files.insert((*path).to_owned(), Digest::of(content.as_bytes()));
        }
        put(root, CHECKSUMS, &checksums.to_json());
        Package {
            name: "a".to_owned(),
            version: Version::new(1, 0, 0),
            checksum: checksums.package,
            shape: Shape::Whole,
        }
    }

    fn texts(findings: &[Finding]) -> Vec<String> {
        findings.iter().map(|finding| format!("{} {}", finding.path, finding.what.code())).collect()
    }

    #[test]
    fn a_directory_is_compared_with_its_own_list() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path();
        let mut package = vendored(root, &[("Cargo.toml", "a"), ("src/lib.rs", "b"), ("src/c.rs", "c")]);
        assert_eq!(against_itself(&package, root).unwrap(), []);
        put(root, "build.rs", "");
        put(root, "Cargo.toml", "x");
        fs::remove_file(root.join("src/c.rs")).unwrap();
        let findings = against_itself(&package, root).unwrap();
        assert_eq!(texts(&findings), ["Cargo.toml changed", "build.rs extra", "src/c.rs missing"]);
        package.checksum = Some(Digest::of(b"another crate"));
        assert_eq!(texts(&against_itself(&package, root).unwrap()), [".cargo-checksum.json changed"]);
    }

    #[test]
    fn two_directories_are_compared() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        vendored(one.path(), &[("Cargo.toml", "a"), ("x", "")]);
        vendored(other.path(), &[("Cargo.toml", "a"), ("x", "")]);
        assert_eq!(against_directory(one.path(), other.path()).unwrap(), []);
        put(other.path(), "x", "changed");
        put(other.path(), "y", "");
        let findings = against_directory(one.path(), other.path()).unwrap();
        assert_eq!(texts(&findings), ["x changed", "y extra"]);
        assert_eq!(texts(&against_directory(one.path(), Path::new("/nowhere")).unwrap()).len(), 3);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_not_a_file() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("a");
        let package = vendored(&root, &[("x", "1")]);
        put(home.path(), "elsewhere", "1");
        fs::remove_file(root.join("x")).unwrap();
        std::os::unix::fs::symlink(home.path().join("elsewhere"), root.join("x")).unwrap();
        assert_eq!(texts(&against_itself(&package, &root).unwrap()), ["x not-a-file"]);
    }
}
