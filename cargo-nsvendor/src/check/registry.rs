//! A vendored local registry: each .crate against the lock file, each index line against the registry's own.
//!
//! Cargo looks at a .crate's hash when it unpacks it, by the lock file; it believes the index for everything else. So the lines
//! must be those that the registry published, and nothing may lie beside them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;

use cargo_namespaces::integrity::WholeCrate as _;
use cargo_namespaces_cli::crate_file::CrateFile;
use cargo_namespaces_cli::registry_client::RegistryClient;
use cargo_namespaces_cli::shell::{CliError, Shell};
use cargo_namespaces_net::fs::read_if_exists;

use super::packages::{Outcome, check_git};
use super::tree::{Finding, What};
use crate::fill::refuse_package;
use crate::form::index_lines::{index_files, path_of, same_lines};
use crate::form::local_registry::{INDEX, crate_path, index_path};
use crate::plan::{Package, Plan, Source, SourceDir};
use crate::project::Project;
use crate::work;

/// Whether what is vendored is a local registry: it has an index, which no package can be called.
pub fn is_one(project: &Project, plan: &Plan) -> bool {
    plan.sources.iter().any(|source| project.target.join(&source.dir).join(INDEX).is_dir())
}

/// Every file that belongs into it, but for those of packages from git.
///
/// # Errors
/// A name cannot be in an index.
pub fn files(plan: &Plan) -> Result<BTreeSet<String>, CliError> {
    let mut files = BTreeSet::new();
    for (source, package) in packed(plan) {
        files.insert(index_path(source, &path_of(&package.name)?));
        if !package.is_stub() {
            files.insert(crate_path(source, package));
        }
    }
    Ok(files)
}

/// Looks at every package of the plan, in its order.
///
/// # Errors
/// A file cannot be read, cargo fails, or Ctrl-C. What is wrong with a package is its [`Outcome`].
pub fn check(
    shell: &Shell,
    project: &Project,
    client: &RegistryClient<'_>,
    plan: &Plan,
) -> Result<Vec<Outcome>, CliError> {
    // By the directory of the source; none where the lines cannot be had.
    let mut lines: HashMap<&str, Option<BTreeMap<String, String>>> = HashMap::new();
    for source in plan.sources.iter().filter(|source| !matches!(source.source, Source::Git(_))) {
        let files = index_files(&project.settings, client, source);
        lines.insert(&source.dir, files.ok().map(|files| files.into_iter().collect()));
    }
    let packages: Vec<(&SourceDir, &Package)> = plan.packages().collect();
    let progress = shell.progress("Checking", packages.len() as u64);
    let mut outcomes = work::for_each(&packages, |(source, package)| {
        if matches!(source.source, Source::Git(_)) {
            return Ok(None);
        }
        let lines = lines.get(source.dir.as_str()).and_then(Option::as_ref);
        let outcome = one(project, source, package, lines)?;
        progress.step();
        Ok(Some(outcome))
    })?;
    check_git(shell, project, plan, true, &mut outcomes)?;
    Ok(outcomes
        .into_iter()
        .map(|outcome| outcome.unwrap_or(Outcome::Unchecked("it was not looked at")))
        .collect())
}

fn packed(plan: &Plan) -> impl Iterator<Item = (&SourceDir, &Package)> {
    plan.packages().filter(|(source, _)| !matches!(source.source, Source::Git(_)))
}

fn one(
    project: &Project,
    source: &SourceDir,
    package: &Package,
    lines: Option<&BTreeMap<String, String>>,
) -> Result<Outcome, CliError> {
    let mut findings = Vec::new();
    if !package.is_stub() {
        let path = project.target.join(crate_path(source, package));
        let name = format!("{}.crate", package.dir());
        match fs::symlink_metadata(&path) {
            Err(_) => findings.push(Finding { path: name, what: What::Missing }),
            Ok(found) if !found.is_file() => findings.push(Finding { path: name, what: What::NotAFile }),
            Ok(_) => match CrateFile::read(&path).ok().flatten() {
                Some(archive) if Some(archive.digest()) == package.checksum => {
                    if let Err(error) = archive.inspect(&package.name, &package.version) {
                        return Ok(Outcome::Failed(refuse_package(source, package, error.into())));
                    }
                }
                _ => findings.push(Finding { path: name, what: What::Changed }),
            },
        }
    }
    let path = path_of(&package.name)?;
    let found = read_if_exists(&project.target.join(index_path(source, &path)))?;
    let Some(lines) = lines else {
        return Ok(match findings.is_empty() && found.is_some() {
            true => Outcome::Unchecked("what its registry's index says of it is not here"),
            false => Outcome::Differs(findings),
        });
    };
    let in_index = format!("{INDEX}/{path}");
    match (found, lines.get(&path)) {
        (None, _) => findings.push(Finding { path: in_index, what: What::Missing }),
        (Some(found), Some(published)) => {
            if !same_lines(&String::from_utf8_lossy(&found), published).unwrap_or(false) {
                findings.push(Finding { path: in_index, what: What::Changed });
            }
        }
        (Some(_), None) => findings.push(Finding { path: in_index, what: What::Changed }),
    }
    Ok(if findings.is_empty() { Outcome::Good { vendored: true } } else { Outcome::Differs(findings) })
}
