//! Where a new tree grows, and how it takes the old one's place.
//!
//! ```text
//! project/vendor/                       the vendored directory
//! project/.vendor.nsvendor-x7Gh2k/new/  the tree that is being made, on the same file system
//! project/.vendor.nsvendor-x7Gh2k/old/  the former one, where the system cannot exchange two directories at once
//! ```
//!
//! Killed at any moment, the old directory or the new one stands: on Linux and macOS one system call exchanges the two.
//! Elsewhere two renames do, and the next run finishes what a killed one began. It also removes what a killed
//! one left. Two runs do not meet: the directory above is locked for as long as a run works in it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use cargo_namespaces::fs::{FsError, create_dir_all, directory_of, remove_dir_all, rename_atomic};
use cargo_namespaces::interrupt;
use cargo_namespaces::shell::Shell;

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
}

/// A tree in the making; what it wrote is removed when it is dropped.
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

/// Looks whether `target` may be replaced, and changes nothing.
///
/// # Errors
/// As [`Stage::begin`].
pub fn check(target: &Path) -> Result<Existing, StageError> {
    if target.file_name().is_none() {
        return Err(StageError::NoName(target.to_owned()));
    }
    let existing = ours::examine(target)?;
    let above = directory_of(target);
    for directory in [target, above] {
        // A mode without write permission is the owner's wish, also where the system would let root write.
        if fs::metadata(directory).is_ok_and(|found| found.permissions().readonly()) {
            return Err(StageError::ReadOnly(directory.to_owned()));
        }
    }
    Ok(existing)
}

impl Stage {
    /// Prepares to replace `target`, an absolute path: clears what killed runs left, looks whether it may be replaced,
    /// and makes the staging directory.
    ///
    /// # Errors
    /// [`StageError`]; nothing is then changed, but for the remains of a killed run.
    pub fn begin(target: &Path, shell: &Shell) -> Result<Self, StageError> {
        check(target)?;
        let above = directory_of(target);
        let made = above.ancestors().take_while(|above| !above.exists()).map(Path::to_owned).collect();
        create_dir_all(above)?;
        let lock = lock(above, shell);
        clear_remains(target, shell)?;
        let existing = check(target)?;
        let directory = tempfile::Builder::new()
            .prefix(&prefix(target))
            .tempdir_in(above)
            .map_err(|source| FsError { action: "create a directory in", path: above.to_owned(), source })?
            .keep();
        let stage = Self { target: target.to_owned(), directory, existing, made, _lock: lock };
        create_dir_all(&stage.tree())?;
        Ok(stage)
    }

    /// The tree in the making.
    pub fn tree(&self) -> PathBuf {
        self.directory.join(NEW)
    }

    /// Puts the new tree in the old one's place and removes the old one.
    ///
    /// # Errors
    /// The exchange failed; the old tree stands.
    pub fn commit(self) -> Result<(), StageError> {
        self.carry_over()?;
        let tree = self.tree();
        match self.existing {
            Existing::Missing => {
                if !place(&tree, &self.target)? {
                    rename_atomic(&tree, &self.target)?;
                }
            }
            Existing::There { .. } => {
                if !exchange(&tree, &self.target)? {
                    self.rename_twice()?;
                }
            }
        }
        Ok(())
    }

    /// Dot files at the top (`.gitattributes`, `.gitignore`) are the user's, as with `cargo vendor`.
    fn carry_over(&self) -> Result<(), FsError> {
        let Existing::There { keep } = &self.existing else { return Ok(()) };
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
fn lock(above: &Path, shell: &Shell) -> Option<File> {
    let file = File::open(above).ok()?;
    match file.try_lock() {
        Ok(()) => Some(file),
        Err(fs::TryLockError::WouldBlock) => {
            shell.status("Blocking", "waiting for another `cargo nsvendor` in this directory");
            while !interrupt::is_set() {
                std::thread::sleep(std::time::Duration::from_millis(50));
                if file.try_lock().is_ok() {
                    break;
                }
            }
            Some(file)
        }
        Err(fs::TryLockError::Error(_)) => None,
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
    fs::read_dir(directory).is_ok_and(|mut entries| {
        entries.all(|entry| entry.is_ok_and(|entry| entry.file_name() == NEW || entry.file_name() == OLD))
    })
}

/// Exchanges two directories in one step. False where the system or the file system cannot.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "macos"))]
fn exchange(one: &Path, other: &Path) -> Result<bool, FsError> {
    rename_with(one, other, rustix::fs::RenameFlags::EXCHANGE)
}

/// Renames a directory to where nothing may be: what came there meanwhile is not replaced. False as with [`exchange`].
#[cfg(any(target_os = "linux", target_os = "android", target_os = "macos"))]
fn place(from: &Path, to: &Path) -> Result<bool, FsError> {
    rename_with(from, to, rustix::fs::RenameFlags::NOREPLACE)
}

/// Without waiting for the disk: what is vendored can be vendored again, and syncing it takes longer than writing it.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "macos"))]
fn rename_with(from: &Path, to: &Path, flags: rustix::fs::RenameFlags) -> Result<bool, FsError> {
    use rustix::fs::{CWD, renameat_with};
    use rustix::io::Errno;
    match renameat_with(CWD, from, CWD, to, flags) {
        Ok(()) => Ok(true),
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::XDEV) => Ok(false),
        Err(error) => {
            Err(FsError { action: "replace", path: to.to_owned(), source: std::io::Error::from(error) })
        }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "macos")))]
