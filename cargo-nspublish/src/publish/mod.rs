//! Publishing and yanking: to a registry ([`registry`]), or with `--site DIR` into a directory that any web server can serve.
//!
//! For a directory:
//!
//! [`gather`] reads the workspace, `plan` decides the order, [`stage`] has Cargo package each member against what the
//! site will hold, checks it as a registry would and signs it. Nothing is written to a site before every member came
//! that far; then each site is written in an order that readers may see. [`report`] says what to do with it.

mod args;
mod documents;
mod gather;
mod inside;
mod registry;
mod report;
mod secrets;
mod stage;
mod target;
mod through_cargo;
mod unchanged;
mod yank;

pub use args::{PublishArgs, YankArgs};
pub use inside::with_exclude;
pub use secrets::published_with;
pub use target::{
    Basis, Located, how_to_decide, locate, locate_with, lock, open_site, settle_entry, site_error,
    warn_of_configured,
};
pub use yank::{unyank, yank};

use std::collections::BTreeMap;

use cargo_namespaces::name::Namespace;
use cargo_namespaces_cli::shell::{CliError, ExitCode};
use cargo_namespaces_cli::static_index::StaticIndexEdit;

use crate::plan::{Plan, describe};
use crate::session::Session;
use crate::site_memory;

/// Publishes the selected members.
///
/// # Errors
/// Whatever stands in the way; nothing was written then, unless it is the writing itself that failed.
pub fn run(session: &Session<'_>, args: &PublishArgs) -> Result<ExitCode, CliError> {
    let selected = gather::members(session, args)?;
    let args = &site_memory::for_members(session, args, &selected.members)?;
    secrets::refuse_keys(session, &selected.members)?;
    if args.site.is_empty() {
        return registry::run(session, args, selected);
    }
    let plan = gather::plan(session, args, selected)?;
    inside::check_not_packaged(session, &plan, args.well_known.as_deref())?;
    for line in describe(&plan) {
        session.shell.verbose("Planning", line);
    }
    let _lock = lock(session)?;
    let mut sites = open_all(session, &plan, args)?;
    let signers = documents::prepare(session, &plan, args, &sites)?;
    let outcomes = stage::all(session, &plan, args, &signers, &mut sites)?;
    if args.dry_run {
        session.shell.warn("nothing was written, because of --dry-run");
        report::json(session, &plan, &outcomes);
        return Ok(ExitCode::Ok);
    }
    cargo_namespaces_net::interrupt::check()?;
    for (namespace, mut site) in sites {
        signers[&namespace].write_documents(session)?;
        site.refresh().map_err(|error| site_error(&error))?;
        let layout = site.layout().clone();
        let written = site.write().map_err(|error| site_error(&error))?;
        let target = &plan.targets[&namespace];
        report::written(session, &layout, target, &written, &outcomes);
        settle_entry(session, &namespace, None, &target.index)?;
    }
    report::json(session, &plan, &outcomes);
    site_memory::suggest(session, args, &plan.members)?;
    Ok(ExitCode::Ok)
}

fn open_all(
    session: &Session<'_>,
    plan: &Plan,
    args: &PublishArgs,
) -> Result<BTreeMap<Namespace, StaticIndexEdit>, CliError> {
    plan.targets
        .iter()
        .map(|(namespace, target)| {
            let site =
                open_site(namespace, &target.index, &session.path(&target.dir), args.site_url.as_deref())?;
            Ok((namespace.clone(), site))
        })
        .collect()
}
