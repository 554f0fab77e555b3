//! Who may publish: the site's documents must list the key that signs.

use std::collections::BTreeMap;

use cargo_namespaces::discovery::PackageNamespaceDoc;
use cargo_namespaces::key::{PublicKey, SecretKey};
use cargo_namespaces::name::Namespace;
use cargo_namespaces::shell::{CliError, Context as _, ExitCode};
use cargo_namespaces::site::{SiteEdit, merge_documents};
use cargo_namespaces::token::{Scope, Token};

use super::args::PublishArgs;
use crate::plan::Plan;
use crate::publisher::Publisher;
use crate::session::Session;

/// Opens the key of each namespace, and stages the documents of each site that serves its own domain.
///
/// # Errors
/// There is no key, or a site's documents do not list it.
pub fn prepare(
    session: &Session<'_>,
    plan: &Plan,
    args: &PublishArgs,
    sites: &mut BTreeMap<Namespace, SiteEdit>,
) -> Result<BTreeMap<Namespace, SecretKey>, CliError> {
    let mut keys = BTreeMap::new();
    for (namespace, site) in sites {
        let keyring = session.keys(args.passphrase_file.as_deref());
        let key = keyring.signing_key(args.key.as_deref(), namespace)?.secret;
        let doc = document(session, plan, args, namespace, site, &key.public())?;
        if site.layout().serves_domain() {
            site.set_document(&doc, &[]).exit_with(ExitCode::Failure)?;
        }
        keys.insert(namespace.clone(), key);
    }
    Ok(keys)
}

/// What the domain says, or will say: the site's document and the publisher's own, together.
fn document(
    session: &Session<'_>,
    plan: &Plan,
    args: &PublishArgs,
    namespace: &Namespace,
    site: &SiteEdit,
    key: &PublicKey,
) -> Result<PackageNamespaceDoc, CliError> {
    let own = Publisher::load(&session.settings.cargo_home, namespace)?.map(|publisher| publisher.document().clone());
    let held = if site.layout().serves_domain() { site.document().exit_with(ExitCode::Failure)? } else { None };
    let mut doc = match (held, own) {
        (held, Some(own)) => merge_documents(held, &own),
        (Some(held), None) => held,
        (None, None) if args.authorize => PackageNamespaceDoc::default(),
        (None, None) => return Err(not_set_up(namespace)),
    };
    doc.index = Some(site.layout().index().clone());
    let whole = Token::compute(&Scope::Namespace(namespace.clone()), key);
    let lists = |token: &Token| doc.authorized_keys.contains(token);
    let mut names = plan.members.iter().filter(|member| member.name.namespace == *namespace);
    let covered = lists(&whole)
        || names.all(|member| lists(&Token::compute(&Scope::Crate(member.name.clone()), key)));
    if !covered {
        if !args.authorize {
            return Err(not_listed(namespace, key, &whole));
        }
        doc.authorized_keys.push(whole);
    }
    Ok(doc)
}

fn not_set_up(namespace: &Namespace) -> CliError {
    CliError::new(
        ExitCode::ActionRequired,
        format!("the namespace `{namespace}` is not set up: nothing says yet which keys may publish it"),
    )
    .hint(format!("run `cargo nspublish setup {namespace}`, then this command again"))
}

fn not_listed(namespace: &Namespace, key: &PublicKey, token: &Token) -> CliError {
    CliError::new(
        ExitCode::ActionRequired,
        format!("the documents of `{namespace}` do not list the key {key}: nobody would accept what it signs"),
    )
    .hint(format!(
        "sign with a listed key (`--key`), or let the site list this one too: `--authorize` adds the record\n    {token}"
    ))
}

/// Writes the documents of namespaces whose index is on another host into `--well-known DIR`.
///
/// # Errors
/// A file there cannot be read or written.
pub fn write_well_known(
    session: &Session<'_>,
    plan: &Plan,
    args: &PublishArgs,
    sites: &BTreeMap<Namespace, SiteEdit>,
) -> Result<(), CliError> {
    let Some(dir) = &args.well_known else { return Ok(()) };
    for (namespace, site) in sites {
        if site.layout().serves_domain() {
            continue;
        }
        let Some(publisher) = Publisher::load(&session.settings.cargo_home, namespace)? else { continue };
        let mut domain = SiteEdit::open(&session.path(dir), site.layout().clone());
        let held = domain.document().exit_with(ExitCode::Failure)?;
        domain.set_document(&merge_documents(held, publisher.document()), &[]).exit_with(ExitCode::Failure)?;
        domain.write().exit_with(ExitCode::Failure)?;
        session.shell.status("Writing", format!("the documents of {namespace} into {}", dir.display()));
    }
    debug_assert!(plan.targets.len() == sites.len());
    Ok(())
}
