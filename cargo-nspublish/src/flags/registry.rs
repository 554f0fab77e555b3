//! The command line of what is done at a registry.

use cargo_namespaces::name::QualifiedName;
use cargo_namespaces::token::Scope;

use super::site::SigningArgs;
use crate::options::{OwnerChange, OwnerCommand, StatusOptions, TransferAction, TransferOptions};

/// `status`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  \
    cargo nspublish status\n  \
    cargo nspublish status serde.rs/serde-abc")]
pub struct StatusArgs {
    /// A namespace, or a crate of it [default: the namespace of the package here]
    #[arg(value_name = "NAMESPACE[/CRATE]", value_parser = Scope::parse)]
    pub name: Option<Scope>,

    /// Which key
    #[command(flatten)]
    pub signing: SigningArgs,
}

/// `cargo nspublish owner …`.
#[derive(clap::Subcommand, Debug)]
pub enum OwnerSubcommand {
    /// List the owners of a crate
    List(OwnerListArgs),
    /// Add an owner: it may publish, yank, and change the owners
    Add(OwnerAddArgs),
    /// Remove an owner
    Remove(OwnerChangeArgs),
}

/// `owner list`.
#[derive(clap::Args, Debug)]
pub struct OwnerListArgs {
    /// The crate
    #[arg(value_name = "NAMESPACE/CRATE")]
    pub name: QualifiedName,
}

/// `owner add`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  \
    cargo nspublish owner add serde.rs/serde-abc ed25519:3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=\n  \
    cargo nspublish owner add serde.rs/serde-abc ed25519:3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08= --label \"work laptop\"")]
pub struct OwnerAddArgs {
    /// Who, and which key signs
    #[command(flatten)]
    pub change: OwnerChangeArgs,

    /// What you call that key from now on, as `key label` does; nobody else sees it
    #[arg(long, value_name = "LABEL")]
    pub label: Option<String>,
}

/// `owner remove`, and the same of `owner add`.
#[derive(clap::Args, Debug)]
pub struct OwnerChangeArgs {
    /// The crate
    #[arg(value_name = "NAMESPACE/CRATE")]
    pub name: QualifiedName,

    /// The owner: a public key, its label, or the name of a key here
    #[arg(value_name = "OWNER")]
    pub owner: String,

    /// Which key signs
    #[command(flatten)]
    pub signing: SigningArgs,
}

/// `transfer`.
#[derive(clap::Args, Debug)]
#[command(
    group = clap::ArgGroup::new("step").required(true).args(["to", "accept", "withdraw"]),
    after_help = "Examples:\n  \
        cargo nspublish transfer serde.rs/serde-abc --to ed25519:3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=\n  \
        cargo nspublish transfer serde.rs/serde-abc --accept"
)]
pub struct TransferArgs {
    /// The crate
    #[arg(value_name = "NAMESPACE/CRATE")]
    pub name: QualifiedName,

    /// Offer it to this key
    #[arg(long, value_name = "KEY")]
    pub to: Option<String>,

    /// Take what is offered to your key
    #[arg(long)]
    pub accept: bool,

    /// Take the offer back
    #[arg(long)]
    pub withdraw: bool,

    /// Which key signs
    #[command(flatten)]
    pub signing: SigningArgs,
}

impl From<StatusArgs> for StatusOptions {
    fn from(StatusArgs { name, signing }: StatusArgs) -> Self {
        Self { name, signing: signing.into() }
    }
}

impl From<OwnerSubcommand> for OwnerCommand {
    fn from(subcommand: OwnerSubcommand) -> Self {
        match subcommand {
            OwnerSubcommand::List(args) => Self::List(args.name),
            OwnerSubcommand::Add(args) => Self::Add { change: args.change.into(), label: args.label },
            OwnerSubcommand::Remove(args) => Self::Remove(args.into()),
        }
    }
}

impl From<OwnerChangeArgs> for OwnerChange {
    fn from(OwnerChangeArgs { name, owner, signing }: OwnerChangeArgs) -> Self {
        Self { name, owner, signing: signing.into() }
    }
}

impl From<TransferArgs> for TransferOptions {
    fn from(args: TransferArgs) -> Self {
        let action = match (args.to, args.accept) {
            (Some(to), _) => TransferAction::Offer(to),
            (None, true) => TransferAction::Accept,
            (None, false) => TransferAction::Withdraw,
        };
        Self { name: args.name, action, signing: args.signing.into() }
    }
}
