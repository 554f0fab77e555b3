//! Asking rustc and Cargo, and giving every package of a plan its shape.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::process::Command;

use cargo_metadata::Metadata;
use cargo_namespaces::env::Var;
use cargo_namespaces::shell::{CliError, ExitCode, Shell};

use super::select::{Id, needed};
use super::shape::Shape;
use super::{Filters, glob};
use crate::plan::Plan;
use crate::project::Project;
use crate::suggest;

/// Gives every package of the plan its shape.
///
/// # Errors
/// A platform is not known; Cargo cannot resolve the project, or has not fetched what it needs and may not.
pub fn apply(shell: &Shell, project: &Project, filters: &Filters, plan: &mut Plan) -> Result<(), CliError> {
    if filters.is_none() {
        return Ok(());
    }
    let needed = if filters.selects_packages() { Some(ask(project, filters)?) } else { None };
    for source in &mut plan.sources {
        let url = source.source.url();
        for package in &mut source.packages {
            let id = (url.clone(), package.name.clone(), package.version.clone());
            package.shape = match &needed {
                Some(needed) if !needed.contains(&id) => Shape::Stub,
                _ => without(filters, &package.name),
            };
        }
    }
    warn_of_crates(shell, filters, plan);
    Ok(())
}

fn without(filters: &Filters, name: &str) -> Shape {
    let meant = filters.exclude.iter().filter(|exclude| glob::fits(&exclude.krate, name));
    let patterns: BTreeSet<String> = meant.map(|exclude| exclude.path.clone()).collect();
    if patterns.is_empty() { Shape::Whole } else { Shape::Without(patterns.into_iter().collect()) }
}

/// A crate that is misspelt would silently keep its files.
fn warn_of_crates(shell: &Shell, filters: &Filters, plan: &Plan) {
    let names: BTreeSet<&str> = plan.packages().map(|(_, package)| package.name.as_str()).collect();
    for exclude in &filters.exclude {
        if names.iter().any(|name| glob::fits(&exclude.krate, name)) {
            continue;
        }
        let names: Vec<&str> = names.iter().copied().collect();
        let meant = suggest::nearest(&exclude.krate, &names);
        let meant = meant.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
        shell.warn(format!(
            "`{}#{}` leaves nothing out: no package is called `{}`{meant}",
            exclude.krate, exclude.path, exclude.krate
        ));
    }
}

/// What Cargo says is needed.
fn ask(project: &Project, filters: &Filters) -> Result<BTreeSet<Id>, CliError> {
    let mut flags: Vec<OsString> = Vec::new();
    let platforms = filters.platforms(&known_platforms()?.iter().map(String::as_str).collect::<Vec<_>>());
    let platforms = platforms.map_err(|problem| CliError::new(ExitCode::InvalidInput, problem))?;
    for platform in platforms.into_iter().flatten() {
        flags.extend(["--filter-platform".into(), platform.into()]);
    }
    let features = &filters.features;
    // Whoever chose no features may build with any.
    if features.all || !features.are_chosen() {
        flags.push("--all-features".into());
    }
    if let Some(named) = features.named.as_ref().filter(|named| !named.is_empty()) {
        flags.extend(["--features".into(), named.join(",").into()]);
    }
    if features.no_default {
        flags.push("--no-default-features".into());
    }
    let mut found = BTreeSet::new();
    for manifest in &project.manifests {
        let metadata: Metadata = project.cargo.resolved(manifest, &flags)?;
        found.extend(needed(&metadata, filters.kinds));
    }
    Ok(found)
}

/// The platforms that the installed rustc knows.
fn known_platforms() -> Result<Vec<String>, CliError> {
    let rustc = Var::Rustc.get_os().unwrap_or_else(|| "rustc".into());
    let failed = || CliError::new(ExitCode::Failure, "failed to ask `rustc --print target-list`");
    let output = Command::new(rustc).args(["--print", "target-list"]).output();
    let output = output.map_err(|error| failed().caused_by(&error))?;
    if !output.status.success() {
        return Err(failed().because(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
}
