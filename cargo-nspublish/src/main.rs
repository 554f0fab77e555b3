//! `cargo nspublish`: publishes crates of a domain namespace, and keeps the keys that sign them.
//!
//! Flags become options, and one call does the work. Without a subcommand it publishes.
//!
//! | module | holds |
//! |---|---|
//! | [`args`] | the command line |
//! | [`credential`] | the credential provider that Cargo runs |
//! | [`session`] | what every subcommand starts from: shell, settings, keys |
//! | [`setup`] | `setup`: the keys of a namespace and the records of its domain |
//! | [`key`] | `key new`, `list`, `show`, `export`, `import`, `delete`, `rotate`, `revoke` |
//! | [`owner`], [`transfer`] | whose a crate is |
//! | [`site_memory`] | the site that a manifest remembers |
//! | [`status`] | what stands between the user and a publish |
//! | [`plan`] | what a publish will do: pure |
//! | [`mod@publish`] | publishing and yanking |
//! | [`publisher`] | the public documents of a namespace, as its author keeps them |
//! | [`registry`] | the interface of a registry |
//! | [`guide`] | from an unknown domain to a crate that may be published |

mod args;
mod credential;
mod guide;
mod key;
mod owner;
mod plan;
mod publish;
mod publisher;
mod registry;
mod session;
mod setup;
mod site_memory;
mod status;
mod transfer;

use cargo_namespaces_cli::shell::{CliError, ExitCode, Shell};

use crate::args::{Args, Subcommand};
use crate::session::Session;

fn main() -> std::process::ExitCode {
    if credential::is_asked_for() {
        return credential::main();
    }
    cargo_namespaces_cli::cli::main("nspublish", |shell, args: Args| run(shell, &args))
}

fn run(shell: &Shell, args: &Args) -> Result<ExitCode, CliError> {
    let session = Session::start(shell, &args.common)?;
    match &args.subcommand {
        None => publish::run(&session, &args.publish),
        Some(Subcommand::Yank(args)) => publish::yank(&session, args),
        Some(Subcommand::Unyank(args)) => publish::unyank(&session, args),
        Some(Subcommand::Setup(args)) => setup::run(&session, args),
        Some(Subcommand::Key(command)) => key::run(&session, command),
        Some(Subcommand::Status(args)) => status::run(&session, args),
        Some(Subcommand::Owner(command)) => owner::run(&session, command),
        Some(Subcommand::Transfer(args)) => transfer::run(&session, args),
    }
}
