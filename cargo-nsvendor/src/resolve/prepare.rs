//! What the packed forms begin with: lock files that fit, everything namespaced verified, every .crate in a cache.

use std::thread;

use cargo_namespaces::lockfile::LockFile;
use cargo_namespaces::shell::CliError;

use crate::crate_files::read_by_cargo;
use crate::evidence::Evidence;
use crate::form::Form;
use crate::resolve::lock_freshness::FreshnessInputs;
use crate::resolve::missing_checksums;
use crate::run::{Run, VerifiedLocks};

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
        make: impl Fn(&VerifiedLocks, bool) -> Result<T, CliError>,
    ) -> Result<(VerifiedLocks, T), CliError> {
        let project = self.project;
        let mut evidence = Evidence::load(&project.settings, &project.target);
        let inputs = FreshnessInputs::read(project, &self.options.common.config);
        let fits = inputs.is_some_and(|inputs| evidence.is_known_fresh(&inputs.digest_in(form)));
        let there = project.lock_paths().all(|path| path.is_file());
        let mut locked = None;
        if there {
            let locks = project.locks()?;
            if missing_checksums::are_missing(&locks) {
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
        self.note_fresh(&mut evidence, inputs, form);
        evidence.save(&project.settings, &project.target);
        Ok((locked, made))
    }

    /// As Cargo brings them up to date, with everything fetched.
    fn fetched(&self, before: Option<VerifiedLocks>) -> Result<VerifiedLocks, CliError> {
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
