//! Publishing and yanking: to a registry ([`to_registry`]), or with `--site DIR` into a directory that any web server can
//! serve ([`to_static_index`]).

mod first_keys;
mod site_in_package;
mod package_files;
mod package_flags;
mod report;
mod private_keys;
mod signers;
mod stage;
mod through_cargo;
mod to_registry;
mod to_static_index;
mod already_published;
mod workspace;
mod yank;

pub use yank::yank;

use cargo_namespaces_cli::shell::{CliError, ExitCode};

use crate::context::Context;
use crate::options::PublishOptions;
use crate::static_index::remembered;

/// Publishes the selected members.
///
/// # Errors
/// A step fails. Nothing was written then, unless writing itself failed.
pub fn run(context: &Context<'_>, options: &PublishOptions) -> Result<ExitCode, CliError> {
    let selected = workspace::members(context, options)?;
    let options = &remembered::for_members(context, options, &selected.members)?;
    private_keys::refuse_keys(context, &selected.members)?;
    if options.sites.is_empty() {
        return to_registry::run(context, options, selected);
    }
    to_static_index::run(context, options, selected)
}
