//! The keys that are trusted: the project's own file, another file, or the file of another revision.
//!
//! A pull request can bring its own pins. Whoever judges it takes them from the branch that it is to be merged into:
//! `--trust origin/main` reads `.cargo/namespaces.toml` as that revision has it.

use std::path::Path;
use std::process::{Command, Stdio};

use cargo_namespaces::fs::{read_to_string, read_to_string_if_exists};
use cargo_namespaces::shell::{CliError, Context as _, ExitCode};
use cargo_namespaces::trust_file::TrustFile;

/// Where the trust file stands in a workspace.
const TRUST_FILE: &str = ".cargo/namespaces.toml";

/// Reads the trust file of the workspace at `root`, or what `given` names: a file relative to `directory`, else a git
/// revision. A project without the file trusts nobody.
///
/// # Errors
/// The file is invalid, or `given` is neither a file nor a revision.
pub fn load(given: Option<&str>, directory: &Path, root: &Path) -> Result<TrustFile, CliError> {
    let (text, origin) = match given {
        None => {
            let path = root.join(TRUST_FILE);
            (read_to_string_if_exists(&path)?, path.display().to_string())
        }
        Some(file) if directory.join(file).is_file() => {
            (Some(read_to_string(&directory.join(file))?), file.to_owned())
        }
        Some(revision) => (of_revision(revision, root)?, format!("{revision}:{TRUST_FILE}")),
    };
    TrustFile::parse(text.as_deref().unwrap_or_default()).map_err(|error| {
        let hint = error.hint();
        let made =
            CliError::new(ExitCode::InvalidInput, format!("failed to read `{origin}`")).caused_by(&error);
        match hint {
            Some(hint) => made.hint(hint),
            None => made,
        }
    })
}

/// The file at a revision; `None` where the revision has no such file.
fn of_revision(revision: &str, root: &Path) -> Result<Option<String>, CliError> {
    let not_found = || {
        CliError::usage(format!("`{revision}` is neither a file nor a git revision of `{}`", root.display()))
            .hint("in a shallow clone, fetch the branch first: `git fetch origin main`, then `--trust origin/main`")
    };
    // A revision never begins with a dash; git would read it as a flag.
    if revision.is_empty() || revision.starts_with('-') || revision.contains(':') {
        return Err(not_found());
    }
    let commit = git(root, &["rev-parse", "--verify", "--quiet", &format!("{revision}^{{commit}}")])?;
    let Some(commit) = commit else { return Err(not_found()) };
    let object = format!("{}:./{TRUST_FILE}", commit.trim());
    if git(root, &["cat-file", "-e", &object])?.is_none() {
        return Ok(None);
    }
    git(root, &["cat-file", "blob", &object])
}

/// What git answers, `None` when it fails.
fn git(root: &Path, args: &[&str]) -> Result<Option<String>, CliError> {
    let output = Command::new("git")
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
