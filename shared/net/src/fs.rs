//! Files, written so that nobody ever sees half of one.
//!
//! A write goes to a temporary file in the same directory, is synced, and is renamed over its target; then the
//! directory is synced. A target that is a symbolic link is written through to what the link names, as Cargo does. An
//! existing file keeps its permission bits.

#![expect(clippy::disallowed_methods, reason = "this module is the wrapper that the others must use")]

mod clean;

use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

pub use clean::clean;

/// A file operation that failed: what was tried, on what, why.
#[derive(Debug, thiserror::Error)]
#[error("failed to {action} `{}`", path.display())]
pub struct FsError {
    /// What was tried: "read", "write", ….
    pub action: &'static str,
    /// On which path.
    pub path: PathBuf,
    /// What the system answered.
    #[source]
    pub source: io::Error,
}

impl FsError {
    /// From the system's answer to `action` on `path`, for `map_err`.
    pub fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self { action, path, source }
    }

    /// True when the file or directory is not there.
    pub fn is_not_found(&self) -> bool {
        self.source.kind() == ErrorKind::NotFound
    }

    /// What the user can do about it, where that is known.
    pub fn hint(&self) -> Option<&'static str> {
        match self.source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                Some("the disk is full: make room and run the command again")
            }
            ErrorKind::ReadOnlyFilesystem => {
                Some("the file system is mounted read-only: write somewhere else, or remount it")
            }
            ErrorKind::PermissionDenied => {
                Some("check who owns the file and its directory, and their permissions")
            }
            _ => None,
        }
    }
}

/// The whole file.
///
/// # Errors
/// The file is missing or cannot be read.
pub fn read(path: &Path) -> Result<Vec<u8>, FsError> {
    fs::read(path).map_err(FsError::at("read", path))
}

/// The whole file as text.
///
/// # Errors
/// The file is missing, cannot be read, or is not UTF-8.
pub fn read_to_string(path: &Path) -> Result<String, FsError> {
    fs::read_to_string(path).map_err(FsError::at("read", path))
}

/// As [`read_to_string`]; a missing file is `None`.
///
/// # Errors
/// The file cannot be read, or is not UTF-8.
pub fn read_to_string_if_exists(path: &Path) -> Result<Option<String>, FsError> {
    if_exists(read_to_string(path))
}

/// As [`read`]; a missing file is `None`.
///
/// # Errors
/// The file cannot be read.
pub fn read_if_exists(path: &Path) -> Result<Option<Vec<u8>>, FsError> {
    if_exists(read(path))
}

