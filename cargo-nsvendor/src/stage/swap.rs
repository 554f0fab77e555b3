//! Renaming directories in one step, without waiting for the disk: what is vendored can be vendored again, and syncing
//! it takes longer than writing it.

use std::fs;
use std::path::{Path, PathBuf};

use cargo_namespaces_net::fs::{FsError, create_dir_all, directory_of, rename_atomic};

/// A move that was made, to be undone when a later one fails.
enum Made {
    /// From, to.
    Renamed(PathBuf, PathBuf),
    Exchanged(PathBuf, PathBuf),
}

/// Moves packages from `new` into `target`, those that they replace and those that are `gone` out into `away`.
///
/// # Errors
/// A move failed; those before it were undone, as far as the system lets them.
pub fn move_packages(
    new: &Path,
    target: &Path,
    away: &Path,
    put: &[&str],
    gone: &[&str],
) -> Result<(), FsError> {
    let mut made = Vec::new();
    let moved = move_all(&mut made, new, target, away, put, gone);
    if moved.is_err() {
        for step in made.into_iter().rev() {
            // Nothing better is left to do than to go on with the others.
            let _ = match step {
                Made::Renamed(from, to) => rename(&to, &from),
                Made::Exchanged(one, other) => exchange(&one, &other).map(|_| ()),
            };
        }
        return moved;
    }
    for path in gone {
        // A source of which nothing is left. Others are not empty, and stay.
        for above in Path::new(path).ancestors().skip(1).filter(|above| !above.as_os_str().is_empty()) {
            let _ = fs::remove_dir(target.join(above));
        }
    }
    Ok(())
}

fn move_all(
    made: &mut Vec<Made>,
    new: &Path,
    target: &Path,
    away: &Path,
    put: &[&str],
    gone: &[&str],
) -> Result<(), FsError> {
    let mut aside = 0_usize;
    let mut take_out = |made: &mut Vec<Made>, from: &Path| {
        create_dir_all(away)?;
        let to = away.join(aside.to_string());
        aside += 1;
        rename(from, &to)?;
        made.push(Made::Renamed(from.to_owned(), to));
        Ok::<(), FsError>(())
    };
    for path in put {
        let (from, to) = (new.join(path), target.join(path));
        if fs::symlink_metadata(&to).is_ok() {
            if exchange(&from, &to)? {
                made.push(Made::Exchanged(from, to));
                continue;
            }
            take_out(made, &to)?;
        }
        create_dir_all(directory_of(&to))?;
        rename(&from, &to)?;
        made.push(Made::Renamed(from, to));
    }
    gone.iter().try_for_each(|path| take_out(made, &target.join(path)))
}

/// Exchanges two directories in one step. False where the system or the file system cannot.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "macos"))]
pub fn exchange(one: &Path, other: &Path) -> Result<bool, FsError> {
    rename_with(one, other, rustix::fs::RenameFlags::EXCHANGE)
}

/// Renames a directory to where nothing may be: what came there meanwhile is not replaced.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "macos"))]
pub fn rename(from: &Path, to: &Path) -> Result<(), FsError> {
    if rename_with(from, to, rustix::fs::RenameFlags::NOREPLACE)? { Ok(()) } else { rename_atomic(from, to) }
}

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
pub fn exchange(_: &Path, _: &Path) -> Result<bool, FsError> {
    Ok(false)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "macos")))]
pub fn rename(from: &Path, to: &Path) -> Result<(), FsError> {
    rename_atomic(from, to)
}
