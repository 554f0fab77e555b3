//! `setup`: the keys of a namespace, and what its domain publishes about them.
//!
//! It makes, or reuses, a device key that signs releases and a recovery key that stays offline; the device key endorses
//! the recovery key; both tokens go into the documents. Run again, it changes nothing and prints the same.

mod grants;
mod keys;

use std::path::PathBuf;

use cargo_namespaces::key::PublicKey;
use cargo_namespaces::manifest::{ManifestInfo, PackageInfo};
use cargo_namespaces::name::{CrateName, IndexUrl, Namespace, QualifiedName};
use cargo_namespaces_cli::clock;
use cargo_namespaces_cli::keystore::{OpenKey, Role};
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode};
use serde_json::json;

use self::grants::Grants;
use self::keys::{Recovery, device_key, plan_device, plan_recovery, recovery_keys};
pub use self::keys::{check_files, say_all, without_questions};
use crate::args::SetupArgs;
use crate::credential;
use crate::guide;
use crate::publish::{Basis, Located, locate_with, lock, settle_entry, warn_of_configured};
use crate::publisher::{Publisher, WellKnown};
use crate::registry;
use crate::session::Session;
use crate::site_memory;

/// Sets a namespace up.
///
/// # Errors
/// No namespace is named, another index was declared before, a key cannot be made or opened, a document not written.
pub fn run(session: &Session<'_>, args: &SetupArgs) -> Result<ExitCode, CliError> {
    let namespace = namespace(session, args)?;
    session.check(&namespace)?;
    let site = match args.quiet_records || args.instance.is_some() {
        true => args.site.clone(),
        false => site_memory::filled(session, &args.site, &namespace)?,
    };
    let args = &SetupArgs { site, ..args.clone() };
    check_files(session, args)?;
    let _lock = lock(session)?;
    let (mut publisher, basis) = documents(session, args, &namespace)?;
    if !args.quiet_records {
        session.shell.status("Using", format!("the index {} ({basis})", publisher.index));
    }
    // What has to be asked is asked before anything is made; where to keep the device key first of all.
    let device = plan_device(session, args, &namespace)?;
    let grants = Grants::read(session, args, &namespace)?;
    let recovery = plan_recovery(session, args, &grants, &publisher, &device)?;
    let has_new_recovery = matches!(recovery, Recovery::New(_));
    let device = device_key(session, &namespace, device)?;
    let device_key = device.secret.public();
    if publisher.revocation(&device_key).is_some() {
        return Err(CliError::new(
            ExitCode::Refused,
            format!("the key `{}` is revoked for {namespace}", device.label),
        )
        .hint("name another with `--key`, or make one with `--new-key NAME`"));
    }
    let recovery = recovery_keys(session, &namespace, recovery)?;
    if !publisher.doc.authorized_keys.is_empty() && !publisher.lists(&device_key) {
        vouch(session, &mut publisher, &device_key)?;
    }
    publisher.list(&device_key);
    for key in &recovery {
        publisher.endorse(&device.secret, key, true, clock::now()).exit_with(ExitCode::Failure)?;
        publisher.list(key);
    }
    grants.apply(session, &mut publisher, &device)?;
    publisher.save(session)?;
    // A directory of files asks nobody for credentials.
    match args.site.site {
        None => credential::install::install(session, &namespace, &publisher.index).map(|_| ())?,
        Some(_) => credential::install::uninstall(session, &namespace, &publisher.index)?,
    }
    // On the way to a publish, that does it: a changed file would keep Cargo from packaging.
    if !args.quiet_records {
        settle_entry(session, &namespace, None, &publisher.index)?;
    }
    if args.instance.is_some() {
        site_memory::forget(session, &namespace)?;
    }
    report(session, args, &publisher, &basis, (&device, &recovery))?;
    if !args.quiet_records {
        if has_new_recovery {
            session.shell.say(TAKE_AWAY);
        }
        say_how_to_choose(session, args, &publisher, &basis);
    }
    Ok(ExitCode::Ok)
}

