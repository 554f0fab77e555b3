//! Downloading the .crates that no cache has.

use cargo_namespaces::lockfile::LockFile;
use cargo_namespaces_cli::crate_file::CrateFile;
use cargo_namespaces_cli::settings::Settings;
use cargo_namespaces_cli::shell::CliError;

use super::{CachedCrate, CrateCaches, DownloadError, UnavailableCrate, read_by_cargo};
use crate::context::Context;
use crate::plan::{Plan, PlannedPackage};
use crate::work;

/// Downloads the .crates of `packages` that no cache has. Cargo fetches them where a registry asks for a token, or is one that
/// only Cargo can read.
pub fn fetch_missing(context: &Context<'_>, packages: &[PlannedPackage<'_>]) -> Result<(), CliError> {
    let Context { shell, project, registries, .. } = context;
    let caches = CrateCaches::new(&project.settings);
    let there =
        work::for_each(packages, |(source, package)| Ok::<_, CliError>(caches.may_have(source, package)))?;
    let missing: Vec<PlannedPackage<'_>> =
        packages.iter().zip(there).filter(|(_, there)| !there).map(|(package, _)| *package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if project.settings.offline() {
        return Err(UnavailableCrate::among(&caches, &missing).into());
    }
    let results = CrateCaches::download(registries, &missing, &mut |_| {});
    if results.iter().any(|result| result.as_ref().is_err_and(DownloadError::needs_cargo)) {
        return Ok(project.fetch(shell)?);
    }
    Ok(results.into_iter().collect::<Result<(), DownloadError>>()?)
}

/// The .crate of a package with the hash of the lock file. It is downloaded again where the caches only have others.
pub fn require(
    context: &Context<'_>,
    caches: &CrateCaches<'_>,
    (source, package): PlannedPackage<'_>,
) -> Result<CrateFile, CliError> {
    if let CachedCrate::Matching(crate_file) = caches.read(source, package) {
        return Ok(crate_file);
    }
    if !context.project.settings.offline() {
        for result in CrateCaches::download(&context.registries, &[(source, package)], &mut |_| {}) {
            result?;
        }
    }
    match caches.read(source, package) {
        CachedCrate::Matching(crate_file) => Ok(crate_file),
        _ => Err(UnavailableCrate::new(caches, source, package).into()),
    }
}

/// Whether Cargo must fetch the packages before they can be packed: only it can read a source, or it loads a patch that no
/// package uses.
pub fn needs_cargo(settings: &Settings, locks: &[LockFile], plan: &Plan) -> bool {
    locks.iter().any(LockFile::has_unused_patches)
        || plan.sources.iter().any(|source| read_by_cargo(settings, &source.source))
}
