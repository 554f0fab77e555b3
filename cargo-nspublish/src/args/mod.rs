//! The command line.

mod registry;
mod site;

use std::path::PathBuf;

use cargo_namespaces::name::{IndexUrl, Namespace, QualifiedName};
use cargo_namespaces_cli::cli::{CommonArgs, HasCommon};
use cargo_namespaces_cli::keystore::Role;
use clap::{Parser, ValueEnum};

pub use self::registry::{
    LabelArgs, OwnerAddArgs, OwnerChangeArgs, OwnerCommand, SigningArgs, StatusArgs, SyncArgs, TransferArgs,
};
pub use self::site::SiteArgs;
use crate::publish::{PublishArgs, YankArgs};

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
    pub subcommand: Option<Subcommand>,

    /// Flags of publishing
    #[command(flatten)]
    pub publish: PublishArgs,

    /// Flags of all commands
    #[command(flatten)]
    pub common: CommonArgs,
}

impl HasCommon for Args {
    fn common(&self) -> &CommonArgs {
        &self.common
    }
}

/// Everything but publishing itself.
#[derive(clap::Subcommand, Debug)]
pub enum Subcommand {
    /// Make the keys of a namespace, and the records that its domain publishes
    Setup(SetupArgs),
    /// Take a version out of what new resolutions pick
    Yank(YankArgs),
    /// Put a yanked version back
    Unyank(YankArgs),
    /// Make, show, move and retire keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// Show what stands between you and a publish
    Status(StatusArgs),
    /// List, add and remove the owners of a crate at its registry
    #[command(subcommand)]
    Owner(OwnerCommand),
    /// Hand a crate to somebody else, or accept one
    Transfer(TransferArgs),
}

/// `cargo nspublish key …`.
#[derive(clap::Subcommand, Debug)]
pub enum KeyCommand {
    /// Make a key
    New(NewArgs),
    /// List the keys here
    List,
    /// Show a key's public side: the key, its fingerprint, the tokens that let it publish
    Show(ShowArgs),
    /// Write a key to a PKCS#8 PEM file, encrypted unless --plain
    Export(ExportArgs),
    /// Take a PKCS#8 PEM file in, as `openssl genpkey -algorithm ed25519` writes it
    Import(ImportArgs),
    /// Remove a key for good
    Delete(DeleteArgs),
    /// Put a new key in the place of one, endorsed by it
    Rotate(RotateArgs),
    /// Declare that a key must not be trusted any more
    Revoke(RevokeArgs),
    /// Call a key, yours or somebody else's, by a name that is shown beside it
    Label(LabelArgs),
    /// Hand endorsements, revocations and further signatures in to the registry, if that failed before
    Sync(SyncArgs),
}

/// How a new key file is written, and how key files are opened.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Protection {
    /// Write key files unencrypted
    #[arg(long)]
    pub plain: bool,

    /// File that holds the passphrase of the key files that are opened, and of a new recovery key
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,

    /// File that holds the passphrase of the key file that is made [default: CARGO_NAMESPACES_NEW_KEY_PASSPHRASE, or it is asked for]
    #[arg(long, value_name = "FILE")]
    pub new_passphrase_file: Option<PathBuf>,
}

/// `setup`.
#[derive(clap::Args, Clone, Debug, Default)]
#[command(after_help = "Examples:\n  \
    cargo nspublish setup serde.rs\n  \
    cargo nspublish setup serde.rs --recovery-file /media/stick/serde.rs.pem --site public\n  \
    cargo nspublish setup serde.rs --index sparse+https://crates.example/serde.rs/\n  \
    cargo nspublish setup serde.rs --device-file ci.pem --new-passphrase-file ci.txt --recovery-file stick.pem --passphrase-file stick.txt\n  \
    cargo nspublish setup serde.rs --authorize serde-abc=ed25519:3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=")]
pub struct SetupArgs {
    /// The namespace, a domain of yours [default: that of the package here]
    pub namespace: Option<Namespace>,

    /// The canonical index, the namespace's identity for ever [default: sparse+https://<NAMESPACE>/cargo/index/]
    #[arg(long, value_name = "URL")]
    pub index: Option<IndexUrl>,

    /// The registry that is to host the index, such as https://crates.example: it says which index that is
    #[arg(long, value_name = "URL", conflicts_with_all = ["index", "site", "site_url"])]
    pub instance: Option<String>,

    /// Declare another index than before: right only while nothing has been published
    #[arg(long)]
    pub change_index: bool,

    /// The device key: a name, a public key or a key file [default: the only one here, or a new one]
    #[arg(long, value_name = "KEY", conflicts_with_all = ["new_key", "device_file"])]
    pub key: Option<String>,

    /// Make a new device key with this name, in the keyring unless --device-file says otherwise
    #[arg(long, value_name = "NAME")]
    pub new_key: Option<String>,

    /// Keep the device key in this file instead of the keyring; a file that is there is used
    #[arg(long, value_name = "FILE")]
    pub device_file: Option<PathBuf>,

    /// Where to write the recovery key, best on a medium that you take out; a file that is there is used
    #[arg(long, value_name = "FILE", conflicts_with = "no_recovery")]
    pub recovery_file: Option<PathBuf>,

    /// Make no recovery key: nothing then revokes a lost device key, and nothing succeeds it
    #[arg(long)]
    pub no_recovery: bool,

    /// Also list this public key, for the whole namespace or for one crate; may be repeated
    #[arg(long, value_name = "[CRATE=]KEY")]
    pub authorize: Vec<String>,

    /// Have the device key vouch for them: projects that trust it then follow by themselves, and they may revoke it.
    /// For your own other machines
    #[arg(long, requires = "authorize")]
    pub vouch: bool,