/// The namespace of the command line, or of the package here.
fn namespace(session: &Session<'_>, args: &SetupArgs) -> Result<Namespace, CliError> {
    if let Some(namespace) = &args.namespace {
        return Ok(namespace.clone());
    }
    namespace_here(session)
}

/// The namespace of the package here.
fn namespace_here(session: &Session<'_>) -> Result<Namespace, CliError> {
    let declared = package_here(session)?.and_then(|package| package.namespace);
    declared.ok_or_else(|| {
        CliError::usage("no namespace is named, and no package here names one")
            .hint("name one, such as serde.rs: a domain of yours")
    })
}

/// The namespace of the package here, and the package where its name is one of a crate.
///
/// # Errors
/// There is none, or its manifest cannot be read.
pub fn crate_here(session: &Session<'_>) -> Result<(Namespace, Option<QualifiedName>), CliError> {
    let namespace = namespace_here(session)?;
    let krate = package_here(session)?.and_then(|package| CrateName::parse(&package.name).ok());
    let name = krate.map(|krate| QualifiedName { namespace: namespace.clone(), krate });
    Ok((namespace, name))
}

fn package_here(session: &Session<'_>) -> Result<Option<PackageInfo>, CliError> {
    let manifest = match &session.common.manifest_path {
        Some(path) => session.path(path),
        None => session.directory.join("Cargo.toml"),
    };
    let Some(text) = cargo_namespaces_net::fs::read_to_string_if_exists(&manifest)? else { return Ok(None) };
    let info = ManifestInfo::parse(&text)
        .with_context(ExitCode::InvalidInput, || format!("failed to read `{}`", manifest.display()))?;
    Ok(info.package)
}

/// The documents as they are, or new ones, and what says that their index is the one.
fn documents(
    session: &Session<'_>,
    args: &SetupArgs,
    namespace: &Namespace,
) -> Result<(Publisher, Basis), CliError> {
    let asked = match (&args.index, &args.instance) {
        (None, Some(instance)) => Some(registry::index_at(session, instance, namespace)?),
        // To a site that the domain itself serves.
        (None, None) if args.change_index && args.site.site.is_some() && args.site.site_url.is_none() => {
            Some(IndexUrl::default_for(namespace))
        }
        (index, _) => index.clone(),
    };
    if args.change_index && asked.is_none() {
        return Err(CliError::usage(
            "`--change-index` needs `--index URL`, `--instance URL` or `--site DIR`",
        ));
    }
    let instead = asked.as_ref().filter(|_| args.change_index);
    let found = Publisher::find_for(session, &args.site, namespace, instead)?;
    let located = match asked {
        Some(index) => {
            warn_of_configured(session, namespace, &index)?;
            Located { index, basis: Basis::Flag }
        }
        None => {
            let recorded = found.as_ref().map(Publisher::located);
            locate_with(session, namespace, recorded, args.site.site.is_some())?
        }
    };
    if let Some(dir) = &args.site.site {
        registry::check_is_static(session, namespace, &located, &session.path(dir))?;
    }
    let Located { index, basis } = located;
    match found {
        Some(found) if index != found.index => Err(other_index(namespace, &found.index)),
        Some(found) => Ok((found, basis)),
        None => Ok((Publisher::new(namespace.clone(), index), basis)),
    }
}

fn other_index(namespace: &Namespace, index: &IndexUrl) -> CliError {
    CliError::new(
        ExitCode::ActionRequired,
        format!("{namespace} was set up with another index: {index}"),
    )
    .because(
        "the index is the namespace's identity: it stands in every lock file and every signature, and whoever has added a \
         crate already is stopped when it changes",
    )
    .hint(
        "to move the hosting, keep the URL and use DNS or a redirect; while nothing is published, add `--change-index`",
    )
}

/// Says which flags choose another index than the one that was chosen without any.
fn say_how_to_choose(session: &Session<'_>, args: &SetupArgs, publisher: &Publisher, basis: &Basis) {
    let is_chosen = basis.is_undecided() || *basis == Basis::SetUp;
    let namespace = &publisher.namespace;
    if !is_chosen || args.site.site.is_some() || namespace.is_local() {
        return;
    }
    session.shell.note(format!(
        "the index is the namespace's identity: while nothing is published, another is chosen for a registry by\n    cargo \
         nspublish setup {namespace} --instance https://REGISTRY --change-index\nor for a static site of {namespace} itself \
         by\n    cargo nspublish setup {namespace} --site DIR --change-index"
    ));
}

