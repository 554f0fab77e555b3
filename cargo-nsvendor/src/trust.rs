//! The keys that are trusted: those of the project's trust file, of another file, or of the trust file at another revision.
//!
//! A pull request can change the pins. So a check of it takes them from the branch that it will be merged into: `--trust
//! origin/main` reads `.cargo/namespaces.toml` as that revision has it. Nothing that the pull request can write may change the
//! meaning of this: neither a file called `origin/main`, nor a registry that it configures, nor files that git would take for
//! a repository.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::string::FromUtf8Error;

use cargo_namespaces::cargo_config::CargoConfig;
use cargo_namespaces::trust_file::{TrustFile, TrustFileError};
use cargo_namespaces_net::fs::{FsError, read_to_string, read_to_string_if_exists};

const TRUST_FILE: &str = ".cargo/namespaces.toml";

/// Why it is not known who is trusted.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    #[error(transparent)]
    File(#[from] FsError),
    /// The file that `--trust` names.
    #[error(transparent)]
    Given(FsError),
    #[error("failed to read `{origin}`")]
    Invalid {
        origin: String,
        #[source]
        source: TrustFileError,
    },
    #[error("`{revision}` is not a git revision of `{}`", root.display())]
    NoRevision { revision: String, root: PathBuf },
    #[error("failed to find the repository's directory")]
    Repository(#[source] io::Error),
    #[error("failed to run `git`")]
    Git(#[source] io::Error),
    #[error("failed to read git's answer")]
    Answer(#[from] FromUtf8Error),
}

#[derive(Debug)]
pub struct Trust {
    pub file: TrustFile,
    /// The revision whose files are trusted, if it was named.
    base: Option<BaseRevision>,
}

/// A revision of the project's repository.
#[derive(Debug)]
struct BaseRevision {
    commit: String,
    /// The repository's top directory. Links are resolved.
    top: PathBuf,
}

/// Reads the trust file of the workspace at `root`, or what `given` names: a file relative to `directory` if it is written like
/// one, else a git revision. A project without the file trusts nobody.
///
/// # Errors
/// The file is invalid or missing, or `given` is not a revision.
pub fn load(given: Option<&str>, directory: &Path, root: &Path) -> Result<Trust, TrustError> {
    let mut base = None;
    let (text, origin) = match given {
        None => {
            let path = root.join(TRUST_FILE);
            (read_to_string_if_exists(&path)?, path.display().to_string())
        }
        Some(file) if is_file(file) => {
            let text = read_to_string(&directory.join(file)).map_err(TrustError::Given)?;
            (Some(text), file.to_owned())
        }
        Some(revision) => {
            let found = BaseRevision::find(revision, root)?;
            let text = found.text_of(root, &format!("./{TRUST_FILE}"))?;
            base = Some(found);
            (text, format!("{revision}:{TRUST_FILE}"))
        }
    };
    let file = TrustFile::parse(text.as_deref().unwrap_or_default())
        .map_err(|source| TrustError::Invalid { origin, source })?;
    Ok(Trust { file, base })
}

/// Whether `--trust` names a file. Only its spelling counts, not what exists.
fn is_file(given: &str) -> bool {
    given.ends_with(".toml")
        || given.starts_with("./")
        || given.starts_with("../")
        || Path::new(given).is_absolute()
}

impl Trust {
    /// Whether the registry `name` with this index, which `file` configures, counts as configured. If a revision is trusted and the
    /// file is in its repository, the revision must have the registry too.
    pub fn has_registry(&self, file: &Path, name: &str, index: &str) -> bool {
        let Some(base) = &self.base else { return true };
        let Ok(file) = std::fs::canonicalize(file) else { return false };
        let Ok(path) = file.strip_prefix(&base.top) else { return true };
        let text = base.text_of(&base.top, &path.to_string_lossy()).ok().flatten().unwrap_or_default();
        let registries = CargoConfig::parse(&text).map(|config| config.registries).unwrap_or_default();
        registries.get(name).is_some_and(|registry| registry.index.as_deref() == Some(index))
    }
}

impl BaseRevision {
    fn find(revision: &str, root: &Path) -> Result<Self, TrustError> {
        let not_found = || TrustError::NoRevision { revision: revision.to_owned(), root: root.to_owned() };
        // No revision begins with a dash. Git would read it as a flag.
        if revision.is_empty() || revision.starts_with('-') || revision.contains(':') {
            return Err(not_found());
        }
        let commit = git(root, &["rev-parse", "--verify", "--quiet", &format!("{revision}^{{commit}}")])?;
        let commit = commit.ok_or_else(not_found)?.trim().to_owned();
        let top = git(root, &["rev-parse", "--show-toplevel"])?.ok_or_else(not_found)?;
        let top =
            std::fs::canonicalize(top.trim_end_matches(['\r', '\n'])).map_err(TrustError::Repository)?;
        Ok(Self { commit, top })
    }

    /// The text of a file at the revision. A path that begins with `./` is relative to `directory`. Returns `None` if the file does
    /// not exist.
    fn text_of(&self, directory: &Path, path: &str) -> Result<Option<String>, TrustError> {
        let object = format!("{}:{path}", self.commit);
        if git(directory, &["cat-file", "-e", &object])?.is_none() {
            return Ok(None);
        }
        git(directory, &["cat-file", "blob", &object])
    }
}

/// What git prints. Returns `None` if it fails.
fn git(root: &Path, args: &[&str]) -> Result<Option<String>, TrustError> {
    let output = Command::new("git")
        // A directory of the project with `HEAD`, `objects` and `refs` in it must not be taken for a repository.
        .args(["-c", "safe.bareRepository=explicit"])
        .args(args)
        .current_dir(root)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .map_err(TrustError::Git)?;
    if !output.status.success() {
        return Ok(None);
    }
    Ok(Some(String::from_utf8(output.stdout)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_one_by_its_name() {
        for file in ["trusted.toml", "./x", "../x", "/x/y"] {
            assert!(is_file(file), "{file}");
        }
        for revision in ["origin/main", "main", "HEAD~1", "v1.0"] {
            assert!(!is_file(revision), "{revision}");
        }
    }
}
