//! Vendoring: gather, verify, stage, swap, print.
//!
//! ```text
//! look at the target ─► lock files ─► verify namespaced releases ─► cargo fetch (verify again what it changed)
//!     ─► plan ─► stage: each .crate hashed, unpacked through the package rules ─► swap ─► configuration
//! ```
//!
//! Until the swap nothing in the project changes, but for a lock file that Cargo brings up to date; that is put back if
//! anything fails.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cargo_namespaces::cargo_config::{DirectorySource, source_snippet, upsert_source_replacements};
use cargo_namespaces::cli::CommonArgs;
use cargo_namespaces::client::HttpClient;
use cargo_namespaces::fs::{Snapshot, leads_out_of, read_to_string_if_exists, write_if_changed};
use cargo_namespaces::lockfile::{LockFile, LockSource};
use cargo_namespaces::package::PackageError;
use cargo_namespaces::registry_client::RegistryClient;
use cargo_namespaces::shell::{CliError, Context as _, ExitCode, Shell};

use crate::archives::{Archives, Cached};
use crate::extract::{self, ExtractError};
use crate::git;
use crate::plan::{Package, Plan, Source, SourceDir};
use crate::project::{Project, all_packages};
use crate::stage::{self, Stage, StageError};
use crate::verified::{self, Reach, Verification};
use crate::work;

/// The flags.
#[derive(Debug)]
pub struct Options {
    /// The directory to vendor into.
    pub path: PathBuf,
    /// Write the configuration instead of printing it.
    pub write_config: bool,
    /// A trust file or a revision.
    pub trust: Option<String>,
    /// Refuse what could not be asked or checked.
    pub strict: bool,
    /// Further manifests.
    pub sync: Vec<PathBuf>,
    /// The common flags.
    pub common: CommonArgs,
}

/// Vendors.
///
/// # Errors
/// Anything that keeps it from being whole; nothing in the project has then changed.
pub fn run(shell: &Shell, options: &Options) -> Result<ExitCode, CliError> {
    let project = Project::find(shell, options)?;
    if options.write_config {
        config_path(project.root())?;
    }
    stage::check(&project.target).map_err(refuse_target)?;
    let transport = HttpClient::new(project.settings.http.clone());
    let client = RegistryClient::new(&project.settings, &transport);
    let reach = Reach { client: &client, transport: &transport };
    let locks_before = Snapshot::take(project.lock_paths())?;
    let (locks, verification) = bring_up_to_date(shell, &project, reach, options)?;
    let plan = Plan::new(&locks, &verification.namespaces).exit_with(ExitCode::InvalidInput)?;
    if plan.is_empty() {
        shell.status("Vendored", "nothing: there is no dependency to vendor in this project");
        locks_before.commit();
        return Ok(ExitCode::Ok);
    }
    let stage = Stage::begin(&project.target, shell).map_err(refuse_target)?;
    fill(shell, &project, &client, &plan, &stage.tree())?;
    stage.commit().map_err(refuse_target)?;
    locks_before.commit();
    report(shell, &project, &plan, &verification);
    configure(shell, &project, &plan, options)?;
    Ok(ExitCode::Ok)
}

/// Has cargo bring the lock files up to date and fetch everything, between verifying what was locked before and what is
/// locked after: cargo unpacks what it fetches, and a Cargo before 1.96 follows the links in it.
fn bring_up_to_date(
    shell: &Shell,
    project: &Project,
    reach: Reach<'_>,
    options: &Options,
) -> Result<(Vec<LockFile>, Verification), CliError> {
    let verify = |locks: &[LockFile]| {
        let found = verified::verify(shell, project, reach, &all_packages(locks), options.strict)?;
        found.require(shell)?;
        Ok::<Verification, CliError>(found)
    };
    let all_there = project.lock_paths().all(|path| path.is_file());
    let before = if all_there {
        let locks = project.locks()?;
        let found = verify(&locks)?;
        Some((locks, found))
    } else {
        None
    };
    for manifest in &project.manifests {
        project.cargo.fetch(manifest)?;
    }
    let locks = project.locks()?;
    match before {
        Some((known, found)) if known == locks => Ok((locks, found)),
        _ => {
            let found = verify(&locks)?;
            Ok((locks, found))
        }
    }
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
        StageError::NoName(_) => CliError::from_error(ExitCode::Usage, &error),
    }
}

