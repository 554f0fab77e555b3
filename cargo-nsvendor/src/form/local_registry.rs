//! `--format local-registry`: Cargo's own local registries, one for each registry of the lock file.
//!
//! ```text
//! vendor/serde.rs/serde-abc-1.0.0.crate      as published
//! vendor/serde.rs/index/se/rd/serde-abc      the locked releases' lines, as published
//! vendor/crates.io/…
//! vendor/git/repo-1a2b3c4/…                  unpacked: a local registry cannot hold packages from git
//! ```
//!
//! Nothing is unpacked here, but every .crate was looked into once ([`super::inspected`]); Cargo unpacks what it builds. A
//! package that a filter leaves out keeps its line, which is all that Cargo reads of it to resolve, and has no .crate.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use cargo_namespaces::digest::Digest;
pub use cargo_namespaces::index::tree::LOCAL_REGISTRY_INDEX as INDEX;
use cargo_namespaces::index::tree::crate_file_name;
use cargo_namespaces_cli::crate_file::CrateFile;
use cargo_namespaces_cli::registry_client::RegistryClient;
use cargo_namespaces_cli::shell::{CliError, ExitCode, Shell};
use cargo_namespaces_cli::snapshot::Snapshot;
use cargo_namespaces_net::client::HttpClient;
use cargo_namespaces_net::fs::{FsError, create_dir_all, directory_of, read_if_exists};

use super::Form;
use super::index_lines::index_files;
use super::inspected::Inspected;
use super::prepare::{archive_of, fetch_archives, packed};
use crate::archives::Archives;
use crate::check::{strays, tree};
use crate::configure::config_path;
use crate::evidence::Standing;
use crate::fill::{Changed, refuse_target};
use crate::git;
use crate::plan::{Package, Plan, Source, SourceDir};
use crate::project::Project;
use crate::resolves::Asking;
use crate::run::{Options, Run, client};
use crate::sbom;
use crate::share;
use crate::stage::{Hold, Stage};
use crate::verified::Reach;
use crate::work;

/// Vendors into local registries.
///
/// # Errors
/// Anything that keeps them from being whole; nothing in the project has then changed.
pub fn run(shell: &Shell, options: &Options) -> Result<ExitCode, CliError> {
    let project = Project::find(shell, options)?;
    refuse_flags(options)?;
    if options.write_config {
        config_path(project.root())?;
        project.require_nameable_target()?;
    }
    let filters = options.filters.over(project.filters()?);
    if !filters.exclude.is_empty() {
        shell.warn("no path is left out of a packed package: `exclude-crate-paths` has no effect on a local registry");
    }
    sbom::files::refuse(&project, &options.sbom)?;
    let transport =
        cargo_namespaces_cli::telling::Telling::new(HttpClient::new(project.settings.http.clone()), shell);
    let client = client(shell, &project, &transport, options);
    let reach = Reach { client: &client, transport: &transport };
    let locks_before = Snapshot::take(project.lock_paths())?;
    let run = Run { shell, project: &project, reach, options, filters: &filters };
    let (locked, stage) = run.prepare(Form::LocalRegistry, |locked, resolves| {
        if locked.plan.is_empty() {
            return Ok(None);
        }
        let (plan, inspected) = (&locked.plan, Inspected::load(&project.settings));
        let packing = Packing { shell, project: &project, client: &client, plan, inspected: &inspected };
        let stage = packing.stage()?;
        inspected.odd.tell(shell, plan);
        inspected.save();
        if let Some(stage) = stage.as_ref().filter(|_| !resolves) {
            let asking = Asking { shell, project: &project, plan, locks: &locked.locks };
            asking.resolved_in_local_registry(&stage.tree())?.map_or(Ok(()), Err)?;
        }
        Ok(stage)
    })?;
    let count = locked.plan.packages().count();
    if count == 0 {
        shell.status("Vendored", "nothing: there is no dependency to vendor in this project");
        locks_before.commit();
        return Ok(ExitCode::Ok);
    }
    let changed = match stage {
        None => Changed::default(),
        Some(stage) => {
            stage.swap().map_err(refuse_target)?;
            Changed { written: count, removed: 0 }
        }
    };
    locks_before.commit();
    filters.record(&project.target)?;
    run.report(&locked, changed);
    run.bills(&locked)?;
    run.configure(&locked.plan, Form::LocalRegistry)?;
    share::with_cargo(shell, &project.settings, &locked.plan);
    Ok(ExitCode::Ok)
}

fn refuse_flags(options: &Options) -> Result<(), CliError> {
    if !options.filters.exclude.is_empty() {
        return Err(CliError::usage(
            "a local registry holds packages packed: no path can be left out of one",
        )
        .hint("leave `--exclude-crate-path` out, or vendor into a directory"));
    }
    if options.no_delete {
        return Err(CliError::usage("`--no-delete` is for directories: a local registry is made anew"));
    }
    Ok(())
}

/// What will lie in the vendored directory, but for packages from git.
pub struct Contents<'p> {
    /// The .crates by path.
    crates: Vec<(String, (&'p SourceDir, &'p Package))>,
    /// The index files by path.
    index: BTreeMap<String, String>,
}