fn exchange(_: &Path, _: &Path) -> Result<bool, FsError> {
    Ok(false)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "macos")))]
fn place(_: &Path, _: &Path) -> Result<bool, FsError> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::{CHECKSUMS, Checksums};
    use cargo_namespaces::digest::Digest;
    use cargo_namespaces::fs::write_atomic;
    use cargo_namespaces::shell::ShellOptions;

    fn shell() -> Shell {
        Shell::captured(ShellOptions::default())
    }

    fn package(directory: &Path, content: &str) {
        let mut checksums = Checksums::default();
        checksums.files.insert("x".to_owned(), Digest::of(content.as_bytes()));
        write_atomic(&directory.join("x"), content.as_bytes()).unwrap();
        write_atomic(&directory.join(CHECKSUMS), checksums.to_json().as_bytes()).unwrap();
    }

    fn entries(directory: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(directory).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn read(path: &Path) -> String {
        fs::read_to_string(path).unwrap()
    }

    #[test]
    fn the_new_tree_replaces_the_old_one_and_leaves_nothing() {
        let home = tempfile::tempdir().unwrap();
        let target = home.path().join("vendor");
        for round in ["one", "two"] {
            let stage = Stage::begin(&target, &shell()).unwrap();
            package(&stage.tree().join("crates.io/a-1.0.0"), round);
            stage.commit().unwrap();
            assert_eq!(read(&target.join("crates.io/a-1.0.0/x")), round);
            assert_eq!(entries(home.path()), ["vendor"]);
        }
    }

    #[test]
    fn without_commit_everything_is_as_before() {
        let home = tempfile::tempdir().unwrap();
        let target = home.path().join("vendor");
        package(&target.join("a-1.0.0"), "old");
        let stage = Stage::begin(&target, &shell()).unwrap();
        package(&stage.tree().join("a-1.0.0"), "new");
        drop(stage);
        assert_eq!(read(&target.join("a-1.0.0/x")), "old");
        assert_eq!(entries(home.path()), ["vendor"]);
    }

    #[test]
    fn directories_above_are_made_and_removed_again() {
        let home = tempfile::tempdir().unwrap();
        let target = home.path().join("third/party/vendor");
        drop(Stage::begin(&target, &shell()).unwrap());
        assert_eq!(entries(home.path()), Vec::<String>::new());
        let stage = Stage::begin(&target, &shell()).unwrap();
        package(&stage.tree().join("a-1.0.0"), "new");
        stage.commit().unwrap();
        assert_eq!(read(&target.join("a-1.0.0/x")), "new");
    }

    #[test]
    fn two_renames_do_as_well() {
        let home = tempfile::tempdir().unwrap();
        let target = home.path().join("vendor");
        package(&target.join("a-1.0.0"), "old");
        let stage = Stage::begin(&target, &shell()).unwrap();
        package(&stage.tree().join("a-1.0.0"), "new");
        stage.rename_twice().unwrap();
        drop(stage);
        assert_eq!(read(&target.join("a-1.0.0/x")), "new");
        assert_eq!(entries(home.path()), ["vendor"]);
    }

    #[test]
    fn a_run_killed_between_two_renames_is_finished_backwards() {
        let home = tempfile::tempdir().unwrap();
        let target = home.path().join("vendor");
        package(&home.path().join(".vendor.nsvendor-abc123/old/a-1.0.0"), "old");
        package(&home.path().join(".vendor.nsvendor-abc123/new/a-1.0.0"), "half");
        drop(Stage::begin(&target, &shell()).unwrap());
        assert_eq!(read(&target.join("a-1.0.0/x")), "old");
        assert_eq!(entries(home.path()), ["vendor"]);
    }

    #[test]
    fn only_our_own_remains_are_removed() {
        let home = tempfile::tempdir().unwrap();
        let theirs =
            [".other.nsvendor-abc123/new", ".vendor.nsvendor-abc12/new", ".vendor.nsvendor-backup/vendor"];
        for path in theirs.iter().chain(&[".vendor.nsvendor-abc123/new/a"]) {
            fs::create_dir_all(home.path().join(path)).unwrap();
        }
        drop(Stage::begin(&home.path().join("vendor"), &shell()).unwrap());
        let kept = [".other.nsvendor-abc123", ".vendor.nsvendor-abc12", ".vendor.nsvendor-backup"];
        assert_eq!(entries(home.path()), kept);
    }

    #[test]
    fn dot_files_at_the_top_are_kept() {
        let home = tempfile::tempdir().unwrap();
        let target = home.path().join("vendor");
        package(&target.join("a-1.0.0"), "old");
        write_atomic(&target.join(".gitattributes"), b"* -text\n").unwrap();
        let stage = Stage::begin(&target, &shell()).unwrap();
        package(&stage.tree().join("a-1.0.0"), "new");
        stage.commit().unwrap();
        assert_eq!(read(&target.join(".gitattributes")), "* -text\n");
    }

    #[cfg(unix)]
    #[test]
    fn a_write_protected_directory_is_left_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        let target = home.path().join("vendor");
        package(&target.join("a-1.0.0"), "old");
        fs::set_permissions(&target, fs::Permissions::from_mode(0o555)).unwrap();
        assert!(matches!(Stage::begin(&target, &shell()), Err(StageError::ReadOnly(path)) if path == target));
        fs::set_permissions(&target, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(read(&target.join("a-1.0.0/x")), "old");
    }
}
