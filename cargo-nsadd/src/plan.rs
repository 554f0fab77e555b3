//! What an add will do: which entries move to another registry, and how `cargo add` is run after that. Pure: a value that
//! [`crate::add`] executes.

mod error;

use std::ffi::OsString;

use cargo_namespaces::manifest::{Dependency, DependencyKind};
use cargo_namespaces::name::{QualifiedName, QualifiedSpec, RegistryName};
use semver::{Version, VersionReq};

use crate::existing::{ConflictingDependency, KeyUse, same_key};
use crate::namespace_registry::NamespaceRegistry;
use crate::newest::newest;
use crate::options::{AddOptions, DependencySource};

pub use error::{Conflict, PlanError};

/// How many releases a message lists when none fits.
const MAX_LISTED: usize = 5;

/// A crate of a namespace to add, with all that the plan depends on.
#[derive(Clone, Debug)]
pub struct CrateRequest {
    /// What the user wrote.
    pub spec: QualifiedSpec,
    /// The registry of its namespace.
    pub registry: NamespaceRegistry,
    /// What the package has under its key.
    pub key_use: KeyUse,
    /// What to do if the key is taken.
    pub choice: Option<ConflictChoice>,
    /// Whether a workspace member has the crate's name: `cargo add` would take that one.
    pub is_member: bool,
    /// The releases that are not yanked.
    pub versions: Vec<Version>,
    /// The key for keeping both, if that is chosen.
    pub free_key: String,
}

/// What to do with an existing dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConflictChoice {
    /// Move it to the namespace.
    Switch,
    /// Keep it, and add the crate under another key.
    KeepBoth,
}

/// What will be done, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddPlan {
    /// Entries that move.
    pub switches: Vec<EntryMove>,
    /// The runs of `cargo add`.
    pub adds: Vec<CargoAdd>,
    /// The key under which each crate must be afterwards.
    pub keys: Vec<(QualifiedName, String)>,
}

/// A dependency that moves to a namespace, in every table that has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryMove {
    pub name: QualifiedName,
    /// Its new registry.
    pub registry: RegistryName,
    /// Whether the entry is in the root manifest's `[workspace.dependencies]`.
    pub in_root: bool,
    /// The new requirement; `None` keeps the old one.
    pub req: Option<String>,
}

/// One run of `cargo add`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CargoAdd {
    /// The registry; `None` for crates outside of namespaces.
    pub registry: Option<RegistryName>,
    /// Whether Cargo takes the entry of `[workspace.dependencies]`, which names the registry already.
    pub inherited: bool,
    /// What to add, as Cargo reads it.
    pub specs: Vec<String>,
    /// `--features`
    pub features: Vec<String>,
    /// `--rename`
    pub rename: Option<String>,
    /// The flags of the table, if it is not the one that the command line chooses.
    pub section: Option<Vec<OsString>>,
}

/// Makes the plan.
///
/// # Errors
/// A key is taken and nothing was chosen; a requirement fits no release; a feature belongs to no crate.
pub fn plan(requests: &[CrateRequest], options: &AddOptions) -> Result<AddPlan, PlanError> {
    let conflicts: Vec<Conflict> = requests.iter().filter_map(Conflict::undecided).collect();
    if !conflicts.is_empty() {
        return Err(PlanError::Taken { conflicts, resume: options.resume.clone() });
    }
    let mut features = CrateFeatures::read(requests, options)?;
    let mut plan = AddPlan::default();
    let plain = &options.plain;
    if !plain.is_empty() || options.dependency.source.as_ref().is_some_and(DependencySource::names_crate) {
        let features = if plain.is_empty() {
            options.dependency.features.clone()
        } else {
            plain.iter().flat_map(|spec| features.take(bare(spec))).collect()
        };
        let rename = options.rename.key().map(str::to_owned);
        plan.adds.push(CargoAdd { specs: plain.clone(), features, rename, ..CargoAdd::default() });
    }
    for request in requests {
        plan.add(request, features.take(&request.spec.name.to_string()), options)?;
    }
    Ok(plan)
}