fn if_exists<T>(read: Result<T, FsError>) -> Result<Option<T>, FsError> {
    match read {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Opens a lock file, making it and its directory; the caller locks it. Dropping it unlocks.
///
/// # Errors
/// It cannot be made or opened.
pub fn open_lock(path: &Path) -> Result<fs::File, FsError> {
    create_dir_all(directory_of(path))?;
    fs::File::options().create(true).truncate(false).write(true).open(path).map_err(FsError::at("open", path))
}

/// The files below a directory as paths with `/` between their parts, sorted; none when the directory is missing.
/// Symbolic links are not followed and not listed, nor are names that are not UTF-8.
///
/// # Errors
/// A directory cannot be read.
pub fn files_below(directory: &Path) -> Result<Vec<String>, FsError> {
    let mut files = Vec::new();
    let mut waiting = vec![(directory.to_owned(), String::new())];
    while let Some((directory, prefix)) = waiting.pop() {
        let entries = match fs::read_dir(&directory) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            entries => entries.map_err(FsError::at("list", &directory))?,
        };
        for entry in entries {
            let entry = entry.map_err(FsError::at("list", &directory))?;
            let kind = entry.file_type().map_err(FsError::at("list", &directory))?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if kind.is_dir() {
                waiting.push((entry.path(), format!("{prefix}{name}/")));
            } else if kind.is_file() {
                files.push(format!("{prefix}{name}"));
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Writes `path` in one step, creating its directory: readers see the old content or the new.
///
/// # Errors
/// The directory cannot be created, or the file cannot be written, synced or renamed.
pub fn write_atomic(path: &Path, content: &[u8]) -> Result<(), FsError> {
    let target = through_links(path);
    let temporary = stage(&target, content)?;
    temporary.persist(&target).map_err(|error| FsError::at("write", &target)(error.error))?;
    sync_directory_of(&target)
}

/// As [`write_atomic`] without waiting for the disk: for caches, whose readers check what they read.
///
/// # Errors
/// The directory cannot be created, or the file cannot be written or renamed.
pub fn write_cache(path: &Path, content: &[u8]) -> Result<(), FsError> {
    let directory = directory_of(path);
    create_dir_all(directory)?;
    let mut temporary = tempfile::NamedTempFile::new_in(directory).map_err(FsError::at("write", path))?;
    temporary.write_all(content).map_err(FsError::at("write", path))?;
    temporary.persist(path).map_err(|error| FsError::at("write", path)(error.error))?;
    Ok(())
}

/// As [`write_atomic`], touching nothing when the content is already there. True when it wrote.
///
/// # Errors
/// As [`write_atomic`].
pub fn write_if_changed(path: &Path, content: &[u8]) -> Result<bool, FsError> {
    if read_if_exists(path)?.as_deref() == Some(content) {
        return Ok(false);
    }
    write_atomic(path, content)?;
    Ok(true)
}

/// Writes a file that must not exist yet, in one step.
///
/// # Errors
/// As [`write_atomic`]; and `AlreadyExists` when the file is there, which is then left as it is.
pub fn create_new(path: &Path, content: &[u8]) -> Result<(), FsError> {
    let temporary = stage(path, content)?;
    temporary.persist_noclobber(path).map_err(|error| FsError::at("create", path)(error.error))?;
    sync_directory_of(path)
}

/// As [`create_new`], readable by the owner only: for secrets.
///
/// # Errors
/// As [`create_new`].
pub fn create_new_private(path: &Path, content: &[u8]) -> Result<(), FsError> {
    let directory = directory_of(path);
    create_dir_all(directory)?;
    // A temporary file is private from its first moment, and stays so.
    let mut temporary = tempfile::NamedTempFile::new_in(directory).map_err(FsError::at("write", path))?;
    fill(&mut temporary, content).map_err(FsError::at("write", path))?;
    temporary.persist_noclobber(path).map_err(|error| FsError::at("create", path)(error.error))?;
    sync_directory_of(path)
}

/// Renames a file or directory within one file system and syncs the target's directory.
///
/// # Errors
/// The rename fails.
pub fn rename_atomic(from: &Path, to: &Path) -> Result<(), FsError> {
    fs::rename(from, to).map_err(FsError::at("rename", from))?;
    sync_directory_of(to)
}

/// Creates a directory and its parents.
///
/// # Errors
/// One of them cannot be created.
pub fn create_dir_all(path: &Path) -> Result<(), FsError> {
    fs::create_dir_all(path).map_err(FsError::at("create directory", path))
}

/// Removes a file; one that is not there is removed already.
///
/// # Errors
/// The file cannot be removed.
pub fn remove_file(path: &Path) -> Result<(), FsError> {
    if_exists(fs::remove_file(path).map_err(FsError::at("remove", path))).map(|_| ())
}

/// Removes a directory with all it holds; one that is not there is removed already.
///
/// # Errors
/// Something in it cannot be removed.
pub fn remove_dir_all(path: &Path) -> Result<(), FsError> {
    if_exists(fs::remove_dir_all(path).map_err(FsError::at("remove directory", path))).map(|_| ())
}

/// The directory that holds `path`; `.` for a bare file name.
pub fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// How the names of temporary files begin.
const TEMPORARY_PREFIX: &str = ".tmp-cargo-namespaces-";

/// Removes the temporary files that a killed run left in a directory. Only where no other run may be writing.
///
/// # Errors
/// The directory cannot be listed, or a file cannot be removed.
pub fn remove_left_over(directory: &Path) -> Result<(), FsError> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(FsError::at("list", directory))?,
    };
    for entry in entries {
        let entry = entry.map_err(FsError::at("list", directory))?;
        if entry.file_name().to_string_lossy().starts_with(TEMPORARY_PREFIX) {
            remove_file(&entry.path())?;
        }
    }
    Ok(())
}

/// A temporary file beside `target` that holds `content`, synced, with the permissions that the target has or would get.
fn stage(target: &Path, content: &[u8]) -> Result<tempfile::NamedTempFile, FsError> {
    let directory = directory_of(target);
    create_dir_all(directory)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY_PREFIX).rand_bytes(12);
    let existing = fs::metadata(target).ok().map(|found| found.permissions());
    #[cfg(unix)]
    if existing.is_none() {
        use std::os::unix::fs::PermissionsExt as _;
        // The process's umask is taken off by the system.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut temporary = builder.tempfile_in(directory).map_err(FsError::at("write", target))?;
    if let Some(permissions) = existing {
        refuse_read_only(&permissions, target)?;
        temporary.as_file().set_permissions(permissions).map_err(FsError::at("write", target))?;
    }
    fill(&mut temporary, content).map_err(FsError::at("write", target))?;
    Ok(temporary)
}

/// A rename would replace a file that its owner has write-protected; a plain write would not.
fn refuse_read_only(permissions: &fs::Permissions, target: &Path) -> Result<(), FsError> {
    if permissions.readonly() {
        let refused = io::Error::new(ErrorKind::PermissionDenied, "the file is write-protected");
        return Err(FsError::at("write", target)(refused));
    }
    Ok(())
}

fn fill(temporary: &mut tempfile::NamedTempFile, content: &[u8]) -> io::Result<()> {
    temporary.write_all(content)?;
    temporary.as_file().sync_all()
}

/// Makes a rename last through a power cut. Some file systems cannot sync a directory; the rename stands all the same.
fn sync_directory_of(path: &Path) -> Result<(), FsError> {
    #[cfg(unix)]
    {
        let directory = directory_of(path);
        let opened = fs::File::open(directory).map_err(FsError::at("sync", directory))?;
        if let Err(error) = opened.sync_all()
            && error.kind() != ErrorKind::InvalidInput
            && error.kind() != ErrorKind::Unsupported
        {
            return Err(FsError::at("sync", directory)(error));
        }
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// Where a write to `path` lands when it is a symbolic link, also one that dangles.
pub fn through_links(path: &Path) -> PathBuf {
    if let Ok(resolved) = fs::canonicalize(path) {
        return resolved;
    }
    match fs::read_link(path) {
        Ok(target) => directory_of(path).join(target),
        Err(_) => path.to_owned(),
    }
}

/// Where a write to `path` would land, if symbolic links on the way lead it out of `directory`. In a stranger's clone
/// they may lead anywhere.
pub fn leads_out_of(path: &Path, directory: &Path) -> Option<PathBuf> {
    let mut target = path.to_owned();
    // A chain of links that dangles at its end; longer ones are none that a system follows.
    for _ in 0..MAX_LINKS {
        match fs::read_link(&target) {
            Ok(next) => target = directory_of(&target).join(next),
            Err(_) => break,
        }
    }
    let (above, there) = target
        .ancestors()
        .find_map(|above| Some((above, fs::canonicalize(above).ok()?)))
        .unwrap_or((&target, target.clone()));
    let landing = match target.strip_prefix(above) {
        Ok(rest) if rest != Path::new("") => there.join(rest),
        _ => there,
    };
    let inside = fs::canonicalize(directory).is_ok_and(|directory| landing.starts_with(directory));
    (!inside).then_some(landing)
}

/// As many symbolic links as Linux follows for one path.
const MAX_LINKS: usize = 40;

#[cfg(test)]
mod tests;
