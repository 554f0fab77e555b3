//! What an add will do: which entries move to another registry, which `cargo add` runs follow. Pure.

use std::ffi::OsString;

use cargo_namespaces::manifest::{Dependency, DependencyKind};
use cargo_namespaces::name::{QualifiedName, QualifiedSpec, RegistryName};
use cargo_namespaces_cli::shell::{CliError, ExitCode};
use semver::{Version, VersionReq};

use crate::args::Args;
use crate::contact::Contact;
use crate::existing::{Found, Taken, same_key};

/// A crate of a namespace that is to be added, with all that was found out about it.
#[derive(Clone, Debug)]
pub struct Request {
    /// What the user wrote.
    pub spec: QualifiedSpec,
    /// Its namespace.
    pub contact: Contact,
    /// What is there under its key.
    pub found: Found,
    /// What to do where something else is there.
    pub choice: Option<Choice>,
    /// Whether a workspace member has the crate's name: `cargo add` would take that one.
    pub is_member: bool,
    /// The releases that are not yanked.
    pub versions: Vec<Version>,
    /// The key for keeping both, if that is chosen.
    pub free_key: String,
}

/// What to do with an existing dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Move it to the namespace.
    Switch,
    /// Keep it, and add the crate under another key.
    KeepBoth,
}

/// What will be done, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Entries that move.
    pub switches: Vec<Switch>,
    /// The runs of `cargo add`.
    pub adds: Vec<Add>,
    /// Under which key each crate is to be found afterwards.
    pub keys: Vec<(QualifiedName, String)>,
}

/// A dependency that moves to a namespace, in every table that has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switch {
    /// The crate.
    pub name: QualifiedName,
    /// Its new registry.
    pub registry: RegistryName,
    /// Whether it stands in the root manifest's `[workspace.dependencies]`.
    pub in_root: bool,
    /// The new requirement; none keeps the old one.
    pub req: Option<String>,
}

/// One run of `cargo add`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Add {
    /// The registry; none for crates outside of namespaces.
    pub registry: Option<RegistryName>,
    /// Whether Cargo takes the entry of `[workspace.dependencies]`, which names the registry already.
    pub inherited: bool,
    /// What to add, as Cargo reads it.
    pub specs: Vec<String>,
    /// `--features`
    pub features: Vec<String>,
    /// `--rename`
    pub rename: Option<String>,
    /// The table, where it is not the one of the command line.
    pub section: Option<Vec<OsString>>,
}

/// Makes the plan.
///
/// # Errors
/// Something is in the way and nothing was chosen; a requirement fits no release; a feature belongs to no crate.
pub fn plan(requests: &[Request], plain: &[String], args: &Args) -> Result<Plan, CliError> {
    let taken: Vec<(&Request, &Taken)> = requests
        .iter()
        .filter(|request| request.choice.is_none())
        .filter_map(|request| match &request.found {
            Found::Taken(taken) => Some((request, &**taken)),
            Found::Free | Found::Ours | Found::Inherited => None,
        })
        .collect();
    if !taken.is_empty() {
        return Err(action_required(&taken, args));
    }
    let mut features = Features::read(requests, plain, args)?;
    let mut plan = Plan::default();
    if !plain.is_empty() || args.dependency.path.is_some() || args.dependency.git.is_some() {
        let features = plain.iter().flat_map(|spec| features.take(bare(spec))).collect::<Vec<_>>();
        let features = if plain.is_empty() { args.dependency.feature_list() } else { features };
        let rename = args.key().map(str::to_owned);
        plan.adds.push(Add { specs: plain.to_vec(), features, rename, ..Add::default() });
    }
    for request in requests {
        plan.request(request, features.take_qualified(&request.spec.name), args)?;
    }
    Ok(plan)
}

