//! `key revoke`: a signed statement that a key must not be trusted any more. There is no way back.

use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::Namespace;
use cargo_namespaces::statement::Revocation;
use cargo_namespaces_cli::clock;
use cargo_namespaces_cli::keystore::{KeystoreError, OpenKey, Role};
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode};

use super::registry_sync::{self, SyncTarget};
use super::resign::{rotation, warn_of_orphans};
use super::rotate::publish;
use super::{confirm, public_key};
use crate::context::Context;
use crate::documents::{NamespaceDocuments, WellKnownDir};
use crate::options::SiteOptions;
use crate::options::key::RevokeOptions;
use crate::static_index::check::check_named_site;
use crate::static_index::{lock, remembered};

/// Revokes a key for a namespace.
///
/// # Errors
/// There are no documents, no key here may sign it, it is not confirmed, or a document cannot be written.
pub fn run(context: &Context<'_>, options: &RevokeOptions) -> Result<(), CliError> {
    let namespace = &options.namespace;
    context.check(namespace)?;
    if let Some(reason) = &options.reason
        && !Revocation::is_reason(reason)
    {
        return Err(CliError::usage(
            "the reason is empty, longer than 500 bytes, or holds control characters",
        ));
    }
    let site = remembered::filled(context, &options.site, namespace)?;
    let options = &RevokeOptions { site, ..options.clone() };
    let _lock = lock(context)?;
    let mut documents = NamespaceDocuments::require(context, &options.site, namespace)?;
    check_named_site(context, &options.site, namespace, &documents.located())?;
    let mut host = None;
    let mut recovery = None;
    let key = public_key(context, &options.key, options.passphrase_file.as_deref())?;
    if documents.revocation(&key).is_some() {
        context.shell.note(format!("the key {key} is revoked for {namespace} already"));
    } else {
        let signer = signer(context, options, &documents, &key)?;
        confirm(context, &question(context, &key, namespace)?)?;
        documents
            .revoke(&signer.secret, &key, options.reason.clone(), clock::now())
            .exit_with(ExitCode::Failure)?;
        documents.save(context)?;
        context.shell.status("Revoked", format!("{key} for {namespace}, signed by `{}`", signer.label));
        host = Some(registry_sync::sync_target(context, &documents, &signer.secret, &[])?);
        recovery = options.with.clone().filter(|_| documents.is_recovery(&signer.secret.public()));
    }
    documents.unlist(&key);
    retire(context, &key, namespace)?;
    let place = WellKnownDir::named(context, &options.site, namespace, &documents.index);
    publish(context, &documents, place.as_ref())?;
    warn_of_orphans(context, &options.site, &documents)?;
    if let Some(SyncTarget::Registry(registry)) = &host {
        registry_sync::send_documents(context, registry, &documents)
            .map_err(|error| registry_sync::interrupted(error, &documents, &[]))?;
    }
    let mut site = options.site.clone();
    if site.site.is_none() && matches!(host, Some(SyncTarget::StaticIndex)) {
        site.site = Some("DIR".into());
    }
    what_next(context, &documents, &key, recovery, &site)
}

/// Opens the key that signs the revocation. Clients must accept a revocation by it.
fn signer(
    context: &Context<'_>,
    options: &RevokeOptions,
    documents: &NamespaceDocuments,
    key: &PublicKey,
) -> Result<OpenKey, CliError> {
    let book = context.store.book()?;
    let keys = context.keys(options.passphrase_file.as_deref());
    let signer = match (&options.with, book.get(key)) {
        (Some(with), _) => keys.signing_key(Some(with), &options.namespace)?,
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
    if !documents.may_revoke(&signer.secret.public(), key) {
        return Err(CliError::new(
            ExitCode::Refused,
            format!("`{}` cannot revoke {key}: {key} did not endorse it", signer.label),
        )
        .because("a revocation is valid if the key itself signed it, or a key that it endorsed, such as its recovery key")
        .hint("sign it with the key itself, or with the recovery key that `setup` made beside it: `--with RECOVERY-FILE`"));
    }
    Ok(signer)
}

fn question(context: &Context<'_>, key: &PublicKey, namespace: &Namespace) -> Result<String, CliError> {
    let book = context.store.book()?;
    let name = book.get(key).map(|entry| format!("`{}` ", entry.name)).unwrap_or_default();
    Ok(format!(
        "The key {name}({key}) is going to be revoked for {}: every release that only it signed is refused from then on.\n\
         Revoke it, with no way back?",
        namespace.display_both()
    ))
}

fn retire(context: &Context<'_>, key: &PublicKey, namespace: &Namespace) -> Result<(), CliError> {
    context.store.update(|book| -> Result<(), KeystoreError> {
        if let Some(entry) = book.get_mut(key) {
            entry.namespaces.remove(namespace);
            entry.replaced.remove(namespace);
            entry.revoked.insert(namespace.clone());
        }
        Ok(())
    })?;
    Ok(())
}

/// Says how to get a device key, if none is left: without one nothing can be published.
fn what_next(
    context: &Context<'_>,
    documents: &NamespaceDocuments,
    revoked: &PublicKey,
    recovery: Option<String>,
    site: &SiteOptions,
) -> Result<(), CliError> {
    let namespace = &documents.namespace;
    let book = context.store.book()?;
    if !book.registered(namespace, Role::Device).is_empty() {
        return Ok(());
    }
    let known = documents.recovery_keys();
    context.shell.hint(if known.is_empty() {
        format!(
            "no device key is left here for {namespace}, and no recovery key; `{} --new-key NAME` makes one that no \
             trusted key endorses",
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
