//! Who may publish: the documents of each namespace must list the key that signs.

use std::collections::BTreeMap;

use cargo_namespaces::key::{PublicKey, SecretKey};
use cargo_namespaces::name::Namespace;
use cargo_namespaces::token::{Scope, Token};
use cargo_namespaces_cli::shell::{CliError, ExitCode};
use cargo_namespaces_cli::static_index::StaticIndexEdit;

use super::args::PublishArgs;
use crate::args::SiteArgs;
use crate::plan::Plan;
use crate::publisher::{Publisher, WellKnown, no_documents};
use crate::session::Session;

/// A namespace that is ready to be signed for.
pub struct Signer {
    /// The key.
    pub key: SecretKey,
    publisher: Publisher,
    well_known: Option<WellKnown>,
}

impl Signer {
    /// Writes the documents into the directory that the domain serves, if that was named.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn write_documents(&self, session: &Session<'_>) -> Result<(), CliError> {
        match &self.well_known {
            Some(place) => self.publisher.write_well_known(session, place),
            None => Ok(()),
        }
    }
}

/// Finds the documents and opens the key of each namespace.
///
/// # Errors
/// There are no documents, there is no key, or the documents do not list it.
pub fn prepare(
    session: &Session<'_>,
    plan: &Plan,
    args: &PublishArgs,
    sites: &BTreeMap<Namespace, StaticIndexEdit>,
) -> Result<BTreeMap<Namespace, Signer>, CliError> {
    sites
        .iter()
        .map(|(namespace, site)| {
            let places = SiteArgs {
                site: site.layout().serves_domain().then(|| plan.targets[namespace].dir.clone()),
                site_url: None,
                well_known: args.well_known.clone(),
            };
            let named = SiteArgs {
                site: Some(plan.targets[namespace].dir.clone()),
                site_url: args.site_url.clone(),
                ..places.clone()
            };
            let mut publisher = Publisher::find(session, &places, namespace)?
                .ok_or_else(|| no_documents(namespace, &named))?;
            let keys = session.keys(args.passphrase_file.as_deref());
            let key = keys.signing_key(args.key.as_deref(), namespace)?.secret;
            authorize(plan, args, &mut publisher, &key.public())?;
            let well_known = WellKnown::of(session, &places, namespace, site.layout().index());
            Ok((namespace.clone(), Signer { key, publisher, well_known }))
        })
        .collect()
}

/// Nobody accepts what a key signs that the domain does not list: such a key stops here, or is added with
/// `--authorize`.
fn authorize(
    plan: &Plan,
    args: &PublishArgs,
    publisher: &mut Publisher,
    key: &PublicKey,
) -> Result<(), CliError> {
    let namespace = publisher.namespace.clone();
    let mut names = plan.members.iter().map(|member| &member.name).filter(|name| name.namespace == namespace);
    if publisher.revocation(key).is_some() {
        let error = format!("the key {key} is revoked for {namespace}: what it signs is refused everywhere");
        return Err(CliError::new(ExitCode::Refused, error).hint("sign with another key: `--key KEY`"));
    }
    let for_crate = |token: &Token| publisher.doc.authorized_keys.contains(token);
    if publisher.lists(key) || names.all(|name| for_crate(&Token::compute(&Scope::Crate(name.clone()), key)))
    {
        return Ok(());
    }
    if args.authorize {
        publisher.list(key);
        return Ok(());
    }
    let error = format!(
        "the documents of `{namespace}` do not list the key {key}: nobody would accept what it signs"
    );
    Err(CliError::new(ExitCode::ActionRequired, error).hint(format!(
        "sign with a listed key (`--key`), or let the documents list this one too: `--authorize` adds the record\n    {}",
        publisher.token(key)
    )))
}
