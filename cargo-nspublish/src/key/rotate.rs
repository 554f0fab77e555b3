//! `key rotate`: a new device key in the place of one, endorsed by it.
//!
//! A project that has pinned the old key accepts the new one because the old one vouches for it. The old token stays
//! listed, so that releases which only the old key signed can still be added; `--drop-old` ends that later. When the
//! device key is lost, the recovery key endorses instead: it was pinned along with the device key.

use std::collections::BTreeSet;

use cargo_namespaces::key::{PublicKey, SecretKey};
use cargo_namespaces::name::Namespace;
use cargo_namespaces_cli::clock;
use cargo_namespaces_cli::keystore::{KeystoreError, Role};
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode};
use serde_json::json;

use super::hand_in::{self, Host};
use super::resign::{SignedAgain, warn_of_orphans};
use super::{NewKey, place, public_key};
use crate::args::{RotateArgs, SiteArgs};
use crate::guide;
use crate::publish;
use crate::publisher::{Publisher, WellKnown};
use crate::session::Session;
use crate::site_memory;

/// Rotates, or finishes a rotation.
///
/// # Errors
/// No documents, no key to endorse with, the new key cannot be kept, a document cannot be written.
pub fn run(session: &Session<'_>, args: &RotateArgs) -> Result<(), CliError> {
    session.check(&args.namespace)?;
    let site = site_memory::filled(session, &args.site, &args.namespace)?;
    let args = &RotateArgs { site, ..args.clone() };
    let _lock = publish::lock(session)?;
    let mut publisher = Publisher::require(session, &args.site, &args.namespace)?;
    publisher.check_site(session, &args.site)?;
    if args.drop_old {
        drop_old(session, args, &mut publisher)?;
    } else {
        rotate(session, args, &mut publisher)?;
    }
    let place = WellKnown::named(session, &args.site, &publisher.namespace, &publisher.index);
    publish(session, &publisher, place.as_ref())?;
    warn_of_orphans(session, &args.site, &publisher)?;
    if let Some(directory) = &args.site.site {
        session.shell.note(format!("upload `{}` for it to take effect", session.path(directory).display()));
    }
    Ok(())
}

/// Writes the documents where they go, and shows them where they do not go by themselves.
pub fn publish(
    session: &Session<'_>,
    publisher: &Publisher,
    place: Option<&WellKnown>,
) -> Result<(), CliError> {
    publisher.save(session)?;
    session.shell.json(
        "documents",
        &json!({
            "namespace": publisher.namespace,
            "index": publisher.index,
            "records": publisher.records(),
            "removed_tokens": publisher.removed(),
            "places": guide::places(session, publisher)?,
            "package_namespace_json": publisher.doc.to_json(),
        }),
    );
    match place {
        Some(place) => publisher.write_well_known(session, place)?,
        None => {
            let whose = publisher.namespace.display_both();
            session.shell.say(format!("\nPut the documents of {whose} up as they are now:\n"));
            guide::print(session, publisher)?;
        }
    }
    guide::print_removed(session, publisher);
    Ok(())
}

fn rotate(session: &Session<'_>, args: &RotateArgs, publisher: &mut Publisher) -> Result<(), CliError> {
    let book = session.store.book()?;
    let file = place::of_new_key(
        session,
        args.file.as_deref(),
        args.name.as_deref().unwrap_or("device"),
        "--file FILE",
    )?;
    let keys = session.keys(args.protection.passphrase_file.as_deref());
    let old = keys.signing_key(args.key.as_deref(), &args.namespace)?;
    let old_key = old.secret.public();
    check_old(publisher, &args.site, &old_key, &old.label)?;
    let by_recovery = book.get(&old_key).is_some_and(|entry| entry.role == Role::Recovery)
        || publisher.is_recovery(&old_key);
    let former = book.get(&old_key).filter(|_| !by_recovery);
    let new = NewKey {
        name: args.name.as_deref(),
        default_name: former.map_or("device", |entry| entry.name.as_str()),
        role: Role::Device,
        namespaces: std::slice::from_ref(&args.namespace),
        file,
        plain: args.protection.plain,
        given: args.protection.of_device(session),
    };
    let new = new.prepare(session)?;
    // Before anything is kept: a release that cannot be signed again stops the rotation.
    let mut signed_by: BTreeSet<PublicKey> = (!by_recovery).then_some(old_key).into_iter().collect();
    for text in &args.resign {
        signed_by.insert(public_key(session, text, None)?);
    }
    let signed = SignedAgain::prepare(session, &args.site, publisher, &new.secret, &signed_by)?;

    let (secret, entry) = new.keep(session)?;
    endorse(publisher, &old.secret, &secret)?;
    if !by_recovery {
        retire(session, &old_key, &args.namespace)?;
    }
    publisher.save(session)?;
    session.shell.status("Endorsed", format!("`{}` by `{}` for {}", entry.name, old.label, args.namespace));
    if let Some(signed) = signed {
        return signed.write(session);
    }
    let resign: Vec<PublicKey> = signed_by.into_iter().filter(|key| by_recovery || *key != old_key).collect();
    match hand_in::host_of(session, publisher, &secret, &resign)? {
        Host::Registry(registry) => {
            let all: Vec<&PublicKey> =
                (!by_recovery).then_some(&old_key).into_iter().chain(&resign).collect();
            hand_in::documents(session, &registry, publisher)
                .and_then(|()| hand_in::releases(session, &registry, &secret, all))
                .and_then(|()| hand_in::owners(session, &registry, &old, &secret.public()))
                .map_err(|error| hand_in::interrupted(error, publisher, &resign))
        }
        Host::Later => Ok(()),
        Host::Site => {
            session.shell.hint(format!(
                "what the old key signed on a site still needs its token; this has the new key sign it again, and takes the \
                 token out:\n    cargo nspublish key rotate --namespace {} --drop-old --site DIR",
                args.namespace
            ));
            Ok(())
        }
    }
}

