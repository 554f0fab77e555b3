//! The guard that rolls back.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use cargo_namespaces_net::fs::{FsError, read_if_exists, remove_file, through_links, write_if_changed};

/// Some files as they were, put back on drop unless [`Snapshot::commit`] is called.
///
/// What is put back: content and existence of each file, and the directories above them that did not exist are
/// removed again if they are empty. A file that was not touched is not written. This happens on every way out: an
/// error, a panic, or Ctrl-C (which only sets a flag, see [`cargo_namespaces_net::interrupt`]). A file that cannot be put back is
/// named on standard error.
#[derive(Debug)]
#[must_use = "dropping a snapshot puts the files back at once"]
pub struct Snapshot {
    files: Vec<Remembered>,
    armed: bool,
}

#[derive(Debug)]
struct Remembered {
    path: PathBuf,
    content: Option<Vec<u8>>,
    permissions: Option<fs::Permissions>,
    modified: Option<SystemTime>,
    /// Directories above `path` that did not exist, the deepest first.
    missing: Vec<PathBuf>,
}

impl Snapshot {
    /// Remembers `paths`, files that may exist or not.
    ///
    /// # Errors
    /// One of them exists and cannot be read as a file.
    pub fn take<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Result<Self, FsError> {
        let mut snapshot = Self { files: Vec::new(), armed: true };
        for path in paths {
            snapshot.add(path.as_ref())?;
        }
        Ok(snapshot)
    }

    /// Remembers one more file; one that is remembered already keeps its first state.
    ///
    /// # Errors
    /// The file exists and cannot be read.
    pub fn add(&mut self, path: &Path) -> Result<(), FsError> {
        // A link stays; what is written lands where it leads.
        let path = through_links(&std::path::absolute(path).map_err(FsError::at("locate", path))?);
        if self.files.iter().any(|known| known.path == path) {
            return Ok(());
        }
        let content = read_if_exists(&path)?;
        let metadata = fs::metadata(&path).ok();
        let modified = metadata.as_ref().and_then(|found| found.modified().ok());
        let permissions = metadata.map(|found| found.permissions());
        let missing = path
            .ancestors()
            .skip(1)
            .take_while(|directory| !directory.exists())
            .map(Path::to_owned)
            .collect();
        self.files.push(Remembered { path, content, permissions, modified, missing });
        Ok(())
    }

    /// Keeps the files as they are now.
    pub fn commit(mut self) {
        self.armed = false;
    }

    /// Puts the files back now, all that can be.
    ///
    /// # Errors
    /// The files that could not be put back, each with its reason.
    pub fn restore(mut self) -> Result<(), Vec<FsError>> {
        self.armed = false;
        self.put_back()
    }

    fn put_back(&self) -> Result<(), Vec<FsError>> {
        let mut failed = Vec::new();
        for file in &self.files {
            if let Err(error) = file.put_back() {
                failed.push(error);
            }
        }
        for directory in self.files.iter().flat_map(|file| &file.missing) {
            // Not empty: somebody else put something there meanwhile, which is theirs.
            let _ = fs::remove_dir(directory);
        }
        if failed.is_empty() { Ok(()) } else { Err(failed) }
    }
}

impl Remembered {
    fn put_back(&self) -> Result<(), FsError> {
        let Some(content) = &self.content else {
            return remove_file(&self.path);
        };
        if write_if_changed(&self.path, content)?
            && let Some(modified) = self.modified
        {
            // Else a build would take the file for a new one; that is all.
            let file = File::options().write(true).open(&self.path);
            let _ = file.and_then(|file| file.set_modified(modified));
        }
        if let Some(permissions) = &self.permissions {
            let now = fs::metadata(&self.path).map_err(FsError::at("read", &self.path))?;
            if now.permissions() != *permissions {
                fs::set_permissions(&self.path, permissions.clone())
                    .map_err(FsError::at("restore the permissions of", &self.path))?;
            }
        }
        Ok(())
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        if !self.armed {
            return;
        }
        for error in self.put_back().err().unwrap_or_default() {
            let cause = &error.source;
            crate::shell::Shell::last_resort(&format!(
                "could not undo the change of `{}`: {error}: {cause}",
                error.path.display()
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cargo_namespaces_net::fs::{read, write_atomic};

    fn directory() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    /// Every path below `root` with its content (`None` for a directory).
    fn tree(root: &Path) -> Vec<(PathBuf, Option<Vec<u8>>)> {
        let mut found = Vec::new();
        let mut pending = vec![root.to_owned()];
        while let Some(next) = pending.pop() {
            for entry in fs::read_dir(&next).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    pending.push(path.clone());
                    found.push((path, None));
                } else {
                    let content = fs::read(&path).unwrap();
                    found.push((path, Some(content)));
                }
            }
        }
        found.sort();
        found
    }

    #[test]
    fn a_dropped_snapshot_puts_everything_back() {
        let root = directory();
        let manifest = root.path().join("Cargo.toml");
        let config = root.path().join(".cargo/config.toml");
        write_atomic(&manifest, b"[package]").unwrap();
        let before = tree(root.path());
        {
            let _snapshot = Snapshot::take([&manifest, &config]).unwrap();
            write_atomic(&manifest, b"changed").unwrap();
            write_atomic(&config, b"new").unwrap();
        }
        assert_eq!(tree(root.path()), before);
    }

    #[test]
    fn a_panic_rolls_back() {
        let root = directory();
        let lock = root.path().join("Cargo.lock");
        write_atomic(&lock, b"version = 4").unwrap();
        let before = tree(root.path());
        let outcome = std::panic::catch_unwind(|| {
            let _snapshot = Snapshot::take([&lock]).unwrap();
            fs::remove_file(&lock).unwrap();
            panic!("in the middle");
        });
        assert!(outcome.is_err());
        assert_eq!(tree(root.path()), before);
    }

    #[test]
    fn a_committed_snapshot_keeps_what_came_after() {
        let root = directory();
        let path = root.path().join("a");
        let snapshot = Snapshot::take([&path]).unwrap();
        write_atomic(&path, b"kept").unwrap();
        snapshot.commit();
        assert_eq!(read(&path).unwrap(), b"kept");
    }

    #[test]
    fn the_first_state_counts_and_foreign_files_stay() {
        let root = directory();
        let path = root.path().join("new/a");
        let mut snapshot = Snapshot::take([&path]).unwrap();
        write_atomic(&path, b"1").unwrap();
        snapshot.add(&path).unwrap();
        write_atomic(&root.path().join("new/foreign"), b"x").unwrap();
        snapshot.restore().unwrap();
        assert!(!path.exists());
        assert!(root.path().join("new/foreign").exists());
    }

    #[test]
    fn a_directory_is_not_a_file_to_remember() {
        let root = directory();
        assert!(Snapshot::take([root.path()]).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_dangles_is_put_back_as_it_was() {
        use std::os::unix::fs::symlink;
        let root = tempfile::tempdir().unwrap();
        let (link, target) = (root.path().join("link"), root.path().join("elsewhere/file"));
        symlink(&target, &link).unwrap();
        let snapshot = Snapshot::take([&link]).unwrap();
        write_atomic(&link, b"new").unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"new");
        snapshot.restore().unwrap();
        assert_eq!(fs::read_link(&link).unwrap(), target);
        assert!(!target.exists() && !root.path().join("elsewhere").exists());
    }
}
