//! `key sync`: tells a registry again what changed about keys. What it has already is left out.

use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::Namespace;
use cargo_namespaces::statement::{Predicate as _, Read};
use cargo_namespaces_cli::shell::{CliError, ExitCode};

use super::{public_key, registry_sync};
use crate::context::Context;
use crate::documents::NamespaceDocuments;
use crate::options::SiteOptions;
use crate::options::key::SyncOptions;
use crate::registry::RegistryClient;

/// Sends endorsements, revocations, and the present key's signatures for what replaced keys signed. Endorsements and
/// revocations are signed already, so they need no key; there may be none any more.
///
/// # Errors
/// There are no documents, no registry, no key where one must sign, or the registry refuses.
pub fn run(context: &Context<'_>, options: &SyncOptions) -> Result<(), CliError> {
    context.check(&options.namespace)?;
    let documents = NamespaceDocuments::require(context, &SiteOptions::default(), &options.namespace)?;
    let keys = context.keys(options.signing.passphrase_file.as_deref());
    let open = || keys.signing_key(options.signing.key.as_deref(), &options.namespace);
    let sign = |read: &Read| Ok(read.sign(&open()?.secret));
    let Some(registry) =
        RegistryClient::find_any(context.network, &options.namespace, &documents.index, sign)?
    else {
        let error = format!("nothing to send: the index {} is not on a registry", documents.index);
        return Err(CliError::new(ExitCode::Failure, error).hint(format!(
            "a static site carries the statements itself: `cargo nspublish setup {} --site DIR` writes them into it",
            options.namespace
        )));
    };
    registry_sync::send_documents(context, &registry, &documents)?;
    let old = if options.resign.is_empty() {
        replaced(context, &options.namespace)?
    } else {
        options.resign.iter().map(|text| public_key(context, text, None)).collect::<Result<_, _>>()?
    };
    if !old.is_empty() {
        registry_sync::sign_releases(context, &registry, &open()?.secret, &old)?;
    }
    context.shell.status("Finished", format!("{} is up to date", registry.host()));
    Ok(())
}

/// The keys that rotations here have replaced.
fn replaced(context: &Context<'_>, namespace: &Namespace) -> Result<Vec<PublicKey>, CliError> {
    let book = context.store.book()?;
    let entries = book.entries().into_iter();
    Ok(entries.filter(|(_, entry)| entry.replaced.contains(namespace)).map(|(key, _)| *key).collect())
}
