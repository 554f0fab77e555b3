//! `cargo nspublish`: publishes crates of a domain namespace, and keeps the keys that sign them.
//!
//! Flags become options, and one call does the work. Without a subcommand it publishes.
//!
//! | module | holds |
//! |---|---|
//! | [`flags`] | the command line |
//! | [`context`] | what every subcommand starts from: shell, settings, keys |
//! | [`plan`] | what a publish will do: pure |
//! | [`mod@publish`] | publishing and yanking |
//! | [`setup`] | `setup`: the keys of a namespace and the records of its domain |
//! | [`guide`] | from an unknown domain to a crate that may be published |
//! | [`key`] | `key new`, `list`, `show`, `export`, `import`, `delete`, `rotate`, `revoke` |
//! | [`status`] | whether a key may publish, and if not, why |
//! | [`owner`], [`transfer`] | who owns a crate |
//! | [`credential`] | the credential provider that Cargo runs |
//! | [`documents`] | the public documents of a namespace, as its author keeps them |
//! | [`static_index`] | an index as files in a directory |
//! | [`index_location`], [`located`] | where the index of a namespace is, and how that is known |
//! | [`registry`] | the interface of a registry |

mod context;
mod credential;
mod documents;
mod flags;
mod guide;
mod key;
mod owner;
mod plan;
mod publish;
mod registry;
mod setup;
mod static_index;
mod located;
mod index_location;
mod status;
mod transfer;

use cargo_namespaces::shell::{CliError, ExitCode, Shell};

use crate::context::Context;
use crate::flags::{Args, Subcommand};

fn main() -> std::process::ExitCode {
    if credential::is_asked_for() {
        return credential::main();
    }
    cargo_namespaces::cli::main("nspublish", |shell, args: Args| run(shell, &args))
}

fn run(shell: &Shell, args: &Args) -> Result<ExitCode, CliError> {
    let context = Context::start(shell, &args.common)?;
    match &args.subcommand {
        None => publish::run(&context, &args.publish),
        Some(Subcommand::Yank(args)) => publish::yank(&context, args),
        Some(Subcommand::Unyank(args)) => publish::unyank(&context, args),
        Some(Subcommand::Setup(args)) => setup::run(&context, args),
        Some(Subcommand::Key(command)) => key::run(&context, command),
        Some(Subcommand::Status(args)) => status::run(&context, args),
        Some(Subcommand::Owner(command)) => owner::run(&context, command),
        Some(Subcommand::Transfer(args)) => transfer::run(&context, args),
    }
}
