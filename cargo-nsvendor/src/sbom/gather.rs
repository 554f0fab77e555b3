//! Making a bill of materials of lock files, manifests, what was verified, and the download URLs of registries.

use std::collections::{BTreeMap, HashMap};

use cargo_namespaces::index::IndexConfig;
use cargo_namespaces::lockfile::{LockSource, LockedPackage};
use cargo_namespaces::name::{CrateName, IndexUrl};
use cargo_namespaces::purl;
use cargo_namespaces::time::Timestamp;
use cargo_namespaces::trust::TrustBasis;
use cargo_namespaces_cli::env::{EnvError, Environment, Var};
use cargo_namespaces_cli::verify::Verified;
use semver::Version;
use toml_edit::DocumentMut;

use super::declared::{self, Declared};
use super::error::BomError;
use super::local_packages::{self, LocalPackages};
use super::{Bom, Component, ManifestFacts, Origin, Signed, Uses};
use crate::context::Context;
use crate::plan::{Package, PlannedSource, SourceDir};
use crate::verify::VerifiedLocks;

/// Returns the manifest of a vendored package.
pub type ManifestOf<'a> = &'a dyn Fn(&SourceDir, &Package) -> Result<String, BomError>;

/// A package in the lock files.
type Key<'a> = (&'a str, &'a Version, &'a LockSource);

/// A bill of materials, and what is missing from it.
#[derive(Debug)]
pub struct GatheredBom {
    /// As far as it is known.
    pub bom: Bom,
    /// What could not be found out now. With it, the document would be different.
    pub unknown: Vec<String>,
}

/// A component whose dependencies are not known yet.
struct Node<'a> {
    component: Component,
    declared: Vec<Declared>,
    locked: &'a LockedPackage,
}

/// What a bill of materials is made of.
pub struct BomInputs<'a> {
    pub context: &'a Context<'a>,
    pub verified: &'a VerifiedLocks,
}

impl BomInputs<'_> {
    ///
    /// # Errors
    /// A manifest cannot be read, or `SOURCE_DATE_EPOCH` is not a number.
    pub fn bom(&self, manifest_of: ManifestOf<'_>) -> Result<GatheredBom, BomError> {
        let own = local_packages::find(self.context.project)?;
        let (configs, unknown) = self.index_configs();
        let mut made: BTreeMap<String, Node<'_>> = BTreeMap::new();
        let mut ids: HashMap<Key<'_>, String> = HashMap::new();
        let sources: Vec<(LockSource, &SourceDir)> =
            self.verified.plan.sources.iter().map(|source| (source.source.locked(), source)).collect();
        let vendored: HashMap<Key<'_>, (&SourceDir, &Package)> = sources
            .iter()
            .flat_map(|(locked, source)| {
                source.packages.iter().map(move |package| (locked, *source, package))
            })
            .map(|(locked, source, package)| {
                ((package.name.as_str(), &package.version, locked), (source, package))
            })
            .collect();
        for package in self.verified.locks.iter().flat_map(|lock| &lock.packages) {
            let (component, declared) = if package.source == LockSource::Path {
                path_component(package, &own)
            } else {
                let key: Key<'_> = (&package.name, &package.version, &package.source);
                let (source, planned) = vendored.get(&key).expect("the plan is made of the lock files");
                if planned.is_stub() {
                    continue;
                }
                let document: DocumentMut = manifest_of(source, planned)?.parse().unwrap_or_default();
                let facts = ManifestFacts::of_manifest(&document);
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
        Ok(GatheredBom { bom: Bom { name, roots, components, time: source_date()? }, unknown })
    }

    /// The configurations of the registries other than crates.io.
    fn index_configs(&self) -> (BTreeMap<IndexUrl, IndexConfig>, Vec<String>) {
        let indexes: Vec<IndexUrl> =
            self.verified.plan.sources.iter().filter_map(|source| index_of(&source.source)).collect();
        let read = self.context.registries.index_configs(&indexes);
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
        facts: ManifestFacts,
        configs: &BTreeMap<IndexUrl, IndexConfig>,
    ) -> Component {
        let (name, version) = (package.name.as_str(), &package.version);
        let (id, origin) = match &source.source {
            PlannedSource::CratesIo => {
                let url = format!("https://static.crates.io/crates/{name}/{version}/download");
                (purl::of_crates_io(name, version), Origin::Registry(Some(url)))
            }
            PlannedSource::Git(git) => {
                let (url, commit) = (git.url(), git.commit());
                (purl::of_git(name, version, url, commit), Origin::Git(format!("git+{url}@{commit}")))
            }
            PlannedSource::Namespace { index, .. } => {
                (purl::of_registry(name, version, index.as_str()), self.origin(source, package, configs))
            }
            PlannedSource::Registry(url) => {
                let index = url.strip_prefix("registry+").unwrap_or(url);
                (purl::of_registry(name, version, index), self.origin(source, package, configs))
            }
        };
        let signed = self.verified.verification.release(source, package).map(signed);
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

/// The components with their dependencies, sorted by identifier.
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

/// The positions of the project's own members.
fn roots(components: &[Component], own: &LocalPackages) -> Vec<usize> {
    let is_member = |component: &Component| {
        let key = (component.name.clone(), component.version.clone());
        component.origin == Origin::Path && own.get(&key).is_some_and(|own| own.is_member)
    };
    (0..components.len()).filter(|at| is_member(&components[*at])).collect()
}

fn path_component(package: &LockedPackage, own: &LocalPackages) -> (Component, Vec<Declared>) {
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

/// Who signed a release. The reason for trust does not depend on whether the domain was asked this time.
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
fn index_of(source: &PlannedSource) -> Option<IndexUrl> {
    match source {
        PlannedSource::Namespace { index, .. } => Some(index.clone()),
        PlannedSource::Registry(url) => IndexUrl::parse(url).ok(),
        PlannedSource::CratesIo | PlannedSource::Git(_) => None,
    }
}

/// `SOURCE_DATE_EPOCH`, if it is set.
///
/// # Errors
/// It is not a number of seconds.
pub fn source_date() -> Result<Option<Timestamp>, EnvError> {
    let seconds = Environment::of_process().number(Var::SourceDateEpoch)?;
    Ok(seconds.map(Timestamp::from_unix))
}
