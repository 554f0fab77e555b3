//! The keys that are trusted: the project's own file, another file, or the file of another revision.
//!
//! A pull request can bring its own pins. Whoever judges it takes them from the branch that it is to be merged into:
//! `--trust origin/main` reads `.cargo/namespaces.toml` as that revision has it. What the pull request can write must not
//! change what that means: not a file called `origin/main`, not a registry that it configures itself, not files that look
//! to git like a repository of their own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cargo_namespaces::cargo_config::CargoConfig;
use cargo_namespaces::trust_file::TrustFile;
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode};
use cargo_namespaces_net::fs::{read_to_string, read_to_string_if_exists};

/// Where the trust file stands in a workspace.
const TRUST_FILE: &str = ".cargo/namespaces.toml";

/// What is trusted.
#[derive(Debug)]
pub struct Trust {
    /// The keys.
    pub file: TrustFile,
    /// The revision whose word counts, if it is not that of the files as they are.
    base: Option<Base>,
}

/// A revision of the project's repository.
#[derive(Debug)]
struct Base {
    commit: String,
    /// The repository's top directory, without links.
    top: PathBuf,
}

/// Reads the trust file of the workspace at `root`, or what `given` names: a file relative to `directory` where it is
/// written as one, else a git revision. A project without the file trusts nobody.
///
/// # Errors
/// The file is invalid or missing, or `given` is no revision.
pub fn load(given: Option<&str>, directory: &Path, root: &Path) -> Result<Trust, CliError> {
    let mut base = None;
    let (text, origin) = match given {
        None => {
            let path = root.join(TRUST_FILE);
            (read_to_string_if_exists(&path)?, path.display().to_string())
        }
        Some(file) if is_file(file) => {
            let hint = "`--trust` takes a trust file (`….toml`, `./…`), or a git revision that has `.cargo/namespaces.toml`";
            let text =
                read_to_string(&directory.join(file)).map_err(|error| CliError::from(error).hint(hint))?;
            (Some(text), file.to_owned())
        }
        Some(revision) => {
            let found = Base::find(revision, root)?;
            let text = found.text_of(root, &format!("./{TRUST_FILE}"))?;
            base = Some(found);
            (text, format!("{revision}:{TRUST_FILE}"))
        }
    };
    let file = TrustFile::parse(text.as_deref().unwrap_or_default()).map_err(|error| {
        let hint = error.hint();
        let made =
            CliError::new(ExitCode::InvalidInput, format!("failed to read `{origin}`")).caused_by(&error);
        match hint {
            Some(hint) => made.hint(hint),
            None => made,
        }
    })?;
    Ok(Trust { file, base })
}

/// Whether a file is meant, by how it is written and not by what lies there.
fn is_file(given: &str) -> bool {
    given.ends_with(".toml")
        || given.starts_with("./")
        || given.starts_with("../")
        || Path::new(given).is_absolute()
}

impl Trust {
    /// Whether the registry `name` with this index, which `file` configures, counts as configured: always, unless a
    /// revision is what counts and the file is one of its repository's. Then the revision must have it too.
    pub fn has_registry(&self, file: &Path, name: &str, index: &str) -> bool {
        let Some(base) = &self.base else { return true };
        let Ok(file) = std::fs::canonicalize(file) else { return false };
        let Ok(path) = file.strip_prefix(&base.top) else { return true };
        let text = base.text_of(&base.top, &path.to_string_lossy()).ok().flatten().unwrap_or_default();
        let registries = CargoConfig::parse(&text).map(|config| config.registries).unwrap_or_default();
        registries.get(name).is_some_and(|registry| registry.index.as_deref() == Some(index))
    }
}

impl Base {
    fn find(revision: &str, root: &Path) -> Result<Self, CliError> {
        let not_found = || {
            let message = format!("`{revision}` is not a git revision of `{}`", root.display());
            CliError::usage(message).hint(
                "in a shallow clone, fetch the branch first: `git fetch origin main`, then `--trust origin/main`; \
                 a file's name ends in `.toml` or begins with `./`",
            )
        };
        // A revision never begins with a dash; git would read it as a flag.
        if revision.is_empty() || revision.starts_with('-') || revision.contains(':') {
            return Err(not_found());
        }
        let commit = git(root, &["rev-parse", "--verify", "--quiet", &format!("{revision}^{{commit}}")])?;
        let commit = commit.ok_or_else(not_found)?.trim().to_owned();
        let top = git(root, &["rev-parse", "--show-toplevel"])?.ok_or_else(not_found)?;
        let top = std::fs::canonicalize(top.trim_end_matches(['\r', '\n']))
            .context(ExitCode::Failure, "failed to find the repository's directory")?;
        Ok(Self { commit, top })
    }

    /// A file of the revision, its path relative to `directory` where it begins with `./`; `None` where there is none.
    fn text_of(&self, directory: &Path, path: &str) -> Result<Option<String>, CliError> {
        let object = format!("{}:{path}", self.commit);
        if git(directory, &["cat-file", "-e", &object])?.is_none() {
            return Ok(None);
        }
        git(directory, &["cat-file", "blob", &object])
    }
}

/// What git answers, `None` when it fails.
fn git(root: &Path, args: &[&str]) -> Result<Option<String>, CliError> {
    let output = Command::new("git")
        // A directory of the project with `HEAD`, `objects` and `refs` in it is not taken for a repository.
        .args(["-c", "safe.bareRepository=explicit"])
        .args(args)
        .current_dir(root)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .context(ExitCode::Failure, "failed to run `git`")?;
    if !output.status.success() {
        return Ok(None);
    }
    let text =
        String::from_utf8(output.stdout).context(ExitCode::InvalidInput, "failed to read git's answer")?;
    Ok(Some(text))
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
