//! An index line's content, computed from the Cargo.toml inside a .crate.
//!
//! This is what `cargo publish` sends to a registry, and what the registry makes of it: the two agree for every
//! manifest that `cargo package` writes, or the release could not be checked.

use toml_edit::TableLike;

use super::facts::Facts;
use super::feature;
use super::line::{DependencyKind, IndexDep};
use super::manifest::{self, DEPENDENCY_TABLES, Dependency};
use crate::limits::{MAX_DEPENDENCIES, MAX_MANIFEST};
use crate::name::{CRATES_IO_INDEX, IndexUrl, NameError};

/// crates.io's index under its newer address: another source to Cargo when a Cargo.toml or an index line names it.
const CRATES_IO_SPARSE: &str = "sparse+https://index.crates.io/";

/// Why no index line can be made of a Cargo.toml.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ComputeError {
    /// Larger than the cap.
    #[error("Cargo.toml is larger than {MAX_MANIFEST} bytes")]
    TooLarge,
    /// Not TOML.
    #[error("Cargo.toml is not TOML: {0}")]
    Toml(#[from] toml_edit::TomlError),
    /// A field that a package must have.
    #[error("Cargo.toml has no {0}")]
    Missing(&'static str),
    /// A value of the wrong kind.
    #[error("`{place}` in Cargo.toml is not {expected}")]
    Shape {
        /// The dotted key.
        place: String,
        /// What should stand there.
        expected: &'static str,
    },
    /// A key in both its spellings, of which Cargo would take one.
    #[error("`{place}{key}` and `{place}{old}` both stand in Cargo.toml")]
    TwoSpellings {
        /// The table, with a dot; empty for the top.
        place: String,
        /// The current spelling.
        key: &'static str,
        /// The old one.
        old: &'static str,
    },
    /// `workspace = true`: the manifest was not written by `cargo package`.
    #[error("`{place}` in Cargo.toml inherits from a workspace that is not in the package")]
    Inherited {
        /// The dotted key.
        place: String,
    },
    /// `registry = "name"`: the manifest was not written by `cargo package`.
    #[error("`{place}` in Cargo.toml names the registry `{registry}` in place of its index URL")]
    RegistryName {
        /// The dotted key.
        place: String,
        /// The name.
        registry: String,
    },
    /// A nightly artifact dependency.
    #[error("`{place}` in Cargo.toml is an artifact dependency, which namespaces do not take")]
    Artifact {
        /// The dotted key.
        place: String,
    },
    /// A key that `cargo package` removes, or that no Cargo knows: in a vendored package Cargo would follow it, whatever the
    /// index line says.
    #[error(
        "`{place}` in Cargo.toml is nothing that a packaged Cargo.toml may say: it could lead Cargo elsewhere"
    )]
    NotPackaged {
        /// The dotted key.
        place: String,
    },
    /// A target whose file is not in the package.
    #[error("`{place}` in Cargo.toml leads out of the package: {path:?}")]
    OutsidePath {
        /// The dotted key.
        place: String,
        /// The path.
        path: String,
    },
    /// The package's name is not one.
    #[error("package name {name:?} in Cargo.toml: {source}")]
    Name {
        /// As it stands there.
        name: String,
        /// The rule that it breaks.
        source: NameError,
    },
    /// The package's version is not one.
    #[error("package version {version:?} in Cargo.toml: {source}")]
    Version {
        /// As it stands there.
        version: String,
        /// What the parser says.
        source: semver::Error,
    },
    /// A version requirement that is none.
    #[error("version requirement {text:?} of `{place}` in Cargo.toml: {source}")]
    Requirement {
        /// The dotted key.
        place: String,
        /// As it stands there.
        text: String,
        /// What the parser says.
        source: semver::Error,
    },
    /// A dependency on a path or a git repository only: nobody else could resolve it.
    #[error("`{place}` in Cargo.toml has no version")]
    NoVersion {
        /// The dotted key.
        place: String,
    },
    /// A name, feature, target or the like that Cargo would not take.
    #[error("{text:?} in `{place}` of Cargo.toml is not something that Cargo accepts there")]
    Text {
        /// The dotted key.
        place: String,
        /// The text, shown escaped.
        text: String,
    },
    /// A dependency's registry that is neither crates.io nor a namespace's index.
    #[error("the registry {url:?} of `{place}` in Cargo.toml: {source}")]
    Registry {
        /// The dotted key.
        place: String,
        /// The URL as it stands there.
        url: String,
        /// The rule that it breaks.
        source: RegistryUrlError,
    },
    /// More of something than anybody needs.
    #[error("Cargo.toml has more than {max} {what}")]
    TooMany {
        /// What there is too much of, in the plural.
        what: String,
        /// The cap.
        max: usize,
    },
}

/// Why a registry's URL may not stand in an index line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryUrlError {
    /// Not a sparse index over https.
    #[error(transparent)]
    NotAnIndex(#[from] NameError),
    /// crates.io, by an address that Cargo takes for another registry.
    #[error("crates.io is named `{CRATES_IO_INDEX}`, or by no registry at all")]
    CratesIo,
    /// A development registry: nobody else has it.
    #[error("it is on this machine, where nobody else can ask it")]
    Local,
    /// The URL of an index, in another spelling: Cargo would take it for another registry.
    #[error("its normal form is `{0}`")]
    NotNormal(IndexUrl),
}

