//! The stage: a directory beside the vendored one, in which new packages are made before they are moved in.
//!
//! ```text
//! project/vendor/                        the vendored directory
//! project/.vendor.nsvendor-x7Gh2k/new/   what is being made, on the same file system
//! project/.vendor.nsvendor-x7Gh2k/gone/  packages that were taken out
//! project/.vendor.nsvendor-x7Gh2k/old/   the former directory, if the system cannot exchange two at once
//! ```
//!
//! If nothing of the old directory stays, the new one replaces it: by one system call on Linux and macOS, by two renames elsewhere.
//! If a run is killed between the two, the next run repairs it. If some packages stay, the others are moved one by one: first the
//! new ones in, then the old ones out. If a run is killed at any moment, every package in the directory is complete, and all that
//! the old lock file needs or all that the new one needs is there. The next run removes what a killed one left beside the
//! directory. The directory above is locked during a run, so that two runs do not work in it at once.

pub mod foreign_files;
mod swap;
#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use cargo_namespaces_cli::interrupt::{self, Interrupted};
use cargo_namespaces_cli::shell::Shell;
use cargo_namespaces_net::fs::{FsError, create_dir_all, directory_of, remove_dir_all, rename_atomic};

use crate::evidence::UnchangedPackages;
use foreign_files::{ExistingTarget, ForeignFilesError};

/// Why a vendored directory cannot be replaced.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    #[error(transparent)]
    ForeignFiles(#[from] ForeignFilesError),
    /// It, or the directory above.
    #[error("`{}` is write-protected", .0.display())]
    ReadOnly(PathBuf),
    /// `/`, or a path that ends in `..`.
    #[error("`{}` cannot be a vendored directory", .0.display())]
    NoName(PathBuf),
    /// An earlier attempt to make the staging directory failed.
    #[error("there is no place to make packages in")]
    Gone,
    #[error(transparent)]
    File(#[from] FsError),
    /// Ctrl-C while another run was waited for.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

/// The vendored directory, locked against other runs.
#[derive(Debug)]
pub struct TargetLock {
    target: PathBuf,
    /// The locked directory above. `None` if that does not exist yet, or if the system cannot lock directories.
    lock: Option<File>,
}

impl TargetLock {
    /// Waits for other runs, and removes what killed ones left. `target` must be absolute.
    ///
    /// # Errors
    /// [`StageError::NoName`], Ctrl-C, or what a killed run left cannot be removed.
    pub fn take(target: &Path, shell: &Shell) -> Result<Self, StageError> {
        if target.file_name().is_none() {
            return Err(StageError::NoName(target.to_owned()));
        }
        let lock = lock(directory_of(target), shell)?;
        clear_remains(target, shell)?;
        Ok(Self { target: target.to_owned(), lock })
    }

    /// Examines whether the directory may be changed. Nothing is changed.
    ///
    /// # Errors
    /// It must not be changed.
    pub fn examine(&self, standing: &UnchangedPackages) -> Result<ExistingTarget, StageError> {
        let existing = foreign_files::examine(&self.target, standing)?;
        for directory in [self.target.as_path(), directory_of(&self.target)] {
            // Root could write it, but its owner does not want that.
            if fs::metadata(directory).is_ok_and(|found| found.permissions().readonly()) {
                return Err(StageError::ReadOnly(directory.to_owned()));
            }
        }
        Ok(existing)
    }
}

/// The stage. What is in it is removed when the value is dropped.
#[derive(Debug)]
pub struct Stage {
    target: PathBuf,
    directory: PathBuf,
    existing: ExistingTarget,
    /// Directories above the target that were made for it, the deepest first. They are removed if they stay empty.
    made: Vec<PathBuf>,
    /// Held until the end of the run.
    _lock: Option<File>,
}

const NEW: &str = "new";
const OLD: &str = "old";
const GONE: &str = "gone";

impl Stage {
    /// Makes the stage for a target that was examined.
    ///
    /// # Errors
    /// It cannot be made. Nothing is changed.
    pub fn begin(hold: TargetLock, existing: ExistingTarget, shell: &Shell) -> Result<Self, StageError> {
        let TargetLock { target, lock: held } = hold;
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

    /// The directory in which packages are made.
    pub fn tree(&self) -> PathBuf {
        self.directory.join(NEW)
    }

    /// Replaces the target by the new tree, all at once.
    ///
    /// # Errors
    /// They cannot be exchanged. The target is as before.
    pub fn swap(self) -> Result<(), StageError> {
        self.carry_over()?;
        let tree = self.tree();
        match self.existing {
            ExistingTarget::Missing => swap::rename(&tree, &self.target)?,
            ExistingTarget::There { .. } => {
                if !swap::exchange(&tree, &self.target)? {
                    self.rename_twice()?;
                }
            }
        }
        Ok(())
    }

    /// Moves the packages at the paths `put` into the target, then those at `gone` out of it.
    ///
    /// # Errors
    /// A move failed, and those before it were undone.
    pub fn move_packages(self, put: &[&str], gone: &[&str]) -> Result<(), StageError> {
        swap::move_packages(&self.tree(), &self.target, &self.directory.join(GONE), put, gone)?;
        Ok(())
    }

    /// Keeps the dot files at the top (`.gitattributes`, `.gitignore`), which belong to the user, as `cargo vendor` does.
    fn carry_over(&self) -> Result<(), FsError> {
        let ExistingTarget::There { keep, .. } = &self.existing else { return Ok(()) };
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
        // It may hold the only copy of the user's directory.
        if self.directory.join(OLD).exists() && !self.target.exists() {
            return;
        }
        if let Err(error) = remove_dir_all(&self.directory) {
            Shell::last_resort(&format!("{error}: {}", error.source));
        }
        for directory in &self.made {
            // Usually the target is in it, and it is not removed.
            let _ = fs::remove_dir(directory);
        }
    }
}

/// Waits until no other run works in the directory. Does nothing if the system cannot lock directories.
fn lock(above: &Path, shell: &Shell) -> Result<Option<File>, Interrupted> {
    let Ok(file) = File::open(above) else { return Ok(None) };
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(fs::TryLockError::WouldBlock) => {
            shell.status("Blocking", "waiting for another `cargo nsvendor` in this directory");
            loop {
                // Until then, what is beside the target belongs to the other run.
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

/// Repairs and removes what killed runs left. No other run is alive while the lock is held.
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

/// The stages beside `target`.
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

/// Whether a directory with the name of a stage is one.
fn holds_stages_only(directory: &Path) -> bool {
    let ours = |name: &std::ffi::OsStr| [NEW, OLD, GONE].iter().any(|known| name == *known);
    fs::read_dir(directory)
        .is_ok_and(|mut entries| entries.all(|entry| entry.is_ok_and(|entry| ours(&entry.file_name()))))
}
