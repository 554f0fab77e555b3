//! Where new packages grow, and how they come to stand in the vendored directory.
//!
//! ```text
//! project/vendor/                        the vendored directory
//! project/.vendor.nsvendor-x7Gh2k/new/   what is being made, on the same file system
//! project/.vendor.nsvendor-x7Gh2k/gone/  packages that were taken out
//! project/.vendor.nsvendor-x7Gh2k/old/   the former directory, where the system cannot exchange two at once
//! ```
//!
//! Where nothing of the old directory stays, the new one takes its place: one system call exchanges the two on Linux and
//! macOS, two renames elsewhere, and the next run finishes what a killed one began. Where most of it stays, package after
//! package is moved, each in one step: first the new ones in, then the old ones out. Killed at any moment, every package
//! that is there is whole, and all that the old lock file needs is there or all that the new one needs. What a killed run left
//! beside it is removed by the next. Two runs do not meet: the directory above is locked for as long as a run works.

mod swap;
#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use cargo_namespaces_cli::shell::Shell;
use cargo_namespaces_net::fs::{FsError, create_dir_all, directory_of, remove_dir_all, rename_atomic};
use cargo_namespaces_net::interrupt::{self, Interrupted};

use crate::evidence::Standing;
use crate::ours::{self, Existing, NotOurs};

