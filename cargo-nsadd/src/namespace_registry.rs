//! From a namespace to its registry: the canonical index, and the registry's name in the project.
//!
//! The index of a pinned namespace is in the trust file; its domain is asked while the indexes are read, in case it
//! declares something else now. Any other domain is asked first: nothing of a namespace is fetched before its domain
//! says from where.

use std::collections::BTreeSet;

use cargo_namespaces::cargo_config::is_assumed;
use cargo_namespaces::domain_view::{DomainView, IndexError};
use cargo_namespaces::name::{IndexUrl, NameError, Namespace, RegistryName};
use cargo_namespaces_cli::interrupt::{self, Interrupted};
use cargo_namespaces_cli::registry_client::RegistryError;

use crate::project::Project;
use crate::session::Session;

/// A namespace with its index and its registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamespaceRegistry {
    pub namespace: Namespace,
    /// The canonical index.
    pub index: IndexUrl,
    /// The registry's name in the manifests.
    pub name: RegistryName,
    /// Whether nothing declares the index: it is the default one, until the namespace is published.
    pub is_assumed: bool,
}

/// Finds the registries of namespaces. The domains of those that are not pinned are asked all at once.
///
/// # Errors
/// A domain does not answer or declares several indexes; a registry's name is taken; a special-use name is not allowed.
pub fn find(
    session: &Session<'_>,
    namespaces: &BTreeSet<Namespace>,
) -> Result<Vec<NamespaceRegistry>, NamespaceError> {
    let project = session.project;
    for namespace in namespaces {
        namespace.check_special_use(project.settings.namespaces.special_use)?;
    }
    let is_pinned = |namespace: &Namespace| {
        project.trust.index(namespace).is_some() && !session.options.trust.trust_index
    };
    let unknown: Vec<Namespace> =
        namespaces.iter().filter(|namespace| !is_pinned(namespace)).cloned().collect();
    if let (true, Some(first)) = (project.settings.offline(), unknown.first()) {
        return Err(NamespaceError::offline(first));
    }
    let views = if unknown.is_empty() { Vec::new() } else { session.ask_domains(&unknown) };
    interrupt::check()?;
    let registry = |namespace: &Namespace| {
        let view = views.iter().find(|view| view.namespace() == namespace);
        let index = match view {
            Some(view) => declared_or_pinned(project, view)?,
            None => {
                let pinned = project.trust.index(namespace).cloned();
                pinned.ok_or_else(|| NamespaceError::offline(namespace))?
            }
        };
        named(project, namespace, index)
    };
    namespaces.iter().map(registry).collect()
}

/// The registry of a namespace whose index is known.
///
/// # Errors
/// The registry's name is taken.
pub fn named(
    project: &Project<'_>,
    namespace: &Namespace,
    index: IndexUrl,
) -> Result<NamespaceRegistry, NamespaceError> {
    let name = registry_name(project, namespace, &index)?;
    Ok(NamespaceRegistry { namespace: namespace.clone(), index, name, is_assumed: false })
}

/// The registry of a namespace whose index nothing declares: the default index is assumed.
///
/// # Errors
/// The registry's name is taken.
pub fn assumed(project: &Project<'_>, namespace: &Namespace) -> Result<NamespaceRegistry, NamespaceError> {
    let registry = named(project, namespace, IndexUrl::default_for(namespace))?;
    Ok(NamespaceRegistry { is_assumed: true, ..registry })
}

/// Refuses an index that its domain does not declare, if nothing is published there either. `config` reads the
/// configuration of an index.
///
/// # Errors
/// The domain declares no index, and there is none.
pub fn check_published<T>(
    view: &DomainView,
    index: &IndexUrl,
    config: impl FnOnce(&IndexUrl) -> Result<T, RegistryError>,
) -> Result<(), NamespaceError> {
    if matches!(view.index_in_use(), Ok(Some(_))) {
        return Ok(());
    }
    let domain = view.namespace().display_both();
    config(index).map(|_| ()).map_err(|source| NamespaceError::NoIndex { domain, source })
}

/// The index that a domain declares; the pinned one if the domain does not answer.
fn declared_or_pinned(project: &Project<'_>, view: &DomainView) -> Result<IndexUrl, NamespaceError> {
    let namespace = view.namespace();
    match (view.declared_index(), project.trust.index(namespace)) {
        (Ok(index), _) => Ok(index),
        (Err(IndexError::Unknown { .. }), Some(pinned)) => Ok(pinned.clone()),
        (Err(source @ IndexError::Unknown { .. }), None) => Err(NamespaceError::Unreachable {
            domain: namespace.display_both(),
            similar: similar_namespace(project, namespace),
            source,
        }),
        (Err(source @ IndexError::Contradiction { .. }), _) => {
            Err(NamespaceError::SeveralIndexes { domain: namespace.display_both(), source })
        }
    }
}

