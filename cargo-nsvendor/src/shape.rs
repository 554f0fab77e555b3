//! Step three: what the [filters](crate::filter) leave of each package. Rustc is asked which platforms there are, Cargo which
//! packages are needed.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::process::Command;

use cargo_metadata::Metadata;
use cargo_namespaces_cli::cargo::CargoError;
use cargo_namespaces_cli::env::Var;
use cargo_namespaces_cli::shell::Shell;
use cargo_namespaces_net::fs::read_to_string_if_exists;

use crate::cargo_run::CargoRun;
use crate::context::Context;
use crate::filter::select::{self, PackageKey, needed};
use crate::filter::shape::{self, Shape};
use crate::filter::{Filters, PlatformError, glob};
use crate::plan::Plan;
use crate::project::Project;
use crate::resolve::stand_in::{StandIn, StandInError};
use crate::suggest;

/// Why nobody can say which packages are needed.
#[derive(Debug, thiserror::Error)]
pub enum ShapeError {
    /// A filter names a platform that does not exist.
    #[error(transparent)]
    Platform(#[from] PlatformError),
    #[error(transparent)]
    Rustc(#[from] RustcError),
    /// Cargo cannot resolve the project, or would have to fetch something and may not.
    #[error(transparent)]
    Cargo(#[from] CargoError),
    #[error(transparent)]
    StandIn(#[from] StandInError),
}

/// Why rustc does not list the platforms.
#[derive(Debug, thiserror::Error)]
pub enum RustcError {
    #[error("failed to ask `rustc --print target-list`")]
    Start(#[source] io::Error),
    #[error("failed to ask `rustc --print target-list`")]
    Failed { said: String },
}

/// Gives every package of the plan its shape.
///
/// Offline, Cargo may not have what it needs to answer. Then it is asked about a [`StandIn`].
///
/// # Errors
/// A platform is not known, or Cargo cannot resolve the project.
pub fn apply(context: &Context<'_>, filters: &Filters, plan: &mut Plan) -> Result<(), ShapeError> {
    if filters.is_none() {
        return Ok(());
    }
    let needed = if filters.selects_packages() { Some(ask(context.project, filters, plan)?) } else { None };
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
    warn_of_crates(context.shell, filters, plan);
    Ok(())
}

/// Gives every package the shape that it seems to have in the vendored directory. For `--check`, if it is not known which packages
/// are needed.
pub fn as_it_stands(project: &Project, filters: &Filters, plan: &mut Plan, packed: bool) {
    for source in &mut plan.sources {
        for at in 0..source.packages.len() {
            let package = &source.packages[at];
            let is_stub = if packed && package.checksum.is_some() {
                !project.target.join(source.crate_path_of(package)).exists()
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

/// A crate with a misspelt name would keep its files, so this is reported.
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
fn ask(project: &Project, filters: &Filters, plan: &Plan) -> Result<BTreeSet<PackageKey>, ShapeError> {
    let mut flags: Vec<OsString> = Vec::new();
    let platforms = filters.platforms(&known_platforms()?.iter().map(String::as_str).collect::<Vec<_>>());
    for platform in platforms?.into_iter().flatten() {
        flags.extend(["--filter-platform".into(), platform.into()]);
    }
    let features = &filters.features;
    // If no features are chosen, a build may use any.
    if features.all || !features.are_chosen() {
        flags.push("--all-features".into());
    }
    if let Some(named) = features.named.as_ref().filter(|named| !named.is_empty()) {
        flags.extend(["--features".into(), named.join(",").into()]);
    }
    if features.no_default {
        flags.push("--no-default-features".into());
    }
    let answer = |cargo: &CargoRun| -> Result<BTreeSet<PackageKey>, ShapeError> {
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
fn known_platforms() -> Result<Vec<String>, RustcError> {
    let rustc = Var::Rustc.get_os().unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).args(["--print", "target-list"]).output().map_err(RustcError::Start)?;
    if !output.status.success() {
        return Err(RustcError::Failed { said: String::from_utf8_lossy(&output.stderr).trim().to_owned() });
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
}
