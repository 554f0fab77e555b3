//! What each dependency becomes: its crate, and the key that it will have. Nothing is edited here.

use super::super::notation::{CRATES_IO, is_dotted_registry, is_qualified};
use super::super::tables::Dependency;
use super::{Job, Problem, QualifiedDependency, RewriteContext, RewriteError, is_crates_io, refuse};
use crate::name::{CrateName, Namespace, QualifiedName, RegistryName};
use crate::toml_text::Position;
use semver::VersionReq;
use std::collections::{BTreeMap, BTreeSet};

/// All dependencies of the manifest, those in notation with what they become.
pub(super) struct Plan {
    pub(super) items: Vec<Item>,
    keys: Keys,
}

/// One dependency.
pub(super) struct Item {
    pub(super) dependency: Dependency,
    /// The crate that notation names; none for a dependency in Cargo's own form.
    pub(super) target: Option<QualifiedName>,
    /// The key that it will have.
    pub(super) key: String,
    /// Whether another crate has the bare name.
    pub(super) displaced: bool,
}

/// The keys given so far. The package's tables share theirs; the workspace's table has its own.
#[derive(Default)]
struct Keys {
    package: Scope,
    workspace: Scope,
}

#[derive(Default)]
struct Scope {
    given: BTreeMap<QualifiedName, String>,
    /// Keys as the code spells them, with what they stand for.
    used: BTreeMap<String, KeyHolder>,
}

/// What a key stands for: enough to tell whether two entries mean one crate.
#[derive(Clone, PartialEq)]
enum KeyHolder {
    Registry { package: String, registry: Option<String> },
    Path { package: String, path: String },
    Inherited,
    Elsewhere,
}

impl Plan {
    /// The key of a crate among the package's dependencies.
    pub(super) fn key_of(&self, name: &QualifiedName, context: &RewriteContext) -> Option<&str> {
        if let Some(key) = self.keys.package.given.get(name) {
            return Some(key);
        }
        let registry = (!is_crates_io(&name.namespace)).then(|| context.registry(&name.namespace));
        let mut plain =
            self.items.iter().map(|item| &item.dependency).filter(|dependency| !dependency.table.workspace);
        let direct = plain.clone().find(|dependency| {
            dependency.package == name.krate.as_str()
                && dependency.registry.as_deref() == registry.as_ref().map(|registry| registry.as_str())
                && !dependency.workspace
        });
        let inherited = context.workspace_keys.get(name).map_or(name.krate.as_str(), String::as_str);
        direct
            .or_else(|| plain.find(|dependency| dependency.workspace && dependency.key == inherited))
            .map(|dependency| dependency.key.as_str())
    }

    pub(super) fn needs(&self, job: &Job<'_, '_>) -> Vec<QualifiedDependency> {
        self.items.iter().filter_map(|item| item.need(job)).collect()
    }

    /// Where `[workspace.dependencies]` has crates of namespaces, by notation or in Cargo's form.
    pub(super) fn workspace_keys(&self, context: &RewriteContext) -> BTreeMap<QualifiedName, String> {
        let mut keys = BTreeMap::new();
        for item in self.items.iter().filter(|item| item.dependency.table.workspace) {
            let name = item.target.clone().or_else(|| {
                let namespace = context.namespace_of(item.dependency.registry.as_deref()?)?;
                let krate = CrateName::parse(&item.dependency.package).ok()?;
                Some(QualifiedName { namespace, krate })
            });
            if let Some(name) = name {
                keys.entry(name).or_insert_with(|| item.key.clone());
            }
        }
        keys
    }
}

impl Item {
    pub(super) fn need(&self, job: &Job<'_, '_>) -> Option<QualifiedDependency> {
        let name = self.target.clone().filter(|name| !is_crates_io(&name.namespace))?;
        let dependency = &self.dependency;
        Some(QualifiedDependency {
            req: dependency.req.clone(),
            key: self.key.clone(),
            table: dependency.table.to_string(),
            has_path: dependency.path.is_some(),
            has_git: dependency.git.is_some(),
            is_own_namespace: job.own.contains(&name.namespace),
            inherited: dependency.workspace,
            position: dependency.position,
            name,
        })
    }
}

