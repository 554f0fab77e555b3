//! `key rotate`: a new device key in the place of one, endorsed by it.
//!
//! A project that has pinned the old key accepts the new one because the old one vouches for it. The old token stays
//! listed, so that releases which only the old key signed can still be added; `--drop-old` ends that later. When the
//! device key is lost, the recovery key endorses instead: it was pinned along with the device key.

use std::collections::BTreeSet;

use cargo_namespaces::key::{PublicKey, SecretKey};
use cargo_namespaces_cli::clock;
use cargo_namespaces_cli::keystore::Role;
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode};
use serde_json::json;

use super::registry_sync::{self, SyncTarget};
use super::resign::{ResignedIndex, warn_of_orphans};
use super::{NewKey, public_key, retire, storage};
use crate::context::Context;
use crate::documents::{NamespaceDocuments, WellKnownDir};
use crate::guide;
use crate::options::SiteOptions;
use crate::options::key::RotateOptions;
use crate::static_index::check::check_named_site;
use crate::static_index::{lock, remembered};

/// Rotates, or finishes a rotation.
///
/// # Errors
/// There are no documents, no key can endorse the new one, the new key cannot be kept, or a document cannot be written.
pub fn run(context: &Context<'_>, options: &RotateOptions) -> Result<(), CliError> {
    context.check(&options.namespace)?;
    let site = remembered::filled(context, &options.site, &options.namespace)?;
    let options = &RotateOptions { site, ..options.clone() };
    let _lock = lock(context)?;
    let mut documents = NamespaceDocuments::require(context, &options.site, &options.namespace)?;
    check_named_site(context, &options.site, &options.namespace, &documents.located())?;
    if options.drop_old {
        drop_old(context, options, &mut documents)?;
    } else {
        rotate(context, options, &mut documents)?;
    }
    let place = WellKnownDir::named(context, &options.site, &documents.namespace, &documents.index);
    publish(context, &documents, place.as_ref())?;
    warn_of_orphans(context, &options.site, &documents)?;
    if let Some(directory) = &options.site.site {
        context.shell.note(format!("upload `{}` for it to take effect", context.path(directory).display()));
    }
    Ok(())
}

/// Writes the documents, and shows them if the flags name no directory that is served as the domain.
pub fn publish(
    context: &Context<'_>,
    documents: &NamespaceDocuments,
    place: Option<&WellKnownDir>,
) -> Result<(), CliError> {
    documents.save(context)?;
    context.shell.json(
        "documents",
        &json!({
            "namespace": documents.namespace,
            "index": documents.index,
            "records": documents.records(),
            "removed_tokens": documents.removed(),
            "places": guide::places(context, documents)?,
            "package_namespace_json": documents.doc.to_json(),
        }),
    );
    match place {
        Some(place) => documents.write_well_known(context, place)?,
        None => {
            let whose = documents.namespace.display_both();
            context.shell.say(format!("\nPut the documents of {whose} up as they are now:\n"));
            guide::print(context, documents)?;
        }
    }
    guide::print_removed(context, documents);
    Ok(())
}

fn rotate(
    context: &Context<'_>,
    options: &RotateOptions,
    documents: &mut NamespaceDocuments,
) -> Result<(), CliError> {
    let book = context.store.book()?;
    let file = storage::of_new_key(
        context,
        options.file.as_deref(),
        options.name.as_deref().unwrap_or("device"),
        "--file FILE",
    )?;
    let keys = context.keys(options.files.passphrase_file.as_deref());
    let old = keys.signing_key(options.key.as_deref(), &options.namespace)?;
    let old_key = old.secret.public();
    check_old(documents, &options.site, &old_key, &old.label)?;
    let by_recovery = book.get(&old_key).is_some_and(|entry| entry.role == Role::Recovery)
        || documents.is_recovery(&old_key);
    let former = book.get(&old_key).filter(|_| !by_recovery);
    let new = NewKey {
        name: options.name.as_deref(),
        default_name: former.map_or("device", |entry| entry.name.as_str()),
        role: Role::Device,
        namespaces: std::slice::from_ref(&options.namespace),
        file,
        plain: options.files.plain,
        given: options.files.of_device(context),
    };
    let new = new.prepare(context)?;
    // Before anything is kept, since a release that cannot be signed again stops the rotation.
    let mut signed_by: BTreeSet<PublicKey> = (!by_recovery).then_some(old_key).into_iter().collect();
    for text in &options.resign {
        signed_by.insert(public_key(context, text, None)?);
    }
    let signed = ResignedIndex::prepare(context, &options.site, documents, &new.secret, &signed_by)?;

    let (secret, entry) = new.keep(context)?;
    endorse(documents, &old.secret, &secret)?;
    if !by_recovery {
        retire(context, &[old_key], &options.namespace)?;
    }
    documents.save(context)?;
    context
        .shell
        .status("Endorsed", format!("`{}` by `{}` for {}", entry.name, old.label, options.namespace));
    if let Some(signed) = signed {
        return signed.write(context);
    }
    let also: Vec<PublicKey> = signed_by.into_iter().filter(|key| by_recovery || *key != old_key).collect();
    tell_registry(context, documents, &old.secret, &secret, !by_recovery, &also)
}

