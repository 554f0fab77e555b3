//! `cargo nspublish yank` and `unyank`: on a site, or at a registry, where `cargo yank` does it and the provider signs.

use cargo_namespaces::name::IndexUrl;
use cargo_namespaces::statement::YankOperation;
use cargo_namespaces_cli::clock;
use cargo_namespaces_cli::shell::{CliError, ExitCode};
use semver::Version;

use super::args::YankArgs;
use super::target::{lock, open_site, resolve_index, site_error};
use super::through_cargo;
use crate::args::SiteArgs;
use crate::registry::{Registry, check_is_static};
use crate::session::Session;
use crate::site_memory;

/// Removes a version from what new resolutions pick, or with `--undo` puts it back.
///
/// # Errors
/// The site has no such release, or it cannot be written.
pub fn yank(session: &Session<'_>, args: &YankArgs) -> Result<ExitCode, CliError> {
    set(session, args, if args.undo { YankOperation::Unyank } else { YankOperation::Yank })
}

/// Puts a yanked version back.
///
/// # Errors
/// As [`yank`].
pub fn unyank(session: &Session<'_>, args: &YankArgs) -> Result<ExitCode, CliError> {
    set(session, args, YankOperation::Unyank)
}

fn set(session: &Session<'_>, args: &YankArgs, operation: YankOperation) -> Result<ExitCode, CliError> {
    let name = &args.release.name;
    let version = exact_version(args)?;
    session.check(&name.namespace)?;
    let located = resolve_index(session, &name.namespace, None)?;
    let named = SiteArgs { site: args.site.clone(), site_url: args.site_url.clone(), well_known: None };
    let named = site_memory::filled(session, &named, &name.namespace)?;
    let Some(site_dir) = &named.site else {
        let undo = operation == YankOperation::Unyank;
        check_registry(session, args, &located.index)?;
        through_cargo::yank(session, args, located.index, &version, undo)?;
        return Ok(ExitCode::Ok);
    };
    let _lock = lock(session)?;
    let dir = session.path(site_dir);
    check_is_static(session, &name.namespace, &located, &dir)?;
    let shown = site_memory::relative(&session.directory, &dir);
    let mut site = open_site(&name.namespace, &located.index, &dir, named.site_url.as_deref())?;
    let key = session
        .keys(args.passphrase_file.as_deref())
        .signing_key(args.key.as_deref(), &name.namespace)?
        .secret;
    let label = format!("{name} v{version}");
    let changed = site
        .yank(&name.krate, &version, operation, &key, clock::now())
        .map_err(|error| site_error(&error))?;
    if !changed {
        let state = if operation == YankOperation::Yank { "yanked already" } else { "not yanked" };
        session.shell.status("Unchanged", format!("{label} is {state}"));
        return Ok(ExitCode::Ok);
    }
    site.refresh().map_err(|error| site_error(&error))?;
    site.write().map_err(|error| site_error(&error))?;
    let verb = if operation == YankOperation::Yank { "Yank" } else { "Unyank" };
    session.shell.status(verb, format!("{label} in {}", shown.display()));
    session.shell.note(format!("upload `{}` for it to take effect", shown.display()));
    Ok(ExitCode::Ok)
}

/// Cargo yanks at registries only.
fn check_registry(session: &Session<'_>, args: &YankArgs, index: &IndexUrl) -> Result<(), CliError> {
    let namespace = &args.release.name.namespace;
    let keys = session.keys(args.passphrase_file.as_deref());
    let open = || keys.signing_key(args.key.as_deref(), namespace).map(|open| open.secret);
    if Registry::find_any(session, namespace, index, open)?.is_some() {
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
