//! Publishing and yanking: to a registry ([`to_registry`]), or with `--site DIR` into a directory that any web server can
//! serve ([`to_static_index`]).

mod first_keys;
mod inside;
mod package_files;
mod package_flags;
mod report;
mod secrets;
mod signers;
mod stage;
mod through_cargo;
mod to_registry;
mod to_static_index;
mod unchanged;
mod workspace;
mod yank;

pub use yank::{unyank, yank};

use cargo_namespaces::shell::{CliError, ExitCode};

use crate::flags::PublishArgs;
use crate::session::Session;
use crate::static_index::remembered;

/// Publishes the selected members.
///
/// # Errors
/// Whatever stands in the way; nothing was written then, unless it is the writing itself that failed.
pub fn run(session: &Session<'_>, args: &PublishArgs) -> Result<ExitCode, CliError> {
    let selected = workspace::members(session, args)?;
    let args = &remembered::for_members(session, args, &selected.members)?;
    secrets::refuse_keys(session, &selected.members)?;
    if args.site.is_empty() {
        return to_registry::run(session, args, selected);
    }
    to_static_index::run(session, args, selected)
}
