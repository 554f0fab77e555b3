//! `--format local-registry`: Cargo's own local registries, one for each registry of the lock file.
//!
//! ```text
//! vendor/serde.rs/serde-abc-1.0.0.crate      as published
//! vendor/serde.rs/index/se/rd/serde-abc      the locked releases' lines, as published
//! vendor/crates.io/…
//! vendor/git/repo-1a2b3c4/…                  unpacked: a local registry cannot hold packages from git
//! ```
//!
//! Nothing is unpacked, but every .crate is inspected once ([`inspected`]); Cargo unpacks what it builds. A package that a filter
//! leaves out keeps its line, which is all that Cargo reads of it to resolve, and has no .crate.

mod inspected;

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use cargo_namespaces_cli::crate_file::CrateFile;
use cargo_namespaces_cli::interrupt;
use cargo_namespaces_cli::shell::CliError;
use cargo_namespaces_net::fs::{FsError, create_dir_all, directory_of, read_if_exists};

use crate::compare::{self, digest_of_file, strays};
use crate::context::Context;
use crate::crate_files::{CrateCaches, download};
use crate::evidence::UnchangedPackages;
use crate::filter::Filters;
use crate::form::Form;
use crate::git;
use crate::index_lines::index_files;
use crate::plan::{Plan, PlannedPackage};
use crate::resolve::early::PendingAnswer;
use crate::resolve::lock_freshness::LockFreshness;
use crate::resolve::question::ResolveQuestion;
use crate::sbom;
use crate::sink::{Attempt, Published, Sink, Vendored};
use crate::source_config::require_editable;
use crate::stage::{Stage, TargetLock};
use crate::verify::VerifiedLocks;
use crate::work;
use inspected::Inspected;

/// The local registries, of which all are made anew or none.
pub struct LocalRegistry<'a> {
    context: &'a Context<'a>,
    filters: Filters,
    /// The new ones. `None` if those that are there already are right.
    stage: Option<Stage>,
}

impl<'a> LocalRegistry<'a> {
    /// # Errors
    /// An option does not go with a local registry, or a file that is to be written belongs to something else.
    pub fn open(context: &'a Context<'a>) -> Result<Self, CliError> {
        let Context { shell, options, project, .. } = context;
        if !options.filters.exclude.is_empty() {
            let message = "a local registry holds packages packed: no path can be left out of one";
            let hint = "leave `--exclude-crate-path` out, or vendor into a directory";
            return Err(CliError::usage(message).hint(hint));
        }
        if options.no_delete {
            return Err(CliError::usage("`--no-delete` is for directories: a local registry is made anew"));
        }
        if options.write_config {
            require_editable(project)?;
        }
        let filters = context.filters()?;
        if !filters.exclude.is_empty() {
            shell.warn(
                "no path is left out of a packed package: `exclude-crate-paths` has no effect on a local registry",
            );
        }
        sbom::files::require_writable(project, &options.sbom)?;
        Ok(Self { context, filters, stage: None })
    }

    /// Makes all of it beside the target. Returns `None` if it is there already. If `resolves` is false, Cargo is asked whether it
    /// resolves from this what is locked.
    fn make(&self, verified: &VerifiedLocks, resolves: bool) -> Result<Option<Stage>, CliError> {
        let inspected = Inspected::load(&self.context.project.settings);
        let plan = &verified.plan;
        let stage = RegistryBuilder { context: self.context, plan, inspected: &inspected }.stage()?;
        inspected.odd.report(self.context.shell, plan);
        inspected.save();
        if let Some(stage) = stage.as_ref().filter(|_| !resolves) {
            let question = ResolveQuestion::new(self.context, verified);
            question.resolved_in_local_registry(&stage.tree())?.map_or(Ok(()), Err)?;
        }
        Ok(stage)
    }
}

impl Sink for LocalRegistry<'_> {
    fn form(&self) -> Option<Form> {
        Some(Form::LocalRegistry)
    }

    fn filters(&self) -> &Filters {
        &self.filters
    }

    fn needs_fetch(&self, verified: &VerifiedLocks) -> bool {
        download::needs_cargo(&self.context.project.settings, &verified.locks, &verified.plan)
    }

    fn write(
        &mut self,
        verified: &VerifiedLocks,
        freshness: LockFreshness,
        _early: Option<PendingAnswer<'_>>,
    ) -> Result<Attempt, CliError> {
        if verified.plan.is_empty() {
            return Ok(Attempt::Written);
        }
        let made = self.make(verified, freshness.is_resolution_known());
        interrupt::check()?;
        Ok(match made {
            Ok(stage) => {
                self.stage = stage;
                Attempt::Written
            }
            Err(error) => Attempt::Failed(error),
        })
    }

    fn publish(&mut self, verified: &VerifiedLocks) -> Result<Published, CliError> {
        let Some(stage) = self.stage.take() else { return Ok(Published::Vendored(Vendored::default())) };
        stage.swap()?;
        let written = verified.plan.packages().count();
        Ok(Published::Vendored(Vendored { written, ..Vendored::default() }))
    }
}

