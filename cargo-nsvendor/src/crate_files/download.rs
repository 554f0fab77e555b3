//! Downloading what no cache has.

use cargo_namespaces::crate_file::CrateFile;
use cargo_namespaces::registry_client::RegistryClient;
use cargo_namespaces::shell::{CliError, Shell};

use super::{Archives, Cached, NotHad, none_may_miss, wrong_or_missing};
use crate::plan::{Package, Plan, Source, SourceDir};
use crate::project::Project;
use crate::work;

/// The packages that have a .crate.
pub fn packed(plan: &Plan) -> Vec<(&SourceDir, &Package)> {
    plan.packages().filter(|(source, _)| !matches!(source.source, Source::Git(_))).collect()
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
    let archives = Archives::new(&project.settings);
    let there = work::for_each(packages, |(source, package)| Ok(archives.may_have(source, package)))?;
    let missing: Vec<(&SourceDir, &Package)> =
        packages.iter().zip(there).filter(|(_, there)| !there).map(|(package, _)| *package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if project.settings.offline() {
        return Err(none_may_miss(&archives, &missing));
    }
    let results = Archives::download(client, &missing, &mut |_| {});
    if results.iter().any(|result| result.as_ref().is_err_and(|not_had| not_had.needs_cargo)) {
        project.warn_of_unpacking(shell);
        return project.manifests.iter().try_for_each(|manifest| Ok(project.cargo.fetch(manifest)?));
    }
    results.into_iter().collect::<Result<(), NotHad>>().map_err(|not_had| not_had.error)
}

/// A .crate with the lock file's hash; downloaded once more where a cache has other ones.
///
/// # Errors
/// It cannot be had.
pub fn archive_of(
    project: &Project,
    client: &RegistryClient<'_>,
    archives: &Archives<'_>,
    (source, package): (&SourceDir, &Package),
) -> Result<CrateFile, CliError> {
    if let Cached::Right(bytes) = archives.read(source, package) {
        return Ok(bytes);
    }
    if !project.settings.offline() {
        for result in Archives::download(client, &[(source, package)], &mut |_| {}) {
            result.map_err(|not_had| not_had.error)?;
        }
    }
    match archives.read(source, package) {
        Cached::Right(bytes) => Ok(bytes),
        _ => Err(wrong_or_missing(archives, source, package)),
    }
}
