//! Each package against its archive, or what stands for it.

use std::collections::HashMap;

use cargo_namespaces::integrity::WholeCrate as _;
use cargo_namespaces::lockfile::LockFile;
use cargo_namespaces_cli::registry_client::RegistryClient;
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode, Shell};
use cargo_namespaces_net::fs::read_to_string_if_exists;
use cargo_namespaces_net::interrupt;

use super::tree::{self, Finding, What};
use crate::archives::{Archives, Cached, read_by_cargo, wrong_or_missing};
use crate::fill::refuse_package;
use crate::filter::shape;
use crate::form::Form;
use crate::git;
use crate::plan::{Package, Plan, Source, SourceDir};
use crate::project::Project;
use crate::work;

/// What a check of one package found.
#[derive(Debug)]
pub enum Outcome {
    /// It is as it must be. `vendored` says whether its files were compared.
    Good { vendored: bool },
    /// The vendored files are not those of the package.
    Differs(Vec<Finding>),
    /// Neither the archive nor the checkout is here; the files fit their own list.
    Unchecked(&'static str),
    /// The archive itself is wrong, or could not be had.
    Failed(CliError),
}

/// Looks at every package of the plan, in its order; `vendored` says whether there are files to compare.
///
/// # Errors
/// A file cannot be read, cargo fails, or Ctrl-C. What is wrong with a package is its [`Outcome`].
pub fn check(
    shell: &Shell,
    project: &Project,
    client: &RegistryClient<'_>,
    plan: &Plan,
    vendored: bool,
) -> Result<Vec<Outcome>, CliError> {
    let archives = Archives::new(&project.settings);
    let packages = archives.largest_first(&plan.packages().collect::<Vec<_>>());
    let mut outcomes = pass(shell, project, &archives, &packages, vendored)?;
    let missing: Vec<usize> = (0..packages.len()).filter(|at| outcomes[*at].is_none()).collect();
    let wanted: Vec<(&SourceDir, &Package)> = missing.iter().map(|at| packages[*at]).collect();
    let offline = project.settings.offline();
    let downloads = if offline { Vec::new() } else { Archives::download(client, &wanted, &mut |_| {}) };
    let again = pass(shell, project, &archives, &wanted, vendored)?;
    let mut downloads = downloads.into_iter();
    for (at, second) in missing.into_iter().zip(again) {
        let (source, package) = packages[at];
        let failed = downloads.next().and_then(Result::err);
        outcomes[at] = Some(match (second, failed) {
            (Some(outcome), _) => outcome,
            (None, Some(not_had)) => Outcome::Failed(not_had.error),
            (None, None) => without_archive(project, &archives, source, package, vendored)?,
        });
    }
    // In the plan's order again.
    let mut by_package: HashMap<*const Package, Option<Outcome>> =
        packages.iter().map(|(_, package)| std::ptr::from_ref(*package)).zip(outcomes).collect();
    let mut outcomes: Vec<Option<Outcome>> = plan
        .packages()
        .map(|(_, package)| by_package.remove(&std::ptr::from_ref(package)).flatten())
        .collect();
    check_git(shell, project, plan, vendored, &mut outcomes)?;
    Ok(outcomes
        .into_iter()
        .map(|outcome| outcome.unwrap_or(Outcome::Unchecked("it was not looked at")))
        .collect())
}

/// Has Cargo fetch the archives that no cache has and only Cargo can read. Where it fails, each is told to be missing.
///
/// # Errors
/// Ctrl-C.
pub fn fetch_by_cargo(
    shell: &Shell,
    project: &Project,
    plan: &Plan,
    locks: &[LockFile],
    form: Form,
) -> Result<(), CliError> {
    let archives = Archives::new(&project.settings);
    let is_missing = |&(source, package): &(&SourceDir, &Package)| {
        package.checksum.is_some()
            && read_by_cargo(&project.settings, &source.source)
            && !archives.may_have(source, package)
    };
    // What Cargo loads when it is asked offline, and is not in what was vendored.
    let is_loaded = locks.iter().any(LockFile::has_unused_patches)
        || (form == Form::TarZst && plan.git().next().is_some());
    if !project.settings.offline() && (is_loaded || plan.packages().any(|wanted| is_missing(&wanted))) {
        let _ = project.fetch_locked(shell);
        interrupt::check()?;
    }
    Ok(())
}

/// Compares each package whose archive is in a cache; `None` for the others. Git packages wait for [`check_git`].
fn pass(
    shell: &Shell,
    project: &Project,
    archives: &Archives<'_>,
    packages: &[(&SourceDir, &Package)],
    vendored: bool,
) -> Result<Vec<Option<Outcome>>, CliError> {
    let progress = shell.progress("Checking", packages.len() as u64);
    work::for_each(packages, |&(source, package)| {
        if matches!(source.source, Source::Git(_)) {
            return Ok(Some(Outcome::Good { vendored: false }));
        }
        let Cached::Right(archive) = archives.read(source, package) else { return Ok(None) };
        let directory = project.target.join(&source.dir).join(package.dir());
        let outcome = if vendored {
            match tree::against_archive(&archive, package, &directory) {
                Ok(findings) if findings.is_empty() => Outcome::Good { vendored: true },
                Ok(findings) => Outcome::Differs(findings),
                Err(error) => Outcome::Failed(refuse_package(source, package, error)),
            }
        } else {
            match archive.inspect(&package.name, &package.version) {
                Ok(_) => Outcome::Good { vendored: false },
                Err(error) => Outcome::Failed(refuse_package(source, package, error.into())),
            }
        };
        progress.step();
        Ok(Some(outcome))
    })
}

/// Offline, and no cache has the archive.
fn without_archive(
    project: &Project,
    archives: &Archives<'_>,
    source: &SourceDir,
    package: &Package,
    vendored: bool,
) -> Result<Outcome, CliError> {
    if let Cached::Wrong { .. } = archives.read(source, package) {
        return Ok(Outcome::Failed(wrong_or_missing(archives, source, package)));
    }
    if !vendored {
        return Ok(Outcome::Unchecked("its .crate is not here"));
    }
    let directory = project.target.join(&source.dir).join(package.dir());
    let mut findings = tree::against_itself(package, &directory)?;
    // Its own list fits a stub as well as the package.
    let manifest = read_to_string_if_exists(&directory.join(shape::MANIFEST))?.unwrap_or_default();
    if findings.is_empty() && shape::is_stub(&manifest) != package.is_stub() {
        findings.push(Finding { path: shape::MANIFEST.to_owned(), what: What::Changed });
    }
    Ok(match findings.is_empty() {
        true => Outcome::Unchecked("its .crate is not here: compared with its own checksums only"),
        false => Outcome::Differs(findings),
    })
}

/// Compares the packages from git with what `cargo vendor` makes of them, in a temporary directory.
///
/// # Errors
/// A file cannot be read, or cargo fails.
pub fn check_git(
    shell: &Shell,
    project: &Project,
    plan: &Plan,
    vendored: bool,
    outcomes: &mut [Option<Outcome>],
) -> Result<(), CliError> {
    if !vendored || plan.git().next().is_none() {
        return Ok(());
    }
    let fresh = tempfile::Builder::new()
        .prefix("cargo-nsvendor-")
        .tempdir()
        .context(ExitCode::Failure, "failed to create a temporary directory")?;
    let vendor = || git::vendor_all(shell, project, plan, fresh.path(), &|_| true);
    let mut made = vendor();
    if made.is_err() && !project.settings.offline() {
        // The repositories were never fetched here, or not since they moved on.
        project.fetch_locked(shell)?;
        made = vendor();
    }
    if let Err(error) = &made
        && !project.settings.offline()
    {
        return Err(error.clone());
    }
    for ((source, package), outcome) in plan.packages().zip(outcomes) {
        if !matches!(source.source, Source::Git(_)) {
            continue;
        }
        let below = format!("{}/{}", source.dir, package.dir());
        let directory = project.target.join(&below);
        let findings = match made {
            Ok(()) => tree::against_directory(&fresh.path().join(&below), &directory)?,
            Err(_) => tree::against_itself(package, &directory)?,
        };
        *outcome = Some(match (findings.is_empty(), &made) {
            (false, _) => Outcome::Differs(findings),
            (true, Ok(())) => Outcome::Good { vendored: true },
            (true, Err(_)) => {
                Outcome::Unchecked("its repository is not here: compared with its own checksums only")
            }
        });
    }
    Ok(())
}
