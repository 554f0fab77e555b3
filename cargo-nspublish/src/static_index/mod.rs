//! A namespace's index as files in a directory, for any static host.
//!
//! | module | holds |
//! |---|---|
//! | [`check`] | refuses a static index where the index is on a registry |
//! | [`remembered`] | the directory that a manifest remembers |
//! | [`exclude`] | keeps the directory out of the package that it is in |

pub mod check;
pub mod exclude;
pub mod remembered;

use std::fs::File;
use std::path::Path;

use cargo_namespaces::name::{IndexUrl, Namespace};
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode};
use cargo_namespaces_cli::static_index::{StaticIndexEdit, StaticIndexError, StaticIndexLayout};
use cargo_namespaces_net::fs;

use crate::context::Context;

/// Opens the static index of a namespace in a directory.
///
/// # Errors
/// The index is not below the URL that the directory is served at.
pub fn open_static_index(
    namespace: &Namespace,
    index: &IndexUrl,
    dir: &Path,
    site_url: Option<&str>,
) -> Result<StaticIndexEdit, CliError> {
    let layout = StaticIndexLayout::new(namespace.clone(), index.clone(), site_url).map_err(|error| {
        CliError::from_error(ExitCode::Usage, &error).hint(
            "--site-url is the URL that the directory is served at, such as `https://jdoe.github.io/crates/`",
        )
    })?;
    Ok(StaticIndexEdit::open(dir, layout))
}

/// Makes other runs of this user wait until the lock is dropped: two that add a release to one index file would each lose the
/// release of the other.
pub fn lock(context: &Context<'_>) -> Result<File, CliError> {
    let path = context.settings.cache().join("publish.lock");
    let file = fs::open_lock(&path).exit_with(ExitCode::Failure)?;
    if file.try_lock().is_err() {
        context.shell.status("Blocking", "waiting for another `cargo nspublish` to finish");
        file.lock().map_err(|error| {
            CliError::new(ExitCode::Failure, format!("failed to lock `{}`", path.display())).caused_by(&error)
        })?;
    }
    Ok(file)
}

/// Converts an error of a static index, with its hint.
pub fn static_index_error(error: &StaticIndexError) -> CliError {
    let made = CliError::from_error(ExitCode::Failure, error);
    match error.hint() {
        Some(hint) => made.hint(hint),
        None => made,
    }
}