/// A key that must not speak for the namespace endorses nobody.
fn check_old(publisher: &Publisher, site: &SiteArgs, key: &PublicKey, label: &str) -> Result<(), CliError> {
    let namespace = &publisher.namespace;
    if publisher.revocation(key).is_some() {
        return Err(CliError::new(ExitCode::Refused, format!("the key `{label}` is revoked for {namespace}")).hint(
            format!("endorse the new key with the recovery key: `cargo nspublish key rotate --namespace {namespace} --key RECOVERY-FILE`"),
        ));
    }
    if !publisher.lists(key) {
        return Err(CliError::new(
            ExitCode::Refused,
            format!("the key `{label}` does not stand for {namespace}: its token is not in the documents"),
        )
        .hint(format!(
            "`{}` lists a key; nobody believes an endorsement by one that is not listed",
            site.setup_command(namespace)
        )));
    }
    Ok(())
}

/// `old` vouches for `new`, and `new` has the recovery keys that are listed.
fn endorse(publisher: &mut Publisher, old: &SecretKey, new: &SecretKey) -> Result<(), CliError> {
    let now = clock::now();
    let key = new.public();
    publisher.endorse(old, &key, false, now).exit_with(ExitCode::Failure)?;
    publisher.list(&key);
    for key in publisher.recovery_keys() {
        publisher.endorse(new, &key, true, now).exit_with(ExitCode::Failure)?;
    }
    Ok(())
}

/// The old key no longer signs for the namespace here; its token is still listed.
fn retire(session: &Session<'_>, old: &PublicKey, namespace: &Namespace) -> Result<(), CliError> {
    session.store.update(|book| -> Result<(), KeystoreError> {
        if let Some(entry) = book.get_mut(old) {
            entry.namespaces.remove(namespace);
            entry.replaced.insert(namespace.clone());
        }
        Ok(())
    })?;
    Ok(())
}

/// Takes the tokens of replaced keys out. What only they signed on the site, the present key signs first.
fn drop_old(session: &Session<'_>, args: &RotateArgs, publisher: &mut Publisher) -> Result<(), CliError> {
    let namespace = publisher.namespace.clone();
    let book = session.store.book()?;
    let mut replaced = book.entries();
    replaced.retain(|(key, entry)| entry.replaced.contains(&namespace) && publisher.lists(key));
    if replaced.is_empty() {
        let error =
            format!("no key that a rotation replaced is still listed for {}", namespace.display_both());
        return Err(CliError::new(ExitCode::Failure, error).hint(format!(
            "`cargo nspublish key rotate --namespace {namespace}` puts a new key in the place of the present one"
        )));
    }
    let keys: Vec<PublicKey> = replaced.iter().map(|(key, _)| **key).collect();
    let present = session.keys(args.protection.passphrase_file.as_deref()).signing_key(None, &namespace)?;
    check_old(publisher, &args.site, &present.secret.public(), &present.label)?;
    match SignedAgain::prepare(session, &args.site, publisher, &present.secret, &keys)? {
        Some(signed) => signed.write(session)?,
        None => sign_at_registry(session, publisher, &present.secret, &keys)?,
    }
    for (key, entry) in replaced {
        publisher.unlist(key);
        session.shell.status("Dropped", format!("`{}` from the keys of {namespace}", entry.name));
    }
    publisher.save(session)
}

/// At a registry the present key signs what only replaced keys signed, before their tokens go.
fn sign_at_registry(
    session: &Session<'_>,
    publisher: &Publisher,
    present: &SecretKey,
    replaced: &[PublicKey],
) -> Result<(), CliError> {
    match hand_in::host_of(session, publisher, present, replaced)? {
        Host::Registry(registry) => hand_in::documents(session, &registry, publisher)
            .and_then(|()| hand_in::releases(session, &registry, present, replaced))
            .map_err(|error| hand_in::interrupted(error, publisher, replaced)),
        Host::Later => Ok(()),
        Host::Site => {
            session.shell.note(
                "releases on a site that only the old key signed are refused once the record is gone; with `--site DIR` the \
                 present key signs them again first",
            );
            Ok(())
        }
    }
}
