//! The registry of every namespace that a rewritten manifest names.

use std::collections::BTreeSet;

use cargo_namespaces::cargo_config::is_assumed;
use cargo_namespaces::domain_view::{DomainView, IndexError};
use cargo_namespaces::name::{IndexUrl, Namespace, RegistryName};
use cargo_namespaces_cli::cli::check_special_use;
use cargo_namespaces_cli::set_up;
use cargo_namespaces_cli::shell::CliError;

use super::RewrittenManifests;
use crate::namespace_registry::{self, NamespaceError, NamespaceRegistry};
use crate::project::Project;
use crate::session::Session;

/// Finds the registries, and what to tell the user about those that are not known yet.
pub(super) fn find(
    session: &Session<'_>,
    rewritten: &RewrittenManifests,
) -> Result<(Vec<NamespaceRegistry>, Vec<String>), CliError> {
    let foreign: BTreeSet<Namespace> = rewritten.foreign().map(|need| need.name.namespace.clone()).collect();
    let needed = rewritten.needs().map(|need| need.name.namespace.clone());
    let all: BTreeSet<Namespace> = needed.chain(rewritten.own.iter().cloned()).collect();
    let others: BTreeSet<Namespace> = all.difference(&foreign).cloned().collect();
    let mut registries = namespace_registry::find(session, &foreign)?;
    let names_registry = |namespace: &Namespace| {
        let mut needs = rewritten.needs().filter(|need| need.name.namespace == *namespace);
        needs.any(|need| !need.has_git && !need.inherited)
    };
    let (found, notes) = find_unpublished(session, &others, names_registry)?;
    registries.extend(found);
    Ok((registries, notes))
}

/// The registries of namespaces whose domain need not answer. If nothing says where the index of one is, no registry is
/// written for it, unless a manifest names it: Cargo does not read a manifest that names a registry without an index.
fn find_unpublished(
    session: &Session<'_>,
    namespaces: &BTreeSet<Namespace>,
    names_registry: impl Fn(&Namespace) -> bool,
) -> Result<(Vec<NamespaceRegistry>, Vec<String>), CliError> {
    let project = session.project;
    let unknown: Vec<Namespace> =
        namespaces.iter().filter(|namespace| project.trust.index(namespace).is_none()).cloned().collect();
    let views = if unknown.is_empty() || project.settings.offline() {
        Vec::new()
    } else {
        session.ask_domains(&unknown)
    };
    let (mut registries, mut notes) = (Vec::new(), Vec::new());
    for namespace in namespaces {
        check_special_use(project.settings, namespace)?;
        let view = views.iter().find(|view| view.namespace() == namespace);
        if let Some(index) = known_index(project, namespace, view)? {
            registries.push(namespace_registry::named(project, namespace, index)?);
            continue;
        }
        let domain = namespace.display_both();
        let decides = "the first publish decides it: `cargo nspublish --site DIR` for any static host, or \
                       `cargo nspublish --instance https://REGISTRY`";
        if !names_registry(namespace) {
            notes.push(format!("the index of {domain} is not decided yet; {decides}"));
            continue;
        }
        let registry = namespace_registry::assumed(project, namespace)?;
        notes.push(format!(
            "the index of {domain} is not decided yet. {} is assumed, since Cargo reads no manifest that names \
             a registry without an index; {decides}",
            registry.index
        ));
        registries.push(registry);
    }
    Ok((registries, notes))
}

/// Where the index of a namespace is: the trust file says it, the domain, the set-up on this machine, or Cargo's
/// configuration; otherwise `None`.
fn known_index(
    project: &Project<'_>,
    namespace: &Namespace,
    view: Option<&DomainView>,
) -> Result<Option<IndexUrl>, CliError> {
    if let Some(pinned) = project.trust.index(namespace) {
        return Ok(Some(pinned.clone()));
    }
    let declared = view.map(DomainView::index_in_use).transpose();
    if let Some(declared) = declared.map_err(|source| own_error(namespace, source))?.flatten() {
        return Ok(Some(declared));
    }
    if let Some(index) = set_up::index(&project.settings.cargo_home, namespace)? {
        return Ok(Some(index));
    }
    let name = RegistryName::from_namespace(namespace);
    let configured = project.index_of(name.as_str()).filter(|_| !is_assumed(&project.config.text, &name));
    Ok(configured.and_then(|text| IndexUrl::parse(&text).ok()))
}

fn own_error(namespace: &Namespace, source: IndexError) -> NamespaceError {
    NamespaceError::OwnSeveralIndexes { domain: namespace.display_both(), source }
}