/// What the vendored directory will hold, without the packages from git.
struct RegistryContents<'p> {
    /// The packages, by the paths of their .crates.
    crates: Vec<(String, PlannedPackage<'p>)>,
    /// The texts of the index files, by their paths.
    index: BTreeMap<String, String>,
}

/// Makes the local registries of a plan.
struct RegistryBuilder<'a> {
    context: &'a Context<'a>,
    plan: &'a Plan,
    inspected: &'a Inspected,
}

impl<'a> RegistryBuilder<'a> {
    /// Makes all of it beside the target. Returns `None` if it is there already.
    fn stage(&self) -> Result<Option<Stage>, CliError> {
        let Context { shell, project, .. } = self.context;
        let lock = TargetLock::take(&project.target, shell)?;
        let existing = lock.examine(&UnchangedPackages::new())?;
        let contents = self.contents()?;
        if self.is_there(&contents)? {
            return Ok(None);
        }
        let stage = Stage::begin(lock, existing, shell)?;
        self.write(&contents, &stage.tree())?;
        Ok(Some(stage))
    }

    fn contents(&self) -> Result<RegistryContents<'a>, CliError> {
        let mut index = BTreeMap::new();
        for source in self.plan.sources.iter().filter(|source| !source.is_git()) {
            for (path, text) in index_files(self.context, source)? {
                index.insert(source.index_path(&path), text);
            }
        }
        let wanted = self.plan.packed_packages().filter(|(_, package)| !package.is_stub());
        let crates =
            wanted.map(|(source, package)| (source.crate_path_of(package), (source, package))).collect();
        Ok(RegistryContents { crates, index })
    }

    /// Whether the target holds all of it, and nothing else.
    fn is_there(&self, contents: &RegistryContents<'_>) -> Result<bool, CliError> {
        let target = &self.context.project.target;
        let files = contents
            .crates
            .iter()
            .map(|(path, _)| path.as_str())
            .chain(contents.index.keys().map(String::as_str));
        if !target.is_dir() || !strays::strays_beside(target, self.plan, &files.collect())?.is_empty() {
            return Ok(false);
        }
        for (path, text) in &contents.index {
            if read_if_exists(&target.join(path))?.as_deref() != Some(text.as_bytes()) {
                return Ok(false);
            }
        }
        let same = work::for_each(&contents.crates, |(path, (source, package))| -> Result<_, CliError> {
            let path = target.join(path);
            if digest_of_file(&path).is_none_or(|found| Some(found) != package.checksum) {
                return Ok(false);
            }
            if !self.inspected.knows(source, package) {
                let failed = |source| FsError { action: "read", path: path.clone(), source };
                match CrateFile::read(&path).map_err(failed)? {
                    Some(crate_file) if Some(crate_file.digest()) == package.checksum => {
                        self.inspected.require(source, package, &crate_file)?;
                    }
                    _ => return Ok(false),
                }
            }
            Ok(true)
        })?;
        Ok(same.into_iter().all(|same| same) && self.git_is_there()?)
    }

    /// Whether the packages from git are as Cargo would vendor them now.
    fn git_is_there(&self) -> Result<bool, CliError> {
        if self.plan.git().next().is_none() {
            return Ok(true);
        }
        let fresh = git::vendor_to_temporary(self.context, self.plan)?;
        let target = &self.context.project.target;
        for (source, package) in self.plan.packages().filter(|(source, _)| source.is_git()) {
            let path = source.path_of(package);
            if !compare::against_directory(&fresh.path().join(&path), &target.join(&path))?.is_empty() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn write(&self, contents: &RegistryContents<'a>, tree: &Path) -> Result<(), CliError> {
        let packages: Vec<_> = contents.crates.iter().map(|(_, package)| *package).collect();
        download::fetch_missing(self.context, &packages)?;
        let caches = CrateCaches::new(&self.context.project.settings);
        for source in &self.plan.sources {
            create_dir_all(&tree.join(&source.dir))?;
        }
        let progress = self.context.shell.progress("Packing", contents.crates.len() as u64);
        work::for_each(&contents.crates, |(path, package)| -> Result<_, CliError> {
            let target = self.context.project.target.join(path);
            // A .crate that is already there and right needs no cache.
            let present = CrateFile::read(&target).ok().flatten();
            let crate_file =
                match present.filter(|crate_file| Some(crate_file.digest()) == package.1.checksum) {
                    Some(crate_file) => crate_file,
                    None => download::require(self.context, &caches, *package)?,
                };
            self.inspected.require(package.0, package.1, &crate_file)?;
            put(&tree.join(path), |file| crate_file.write_to(file))?;
            progress.step();
            Ok(())
        })?;
        for (path, text) in &contents.index {
            let path = tree.join(path);
            create_dir_all(directory_of(&path))?;
            put(&path, |file| file.write_all(text.as_bytes()))?;
        }
        Ok(git::vendor_all(self.context, self.plan, tree, &|_| true)?)
    }
}

/// Writes a new file into the stage.
fn put(path: &Path, write: impl FnOnce(&mut File) -> std::io::Result<()>) -> Result<(), FsError> {
    let failed = |source| FsError { action: "write", path: path.to_owned(), source };
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
    write(&mut file).map_err(failed)
}