/// At a registry, the new key signs what the replaced key and `also` signed, and becomes an owner of what the old key owns.
fn tell_registry(
    context: &Context<'_>,
    documents: &NamespaceDocuments,
    old: &SecretKey,
    new: &SecretKey,
    is_replaced: bool,
    also: &[PublicKey],
) -> Result<(), CliError> {
    match registry_sync::sync_target(context, documents, new, also)? {
        SyncTarget::Registry(registry) => {
            let old_key = old.public();
            let all: Vec<&PublicKey> = is_replaced.then_some(&old_key).into_iter().chain(also).collect();
            registry_sync::send_documents(context, &registry, documents)
                .and_then(|()| registry_sync::sign_releases(context, &registry, new, all))
                .and_then(|()| registry_sync::add_owner(context, &registry, old, &new.public()))
                .map_err(|error| registry_sync::interrupted(error, documents, also))
        }
        SyncTarget::Later => Ok(()),
        SyncTarget::StaticIndex => {
            context.shell.hint(format!(
                "what the old key signed on a site still needs its token; this has the new key sign it again, and takes the \
                 token out:\n    cargo nspublish key rotate --namespace {} --drop-old --site DIR",
                documents.namespace
            ));
            Ok(())
        }
    }
}

/// Refuses a key whose endorsement nobody would accept.
fn check_old(
    documents: &NamespaceDocuments,
    site: &SiteOptions,
    key: &PublicKey,
    label: &str,
) -> Result<(), CliError> {
    let namespace = &documents.namespace;
    if documents.revocation(key).is_some() {
        return Err(CliError::new(ExitCode::Refused, format!("the key `{label}` is revoked for {namespace}")).hint(
            format!("endorse the new key with the recovery key: `cargo nspublish key rotate --namespace {namespace} --key RECOVERY-FILE`"),
        ));
    }
    if !documents.lists(key) {
        return Err(CliError::new(
            ExitCode::Refused,
            format!("the key `{label}` is not listed for {namespace}: its token is not in the documents"),
        )
        .hint(format!(
            "`{}` lists a key; an endorsement by a key that is not listed does not count",
            site.setup_command(namespace)
        )));
    }
    Ok(())
}

/// `old` endorses `new`, and `new` endorses the recovery keys that are listed.
fn endorse(documents: &mut NamespaceDocuments, old: &SecretKey, new: &SecretKey) -> Result<(), CliError> {
    let now = clock::now();
    let key = new.public();
    documents.endorse(old, &key, false, now).exit_with(ExitCode::Failure)?;
    documents.list(&key);
    for key in documents.recovery_keys() {
        documents.endorse(new, &key, true, now).exit_with(ExitCode::Failure)?;
    }
    Ok(())
}

/// Removes the tokens of replaced keys. The present key first signs what only they signed.
fn drop_old(
    context: &Context<'_>,
    options: &RotateOptions,
    documents: &mut NamespaceDocuments,
) -> Result<(), CliError> {
    let namespace = documents.namespace.clone();
    let book = context.store.book()?;
    let mut replaced = book.entries();
    replaced.retain(|(key, entry)| entry.replaced.contains(&namespace) && documents.lists(key));
    if replaced.is_empty() {
        let error =
            format!("no key that a rotation replaced is still listed for {}", namespace.display_both());
        return Err(CliError::new(ExitCode::Failure, error).hint(format!(
            "`cargo nspublish key rotate --namespace {namespace}` puts a new key in the place of the present one"
        )));
    }
    let keys: Vec<PublicKey> = replaced.iter().map(|(key, _)| **key).collect();
    let present = context.keys(options.files.passphrase_file.as_deref()).signing_key(None, &namespace)?;
    check_old(documents, &options.site, &present.secret.public(), &present.label)?;
    match ResignedIndex::prepare(context, &options.site, documents, &present.secret, &keys)? {
        Some(signed) => signed.write(context)?,
        None => sign_at_registry(context, documents, &present.secret, &keys)?,
    }
    for (key, entry) in replaced {
        documents.unlist(key);
        context.shell.status("Dropped", format!("`{}` from the keys of {namespace}", entry.name));
    }
    documents.save(context)
}

/// At a registry, the present key signs what only replaced keys signed, before their tokens are removed.
fn sign_at_registry(
    context: &Context<'_>,
    documents: &NamespaceDocuments,
    present: &SecretKey,
    replaced: &[PublicKey],
) -> Result<(), CliError> {
    match registry_sync::sync_target(context, documents, present, replaced)? {
        SyncTarget::Registry(registry) => registry_sync::send_documents(context, &registry, documents)
            .and_then(|()| registry_sync::sign_releases(context, &registry, present, replaced))
            .map_err(|error| registry_sync::interrupted(error, documents, replaced)),
        SyncTarget::Later => Ok(()),
        SyncTarget::StaticIndex => {
            context.shell.note(
                "releases on a site that only the old key signed are refused once the record is gone; with `--site DIR` the \
                 present key signs them again first",
            );
            Ok(())
        }
    }
}
