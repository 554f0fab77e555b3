//! `setup`: the keys of a namespace, and what its domain publishes about them.
//!
//! It makes, or reuses, a device key that signs releases and a recovery key that stays offline; the device key endorses
//! the recovery key; both tokens go into the documents. Run again, it changes nothing and prints the same.

mod grants;
mod keys;

use cargo_namespaces::clock;
use cargo_namespaces::key::PublicKey;
use cargo_namespaces::keystore::{OpenKey, Role};
use cargo_namespaces::manifest::ManifestInfo;
use cargo_namespaces::name::Namespace;
use cargo_namespaces::shell::{CliError, Context as _, ExitCode};
use serde_json::json;

use self::grants::Grants;
use self::keys::{device_key, plan_device, plan_recovery, recovery_keys};
use crate::args::SetupArgs;
use crate::credential;
use crate::guide;
use crate::publish::{index_to_be, lock, settle_entry};
use crate::publisher::{Publisher, WellKnown};
use crate::registry;
use crate::session::Session;

/// Sets a namespace up.
///
/// # Errors
/// No namespace is named, another index was declared before, a key cannot be made or opened, a document not written.
pub fn run(session: &Session<'_>, args: &SetupArgs) -> Result<ExitCode, CliError> {
    let namespace = namespace(session, args)?;
    session.check(&namespace)?;
    let _lock = lock(session)?;
    let mut publisher = documents(session, args, &namespace)?;
    let grants = Grants::read(session, args, &namespace)?;
    // What has to be asked is asked before anything is made.
    let device = plan_device(session, args, &namespace)?;
    let recovery = plan_recovery(session, args, &grants, &publisher)?;
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
    if args.site.site.is_none() {
        credential::install::install(session, &namespace, &publisher.index)?;
    }
    // On the way to a publish, that does it: a changed file would keep Cargo from packaging.
    if !args.quiet_records {
        settle_entry(session, &namespace, None, &publisher.index)?;
    }
    report(session, args, &publisher, &device, &recovery)?;
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
///
/// # Errors
/// There is none, or its manifest cannot be read.
pub fn namespace_here(session: &Session<'_>) -> Result<Namespace, CliError> {
    let manifest = match &session.common.manifest_path {
        Some(path) => session.path(path),
        None => session.directory.join("Cargo.toml"),
    };
    let declared = match cargo_namespaces::fs::read_to_string_if_exists(&manifest)? {
        Some(text) => {
            let info = ManifestInfo::parse(&text).with_context(ExitCode::InvalidInput, || {
                format!("failed to read `{}`", manifest.display())
            })?;
            info.package.and_then(|package| package.namespace)
        }
        None => None,
    };
    declared.ok_or_else(|| {
        CliError::usage("no namespace is named, and no package here names one")
            .hint("name one, such as serde.rs: a domain of yours")
    })
}

/// The documents as they are, or new ones.
fn documents(session: &Session<'_>, args: &SetupArgs, namespace: &Namespace) -> Result<Publisher, CliError> {
    let asked = match (&args.index, &args.instance) {
        (None, Some(instance)) => Some(registry::index_at(session, instance, namespace)?),
        (index, _) => index.clone(),
    };
    if args.change_index && asked.is_none() {
        return Err(CliError::usage("`--change-index` needs `--index URL` or `--instance URL`"));
    }
    let instead = asked.as_ref().filter(|_| args.change_index);
    let Some(found) = Publisher::find_for(session, &args.site, namespace, instead)? else {
        let index = match asked {
            Some(index) => index,
            None => index_to_be(session, namespace)?,
        };
        return Ok(Publisher::new(namespace.clone(), index));
    };
    match &asked {
        Some(index) if *index != found.index => Err(CliError::new(
            ExitCode::ActionRequired,
            format!("{namespace} was set up with another index: {}", found.index),
        )
        .because(
            "the index is the namespace's identity: it stands in every lock file and every signature, and whoever \
             has added a crate already is stopped when it changes",
        )
        .hint(
            "to move the hosting, keep the URL and use DNS or a redirect; while nothing is published, add \
             `--change-index`",
        )),
        _ => Ok(found),
    }
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
    device: &OpenKey,
    recovery: &[PublicKey],
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
            "device_key": device.secret.public().to_string(),
            "recovery_keys": recovery.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "records": publisher.records(),
            "package_namespace_json": publisher.doc.to_json(),
        }),
    );
    if args.quiet_records {
        return Ok(());
    }
    let what = if place.is_some() { "The site has them now; they are" } else { "Publish these" };
    session.shell.say(format!("\n{what} for {}:\n", namespace.display_both()));
    guide::print(session, publisher);
    guide::print_removed(session, publisher);
    if recovery.is_empty() {
        return Ok(());
    }
    session.shell.say(
        "Take the recovery key's file off this machine now. It is needed when the device key is lost or stolen:\n\
         `cargo nspublish key revoke` and `key rotate` then sign with it.",
    );
    Ok(())
}
