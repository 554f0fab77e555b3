//! Finding a namespace: its index, and the registry name that the project uses for it.
//!
//! Pinned in the trust file, the index is known and the domain is asked beside the other work, for what changed since.
//! Otherwise its domain is asked first: nothing of a namespace is fetched before it said where.

use std::collections::BTreeSet;

use cargo_namespaces::cargo_config::is_assumed;
use cargo_namespaces::domain_view::{DomainView, IndexError};
use cargo_namespaces::name::{IndexUrl, Namespace, RegistryName};
use cargo_namespaces_cli::settings::Settings;
use cargo_namespaces_cli::shell::{CliError, ExitCode};

use crate::net::Net;
use crate::project::Project;
use crate::run::Context;

/// A namespace with its index and its registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// The namespace.
    pub namespace: Namespace,
    /// Its canonical index.
    pub index: IndexUrl,
    /// The registry's name in the manifests.
    pub registry: RegistryName,
    /// The index is the default one, and nobody has declared it: it stands in for one that is to come.
    pub is_assumed: bool,
}

/// Finds namespaces, those that are not pinned all at once.
///
/// # Errors
/// A domain does not answer or contradicts itself; a registry's name is taken; a special-use name is not allowed.
pub fn find(context: &Context<'_>, namespaces: &BTreeSet<Namespace>) -> Result<Vec<Contact>, CliError> {
    let (project, args) = (context.project, context.args);
    for namespace in namespaces {
        check(&project.settings, namespace)?;
    }
    let is_pinned = |namespace: &Namespace| project.trust.index(namespace).is_some() && !args.trust_index;
    let unknown: Vec<Namespace> =
        namespaces.iter().filter(|namespace| !is_pinned(namespace)).cloned().collect();
    if let (true, Some(first)) = (project.settings.offline(), unknown.first()) {
        return Err(offline(first));
    }
    let views = if unknown.is_empty() { Vec::new() } else { context.ask(&unknown) };
    cargo_namespaces_net::interrupt::check()?;
    let contact = |namespace: &Namespace| {
        let view = views.iter().find(|view| view.namespace() == namespace);
        let index = match view {
            Some(view) => declared(project, view)?,
            None => project.trust.index(namespace).cloned().ok_or_else(|| offline(namespace))?,
        };
        named(project, namespace, index)
    };
    namespaces.iter().map(contact).collect()
}

/// A namespace whose index is known.
///
/// # Errors
/// The registry's name is taken.
pub fn named(project: &Project, namespace: &Namespace, index: IndexUrl) -> Result<Contact, CliError> {
    let registry = registry_name(project, namespace, &index)?;
    Ok(Contact { namespace: namespace.clone(), index, registry, is_assumed: false })
}

/// A namespace whose index nobody has declared: the default stands in for it.
///
/// # Errors
/// The registry's name is taken.
pub fn assumed(project: &Project, namespace: &Namespace) -> Result<Contact, CliError> {
    Ok(Contact { is_assumed: true, ..named(project, namespace, IndexUrl::default_for(namespace))? })
}

/// Refuses to write down an index that its domain does not speak of, where there is none either.
///
/// # Errors
/// That is so.
pub fn check_is_there(net: &Net<'_>, view: &DomainView, index: &IndexUrl) -> Result<(), CliError> {
    if matches!(view.index_in_use(), Ok(Some(_))) {
        return Ok(());
    }
    let domain = view.namespace().display_both();
    net.config(index).map(|_| ()).map_err(|error| {
        CliError::new(ExitCode::Unreachable, format!("{domain} has no index yet"))
            .because(format!("the domain declares none, and where it would be by default: {error}"))
            .hint(format!(
                "check the spelling of {domain}, and run the command again once something is published"
            ))
    })
}

/// Refuses a special-use name where the configuration does not allow them.
///
/// # Errors
/// It does not.
pub fn check(settings: &Settings, namespace: &Namespace) -> Result<(), CliError> {
    namespace.check_special_use(settings.namespaces.special_use).map_err(|error| {
        let made = CliError::new(ExitCode::InvalidInput, error.to_string());
        match error.hint() {
            Some(hint) => made.hint(hint),
            None => made,
        }
    })
}

/// The index that a domain declares; the pinned one while it is silent.
fn declared(project: &Project, view: &DomainView) -> Result<IndexUrl, CliError> {
    let domain = view.namespace().display_both();
    match (view.declared_index(), project.trust.index(view.namespace())) {
        (Ok(index), _) => Ok(index),
        (Err(IndexError::Unknown { .. }), Some(pinned)) => Ok(pinned.clone()),
        (Err(error @ IndexError::Unknown { .. }), None) => {
            Err(CliError::new(ExitCode::Unreachable, format!("could not ask {domain} where its index is"))
                .because(error.to_string())
                .hint(check_spelling(project, view.namespace())))
        }
        (Err(error @ IndexError::Contradiction { .. }), _) => {
            Err(CliError::new(ExitCode::Refused, format!("{domain} contradicts itself about its index"))
                .because(error.to_string())
                .hint(format!("ask the owner of {domain} to declare one index everywhere")))
        }
    }
}

/// What to do about a domain that nothing is known of, with the namespace of the project that it looks like.
pub fn check_spelling(project: &Project, namespace: &Namespace) -> String {
    let domain = namespace.display_both();
    match project.trust.namespaces.keys().find(|known| known.looks_like(namespace)) {
        Some(known) => format!("did you mean {}, which the project uses?", known.display_both()),
        None => format!("check the spelling of {domain} and the network, and try again when it answers"),
    }
}

fn offline(namespace: &Namespace) -> CliError {
    let domain = namespace.display_both();
    CliError::new(
        ExitCode::Unreachable,
        format!("{domain} is new to the project, and the command runs offline"),
    )
    .because("only the domain itself can say where its index is and whose signatures count")
    .hint("run it once without `--offline`")
}

/// The name that the user already has for the index; else the namespace's own, which must not stand for another.
fn registry_name(
    project: &Project,
    namespace: &Namespace,
    index: &IndexUrl,
) -> Result<RegistryName, CliError> {
    if let Some(name) = project.registry_name_of(index) {
        return Ok(name);
    }
    let name = RegistryName::from_namespace(namespace);
    match project.index_of(name.as_str()) {
        None => Ok(name),
        Some(_) if is_assumed(&project.config.text, &name) => Ok(name),
        // It led to the pinned index, and `--trust-index` moves it.
        Some(other) if project.trust.index(namespace).is_some_and(|pinned| pinned.as_str() == other) => {
            Ok(name)
        }
        Some(other) => Err(CliError::new(
            ExitCode::InvalidInput,
            format!(
                "the registry `{name}` stands for another index than that of {}",
                namespace.display_both()
            ),
        )
        .because(format!("Cargo's configuration says {other}, the namespace's index is {index}"))
        .hint(format!("rename or remove `[registries.{name}]`, and run the command again"))),
    }
}
