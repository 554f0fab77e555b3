//! The directory of a development registry: marked, and never shared with a registry that others rely on.

use std::path::Path;

use cargo_namespaces::discovery::DevRegistry;
use cargo_namespaces_net::fs::{self, FsError};

/// Marks the directory of a development registry, and holds its URL.
const MARKER: &str = "development";
/// Keeps what is in the directory, keys among it, out of a repository that it lies in.
const IGNORED: &str = ".gitignore";
/// What a registry that is none for development has made in its directory.
const OTHERS: [&str; 2] = ["registry.key", "registry.db"];

/// The directory is another registry's.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// It cannot be read or written.
    #[error(transparent)]
    File(#[from] FsError),
    /// A registry was told to serve what was tried out.
    #[error("`{0}` is the directory of a development registry")]
    Development(String),
    /// A development registry was told to use what others rely on.
    #[error("`{0}` is the directory of a registry that is not for development")]
    Real(String),
    /// It holds what is none of a registry's.
    #[error("`{0}` is not empty, and is not the directory of a development registry")]
    NotEmpty(String),
    /// The port is part of the identity of every crate in it.
    #[error("the crates in `{directory}` belong to {url}, and not to {asked}")]
    OtherUrl {
        directory: String,
        url: String,
        /// What it was to be.
        asked: String,
    },
}

impl DirectoryError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::File(error) => error.hint().map(str::to_owned),
            Self::Development(directory) => Some(format!(
                "serve it with `--dev --data {directory}`, or give this registry a directory of its own by `--data`"
            )),
            Self::Real(_) => {
                Some("choose another directory by `--data`, which need not be there yet".to_owned())
            }
            Self::NotEmpty(_) => Some(
                "the registry keeps keys and packages in its directory, and hides all of it from version control: name one by \
                 `--data` that is not there yet"
                    .to_owned(),
            ),
            Self::OtherUrl { url, .. } => {
                let port = url.rsplit(':').next().unwrap_or_default();
                Some(format!(
                    "start it with `--listen 127.0.0.1:{port}`, if it is not running there already; for a second registry, name a \
                     directory of its own, too, by `--data`"
                ))
            }
        }
    }
}

/// Sees to it that the directory is of this kind of registry; marks a new one.
///
/// # Errors
/// It is of the other kind, or cannot be used.
pub fn claim_directory(data: &Path, dev: Option<DevRegistry>) -> Result<(), DirectoryError> {
    let marker = data.join(MARKER);
    let shown = || data.display().to_string();
    let marked = fs::read_to_string_if_exists(&marker)?.map(|url| url.trim().to_owned());
    match (marked, dev) {
        (None, None) => Ok(()),
        (Some(_), None) => Err(DirectoryError::Development(shown())),
        (Some(url), Some(dev)) if url == dev.url() => Ok(()),
        (Some(url), Some(dev)) => Err(DirectoryError::OtherUrl { directory: shown(), url, asked: dev.url() }),
        (None, Some(_)) if OTHERS.iter().any(|name| data.join(name).exists()) => {
            Err(DirectoryError::Real(shown()))
        }
        (None, Some(_)) if !is_empty(data)? => Err(DirectoryError::NotEmpty(shown())),
        (None, Some(dev)) => {
            fs::write_atomic(&marker, format!("{dev}\n").as_bytes())?;
            Ok(fs::write_atomic(&data.join(IGNORED), b"*\n")?)
        }
    }
}

/// Whether nothing is in a directory, hidden or not.
fn is_empty(directory: &Path) -> Result<bool, FsError> {
    let entries = std::fs::read_dir(directory);
    let mut entries =
        entries.map_err(|source| FsError { action: "read", path: directory.to_owned(), source })?;
    Ok(entries.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_of_one_kind_of_registry() {
        let directory = tempfile::tempdir().unwrap();
        let (tried, real) = (directory.path().join("tried"), directory.path().join("real"));
        std::fs::create_dir(&tried).unwrap();
        let dev = DevRegistry::at(7979);
        claim_directory(&tried, dev).unwrap();
        claim_directory(&tried, dev).unwrap();
        assert!(matches!(claim_directory(&tried, None), Err(DirectoryError::Development(_))));
        let moved = claim_directory(&tried, DevRegistry::at(7980)).unwrap_err();
        assert!(moved.hint().unwrap().contains("--listen 127.0.0.1:7979"), "{moved}");
        std::fs::create_dir(&real).unwrap();
        claim_directory(&real, None).unwrap();
        fs::write_atomic(&real.join("registry.db"), b"").unwrap();
        assert!(matches!(claim_directory(&real, dev), Err(DirectoryError::Real(_))));
        claim_directory(&real, None).unwrap();
    }

    #[test]
    fn a_directory_that_holds_anything_else_stays_as_it_is() {
        for file in [".gitignore", ".git", "notes"] {
            let directory = tempfile::tempdir().unwrap();
            fs::write_atomic(&directory.path().join(file), b"mine\n").unwrap();
            let refused = claim_directory(directory.path(), DevRegistry::at(7979)).unwrap_err();
            assert!(refused.hint().unwrap().contains("that is not there yet"), "{refused}");
            assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "{file}");
            assert_eq!(std::fs::read_to_string(directory.path().join(file)).unwrap(), "mine\n");
        }
    }
}
