//! What the packed forms begin with: lock files that fit, everything namespaced verified, every .crate in a cache.

use cargo_namespaces::lockfile::LockFile;
use cargo_namespaces::registry_client::RegistryClient;
use cargo_namespaces::shell::{CliError, Shell};

use crate::archives::{Archives, Cached, NotHad, Packed, wrong_or_missing};
use crate::evidence::Evidence;
use crate::fits::Inputs;
use crate::plan::{Package, Plan, Source, SourceDir};
use crate::project::Project;
use crate::run::{Locked, Run};
use crate::work;

impl Run<'_> {
    /// What is locked, once the lock files fit the manifests.
    ///
    /// # Errors
    /// They do not and cannot be mended; or something namespaced is not intact and trusted.
    pub fn prepare(&self) -> Result<Locked, CliError> {
        let project = self.project;
        let mut evidence = Evidence::load(&project.settings, &project.target);
        let inputs = Inputs::read(project, &self.options.common.config);
        let there = project.lock_paths().all(|path| path.is_file());
        let mut locked = if there { Some(self.locked(project.locks()?)?) } else { None };
        let fits = inputs.is_some_and(|inputs| evidence.fits(&inputs.digest()));
        // cargo vendor, which carries packages from git, works from what is fetched.
        let git = locked.as_ref().is_some_and(|locked| locked.plan.git().next().is_some());
        let good = |locks: &[LockFile]| fits || project.check_locks(locks).is_ok();
        let good = locked.as_ref().is_some_and(|locked| good(&locked.locks));
        if !good || git {
            locked = Some(self.fetched(locked)?);
        }
        let mut locked = match locked {
            Some(locked) => locked,
            None => self.fetched(None)?,
        };
        self.shape(&mut locked)?;
        self.note_fit(&mut evidence, inputs);
        evidence.save(&project.settings, &project.target);
        Ok(locked)
    }

    /// As Cargo brings them up to date, with everything fetched.
    fn fetched(&self, before: Option<Locked>) -> Result<Locked, CliError> {
        self.project.warn_of_unpacking(self.shell);
        for manifest in &self.project.manifests {
            self.project.cargo.fetch(manifest)?;
        }
        let locks = self.project.locks()?;
        match before {
            Some(known) if known.locks == locks => Ok(known),
            _ => self.locked(locks),
        }
    }
}

/// The packages that have a .crate.
pub fn packed(plan: &Plan) -> Vec<(&SourceDir, &Package)> {
    plan.packages().filter(|(source, _)| !matches!(source.source, Source::Git(_))).collect()
}

/// Downloads the archives of `packages` that no cache has; Cargo does where a registry asks for a token.
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
        let (source, package) = missing[0];
        return Err(wrong_or_missing(&archives, source, package));
    }
    let results = Archives::download(shell, client, &missing, &mut |_| {});
    if results.iter().any(|result| result.as_ref().is_err_and(|not_had| not_had.needs_token)) {
        project.warn_of_unpacking(shell);
        return project.manifests.iter().try_for_each(|manifest| Ok(project.cargo.fetch(manifest)?));
    }
    results.into_iter().collect::<Result<(), NotHad>>().map_err(|not_had| not_had.error)
}

/// The bytes of a .crate, with the lock file's hash; downloaded once more where a cache has other ones.
///
/// # Errors
/// It cannot be had.
pub fn archive_of(
    shell: &Shell,
    project: &Project,
    client: &RegistryClient<'_>,
    archives: &Archives<'_>,
    (source, package): (&SourceDir, &Package),
) -> Result<Packed, CliError> {
    if let Cached::Right(bytes) = archives.read(source, package) {
        return Ok(bytes);
    }
    if !project.settings.offline() {
        for result in Archives::download(shell, client, &[(source, package)], &mut |_| {}) {
            result.map_err(|not_had| not_had.error)?;
        }
    }
    match archives.read(source, package) {
        Cached::Right(bytes) => Ok(bytes),
        _ => Err(wrong_or_missing(archives, source, package)),
    }
}
