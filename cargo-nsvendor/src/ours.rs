//! Whose is it? A directory is replaced only when everything in it was written by this command or by `cargo vendor`.
//!
//! A package's directory says so itself: `.cargo-checksum.json` lists its files. One that the list does not name was put
//! there by somebody, and is not deleted. (An altered one is found by comparing contents.) A package that stands as it
//! was seen when it was vendored needs no look.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use cargo_namespaces_net::fs::{FsError, read};

use crate::evidence::Standing;
use crate::extract::{CHECKSUMS, Checksums};
use crate::form::local_registry::INDEX;

/// `vendor/git/<repo>/<package>` is the deepest that packages lie.
const DEPTH: usize = 3;

/// What stands where the vendored directory will be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Nothing.
    Missing,
    /// A directory that may be replaced.
    There {
        /// Dot files at its top, which the new one keeps.
        keep: Vec<OsString>,
        /// The packages in it, by their path with `/`.
        packages: BTreeSet<String>,
        /// Directories in it with nothing in them, by their path.
        empty: Vec<String>,
    },
}

impl Existing {
    /// Whether a package stands there, whatever is in it.
    pub fn has(&self, path: &str) -> bool {
        matches!(self, Self::There { packages, .. } if packages.contains(path))
    }
}

/// Why it may not be replaced.
#[derive(Debug, thiserror::Error)]
pub enum NotOurs {
    /// Replacing it would replace something else than it seems.
    #[error("`{}` is a symbolic link", .0.display())]
    Link(PathBuf),
    /// A file stands there.
    #[error("`{}` is not a directory", .0.display())]
    File(PathBuf),
    /// It holds something else.
    #[error("`{}` holds `{}`, which was not vendored", .directory.display(), .found.display())]
    Foreign {
        /// The vendored directory.
        directory: PathBuf,
        /// The path in it.
        found: PathBuf,
    },
    /// It cannot be looked at.
    #[error(transparent)]
    Unreadable(#[from] FsError),
}

impl NotOurs {
    /// What to do next.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Link(_) => "name the directory that the link leads to, or remove the link",
            Self::File(_) => "name another directory, or move the file away",
            Self::Foreign { .. } => {
                "nothing was deleted; move it away, or name another directory, and run the command again"
            }
            Self::Unreadable(_) => "check who owns it, and its permissions",
        }
    }
}

/// Looks at `target`, but not into the packages that are `standing`.
///
/// # Errors
/// [`NotOurs`]: it must not be replaced.
pub fn examine(target: &Path, standing: &Standing) -> Result<Existing, NotOurs> {
    let metadata = match fs::symlink_metadata(target) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Existing::Missing),
        Err(source) => return Err(unreadable(target, source)),
    };
    if metadata.is_symlink() {
        return Err(NotOurs::Link(target.to_owned()));
    }
    if !metadata.is_dir() {
        return Err(NotOurs::File(target.to_owned()));
    }
    let mut keep = Vec::new();
    let mut look = Look { target, standing, packages: BTreeSet::new(), empty: Vec::new() };
    for entry in list(target)? {
        let name = entry.file_name();
        let kind = entry.file_type().map_err(|source| unreadable(&entry.path(), source))?;
        if kind.is_file() && name.as_encoded_bytes().starts_with(b".") {
            keep.push(name);
        } else if let Some(name) = name.to_str().filter(|_| kind.is_dir()) {
            look.group(name, DEPTH)?;
        } else {
            return Err(foreign(target, &entry.path()));
        }
    }
    keep.sort();
    Ok(Existing::There { keep, packages: look.packages, empty: look.empty })
}

struct Look<'a> {
    target: &'a Path,
    standing: &'a Standing,
    packages: BTreeSet<String>,
    empty: Vec<String>,
}

impl Look<'_> {
    /// A package, or a directory of packages, at a path below the target.
    fn group(&mut self, path: &str, depth: usize) -> Result<(), NotOurs> {
        if self.standing.contains_key(path) {
            self.packages.insert(path.to_owned());
            return Ok(());
        }
        let directory = self.target.join(path);
        let checksums = directory.join(CHECKSUMS);
        if let Ok(metadata) = fs::symlink_metadata(&checksums) {
            let listed = metadata.is_file().then(|| read(&checksums).ok()).flatten();
            let listed = listed.and_then(|bytes| serde_json::from_slice::<Checksums>(&bytes).ok());
            let listed = listed.ok_or_else(|| foreign(self.target, &checksums))?;
            package(self.target, &directory, "", &listed)?;
            self.packages.insert(path.to_owned());
            return Ok(());
        }
        if fs::symlink_metadata(directory.join(INDEX)).is_ok_and(|found| found.is_dir()) {
            local_registry(self.target, &directory)?;
            self.packages.insert(path.to_owned());
            return Ok(());
        }
        let entries = list(&directory)?;
        if entries.is_empty() {
            self.empty.push(path.to_owned());
        }
        for entry in entries {
            let kind = entry.file_type().map_err(|source| unreadable(&entry.path(), source))?;
            let name = entry.file_name();
            match name.to_str() {
                Some(name) if kind.is_dir() && depth > 1 => {
                    self.group(&format!("{path}/{name}"), depth - 1)?;
                }
                _ => return Err(foreign(self.target, &entry.path())),
            }
        }
        Ok(())
    }
}