/// The path of a package's .crate below the vendored directory.
pub fn crate_path(source: &SourceDir, package: &Package) -> String {
    format!("{}/{}", source.dir, crate_file_name(&package.name, &package.version))
}

/// The path of an index file below the vendored directory.
pub fn index_path(source: &SourceDir, path: &str) -> String {
    format!("{}/{INDEX}/{path}", source.dir)
}

/// One run.
struct Packing<'a> {
    shell: &'a Shell,
    project: &'a Project,
    client: &'a RegistryClient<'a>,
    plan: &'a Plan,
    inspected: &'a Inspected,
}

impl<'a> Packing<'a> {
    /// All of it beside the target; none where it stands there already.
    fn stage(&self) -> Result<Option<Stage>, CliError> {
        let hold = Hold::take(&self.project.target, self.shell).map_err(refuse_target)?;
        let existing = hold.examine(&Standing::new()).map_err(refuse_target)?;
        let contents = self.contents()?;
        if self.stands(&contents)? {
            return Ok(None);
        }
        let stage = Stage::begin(hold, existing, self.shell).map_err(refuse_target)?;
        self.write(&contents, &stage.tree())?;
        Ok(Some(stage))
    }

    fn contents(&self) -> Result<Contents<'a>, CliError> {
        let mut index = BTreeMap::new();
        for source in self.plan.sources.iter().filter(|source| !matches!(source.source, Source::Git(_))) {
            for (path, text) in index_files(&self.project.settings, self.client, source)? {
                index.insert(index_path(source, &path), text);
            }
        }
        let wanted = packed(self.plan).into_iter().filter(|(_, package)| !package.is_stub());
        let crates =
            wanted.map(|(source, package)| (crate_path(source, package), (source, package))).collect();
        Ok(Contents { crates, index })
    }

    /// Whether all of it stands in the target already, and nothing else does.
    fn stands(&self, contents: &Contents<'_>) -> Result<bool, CliError> {
        let target = &self.project.target;
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
        let same = work::for_each(&contents.crates, |(path, (source, package))| {
            let path = target.join(path);
            if hash_of(&path).is_none_or(|found| Some(found) != package.checksum) {
                return Ok(false);
            }
            if !self.inspected.knows(source, package) {
                let failed = |source| FsError { action: "read", path: path.clone(), source };
                match CrateFile::read(&path).map_err(failed)? {
                    Some(archive) if Some(archive.digest()) == package.checksum => {
                        self.inspected.require(source, package, &archive)?;
                    }
                    _ => return Ok(false),
                }
            }
            Ok(true)
        })?;
        Ok(same.into_iter().all(|same| same) && self.git_stands()?)
    }

    /// Whether the packages from git stand as cargo would vendor them now.
    fn git_stands(&self) -> Result<bool, CliError> {
        if self.plan.git().next().is_none() {
            return Ok(true);
        }
        let fresh = git::fresh(self.shell, self.project, self.plan)?;
        for (source, package) in
            self.plan.packages().filter(|(source, _)| matches!(source.source, Source::Git(_)))
        {
            let path = source.path_of(package);
            if !tree::against_directory(&fresh.path().join(&path), &self.project.target.join(&path))?
                .is_empty()
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn write(&self, contents: &Contents<'a>, tree: &Path) -> Result<(), CliError> {
        let packages: Vec<_> = contents.crates.iter().map(|(_, package)| *package).collect();
        fetch_archives(self.shell, self.project, self.client, &packages)?;
        let archives = Archives::new(&self.project.settings);
        for source in &self.plan.sources {
            create_dir_all(&tree.join(&source.dir))?;
        }
        let progress = self.shell.progress("Packing", contents.crates.len() as u64);
        work::for_each(&contents.crates, |(path, package)| {
            let target = self.project.target.join(path);
            // What stands already and is right needs no cache.
            let standing = CrateFile::read(&target).ok().flatten();
            let archive = match standing.filter(|archive| Some(archive.digest()) == package.1.checksum) {
                Some(archive) => archive,
                None => archive_of(self.project, self.client, &archives, *package)?,
            };
            self.inspected.require(package.0, package.1, &archive)?;
            put(&tree.join(path), |file| archive.write_to(file))?;
            progress.step();
            Ok(())
        })?;
        for (path, text) in &contents.index {
            let path = tree.join(path);
            create_dir_all(directory_of(&path))?;
            put(&path, |file| file.write_all(text.as_bytes()))?;
        }
        git::vendor_all(self.shell, self.project, self.plan, tree, &|_| true)
    }
}

/// The hash of a file that is one, and no link to one.
pub fn hash_of(path: &Path) -> Option<Digest> {
    let found = fs::symlink_metadata(path).ok()?;
    let file = if found.is_file() { File::open(path).ok()? } else { return None };
    Digest::of_reader(std::io::BufReader::with_capacity(1 << 17, file)).ok().map(|(digest, _)| digest)
}

/// Writes a new file into the stage.
fn put(path: &Path, write: impl FnOnce(&mut File) -> std::io::Result<()>) -> Result<(), FsError> {
    let failed = |source| FsError { action: "write", path: PathBuf::from(path), source };
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
    write(&mut file).map_err(failed)
}
