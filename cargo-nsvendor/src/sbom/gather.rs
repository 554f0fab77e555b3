//! What a bill of materials is made of: lock files, manifests, what was verified, where things are downloaded from.

use std::collections::{BTreeMap, HashMap};

use cargo_namespaces::index::IndexConfig;
use cargo_namespaces::lockfile::{LockFile, LockSource, LockedPackage};
use cargo_namespaces::name::{CrateName, IndexUrl};
use cargo_namespaces::purl;
use cargo_namespaces::time::Timestamp;
use cargo_namespaces::trust::TrustBasis;
use cargo_namespaces_cli::env::{EnvError, Environment, Var};
use cargo_namespaces_cli::registry_client::RegistryClient;
use cargo_namespaces_cli::shell::{CliError, ExitCode, Shell};
use cargo_namespaces_cli::verify::Verified;
use semver::Version;
use toml_edit::DocumentMut;

use super::declared::{self, Declared};
use super::own::{self, OwnPackages};
use super::{Bom, Component, Facts, Origin, Signed, Uses};
use crate::plan::{Package, Plan, Source, SourceDir};
use crate::project::Project;
use crate::verified::Verification;

/// Where the manifest of a vendored package is read.
pub type ManifestOf<'a> = &'a dyn Fn(&SourceDir, &Package) -> Result<String, CliError>;

/// A package in the lock files.
type Key<'a> = (&'a str, &'a Version, &'a LockSource);

/// A bill of materials, and what is missing from it.
#[derive(Debug)]
pub struct Gathered {
    /// As far as it is known.
    pub bom: Bom,
    /// What could not be found out now; with it, the document would be another one.
    pub unknown: Vec<String>,
}

/// A component before it is connected.
struct Node<'a> {
    component: Component,
    declared: Vec<Declared>,
    locked: &'a LockedPackage,
}

/// What is asked for a bill of materials.
pub struct Gathering<'a> {
    /// For what cannot be found out.
    pub shell: &'a Shell,
    /// Whose.
    pub project: &'a Project,
    /// Where `dl` of an index is asked.
    pub client: &'a RegistryClient<'a>,
    /// The lock files.
    pub locks: &'a [LockFile],
    /// What is vendored.
    pub plan: &'a Plan,
    /// What is known of the namespaced releases.
    pub verification: &'a Verification,
}

impl Gathering<'_> {
    /// The bill of materials.
    ///
    /// # Errors
    /// A manifest cannot be read; `SOURCE_DATE_EPOCH` is no number.
    pub fn bom(&self, manifest_of: ManifestOf<'_>) -> Result<Gathered, CliError> {
        let own = own::find(self.project)?;
        let (configs, unknown) = self.index_configs();
        let mut made: BTreeMap<String, Node<'_>> = BTreeMap::new();
        let mut ids: HashMap<Key<'_>, String> = HashMap::new();
        let sources: Vec<(LockSource, &SourceDir)> =
            self.plan.sources.iter().map(|source| (source.source.locked(), source)).collect();
        let vendored: HashMap<Key<'_>, (&SourceDir, &Package)> = sources
            .iter()
            .flat_map(|(locked, source)| {
                source.packages.iter().map(move |package| (locked, *source, package))
            })
            .map(|(locked, source, package)| {
                ((package.name.as_str(), &package.version, locked), (source, package))
            })
            .collect();
        for package in self.locks.iter().flat_map(|lock| &lock.packages) {
            let (component, declared) = if package.source == LockSource::Path {
                path_component(package, &own)
            } else {
                let key: Key<'_> = (&package.name, &package.version, &package.source);
                let (source, planned) = vendored.get(&key).expect("the plan is made of the lock files");
                if planned.is_stub() {
                    continue;
                }
                let document: DocumentMut = manifest_of(source, planned)?.parse().unwrap_or_default();
                let facts = Facts::of_manifest(&document);
                (self.component(source, planned, facts, &configs), declared::of_manifest(&document))
            };
            ids.insert((&package.name, &package.version, &package.source), component.id.clone());
            made.insert(component.id.clone(), Node { component, declared, locked: package });
        }
        let components = connected(made, &ids);
        let roots = roots(&components, &own);
        let name = match roots.as_slice() {
            [only] => components[*only].name.clone(),
            _ => "workspace".to_owned(),
        };
        Ok(Gathered { bom: Bom { name, roots, components, time: source_date()? }, unknown })
    }

    /// The configurations of the registries other than crates.io.
    fn index_configs(&self) -> (BTreeMap<IndexUrl, IndexConfig>, Vec<String>) {
        let indexes: Vec<IndexUrl> =
            self.plan.sources.iter().filter_map(|source| index_of(&source.source)).collect();
        let read = self.client.index_configs(&indexes);
        let mut configs = BTreeMap::new();
        let mut unknown = Vec::new();
        for (index, config) in indexes.into_iter().zip(read) {
            match config {
                Ok(config) => {
                    configs.insert(index, config);
                }
                Err(error) => {
                    unknown.push(format!("where the packages of {index} are downloaded from: {error}"));
                }
            }
        }
        (configs, unknown)
    }

    fn component(
        &self,
        source: &SourceDir,
        package: &Package,
        facts: Facts,
        configs: &BTreeMap<IndexUrl, IndexConfig>,
    ) -> Component {
        let (name, version) = (package.name.as_str(), &package.version);
        let (id, origin) = match &source.source {
            Source::CratesIo => {
                let url = format!("https://static.crates.io/crates/{name}/{version}/download");
                (purl::of_crates_io(name, version), Origin::Registry(Some(url)))
            }
            Source::Git(git) => {
                let (url, commit) = (git.url(), git.commit());
                (purl::of_git(name, version, url, commit), Origin::Git(format!("git+{url}@{commit}")))
            }
            Source::Namespace { index, .. } => {
                (purl::of_registry(name, version, index.as_str()), self.origin(source, package, configs))
            }
            Source::Registry(url) => {
                let index = url.strip_prefix("registry+").unwrap_or(url);
                (purl::of_registry(name, version, index), self.origin(source, package, configs))
            }
        };
        let signed = self.verification.release(source, package).map(signed);
        Component {
            id,
            name: package.name.clone(),
            version: package.version.clone(),
            origin,
            sha256: package.checksum,
            facts,
            signed,
            dependencies: Vec::new(),
        }
    }

    fn origin(
        &self,
        source: &SourceDir,
        package: &Package,
        configs: &BTreeMap<IndexUrl, IndexConfig>,
    ) -> Origin {
        let url = || {
            let config = configs.get(&index_of(&source.source)?)?;
            let name = CrateName::parse(&package.name).ok()?;
            Some(config.download_url(&name, &package.version, &package.checksum?))
        };
        Origin::Registry(url())
    }
}