impl Job<'_, '_> {
    /// Finds out what each dependency becomes.
    pub(super) fn plan_dependencies(&self, dependencies: &[Dependency]) -> Result<Plan, RewriteError> {
        let mut items = Vec::with_capacity(dependencies.len());
        for dependency in dependencies {
            let target = self.target(dependency)?;
            let key = dependency.key.clone();
            items.push(Item { dependency: dependency.clone(), target, key, displaced: false });
        }
        let mut keys = Keys::default();
        for item in items.iter().filter(|item| !is_qualified(&item.dependency.key)) {
            let scope = keys.of(&item.dependency);
            scope.used.entry(spelled(&item.key)).or_insert_with(|| self.source(item));
            if let Some(name) = &item.target {
                scope.given.entry(name.clone()).or_insert_with(|| item.key.clone());
            }
        }
        // The workspace's keys first, then what inherits them, which cannot choose; then the rest, in the text's order.
        for round in 0..3 {
            for item in items.iter_mut().filter(|item| is_qualified(&item.dependency.key)) {
                let its_round = match (item.dependency.table.workspace, item.dependency.workspace) {
                    (true, _) => 0,
                    (false, true) => 1,
                    (false, false) => 2,
                };
                if its_round == round {
                    self.give_key(item, &mut keys)?;
                }
            }
        }
        refuse_twins(&items)?;
        Ok(Plan { items, keys })
    }

    fn give_key(&self, item: &mut Item, keys: &mut Keys) -> Result<(), RewriteError> {
        let Some(name) = item.target.clone() else { return Ok(()) };
        let source = self.source(item);
        if item.dependency.workspace && !item.dependency.table.workspace {
            let known = self.context.workspace_keys.get(&name).or_else(|| keys.workspace.given.get(&name));
            let key = known.cloned().unwrap_or_else(|| name.krate.to_string());
            let holder = keys.package.used.get(&spelled(&key));
            if holder.is_some_and(|holder| *holder != KeyHolder::Inherited) {
                return refuse(item.dependency.position, Problem::InheritedKeyTaken { name, key });
            }
            keys.package.used.insert(spelled(&key), source);
            keys.package.given.insert(name, key.clone());
            item.key = key;
            return Ok(());
        }
        let scope = keys.of(&item.dependency);
        if let Some(key) = scope.given.get(&name) {
            item.key.clone_from(key);
        } else {
            item.key = scope.free_key(&name, &source);
            scope.used.insert(spelled(&item.key), source);
            scope.given.insert(name.clone(), item.key.clone());
        }
        item.displaced = item.key != name.krate.as_str();
        Ok(())
    }

    fn source(&self, item: &Item) -> KeyHolder {
        let dependency = &item.dependency;
        let package = || match &item.target {
            Some(name) => name.krate.to_string(),
            None => dependency.package.clone(),
        };
        if dependency.workspace && !dependency.table.workspace {
            KeyHolder::Inherited
        } else if let Some(path) = &dependency.path {
            KeyHolder::Path { package: package(), path: path.clone() }
        } else if dependency.git.is_some() || dependency.registry_index.is_some() {
            KeyHolder::Elsewhere
        } else {
            let registry = match &item.target {
                Some(name) => self.registry(&name.namespace).map(|registry| registry.to_string()),
                None => dependency.registry.clone(),
            };
            KeyHolder::Registry { package: package(), registry }
        }
    }

    /// The crate that a name in notation means. Behind an `@` may stand a registry's name, which Cargo has for a namespace.
    pub(super) fn qualified(&self, position: Position, text: &str) -> Result<QualifiedName, RewriteError> {
        if let Some((krate, home)) = QualifiedName::at_parts(text)
            && let Err(error) = QualifiedName::parse_notation(text)
        {
            let named = CrateName::parse(krate).or_else(|error| refuse(position, error))?;
            if let Some(namespace) = self.context.namespace_of(home) {
                return Ok(QualifiedName { namespace, krate: named });
            }
            let (krate, home) = (krate.to_owned(), home.to_owned());
            let problem = if VersionReq::parse(&home).is_ok() {
                Problem::AtVersion { krate, version: home }
            } else if RegistryName::parse(&home).is_ok() {
                Problem::AtRegistry { krate, registry: home }
            } else {
                error.into()
            };
            return refuse(position, problem);
        }
        QualifiedName::parse_notation(text).or_else(|error| refuse(position, error))
    }

    /// The crate that an entry in notation names; none for an entry in Cargo's form.
    pub(super) fn target(&self, dependency: &Dependency) -> Result<Option<QualifiedName>, RewriteError> {
        let position = dependency.position;
        let name = |text: &str| is_qualified(text).then(|| self.qualified(position, text)).transpose();
        let from_key = name(&dependency.key)?;
        let from_package = if dependency.renamed { name(&dependency.package)? } else { None };
        let conflict = |one: String, other: String| refuse(position, Problem::Conflict { one, other });
        let target = match (from_key, from_package) {
            (Some(key), Some(package)) if key != package => {
                return conflict(key.to_string(), format!("package = \"{package}\""));
            }
            (Some(key), None) if dependency.renamed && dependency.package != key.krate.as_str() => {
                return conflict(key.to_string(), format!("package = \"{}\"", dependency.package));
            }
            (Some(name), _) | (None, Some(name)) => Some(name),
            (None, None) => self.target_by_registry(dependency)?,
        };
        if let Some(name) = &target {
            self.check_target(dependency, name)?;
        }
        Ok(target)
    }

