//! The keys that sign a publish to static indexes. The documents of each namespace must list its key.

use std::collections::BTreeMap;

use cargo_namespaces::key::{PublicKey, SecretKey};
use cargo_namespaces::name::Namespace;
use cargo_namespaces::token::{Scope, Token};
use cargo_namespaces_cli::shell::{CliError, ExitCode};
use cargo_namespaces_cli::static_index::StaticIndexEdit;

use crate::context::Context;
use crate::documents::{NamespaceDocuments, WellKnownDir, no_documents};
use crate::options::{PublishOptions, SiteOptions};
use crate::plan::Plan;

/// The key and the documents of one namespace.
pub struct Signer {
    pub key: SecretKey,
    documents: NamespaceDocuments,
    well_known: Option<WellKnownDir>,
}

impl Signer {
    /// Writes the documents into the directory that the domain serves, if that was named.
    pub fn write_documents(&self, context: &Context<'_>) -> Result<(), CliError> {
        match &self.well_known {
            Some(place) => self.documents.write_well_known(context, place),
            None => Ok(()),
        }
    }
}

/// Finds the documents and opens the key of each namespace.
///
/// # Errors
/// There are no documents, there is no key, or the documents do not list it.
pub fn prepare(
    context: &Context<'_>,
    plan: &Plan,
    options: &PublishOptions,
    indexes: &BTreeMap<Namespace, StaticIndexEdit>,
) -> Result<BTreeMap<Namespace, Signer>, CliError> {
    indexes
        .iter()
        .map(|(namespace, edit)| {
            let places = SiteOptions {
                site: edit.layout().serves_domain().then(|| plan.targets[namespace].dir.clone()),
                site_url: None,
                well_known: options.well_known.clone(),
            };
            let named = SiteOptions {
                site: Some(plan.targets[namespace].dir.clone()),
                site_url: options.site_url.clone(),
                ..places.clone()
            };
            let mut documents = NamespaceDocuments::find(context, &places, namespace)?
                .ok_or_else(|| no_documents(namespace, &named))?;
            let keys = context.keys(options.signing.passphrase_file.as_deref());
            let key = keys.signing_key(options.signing.key.as_deref(), namespace)?.secret;
            authorize(plan, options, &mut documents, &key.public())?;
            let well_known = WellKnownDir::of(context, &places, namespace, edit.layout().index());
            Ok((namespace.clone(), Signer { key, documents, well_known }))
        })
        .collect()
}

/// Refuses a key that the documents do not list, since nobody would accept what it signs; `--authorize` lists it.
fn authorize(
    plan: &Plan,
    options: &PublishOptions,
    documents: &mut NamespaceDocuments,
    key: &PublicKey,
) -> Result<(), CliError> {
    let namespace = documents.namespace.clone();
    let mut names = plan.members.iter().map(|member| &member.name).filter(|name| name.namespace == namespace);
    if documents.revocation(key).is_some() {
        let error = format!("the key {key} is revoked for {namespace}: what it signs is refused everywhere");
        return Err(CliError::new(ExitCode::Refused, error).hint("sign with another key: `--key KEY`"));
    }
    let for_crate = |token: &Token| documents.doc.authorized_keys.contains(token);
    if documents.lists(key) || names.all(|name| for_crate(&Token::compute(&Scope::Crate(name.clone()), key)))
    {
        return Ok(());
    }
    if options.authorize {
        documents.list(key);
        return Ok(());
    }
    let error = format!(
        "the documents of `{namespace}` do not list the key {key}: releases that it signs would be refused"
    );
    Err(CliError::new(ExitCode::ActionRequired, error).hint(format!(
        "sign with a listed key (`--key`), or let the documents list this one too: `--authorize` adds the record\n    {}",
        documents.token(key)
    )))
}
