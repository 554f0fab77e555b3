//! Temporary directories, and links in them.

use std::io;
use std::path::Path;

use cargo_namespaces_cli::settings::Settings;
use cargo_namespaces_net::fs::{FsError, create_dir_all};
use tempfile::TempDir;

const PREFIX: &str = "cargo-nsvendor-";

/// An empty directory in the system's temporary one, removed with the value.
pub fn directory() -> Result<TempDir, FsError> {
    let above = std::env::temp_dir();
    let made = tempfile::Builder::new().prefix(PREFIX).tempdir_in(&above);
    made.map_err(|source| FsError { action: "create a directory in", path: above, source })
}

/// A directory for hundreds of links. On a file system from which many files were removed, making them takes longer than Cargo's
/// answer. So it lies where packages are cached, which has to be fast anyway, if that can be written to and named to Cargo.
pub fn directory_for_links(settings: &Settings) -> Result<TempDir, FsError> {
    let cache = settings.cache();
    if cache.to_str().is_some()
        && create_dir_all(&cache).is_ok()
        && let Ok(made) = tempfile::Builder::new().prefix(PREFIX).tempdir_in(&cache)
    {
        return Ok(made);
    }
    directory()
}

/// Makes a link at `at` to a file or a directory.
///
/// # Errors
/// It cannot be made: not every system lets everybody make links.
#[cfg(unix)]
pub fn link(to: &Path, at: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(to, at)
}

#[cfg(windows)]
pub fn link(to: &Path, at: &Path) -> io::Result<()> {
    use std::os::windows::fs::{symlink_dir, symlink_file};
    if to.is_dir() { symlink_dir(to, at) } else { symlink_file(to, at) }
}

#[cfg(not(any(unix, windows)))]
pub fn link(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
