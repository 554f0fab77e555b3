//! `key sync`: what a registry should have heard of keys, handed in again. Whatever it holds already is left out.

use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::Namespace;
use cargo_namespaces::shell::CliError;

use super::{hand_in, public_key};
use crate::args::{SiteArgs, SyncArgs};
use crate::owner::signed_in;
use crate::publisher::Publisher;
use crate::session::Session;

/// Hands in endorsements, revocations, and the present key's signatures for what replaced keys signed.
///
/// # Errors
/// There are no documents or no key, or the registry refuses.
pub fn run(session: &Session<'_>, args: &SyncArgs) -> Result<(), CliError> {
    let publisher = Publisher::require(session, &SiteArgs::default(), &args.namespace)?;
    let (registry, signer) = signed_in(session, &args.namespace, &args.signing)?;
    hand_in::documents(session, &registry, &publisher)?;
    let old = if args.resign.is_empty() {
        replaced(session, &args.namespace)?
    } else {
        args.resign.iter().map(|text| public_key(session, text, None)).collect::<Result<_, _>>()?
    };
    hand_in::releases(session, &registry, &signer.secret, &old)
}

/// The keys that rotations here have replaced.
fn replaced(session: &Session<'_>, namespace: &Namespace) -> Result<Vec<PublicKey>, CliError> {
    let book = session.store.book()?;
    let entries = book.entries().into_iter();
    Ok(entries.filter(|(_, entry)| entry.replaced.contains(namespace)).map(|(key, _)| *key).collect())
}