/// A namespace of the project that looks like `namespace`, as it is shown.
pub fn similar_namespace(project: &Project<'_>, namespace: &Namespace) -> Option<String> {
    let similar = project.trust.namespaces.keys().find(|known| known.looks_like(namespace));
    similar.map(Namespace::display_both)
}

/// The name that the project or the user has for the index; otherwise the namespace's own, unless it is taken.
fn registry_name(
    project: &Project<'_>,
    namespace: &Namespace,
    index: &IndexUrl,
) -> Result<RegistryName, NamespaceError> {
    if let Some(name) = project.registry_name_of(index) {
        return Ok(name);
    }
    let name = RegistryName::from_namespace(namespace);
    match project.index_of(name.as_str()) {
        None => Ok(name),
        Some(_) if is_assumed(&project.config.text, &name) => Ok(name),
        // It has the pinned index, and `--trust-index` moves it.
        Some(other) if project.trust.index(namespace).is_some_and(|pinned| pinned.as_str() == other) => {
            Ok(name)
        }
        Some(other) => Err(NamespaceError::NameTaken {
            name,
            domain: namespace.display_both(),
            configured: other,
            index: index.clone(),
        }),
    }
}

/// The registry of a namespace cannot be found. Each `domain` is written as it is shown.
#[derive(Debug, thiserror::Error)]
pub enum NamespaceError {
    #[error(transparent)]
    SpecialUse(#[from] NameError),
    /// The namespace is not pinned, and its domain cannot be asked with `--offline`.
    #[error("{domain} is new to the project, and the command runs offline")]
    Offline { domain: String },
    /// The domain does not answer, and the namespace is not pinned.
    #[error("failed to reach {domain}")]
    Unreachable {
        domain: String,
        /// A namespace of the project that looks like it.
        similar: Option<String>,
        #[source]
        source: IndexError,
    },
    #[error("the records of {domain} name different indexes")]
    SeveralIndexes {
        domain: String,
        #[source]
        source: IndexError,
    },
    /// The domain of one of the workspace's own packages declares more than one index.
    #[error("the records of {domain} name different indexes")]
    OwnSeveralIndexes {
        domain: String,
        #[source]
        source: IndexError,
    },
    /// `--register`: the domain declares no index, and the default one does not exist.
    #[error("{domain} has no index yet")]
    NoIndex {
        domain: String,
        /// Why the default index cannot be read.
        #[source]
        source: RegistryError,
    },
    /// `--register --global`: the domain does not answer, or declares more than one index.
    #[error("failed to register {domain}")]
    NotFound {
        domain: String,
        #[source]
        source: IndexError,
    },
    #[error("the registry `{name}` has another index than {domain}")]
    NameTaken { name: RegistryName, domain: String, configured: String, index: IndexUrl },
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

impl NamespaceError {
    fn offline(namespace: &Namespace) -> Self {
        Self::Offline { domain: namespace.display_both() }
    }

    /// Why, in one line.
    pub fn cause(&self) -> Option<String> {
        match self {
            Self::SpecialUse(_) | Self::Interrupted(_) => None,
            Self::Offline { .. } => Some("the domain must be asked for its index and its keys".to_owned()),
            Self::Unreachable { source, .. }
            | Self::SeveralIndexes { source, .. }
            | Self::OwnSeveralIndexes { source, .. }
            | Self::NotFound { source, .. } => Some(source.to_string()),
            Self::NoIndex { source, .. } => {
                Some(format!("the domain declares no index, and the default one cannot be read: {source}"))
            }
            Self::NameTaken { configured, index, .. } => {
                Some(format!("Cargo's configuration says {configured}, the namespace's index is {index}"))
            }
        }
    }

    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::SpecialUse(error) => return error.hint().map(str::to_owned),
            Self::NotFound { .. } | Self::Interrupted(_) => return None,
            Self::Offline { .. } => "run it once without `--offline`".to_owned(),
            Self::Unreachable { similar: Some(similar), .. } => did_you_mean(similar),
            Self::Unreachable { domain, .. } => {
                format!("check the spelling of {domain} and the network, and try again when it answers")
            }
            Self::SeveralIndexes { domain, .. } => {
                format!("ask the owner of {domain} to declare one index everywhere")
            }
            Self::OwnSeveralIndexes { .. } => "a namespace has one index: correct the records".to_owned(),
            Self::NoIndex { domain, .. } => format!(
                "check the spelling of {domain}, and run the command again once something is published"
            ),
            Self::NameTaken { name, .. } => {
                format!("rename or remove `[registries.{name}]`, and run the command again")
            }
        })
    }
}

/// A namespace that the project uses, for one that may be misspelled.
pub fn did_you_mean(similar: &str) -> String {
    format!("did you mean {similar}, which the project uses?")
}
