//! Filling the stage with what the plan needs and the directory does not have.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{MutexGuard, PoisonError, mpsc};
use std::thread;

use cargo_namespaces::digest::Digest;
use cargo_namespaces_cli::shell::CliError;
use cargo_namespaces_net::fs::remove_dir_all;

use super::{Directory, StageState};
use crate::compare;
use crate::content::RefusedPackage;
use crate::crate_files::{CachedCrate, CrateCaches, DownloadError, UnavailableCrate};
use crate::evidence::{PackageRecord, fingerprint_of};
use crate::extract;
use crate::git;
use crate::plan::{Package, Plan, PlannedPackage, SourceDir};
use crate::resolve::early::PackageLocations;
use crate::stage::{Stage, StageError};
use crate::work;

/// One part in so many of the packages, by the bytes of their .crates, is made last. Two cores need longer to unpack a third than
/// Cargo needs to resolve the rest meanwhile.
const PART_MADE_LAST: u64 = 3;

/// A package that was filled, with the fingerprint of its files.
#[derive(Clone, Copy)]
enum FilledPackage {
    /// The directory had it already, as its .crate says.
    Unchanged(Digest),
    /// It is in the stage.
    Staged(Digest),
}

impl Directory<'_> {
    /// Makes what the plan needs and neither the directory nor the stage has. Can be called again with another plan.
    ///
    /// # Errors
    /// A .crate cannot be had, breaks a rule, or cannot be unpacked.
    pub fn fill(&mut self, plan: &Plan) -> Result<(), CliError> {
        let caches = CrateCaches::new(&self.context.project.settings);
        let (git, packed): (Vec<PlannedPackage<'_>>, Vec<PlannedPackage<'_>>) = plan
            .packages()
            .filter(|(source, package)| !self.has(source, package))
            .partition(|(source, _)| source.is_git());
        if !packed.is_empty() {
            self.make_all(&caches, &packed)?;
        }
        if !git.is_empty() {
            self.vendor_git(plan, &git)?;
        }
        Ok(())
    }

    /// The plan without the packages that are made last: the largest of those that are not there yet.
    pub fn without_largest(&self, plan: &Plan) -> Plan {
        let caches = CrateCaches::new(&self.context.project.settings);
        let wanted: Vec<PlannedPackage<'_>> =
            plan.packages().filter(|(source, package)| !self.has(source, package)).collect();
        let sized = caches.sized(&wanted);
        let mut left = sized.iter().map(|(size, _)| size).sum::<u64>() / PART_MADE_LAST;
        let mut last = HashSet::new();
        for (size, (source, package)) in sized {
            if (1..=left).contains(&size) {
                left -= size;
                last.insert(source.path_of(package));
            }
        }
        let mut plan = plan.clone();
        for source in &mut plan.sources {
            let packages = std::mem::take(&mut source.packages);
            source.packages =
                packages.into_iter().filter(|package| !last.contains(&source.path_of(package))).collect();
        }
        plan
    }

    /// Where the packages are that exist already, by their paths below the vendored directory.
    pub fn locations(&self, plan: &Plan) -> PackageLocations {
        let there = plan.packages().filter(|(source, package)| self.has(source, package));
        there.map(|(source, package)| (source.path_of(package), self.location_of(source, package))).collect()
    }

    /// Where a package of the plan is after [`Directory::fill`]: in the stage, or in the directory.
    pub fn location_of(&self, source: &SourceDir, package: &Package) -> PathBuf {
        let path = source.path_of(package);
        match &*self.stage_state() {
            StageState::Begun(stage) if self.staged.contains_key(&path) => stage.tree().join(path),
            _ => self.context.project.target.join(path),
        }
    }

    /// Whether a package is in the stage, or in the directory.
    fn has(&self, source: &SourceDir, package: &Package) -> bool {
        let path = source.path_of(package);
        let known = self.staged.get(&path).or_else(|| self.unchanged.get(&path));
        known.is_some_and(|seen| seen.identity == source.identity(package))
    }

    /// Makes packages. Downloads the .crates that are in no cache.
    fn make_all(
        &mut self,
        caches: &CrateCaches<'_>,
        packages: &[PlannedPackage<'_>],
    ) -> Result<(), CliError> {
        let shell = self.context.shell;
        let packages = caches.largest_first(packages);
        let progress = shell.progress("Vendoring", packages.len() as u64);
        let made =
            work::for_each(&packages, |wanted| self.make(caches, wanted).inspect(|_| progress.step()))?;
        drop(progress);
        let missing = self.record(packages.into_iter().zip(made));
        if missing.is_empty() || self.context.project.settings.offline() {
            return Ok(require_all(caches, &missing)?);
        }
        // Each is unpacked as soon as it is there, while the others are still being downloaded.
        let (send, arriving) = mpsc::channel();
        let this = &*self;
        let (made, downloaded) = thread::scope(|scope| {
            let making = scope
                .spawn(|| work::for_each_arriving(&missing, arriving, |wanted| this.make(caches, wanted)));
            let downloaded = CrateCaches::download(&this.context.registries, &missing, &mut |at| {
                // The receiver is gone only after an error, which is reported.
                let _ = send.send(at);
            });
            drop(send);
            (making.join().expect("unpacking does not panic"), downloaded)
        });
        let mut of_missing: Vec<Option<FilledPackage>> = vec![None; missing.len()];
        for (at, made) in made? {
            of_missing[at] = made;
        }
        let still_missing = self.record(missing.into_iter().zip(of_missing));
        if still_missing.is_empty() {
            return Ok(());
        }
        self.needs_cargo |=
            downloaded.iter().any(|result| result.as_ref().is_err_and(DownloadError::needs_cargo));
        downloaded.into_iter().collect::<Result<(), DownloadError>>()?;
        Ok(require_all(caches, &still_missing)?)
    }

    /// Unpacks one package into the stage, unless the directory has it already as its .crate says. Returns `None` if the .crate is
    /// in no cache.
    fn make(
        &self,
        caches: &CrateCaches<'_>,
        &(source, package): &PlannedPackage<'_>,
    ) -> Result<Option<FilledPackage>, CliError> {
        let CachedCrate::Matching(crate_file) = caches.read(source, package) else { return Ok(None) };
        let refused = |error| RefusedPackage::new(source, package, error);
        let path = source.path_of(package);
        if self.existing.has(&path) {
            let directory = self.context.project.target.join(&path);
            // Before the content is read: if it changes meanwhile, the next run compares it again.
            let fingerprint = fingerprint_of(&directory);
            let findings = compare::against_crate(&crate_file, package, &directory).map_err(refused)?;
            if let Some(fingerprint) = fingerprint.filter(|_| findings.is_empty()) {
                return Ok(Some(FilledPackage::Unchanged(fingerprint)));
            }
        }
        let into = self.tree()?.join(&path);
        if into.exists() {
            // Made for another plan, or by an attempt that failed elsewhere.
            remove_dir_all(&into)?;
        }
        let extracted = match extract::unpack(&crate_file, package, &into) {
            Ok(extracted) => extracted,
            Err(error) => {
                remove_dir_all(&into)?;
                return Err(refused(error).into());
            }
        };
        self.odd.add(source, package, extracted.odd);
        self.context.shell.verbose("Vendoring", format!("{path} ({} files)", extracted.files));
        Ok(Some(FilledPackage::Staged(extracted.fingerprint)))
    }

    /// Records what was made. Returns the packages whose .crates are in no cache.
    fn record<'p>(
        &mut self,
        made: impl Iterator<Item = (PlannedPackage<'p>, Option<FilledPackage>)>,
    ) -> Vec<PlannedPackage<'p>> {
        let mut missing = Vec::new();
        for ((source, package), made) in made {
            let identity = source.identity(package);
            let path = source.path_of(package);
            match made {
                Some(FilledPackage::Unchanged(fingerprint)) => {
                    self.unchanged.insert(path, PackageRecord { identity, fingerprint })
                }
                Some(FilledPackage::Staged(fingerprint)) => {
                    self.staged.insert(path, PackageRecord { identity, fingerprint })
                }
                None => {
                    missing.push((source, package));
                    None
                }
            };
        }
        missing
    }

    /// Has Cargo vendor the repositories that the wanted packages come from.
    fn vendor_git(&mut self, plan: &Plan, wanted: &[PlannedPackage<'_>]) -> Result<(), CliError> {
        let tree = self.tree()?;
        git::vendor_all(self.context, plan, &tree, &|source| {
            wanted.iter().any(|(wanted, _)| std::ptr::eq(*wanted, source))
        })?;
        for (source, package) in wanted {
            let path = source.path_of(package);
            let (made, there) = (tree.join(&path), self.context.project.target.join(&path));
            let fingerprint = if self.existing.has(&path) { fingerprint_of(&there) } else { None };
            if let Some(fingerprint) = fingerprint
                && compare::against_directory(&made, &there)?.is_empty()
            {
                self.unchanged
                    .insert(path, PackageRecord { identity: source.identity(package), fingerprint });
                continue;
            }
            if let Some(fingerprint) = fingerprint_of(&made) {
                self.staged.insert(path, PackageRecord { identity: source.identity(package), fingerprint });
            }
        }
        Ok(())
    }

    /// The tree of the stage, which is begun if it was not.
    pub(super) fn tree(&self) -> Result<PathBuf, StageError> {
        let mut state = self.stage_state();
        if let StageState::Begun(stage) = &*state {
            return Ok(stage.tree());
        }
        match std::mem::replace(&mut *state, StageState::Gone) {
            StageState::Locked(lock) => {
                let stage = Stage::begin(lock, self.existing.clone(), self.context.shell)?;
                let tree = stage.tree();
                *state = StageState::Begun(stage);
                Ok(tree)
            }
            _ => Err(StageError::Gone),
        }
    }

    pub(super) fn stage_state(&self) -> MutexGuard<'_, StageState> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn require_all(caches: &CrateCaches<'_>, missing: &[PlannedPackage<'_>]) -> Result<(), UnavailableCrate> {
    if missing.is_empty() { Ok(()) } else { Err(UnavailableCrate::among(caches, missing)) }
}
