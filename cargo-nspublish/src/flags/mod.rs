//! The command line, as clap reads it. Only `main` knows these types: [`Args::into_options`] gives everything else plain values.

mod key;
mod publish;
mod registry;
mod setup;
mod site;

use cargo_namespaces::statement::YankOperation;
use cargo_namespaces_cli::cli::{CommonArgs, HasCommon};
use cargo_namespaces_cli::env::Environment;
use cargo_namespaces_cli::shell::{CliError, Shell};
use clap::Parser;

use self::key::KeySubcommand;
use self::publish::{PublishArgs, YankArgs};
use self::registry::{OwnerSubcommand, StatusArgs, TransferArgs};
use self::setup::SetupArgs;
use crate::options::{Command, CommonOptions};

/// Publish the crates of a domain namespace, and keep the keys that sign them
#[derive(Parser, Debug)]
#[command(
    version,
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  \
        cargo nspublish                                 the package here, to the registry of its namespace\n  \
        cargo nspublish --wait 10m                      in a build service, where nobody can be guided\n  \
        cargo nspublish --site public                   the package here, into a directory for any static host\n  \
        cargo nspublish --site public --workspace -n    check all members that have a namespace, write nothing\n  \
        cargo nspublish yank serde.rs/serde-abc@1.0.0 --site public\n  \
        cargo nspublish setup serde.rs                  keys, and the records for the domain\n  \
        cargo nspublish key list                        the keys here"
)]
pub struct Args {
    /// What else to do
    #[command(subcommand)]
    subcommand: Option<Subcommand>,

    /// Flags of publishing
    #[command(flatten)]
    publish: PublishArgs,

    /// Flags of all commands
    #[command(flatten)]
    common: CommonArgs,
}

impl HasCommon for Args {
    fn common(&self) -> &CommonArgs {
        &self.common
    }
}

/// Everything but publishing itself.
#[derive(clap::Subcommand, Debug)]
enum Subcommand {
    /// Make the keys of a namespace, and the records that its domain publishes
    Setup(SetupArgs),
    /// Take a version out of what new resolutions pick
    Yank(YankArgs),
    /// Put a yanked version back
    Unyank(YankArgs),
    /// Make, show, move and retire keys
    #[command(subcommand)]
    Key(KeySubcommand),
    /// Show what stands between you and a publish
    Status(StatusArgs),
    /// List, add and remove the owners of a crate at its registry
    #[command(subcommand)]
    Owner(OwnerSubcommand),
    /// Hand a crate to somebody else, or accept one
    Transfer(TransferArgs),
}

impl Args {
    /// What the flags ask for.
    pub fn into_options(self, shell: &Shell) -> Result<(CommonOptions, Command), CliError> {
        let common = common_options(&self.common, shell)?;
        let command = match self.subcommand {
            None => Command::Publish(self.publish.into()),
            Some(Subcommand::Yank(args)) => Command::Yank(args.into_options(YankOperation::Yank)),
            Some(Subcommand::Unyank(args)) => Command::Yank(args.into_options(YankOperation::Unyank)),
            Some(Subcommand::Setup(args)) => Command::Setup(args.into()),
            Some(Subcommand::Key(subcommand)) => Command::Key(subcommand.into()),
            Some(Subcommand::Status(args)) => Command::Status(args.into()),
            Some(Subcommand::Owner(subcommand)) => Command::Owner(subcommand.into()),
            Some(Subcommand::Transfer(args)) => Command::Transfer(args.into()),
        };
        Ok((common, command))
    }
}

fn common_options(args: &CommonArgs, shell: &Shell) -> Result<CommonOptions, CliError> {
    Ok(CommonOptions {
        manifest_path: args.manifest_path.clone(),
        config: args.config.clone(),
        directory: args.working_directory()?,
        offline: args.is_offline(),
        quiet: args.quiet,
        cargo_flags: args.cargo_flags(shell),
        shell: args.shell_options(&Environment::of_process()),
    })
}
