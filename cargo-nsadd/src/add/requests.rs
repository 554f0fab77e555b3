//! Everything that the plan of an add depends on: the index lines of the crates, and the entries of the manifests.

use cargo_namespaces::index::IndexLine;
use cargo_namespaces::manifest::edit;
use cargo_namespaces::name::{QualifiedName, QualifiedSpec};
use cargo_namespaces_cli::registry_client::RegistryError;
use semver::Version;

use crate::existing;
use crate::namespace_registry::{NamespaceRegistry, did_you_mean, similar_namespace};
use crate::options::AddOptions;
use crate::plan::CrateRequest;
use crate::session::Session;
use crate::spec;
use crate::workspace::Manifest;

/// Gathers it for each crate of a namespace. `registries` has the registry of each.
///
/// # Errors
/// A crate does not exist, or its index cannot be read.
pub fn gather(
    session: &Session<'_>,
    options: &AddOptions,
    registries: &[NamespaceRegistry],
    package: &Manifest,
) -> Result<Vec<CrateRequest>, LookupError> {
    let registry_of = |spec: &QualifiedSpec| {
        let mut all = registries.iter();
        all.find(|registry| registry.namespace == spec.name.namespace)
    };
    let specs: Vec<(&QualifiedSpec, &NamespaceRegistry)> =
        options.crates.iter().filter_map(|spec| Some((spec, registry_of(spec)?))).collect();
    let crates: Vec<_> =
        specs.iter().map(|(spec, registry)| (registry.index.clone(), spec.name.krate.clone())).collect();
    let workspace = &session.project.workspace;
    let mut requests = Vec::new();
    for ((spec, registry), lines) in specs.into_iter().zip(session.sources.lines(&crates)) {
        let mut spec = spec.clone();
        let lines = match lines {
            Err(RegistryError::UnknownCrate { .. }) => other_spelling(session, &spec.name, registry),
            lines => lines,
        };
        let lines = lines.map_err(|source| lookup_error(session, &spec.name, registry, source))?;
        take_published_name(session, &mut spec.name, &lines);
        let versions: Vec<Version> =
            lines.iter().filter(|line| !line.yanked).map(|line| line.vers.clone()).collect();
        let key = options.rename.key().unwrap_or(spec.name.krate.as_str());
        let is_registry = |name: &str| session.is_name_of(name, registry);
        let root = &workspace.root_manifest().info;
        requests.push(CrateRequest {
            key_use: existing::key_use(&package.info, root, &spec.name, key, &is_registry),
            choice: None,
            is_member: workspace.manifests.iter().any(|at| at.name() == Some(spec.name.krate.as_str())),
            versions,
            free_key: edit::free_key(&package.text, &spec.name).unwrap_or_default(),
            spec,
            registry: registry.clone(),
        });
    }
    Ok(requests)
}

impl Session<'_> {
    /// Whether a registry's name in a manifest means the namespace's index.
    pub(super) fn is_name_of(&self, name: &str, registry: &NamespaceRegistry) -> bool {
        name == registry.name.as_str()
            || self.project.index_of(name).is_some_and(|index| index == registry.index.as_str())
    }
}

/// The lines of a crate that the index has with another of `-` and `_`, as `cargo add` looks for it.
fn other_spelling(
    session: &Session<'_>,
    name: &QualifiedName,
    registry: &NamespaceRegistry,
) -> Result<Vec<IndexLine>, RegistryError> {
    let twins = spec::twins(&name.krate);
    let crates: Vec<_> = twins.into_iter().map(|twin| (registry.index.clone(), twin)).collect();
    let found = session.sources.lines(&crates).into_iter().find(Result::is_ok);
    let unknown = RegistryError::UnknownCrate { name: name.krate.clone(), index: registry.index.clone() };
    found.unwrap_or(Err(unknown))
}

/// Gives a crate the spelling under which it is published; Cargo knows it by no other.
fn take_published_name(session: &Session<'_>, name: &mut QualifiedName, lines: &[IndexLine]) {
    let Some(published) = lines.last().map(|line| &line.name) else { return };
    if *published != name.krate && published.canonical() == name.krate.canonical() {
        session.shell.warn(format!("translating `{}` to `{published}`", name.krate));
        name.krate = published.clone();
    }
}

/// Why a crate's index file could not be read.
fn lookup_error(
    session: &Session<'_>,
    name: &QualifiedName,
    registry: &NamespaceRegistry,
    source: RegistryError,
) -> LookupError {
    if !matches!(source, RegistryError::UnknownCrate { .. }) {
        return LookupError::Index { name: name.clone(), source: Box::new(source) };
    }
    match session.sources.config(&registry.index) {
        Err(source) => LookupError::NoIndex {
            domain: registry.namespace.display_both(),
            similar: similar_namespace(session.project, &registry.namespace),
            source: Box::new(source),
        },
        Ok(_) => LookupError::UnknownCrate {
            name: name.clone(),
            cause: format!("{} has no crate `{}`", registry.index, name.krate),
        },
    }
}

/// A crate cannot be looked up.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    #[error("failed to look up {}", name.display_both())]
    Index {
        name: QualifiedName,
        #[source]
        source: Box<RegistryError>,
    },
    /// The index itself cannot be read.
    #[error("failed to reach the index of {domain}")]
    NoIndex {
        domain: String,
        /// A namespace of the project that looks like it.
        similar: Option<String>,
        #[source]
        source: Box<RegistryError>,
    },
    #[error("{} does not exist", name.display_both())]
    UnknownCrate { name: QualifiedName, cause: String },
}

impl LookupError {
    /// What to do, if it is not said by the source.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Index { .. } | Self::NoIndex { similar: None, .. } => None,
            Self::NoIndex { similar: Some(similar), .. } => Some(did_you_mean(similar)),
            Self::UnknownCrate { .. } => {
                Some("check the spelling; a namespaced crate is looked for in its namespace only".to_owned())
            }
        }
    }
}
