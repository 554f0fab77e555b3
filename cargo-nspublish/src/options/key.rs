//! What the flags about keys ask for.

use std::path::PathBuf;

use cargo_namespaces::name::Namespace;
use cargo_namespaces::token::Scope;
use cargo_namespaces_cli::keystore::Role;

use super::{SigningOptions, SiteOptions};

/// How a new key file is written, and how key files are opened.
#[derive(Clone, Debug, Default)]
pub struct KeyFileOptions {
    /// Whether key files are written unencrypted.
    pub plain: bool,
    /// The file that holds the passphrase of the key files that are opened, and of a new recovery key.
    pub passphrase_file: Option<PathBuf>,
    /// The file that holds the passphrase of the key file that is made.
    pub new_passphrase_file: Option<PathBuf>,
}

/// Which keys a set-up uses or makes.
#[derive(Clone, Debug, Default)]
pub struct SetupKeyOptions {
    /// The device key: a name, a public key or a key file.
    pub key: Option<String>,
    /// The name of a device key that is made.
    pub new_key: Option<String>,
    /// The device key's file, instead of the keyring; a file that exists is used.
    pub device_file: Option<PathBuf>,
    /// The recovery key's file; a file that exists is used.
    pub recovery_file: Option<PathBuf>,
    /// Whether no recovery key is made.
    pub no_recovery: bool,
    /// How key files are written and opened.
    pub files: KeyFileOptions,
}

/// `key …`.
pub enum KeyCommand {
    New(NewKeyOptions),
    List,
    Show(ShowKeyOptions),
    Export(ExportOptions),
    Import(ImportOptions),
    Delete(DeleteOptions),
    Rotate(RotateOptions),
    Revoke(RevokeOptions),
    Label(LabelCommand),
    Sync(SyncOptions),
}

/// `key new`.
pub struct NewKeyOptions {
    pub name: Option<String>,
    /// What it is for.
    pub role: Role,
    /// The namespaces that it publishes for.
    pub namespaces: Vec<Namespace>,
    /// A new file for it, instead of the keyring.
    pub file: Option<PathBuf>,
    /// How that is written.
    pub files: KeyFileOptions,
}

/// `key show`.
pub struct ShowKeyOptions {
    /// A key's name, any public key, or a key file; the only device key here without it.
    pub key: Option<String>,
    /// The namespaces and crates whose token is shown.
    pub scopes: Vec<Scope>,
    /// The file that holds the passphrase of the key file.
    pub passphrase_file: Option<PathBuf>,
}

/// `key export`.
pub struct ExportOptions {
    /// A key's name or public key; the only device key here without it.
    pub key: Option<String>,
    /// The file to write.
    pub file: PathBuf,
    /// How it is written.
    pub files: KeyFileOptions,
}

/// `key import`.
pub struct ImportOptions {
    /// The key file; `-` is standard input.
    pub file: PathBuf,
    /// What to call the key; the file's name without it.
    pub name: Option<String>,
    /// What it is for.
    pub role: Role,
    /// The namespaces that it publishes for.
    pub namespaces: Vec<Namespace>,
    /// Whether the key stays in the file.
    pub leave_in_file: bool,
    /// The file that holds the passphrase of the key file.
    pub passphrase_file: Option<PathBuf>,
}

/// `key delete`.
pub struct DeleteOptions {
    /// The key's name or public key.
    pub key: String,
    /// Whether the last key of a namespace may be deleted.
    pub force: bool,
}

/// `key rotate`.
#[derive(Clone, Debug)]
pub struct RotateOptions {
    pub namespace: Namespace,
    /// The key that endorses the new one.
    pub key: Option<String>,
    /// What to call the new key.
    pub name: Option<String>,
    /// A new file for it, instead of the keyring.
    pub file: Option<PathBuf>,
    /// The keys whose signatures the new one adds its own to, besides the replaced key.
    pub resign: Vec<String>,
    /// Whether an earlier rotation is finished instead.
    pub drop_old: bool,
    /// How key files are written and opened.
    pub files: KeyFileOptions,
    /// Where the documents go.
    pub site: SiteOptions,
}

/// `key revoke`.
#[derive(Clone, Debug)]
pub struct RevokeOptions {
    /// The key's name, or its public key.
    pub key: String,
    pub namespace: Namespace,
    /// The key that signs the revocation; the key itself without it.
    pub with: Option<String>,
    /// Why, for everyone to read.
    pub reason: Option<String>,
    /// The file that holds the passphrase of the key file.
    pub passphrase_file: Option<PathBuf>,
    /// Where the documents go.
    pub site: SiteOptions,
}

/// `key label`.
pub enum LabelCommand {
    /// List all labels.
    List,
    /// Show the label of a key.
    Show(String),
    /// Give a key a label.
    Set { key: String, label: String },
    /// Take the label of a key away.
    Remove(String),
}

/// `key sync`.
pub struct SyncOptions {
    pub namespace: Namespace,
    /// The keys whose releases the present key signs; those that were replaced here without it.
    pub resign: Vec<String>,
    pub signing: SigningOptions,
}
