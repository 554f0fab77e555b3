//! Where a single file is made: never in the place of somebody else's, and without a trace when it is not made.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use cargo_namespaces_cli::shell::{CliError, ExitCode};
use cargo_namespaces_net::fs::{FsError, create_dir_all};

use crate::project::{Project, plain};

/// Enough of a file to know it by.
const HEAD: usize = 64 * 1024;

/// Refuses to write `what` to `path`: in the vendored directory it would be nobody's in the next run, and what is there already
/// is left alone unless it `is_one`, by its first bytes.
///
/// # Errors
/// Refused.
pub fn refuse(project: &Project, path: &Path, what: &str, is_one: fn(&[u8]) -> bool) -> Result<(), CliError> {
    if plain(path).starts_with(&project.target) {
        let message = format!("`{}` lies in the vendored directory", path.display());
        return Err(CliError::usage(message).hint("name a file beside it"));
    }
    let Ok(found) = fs::metadata(path) else { return Ok(()) };
    let head = if found.is_file() { head_of(path)? } else { vec![0] };
    if head.is_empty() || (found.is_file() && is_one(&head)) {
        return Ok(());
    }
    let message = format!("`{}` is there already, and is no {what}", path.display());
    Err(CliError::new(ExitCode::Failure, message).hint("move it away, or name another file"))
}

fn head_of(path: &Path) -> Result<Vec<u8>, FsError> {
    let failed = |source| FsError { action: "read", path: path.to_owned(), source };
    let mut head = Vec::new();
    let file = fs::File::open(path).map_err(failed)?;
    file.take(HEAD as u64).read_to_end(&mut head).map_err(failed)?;
    Ok(head)
}

/// Directories that were made for a file, and go again if it is not made.
#[derive(Debug)]
pub struct Directories(Vec<PathBuf>);

impl Directories {
    /// Makes `directory` and what is missing above it.
    ///
    /// # Errors
    /// One cannot be made.
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

impl Drop for Directories {
    fn drop(&mut self) {
        for directory in &self.0 {
            // Not where somebody else has put something into it meanwhile.
            let _ = fs::remove_dir(directory);
        }
    }
}
