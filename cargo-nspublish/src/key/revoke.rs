//! `key revoke`: a signed statement that a key must not be trusted any more. There is no way back.

use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::Namespace;
use cargo_namespaces::statement::Revocation;
use cargo_namespaces_cli::clock;
use cargo_namespaces_cli::keystore::{KeystoreError, OpenKey, Role};
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode};

use super::hand_in::{self, Host};
use super::resign::{rotation, warn_of_orphans};
use super::rotate::publish;
use super::{confirm, public_key};
use crate::args::{RevokeArgs, SiteArgs};
use crate::publish::lock;
use crate::publisher::{Publisher, WellKnown};
use crate::session::Session;
use crate::site_memory;

/// Revokes a key for a namespace.
///
/// # Errors
/// No documents, nobody who may sign it, nobody to ask, a document cannot be written.
pub fn run(session: &Session<'_>, args: &RevokeArgs) -> Result<(), CliError> {
    let namespace = &args.namespace;
    session.check(namespace)?;
    if let Some(reason) = &args.reason
        && !Revocation::is_reason(reason)
    {
        return Err(CliError::usage(
            "the reason is empty, longer than 500 bytes, or holds control characters",
        ));
    }
    let site = site_memory::filled(session, &args.site, namespace)?;
    let args = &RevokeArgs { site, ..args.clone() };
    let _lock = lock(session)?;
    let mut publisher = Publisher::require(session, &args.site, namespace)?;
    publisher.check_site(session, &args.site)?;
    let mut host = None;
    let mut recovery = None;
    let key = public_key(session, &args.key, args.passphrase_file.as_deref())?;
    if publisher.revocation(&key).is_some() {
        session.shell.note(format!("the key {key} is revoked for {namespace} already"));
    } else {
        let signer = signer(session, args, &publisher, &key)?;
        confirm(session, &question(session, &key, namespace)?)?;
        publisher
            .revoke(&signer.secret, &key, args.reason.clone(), clock::now())
            .exit_with(ExitCode::Failure)?;
        publisher.save(session)?;
        session.shell.status("Revoked", format!("{key} for {namespace}, signed by `{}`", signer.label));
        host = Some(hand_in::host_of(session, &publisher, &signer.secret, &[])?);
        recovery = args.with.clone().filter(|_| publisher.is_recovery(&signer.secret.public()));
    }
    publisher.unlist(&key);
    retire(session, &key, namespace)?;
    let place = WellKnown::named(session, &args.site, namespace, &publisher.index);
    publish(session, &publisher, place.as_ref())?;
    warn_of_orphans(session, &args.site, &publisher)?;
    if let Some(Host::Registry(registry)) = &host {
        hand_in::documents(session, registry, &publisher)
            .map_err(|error| hand_in::interrupted(error, &publisher, &[]))?;
    }
    let mut site = args.site.clone();
    if site.site.is_none() && matches!(host, Some(Host::Site)) {
        site.site = Some("DIR".into());
    }
    what_next(session, &publisher, &key, recovery, &site)
}

/// The key that signs the revocation, which must be one whose word counts.
fn signer(
    session: &Session<'_>,
    args: &RevokeArgs,
    publisher: &Publisher,
    key: &PublicKey,
) -> Result<OpenKey, CliError> {
    let book = session.store.book()?;
    let keys = session.keys(args.passphrase_file.as_deref());
    let signer = match (&args.with, book.get(key)) {
        (Some(with), _) => keys.signing_key(Some(with), &args.namespace)?,
        (None, Some(entry)) => keys.open_entry(key, entry).map_err(|error| {
            error.within(format!("the key `{}` cannot sign its own revocation", entry.name))
        })?,
        (None, None) => {
            return Err(CliError::new(
                ExitCode::ActionRequired,
                format!("the key {key} is not here to sign its own revocation"),
            )
            .hint("sign it with the recovery key: `--with RECOVERY-FILE`"));
        }
    };
    if !publisher.may_revoke(&signer.secret.public(), key) {
        return Err(CliError::new(
            ExitCode::Refused,
            format!("`{}` cannot revoke {key}: nobody would believe it", signer.label),
        )
        .because("a revocation counts when the key itself signed it, or a key that it endorsed, such as its recovery key")
        .hint("sign it with the key itself, or with the recovery key that `setup` made beside it: `--with RECOVERY-FILE`"));
    }
    Ok(signer)
}

fn question(session: &Session<'_>, key: &PublicKey, namespace: &Namespace) -> Result<String, CliError> {
    let book = session.store.book()?;
    let name = book.get(key).map(|entry| format!("`{}` ", entry.name)).unwrap_or_default();
    Ok(format!(
        "The key {name}({key}) is going to be revoked for {}: every release that only it signed is refused from then on.\n\
         Revoke it, with no way back?",
        namespace.display_both()
    ))
}

fn retire(session: &Session<'_>, key: &PublicKey, namespace: &Namespace) -> Result<(), CliError> {
    session.store.update(|book| -> Result<(), KeystoreError> {
        if let Some(entry) = book.get_mut(key) {
            entry.namespaces.remove(namespace);
            entry.replaced.remove(namespace);
            entry.revoked.insert(namespace.clone());
        }
        Ok(())
    })?;
    Ok(())
}

/// Without a device key nothing can be published.
fn what_next(
    session: &Session<'_>,
    publisher: &Publisher,
    revoked: &PublicKey,
    recovery: Option<String>,
    site: &SiteArgs,
) -> Result<(), CliError> {
    let namespace = &publisher.namespace;
    let book = session.store.book()?;
    if !book.registered(namespace, Role::Device).is_empty() {
        return Ok(());
    }
    let known = publisher.recovery_keys();
    session.shell.hint(if known.is_empty() {
        format!(
            "no device key is left here for {namespace}, and no recovery key; `{} --new-key NAME` makes one that nobody vouches for",
            site.setup_command(namespace)
        )
    } else {
        let here = known.iter().find_map(|key| Some(book.get(key)?.name.to_string()));
        let recovery = recovery.or(here).unwrap_or_else(|| "RECOVERY-FILE".to_owned());
        format!(
            "no device key is left here for {namespace}; this makes one that the recovery key endorses, and has it sign again what the \
             revoked key signed:\n    {}",
            rotation(namespace, Some(&recovery), std::slice::from_ref(revoked), site)
        )
    });
    Ok(())
}
