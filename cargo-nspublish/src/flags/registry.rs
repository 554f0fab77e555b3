//! The command line of what is done at a registry.

use std::path::PathBuf;

use cargo_namespaces::name::{Namespace, QualifiedName};
use cargo_namespaces::token::Scope;

/// Which key signs.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct SigningArgs {
    /// The key to sign with: a name, a public key or a key file
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,

    /// File that holds the passphrase of the key file
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

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
pub enum OwnerCommand {
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

/// `key sync`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  cargo nspublish key sync --namespace serde.rs --resign laptop")]
pub struct SyncArgs {
    /// The namespace
    #[arg(long, value_name = "NAMESPACE")]
    pub namespace: Namespace,

    /// Also sign what this key signed, with the present key; may be repeated [default: the keys that were replaced here]
    #[arg(long, value_name = "KEY")]
    pub resign: Vec<String>,

    /// Which key signs
    #[command(flatten)]
    pub signing: SigningArgs,
}

/// `key label`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  \
    cargo nspublish key label ed25519:3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08= \"work laptop\"\n  \
    cargo nspublish key label\n  \
    cargo nspublish key label \"work laptop\" --remove")]
pub struct LabelArgs {
    /// A public key, the name of a key here, or the label that a key has [default: list all labels]
    #[arg(value_name = "KEY")]
    pub key: Option<String>,

    /// What to call it: up to 40 characters, kept on this machine, seen by you only
    #[arg(value_name = "LABEL")]
    pub label: Option<String>,

    /// Take its label away
    #[arg(long, requires = "key", conflicts_with = "label")]
    pub remove: bool,
}
