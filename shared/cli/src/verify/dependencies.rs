//! What the lock file makes a release depend on, against what the release itself asks for. Pure.
//!
//! Cargo believes an index's list of dependencies, and an index can show Cargo one line and us another, or the right one
//! again when we come. What Cargo made of the line it saw stands in the lock file, so that is compared with the line that
//! was found verified.

use std::collections::BTreeSet;

use semver::VersionReq;

use super::ProblemKind;
use cargo_namespaces::index::{DependencyKind, IndexDep, IndexLine};
use cargo_namespaces::lockfile::{LockSource, LockedDependency};
use cargo_namespaces::name::{CRATES_IO_INDEX, IndexUrl};

/// Every locked dependency is one that `line`, of the registry `own`, names. `patched` are the packages that a `[patch]`
/// of the project takes from elsewhere.
///
/// # Errors
/// [`ProblemKind::UnlistedDependency`] for the first that is not.
pub(super) fn check(
    line: &IndexLine,
    own: &IndexUrl,
    locked: &[LockedDependency],
    patched: &BTreeSet<String>,
) -> Result<(), ProblemKind> {
    for locked in locked {
        // Those of a published package's tests are never locked.
        let of_name = |dep: &&IndexDep| dep.kind != DependencyKind::Dev && dep.package_name() == locked.name;
        if !line.deps.iter().filter(of_name).any(|dep| leads_to(dep, own, locked, patched)) {
            let asked = line.deps.iter().find(of_name).map(|dep| {
                let from = match registry(dep, own) {
                    CRATES_IO_INDEX => "crates.io",
                    url => url,
                };
                format!("`{}` {} from {from}", locked.name, dep.req)
            });
            return Err(ProblemKind::UnlistedDependency { dependency: locked.to_string(), asked });
        }
    }
    Ok(())
}

fn registry<'a>(dep: &'a IndexDep, own: &'a IndexUrl) -> &'a str {
    dep.registry.as_deref().unwrap_or(own.as_str())
}

fn leads_to(dep: &IndexDep, own: &IndexUrl, locked: &LockedDependency, patched: &BTreeSet<String>) -> bool {
    let fits = |version| VersionReq::parse(&dep.req).is_ok_and(|req| req.matches(version));
    let right_place = match &locked.source {
        // Only the project's own `[patch]` leads there; an index cannot name a path or a repository.
        None | Some(LockSource::Path | LockSource::Git(_)) => true,
        Some(LockSource::CratesIo) => registry(dep, own) == CRATES_IO_INDEX,
        Some(LockSource::Registry(index)) => registry(dep, own) == index.as_str(),
        Some(LockSource::OtherRegistry(_)) => false,
    };
    locked.version.as_ref().is_none_or(fits) && (right_place || patched.contains(&locked.name))
}
