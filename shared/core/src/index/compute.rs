//! An index line's content, computed from the Cargo.toml inside a .crate.
//!
//! This is what `cargo publish` sends to a registry, and what the registry makes of it: the two agree for every
//! manifest that `cargo package` writes, or the release could not be checked.

use toml_edit::TableLike;

use super::compute_error::{ComputeError, RegistryUrlError};
use super::dep::{DependencyKind, IndexDep};
use super::facts::Facts;
use super::feature;
use super::manifest::{self, DEPENDENCY_TABLES, Dependency};
use crate::limits::{MAX_DEPENDENCIES, MAX_MANIFEST};
use crate::name::{CRATES_IO_INDEX, IndexUrl};

/// crates.io's index under its newer address: another source to Cargo when a Cargo.toml or an index line names it.
const CRATES_IO_SPARSE: &str = "sparse+https://index.crates.io/";

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