/// Another device key of the namespace vouches for the new one, so that who pinned that one accepts this one.
fn vouch(session: &Session<'_>, publisher: &mut Publisher, key: &PublicKey) -> Result<(), CliError> {
    let book = session.store.book()?;
    let namespace = publisher.namespace.clone();
    for (other, entry) in book.registered(&namespace, Role::Device) {
        if other == key || !publisher.lists(other) || publisher.revocation(other).is_some() {
            continue;
        }
        if let Ok(open) = session.keys(None).open_entry(other, entry) {
            publisher.endorse(&open.secret, key, false, clock::now()).exit_with(ExitCode::Failure)?;
            session.shell.status("Endorsed", format!("the new key by `{}`", entry.name));
            return Ok(());
        }
    }
    session.shell.warn(format!(
        "no key that {namespace} lists already vouches for the new one: projects that trust the listed keys are stopped at \
         its first release, until they say `--trust`; `key rotate` on the machine that has such a key avoids that"
    ));
    Ok(())
}

/// Writes the documents where the flags say, and prints them.
fn report(
    session: &Session<'_>,
    args: &SetupArgs,
    publisher: &Publisher,
    basis: &Basis,
    (device, recovery): (&OpenKey, &[PublicKey]),
) -> Result<(), CliError> {
    let namespace = &publisher.namespace;
    let place = WellKnown::named(session, &args.site, namespace, &publisher.index);
    if let Some(place) = &place {
        publisher.write_well_known(session, place)?;
    }
    session.shell.json(
        "setup",
        &json!({
            "namespace": namespace,
            "index": publisher.index,
            "index_from": basis,
            "device_key": device.secret.public().to_string(),
            "recovery_keys": recovery.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "records": publisher.records(),
            "places": if args.quiet_records { Vec::new() } else { guide::places(session, publisher)? },
            "package_namespace_json": publisher.doc.to_json(),
        }),
    );
    if args.quiet_records {
        return Ok(());
    }
    if place.is_some() {
        return what_next(session, args, publisher);
    }
    session.shell.say(format!("\nPublish these for {}:\n", namespace.display_both()));
    guide::print(session, publisher)?;
    guide::print_removed(session, publisher);
    Ok(())
}

/// What is to be done with a recovery key.
const TAKE_AWAY: &str =
    "Take the recovery key's file off this machine now. It is needed when the device key is lost or stolen.";

/// What comes after a site was written: two lines, and with `--verbose` the records that are in it.
fn what_next(session: &Session<'_>, args: &SetupArgs, publisher: &Publisher) -> Result<(), CliError> {
    let remembered = site_memory::remember(session, &args.site, &publisher.namespace)?;
    if session.shell.is_verbose() {
        session.shell.say(format!("\nThese stand there for {}:\n", publisher.namespace.display_both()));
        guide::print(session, publisher)?;
    }
    guide::print_removed(session, publisher);
    let directory =
        |dir: &PathBuf| site_memory::relative(&session.directory, &session.path(dir)).display().to_string();
    let (site, well_known) =
        (args.site.site.as_ref().map(directory), args.site.well_known.as_ref().map(directory));
    session.shell.say(match (&site, &well_known) {
        (Some(site), _) if remembered && site_memory::is_in_notation(session)? => {
            format!("Next: `cargo nsadd` rewrites the manifest for Cargo, and `cargo nspublish` publishes into `{site}`.")
        }
        (Some(site), _) if remembered => {
            format!("Next: `cargo nspublish` publishes the package into `{site}`; then upload that directory.")
        }
        (Some(site), _) => format!(
            "Next: `cargo nspublish --site {site}` in the package publishes into it; then upload that directory."
        ),
        (None, well_known) => format!(
            "Next: upload `{}` to {}; then `cargo nspublish` in the package publishes it.",
            well_known.as_deref().unwrap_or_default(),
            publisher.namespace
        ),
    });
    Ok(())
}
