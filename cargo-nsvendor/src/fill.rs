//! Filling the vendored directory: what of it stands is left, what is missing or differs is made beside it and moved in.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

use cargo_namespaces::digest::Digest;
use cargo_namespaces::package::PackageError;
use cargo_namespaces_cli::registry_client::RegistryClient;
use cargo_namespaces_cli::shell::{CliError, ExitCode, Shell};
use cargo_namespaces_net::fs::remove_dir_all;

use crate::ahead::Places;
use crate::archives::{Archives, Cached, NotHad, none_may_miss};
use crate::check::tree;
use crate::evidence::{Seen, Standing, look};
use crate::extract::{self, ExtractError};
use crate::git;
use crate::odd::OddArchives;
use crate::ours::Existing;
use crate::plan::{Package, Plan, Source, SourceDir};
use crate::project::Project;
use crate::stage::{Hold, Stage, StageError};
use crate::work;

/// By bytes of their .crates, a third of the packages can be made last: unpacking it takes two cores longer than Cargo takes to
/// resolve the rest meanwhile.
const PART_MADE_LAST: u64 = 3;

/// A package with its source.
type Wanted<'p> = (&'p SourceDir, &'p Package);

/// The vendored directory between the first look at it and its last change.
pub struct Filling<'a> {
    shell: &'a Shell,
    project: &'a Project,
    client: &'a RegistryClient<'a>,
    existing: Existing,
    place: Mutex<Place>,
    /// In the directory, and good: by evidence, or compared with its archive.
    standing: Standing,
    /// In the stage.
    staged: Standing,
    /// A registry asked for a token, or is one that only Cargo reads.
    needs_cargo: bool,
    /// Archives that are odd.
    odd: OddArchives,
}

/// Where packages are made: the stage is begun for the first, so that a run which changes nothing leaves no trace.
enum Place {
    Held(Hold),
    Begun(Stage),
    /// It could not be begun, or was used up.
    Gone,
}

/// How a package was had, and how its files look.
#[derive(Clone, Copy)]
enum Made {
    /// It stood there already, compared with its archive.
    Stands(Digest),
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

impl<'a> Filling<'a> {
    /// Begins with what stands in the directory that `hold` holds.
    pub fn new(
        shell: &'a Shell,
        project: &'a Project,
        client: &'a RegistryClient<'a>,
        hold: Hold,
        existing: Existing,
        standing: Standing,
    ) -> Self {
        let (staged, place) = (Standing::new(), Mutex::new(Place::Held(hold)));
        let odd = OddArchives::default();
        Self { shell, project, client, existing, place, standing, staged, needs_cargo: false, odd }
    }

    /// Makes what the plan needs and neither the directory nor the stage has. Can be called again with another plan.
    ///
    /// # Errors
    /// An archive cannot be had, breaks a rule, or cannot be unpacked.
    pub fn fill(&mut self, plan: &Plan) -> Result<(), CliError> {
        let archives = Archives::new(&self.project.settings);
        let (git, packed): (Vec<Wanted<'_>>, Vec<Wanted<'_>>) = plan
            .packages()
            .filter(|(source, package)| !self.has(source, package))
            .partition(|(source, _)| matches!(source.source, Source::Git(_)));
        if !packed.is_empty() {
            self.make_all(&archives, &packed)?;
        }
        if !git.is_empty() {
            self.vendor_git(plan, &git)?;
        }
        Ok(())
    }