impl ComputeError {
    pub(super) fn shape(place: &str, expected: &'static str) -> Self {
        Self::Shape { place: place.to_owned(), expected }
    }

    /// What the publisher can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Inherited { .. }
            | Self::RegistryName { .. }
            | Self::TwoSpellings { .. }
            | Self::NotPackaged { .. } => {
                "`cargo package` writes a normalised Cargo.toml; make the .crate with it"
            }
            Self::OutsidePath { .. } => "move the file into the package, and package again",
            Self::NoVersion { .. } => "give the dependency a version beside its path or git address",
            Self::Registry { .. } => {
                "depend on crates.io or on a namespace, whose index URL starts with sparse+https:// and ends in /"
            }
            Self::Artifact { .. } => "artifact dependencies need a nightly Cargo; remove the dependency",
            _ => "correct Cargo.toml and package again",
        }
    }
}

/// Computes what an index line says about a package, from the Cargo.toml inside its .crate.
///
/// `own_index` is the canonical index URL of the namespace that the package is in: dependencies on it get no
/// `registry`, those on crates.io get [`CRATES_IO_INDEX`].
///
/// # Errors
/// [`ComputeError`] names the key, and has a [`ComputeError::hint`].
pub fn compute(manifest_toml: &str, own_index: &IndexUrl) -> Result<Facts, ComputeError> {
    if manifest_toml.len() as u64 > MAX_MANIFEST {
        return Err(ComputeError::TooLarge);
    }
    let document = toml_edit::Document::parse(manifest_toml)?;
    let root = document.as_table();
    let package = manifest::package(root)?;
    manifest::refuse_what_leads_elsewhere(root)?;
    let mut deps = Vec::new();
    collect(root, "", None, own_index, &mut deps)?;
    if let Some(targets) = manifest::table(root, "", "target", "target")? {
        for (target, item) in targets.iter() {
            let place = format!("target.{target:?}.");
            let table = item.as_table_like().ok_or_else(|| ComputeError::shape(&place, "a table"))?;
            let platform = feature::normalise_target(target)
                .ok_or_else(|| ComputeError::Text { place: "target".to_owned(), text: target.to_owned() })?;
            collect(table, &place, Some(&platform), own_index, &mut deps)?;
        }
    }
    if deps.len() > MAX_DEPENDENCIES {
        return Err(ComputeError::TooMany { what: "dependencies".to_owned(), max: MAX_DEPENDENCIES });
    }
    deps.sort_by(|one, other| one.sort_key().cmp(&other.sort_key()));
    Ok(Facts {
        name: package.name,
        version: package.version,
        deps,
        features: manifest::features(root)?,
        links: package.links,
        rust_version: package.rust_version,
    })
}

/// Adds the dependencies of the three tables under `parent`.
fn collect(
    parent: &dyn TableLike,
    place: &str,
    target: Option<&str>,
    own_index: &IndexUrl,
    deps: &mut Vec<IndexDep>,
) -> Result<(), ComputeError> {
    for (key, old, kind) in DEPENDENCY_TABLES {
        let Some(table) = manifest::table(parent, place, key, old)? else { continue };
        for dependency in manifest::dependencies(table, &format!("{place}{key}"))? {
            let place = format!("{place}{key}.{}", dependency.key);
            deps.push(index_dep(dependency, &place, kind, target, own_index)?);
        }
    }
    Ok(())
}

fn index_dep(
    dependency: Dependency,
    place: &str,
    kind: DependencyKind,
    target: Option<&str>,
    own_index: &IndexUrl,
) -> Result<IndexDep, ComputeError> {
    let Some(req) = dependency.version else {
        return Err(ComputeError::NoVersion { place: place.to_owned() });
    };
    let registry = match dependency.registry_index {
        None => Some(CRATES_IO_INDEX.to_owned()),
        Some(url) if url == CRATES_IO_INDEX => Some(url),
        Some(url) if url == own_index.as_str() => None,
        Some(url) => match registry_url(&url, own_index) {
            Ok(()) => Some(url),
            Err(source) => return Err(ComputeError::Registry { place: place.to_owned(), url, source }),
        },
    };
    Ok(IndexDep {
        name: dependency.key,
        req: req.to_string(),
        features: dependency.features,
        optional: dependency.optional,
        default_features: dependency.default_features,
        target: target.map(str::to_owned),
        kind,
        registry,
        package: dependency.package,
    })
}

/// Whether a URL may stand as `registry` in a line of `own_index`: crates.io, or a namespace's index in its normal form. One on
/// this machine only where the line is on it too.
///
/// # Errors
/// [`RegistryUrlError`]: `http`, git registries, other spellings.
pub fn registry_url(url: &str, own_index: &IndexUrl) -> Result<(), RegistryUrlError> {
    match url {
        CRATES_IO_INDEX => return Ok(()),
        CRATES_IO_SPARSE => return Err(RegistryUrlError::CratesIo),
        _ => {}
    }
    let parsed: IndexUrl = url.parse()?;
    if parsed.is_local() && !own_index.is_local() {
        return Err(RegistryUrlError::Local);
    }
    if parsed.as_str() == url { Ok(()) } else { Err(RegistryUrlError::NotNormal(parsed)) }
}
