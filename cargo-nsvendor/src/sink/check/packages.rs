//! Comparing each package with its .crate, or with what `cargo vendor` makes of its repository.

use std::collections::HashMap;

use cargo_namespaces::integrity::WholeCrate as _;
use cargo_namespaces::lockfile::LockFile;
use cargo_namespaces_cli::interrupt::{self, Interrupted};
use cargo_namespaces_cli::shell::{CliError, Shell};
use cargo_namespaces_net::fs::read_to_string_if_exists;

use crate::compare::{self, Finding, FindingKind};
use crate::content::RefusedPackage;
use crate::context::Context;
use crate::crate_files::{CachedCrate, CrateCaches, UnavailableCrate, read_by_cargo};
use crate::filter::shape;
use crate::form::Form;
use crate::git;
use crate::plan::{Package, Plan, PlannedPackage, SourceDir};
use crate::project::Project;
use crate::temporary;
use crate::verify::VerifiedLocks;
use crate::work;

/// The result of checking one package.
#[derive(Debug)]
pub enum PackageCheck {
    /// It is as published. `vendored` is true if its files were compared.
    Good {
        vendored: bool,
    },
    Differs(Vec<Finding>),
    /// Neither its .crate nor its repository is here. The files match their own list.
    Unchecked(&'static str),
    /// Its .crate is wrong, or could not be had.
    Failed(CliError),
}

/// Checks every package of the plan. Returns the results in the order of the plan. `vendored` is true if there are files to
/// compare.
///
/// # Errors
/// A file cannot be read, Cargo fails, or Ctrl-C. What is wrong with a package is in its [`PackageCheck`].
pub fn check(context: &Context<'_>, plan: &Plan, vendored: bool) -> Result<Vec<PackageCheck>, CliError> {
    let Context { shell, project, registries, .. } = context;
    let caches = CrateCaches::new(&project.settings);
    let packages = caches.largest_first(&plan.packages().collect::<Vec<_>>());
    let mut outcomes = pass(shell, project, &caches, &packages, vendored)?;
    let missing: Vec<usize> = (0..packages.len()).filter(|at| outcomes[*at].is_none()).collect();
    let wanted: Vec<PlannedPackage<'_>> = missing.iter().map(|at| packages[*at]).collect();
    let offline = project.settings.offline();
    let downloads =
        if offline { Vec::new() } else { CrateCaches::download(registries, &wanted, &mut |_| {}) };
    let again = pass(shell, project, &caches, &wanted, vendored)?;
    let mut downloads = downloads.into_iter();
    for (at, second) in missing.into_iter().zip(again) {
        let (source, package) = packages[at];
        let failed = downloads.next().and_then(Result::err);
        outcomes[at] = Some(match (second, failed) {
            (Some(outcome), _) => outcome,
            (None, Some(error)) => PackageCheck::Failed(error.into()),
            (None, None) => without_archive(project, &caches, source, package, vendored)?,
        });
    }
    // Back in the order of the plan.
    let mut by_package: HashMap<*const Package, Option<PackageCheck>> =
        packages.iter().map(|(_, package)| std::ptr::from_ref(*package)).zip(outcomes).collect();
    let mut outcomes: Vec<Option<PackageCheck>> = plan
        .packages()
        .map(|(_, package)| by_package.remove(&std::ptr::from_ref(package)).flatten())
        .collect();
    check_git(context, plan, vendored, &mut outcomes)?;
    Ok(outcomes
        .into_iter()
        .map(|outcome| outcome.unwrap_or(PackageCheck::Unchecked("it was not checked")))
        .collect())
}

/// Has Cargo fetch the .crates that no cache has and only Cargo can read. If it fails, each is reported as missing.
pub fn fetch_by_cargo(
    context: &Context<'_>,
    VerifiedLocks { locks, plan, .. }: &VerifiedLocks,
    form: Form,
) -> Result<(), Interrupted> {
    let Context { shell, project, .. } = context;
    let caches = CrateCaches::new(&project.settings);
    let is_missing = |&(source, package): &PlannedPackage<'_>| {
        package.checksum.is_some()
            && read_by_cargo(&project.settings, &source.source)
            && !caches.may_have(source, package)
    };
    // Cargo loads these when it is asked offline, and they are not in what is vendored.
    let is_loaded = locks.iter().any(LockFile::has_unused_patches)
        || (form == Form::TarZst && plan.git().next().is_some());
    if !project.settings.offline() && (is_loaded || plan.packages().any(|wanted| is_missing(&wanted))) {
        let _ = project.fetch_locked(shell);
        interrupt::check()?;
    }
    Ok(())
}

