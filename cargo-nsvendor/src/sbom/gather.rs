//! What a bill of materials is made of: lock files, manifests, what was verified, where things are downloaded from.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use cargo_namespaces::env::{EnvError, Environment, Var};
use cargo_namespaces::index::IndexConfig;
use cargo_namespaces::lockfile::{LockFile, LockSource, LockedPackage};
use cargo_namespaces::name::{CrateName, IndexUrl};
use cargo_namespaces::purl;
use cargo_namespaces::registry_client::RegistryClient;
use cargo_namespaces::shell::{CliError, ExitCode, Shell};
use cargo_namespaces::time::Timestamp;
use cargo_namespaces::trust::How;
use cargo_namespaces::verify::Verified;
use semver::Version;

use super::{Bom, Component, Facts, Origin, Signed};
use crate::git_url::GitUrl;
use crate::plan::{Package, Plan, Source, SourceDir};
use crate::project::Project;
use crate::verified::Verification;

/// Where the manifest of a vendored package is read.
pub type ManifestOf<'a> = &'a dyn Fn(&SourceDir, &Package) -> Result<String, CliError>;

/// A package in the lock files.
type Key<'a> = (&'a str, &'a Version, &'a LockSource);

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
    pub fn bom(&self, manifest_of: ManifestOf<'_>) -> Result<Bom, CliError> {
        let own = self.own_packages()?;
        let configs = self.index_configs();
        let mut made: BTreeMap<String, (Component, &LockedPackage)> = BTreeMap::new();
        let mut ids: HashMap<Key<'_>, String> = HashMap::new();
        let vendored: HashMap<(String, &str, &Version), (&SourceDir, &Package)> = self
            .plan
            .packages()
            .map(|(source, package)| {
                ((source.source.url(), package.name.as_str(), &package.version), (source, package))
            })
            .collect();
        for package in self.locks.iter().flat_map(|lock| &lock.packages) {
            let component = if package.source == LockSource::Path {
                path_component(package, &own)
            } else {
                let key = (url_of(&package.source), package.name.as_str(), &package.version);
                let Some((source, planned)) = vendored.get(&key) else { continue };
                if planned.is_stub() {
                    continue;
                }
                let facts = Facts::of_manifest(&manifest_of(source, planned)?);
                self.component(source, planned, facts, &configs)
            };
            ids.insert((&package.name, &package.version, &package.source), component.id.clone());
            made.insert(component.id.clone(), (component, package));
        }
        let at: BTreeMap<String, usize> = made.keys().cloned().zip(0..).collect();
        let mut components = Vec::with_capacity(made.len());
        for (mut component, package) in made.into_values() {
            let named = package.dependencies.iter().filter_map(|dependency| {
                ids.get(&(
                    dependency.name.as_str(),
                    dependency.version.as_ref()?,
                    dependency.source.as_ref()?,
                ))
            });
            let positions: BTreeSet<usize> = named.filter_map(|id| at.get(id).copied()).collect();
            component.dependencies = positions.into_iter().collect();
            components.push(component);
        }
        let roots = roots(&components, &own);
        let name = match roots.as_slice() {
            [only] => components[*only].name.clone(),
            _ => "workspace".to_owned(),
        };
        Ok(Bom { name, roots, components, time: source_date()? })
    }

    /// The workspaces' own packages, by name and version.
    fn own_packages(&self) -> Result<BTreeMap<(String, Version), Facts>, CliError> {
        let mut own = BTreeMap::new();
        for manifest in &self.project.manifests {
            for package in self.project.cargo.members(manifest)?.packages {
                let facts = Facts::of_package(&package);
                own.insert((package.name.to_string(), package.version), facts);
            }
        }
        Ok(own)
    }

    /// The configurations of the registries other than crates.io.
    fn index_configs(&self) -> BTreeMap<IndexUrl, IndexConfig> {
        let indexes: Vec<IndexUrl> =
            self.plan.sources.iter().filter_map(|source| index_of(&source.source)).collect();
        let read = self.client.index_configs(&indexes);
        let mut configs = BTreeMap::new();
        for (index, config) in indexes.into_iter().zip(read) {
            match config {
                Ok(config) => {
                    configs.insert(index, config);
                }
                Err(error) => self.shell.warn(format!(
                    "the bill of materials does not say where the packages of {index} are downloaded from: {error}"
                )),
            }
        }
        configs
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
            Source::Git(GitUrl { url, commit, .. }) => {
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

/// What the project itself is: its members, or what nothing else depends on where those are not known.
fn roots(components: &[Component], own: &BTreeMap<(String, Version), Facts>) -> Vec<usize> {
    let is_own = |component: &Component| {
        component.origin == Origin::Path
            && own.contains_key(&(component.name.clone(), component.version.clone()))
    };
    (0..components.len()).filter(|at| is_own(&components[*at])).collect()
}

fn path_component(package: &LockedPackage, own: &BTreeMap<(String, Version), Facts>) -> Component {
    let facts = own.get(&(package.name.clone(), package.version.clone())).cloned().unwrap_or_default();
    Component {
        id: format!("path+{}@{}", package.name, package.version),
        name: package.name.clone(),
        version: package.version.clone(),
        origin: Origin::Path,
        sha256: None,
        facts,
        signed: None,
        dependencies: Vec::new(),
    }
}

/// How it is trusted, in a word that does not depend on whether the domain was asked this time.
fn signed(release: &Verified) -> Signed {
    let trusted = match &release.how {
        How::PinnedAndStands | How::PinnedAndLocked | How::PinnedDomainSilent => "pinned",
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

/// As [`Source::url`].
fn url_of(source: &LockSource) -> String {
    match source {
        LockSource::Path => String::new(),
        LockSource::CratesIo => Source::CratesIo.url(),
        LockSource::Registry(index) => index.to_string(),
        LockSource::OtherRegistry(text) | LockSource::Git(text) => text.clone(),
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
