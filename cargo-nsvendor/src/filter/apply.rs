//! Asking rustc and Cargo, and giving every package of a plan its shape.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::process::Command;

use cargo_metadata::Metadata;
use cargo_namespaces_cli::env::Var;
use cargo_namespaces_cli::shell::{CliError, ExitCode, Shell};
use cargo_namespaces_net::fs::read_to_string_if_exists;

use super::select::{self, Id, needed};
use super::shape::{self, Shape};
use super::stand_in::StandIn;
use super::{Filters, glob};
use crate::cargo_run::CargoRun;
use crate::form::local_registry::crate_path;
use crate::plan::Plan;
use crate::project::Project;
use crate::suggest;

/// Gives every package of the plan its shape.
///
/// Offline, Cargo may not have what it needs to answer; then it is asked about a [`StandIn`].
///
/// # Errors
/// A platform is not known; Cargo cannot resolve the project, or has not fetched what it needs and may not.
pub fn apply(shell: &Shell, project: &Project, filters: &Filters, plan: &mut Plan) -> Result<(), CliError> {
    if filters.is_none() {
        return Ok(());
    }
    let needed = if filters.selects_packages() { Some(ask(project, filters, plan)?) } else { None };
    let kept = needed.map(|needed| select::kept(&needed, plan));
    for source in &mut plan.sources {
        let locked = source.source.locked();
        for package in &mut source.packages {
            let id = (locked.clone(), package.name.clone(), package.version.clone());
            package.shape = match &kept {
                Some(kept) if !kept.contains(&id) => Shape::Stub,
                _ => without(filters, &package.name),
            };
        }
    }
    warn_of_crates(shell, filters, plan);
    Ok(())
}

/// Gives every package the shape in which it seems to stand in the target: for `--check`, where nobody can say which packages
/// are needed.
pub fn as_it_stands(project: &Project, filters: &Filters, plan: &mut Plan, packed: bool) {
    for source in &mut plan.sources {
        for at in 0..source.packages.len() {
            let package = &source.packages[at];
            let is_stub = if packed && package.checksum.is_some() {
                !project.target.join(crate_path(source, package)).exists()
            } else {
                let manifest = project.target.join(source.path_of(package)).join(shape::MANIFEST);
                read_to_string_if_exists(&manifest)
                    .is_ok_and(|text| text.is_some_and(|text| shape::is_stub(&text)))
            };
            let shape = if is_stub { Shape::Stub } else { without(filters, &package.name) };
            source.packages[at].shape = shape;
        }
    }
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
fn ask(project: &Project, filters: &Filters, plan: &Plan) -> Result<BTreeSet<Id>, CliError> {
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
    let answer = |cargo: &CargoRun| -> Result<BTreeSet<Id>, CliError> {
        let mut found = BTreeSet::new();
        for manifest in &project.manifests {
            let metadata: Metadata = cargo.resolved(manifest, &flags)?;
            found.extend(needed(&metadata, filters.kinds));
        }
        Ok(found)
    };
    match answer(&project.cargo) {
        Err(_) if project.settings.offline() => answer(&StandIn::make(project, plan)?.cargo),
        answered => answered,
    }
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