/// Compares each package whose .crate is in a cache. The result is `None` for the others. Packages from git are left to [`check_git`].
fn pass(
    shell: &Shell,
    project: &Project,
    caches: &CrateCaches<'_>,
    packages: &[PlannedPackage<'_>],
    vendored: bool,
) -> Result<Vec<Option<PackageCheck>>, CliError> {
    let progress = shell.progress("Checking", packages.len() as u64);
    work::for_each(packages, |&(source, package)| {
        if source.is_git() {
            return Ok(Some(PackageCheck::Good { vendored: false }));
        }
        let CachedCrate::Matching(crate_file) = caches.read(source, package) else { return Ok(None) };
        let directory = project.target.join(&source.dir).join(package.dir());
        let outcome = if vendored {
            match compare::against_crate(&crate_file, package, &directory) {
                Ok(findings) if findings.is_empty() => PackageCheck::Good { vendored: true },
                Ok(findings) => PackageCheck::Differs(findings),
                Err(error) => PackageCheck::Failed(RefusedPackage::new(source, package, error).into()),
            }
        } else {
            match crate_file.inspect(&package.name, &package.version) {
                Ok(_) => PackageCheck::Good { vendored: false },
                Err(error) => PackageCheck::Failed(RefusedPackage::new(source, package, error).into()),
            }
        };
        progress.step();
        Ok(Some(outcome))
    })
}

/// Checks a package whose .crate is in no cache, offline.
fn without_archive(
    project: &Project,
    caches: &CrateCaches<'_>,
    source: &SourceDir,
    package: &Package,
    vendored: bool,
) -> Result<PackageCheck, CliError> {
    if let CachedCrate::Mismatched { .. } = caches.read(source, package) {
        return Ok(PackageCheck::Failed(UnavailableCrate::new(caches, source, package).into()));
    }
    if !vendored {
        return Ok(PackageCheck::Unchecked("its .crate is not available"));
    }
    let directory = project.target.join(&source.dir).join(package.dir());
    let mut findings = compare::against_itself(package, &directory)?;
    // The list cannot tell a stub from the package.
    let manifest = read_to_string_if_exists(&directory.join(shape::MANIFEST))?.unwrap_or_default();
    if findings.is_empty() && shape::is_stub(&manifest) != package.is_stub() {
        findings.push(Finding { path: shape::MANIFEST.to_owned(), kind: FindingKind::Changed });
    }
    Ok(match findings.is_empty() {
        true => PackageCheck::Unchecked("its .crate is not available: compared with its own checksums only"),
        false => PackageCheck::Differs(findings),
    })
}

/// Compares the packages from git with what `cargo vendor` makes of them, in a temporary directory.
///
/// # Errors
/// A file cannot be read, or Cargo fails.
pub fn check_git(
    context: &Context<'_>,
    plan: &Plan,
    vendored: bool,
    outcomes: &mut [Option<PackageCheck>],
) -> Result<(), CliError> {
    let Context { shell, project, .. } = context;
    if !vendored || plan.git().next().is_none() {
        return Ok(());
    }
    let fresh = temporary::directory()?;
    let vendor = || git::vendor_all(context, plan, fresh.path(), &|_| true);
    let mut made = vendor();
    if made.is_err() && !project.settings.offline() {
        // Cargo may not have fetched these commits yet.
        project.fetch_locked(shell)?;
        made = vendor();
    }
    let is_made = match made {
        Err(error) if !project.settings.offline() => return Err(error.into()),
        made => made.is_ok(),
    };
    for ((source, package), outcome) in plan.packages().zip(outcomes) {
        if !source.is_git() {
            continue;
        }
        let below = format!("{}/{}", source.dir, package.dir());
        let directory = project.target.join(&below);
        let findings = match is_made {
            true => compare::against_directory(&fresh.path().join(&below), &directory)?,
            false => compare::against_itself(package, &directory)?,
        };
        *outcome = Some(match (findings.is_empty(), is_made) {
            (false, _) => PackageCheck::Differs(findings),
            (true, true) => PackageCheck::Good { vendored: true },
            (true, false) => PackageCheck::Unchecked(
                "its repository is not available: compared with its own checksums only",
            ),
        });
    }
    Ok(())
}
