//! `cargo nspublish yank` and `unyank`. In a static index, the line is changed and signed here. At a registry, `cargo yank` does
//! it, and the credential provider signs.

use cargo_namespaces::name::IndexUrl;
use cargo_namespaces::statement::{Predicate as _, Read, YankOperation};
use cargo_namespaces_cli::clock;
use cargo_namespaces_cli::shell::{CliError, ExitCode};
use semver::Version;

use super::through_cargo;
use crate::context::Context;
use crate::index_location::resolve_index;
use crate::options::YankOptions;
use crate::registry::RegistryClient;
use crate::static_index::check::check_is_static;
use crate::static_index::remembered;
use crate::static_index::{lock, open_static_index, static_index_error};

/// Yanks a version, or undoes that.
///
/// # Errors
/// The index has no such release, or cannot be written.
pub fn yank(context: &Context<'_>, options: &YankOptions) -> Result<ExitCode, CliError> {
    let operation = options.operation;
    let name = &options.release.name;
    let version = exact_version(options)?;
    context.check(&name.namespace)?;
    let located = resolve_index(context, &name.namespace, None)?;
    let named = remembered::filled(context, &options.site, &name.namespace)?;
    let Some(site_dir) = &named.site else {
        let undo = operation == YankOperation::Unyank;
        check_registry(context, options, &located.index)?;
        through_cargo::yank(context, options, located.index, &version, undo)?;
        return Ok(ExitCode::Ok);
    };
    let _lock = lock(context)?;
    let dir = context.path(site_dir);
    check_is_static(context, &name.namespace, &located, &dir)?;
    let shown = remembered::relative(&context.directory, &dir);
    let mut edit = open_static_index(&name.namespace, &located.index, &dir, named.site_url.as_deref())?;
    let key = context
        .keys(options.signing.passphrase_file.as_deref())
        .signing_key(options.signing.key.as_deref(), &name.namespace)?
        .secret;
    let label = format!("{name} v{version}");
    let changed = edit
        .yank(&name.krate, &version, operation, &key, clock::now())
        .map_err(|error| static_index_error(&error))?;
    if !changed {
        let state = if operation == YankOperation::Yank { "yanked already" } else { "not yanked" };
        context.shell.status("Unchanged", format!("{label} is {state}"));
        return Ok(ExitCode::Ok);
    }
    edit.refresh().map_err(|error| static_index_error(&error))?;
    edit.write().map_err(|error| static_index_error(&error))?;
    let verb = if operation == YankOperation::Yank { "Yank" } else { "Unyank" };
    context.shell.status(verb, format!("{label} in {}", shown.display()));
    context.shell.note(format!("upload `{}` for it to take effect", shown.display()));
    Ok(ExitCode::Ok)
}

/// Refuses an index that is not on a registry, since Cargo yanks only there.
fn check_registry(context: &Context<'_>, options: &YankOptions, index: &IndexUrl) -> Result<(), CliError> {
    let namespace = &options.release.name.namespace;
    let keys = context.keys(options.signing.passphrase_file.as_deref());
    let key = options.signing.key.as_deref();
    let sign = |read: &Read| Ok(read.sign(&keys.signing_key(key, namespace)?.secret));
    if RegistryClient::find_any(context.network, namespace, index, sign)?.is_some() {
        return Ok(());
    }
    let error =
        format!("the index {index} is not on a registry: the release is yanked in the directory of its site");
    Err(CliError::new(ExitCode::ActionRequired, error)
        .hint("name the directory that the site is served from: add `--site DIR`"))
}

/// Returns the version. `@1.2.3` parses as the requirement `^1.2.3`; here it must be a whole version.
fn exact_version(options: &YankOptions) -> Result<Version, CliError> {
    let text = options.release.req_text().unwrap_or_default();
    Version::parse(text.trim_start_matches('=')).map_err(|_| {
        CliError::usage(format!("`{}` does not name one version", options.release))
            .hint(format!("write it as `{}@1.2.3`", options.release.name))
    })
}