    /// The plan without what may as well be made last: the largest packages of those that are not there yet, which are few.
    pub fn without_largest(&self, plan: &Plan) -> Plan {
        let archives = Archives::new(&self.project.settings);
        let wanted: Vec<Wanted<'_>> =
            plan.packages().filter(|(source, package)| !self.has(source, package)).collect();
        let sized = archives.sized(&wanted);
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
    pub fn places(&self, plan: &Plan) -> Places {
        let there = plan.packages().filter(|(source, package)| self.has(source, package));
        there.map(|(source, package)| (source.path_of(package), self.place_of(source, package))).collect()
    }

    /// Where a package of the plan stands after [`Filling::fill`]: in the stage, or in the directory already.
    pub fn place_of(&self, source: &SourceDir, package: &Package) -> PathBuf {
        let path = source.path_of(package);
        let place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        match &*place {
            Place::Begun(stage) if self.staged.contains_key(&path) => stage.tree().join(path),
            _ => self.project.target.join(path),
        }
    }

    /// Whether [`Filling::fill`] failed for something that Cargo may have.
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
    pub fn publish(mut self, plan: &Plan, no_delete: bool) -> Result<(Changed, Standing), CliError> {
        let planned: BTreeSet<String> =
            plan.packages().map(|(source, package)| source.path_of(package)).collect();
        let put: Vec<&str> =
            self.staged.keys().filter(|path| planned.contains(*path)).map(String::as_str).collect();
        let (present, empty) = match &self.existing {
            Existing::There { packages, empty, .. } => (packages.clone(), empty.clone()),
            Existing::Missing => (BTreeSet::new(), Vec::new()),
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
            let Place::Begun(stage) = std::mem::replace(place, Place::Gone) else {
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
    fn make_all(&mut self, archives: &Archives<'_>, packages: &[Wanted<'_>]) -> Result<(), CliError> {
        let shell = self.shell;
        let packages = archives.largest_first(packages);
        let progress = shell.progress("Vendoring", packages.len() as u64);
        let made =
            work::for_each(&packages, |wanted| self.make(archives, wanted).inspect(|_| progress.step()))?;
        drop(progress);
        let missing = self.take_in(packages.into_iter().zip(made));
        if missing.is_empty() || self.project.settings.offline() {
            return all_there(archives, &missing);
        }
        // Unpacked while others are still on the way.
        let (send, arriving) = mpsc::channel();
        let this = &*self;
        let (made, downloaded) = thread::scope(|scope| {
            let making = scope
                .spawn(|| work::for_each_arriving(&missing, arriving, |wanted| this.make(archives, wanted)));
            let downloaded = Archives::download(this.client, &missing, &mut |at| {
                // Where nobody listens any more, an error is on its way up.
                let _ = send.send(at);
            });
            drop(send);
            (making.join().expect("unpacking does not panic"), downloaded)
        });
        let mut of_missing: Vec<Option<Made>> = vec![None; missing.len()];
        for (at, made) in made? {
            of_missing[at] = made;
        }
        let still_missing = self.take_in(missing.into_iter().zip(of_missing));
        if still_missing.is_empty() {
            return Ok(());
        }
        self.needs_cargo |=
            downloaded.iter().any(|result| result.as_ref().is_err_and(|error| error.needs_cargo));
        downloaded.into_iter().collect::<Result<(), NotHad>>().map_err(|not_had| not_had.error)?;
        all_there(archives, &still_missing)
    }

    /// One package from its archive: left where it stands as the archive has it, else unpacked into the stage. None when the
    /// archive is in no cache.
    fn make(
        &self,
        archives: &Archives<'_>,
        &(source, package): &Wanted<'_>,
    ) -> Result<Option<Made>, CliError> {
        let Cached::Right(archive) = archives.read(source, package) else { return Ok(None) };
        let refused = |error| refuse_package(source, package, error);
        let path = source.path_of(package);
        if self.existing.has(&path) {
            let directory = self.project.target.join(&path);
            // Before its content is read: what changes meanwhile is looked at again the next time.
            let print = look(&directory);
            let findings = tree::against_archive(&archive, package, &directory).map_err(refused)?;
            if let Some(print) = print.filter(|_| findings.is_empty()) {
                return Ok(Some(Made::Stands(print)));
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
        Ok(Some(Made::Staged(extracted.print)))
    }

    /// Notes what was made; gives back what was not.
    fn take_in<'p>(&mut self, made: impl Iterator<Item = (Wanted<'p>, Option<Made>)>) -> Vec<Wanted<'p>> {
        let mut missing = Vec::new();
        for ((source, package), made) in made {
            let identity = source.identity(package);
            let path = source.path_of(package);
            match made {
                Some(Made::Stands(print)) => self.standing.insert(path, Seen { identity, print }),
                Some(Made::Staged(print)) => self.staged.insert(path, Seen { identity, print }),
                None => {
                    missing.push((source, package));
                    None
                }
            };
        }
        missing
    }

    /// Has cargo vendor the repositories of which a package is wanted.
    fn vendor_git(&mut self, plan: &Plan, wanted: &[Wanted<'_>]) -> Result<(), CliError> {
        let tree = self.tree()?;
        git::vendor_all(self.shell, self.project, plan, &tree, &|source| {
            wanted.iter().any(|(wanted, _)| std::ptr::eq(*wanted, source))
        })?;
        for (source, package) in wanted {
            let path = source.path_of(package);
            let (made, there) = (tree.join(&path), self.project.target.join(&path));
            let print = if self.existing.has(&path) { look(&there) } else { None };
            if let Some(print) = print
                && tree::against_directory(&made, &there)?.is_empty()
            {
                self.standing.insert(path, Seen { identity: source.identity(package), print });
                continue;
            }
            if let Some(print) = look(&made) {
                self.staged.insert(path, Seen { identity: source.identity(package), print });
            }
        }
        Ok(())
    }

    /// The tree of the stage, which is begun if it was not.
    fn tree(&self) -> Result<PathBuf, CliError> {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        if let Place::Begun(stage) = &*place {
            return Ok(stage.tree());
        }
        match std::mem::replace(&mut *place, Place::Gone) {
            Place::Held(hold) => {
                let stage = Stage::begin(hold, self.existing.clone(), self.shell).map_err(refuse_target)?;
                let tree = stage.tree();
                *place = Place::Begun(stage);
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
fn all_there(archives: &Archives<'_>, missing: &[Wanted<'_>]) -> Result<(), CliError> {
    if missing.is_empty() { Ok(()) } else { Err(none_may_miss(archives, missing)) }
}

/// The error for a directory that cannot be replaced.
pub fn refuse_target(error: StageError) -> CliError {
    match error {
        StageError::File(error) => error.into(),
        StageError::NotOurs(error) => {
            let hint = error.hint();
            CliError::from_error(ExitCode::Failure, &error).hint(hint)
        }
        StageError::ReadOnly(_) => CliError::from_error(ExitCode::Failure, &error)
            .hint("`chmod u+w` it if it is to be replaced; nothing was changed"),
        StageError::NoName(_) => CliError::from_error(ExitCode::Usage, &error)
            .hint("name a directory of the project: `cargo nsvendor vendor`"),
        StageError::Interrupted(interrupted) => interrupted.into(),
    }
}

/// The error for a package that cannot be unpacked.
pub fn refuse_package(source: &SourceDir, package: &Package, error: ExtractError) -> CliError {
    match error {
        ExtractError::File(error) => error.into(),
        ExtractError::OneFile(_) => {
            let step = format!(
                "cannot unpack `{}` {} of {}",
                package.name,
                package.version,
                source.source.display()
            );
            CliError::new(ExitCode::Failure, step)
                .caused_by(&error)
                .hint("vendor into a directory on a file system that keeps such names apart")
        }
        ExtractError::Manifest(_) => {
            let step = format!(
                "cannot filter `{}` {} of {}",
                package.name,
                package.version,
                source.source.display()
            );
            CliError::new(ExitCode::InvalidInput, step).caused_by(&error)
        }
        ExtractError::Package(error) => {
            let exit = match error {
                PackageError::Io(_) => ExitCode::Failure,
                _ => ExitCode::Refused,
            };
            let hint = error.hint();
            let step =
                format!("refused `{}` {} of {}", package.name, package.version, source.source.display());
            CliError::new(exit, step).caused_by(&error).hint(hint)
        }
    }
}
