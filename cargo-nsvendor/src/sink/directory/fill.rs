//! Filling the vendored directory: what of it stands is left, what is missing or differs is made beside it and moved in.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

use cargo_namespaces::digest::Digest;
use cargo_namespaces::fs::remove_dir_all;
use cargo_namespaces::registry_client::RegistryClient;
use cargo_namespaces::shell::{CliError, ExitCode, Shell};

use crate::compare;
use crate::content::refuse_package;
use crate::crate_files::{CachedCrate, CrateCaches, DownloadError, missing_error};
use crate::evidence::{PackageRecord, UnchangedPackages, fingerprint_of};
use crate::extract;
use crate::git;
use crate::odd_crates::OddCrates;
use crate::plan::{Package, Plan, PlannedSource, SourceDir};
use crate::project::Project;
use crate::resolve::early::PackageLocations;
use crate::stage::foreign_files::ExistingTarget;
use crate::stage::{Stage, TargetLock, refuse_target};
use crate::work;

/// By bytes of their .crates, a third of the packages can be made last: unpacking it takes two cores longer than Cargo takes to
/// resolve the rest meanwhile.
const PART_MADE_LAST: u64 = 3;

/// A package with its source.
type PlannedPackage<'p> = (&'p SourceDir, &'p Package);

/// The vendored directory between the first look at it and its last change.
pub struct DirectoryFill<'a> {
    shell: &'a Shell,
    project: &'a Project,
    client: &'a RegistryClient<'a>,
    existing: ExistingTarget,
    place: Mutex<StageState>,
    /// In the directory, and good: by evidence, or compared with its archive.
    standing: UnchangedPackages,
    /// In the stage.
    staged: UnchangedPackages,
    /// A registry asked for a token, or is one that only Cargo reads.
    needs_cargo: bool,
    /// Archives that are odd.
    odd: OddCrates,
}

/// Where packages are made: the stage is begun for the first, so that a run which changes nothing leaves no trace.
enum StageState {
    Held(TargetLock),
    Begun(Stage),
    /// It could not be begun, or was used up.
    Gone,
}

/// How a package was had, and how its files look.
#[derive(Clone, Copy)]
enum FilledPackage {
    /// It stood there already, compared with its archive.
    VendoredState(Digest),
    /// It is in the stage.
    Staged(Digest),
}

/// What was changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// Packages written.
    pub written: usize,
    /// Packages removed.
    pub removed: usize,
}

impl<'a> DirectoryFill<'a> {
    /// Begins with what stands in the directory that `hold` holds.
    pub fn new(
        shell: &'a Shell,
        project: &'a Project,
        client: &'a RegistryClient<'a>,
        hold: TargetLock,
        existing: ExistingTarget,
        standing: UnchangedPackages,
    ) -> Self {
        let (staged, place) = (UnchangedPackages::new(), Mutex::new(StageState::Held(hold)));
        let odd = OddCrates::default();
        Self { shell, project, client, existing, place, standing, staged, needs_cargo: false, odd }
    }

    /// Makes what the plan needs and neither the directory nor the stage has. Can be called again with another plan.
    ///
    /// # Errors
    /// An archive cannot be had, breaks a rule, or cannot be unpacked.
    pub fn fill(&mut self, plan: &Plan) -> Result<(), CliError> {
        let caches = CrateCaches::new(&self.project.settings);
        let (git, packed): (Vec<PlannedPackage<'_>>, Vec<PlannedPackage<'_>>) = plan
            .packages()
            .filter(|(source, package)| !self.has(source, package))
            .partition(|(source, _)| matches!(source.source, PlannedSource::Git(_)));
        if !packed.is_empty() {
            self.make_all(&caches, &packed)?;
        }
        if !git.is_empty() {
            self.vendor_git(plan, &git)?;
        }
        Ok(())
    }