    /// `registry = "serde.rs"`, or the namespace of `default_registry`.
    fn target_by_registry(&self, dependency: &Dependency) -> Result<Option<QualifiedName>, RewriteError> {
        let namespace = match &dependency.registry {
            Some(registry) if registry == CRATES_IO || !is_dotted_registry(registry) => return Ok(None),
            Some(registry) => {
                Some(Namespace::parse(registry).or_else(|error| refuse(dependency.position, error))?)
            }
            None => {
                let plain = dependency.req.is_some()
                    && dependency.path.is_none()
                    && dependency.git.is_none()
                    && dependency.registry_index.is_none()
                    && !dependency.workspace
                    && !dependency.table.workspace;
                self.default_namespace.clone().filter(|_| plain)
            }
        };
        let Some(namespace) = namespace else { return Ok(None) };
        let krate =
            CrateName::parse(&dependency.package).or_else(|error| refuse(dependency.position, error))?;
        Ok(Some(QualifiedName { namespace, krate }))
    }

    fn check_target(&self, dependency: &Dependency, name: &QualifiedName) -> Result<(), RewriteError> {
        let position = dependency.position;
        let conflict = |other: String| refuse(position, Problem::Conflict { one: name.to_string(), other });
        let expected = self.registry(&name.namespace);
        let expected = expected.as_ref().map_or("crates-io", |registry| registry.as_str());
        if let Some(registry) = &dependency.registry
            && registry != expected
            && registry != name.namespace.as_str()
        {
            return conflict(format!("registry = \"{registry}\""));
        }
        if let Some(index) = &dependency.registry_index {
            return conflict(format!("registry-index = \"{index}\""));
        }
        if dependency.workspace {
            return match &dependency.registry {
                Some(registry) => conflict(format!("workspace = true, registry = \"{registry}\"")),
                None => Ok(()),
            };
        }
        let is_patch = dependency.table.path.first().is_some_and(|first| first == "patch");
        match (&dependency.git, &dependency.path, &dependency.req) {
            (Some(_), _, Some(_)) if !is_patch => refuse(position, Problem::GitAndVersion(name.clone())),
            (None, None, None) => refuse(position, Problem::NoVersion(name.clone())),
            _ => Ok(()),
        }
    }
}

/// Two entries of one table that would have one key.
fn refuse_twins(items: &[Item]) -> Result<(), RewriteError> {
    let mut seen = BTreeSet::new();
    for item in items {
        let twin = !seen.insert((&item.dependency.table.path, &item.key));
        if let (true, Some(name)) = (twin, &item.target) {
            return refuse(item.dependency.position, Problem::Twice(name.clone()));
        }
    }
    // A plain entry that comes after the one in notation.
    let mut seen = BTreeSet::new();
    for item in items.iter().rev() {
        let twin = !seen.insert((&item.dependency.table.path, &item.key));
        if let (true, Some(name)) = (twin, &item.target) {
            return refuse(item.dependency.position, Problem::Twice(name.clone()));
        }
    }
    Ok(())
}

impl Keys {
    fn of(&mut self, dependency: &Dependency) -> &mut Scope {
        if dependency.table.workspace { &mut self.workspace } else { &mut self.package }
    }
}

impl Scope {
    /// The bare name where it is free or means the same crate, else [`long_key`], else that with a number.
    fn free_key(&self, name: &QualifiedName, source: &KeyHolder) -> String {
        let fits = |key: &str| self.used.get(&spelled(key)).is_none_or(|holder| holder == source);
        let bare = name.krate.to_string();
        if fits(&bare) {
            return bare;
        }
        let long = long_key(name);
        let numbered = (2..).map(|number: u32| format!("{long}-{number}"));
        std::iter::once(long.clone()).chain(numbered).find(|key| fits(key)).unwrap_or(long)
    }
}

/// The key of a crate whose bare name is taken: `serde.rs/serde-abc` → `serde-rs-serde-abc`.
pub(in super::super) fn long_key(name: &QualifiedName) -> String {
    let namespace = name.namespace.as_str().replace('.', "-");
    let start = if namespace.starts_with(|first: char| first.is_ascii_digit()) { "_" } else { "" };
    format!("{start}{namespace}-{}", name.krate)
}

/// A key as rustc sees it: `a-b` and `a_b` are one name in the code.
pub(in super::super) fn spelled(key: &str) -> String {
    key.replace('-', "_")
}
