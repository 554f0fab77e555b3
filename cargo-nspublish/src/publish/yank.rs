//! `cargo nspublish yank` and `unyank`: on a site, or at a registry, where `cargo yank` does it and the provider signs.

use cargo_namespaces::clock;
use cargo_namespaces::name::IndexUrl;
use cargo_namespaces::shell::{CliError, ExitCode};
use cargo_namespaces::statement::YankOperation;
use semver::Version;

use super::through_cargo;
use crate::context::Context;
use crate::flags::SiteArgs;
use crate::flags::YankArgs;
use crate::index_location::resolve_index;
use crate::registry::RegistryClient;
use crate::static_index::check::check_is_static;
use crate::static_index::remembered;
use crate::static_index::{lock, open_site, site_error};

/// Removes a version from what new resolutions pick, or with `--undo` puts it back.
///
/// # Errors
/// The site has no such release, or it cannot be written.
pub fn yank(context: &Context<'_>, args: &YankArgs) -> Result<ExitCode, CliError> {
    set(context, args, if args.undo { YankOperation::Unyank } else { YankOperation::Yank })
}

/// Puts a yanked version back.
///
/// # Errors
/// As [`yank`].
pub fn unyank(context: &Context<'_>, args: &YankArgs) -> Result<ExitCode, CliError> {
    set(context, args, YankOperation::Unyank)
}

fn set(context: &Context<'_>, args: &YankArgs, operation: YankOperation) -> Result<ExitCode, CliError> {
    let name = &args.release.name;
    let version = exact_version(args)?;
    context.check(&name.namespace)?;
    let located = resolve_index(context, &name.namespace, None)?;
    let named = SiteArgs { site: args.site.clone(), site_url: args.site_url.clone(), well_known: None };
    let named = remembered::filled(context, &named, &name.namespace)?;
    let Some(site_dir) = &named.site else {
        let undo = operation == YankOperation::Unyank;
        check_registry(context, args, &located.index)?;
        through_cargo::yank(context, args, located.index, &version, undo)?;
        return Ok(ExitCode::Ok);
    };
    let _lock = lock(context)?;
    let dir = context.path(site_dir);
    check_is_static(context, &name.namespace, &located, &dir)?;
    let shown = remembered::relative(&context.directory, &dir);
    let mut site = open_site(&name.namespace, &located.index, &dir, named.site_url.as_deref())?;
    let key = context
        .keys(args.passphrase_file.as_deref())
        .signing_key(args.key.as_deref(), &name.namespace)?
        .secret;
    let label = format!("{name} v{version}");
    let changed = site
        .yank(&name.krate, &version, operation, &key, clock::now())
        .map_err(|error| site_error(&error))?;
    if !changed {
        let state = if operation == YankOperation::Yank { "yanked already" } else { "not yanked" };
        context.shell.status("Unchanged", format!("{label} is {state}"));
        return Ok(ExitCode::Ok);
    }
    site.refresh().map_err(|error| site_error(&error))?;
    site.write().map_err(|error| site_error(&error))?;
    let verb = if operation == YankOperation::Yank { "Yank" } else { "Unyank" };
    context.shell.status(verb, format!("{label} in {}", shown.display()));
    context.shell.note(format!("upload `{}` for it to take effect", shown.display()));
    Ok(ExitCode::Ok)
}

/// Cargo yanks at registries only.
fn check_registry(context: &Context<'_>, args: &YankArgs, index: &IndexUrl) -> Result<(), CliError> {
    let namespace = &args.release.name.namespace;
    let keys = context.keys(args.passphrase_file.as_deref());
    let open = || keys.signing_key(args.key.as_deref(), namespace).map(|open| open.secret);
    if RegistryClient::find_any(context, namespace, index, open)?.is_some() {
        return Ok(());
    }
    let error =
        format!("the index {index} is not on a registry: the release is yanked in the directory of its site");
    Err(CliError::new(ExitCode::ActionRequired, error)
        .hint("name the directory that the site is served from: add `--site DIR`"))
}

/// `@1.2.3` parses as the requirement `^1.2.3`; here it must be a whole version.
fn exact_version(args: &YankArgs) -> Result<Version, CliError> {
    let text = args.release.req_text().unwrap_or_default();
    Version::parse(text.trim_start_matches('=')).map_err(|_| {
        CliError::usage(format!("`{}` does not name one version", args.release))
            .hint(format!("write it as `{}@1.2.3`", args.release.name))
    })
}