    /// Take the token of this key out of the documents; may be repeated
    #[arg(long, value_name = "[CRATE=]KEY")]
    pub drop: Vec<String>,

    /// How key files are written
    #[command(flatten)]
    pub protection: Protection,

    /// Where the documents go
    #[command(flatten)]
    pub site: SiteArgs,

    /// Does not print the records: the guide does
    #[arg(skip)]
    pub quiet_records: bool,
}

/// `key new`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  \
    cargo nspublish key new laptop\n  \
    cargo nspublish key new ci --namespace serde.rs --file ci.pem")]
pub struct NewArgs {
    /// What to call it [default: device or recovery]
    pub name: Option<String>,

    /// What it is for
    #[arg(long, value_enum, default_value_t = RoleArg::Device)]
    pub role: RoleArg,

    /// A namespace that it publishes for; may be repeated
    #[arg(long, value_name = "NAMESPACE")]
    pub namespace: Vec<Namespace>,

    /// Keep it in this new file instead of the keyring
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,

    /// How the key file is written
    #[command(flatten)]
    pub protection: Protection,
}

/// `key show`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  \
    cargo nspublish key show\n  \
    cargo nspublish key show laptop --crate serde.rs/serde-abc\n  \
    cargo nspublish key show ed25519:3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08= --namespace serde.rs")]
pub struct ShowArgs {
    /// A key's name, any public key, or a key file [default: the only device key here]
    pub key: Option<String>,

    /// Show the token for this namespace; may be repeated
    #[arg(long, value_name = "NAMESPACE")]
    pub namespace: Vec<Namespace>,

    /// Show the token for this crate only; may be repeated
    #[arg(long = "crate", value_name = "NAMESPACE/CRATE")]
    pub krate: Vec<QualifiedName>,

    /// File that holds the passphrase of the key file
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

/// `key export`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  cargo nspublish key export laptop --file laptop.pem")]
pub struct ExportArgs {
    /// A key's name or public key [default: the only device key here]
    pub key: Option<String>,

    /// The file to write; it must not exist
    #[arg(long, short, value_name = "FILE")]
    pub file: PathBuf,

    /// How the key file is written
    #[command(flatten)]
    pub protection: Protection,
}

/// `key import`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  \
    cargo nspublish key import laptop.pem --name laptop --namespace serde.rs\n  \
    cargo nspublish key import /run/secrets/key.pem --leave-in-file")]
pub struct ImportArgs {
    /// The key file; `-` is standard input
    pub file: PathBuf,

    /// What to call the key [default: the file's name]
    #[arg(long)]
    pub name: Option<String>,

    /// What it is for
    #[arg(long, value_enum, default_value_t = RoleArg::Device)]
    pub role: RoleArg,

    /// A namespace that it publishes for; may be repeated
    #[arg(long, value_name = "NAMESPACE")]
    pub namespace: Vec<Namespace>,

    /// Copy nothing to the keyring: the key stays in the file and is used from there
    #[arg(long)]
    pub leave_in_file: bool,

    /// File that holds the passphrase of the key file
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

/// `key delete`.
#[derive(clap::Args, Debug)]
pub struct DeleteArgs {
    /// The key's name or public key
    pub key: String,

    /// Delete it even if no other key here stands for one of its namespaces
    #[arg(long)]
    pub force: bool,
}

/// `key rotate`.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:\n  \
    cargo nspublish key rotate --namespace serde.rs --site public\n  \
    cargo nspublish key rotate --namespace serde.rs --drop-old --site public\n  \
    cargo nspublish key rotate --namespace serde.rs --key /media/stick/serde.rs.pem --resign laptop --site public")]
pub struct RotateArgs {
    /// The namespace
    #[arg(long, value_name = "NAMESPACE")]
    pub namespace: Namespace,

    /// The key that endorses the new one: the present one, or the recovery key when that is lost [default: the namespace's]
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,

    /// What to call the new key
    #[arg(long)]
    pub name: Option<String>,

    /// Keep the new key in this new file instead of the keyring
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,

    /// With --site: sign again what this key signed too, besides what the replaced key did; may be repeated
    #[arg(long, value_name = "KEY")]
    pub resign: Vec<String>,

    /// Finish an earlier rotation instead: take the tokens of the replaced keys out of the documents
    #[arg(long, conflicts_with_all = ["key", "name", "file", "resign"])]
    pub drop_old: bool,

    /// How the key file is written
    #[command(flatten)]
    pub protection: Protection,

    /// Where the documents go
    #[command(flatten)]
    pub site: SiteArgs,
}

/// `key revoke`.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:\n  \
    cargo nspublish key revoke laptop --namespace serde.rs --reason \"sold the machine\" --site public\n  \
    cargo nspublish key revoke ed25519:3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08= --namespace serde.rs --with /media/stick/serde.rs.pem")]
pub struct RevokeArgs {
    /// The key's name, or its public key
    pub key: String,

    /// The namespace
    #[arg(long, value_name = "NAMESPACE")]
    pub namespace: Namespace,

    /// The key that signs the revocation: the key itself, or one that it endorsed, as its recovery key [default: the key]
    #[arg(long, value_name = "KEY")]
    pub with: Option<String>,

    /// A sentence on why, for everyone to read
    #[arg(long)]
    pub reason: Option<String>,

    /// File that holds the passphrase of the key file
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,

    /// Where the documents go
    #[command(flatten)]
    pub site: SiteArgs,
}

/// [`Role`] on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RoleArg {
    /// Signs releases
    Device,
    /// Kept offline: revokes a lost device key and endorses the next one
    Recovery,
}

impl From<RoleArg> for Role {
    fn from(role: RoleArg) -> Self {
        match role {
            RoleArg::Device => Self::Device,
            RoleArg::Recovery => Self::Recovery,
        }
    }
}
