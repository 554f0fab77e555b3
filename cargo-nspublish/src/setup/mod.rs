//! `setup`: the keys of a namespace, and what its domain publishes about them.
//!
//! It makes, or reuses, a device key that signs releases and a recovery key that stays offline; the device key endorses
//! the recovery key; both tokens go into the documents. Run again, it changes nothing and prints the same.

mod grants;
mod keys;

use std::path::PathBuf;

use cargo_namespaces::clock;
use cargo_namespaces::key::PublicKey;
use cargo_namespaces::keystore::{OpenKey, Role};
use cargo_namespaces::manifest::{ManifestInfo, PackageInfo};
use cargo_namespaces::name::{CrateName, IndexUrl, Namespace, QualifiedName};
use cargo_namespaces::shell::{CliError, Context as _, ExitCode};
use serde_json::json;

use self::grants::Grants;
use self::keys::{RecoveryPlan, device_key, plan_device, plan_recovery, recovery_keys};
pub use self::keys::{check_files, say_all, without_questions};
use crate::context::Context;
use crate::credential;
use crate::documents::{NamespaceDocuments, WellKnownDir};
use crate::flags::SetupArgs;
use crate::guide;
use crate::index_location::{locate_with, settle_entry, warn_of_configured};
use crate::located::{Basis, Located};
use crate::registry;
use crate::static_index::check::check_named_site;
use crate::static_index::{lock, remembered};

/// Sets a namespace up.
///
/// # Errors
/// No namespace is named, another index was declared before, a key cannot be made or opened, a document not written.
pub fn run(context: &Context<'_>, args: &SetupArgs) -> Result<ExitCode, CliError> {
    let namespace = namespace(context, args)?;
    context.check(&namespace)?;
    let site = match args.quiet_records || args.instance.is_some() {
        true => args.site.clone(),
        false => remembered::filled(context, &args.site, &namespace)?,
    };
    let args = &SetupArgs { site, ..args.clone() };
    check_files(context, args)?;
    let _lock = lock(context)?;
    let (mut documents, basis) = documents(context, args, &namespace)?;
    if !args.quiet_records {
        context.shell.status("Using", format!("the index {} ({basis})", documents.index));
    }
    // What has to be asked is asked before anything is made; where to keep the device key first of all.
    let device = plan_device(context, args, &namespace)?;
    let grants = Grants::read(context, args, &namespace)?;
    let recovery = plan_recovery(context, args, &grants, &documents, &device)?;
    let has_new_recovery = matches!(recovery, RecoveryPlan::New(_));
    let device = device_key(context, &namespace, device)?;
    let device_key = device.secret.public();
    if documents.revocation(&device_key).is_some() {
        return Err(CliError::new(
            ExitCode::Refused,
            format!("the key `{}` is revoked for {namespace}", device.label),
        )
        .hint("name another with `--key`, or make one with `--new-key NAME`"));
    }
    let recovery = recovery_keys(context, &namespace, recovery)?;
    if !documents.doc.authorized_keys.is_empty() && !documents.lists(&device_key) {
        vouch(context, &mut documents, &device_key)?;
    }
    documents.list(&device_key);
    for key in &recovery {
        documents.endorse(&device.secret, key, true, clock::now()).exit_with(ExitCode::Failure)?;
        documents.list(key);
    }
    grants.apply(context, &mut documents, &device)?;
    documents.save(context)?;
    // A directory of files asks nobody for credentials.
    match args.site.site {
        None => credential::install::install(context, &namespace, &documents.index).map(|_| ())?,
        Some(_) => credential::install::uninstall(context, &namespace, &documents.index)?,
    }
    // On the way to a publish, that does it: a changed file would keep Cargo from packaging.
    if !args.quiet_records {
        settle_entry(context, &namespace, None, &documents.index)?;
    }
    if args.instance.is_some() {
        remembered::forget(context, &namespace)?;
    }
    report(context, args, &documents, &basis, (&device, &recovery))?;
    if !args.quiet_records {
        if has_new_recovery {
            context.shell.say(TAKE_AWAY);
        }
        say_how_to_choose(context, args, &documents, &basis);
    }
    Ok(ExitCode::Ok)
}

/// The namespace of the command line, or of the package here.
fn namespace(context: &Context<'_>, args: &SetupArgs) -> Result<Namespace, CliError> {
    if let Some(namespace) = &args.namespace {
        return Ok(namespace.clone());
    }
    namespace_here(context)
}

/// The namespace of the package here.
fn namespace_here(context: &Context<'_>) -> Result<Namespace, CliError> {
    let declared = package_here(context)?.and_then(|package| package.namespace);
    declared.ok_or_else(|| {
        CliError::usage("no namespace is named, and no package here names one")
            .hint("name one, such as serde.rs: a domain of yours")
    })
}

/// The namespace of the package here, and the package where its name is one of a crate.
///
/// # Errors
/// There is none, or its manifest cannot be read.
pub fn crate_here(context: &Context<'_>) -> Result<(Namespace, Option<QualifiedName>), CliError> {
    let namespace = namespace_here(context)?;
    let krate = package_here(context)?.and_then(|package| CrateName::parse(&package.name).ok());
    let name = krate.map(|krate| QualifiedName { namespace: namespace.clone(), krate });
    Ok((namespace, name))
}

