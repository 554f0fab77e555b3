//! From the options to the module of the mode.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread;

use cargo_namespaces::lockfile::LockSource;
use cargo_namespaces::name::Namespace;
use cargo_namespaces_cli::shell::{CliError, ExitCode};

use crate::context::Context;
use crate::options::{Mode, Options};
use crate::project::Project;
use crate::session::Session;
use crate::sources::{Domains, ProjectSources};
use crate::{add, register, replace, rewrite, sync};

/// Runs the command.
///
/// # Errors
/// What went wrong, with its exit code; then no file has changed.
pub fn run(context: &Context<'_>, options: &Options) -> Result<ExitCode, CliError> {
    if let Mode::RegisterGlobal(namespace) = &options.mode {
        register::global(context, namespace, options.dry_run)?;
        return Ok(ExitCode::Ok);
    }
    let project = &Project::load(context, options.manifest_path.as_deref())?;
    let domains = Arc::new(Domains::new(&context.network));
    let sources = &ProjectSources::new(context, &domains);
    sources.set_wanted(project.locked(), project.locked());
    let known = pinned_namespaces(project, &options.mode);
    if !known.is_empty() && !context.settings.offline() {
        // What changed at a domain since it was pinned is asked while the indexes are read. The thread is not joined: a run
        // that ends without the answer does not wait for it.
        thread::spawn(move || domains.views(&known));
    }
    let session = &Session { shell: context.shell, options, project, sources };
    match &options.mode {
        Mode::Add(add) => add::run(session, add)?,
        Mode::Rewrite => rewrite::run(session)?,
        Mode::Register(namespace) => register::project(session, namespace)?,
        Mode::RegisterGlobal(_) => {}
        Mode::Replace(by) => replace::run(session, by)?,
        Mode::Sync => sync::run(session)?,
    }
    Ok(ExitCode::Ok)
}

/// The pinned namespaces that the run will ask about: those of the lock file, and those that the command line names.
fn pinned_namespaces(project: &Project<'_>, mode: &Mode) -> Vec<Namespace> {
    if matches!(mode, Mode::Register(_)) {
        return Vec::new();
    }
    let locked = project.locked().iter().filter_map(|package| match &package.source {
        LockSource::Registry(index) => project.trust.namespace_of(index).cloned(),
        _ => None,
    });
    let named = mode.crates().iter().map(|spec| spec.name.namespace.clone());
    let all: BTreeSet<Namespace> = locked.chain(named).collect();
    all.into_iter().filter(|namespace| project.trust.pins(namespace).is_some()).collect()
}