/// The error for a package that cannot be unpacked.
pub fn refuse_package(source: &SourceDir, package: &Package, error: ExtractError) -> CliError {
    match error {
        ExtractError::File(error) => error.into(),
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

/// Fills the new tree with every package of the plan.
fn fill(
    shell: &Shell,
    project: &Project,
    client: &RegistryClient<'_>,
    plan: &Plan,
    tree: &Path,
) -> Result<(), CliError> {
    let archives = Archives::new(&project.settings);
    let from_registries: Vec<(&SourceDir, &Package)> =
        plan.packages().filter(|(source, _)| !matches!(source.source, Source::Git(_))).collect();
    let missing = unpack_all(shell, &archives, &from_registries, tree)?;
    if !project.settings.offline() {
        Archives::download(shell, client, &missing).into_iter().collect::<Result<(), CliError>>()?;
    }
    let still_missing = unpack_all(shell, &archives, &missing, tree)?;
    if let Some((source, package)) = still_missing.first() {
        return Err(wrong_or_missing(&archives, source, package));
    }
    vendor_git(shell, project, plan, tree)
}

/// Unpacks what the caches have; gives back what they do not have.
fn unpack_all<'a>(
    shell: &Shell,
    archives: &Archives<'_>,
    packages: &[(&'a SourceDir, &'a Package)],
    tree: &Path,
) -> Result<Vec<(&'a SourceDir, &'a Package)>, CliError> {
    let progress = shell.progress("Vendoring", packages.len() as u64);
    let unpacked = work::for_each(packages, |&(source, package)| {
        let Cached::Right(archive) = archives.read(source, package) else {
            return Ok(Some((source, package)));
        };
        let into = tree.join(&source.dir).join(package.dir());
        let extracted = extract::unpack(&archive, package, &into)
            .map_err(|error| refuse_package(source, package, error))?;
        progress.step();
        let files = extracted.files;
        shell.verbose("Vendoring", format!("{}/{} ({files} files)", source.dir, package.dir()));
        Ok(None)
    })?;
    Ok(unpacked.into_iter().flatten().collect())
}

/// A .crate that is in no cache with the right hash, although it was just downloaded or cannot be.
pub fn wrong_or_missing(archives: &Archives<'_>, source: &SourceDir, package: &Package) -> CliError {
    let name = format!("`{}` {} of {}", package.name, package.version, source.source.display());
    match (archives.read(source, package), package.checksum) {
        (Cached::Wrong { path, found }, Some(expected)) => CliError::new(
            ExitCode::Refused,
            format!("`{}` has the SHA-256 {found}, but Cargo.lock says {expected}", path.display()),
        )
        .because(format!("it would be unpacked as {name}"))
        .hint("the cache was altered: remove the file, and run the command again with network access"),
        _ => CliError::new(ExitCode::Unreachable, format!("the .crate of {name} is in no cache"))
            .hint("run the command once without `--offline`"),
    }
}

/// Has cargo vendor the packages of each repository.
pub fn vendor_git(shell: &Shell, project: &Project, plan: &Plan, tree: &Path) -> Result<(), CliError> {
    let sources: Vec<_> = plan.git().collect();
    if sources.is_empty() {
        return Ok(());
    }
    let mut graphs = Vec::new();
    for manifest in &project.manifests {
        graphs.push(project.cargo.metadata(manifest)?);
    }
    for (source, url) in sources {
        shell.verbose("Vendoring", format!("{} ({url})", source.dir));
        let has_it = |graph: &&cargo_metadata::Metadata| {
            let first = &source.packages[0];
            graph
                .packages
                .iter()
                .any(|package| package.name.as_str() == first.name && package.version == first.version)
        };
        let graph = graphs.iter().find(has_it).or(graphs.first()).expect("a project has a manifest");
        git::vendor(&project.settings, graph, source, url, &tree.join(&source.dir))?;
    }
    Ok(())
}

/// Says what was done.
fn report(shell: &Shell, project: &Project, plan: &Plan, verification: &Verification) {
    for (source, package) in plan.packages() {
        shell.json("vendored-package", &verification.describe(source, package));
    }
    let count = plan.packages().count();
    let namespaced = verification.report.releases.len();
    let mut text = format!("{count} {} to `{}`", plural(count, "package"), project.shown_target());
    if namespaced > 0 {
        text.push_str(&format!(", {namespaced} of them namespaced, intact and trusted"));
    }
    shell.status("Vendored", text);
}

/// `1 package`, `2 packages`.
pub fn plural(count: usize, word: &str) -> String {
    if count == 1 { word.to_owned() } else { format!("{word}s") }
}

/// Prints or writes the source replacement.
fn configure(shell: &Shell, project: &Project, plan: &Plan, options: &Options) -> Result<(), CliError> {
    let sources = directory_sources(project, plan);
    if !options.write_config {
        let snippet = source_snippet(&sources);
        if shell.is_json() {
            shell.json("config", &BTreeMap::from([("toml", snippet)]));
        } else {
            shell.say("To use the vendored sources, add this to your .cargo/config.toml for this project:\n");
            shell.print_raw(&snippet);
        }
        return Ok(());
    }
    let path = config_path(project.root())?;
    let text = read_to_string_if_exists(&path)?.unwrap_or_default();
    let edited = upsert_source_replacements(&text, &sources)
        .with_context(ExitCode::InvalidInput, || format!("failed to edit `{}`", path.display()))?;
    if write_if_changed(&path, edited.text.as_bytes())? {
        shell.status("Configured", format!("{} to use the vendored sources", path.display()));
    }
    Ok(())
}

/// The file that Cargo reads: the old name counts where it exists.
///
/// # Errors
/// A link in a stranger's clone leads out of it.
fn config_path(root: &Path) -> Result<PathBuf, CliError> {
    let old = root.join(".cargo").join("config");
    let path = if old.is_file() { old } else { root.join(".cargo").join("config.toml") };
    let repository = root.ancestors().find(|directory| directory.join(".git").exists());
    let Some(landing) = leads_out_of(&path, repository.unwrap_or(root)) else { return Ok(path) };
    let message = format!("`{}` leads out of the project, to `{}`", path.display(), landing.display());
    Err(CliError::new(ExitCode::InvalidInput, message)
        .hint("a symbolic link leads there: remove it if the project's own file belongs in its place"))
}

/// The directory sources as the configuration names them.
fn directory_sources(project: &Project, plan: &Plan) -> Vec<DirectorySource> {
    let target = project.configured_target();
    plan.sources
        .iter()
        .map(|source| DirectorySource {
            original: match &source.source {
                Source::CratesIo => LockSource::CratesIo,
                Source::Namespace { index, .. } => LockSource::Registry(index.clone()),
                Source::Registry(url) => LockSource::OtherRegistry(url.clone()),
                Source::Git(url) => LockSource::Git(url.to_string()),
            },
            name: format!("vendored-{}", source.dir),
            directory: format!("{target}/{}", source.dir),
        })
        .collect()
}
