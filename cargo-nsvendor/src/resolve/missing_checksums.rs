//! Packages of a registry that the lock file has no checksum for.
//!
//! Cargo accepts such a lock file. It adds the checksum if the source has one, and leaves it out if not: a directory has none.
//! Nothing is vendored without a checksum; here it is taken from the registry's index of today.

use std::collections::BTreeMap;

use cargo_namespaces::lockfile::LockFile;
use cargo_namespaces::name::{IndexUrl, Namespace};

use crate::context::Context;
use crate::filter::shape::Shape;
use crate::index_lines::{IndexLineError, checksum_of};
use crate::plan::{Package, PlanError, to_source};

/// The registry's index has no checksum for a package either.
#[derive(Debug, thiserror::Error)]
#[error("the lock file has no checksum for {package}")]
pub struct MissingChecksum {
    package: String,
    #[source]
    cause: MissingChecksumCause,
}

#[derive(Debug, thiserror::Error)]
pub enum MissingChecksumCause {
    #[error(transparent)]
    Source(#[from] PlanError),
    #[error(transparent)]
    Line(#[from] IndexLineError),
}

/// Whether a checksum is missing.
pub fn are_missing(locks: &[LockFile]) -> bool {
    locks.iter().any(|lock| lock.without_checksum().next().is_some())
}

/// Adds the checksums that are missing, and reports them.
///
/// # Errors
/// The registry's index does not have one.
pub fn complete(
    context: &Context<'_>,
    namespaces: &BTreeMap<IndexUrl, Namespace>,
    locks: &[LockFile],
) -> Result<Vec<LockFile>, MissingChecksum> {
    let mut locks = locks.to_vec();
    let mut names = Vec::new();
    for lock in &mut locks {
        let missing: Vec<_> = lock.without_checksum().cloned().collect();
        for locked in missing {
            let name = format!("`{}` {} of {}", locked.name, locked.version, locked.source);
            let failed = |cause| MissingChecksum { package: name.clone(), cause };
            let source = to_source(&locked.source, namespaces).map_err(|error| failed(error.into()))?;
            let package = Package {
                name: locked.name.clone(),
                version: locked.version.clone(),
                checksum: None,
                shape: Shape::Whole,
            };
            let checksum = checksum_of(context, &source, &package).map_err(|error| failed(error.into()))?;
            for package in lock.packages.iter_mut().filter(|package| **package == locked) {
                package.checksum = Some(checksum);
            }
            names.push(name);
        }
    }
    if !names.is_empty() {
        names.sort();
        names.dedup();
        context.shell.note(format!(
            "Cargo.lock has no checksum for {}: compared with the registry's index of today, and not with what was locked",
            names.join(", ")
        ));
    }
    Ok(locks)
}