/// Every .crate is named by a line of the index, and every file of the index has the lines of its crate.
fn local_registry(target: &Path, directory: &Path) -> Result<(), NotOurs> {
    let mut named = BTreeSet::new();
    let mut pending = vec![directory.join(INDEX)];
    while let Some(above) = pending.pop() {
        for entry in list(&above)? {
            let kind = entry.file_type().map_err(|source| unreadable(&entry.path(), source))?;
            if kind.is_dir() {
                pending.push(entry.path());
                continue;
            }
            let text = kind.is_file().then(|| read(&entry.path()).ok()).flatten();
            let crates =
                text.and_then(|text| releases_in(&String::from_utf8_lossy(&text), &entry.file_name()));
            named.extend(crates.ok_or_else(|| foreign(target, &entry.path()))?);
        }
    }
    for entry in list(directory)? {
        let name = entry.file_name();
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if name != INDEX && !(is_file && name.to_str().is_some_and(|name| named.contains(name))) {
            return Err(foreign(target, &entry.path()));
        }
    }
    Ok(())
}

/// The .crate files that an index file names; none if it is not one.
fn releases_in(text: &str, file_name: &OsStr) -> Option<Vec<String>> {
    #[derive(serde::Deserialize)]
    struct Line {
        name: String,
        vers: String,
    }
    let lines = text.lines().map(|line| serde_json::from_str::<Line>(line).ok());
    let of_crate = |line: &Line| file_name.to_str() == Some(line.name.to_ascii_lowercase().as_str());
    lines.map(|line| line.filter(of_crate).map(|line| format!("{}-{}.crate", line.name, line.vers))).collect()
}

/// Every file of a package is listed; `below` is the path inside it, with a slash at its end.
fn package(target: &Path, directory: &Path, below: &str, listed: &Checksums) -> Result<(), NotOurs> {
    for entry in list(directory)? {
        let kind = entry.file_type().map_err(|source| unreadable(&entry.path(), source))?;
        let name = entry.file_name();
        let known = name.to_str().map(|name| format!("{below}{name}"));
        match known {
            Some(path) if kind.is_dir() => package(target, &entry.path(), &format!("{path}/"), listed)?,
            Some(path) if kind.is_file() && (path == CHECKSUMS || listed.files.contains_key(&path)) => {}
            _ => return Err(foreign(target, &entry.path())),
        }
    }
    Ok(())
}

fn list(directory: &Path) -> Result<Vec<fs::DirEntry>, NotOurs> {
    let entries = fs::read_dir(directory).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
    let mut entries = entries.map_err(|source| unreadable(directory, source))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    Ok(entries)
}

fn foreign(directory: &Path, found: &Path) -> NotOurs {
    let found = found.strip_prefix(directory).unwrap_or(found).to_owned();
    NotOurs::Foreign { directory: directory.to_owned(), found }
}

fn unreadable(path: &Path, source: std::io::Error) -> NotOurs {
    NotOurs::Unreadable(FsError { action: "read", path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use cargo_namespaces::digest::Digest;
    use cargo_namespaces_net::fs::write_atomic;

    fn put(root: &Path, path: &str) {
        write_atomic(&root.join(path), b"").unwrap();
    }

    fn package_at(root: &Path, path: &str) {
        let mut checksums = Checksums::default();
        checksums.files.insert("src/lib.rs".to_owned(), Digest::of(b""));
        put(root, &format!("{path}/src/lib.rs"));
        write_atomic(&root.join(path).join(CHECKSUMS), checksums.to_json().as_bytes()).unwrap();
    }

    fn found(root: &Path) -> String {
        match examine(root, &Standing::new()) {
            Err(NotOurs::Foreign { found, .. }) => found.display().to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_either_command_wrote_may_be_replaced() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("vendor");
        let look = |root: &Path| examine(root, &Standing::new()).unwrap();
        assert_eq!(look(&root), Existing::Missing);
        fs::create_dir(&root).unwrap();
        assert_eq!(look(&root), Existing::There { keep: vec![], packages: BTreeSet::new(), empty: vec![] });
        let paths = ["a", "a-1.0.0", "crates.io/a-1.0.0", "git/repo-1234567/a-1.0.0"];
        for path in paths {
            package_at(&root, path);
        }
        put(&root, ".gitignore");
        fs::create_dir_all(root.join("b.example/left-0.1.0")).unwrap();
        let packages = paths.map(str::to_owned).into();
        let (keep, empty) = (vec![".gitignore".into()], vec!["b.example/left-0.1.0".to_owned()]);
        assert_eq!(look(&root), Existing::There { keep, packages, empty });
    }

    #[test]
    fn anything_else_is_somebodys() {
        for path in [
            "README.md",
            "a-1.0.0/build.rs",
            "a-1.0.0/src/more/x.rs",
            "crates.io/notes.txt",
            ".git/config",
            "mine/src/lib.rs",
            "git/repo/deep/er/x",
            "b/.cargo-checksum.json",
        ] {
            let home = tempfile::tempdir().unwrap();
            let root = home.path().join("vendor");
            package_at(&root, "a-1.0.0");
            put(&root, path);
            let found = found(&root);
            assert!(path.starts_with(&found), "{path}: {found}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_and_files_are_not_followed() {
        let home = tempfile::tempdir().unwrap();
        let real = home.path().join("real");
        package_at(&real, "a-1.0.0");
        let link = home.path().join("vendor");
        std::os::unix::fs::symlink(&real, &link).unwrap();
        assert!(matches!(examine(&link, &Standing::new()), Err(NotOurs::Link(_))));
        std::os::unix::fs::symlink("/etc", real.join("a-1.0.0/etc")).unwrap();
        assert_eq!(found(&real), "a-1.0.0/etc");
        put(home.path(), "file");
        assert!(matches!(examine(&home.path().join("file"), &Standing::new()), Err(NotOurs::File(_))));
    }
}
