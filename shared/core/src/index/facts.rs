//! What a package says about itself.

use std::collections::BTreeMap;

use semver::Version;

use super::dep::{DependencyKind, IndexDep};
use crate::name::CrateName;

/// What an index line derives from the Cargo.toml inside a .crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// `package.name`.
    pub name: CrateName,
    /// `package.version`, build metadata included.
    pub version: Version,
    /// The dependencies of all kinds and targets, sorted.
    pub deps: Vec<IndexDep>,
    /// All features, in one map.
    pub features: BTreeMap<String, Vec<String>>,
    /// `package.links`.
    pub links: Option<String>,
    /// `package.rust-version`.
    pub rust_version: Option<String>,
}

/// A dependency on any version at all, which is not to be published; consumers take it as Cargo does.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{kind} `{name}` has the version requirement `*`, which every later version fits, also one that breaks this crate"
)]
pub struct WildcardRequirement {
    /// The dependency's name.
    pub name: String,
    /// Which table it is in.
    pub kind: DependencyKind,
}

impl WildcardRequirement {
    /// What the publisher can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        "name the oldest version that the crate works with, such as `1.2`; crates.io refuses `*` as well"
    }
}

impl Facts {
    /// Refuses a requirement of `*`, as crates.io does. For publishing only.
    ///
    /// # Errors
    /// The first dependency that has one.
    pub fn check_requirements(&self) -> Result<(), WildcardRequirement> {
        match self.deps.iter().find(|dep| dep.req == "*") {
            Some(dep) => Err(WildcardRequirement { name: dep.name.clone(), kind: dep.kind }),
            None => Ok(()),
        }
    }
}
