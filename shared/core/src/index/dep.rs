//! A dependency on an index line.

use serde::{Deserialize, Serialize};

/// One dependency on an index line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "RawDep")]
pub struct IndexDep {
    /// The name used in the crate's Cargo.toml; the package's name too, unless `package` is there.
    pub name: String,
    /// The version requirement as Cargo publishes it, such as `^1.0`.
    pub req: String,
    /// Features that are switched on.
    pub features: Vec<String>,
    /// Whether a feature must ask for it.
    pub optional: bool,
    /// Whether the default feature is on.
    pub default_features: bool,
    /// The platform, such as `cfg(unix)` or `x86_64-unknown-linux-gnu`.
    pub target: Option<String>,
    /// Which of the three tables it came from.
    pub kind: DependencyKind,
    /// The index URL of the registry; none means the registry of this index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry: Option<String>,
    /// The package's name, where Cargo.toml renames it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
}

/// A dependency as it may stand in somebody's index: with what Cargo defaults, and with what is refused.
#[derive(Deserialize)]
struct RawDep {
    name: String,
    req: String,
    #[serde(default)]
    features: Vec<String>,
    #[serde(default)]
    optional: bool,
    #[serde(default = "yes")]
    default_features: bool,
    target: Option<String>,
    kind: Option<DependencyKind>,
    registry: Option<String>,
    package: Option<String>,
    artifact: Option<Vec<String>>,
    bindep_target: Option<String>,
    #[serde(default)]
    lib: bool,
}

impl TryFrom<RawDep> for IndexDep {
    type Error = ArtifactDependency;

    fn try_from(raw: RawDep) -> Result<Self, ArtifactDependency> {
        if raw.artifact.is_some_and(|kinds| !kinds.is_empty()) || raw.bindep_target.is_some() || raw.lib {
            return Err(ArtifactDependency(raw.name));
        }
        Ok(Self {
            name: raw.name,
            req: raw.req,
            features: raw.features,
            optional: raw.optional,
            default_features: raw.default_features,
            target: raw.target,
            kind: raw.kind.unwrap_or_default(),
            registry: raw.registry,
            package: raw.package,
        })
    }
}

impl IndexDep {
    /// The name of the package that is meant: behind a rename, the real one.
    #[must_use]
    pub fn package_name(&self) -> &str {
        self.package.as_deref().unwrap_or(&self.name)
    }

    /// crates.io's order: by name, then kind, then target.
    pub(super) fn sort_key(&self) -> (&str, DependencyKind, Option<&str>, &Self) {
        (&self.name, self.kind, self.target.as_deref(), self)
    }
}

/// The three kinds of dependency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DependencyKind {
    /// `[dependencies]`.
    #[default]
    Normal,
    /// `[build-dependencies]`.
    Build,
    /// `[dev-dependencies]`.
    Dev,
}

impl std::fmt::Display for DependencyKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Normal => "dependency",
            Self::Build => "build-dependency",
            Self::Dev => "dev-dependency",
        })
    }
}

/// An artifact dependency: nightly only, and it would build something that the Cargo.toml check cannot see.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("dependency `{0}` is an artifact dependency, which namespaces do not take")]
pub struct ArtifactDependency(String);

fn yes() -> bool {
    true
}