impl Plan {
    fn request(&mut self, request: &Request, features: Vec<String>, args: &Args) -> Result<(), CliError> {
        let name = &request.spec.name;
        let newest = newest(request)?;
        let key = args.key().unwrap_or(name.krate.as_str()).to_owned();
        let mut add = Add {
            registry: Some(request.contact.registry.clone()),
            inherited: false,
            specs: vec![cargo_spec(request, &newest)],
            features,
            rename: args.key().map(str::to_owned),
            section: None,
        };
        match (&request.found, request.choice) {
            (Found::Taken(taken), Some(Choice::Switch)) => {
                let key = taken.tables.first().map_or(key, |entry| entry.key.clone());
                self.switches.push(Switch {
                    name: name.clone(),
                    registry: request.contact.registry.clone(),
                    in_root: taken.is_inherited(),
                    req: new_requirement(request, &taken.dependency, &newest),
                });
                self.keys.push((name.clone(), key));
                if taken.in_package && !args.dependency.says_something() {
                    return Ok(());
                }
                if args.dependency.section_flags().is_empty() {
                    add.section = section_of(&taken.tables);
                }
                if taken.is_inherited() {
                    add.inherit(name);
                }
                self.adds.push(add);
            }
            (Found::Inherited, _) => {
                if request.spec.req_text().is_some() {
                    return Err(inherited_requirement(name));
                }
                add.inherit(name);
                self.keys.push((name.clone(), key));
                self.merge(add);
            }
            (Found::Taken(_), Some(Choice::KeepBoth)) => {
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

    /// Crates of one registry with nothing particular about them go into one run.
    fn merge(&mut self, add: Add) {
        let alike = |other: &&mut Add| {
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

impl Add {
    /// Lets Cargo inherit the workspace's entry, which it does for a bare name only.
    fn inherit(&mut self, name: &QualifiedName) {
        self.inherited = true;
        self.specs = vec![name.krate.to_string()];
    }
}

fn inherited_requirement(name: &QualifiedName) -> CliError {
    let krate = &name.krate;
    CliError::usage(format!("{} is inherited, with the requirement of the workspace", name.display_both()))
        .hint(format!("leave the requirement out, or change it in `[workspace.dependencies]` at `{krate}`"))
}

/// The newest release that fits; no pre-release unless asked for, or where there is nothing else.
fn newest(request: &Request) -> Result<Version, CliError> {
    let name = &request.spec.name;
    let fits = |version: &&Version| request.spec.req.as_ref().is_none_or(|req| req.matches(version));
    let fitting: Vec<&Version> = request.versions.iter().filter(fits).collect();
    let stable = fitting.iter().filter(|version| version.pre.is_empty()).max();
    if let Some(version) = stable.or_else(|| fitting.iter().max()) {
        return Ok((*version).clone());
    }
    let mut versions = request.versions.clone();
    versions.sort();
    let listed: Vec<String> = versions.iter().rev().take(5).map(Version::to_string).collect();
    let error = match request.spec.req_text() {
        Some(req) => format!("no release of {} fits `{req}`", name.display_both()),
        None => format!("{} has no release that is not yanked", name.display_both()),
    };
    let error = CliError::new(ExitCode::Failure, error);
    Err(if listed.is_empty() {
        error
    } else {
        error.hint(format!("the newest releases are {}", listed.join(", ")))
    })
}

/// What `cargo add` is told. With a version it takes no workspace member of that name.
fn cargo_spec(request: &Request, newest: &Version) -> String {
    let krate = &request.spec.name.krate;
    match request.spec.req_text() {
        Some(req) => format!("{krate}@{req}"),
        None if request.is_member => format!("{krate}@{}", plain_version(newest)),
        None => krate.to_string(),
    }
}

/// As `cargo add` writes it: without build data.
fn plain_version(version: &Version) -> String {
    Version { build: semver::BuildMetadata::EMPTY, ..version.clone() }.to_string()
}

/// The requirement of a moved dependency: what the user wrote; the old one, if the namespace has a release for it; else
/// the newest release.
fn new_requirement(request: &Request, old: &Dependency, newest: &Version) -> Option<String> {
    if let Some(req) = request.spec.req_text() {
        return Some(req.to_owned());
    }
    let old = old.req.as_deref().and_then(|req| VersionReq::parse(req).ok());
    let fits = old.is_some_and(|req| request.versions.iter().any(|version| req.matches(version)));
    (!fits).then(|| plain_version(newest))
}

/// The flags of a table that is not `[dependencies]`, where the dependency stands only there.
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

fn action_required(taken: &[(&Request, &Taken)], args: &Args) -> CliError {
    let (first, _) = taken[0];
    let lines: Vec<String> = taken
        .iter()
        .map(|(_, taken)| {
            let table = &taken.dependency.table;
            format!("`{}` in {table} comes from {}", taken.dependency.key, taken.origin())
        })
        .collect();
    let names: Vec<String> = taken.iter().map(|(request, _)| request.spec.to_string()).collect();
    let headline = if taken.len() == 1 {
        format!("there is a dependency `{}` already", taken[0].1.dependency.key)
    } else {
        "there are dependencies of these names already".to_owned()
    };
    let namespace = first.contact.namespace.display_both();
    let whither = if taken.len() == 1 { namespace } else { "their namespaces".to_owned() };
    let mut hint = String::new();
    if taken.iter().all(|(request, taken)| !taken.is_other_package(&request.spec.name)) {
        hint = format!("to move it to {whither}:\n  {}\n", args.again("--switch", &names));
    }
    let rename = args.again("--rename", &names);
    hint.push_str(&format!("to keep both, the new one under another key:\n  {rename}"));
    CliError::new(ExitCode::ActionRequired, headline).because(lines.join("\n")).hint(hint)
}

/// `serde@1` is `serde`.
fn bare(spec: &str) -> &str {
    spec.split_once('@').map_or(spec, |(name, _)| name)
}

/// The features of the command line, each with the crate that it is for.
struct Features(Vec<(String, String)>);

impl Features {
    /// One crate takes all; among several, each feature names its own: `serde-abc/std`, `serde.rs/serde-abc/std`.
    fn read(requests: &[Request], plain: &[String], args: &Args) -> Result<Self, CliError> {
        let given = args.dependency.feature_list();
        let mut owners: Vec<(String, &str)> = requests
            .iter()
            .map(|request| (request.spec.name.to_string(), request.spec.name.krate.as_str()))
            .collect();
        owners.extend(plain.iter().map(|spec| (bare(spec).to_owned(), bare(spec))));
        let mut read = Vec::new();
        for feature in given {
            let fitting: Vec<(&String, &str)> = owners
                .iter()
                .filter_map(|(full, krate)| {
                    // The name may be spelled as it was asked for.
                    let of = |name: &str| {
                        let (before, rest) = (feature.get(..name.len())?, feature.get(name.len()..)?);
                        rest.strip_prefix('/')
                            .filter(|_| same_key(&before.to_lowercase(), &name.to_lowercase()))
                    };
                    of(full).or_else(|| of(krate)).map(|rest| (full, rest))
                })
                .collect();
            match (fitting.as_slice(), owners.as_slice()) {
                ([(owner, rest)], _) => read.push(((*owner).clone(), (*rest).to_owned())),
                ([], [(owner, _)]) => read.push((owner.clone(), feature)),
                ([], []) => {}
                ([], _) => {
                    return Err(CliError::usage(format!(
                        "the feature `{feature}` must say which crate it is for"
                    ))
                    .hint(format!("write `{}/{feature}`", owners[0].0)));
                }
                _ => {
                    return Err(CliError::usage(format!("the feature `{feature}` fits more than one crate"))
                        .hint("write the whole name: `NAMESPACE/CRATE/FEATURE`"));
                }
            }
        }
        Ok(Self(read))
    }

    /// The features of one crate, as Cargo takes them beside other crates.
    fn take(&mut self, owner: &str) -> Vec<String> {
        let krate = owner.rsplit('/').next().unwrap_or(owner);
        let (taken, rest) = std::mem::take(&mut self.0).into_iter().partition(|(of, _)| of == owner);
        self.0 = rest;
        let taken: Vec<(String, String)> = taken;
        taken.into_iter().map(|(_, feature)| format!("{krate}/{feature}")).collect()
    }

    fn take_qualified(&mut self, name: &QualifiedName) -> Vec<String> {
        self.take(&name.to_string())
    }
}

#[cfg(test)]
mod tests;
