//! Where a namespace's index is, and the site that serves it.

mod index;
mod located;

use std::fs::File;
use std::path::Path;

use cargo_namespaces::name::{IndexUrl, Namespace, RegistryName};
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode};
use cargo_namespaces_cli::static_index::{StaticIndexEdit, StaticIndexError, StaticIndexLayout};
use cargo_namespaces_net::fs;

use crate::session::Session;

pub use self::index::{
    how_to_decide, index_to_publish, locate, locate_with, resolve_index, settle_entry, warn_of_configured,
};
pub use self::located::{Basis, Located};

/// The name that the workspace has for an index, or else the namespace's own.
pub fn registry_name(session: &Session<'_>, namespace: &Namespace, index: &IndexUrl) -> RegistryName {
    session.settings.registry_name_of(index).unwrap_or_else(|| RegistryName::from_namespace(namespace))
}

/// The site of a namespace in a directory.
///
/// # Errors
/// The index does not lie below the URL that the directory is served at.
pub fn open_site(
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

/// Keeps other publishers of this user out until it is dropped: two that add a release to one index file would each
/// lose the other's.
///
/// # Errors
/// The lock file cannot be made.
pub fn lock(session: &Session<'_>) -> Result<File, CliError> {
    let path = session.settings.cache().join("publish.lock");
    let file = fs::open_lock(&path).exit_with(ExitCode::Failure)?;
    if file.try_lock().is_err() {
        session.shell.status("Blocking", "waiting for another `cargo nspublish` to finish");
        file.lock().map_err(|error| {
            CliError::new(ExitCode::Failure, format!("failed to lock `{}`", path.display())).caused_by(&error)
        })?;
    }
    Ok(file)
}

/// What is wrong with a site, and what to do about it.
pub fn site_error(error: &StaticIndexError) -> CliError {
    let made = CliError::from_error(ExitCode::Failure, error);
    match error.hint() {
        Some(hint) => made.hint(hint),
        None => made,
    }
}
