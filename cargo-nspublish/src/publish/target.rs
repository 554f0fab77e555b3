//! Where a namespace's index is, and the site that serves it.

use std::fs::File;
use std::path::Path;

use cargo_namespaces::client::HttpClient;
use cargo_namespaces::domain;
use cargo_namespaces::fs;
use cargo_namespaces::name::{IndexUrl, Namespace, RegistryName};
use cargo_namespaces::resolver::Resolver;
use cargo_namespaces::shell::{CliError, Context as _, ExitCode};
use cargo_namespaces::site::{SiteEdit, SiteError, SiteLayout};
use cargo_namespaces::verdict::IndexError;

use crate::args::SiteArgs;
use crate::publisher::Publisher;
use crate::registry;
use crate::session::Session;

/// The canonical index of a namespace: [`known_index`], or the default.
///
/// # Errors
/// The configuration and what set-up recorded differ.
pub fn resolve_index(
    session: &Session<'_>,
    namespace: &Namespace,
    registry: Option<&String>,
) -> Result<IndexUrl, CliError> {
    Ok(known_index(session, namespace, registry)?.unwrap_or_else(|| IndexUrl::default_for(namespace)))
}

/// The canonical index of a namespace as far as this machine knows it: what the Cargo configuration says (under
/// `registry`, the name that a manifest gives, or the namespace's own registry name), or what set-up recorded.
///
/// # Errors
/// The two differ.
pub fn known_index(
    session: &Session<'_>,
    namespace: &Namespace,
    registry: Option<&String>,
) -> Result<Option<IndexUrl>, CliError> {
    let name = match registry {
        Some(text) => RegistryName::parse(text).exit_with(ExitCode::InvalidInput)?,
        None => RegistryName::from_namespace(namespace),
    };
    let configured = session.settings.index_of(&name);
    if configured.is_none() && registry.is_some() {
        return Err(CliError::new(
            ExitCode::InvalidInput,
            format!("the registry `{name}` of `{namespace}` is not in the Cargo configuration"),
        )
        .hint(format!("add `[registries.{name}]` with its `index` to `.cargo/config.toml`")));
    }
    let recorded =
        Publisher::find(session, &SiteArgs::default(), namespace)?.map(|publisher| publisher.index);
    match (configured, recorded) {
        (Some(configured), Some(recorded)) if configured != recorded => Err(CliError::new(
            ExitCode::InvalidInput,
            format!("`{namespace}` was set up with the index `{recorded}`, but the Cargo configuration has `{configured}`"),
        )
        .hint("the index is the namespace's identity: correct `.cargo/config.toml`, or set the namespace up anew if nothing was published yet")),
        (configured, recorded) => Ok(configured.or(recorded)),
    }
}

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
) -> Result<SiteEdit, CliError> {
    let layout = SiteLayout::new(namespace.clone(), index.clone(), site_url).map_err(|error| {
        CliError::from_error(ExitCode::Usage, &error).hint(
            "--site-url is the URL that the directory is served at, such as `https://jdoe.github.io/crates/`",
        )
    })?;
    Ok(SiteEdit::open(dir, layout))
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
pub fn site_error(error: &SiteError) -> CliError {
    let made = CliError::from_error(ExitCode::Failure, error);
    match error.hint() {
        Some(hint) => made.hint(hint),
        None => made,
    }
}

/// The index of a namespace that this machine knows nothing of: what its domain declares, or what the registry that the
/// user goes through would give it, or the default.
///
/// # Errors
/// The domain contradicts itself, the registry does not say, or Ctrl-C.
pub fn index_to_be(
    session: &Session<'_>,
    namespace: &Namespace,
    instance: Option<&str>,
) -> Result<IndexUrl, CliError> {
    let client = HttpClient::new(session.settings.http.clone());
    let view = domain::gather(namespace, &client, &Resolver::new(&session.settings))?;
    let default = IndexUrl::default_for(namespace);
    match view.declared_index() {
        Ok(declared) if declared != default => return Ok(declared),
        Err(error @ IndexError::Contradiction { .. }) => {
            return Err(CliError::from_error(ExitCode::ActionRequired, &error)
                .hint("a namespace has one index: correct the records"));
        }
        // Nothing is declared, or nobody answers: then nothing contradicts what the user wants.
        Ok(_) | Err(_) => {}
    }
    let instance =
        instance.map(str::to_owned).or_else(|| session.settings.namespaces.instance_for(namespace));
    match instance {
        Some(instance) => registry::index_at(session, &instance, namespace),
        None => Ok(default),
    }
}