impl AddPlan {
    /// Plans one crate.
    fn add(
        &mut self,
        request: &CrateRequest,
        features: Vec<String>,
        options: &AddOptions,
    ) -> Result<(), PlanError> {
        let name = &request.spec.name;
        let newest = newest_release(request)?;
        let key = options.rename.key().unwrap_or(name.krate.as_str()).to_owned();
        let mut add = CargoAdd {
            registry: Some(request.registry.name.clone()),
            inherited: false,
            specs: vec![cargo_spec(request, &newest)],
            features,
            rename: options.rename.key().map(str::to_owned),
            section: None,
        };
        match (&request.key_use, request.choice) {
            (KeyUse::Taken(old), Some(ConflictChoice::Switch)) => {
                self.move_entry(request, old, key, &newest);
                if old.in_package && !options.dependency.says_something() {
                    return Ok(());
                }
                if options.dependency.section.is_empty() {
                    add.section = section_of(&old.tables);
                }
                if old.is_inherited() {
                    add.inherit(name);
                }
                self.adds.push(add);
            }
            (KeyUse::Inherited, _) => {
                if request.spec.req_text().is_some() {
                    return Err(PlanError::InheritedRequirement { name: name.clone() });
                }
                add.inherit(name);
                self.keys.push((name.clone(), key));
                self.merge(add);
            }
            (KeyUse::Taken(_), Some(ConflictChoice::KeepBoth)) => {
                add.rename = Some(request.free_key.clone());
                self.keys.push((name.clone(), request.free_key.clone()));
                self.adds.push(add);
            }
            _ => {
                self.keys.push((name.clone(), key));
                self.merge(add);
            }
        }
        Ok(())
    }

    fn move_entry(
        &mut self,
        request: &CrateRequest,
        old: &ConflictingDependency,
        key: String,
        newest: &Version,
    ) {
        let name = &request.spec.name;
        let key = old.tables.first().map_or(key, |entry| entry.key.clone());
        self.switches.push(EntryMove {
            name: name.clone(),
            registry: request.registry.name.clone(),
            in_root: old.is_inherited(),
            req: new_requirement(request, &old.dependency, newest),
        });
        self.keys.push((name.clone(), key));
    }

    /// Puts crates of one registry that need no flags of their own into one run.
    fn merge(&mut self, add: CargoAdd) {
        let alike = |other: &&mut CargoAdd| {
            other.registry == add.registry
                && other.inherited == add.inherited
                && other.rename.is_none()
                && other.section.is_none()
        };
        match self.adds.iter_mut().find(alike).filter(|_| add.rename.is_none()) {
            Some(other) => {
                other.specs.extend(add.specs);
                other.features.extend(add.features);
            }
            None => self.adds.push(add),
        }
    }
}

impl CargoAdd {
    /// Lets Cargo inherit the workspace's entry, which it does only for a name without a requirement.
    fn inherit(&mut self, name: &QualifiedName) {
        self.inherited = true;
        self.specs = vec![name.krate.to_string()];
    }
}

fn newest_release(request: &CrateRequest) -> Result<Version, PlanError> {
    let found = newest(&request.versions, |version| version, request.spec.req.as_ref());
    found.cloned().ok_or_else(|| {
        let mut available = request.versions.clone();
        available.sort();
        available.reverse();
        available.truncate(MAX_LISTED);
        PlanError::NoRelease { spec: request.spec.clone(), available }
    })
}

/// The crate as `cargo add` is told. With a version, `cargo add` does not take a workspace member of that name.
fn cargo_spec(request: &CrateRequest, newest: &Version) -> String {
    let krate = &request.spec.name.krate;
    match request.spec.req_text() {
        Some(req) => format!("{krate}@{req}"),
        None if request.is_member => format!("{krate}@{}", plain_version(newest)),
        None => krate.to_string(),
    }
}

/// The version as `cargo add` writes it: without build metadata.
fn plain_version(version: &Version) -> String {
    Version { build: semver::BuildMetadata::EMPTY, ..version.clone() }.to_string()
}

