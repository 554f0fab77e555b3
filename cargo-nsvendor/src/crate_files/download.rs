//! Downloading what no cache has.

use cargo_namespaces::crate_file::CrateFile;
use cargo_namespaces::registry_client::RegistryClient;
use cargo_namespaces::shell::{CliError, Shell};

use super::{CachedCrate, CrateCaches, DownloadError, missing_error, unavailable};
use crate::plan::{Package, Plan, PlannedSource, SourceDir};
use crate::project::Project;
use crate::work;

/// The packages that have a .crate.
pub fn packed(plan: &Plan) -> Vec<(&SourceDir, &Package)> {
    plan.packages().filter(|(source, _)| !matches!(source.source, PlannedSource::Git(_))).collect()
}

/// Downloads the archives of `packages` that no cache has; Cargo does where a registry asks for a token, or is one that only
/// Cargo reads.
///
/// # Errors
/// One cannot be had.
pub fn fetch_archives(
    shell: &Shell,
    project: &Project,
    client: &RegistryClient<'_>,
    packages: &[(&SourceDir, &Package)],
) -> Result<(), CliError> {
    let caches = CrateCaches::new(&project.settings);
    let there = work::for_each(packages, |(source, package)| Ok(caches.may_have(source, package)))?;
    let missing: Vec<(&SourceDir, &Package)> =
        packages.iter().zip(there).filter(|(_, there)| !there).map(|(package, _)| *package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if project.settings.offline() {
        return Err(missing_error(&caches, &missing));
    }
    let results = CrateCaches::download(client, &missing, &mut |_| {});
    if results.iter().any(|result| result.as_ref().is_err_and(|not_had| not_had.needs_cargo)) {
        project.warn_of_unpacking(shell);
        return project.manifests.iter().try_for_each(|manifest| Ok(project.cargo.fetch(manifest)?));
    }
    results.into_iter().collect::<Result<(), DownloadError>>().map_err(|not_had| not_had.error)
}

/// A .crate with the lock file's hash; downloaded once more where a cache has other ones.
///
/// # Errors
/// It cannot be had.
pub fn archive_of(
    project: &Project,
    client: &RegistryClient<'_>,
    caches: &CrateCaches<'_>,
    (source, package): (&SourceDir, &Package),
) -> Result<CrateFile, CliError> {
    if let CachedCrate::Matching(bytes) = caches.read(source, package) {
        return Ok(bytes);
    }
    if !project.settings.offline() {
        for result in CrateCaches::download(client, &[(source, package)], &mut |_| {}) {
            result.map_err(|not_had| not_had.error)?;
        }
    }
    match caches.read(source, package) {
        CachedCrate::Matching(bytes) => Ok(bytes),
        _ => Err(unavailable(caches, source, package)),
    }
}
