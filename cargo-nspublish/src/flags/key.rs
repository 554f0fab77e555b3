//! The command line of `key`.

use std::path::PathBuf;

use cargo_namespaces::name::{Namespace, QualifiedName};
use cargo_namespaces::token::Scope;
use cargo_namespaces_cli::keystore::Role;
use clap::ValueEnum;

use super::site::{SigningArgs, SiteArgs};
use crate::options::KeyFileOptions;
use crate::options::key::{
    DeleteOptions, ExportOptions, ImportOptions, KeyCommand, LabelCommand, NewKeyOptions, RevokeOptions,
    RotateOptions, ShowKeyOptions, SyncOptions,
};

/// `cargo nspublish key …`.
#[derive(clap::Subcommand, Debug)]
pub enum KeySubcommand {
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

impl From<Protection> for KeyFileOptions {
    fn from(Protection { plain, passphrase_file, new_passphrase_file }: Protection) -> Self {
        Self { plain, passphrase_file, new_passphrase_file }
    }
}

impl From<KeySubcommand> for KeyCommand {
    fn from(subcommand: KeySubcommand) -> Self {
        match subcommand {
            KeySubcommand::New(args) => Self::New(args.into()),
            KeySubcommand::List => Self::List,
            KeySubcommand::Show(args) => Self::Show(args.into()),
            KeySubcommand::Export(args) => Self::Export(args.into()),
            KeySubcommand::Import(args) => Self::Import(args.into()),
            KeySubcommand::Delete(DeleteArgs { key, force }) => Self::Delete(DeleteOptions { key, force }),
            KeySubcommand::Rotate(args) => Self::Rotate(args.into()),
            KeySubcommand::Revoke(args) => Self::Revoke(args.into()),
            KeySubcommand::Label(args) => Self::Label(args.into()),
            KeySubcommand::Sync(args) => Self::Sync(args.into()),
        }
    }
}

impl From<NewArgs> for NewKeyOptions {
    fn from(args: NewArgs) -> Self {
        Self {
            name: args.name,
            role: args.role.into(),
            namespaces: args.namespace,
            file: args.file,
            files: args.protection.into(),
        }
    }
}

impl From<ShowArgs> for ShowKeyOptions {
    fn from(args: ShowArgs) -> Self {
        let namespaces = args.namespace.into_iter().map(Scope::Namespace);
        let crates = args.krate.into_iter().map(Scope::Crate);
        Self {
            key: args.key,
            scopes: namespaces.chain(crates).collect(),
            passphrase_file: args.passphrase_file,
        }
    }
}

impl From<ExportArgs> for ExportOptions {
    fn from(ExportArgs { key, file, protection }: ExportArgs) -> Self {
        Self { key, file, files: protection.into() }
    }
}

impl From<ImportArgs> for ImportOptions {
    fn from(args: ImportArgs) -> Self {
        Self {
            file: args.file,
            name: args.name,
            role: args.role.into(),
            namespaces: args.namespace,
            leave_in_file: args.leave_in_file,
            passphrase_file: args.passphrase_file,
        }
    }
}

impl From<RotateArgs> for RotateOptions {
    fn from(args: RotateArgs) -> Self {
        Self {
            namespace: args.namespace,
            key: args.key,
            name: args.name,
            file: args.file,
            resign: args.resign,
            drop_old: args.drop_old,
            files: args.protection.into(),
            site: args.site.into(),
        }
    }
}

impl From<RevokeArgs> for RevokeOptions {
    fn from(args: RevokeArgs) -> Self {
        Self {
            key: args.key,
            namespace: args.namespace,
            with: args.with,
            reason: args.reason,
            passphrase_file: args.passphrase_file,
            site: args.site.into(),
        }
    }
}

impl From<LabelArgs> for LabelCommand {
    fn from(args: LabelArgs) -> Self {
        match (args.key, args.label) {
            (None, _) => Self::List,
            (Some(key), _) if args.remove => Self::Remove(key),
            (Some(key), None) => Self::Show(key),
            (Some(key), Some(label)) => Self::Set { key, label },
        }
    }
}

impl From<SyncArgs> for SyncOptions {
    fn from(SyncArgs { namespace, resign, signing }: SyncArgs) -> Self {
        Self { namespace, resign, signing: signing.into() }
    }
}
