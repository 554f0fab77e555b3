//! `cargo nspublish`: publishes crates of a domain namespace, and keeps the keys that sign them.
//!
//! Flags become options, and one call does the work. Without a subcommand it publishes.
//!
//! | module | holds |
//! |---|---|
//! | [`flags`] | the command line, as clap reads it |
//! | [`options`] | what it asks for, as plain values |
//! | [`mod@run`] | from options to the module that does it |
//! | [`context`] | what every subcommand starts from: shell, settings, keys |
//! | [`network`] | the HTTP client and the resolver of the process |
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
//! | [`package_here`] | what the manifest here says of its package |
//! | [`registry`] | the interface of a registry |

mod context;
mod credential;
mod documents;
mod flags;
mod guide;
mod key;
mod owner;
mod network;
mod options;
mod package_here;
mod plan;
mod run;
mod publish;
mod registry;
mod setup;
mod static_index;
mod located;
mod index_location;
mod status;
mod transfer;

use crate::flags::Args;

fn main() -> std::process::ExitCode {
    if credential::is_asked_for() {
        return credential::main();
    }
    cargo_namespaces_cli::cli::main("nspublish", |shell, args: Args| {
        let (common, command) = args.into_options(shell)?;
        run::run(shell, &common, &command)
    })
}
