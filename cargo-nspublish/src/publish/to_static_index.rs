//! `cargo nspublish --site DIR`: into a directory that any web server can serve.
//!
//! [`workspace::plan`] decides the order. [`stage::all`] has Cargo package each member against what the directory will contain,
//! checks it as a registry would and signs it, in memory. Only when every member is staged, each index is written, in an order
//! in which readers may see it. [`report`] says what to do with it.

use std::collections::BTreeMap;

use cargo_namespaces::name::Namespace;
use cargo_namespaces_cli::shell::{CliError, ExitCode};
use cargo_namespaces_cli::static_index::StaticIndexEdit;

use super::workspace::{self, Selection};
use super::{report, signers, site_in_package, stage};
use crate::context::Context;
use crate::index_location::settle_entry;
use crate::options::PublishOptions;
use crate::plan::{Plan, describe};
use crate::static_index::{lock, open_static_index, remembered, static_index_error};

/// Publishes the selected members.
///
/// # Errors
/// A step fails. Nothing was written then, unless writing itself failed.
pub fn run(
    context: &Context<'_>,
    options: &PublishOptions,
    selected: Selection,
) -> Result<ExitCode, CliError> {
    let plan = workspace::plan(context, options, selected)?;
    site_in_package::check_not_packaged(context, &plan, options.well_known.as_deref())?;
    for line in describe(&plan) {
        context.shell.verbose("Planning", line);
    }
    let _lock = lock(context)?;
    let mut indexes = open_all(context, &plan, options)?;
    let signers = signers::prepare(context, &plan, options, &indexes)?;
    let outcomes = stage::all(context, &plan, &options.build, &signers, &mut indexes)?;
    if options.dry_run {
        context.shell.warn("nothing was written, because of --dry-run");
        report::json(context, &plan, &outcomes);
        return Ok(ExitCode::Ok);
    }
    cargo_namespaces_cli::interrupt::check()?;
    for (namespace, mut edit) in indexes {
        signers[&namespace].write_documents(context)?;
        edit.refresh().map_err(|error| static_index_error(&error))?;
        let layout = edit.layout().clone();
        let written = edit.write().map_err(|error| static_index_error(&error))?;
        let target = &plan.targets[&namespace];
        report::written(context, &layout, target, &written, &outcomes);
        settle_entry(context, &namespace, None, &target.index)?;
    }
    report::json(context, &plan, &outcomes);
    remembered::suggest(context, options, &plan.members)?;
    Ok(ExitCode::Ok)
}

fn open_all(
    context: &Context<'_>,
    plan: &Plan,
    options: &PublishOptions,
) -> Result<BTreeMap<Namespace, StaticIndexEdit>, CliError> {
    plan.targets
        .iter()
        .map(|(namespace, target)| {
            let edit = open_static_index(
                namespace,
                &target.index,
                &context.path(&target.dir),
                options.site_url.as_deref(),
            )?;
            Ok((namespace.clone(), edit))
        })
        .collect()
}
