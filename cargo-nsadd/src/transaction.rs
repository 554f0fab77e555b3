//! All or nothing: every file of the project is put back unless the work ended well.

use std::path::{Path, PathBuf};

use cargo_namespaces::fs::{self, Snapshot};
use cargo_namespaces::interrupt;
use cargo_namespaces::shell::{CliError, Shell};

/// Does `work`, which may change `files`. On an error, a panic or Ctrl-C they are as they were; directories that it made
/// for them are gone.
///
/// # Errors
/// That of the work; or a file could not be remembered or put back.
pub fn guarded<T>(
    shell: &Shell,
    files: impl IntoIterator<Item = PathBuf>,
    work: impl FnOnce(&Changes) -> Result<T, CliError>,
) -> Result<T, CliError> {
    let snapshot = Snapshot::take(files)?;
    let ended = work(&Changes(())).and_then(|value| {
        interrupt::check()?;
        Ok(value)
    });
    match ended {
        Ok(value) => {
            snapshot.commit();
            Ok(value)
        }
        Err(error) => match snapshot.restore() {
            Ok(()) => {
                shell.note("nothing was changed: every file of the project is as it was before");
                Err(error)
            }
            Err(failed) => {
                let failed: Vec<String> =
                    failed.iter().map(|error| format!("{error}: {}", error.source)).collect();
                Err(error.because(format!("some files could not be put back:\n{}", failed.join("\n"))))
            }
        },
    }
}

/// The permission to change files: only inside of [`guarded`].
#[derive(Debug)]
pub struct Changes(());

impl Changes {
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
    use cargo_namespaces::shell::{ExitCode, ShellOptions};

    #[test]
    fn an_error_undoes_what_was_written() {
        let directory = tempfile::tempdir().unwrap();
        let shell = Shell::captured(ShellOptions::default());
        let (old, new) = (directory.path().join("old"), directory.path().join("new/x"));
        fs::write_atomic(&old, b"before").unwrap();
        let files = [old.clone(), new.clone()];
        let ended: Result<(), CliError> = guarded(&shell, files.clone(), |changes| {
            assert!(changes.write(&old, "after")? && changes.write(&new, "made")?);
            Err(CliError::new(ExitCode::Refused, "no"))
        });
        assert_eq!(ended.unwrap_err().exit(), ExitCode::Refused);
        assert_eq!(fs::read(&old).unwrap(), b"before");
        assert!(!directory.path().join("new").exists());
        guarded(&shell, files, |changes| changes.write(&new, "made")).unwrap();
        assert_eq!(fs::read(&new).unwrap(), b"made");
    }
}