fn package_here(context: &Context<'_>) -> Result<Option<PackageInfo>, CliError> {
    let manifest = match &context.common.manifest_path {
        Some(path) => context.path(path),
        None => context.directory.join("Cargo.toml"),
    };
    let Some(text) = cargo_namespaces::fs::read_to_string_if_exists(&manifest)? else { return Ok(None) };
    let info = ManifestInfo::parse(&text)
        .with_context(ExitCode::InvalidInput, || format!("failed to read `{}`", manifest.display()))?;
    Ok(info.package)
}

/// The documents as they are, or new ones, and what says that their index is the one.
fn documents(
    context: &Context<'_>,
    args: &SetupArgs,
    namespace: &Namespace,
) -> Result<(NamespaceDocuments, Basis), CliError> {
    let asked = match (&args.index, &args.instance) {
        (None, Some(instance)) => Some(registry::index_at(context, instance, namespace)?),
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
    let found = NamespaceDocuments::find_for(context, &args.site, namespace, instead)?;
    let located = match asked {
        Some(index) => {
            warn_of_configured(context, namespace, &index)?;
            Located { index, basis: Basis::Flag }
        }
        None => {
            let recorded = found.as_ref().map(NamespaceDocuments::located);
            locate_with(context, namespace, recorded, args.site.site.is_some())?
        }
    };
    check_named_site(context, &args.site, namespace, &located)?;
    let Located { index, basis } = located;
    match found {
        Some(found) if index != found.index => Err(other_index(namespace, &found.index)),
        Some(found) => Ok((found, basis)),
        None => Ok((NamespaceDocuments::new(namespace.clone(), index), basis)),
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
fn say_how_to_choose(context: &Context<'_>, args: &SetupArgs, documents: &NamespaceDocuments, basis: &Basis) {
    let is_chosen = basis.is_undecided() || *basis == Basis::SetUp;
    let namespace = &documents.namespace;
    if !is_chosen || args.site.site.is_some() || namespace.is_local() {
        return;
    }
    context.shell.note(format!(
        "the index is the namespace's identity: while nothing is published, another is chosen for a registry by\n    cargo \
         nspublish setup {namespace} --instance https://REGISTRY --change-index\nor for a static site of {namespace} itself \
         by\n    cargo nspublish setup {namespace} --site DIR --change-index"
    ));
}

/// Another device key of the namespace vouches for the new one, so that who pinned that one accepts this one.
fn vouch(context: &Context<'_>, documents: &mut NamespaceDocuments, key: &PublicKey) -> Result<(), CliError> {
    let book = context.store.book()?;
    let namespace = documents.namespace.clone();
    for (other, entry) in book.registered(&namespace, Role::Device) {
        if other == key || !documents.lists(other) || documents.revocation(other).is_some() {
            continue;
        }
        if let Ok(open) = context.keys(None).open_entry(other, entry) {
            documents.endorse(&open.secret, key, false, clock::now()).exit_with(ExitCode::Failure)?;
            context.shell.status("Endorsed", format!("the new key by `{}`", entry.name));
            return Ok(());
        }
    }
    context.shell.warn(format!(
        "no key that {namespace} lists already vouches for the new one: projects that trust the listed keys are stopped at \
         its first release, until they say `--trust`; `key rotate` on the machine that has such a key avoids that"
    ));
    Ok(())
}

/// Writes the documents where the flags say, and prints them.
fn report(
    context: &Context<'_>,
    args: &SetupArgs,
    documents: &NamespaceDocuments,
    basis: &Basis,
    (device, recovery): (&OpenKey, &[PublicKey]),
) -> Result<(), CliError> {
    let namespace = &documents.namespace;
    let place = WellKnownDir::named(context, &args.site, namespace, &documents.index);
    if let Some(place) = &place {
        documents.write_well_known(context, place)?;
    }
    context.shell.json(
        "setup",
        &json!({
            "namespace": namespace,
            "index": documents.index,
            "index_from": basis,
            "device_key": device.secret.public().to_string(),
            "recovery_keys": recovery.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "records": documents.records(),
            "places": if args.quiet_records { Vec::new() } else { guide::places(context, documents)? },
            "package_namespace_json": documents.doc.to_json(),
        }),
    );
    if args.quiet_records {
        return Ok(());
    }
    if place.is_some() {
        return what_next(context, args, documents);
    }
    context.shell.say(format!("\nPublish these for {}:\n", namespace.display_both()));
    guide::print(context, documents)?;
    guide::print_removed(context, documents);
    Ok(())
}

/// What is to be done with a recovery key.
const TAKE_AWAY: &str =
    "Take the recovery key's file off this machine now. It is needed when the device key is lost or stolen.";

/// What comes after a site was written: two lines, and with `--verbose` the records that are in it.
fn what_next(
    context: &Context<'_>,
    args: &SetupArgs,
    documents: &NamespaceDocuments,
) -> Result<(), CliError> {
    let remembered = remembered::remember(context, &args.site, &documents.namespace)?;
    if context.shell.is_verbose() {
        context.shell.say(format!("\nThese stand there for {}:\n", documents.namespace.display_both()));
        guide::print(context, documents)?;
    }
    guide::print_removed(context, documents);
    let directory =
        |dir: &PathBuf| remembered::relative(&context.directory, &context.path(dir)).display().to_string();
    let (site, well_known) =
        (args.site.site.as_ref().map(directory), args.site.well_known.as_ref().map(directory));
    context.shell.say(match (&site, &well_known) {
        (Some(site), _) if remembered && remembered::is_in_notation(context)? => {
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
            documents.namespace
        ),
    });
    Ok(())
}
