//! What the packed forms begin with: lock files that fit, everything namespaced verified, every .crate in a cache.

use std::thread;

use cargo_namespaces::lockfile::LockFile;
use cargo_namespaces_cli::crate_file::CrateFile;
use cargo_namespaces_cli::registry_client::RegistryClient;
use cargo_namespaces_cli::shell::{CliError, Shell};

use crate::archives::{Archives, Cached, NotHad, none_may_miss, read_by_cargo, wrong_or_missing};
use crate::checksums;
use crate::evidence::Evidence;
use crate::fits::Inputs;
use crate::form::Form;
use crate::plan::{Package, Plan, Source, SourceDir};
use crate::project::Project;
use crate::run::{Locked, Run};
use crate::work;

impl Run<'_> {
    /// What is locked, once the lock files fit the manifests, and what `make` makes of it; it is told whether Cargo is known
    /// to resolve that from the form.
    ///
    /// Cargo takes as long to say whether they fit as a local registry takes to be made: where it has to be asked, that happens
    /// beside it. What was made in vain is dropped, and made again of what Cargo has locked then.
    ///
    /// # Errors
    /// They do not fit and cannot be mended; something namespaced is not intact and trusted; or `make` fails.
    pub fn prepare<T>(
        &self,
        form: Form,
        make: impl Fn(&Locked, bool) -> Result<T, CliError>,
    ) -> Result<(Locked, T), CliError> {
        let project = self.project;
        let mut evidence = Evidence::load(&project.settings, &project.target);
        let inputs = Inputs::read(project, &self.options.common.config);
        let fits = inputs.is_some_and(|inputs| evidence.fits(&inputs.digest_in(form)));
        let there = project.lock_paths().all(|path| path.is_file());
        let mut locked = None;
        if there {
            let locks = project.locks()?;
            if checksums::are_missing(&locks) {
                // Cargo adds them, if it can: after what can be verified was.
                self.verified(&locks)?;
            } else {
                locked = Some(self.locked(&locks)?);
            }
        }
        let mut made = None;
        // cargo vendor, which carries packages from git, works from what is fetched, as whoever packs what only Cargo can read, or has
        // patches that Cargo loads though nothing uses them; and filters ask about what fits.
        let fetch = locked.as_ref().is_some_and(|locked| {
            let sources = &locked.plan.sources;
            locked.locks.iter().any(LockFile::has_unused_patches)
                || sources.iter().any(|source| read_by_cargo(&project.settings, &source.source))
        });
        let mut good = fits;
        if let Some(locked) = locked.as_mut().filter(|_| !good && !fetch) {
            if self.filters.selects_packages() {
                good = self.fits(&locked.locks)?;
            } else {
                self.shape(locked)?;
                let (answer, result) = thread::scope(|scope| {
                    let asked = scope.spawn(|| self.fits(&locked.locks));
                    let result = make(locked, fits);
                    (asked.join().expect("asking cargo does not panic"), result)
                });
                good = answer?;
                made = Some(result);
            }
        }
        let mut locked = match locked {
            Some(locked) if good && !fetch => locked,
            other => {
                made = None;
                self.fetched(other)?
            }
        };
        let made = match made {
            Some(made) => made?,
            None => {
                self.shape(&mut locked)?;
                make(&locked, fits)?
            }
        };
        self.note_fit(&mut evidence, inputs, form);
        evidence.save(&project.settings, &project.target);
        Ok((locked, made))
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
            _ => self.locked(&locks),
        }
    }
}

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
