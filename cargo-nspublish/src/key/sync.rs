//! `key sync`: what a registry should have heard of keys, handed in again. Whatever it holds already is left out.

use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::Namespace;
use cargo_namespaces_cli::shell::{CliError, ExitCode};

use super::{hand_in, public_key};
use crate::args::{SiteArgs, SyncArgs};
use crate::publisher::Publisher;
use crate::registry::Registry;
use crate::session::Session;

/// Hands in endorsements, revocations, and the present key's signatures for what replaced keys signed. The statements need no
/// key; there may be none any more.
///
/// # Errors
/// There are no documents, no registry, no key where one must sign, or the registry refuses.
pub fn run(session: &Session<'_>, args: &SyncArgs) -> Result<(), CliError> {
    session.check(&args.namespace)?;
    let publisher = Publisher::require(session, &SiteArgs::default(), &args.namespace)?;
    let keys = session.keys(args.signing.passphrase_file.as_deref());
    let open = || keys.signing_key(args.signing.key.as_deref(), &args.namespace);
    let read = || open().map(|key| key.secret);
    let Some(registry) = Registry::find_any(session, &args.namespace, &publisher.index, read)? else {
        let error = format!("there is nobody to tell: the index {} is not on a registry", publisher.index);
        return Err(CliError::new(ExitCode::Failure, error).hint(format!(
            "a static site carries the statements itself: `cargo nspublish setup {} --site DIR` writes them into it",
            args.namespace
        )));
    };
    hand_in::documents(session, &registry, &publisher)?;
    let old = if args.resign.is_empty() {
        replaced(session, &args.namespace)?
    } else {
        args.resign.iter().map(|text| public_key(session, text, None)).collect::<Result<_, _>>()?
    };
    if !old.is_empty() {
        hand_in::releases(session, &registry, &open()?.secret, &old)?;
    }
    session.shell.status("Finished", format!("{} has heard of all that changed", registry.host()));
    Ok(())
}

/// The keys that rotations here have replaced.
fn replaced(session: &Session<'_>, namespace: &Namespace) -> Result<Vec<PublicKey>, CliError> {
    let book = session.store.book()?;
    let entries = book.entries().into_iter();
    Ok(entries.filter(|(_, entry)| entry.replaced.contains(namespace)).map(|(key, _)| *key).collect())
}