/// Why a vendored directory cannot be replaced.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// It is not one, or holds other files.
    #[error(transparent)]
    NotOurs(#[from] NotOurs),
    /// It, or the directory above, may not be written.
    #[error("`{}` is write-protected", .0.display())]
    ReadOnly(PathBuf),
    /// `/`, or a path that ends in `..`.
    #[error("`{}` cannot be a vendored directory", .0.display())]
    NoName(PathBuf),
    /// A file operation failed.
    #[error(transparent)]
    File(#[from] FsError),
    /// Ctrl-C while another run was waited for.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

/// The vendored directory, which no other run changes meanwhile.
#[derive(Debug)]
pub struct Hold {
    target: PathBuf,
    /// Of the directory above; none while that does not exist, or where the system cannot lock directories.
    lock: Option<File>,
}

impl Hold {
    /// Waits for other runs, and clears what killed ones left. `target` is absolute.
    ///
    /// # Errors
    /// [`StageError::NoName`]; Ctrl-C; or what a killed run left cannot be removed.
    pub fn take(target: &Path, shell: &Shell) -> Result<Self, StageError> {
        if target.file_name().is_none() {
            return Err(StageError::NoName(target.to_owned()));
        }
        let lock = lock(directory_of(target), shell)?;
        clear_remains(target, shell)?;
        Ok(Self { target: target.to_owned(), lock })
    }

    /// Looks whether the directory may be changed, and changes nothing.
    ///
    /// # Errors
    /// [`StageError`]: it must not be.
    pub fn examine(&self, standing: &Standing) -> Result<Existing, StageError> {
        let existing = ours::examine(&self.target, standing)?;
        for directory in [self.target.as_path(), directory_of(&self.target)] {
            // A mode without write permission is the owner's wish, also where the system would let root write.
            if fs::metadata(directory).is_ok_and(|found| found.permissions().readonly()) {
                return Err(StageError::ReadOnly(directory.to_owned()));
            }
        }
        Ok(existing)
    }
}

/// Packages in the making; what was written is removed when it is dropped.
#[derive(Debug)]
pub struct Stage {
    target: PathBuf,
    directory: PathBuf,
    existing: Existing,
    /// Directories above the target that were made for it, the deepest first; removed again if they stay empty.
    made: Vec<PathBuf>,
    /// Held until the end: see the module's text.
    _lock: Option<File>,
}

const NEW: &str = "new";
const OLD: &str = "old";
const GONE: &str = "gone";

impl Stage {
    /// Makes the staging directory, for a target that was examined.
    ///
    /// # Errors
    /// [`StageError`]; nothing is then changed.
    pub fn begin(hold: Hold, existing: Existing, shell: &Shell) -> Result<Self, StageError> {
        let Hold { target, lock: held } = hold;
        let above = directory_of(&target);
        let made = above.ancestors().take_while(|above| !above.exists()).map(Path::to_owned).collect();
        create_dir_all(above)?;
        let held = match held {
            Some(held) => Some(held),
            None => lock(above, shell)?,
        };
        let directory = tempfile::Builder::new()
            .prefix(&prefix(&target))
            .tempdir_in(above)
            .map_err(|source| FsError { action: "create a directory in", path: above.to_owned(), source })?
            .keep();
        let stage = Self { target, directory, existing, made, _lock: held };
        create_dir_all(&stage.tree())?;
        Ok(stage)
    }

    /// What is in the making.
    pub fn tree(&self) -> PathBuf {
        self.directory.join(NEW)
    }

    /// Puts the new tree in the old one's place, all at once.
    ///
    /// # Errors
    /// The exchange failed; the old tree stands.
    pub fn swap(self) -> Result<(), StageError> {
        self.carry_over()?;
        let tree = self.tree();
        match self.existing {
            Existing::Missing => swap::rename(&tree, &self.target)?,
            Existing::There { .. } => {
                if !swap::exchange(&tree, &self.target)? {
                    self.rename_twice()?;
                }
            }
        }
        Ok(())
    }

    /// Moves the packages at the paths `put` from the new tree into the target, then those at `gone` out of it.
    ///
    /// # Errors
    /// A move failed; those before it were undone.
    pub fn move_packages(self, put: &[&str], gone: &[&str]) -> Result<(), StageError> {
        swap::move_packages(&self.tree(), &self.target, &self.directory.join(GONE), put, gone)?;
        Ok(())
    }

    /// Dot files at the top (`.gitattributes`, `.gitignore`) are the user's, as with `cargo vendor`.
    fn carry_over(&self) -> Result<(), FsError> {
        let Existing::There { keep, .. } = &self.existing else { return Ok(()) };
        for name in keep {
            let (from, to) = (self.target.join(name), self.tree().join(name));
            fs::copy(&from, &to).map_err(|source| FsError { action: "copy", path: from.clone(), source })?;
        }
        Ok(())
    }

    fn rename_twice(&self) -> Result<(), FsError> {
        let old = self.directory.join(OLD);
        rename_atomic(&self.target, &old)?;
        let renamed = rename_atomic(&self.tree(), &self.target);
        if renamed.is_err() {
            rename_atomic(&old, &self.target)?;
        }
        renamed
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // Never with the only copy of the user's directory in it.
        if self.directory.join(OLD).exists() && !self.target.exists() {
            return;
        }
        if let Err(error) = remove_dir_all(&self.directory) {
            Shell::last_resort(&format!("{error}: {}", error.source));
        }
        for directory in &self.made {
            // Not empty, as a rule: the target is in it.
            let _ = fs::remove_dir(directory);
        }
    }
}

/// One run at a time in one directory. Where the system cannot lock directories, nobody waits.
fn lock(above: &Path, shell: &Shell) -> Result<Option<File>, Interrupted> {
    let Ok(file) = File::open(above) else { return Ok(None) };
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(fs::TryLockError::WouldBlock) => {
            shell.status("Blocking", "waiting for another `cargo nsvendor` in this directory");
            loop {
                // What lies beside the target is the other run's.
                interrupt::check()?;
                std::thread::sleep(std::time::Duration::from_millis(50));
                if file.try_lock().is_ok() {
                    return Ok(Some(file));
                }
            }
        }
        Err(fs::TryLockError::Error(_)) => Ok(None),
    }
}

/// `.vendor.nsvendor-`
fn prefix(target: &Path) -> String {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    format!(".{name}.nsvendor-")
}

/// Finishes and removes what killed runs left: while the lock is held, there is no living one.
fn clear_remains(target: &Path, shell: &Shell) -> Result<(), FsError> {
    for directory in remains(target) {
        let old = directory.join(OLD);
        if old.is_dir() && fs::symlink_metadata(target).is_err() {
            rename_atomic(&old, target)?;
        }
        shell.verbose("Removing", format!("{}, left by an interrupted run", directory.display()));
        remove_dir_all(&directory)?;
    }
    Ok(())
}

/// The staging directories beside `target`.
fn remains(target: &Path) -> Vec<PathBuf> {
    let prefix = prefix(target);
    let Ok(entries) = fs::read_dir(directory_of(target)) else { return Vec::new() };
    let ours = |entry: &fs::DirEntry| {
        let name = entry.file_name();
        let random = name.to_str().and_then(|name| name.strip_prefix(&prefix));
        random.is_some_and(|random| random.len() == 6 && random.bytes().all(|b| b.is_ascii_alphanumeric()))
            && entry.file_type().is_ok_and(|kind| kind.is_dir())
            && holds_stages_only(&entry.path())
    };
    entries.filter_map(Result::ok).filter(ours).map(|entry| entry.path()).collect()
}

/// A directory that only happens to be called like ours is somebody's.
fn holds_stages_only(directory: &Path) -> bool {
    let ours = |name: &std::ffi::OsStr| [NEW, OLD, GONE].iter().any(|known| name == *known);
    fs::read_dir(directory)
        .is_ok_and(|mut entries| entries.all(|entry| entry.is_ok_and(|entry| ours(&entry.file_name()))))
}
