//! Renaming directories in one step. The disk is not synced: syncing takes longer than writing, and what is vendored can be vendored
//! again.

use std::fs;
use std::path::{Path, PathBuf};

use cargo_namespaces_net::fs::{FsError, create_dir_all, directory_of, rename_atomic};

/// A move that was made, and is undone if a later one fails.
enum Move {
    /// From where, and to where.
    Renamed(PathBuf, PathBuf),
    Exchanged(PathBuf, PathBuf),
}

/// Moves the packages `put` from `new` into `target`. Those that they replace, and those that are `gone`, are moved to `away`.
///
/// # Errors
/// A move failed. Those before it were undone, as far as possible.
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
            // If one cannot be undone, the others still are.
            let _ = match step {
                Move::Renamed(from, to) => rename(&to, &from),
                Move::Exchanged(one, other) => exchange(&one, &other).map(|_| ()),
            };
        }
        return moved;
    }
    for path in gone {
        // Removes the directory of a source without packages. Others are not empty, and stay.
        for above in Path::new(path).ancestors().skip(1).filter(|above| !above.as_os_str().is_empty()) {
            let _ = fs::remove_dir(target.join(above));
        }
    }
    Ok(())
}

fn move_all(
    made: &mut Vec<Move>,
    new: &Path,
    target: &Path,
    away: &Path,
    put: &[&str],
    gone: &[&str],
) -> Result<(), FsError> {
    let mut aside = 0_usize;
    let mut take_out = |made: &mut Vec<Move>, from: &Path| {
        create_dir_all(away)?;
        let to = away.join(aside.to_string());
        aside += 1;
        rename(from, &to)?;
        made.push(Move::Renamed(from.to_owned(), to));
        Ok::<(), FsError>(())
    };
    for path in put {
        let (from, to) = (new.join(path), target.join(path));
        if fs::symlink_metadata(&to).is_ok() {
            if exchange(&from, &to)? {
                made.push(Move::Exchanged(from, to));
                continue;
            }
            take_out(made, &to)?;
        }
        create_dir_all(directory_of(&to))?;
        rename(&from, &to)?;
        made.push(Move::Renamed(from, to));
    }
    gone.iter().try_for_each(|path| take_out(made, &target.join(path)))
}

/// Exchanges two directories in one step. Returns false if the system or the file system cannot do that.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "macos"))]
pub fn exchange(one: &Path, other: &Path) -> Result<bool, FsError> {
    rename_with(one, other, rustix::fs::RenameFlags::EXCHANGE)
}

/// Renames a directory. Whatever appeared at `to` meanwhile is not replaced.
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
