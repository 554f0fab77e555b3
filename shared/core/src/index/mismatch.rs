//! Whether an index line says what its package says.

use std::collections::{BTreeMap, BTreeSet};

use semver::VersionReq;

use super::dep::{DependencyKind, IndexDep};
use super::facts::Facts;
use super::feature;
use super::line::IndexLine;

/// The first difference between an index line and the package that it describes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FactMismatch {
    /// One of the simple fields differs.
    #[error("the index line says {field} {line}, the Cargo.toml inside the .crate says {package}")]
    Field {
        /// The field: `name`, `version`, `links` or `rust_version`.
        field: &'static str,
        /// The index line's value, or `nothing`.
        line: String,
        /// The package's value, or `nothing`.
        package: String,
    },
    /// The index adds a dependency: what a hostile index does to an untouched package.
    #[error("the index line lists a {0} that the Cargo.toml inside the .crate does not have")]
    AddedDependency(String),
    /// The index hides a dependency.
    #[error("the Cargo.toml inside the .crate has a {0} that the index line does not list")]
    MissingDependency(String),
    /// A dependency is there in both, and differs.
    #[error(
        "{dependency}: the index line says {field} {line}, the Cargo.toml inside the .crate says {package}"
    )]
    Dependency {
        /// The name of the dependency in the line.
        dependency: String,
        /// What differs, such as `registry`.
        field: &'static str,
        /// The index line's value.
        line: String,
        /// The package's value.
        package: String,
    },
    /// The index adds a feature.
    #[error("the index line has a feature `{0}` that the Cargo.toml inside the .crate does not have")]
    AddedFeature(String),
    /// The index hides a feature.
    #[error("the Cargo.toml inside the .crate has a feature `{0}` that the index line does not have")]
    MissingFeature(String),
    /// A feature enables something else.
    #[error(
        "feature `{feature}`: the index line says {line}, the Cargo.toml inside the .crate says {package}"
    )]
    Feature {
        /// The feature.
        feature: String,
        /// What it enables by the index.
        line: String,
        /// What it enables by the package.
        package: String,
    },
}

impl IndexLine {
    /// Checks that this line says exactly what its package says.
    ///
    /// The comparison is by meaning: the order of dependencies and features, `^1` and `1`, white space in a `cfg`, and
    /// how features are split over the two maps do not matter, because they do not matter to Cargo.
    ///
    /// # Errors
    /// The first difference, with both values.
    pub fn check_facts(&self, facts: &Facts) -> Result<(), FactMismatch> {
        field("name", Some(self.name.as_str()), Some(facts.name.as_str()))?;
        field("version", Some(&self.vers.to_string()), Some(&facts.version.to_string()))?;
        check_dependencies(&self.deps, &facts.deps)?;
        self.check_features(&facts.features)?;
        field("links", self.links.as_deref(), facts.links.as_deref())?;
        field("rust_version", self.rust_version.as_deref(), facts.rust_version.as_deref())
    }

    /// The features as Cargo sees them: both maps merged.
    #[must_use]
    pub fn all_features(&self) -> BTreeMap<String, Vec<String>> {
        let mut features = self.features.clone();
        for (name, values) in &self.features2 {
            features.entry(name.clone()).or_default().extend(values.iter().cloned());
        }
        features
    }

    fn check_features(&self, package: &BTreeMap<String, Vec<String>>) -> Result<(), FactMismatch> {
        let line = self.all_features();
        if let Some(added) = line.keys().find(|name| !package.contains_key(*name)) {
            return Err(FactMismatch::AddedFeature(added.clone()));
        }
        for (feature, values) in package {
            let Some(here) = line.get(feature) else {
                return Err(FactMismatch::MissingFeature(feature.clone()));
            };
            if set(here) != set(values) {
                let (line, package) = (list(here), list(values));
                return Err(FactMismatch::Feature { feature: feature.clone(), line, package });
            }
        }
        Ok(())
    }
}

fn field(field: &'static str, line: Option<&str>, package: Option<&str>) -> Result<(), FactMismatch> {
    if line == package {
        return Ok(());
    }
    let shown = |value: Option<&str>| value.map_or("nothing".to_owned(), |value| format!("`{value}`"));
    Err(FactMismatch::Field { field, line: shown(line), package: shown(package) })
}

fn set(values: &[String]) -> BTreeSet<&str> {
    values.iter().map(String::as_str).collect()
}

fn list(values: &[String]) -> String {
    format!("[{}]", set(values).into_iter().collect::<Vec<_>>().join(", "))
}

/// A dependency in the form in which two that mean the same are equal.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Meaning {
    /// What makes it this dependency: name, kind, target.
    identity: (String, DependencyKind, Option<String>),
    /// The rest, each with its name.
    fields: [(&'static str, String); 6],
}

impl Meaning {
    fn of(dep: &IndexDep) -> Self {
        let req = VersionReq::parse(&dep.req).map_or_else(|_| dep.req.clone(), |req| req.to_string());
        let target = dep
            .target
            .as_ref()
            .map(|target| feature::normalise_target(target).unwrap_or_else(|| target.clone()));
        let registry = dep.registry.as_deref().map_or("of this index".to_owned(), |url| format!("`{url}`"));
        Self {
            identity: (dep.name.clone(), dep.kind, target),
            fields: [
                ("version", format!("`{req}`")),
                ("registry", registry),
                ("package", format!("`{}`", dep.package_name())),
                ("optional", dep.optional.to_string()),
                ("default-features", dep.default_features.to_string()),
                ("features", list(&dep.features)),
            ],
        }
    }

    /// "dependency `evil` ^1 for cfg(unix)".
    fn describe(&self) -> String {
        let (name, kind, target) = &self.identity;
        let target = target.as_ref().map_or(String::new(), |target| format!(" for {target}"));
        format!("{kind} `{name}` {}{target}", self.fields[0].1.trim_matches('`'))
    }
}

/// Compares the two lists as bags: a dependency that stands there twice must stand there twice.
fn check_dependencies(line: &[IndexDep], package: &[IndexDep]) -> Result<(), FactMismatch> {
    let sorted = |deps: &[IndexDep]| {
        let mut meanings: Vec<Meaning> = deps.iter().map(Meaning::of).collect();
        meanings.sort();
        meanings
    };
    let (mut line, mut package) = (sorted(line), sorted(package));
    remove_common(&mut line, &mut package);
    if let Some(here) = line.first() {
        // The same dependency with other details is better named by the detail.
        let Some(there) = package.iter().find(|dep| dep.identity == here.identity) else {
            return Err(FactMismatch::AddedDependency(here.describe()));
        };
        let differing = here.fields.iter().zip(&there.fields).find(|(here, there)| here != there);
        let (here_field, there_field) = differing.expect("equal dependencies were removed from both");
        let (name, kind, _) = &here.identity;
        return Err(FactMismatch::Dependency {
            dependency: format!("{kind} `{name}`"),
            field: here_field.0,
            line: here_field.1.clone(),
            package: there_field.1.clone(),
        });
    }
    package.first().map_or(Ok(()), |there| Err(FactMismatch::MissingDependency(there.describe())))
}

/// Takes out, one for one, what both sorted lists hold.
fn remove_common(left: &mut Vec<Meaning>, right: &mut Vec<Meaning>) {
    let mut only_left = Vec::new();
    for meaning in left.drain(..) {
        match right.binary_search(&meaning) {
            Ok(at) => {
                right.remove(at);
            }
            Err(_) => only_left.push(meaning),
        }
    }
    *left = only_left;
}
