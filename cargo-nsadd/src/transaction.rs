//! Changes all files of the project or none: they are restored unless the run succeeds. A dry run does the same work and
//! restores the files in any case, so it prints what a run does.

use std::path::{Path, PathBuf};

use cargo_namespaces_cli::interrupt;
use cargo_namespaces_cli::shell::{CliError, ExitCode, Shell};
use cargo_namespaces_cli::snapshot::Snapshot;
use cargo_namespaces_net::fs::{self, FsError};

/// Does `work`, which may change `files`. On an error, a panic or Ctrl-C, and after a dry run, they are as they were;
/// directories that it made for them are gone.
///
/// # Errors
/// That of the work; or a file could not be remembered or put back.
pub fn guarded<T>(
    shell: &Shell,
    files: impl IntoIterator<Item = PathBuf>,
    dry_run: bool,
    work: impl FnOnce(&GuardedWriter) -> Result<T, CliError>,
) -> Result<T, CliError> {
    let snapshot = Snapshot::take(files)?;
    let ended = work(&GuardedWriter { dry_run }).and_then(|value| {
        interrupt::check()?;
        Ok(value)
    });
    match ended {
        Ok(value) if dry_run => match snapshot.restore() {
            Ok(()) => Ok(value),
            Err(failed) => Err(not_put_back(
                CliError::new(ExitCode::Failure, "the dry run could not undo its changes"),
                &failed,
            )),
        },
        Ok(value) => {
            snapshot.commit();
            Ok(value)
        }
        Err(error) => match snapshot.restore() {
            Ok(()) => {
                shell.note("nothing was changed: every file of the project is as it was before");
                Err(error)
            }
            Err(failed) => Err(not_put_back(error, &failed)),
        },
    }
}

fn not_put_back(error: CliError, failed: &[FsError]) -> CliError {
    let failed: Vec<String> = failed.iter().map(|error| format!("{error}: {}", error.source)).collect();
    error.because(format!("failed to restore these files:\n{}", failed.join("\n")))
}

/// The permission to change files: only inside of [`guarded`].
#[derive(Debug)]
pub struct GuardedWriter {
    /// Whether they are put back at the end, though all went well.
    pub dry_run: bool,
}

impl GuardedWriter {
    /// Writes a file, if it says something new. True when it did.
    ///
    /// # Errors
    /// It cannot be written.
    #[expect(clippy::unused_self, reason = "having one proves that the file will be put back")]
    pub fn write(&self, path: &Path, text: &str) -> Result<bool, CliError> {
        Ok(fs::write_if_changed(path, text.as_bytes())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cargo_namespaces_cli::shell::ShellOptions;

    #[test]
    fn an_error_undoes_what_was_written() {
        let directory = tempfile::tempdir().unwrap();
        let shell = Shell::captured(ShellOptions::default());
        let (old, new) = (directory.path().join("old"), directory.path().join("new/x"));
        fs::write_atomic(&old, b"before").unwrap();
        let files = [old.clone(), new.clone()];
        let ended: Result<(), CliError> = guarded(&shell, files.clone(), false, |changes| {
            assert!(changes.write(&old, "after")? && changes.write(&new, "made")?);
            Err(CliError::new(ExitCode::Refused, "no"))
        });
        assert_eq!(ended.unwrap_err().exit(), ExitCode::Refused);
        assert_eq!(fs::read(&old).unwrap(), b"before");
        assert!(!directory.path().join("new").exists());
        let before = std::fs::metadata(&old).unwrap().modified().unwrap();
        let dry = guarded(&shell, files.clone(), true, |changes| {
            changes.write(&old, "after")?;
            changes.write(&new, "made")
        });
        assert!(dry.unwrap() && !directory.path().join("new").exists());
        assert_eq!(fs::read(&old).unwrap(), b"before");
        assert_eq!(std::fs::metadata(&old).unwrap().modified().unwrap(), before);
        guarded(&shell, files, false, |changes| changes.write(&new, "made")).unwrap();
        assert_eq!(fs::read(&new).unwrap(), b"made");
    }
}