    /// The plan without what may as well be made last: the largest packages of those that are not there yet, which are few.
    pub fn without_largest(&self, plan: &Plan) -> Plan {
        let caches = CrateCaches::new(&self.project.settings);
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

    /// Where those packages of the plan stand that are there, by their paths below the vendored directory.
    pub fn places(&self, plan: &Plan) -> PackageLocations {
        let there = plan.packages().filter(|(source, package)| self.has(source, package));
        there.map(|(source, package)| (source.path_of(package), self.place_of(source, package))).collect()
    }

    /// Where a package of the plan stands after [`DirectoryFill::fill`]: in the stage, or in the directory already.
    pub fn place_of(&self, source: &SourceDir, package: &Package) -> PathBuf {
        let path = source.path_of(package);
        let place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        match &*place {
            StageState::Begun(stage) if self.staged.contains_key(&path) => stage.tree().join(path),
            _ => self.project.target.join(path),
        }
    }

    /// Whether [`DirectoryFill::fill`] failed for something that Cargo may have.
    pub fn needs_cargo(&self) -> bool {
        self.needs_cargo
    }

    /// Says what is odd about what was made.
    pub fn tell_odd(&self, plan: &Plan) {
        self.odd.tell(self.shell, plan);
    }

    /// Moves what was made into the directory, and out of it what the plan does not have, unless `no_delete`.
    ///
    /// # Errors
    /// The directory stands as before.
    pub fn publish(mut self, plan: &Plan, no_delete: bool) -> Result<(Changed, UnchangedPackages), CliError> {
        let planned: BTreeSet<String> =
            plan.packages().map(|(source, package)| source.path_of(package)).collect();
        let put: Vec<&str> =
            self.staged.keys().filter(|path| planned.contains(*path)).map(String::as_str).collect();
        let (present, empty) = match &self.existing {
            ExistingTarget::There { packages, empty, .. } => (packages.clone(), empty.clone()),
            ExistingTarget::Missing => (BTreeSet::new(), Vec::new()),
        };
        let others: Vec<&str> =
            present.iter().map(String::as_str).filter(|path| !planned.contains(*path)).collect();
        // A local registry where a directory of packages belongs: it goes as that comes, and all of that was just made.
        let (packed, others): (Vec<&str>, Vec<&str>) =
            others.into_iter().partition(|path| plan.sources.iter().any(|source| source.dir == *path));
        if no_delete && !packed.is_empty() {
            let message = "`--no-delete` cannot keep a local registry in a directory";
            return Err(CliError::usage(message).hint("leave the flag out, or vendor into another directory"));
        }
        let gone: &[&str] = if no_delete { &[] } else { &others };
        let changed = Changed { written: put.len(), removed: gone.len() + packed.len() };
        if changed != Changed::default() {
            self.tree()?;
            let place = self.place.get_mut().unwrap_or_else(PoisonError::into_inner);
            let StageState::Begun(stage) = std::mem::replace(place, StageState::Gone) else {
                unreachable!("it was just begun")
            };
            let of_earlier_plan = self.staged.keys().filter(|path| !planned.contains(*path));
            of_earlier_plan.into_iter().try_for_each(|path| remove_with_empty(&stage.tree(), path))?;
            let stays = put.len() < planned.len() || (no_delete && !others.is_empty());
            let published = if stays {
                let is_in = |path: &str, directory: &str| Path::new(path).starts_with(directory);
                let alone =
                    put.iter().copied().filter(|path| !packed.iter().any(|packed| is_in(path, packed)));
                stage.move_packages(&packed.iter().copied().chain(alone).collect::<Vec<_>>(), gone)
            } else {
                stage.swap()
            };
            published.map_err(refuse_target)?;
        }
        if !no_delete {
            // Left by git, for one, which knows files only. What has come into one meanwhile stays.
            empty.iter().for_each(|path| remove_empty(&self.project.target, Path::new(path)));
        }
        let mut standing = self.standing;
        standing.extend(self.staged.into_iter().filter(|(path, _)| planned.contains(path)));
        standing.retain(|path, _| planned.contains(path) || (no_delete && present.contains(path)));
        Ok((changed, standing))
    }

    /// Whether a package is where it will be, or in the stage.
    fn has(&self, source: &SourceDir, package: &Package) -> bool {
        let path = source.path_of(package);
        let known = self.staged.get(&path).or_else(|| self.standing.get(&path));
        known.is_some_and(|seen| seen.identity == source.identity(package))
    }

    /// Makes packages; downloads the archives that are in no cache.
    fn make_all(
        &mut self,
        caches: &CrateCaches<'_>,
        packages: &[PlannedPackage<'_>],
    ) -> Result<(), CliError> {
        let shell = self.shell;
        let packages = caches.largest_first(packages);
        let progress = shell.progress("Vendoring", packages.len() as u64);
        let made =
            work::for_each(&packages, |wanted| self.make(caches, wanted).inspect(|_| progress.step()))?;
        drop(progress);
        let missing = self.take_in(packages.into_iter().zip(made));
        if missing.is_empty() || self.project.settings.offline() {
            return all_there(caches, &missing);
        }
        // Unpacked while others are still on the way.
        let (send, arriving) = mpsc::channel();
        let this = &*self;
        let (made, downloaded) = thread::scope(|scope| {
            let making = scope
                .spawn(|| work::for_each_arriving(&missing, arriving, |wanted| this.make(caches, wanted)));
            let downloaded = CrateCaches::download(this.client, &missing, &mut |at| {
                // Where nobody listens any more, an error is on its way up.
                let _ = send.send(at);
            });
            drop(send);
            (making.join().expect("unpacking does not panic"), downloaded)
        });
        let mut of_missing: Vec<Option<FilledPackage>> = vec![None; missing.len()];
        for (at, made) in made? {
            of_missing[at] = made;
        }
        let still_missing = self.take_in(missing.into_iter().zip(of_missing));
        if still_missing.is_empty() {
            return Ok(());
        }
        self.needs_cargo |=
            downloaded.iter().any(|result| result.as_ref().is_err_and(|error| error.needs_cargo));
        downloaded.into_iter().collect::<Result<(), DownloadError>>().map_err(|not_had| not_had.error)?;
        all_there(caches, &still_missing)
    }

    /// One package from its archive: left where it stands as the archive has it, else unpacked into the stage. None when the
    /// archive is in no cache.
    fn make(
        &self,
        caches: &CrateCaches<'_>,
        &(source, package): &PlannedPackage<'_>,
    ) -> Result<Option<FilledPackage>, CliError> {
        let CachedCrate::Matching(archive) = caches.read(source, package) else { return Ok(None) };
        let refused = |error| refuse_package(source, package, error);
        let path = source.path_of(package);
        if self.existing.has(&path) {
            let directory = self.project.target.join(&path);
            // Before its content is read: what changes meanwhile is looked at again the next time.
            let fingerprint = fingerprint_of(&directory);
            let findings = compare::against_archive(&archive, package, &directory).map_err(refused)?;
            if let Some(fingerprint) = fingerprint.filter(|_| findings.is_empty()) {
                return Ok(Some(FilledPackage::VendoredState(fingerprint)));
            }
        }
        let into = self.tree()?.join(&path);
        if self.staged.contains_key(&path) {
            // Of the same name and version, for another plan.
            remove_dir_all(&into)?;
        }
        let extracted = match extract::unpack(&archive, package, &into) {
            Ok(extracted) => extracted,
            Err(error) => {
                // It may be tried again.
                remove_dir_all(&into)?;
                return Err(refused(error));
            }
        };
        self.odd.add(source, package, extracted.odd);
        self.shell.verbose("Vendoring", format!("{path} ({} files)", extracted.files));
        Ok(Some(FilledPackage::Staged(extracted.fingerprint)))
    }

    /// Notes what was made; gives back what was not.
    fn take_in<'p>(
        &mut self,
        made: impl Iterator<Item = (PlannedPackage<'p>, Option<FilledPackage>)>,
    ) -> Vec<PlannedPackage<'p>> {
        let mut missing = Vec::new();
        for ((source, package), made) in made {
            let identity = source.identity(package);
            let path = source.path_of(package);
            match made {
                Some(FilledPackage::VendoredState(fingerprint)) => {
                    self.standing.insert(path, PackageRecord { identity, fingerprint })
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

    /// Has cargo vendor the repositories of which a package is wanted.
    fn vendor_git(&mut self, plan: &Plan, wanted: &[PlannedPackage<'_>]) -> Result<(), CliError> {
        let tree = self.tree()?;
        git::vendor_all(self.shell, self.project, plan, &tree, &|source| {
            wanted.iter().any(|(wanted, _)| std::ptr::eq(*wanted, source))
        })?;
        for (source, package) in wanted {
            let path = source.path_of(package);
            let (made, there) = (tree.join(&path), self.project.target.join(&path));
            let fingerprint = if self.existing.has(&path) { fingerprint_of(&there) } else { None };
            if let Some(fingerprint) = fingerprint
                && compare::against_directory(&made, &there)?.is_empty()
            {
                self.standing.insert(path, PackageRecord { identity: source.identity(package), fingerprint });
                continue;
            }
            if let Some(fingerprint) = fingerprint_of(&made) {
                self.staged.insert(path, PackageRecord { identity: source.identity(package), fingerprint });
            }
        }
        Ok(())
    }

    /// The tree of the stage, which is begun if it was not.
    fn tree(&self) -> Result<PathBuf, CliError> {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        if let StageState::Begun(stage) = &*place {
            return Ok(stage.tree());
        }
        match std::mem::replace(&mut *place, StageState::Gone) {
            StageState::Held(hold) => {
                let stage = Stage::begin(hold, self.existing.clone(), self.shell).map_err(refuse_target)?;
                let tree = stage.tree();
                *place = StageState::Begun(stage);
                Ok(tree)
            }
            _ => Err(CliError::new(ExitCode::Failure, "there is no place to make packages in")),
        }
    }
}

/// Removes a package from a tree, and the directory of its source if it was the last.
fn remove_with_empty(tree: &Path, path: &str) -> Result<(), CliError> {
    remove_dir_all(&tree.join(path))?;
    if let Some(above) = Path::new(path).parent() {
        remove_empty(tree, above);
    }
    Ok(())
}

/// Removes the directory at `path` below `root`, and those above it, as far as they are empty.
fn remove_empty(root: &Path, path: &Path) {
    for directory in path.ancestors().filter(|path| !path.as_os_str().is_empty()) {
        let _ = fs::remove_dir(root.join(directory));
    }
}

/// Nothing may be missing.
fn all_there(caches: &CrateCaches<'_>, missing: &[PlannedPackage<'_>]) -> Result<(), CliError> {
    if missing.is_empty() { Ok(()) } else { Err(missing_error(caches, missing)) }
}
