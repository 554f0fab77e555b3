//! Packages of a registry that the lock file has no checksum for.
//!
//! Cargo takes such a lock file. It adds the checksum where the source says it, and leaves it out where the source does not: a
//! directory, whose packages have none. Nothing is vendored without one: it is then the one that the registry's index says now.

use std::collections::BTreeMap;

use cargo_namespaces::lockfile::LockFile;
use cargo_namespaces::name::{IndexUrl, Namespace};
use cargo_namespaces_cli::registry_client::RegistryClient;
use cargo_namespaces_cli::shell::{CliError, ExitCode, Shell};

use crate::filter::shape::Shape;
use crate::form::index_lines::checksum_of;
use crate::plan::{Package, to_source};
use crate::project::Project;

/// Whether a checksum is missing.
pub fn are_missing(locks: &[LockFile]) -> bool {
    locks.iter().any(|lock| lock.without_checksum().next().is_some())
}

/// Adds the checksums that are missing, and says so.
///
/// # Errors
/// The registry's index does not say one.
pub fn complete(
    shell: &Shell,
    project: &Project,
    client: &RegistryClient<'_>,
    namespaces: &BTreeMap<IndexUrl, Namespace>,
    locks: &[LockFile],
) -> Result<Vec<LockFile>, CliError> {
    let mut locks = locks.to_vec();
    let mut names = Vec::new();
    for lock in &mut locks {
        let missing: Vec<_> = lock.without_checksum().cloned().collect();
        for locked in missing {
            let name = format!("`{}` {} of {}", locked.name, locked.version, locked.source);
            let failed = |error: CliError| {
                CliError::new(ExitCode::InvalidInput, format!("the lock file has no checksum for {name}"))
                    .because(error.message().to_owned())
                    .hint("let Cargo write it (`cargo metadata`), from the registry itself")
            };
            let source = to_source(&locked.source, namespaces)
                .map_err(|error| failed(CliError::from_error(ExitCode::InvalidInput, &error)))?;
            let package = Package {
                name: locked.name.clone(),
                version: locked.version.clone(),
                checksum: None,
                shape: Shape::Whole,
            };
            let checksum = checksum_of(&project.settings, client, &source, &package).map_err(failed)?;
            for package in lock.packages.iter_mut().filter(|package| **package == locked) {
                package.checksum = Some(checksum);
            }
            names.push(name);
        }
    }
    if !names.is_empty() {
        names.sort();
        names.dedup();
        shell.note(format!(
            "Cargo.lock has no checksum for {}: compared with the registry's index of today, and not with what was locked",
            names.join(", ")
        ));
    }
    Ok(locks)
}
