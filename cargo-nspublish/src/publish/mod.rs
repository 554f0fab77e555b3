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

pub use yank::{unyank, yank};

use cargo_namespaces::shell::{CliError, ExitCode};

use crate::context::Context;
use crate::flags::PublishArgs;
use crate::static_index::remembered;

/// Publishes the selected members.
///
/// # Errors
/// Whatever stands in the way; nothing was written then, unless it is the writing itself that failed.
pub fn run(context: &Context<'_>, args: &PublishArgs) -> Result<ExitCode, CliError> {
    let selected = workspace::members(context, args)?;
    let args = &remembered::for_members(context, args, &selected.members)?;
    private_keys::refuse_keys(context, &selected.members)?;
    if args.site.is_empty() {
        return to_registry::run(context, args, selected);
    }
    to_static_index::run(context, args, selected)
}