/// The components with their dependencies, in the order of their identifiers.
fn connected(made: BTreeMap<String, Node<'_>>, ids: &HashMap<Key<'_>, String>) -> Vec<Component> {
    let at: BTreeMap<String, usize> = made.keys().cloned().zip(0..).collect();
    let connect = |Node { mut component, declared, locked }: Node<'_>| {
        let named = locked.dependencies.iter().filter_map(|dependency| {
            let (version, source) = (dependency.version.as_ref()?, dependency.source.as_ref()?);
            let id = ids.get(&(dependency.name.as_str(), version, source))?;
            Some((*at.get(id)?, declared::uses(&declared, &dependency.name, version)))
        });
        let by_position: BTreeMap<usize, Uses> = named.collect();
        component.dependencies = by_position.into_iter().collect();
        component
    };
    made.into_values().map(connect).collect()
}

/// What the project itself is: its members.
fn roots(components: &[Component], own: &OwnPackages) -> Vec<usize> {
    let is_member = |component: &Component| {
        let key = (component.name.clone(), component.version.clone());
        component.origin == Origin::Path && own.get(&key).is_some_and(|own| own.is_member)
    };
    (0..components.len()).filter(|at| is_member(&components[*at])).collect()
}

fn path_component(package: &LockedPackage, own: &OwnPackages) -> (Component, Vec<Declared>) {
    let known = own.get(&(package.name.clone(), package.version.clone()));
    let component = Component {
        id: format!("path+{}@{}", package.name, package.version),
        name: package.name.clone(),
        version: package.version.clone(),
        origin: Origin::Path,
        sha256: None,
        facts: known.map(|own| own.facts.clone()).unwrap_or_default(),
        signed: None,
        dependencies: Vec::new(),
    };
    (component, known.map(|own| own.declared.clone()).unwrap_or_default())
}

/// TrustBasis it is trusted, in a word that does not depend on whether the domain was asked this time.
fn signed(release: &Verified) -> Signed {
    let trusted = match &release.how {
        TrustBasis::PinnedAndListed | TrustBasis::PinnedAndLocked | TrustBasis::PinnedDomainUnreachable => {
            "pinned"
        }
        other => other.code(),
    };
    Signed { namespace: release.name.namespace.to_string(), key: release.key.to_string(), trusted }
}

/// The sparse index of a source other than crates.io.
fn index_of(source: &Source) -> Option<IndexUrl> {
    match source {
        Source::Namespace { index, .. } => Some(index.clone()),
        Source::Registry(url) => IndexUrl::parse(url).ok(),
        Source::CratesIo | Source::Git(_) => None,
    }
}

/// `SOURCE_DATE_EPOCH`, where it is set.
///
/// # Errors
/// It is no number of seconds.
pub fn source_date() -> Result<Option<Timestamp>, CliError> {
    let seconds = Environment::of_process().number(Var::SourceDateEpoch);
    let seconds = seconds.map_err(|error: EnvError| CliError::from_error(ExitCode::InvalidInput, &error))?;
    Ok(seconds.map(Timestamp::from_unix))
}
