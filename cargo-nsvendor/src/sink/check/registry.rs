//! Checking a vendored local registry: each .crate has the hash of the lock file, and each index line is that of the registry.
//!
//! Cargo checks the hash of a .crate when it unpacks it, and trusts the index for everything else. So the lines must be those that
//! the registry published, and there must be no others.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;

use cargo_namespaces::integrity::WholeCrate as _;
use cargo_namespaces_cli::crate_file::CrateFile;
use cargo_namespaces_cli::shell::CliError;
use cargo_namespaces_net::fs::read_if_exists;

use super::packages::{PackageCheck, check_git};
use crate::compare::{Finding, FindingKind};
use crate::content::RefusedPackage;
use crate::context::Context;
use crate::index_lines::{IndexLineError, index_files, path_of, same_lines};
use crate::plan::{INDEX, Package, Plan, PlannedPackage, SourceDir};
use crate::project::Project;
use crate::work;

/// Whether a local registry is vendored: it has a folder `index`, and no package can be called this.
pub fn is_local_registry(project: &Project, plan: &Plan) -> bool {
    plan.sources.iter().any(|source| project.target.join(&source.dir).join(INDEX).is_dir())
}

/// The paths of all its files, without those of packages from git.
///
/// # Errors
/// A name cannot be in an index.
pub fn files(plan: &Plan) -> Result<BTreeSet<String>, IndexLineError> {
    let mut files = BTreeSet::new();
    for (source, package) in plan.packed_packages() {
        files.insert(source.index_path(&path_of(&package.name)?));
        if !package.is_stub() {
            files.insert(source.crate_path_of(package));
        }
    }
    Ok(files)
}

/// Checks every package of the plan. Returns the results in the order of the plan.
///
/// # Errors
/// A file cannot be read, Cargo fails, or Ctrl-C. What is wrong with a package is in its [`PackageCheck`].
pub fn check(context: &Context<'_>, plan: &Plan) -> Result<Vec<PackageCheck>, CliError> {
    let Context { shell, project, .. } = context;
    // By the directory of the source. `None` if the lines cannot be had.
    let mut lines: HashMap<&str, Option<BTreeMap<String, String>>> = HashMap::new();
    for source in plan.sources.iter().filter(|source| !source.is_git()) {
        let files = index_files(context, source);
        lines.insert(&source.dir, files.ok().map(|files| files.into_iter().collect()));
    }
    let packages: Vec<PlannedPackage<'_>> = plan.packages().collect();
    let progress = shell.progress("Checking", packages.len() as u64);
    let mut outcomes = work::for_each(&packages, |(source, package)| -> Result<_, CliError> {
        if source.is_git() {
            return Ok(None);
        }
        let lines = lines.get(source.dir.as_str()).and_then(Option::as_ref);
        let outcome = check_package(project, source, package, lines)?;
        progress.step();
        Ok(Some(outcome))
    })?;
    check_git(context, plan, true, &mut outcomes)?;
    Ok(outcomes
        .into_iter()
        .map(|outcome| outcome.unwrap_or(PackageCheck::Unchecked("it was not checked")))
        .collect())
}

fn check_package(
    project: &Project,
    source: &SourceDir,
    package: &Package,
    lines: Option<&BTreeMap<String, String>>,
) -> Result<PackageCheck, CliError> {
    let mut findings = Vec::new();
    if !package.is_stub() {
        let path = project.target.join(source.crate_path_of(package));
        let name = package.crate_file();
        match fs::symlink_metadata(&path) {
            Err(_) => findings.push(Finding { path: name, kind: FindingKind::Missing }),
            Ok(found) if !found.is_file() => {
                findings.push(Finding { path: name, kind: FindingKind::NotAFile });
            }
            Ok(_) => match CrateFile::read(&path).ok().flatten() {
                Some(crate_file) if Some(crate_file.digest()) == package.checksum => {
                    if let Err(error) = crate_file.inspect(&package.name, &package.version) {
                        return Ok(PackageCheck::Failed(RefusedPackage::new(source, package, error).into()));
                    }
                }
                _ => findings.push(Finding { path: name, kind: FindingKind::Changed }),
            },
        }
    }
    let path = path_of(&package.name)?;
    let found = read_if_exists(&project.target.join(source.index_path(&path)))?;
    let Some(lines) = lines else {
        return Ok(match findings.is_empty() && found.is_some() {
            true => PackageCheck::Unchecked("its index line is not available"),
            false => PackageCheck::Differs(findings),
        });
    };
    let in_index = format!("{INDEX}/{path}");
    match (found, lines.get(&path)) {
        (None, _) => findings.push(Finding { path: in_index, kind: FindingKind::Missing }),
        (Some(found), Some(published)) => {
            if !same_lines(&String::from_utf8_lossy(&found), published).unwrap_or(false) {
                findings.push(Finding { path: in_index, kind: FindingKind::Changed });
            }
        }
        (Some(_), None) => findings.push(Finding { path: in_index, kind: FindingKind::Changed }),
    }
    Ok(if findings.is_empty() {
        PackageCheck::Good { vendored: true }
    } else {
        PackageCheck::Differs(findings)
    })
}
