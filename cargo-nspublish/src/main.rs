//! `cargo nspublish`: publishes crates of a domain namespace, and keeps the keys that sign them.
//!
//! Without a subcommand it publishes. Run by Cargo with `--cargo-plugin`, it is a credential provider.
//!
//! | module | holds |
//! |---|---|
//! | [`flags`] | the command line, as clap reads it |
//! | [`options`] | what it asks for, as plain values |
//! | [`mod@run`] | makes the context, and calls the module of the subcommand |
//! | [`context`] | what every subcommand gets: shell, settings, keys, network |
//! | [`http_status`] | the status of an answer that is not the one that was asked for |
//! | [`plan`] | what a publish will do, as a value: pure |
//! | [`mod@publish`] | publishing and yanking |
//! | [`setup`] | `setup`: the keys of a namespace and the records of its domain |
//! | [`guide`] | says what to do when a registry does not let a key publish yet |
//! | [`key`] | `key new`, `list`, `show`, `export`, `import`, `delete`, `rotate`, `revoke` |
//! | [`status`] | whether a key may publish, and if not, why |
//! | [`owner`], [`transfer`] | who owns a crate |
//! | [`credential`] | the credential provider that Cargo runs |
//! | [`documents`] | the public documents of a namespace, as its author keeps them |
//! | [`static_index`] | a namespace's index as files in a directory |
//! | [`index_location`], [`located`] | finds the index of a namespace; how it is known |
//! | [`package_here`] | the package of the current directory |
//! | [`registry`] | asks a registry: pure requests and responses, and the client |

mod context;
mod credential;
mod documents;
mod flags;
mod guide;
mod key;
mod owner;
mod http_status;
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
