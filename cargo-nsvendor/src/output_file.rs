//! A single file that is written beside the vendored directory. It replaces only a file of its own kind, and if it is not written,
//! no directory is left that was made for it.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use cargo_namespaces_net::fs::{FsError, create_dir_all};

use crate::paths::lexically_normal;
use crate::project::Project;

/// How many bytes of a file are read to recognise its kind.
const HEAD: usize = 64 * 1024;

/// Why a file must not be written.
#[derive(Debug, thiserror::Error)]
pub enum OutputFileError {
    /// The next run would take it for a file that does not belong there.
    #[error("`{}` lies in the vendored directory", .0.display())]
    InTarget(PathBuf),
    #[error("`{}` already exists, and is no {kind}", path.display())]
    Occupied {
        path: PathBuf,
        /// What was to be written.
        kind: &'static str,
    },
    #[error(transparent)]
    File(#[from] FsError),
}

/// Whether a file of this `kind` may be written to `path`. `is_one` recognises such a file by its first bytes.
///
/// # Errors
/// It may not, or an existing file cannot be read.
pub fn require_writable(
    project: &Project,
    path: &Path,
    kind: &'static str,
    is_one: fn(&[u8]) -> bool,
) -> Result<(), OutputFileError> {
    if lexically_normal(path).starts_with(&project.target) {
        return Err(OutputFileError::InTarget(path.to_owned()));
    }
    let Ok(found) = fs::metadata(path) else { return Ok(()) };
    let head = if found.is_file() { head_of(path)? } else { vec![0] };
    if head.is_empty() || (found.is_file() && is_one(&head)) {
        return Ok(());
    }
    Err(OutputFileError::Occupied { path: path.to_owned(), kind })
}

fn head_of(path: &Path) -> Result<Vec<u8>, FsError> {
    let failed = |source| FsError { action: "read", path: path.to_owned(), source };
    let mut head = Vec::new();
    let file = fs::File::open(path).map_err(failed)?;
    file.take(HEAD as u64).read_to_end(&mut head).map_err(failed)?;
    Ok(head)
}

/// Directories that were made for a file. They are removed if the file is not written.
#[derive(Debug)]
pub struct NewDirectories(Vec<PathBuf>);

impl NewDirectories {
    /// Makes `directory` and what is missing above it.
    pub fn make(directory: &Path) -> Result<Self, FsError> {
        let missing = directory.ancestors().take_while(|above| !above.exists());
        let made = Self(missing.map(Path::to_owned).collect());
        create_dir_all(directory)?;
        Ok(made)
    }

    /// The file was made.
    pub fn keep(mut self) {
        self.0.clear();
    }
}

impl Drop for NewDirectories {
    fn drop(&mut self) {
        for directory in &self.0 {
            // This fails if it is not empty: another program has put something into it.
            let _ = fs::remove_dir(directory);
        }
    }
}