/// The requirement of a moved dependency: what the user wrote; otherwise the old one (`None`) if the namespace has a
/// release for it; otherwise the newest release.
fn new_requirement(request: &CrateRequest, old: &Dependency, newest: &Version) -> Option<String> {
    if let Some(req) = request.spec.req_text() {
        return Some(req.to_owned());
    }
    let old = old.req.as_deref().and_then(|req| VersionReq::parse(req).ok());
    let fits = old.is_some_and(|req| request.versions.iter().any(|version| req.matches(version)));
    (!fits).then(|| plain_version(newest))
}

/// The flags of the dependency's table, if it is not in `[dependencies]`.
fn section_of(tables: &[Dependency]) -> Option<Vec<OsString>> {
    let plain =
        |entry: &Dependency| entry.table.kind == DependencyKind::Normal && entry.table.target.is_none();
    let first = tables.first().filter(|_| !tables.iter().any(plain))?;
    let mut flags = match first.table.kind {
        DependencyKind::Normal => Vec::new(),
        DependencyKind::Dev => vec![OsString::from("--dev")],
        DependencyKind::Build => vec![OsString::from("--build")],
    };
    if let Some(target) = &first.table.target {
        flags.extend([OsString::from("--target"), target.into()]);
    }
    Some(flags)
}

/// `serde@1` is `serde`.
fn bare(spec: &str) -> &str {
    spec.split_once('@').map_or(spec, |(name, _)| name)
}

/// The features of the command line, each with the crate that it is for.
struct CrateFeatures(Vec<(String, String)>);

impl CrateFeatures {
    /// A single crate takes all features. Among several crates, each feature names its crate: `serde-abc/std`,
    /// `serde.rs/serde-abc/std`.
    fn read(requests: &[CrateRequest], options: &AddOptions) -> Result<Self, PlanError> {
        let mut owners: Vec<(String, &str)> = requests
            .iter()
            .map(|request| (request.spec.name.to_string(), request.spec.name.krate.as_str()))
            .collect();
        owners.extend(options.plain.iter().map(|spec| (bare(spec).to_owned(), bare(spec))));
        let mut read = Vec::new();
        for feature in &options.dependency.features {
            let fitting: Vec<(&String, &str)> = owners
                .iter()
                .filter_map(|(full, krate)| {
                    let rest = feature_of(feature, full).or_else(|| feature_of(feature, krate))?;
                    Some((full, rest))
                })
                .collect();
            match (fitting.as_slice(), owners.as_slice()) {
                ([(owner, rest)], _) => read.push(((*owner).clone(), (*rest).to_owned())),
                ([], [(owner, _)]) => read.push((owner.clone(), feature.clone())),
                ([], []) => {}
                ([], [(example, _), ..]) => {
                    let (feature, example) = (feature.clone(), example.clone());
                    return Err(PlanError::FeatureOfWhich { feature, example });
                }
                _ => return Err(PlanError::FeatureOfSeveral { feature: feature.clone() }),
            }
        }
        Ok(Self(read))
    }

    /// Takes out the features of one crate, in the form `CRATE/FEATURE` that Cargo takes beside other crates.
    fn take(&mut self, owner: &str) -> Vec<String> {
        let krate = owner.rsplit('/').next().unwrap_or(owner);
        let of_owner = |entry: &mut (String, String)| entry.0 == owner;
        self.0.extract_if(.., of_owner).map(|(_, feature)| format!("{krate}/{feature}")).collect()
    }
}

/// The feature without its crate, if it names `krate`, which the user may have spelled with other separators or in capitals.
fn feature_of<'f>(feature: &'f str, krate: &str) -> Option<&'f str> {
    let (before, rest) = (feature.get(..krate.len())?, feature.get(krate.len()..)?);
    rest.strip_prefix('/').filter(|_| same_key(&before.to_lowercase(), &krate.to_lowercase()))
}

#[cfg(test)]
mod tests;
