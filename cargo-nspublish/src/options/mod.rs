//! What the flags ask for, as plain values. `flags` makes them from the command line, and every other module takes them.

pub mod key;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use cargo_namespaces::name::{IndexUrl, Namespace, QualifiedName, QualifiedSpec};
use cargo_namespaces::statement::YankOperation;
use cargo_namespaces::token::Scope;
use cargo_namespaces_cli::cli::quoted;
use cargo_namespaces_cli::shell::ShellOptions;

pub use self::key::{KeyCommand, KeyFileOptions, SetupKeyOptions};

/// What the command line asks for.
pub enum Command {
    Publish(PublishOptions),
    Yank(YankOptions),
    Setup(SetupOptions),
    Key(KeyCommand),
    Status(StatusOptions),
    Owner(OwnerCommand),
    Transfer(TransferOptions),
}

/// The flags of all commands.
pub struct CommonOptions {
    /// `--manifest-path`, as it was given.
    pub manifest_path: Option<PathBuf>,
    /// `--config`, as Cargo takes it.
    pub config: Vec<String>,
    /// `-C`, or the current directory; absolute.
    pub directory: PathBuf,
    /// `--offline` or `--frozen`
    pub offline: bool,
    pub quiet: bool,
    /// The flags that Cargo knows too, for a Cargo that is run.
    pub cargo_flags: Vec<OsString>,
    /// What the shell was made from.
    pub shell: ShellOptions,
}

/// Which key signs.
#[derive(Clone, Debug, Default)]
pub struct SigningOptions {
    /// A name, a public key or a key file.
    pub key: Option<String>,
    /// The file that holds the passphrase of the key file.
    pub passphrase_file: Option<PathBuf>,
}

/// The directories that a domain or its index is served from.
#[derive(Clone, Debug, Default)]
pub struct SiteOptions {
    /// The directory of a static index.
    pub site: Option<PathBuf>,
    /// The URL that it is served at, where that is not the root of the index's host.
    pub site_url: Option<String>,
    /// The directory that is served as the domain itself, where the index is on another host.
    pub well_known: Option<PathBuf>,
}

impl SiteOptions {
    /// The set-up of a namespace for these directories, as a command line.
    pub fn setup_command(&self, namespace: &Namespace) -> String {
        format!("cargo nspublish setup {namespace}") + &self.as_flags()
    }

    /// These flags, as they stand on a command line behind others.
    pub fn as_flags(&self) -> String {
        let mut line = String::new();
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        for (flag, value) in [
            ("--site", path(&self.site)),
            ("--site-url", self.site_url.clone()),
            ("--well-known", path(&self.well_known)),
        ] {
            if let Some(value) = value {
                line.push_str(&format!(" {flag} {}", quoted(&value)));
            }
        }
        line
    }
}

/// A `--site` of a publish: a directory, for one namespace or for all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteFlag {
    /// Given before `=`.
    pub namespace: Option<Namespace>,
    pub dir: PathBuf,
}

impl std::str::FromStr for SiteFlag {
    type Err = std::convert::Infallible;

    /// `DIR` or `NAMESPACE=DIR`; what stands before a `=` and is no namespace is part of the directory's name.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.split_once('=').map(|(name, dir)| (Namespace::parse(name), dir)) {
            Some((Ok(namespace), dir)) => Self { namespace: Some(namespace), dir: dir.into() },
            _ => Self { namespace: None, dir: text.into() },
        })
    }
}

/// `cargo nspublish` itself.
#[derive(Clone, Debug, Default)]
pub struct PublishOptions {
    /// The directories of static indexes.
    pub sites: Vec<SiteFlag>,
    /// The URL that the directory is served at.
    pub site_url: Option<String>,
    /// The directory that is served as the domain itself.
    pub well_known: Option<PathBuf>,
    /// The registry for a namespace that has no index yet.
    pub instance: Option<String>,
    /// How long to wait for the registry to find the domain's record.
    pub wait: Option<Duration>,
    pub signing: SigningOptions,
    /// Where keys are kept that have to be made first.
    pub first_keys: FirstKeyOptions,
    /// Whether the documents are to list the signing key.
    pub authorize: bool,
    /// Whether nothing is written.
    pub dry_run: bool,
    pub packages: PackageSelection,
    /// How they are packaged and built.
    pub build: BuildOptions,
}

impl PublishOptions {
    /// Whether a flag is there that only a registry has a meaning for.
    pub fn means_a_registry(&self) -> bool {
        let keys = &self.first_keys;
        let named = [&keys.device_file, &keys.recovery_file, &keys.new_passphrase_file];
        let other = self.instance.is_some() || self.wait.is_some() || keys.no_recovery;
        other || named.iter().any(|file| file.is_some())
    }
}

/// Where a first publish keeps the keys that it makes.
#[derive(Clone, Debug, Default)]
pub struct FirstKeyOptions {
    /// The device key's file, instead of the keyring; a file that exists is used.
    pub device_file: Option<PathBuf>,
    /// The recovery key's file; a file that exists is used.
    pub recovery_file: Option<PathBuf>,
    /// Whether no recovery key is made.
    pub no_recovery: bool,
    /// The file that holds the passphrase of a device key file that is made.
    pub new_passphrase_file: Option<PathBuf>,
}

/// Which packages of the workspace: Cargo's flags of the same names.
#[derive(Clone, Debug, Default)]
pub struct PackageSelection {
    pub package: Vec<String>,
    pub workspace: bool,
    pub exclude: Vec<String>,
}

/// How packages are packaged and built: Cargo's flags of the same names.
#[derive(Clone, Debug, Default)]
pub struct BuildOptions {
    pub no_verify: bool,
    pub allow_dirty: bool,
    pub features: Vec<String>,
    pub all_features: bool,
    pub no_default_features: bool,
    pub target: Option<String>,
    pub target_dir: Option<PathBuf>,
    pub jobs: Option<String>,
}

/// `yank` and `unyank`.
#[derive(Clone, Debug)]
pub struct YankOptions {
    pub release: QualifiedSpec,
    /// Which of the two.
    pub operation: YankOperation,
    /// The directory of the static index.
    pub site: SiteOptions,
    pub signing: SigningOptions,
}

/// Which keys of others a set-up lists or takes out; each is `KEY` or `CRATE=KEY`.
#[derive(Clone, Debug, Default)]
pub struct GrantOptions {
    /// The keys to list.
    pub authorize: Vec<String>,
    /// Whether the device key endorses them.
    pub vouch: bool,
    /// The keys to take out.
    pub drop: Vec<String>,
}

/// `setup`.
#[derive(Clone, Debug, Default)]
pub struct SetupOptions {
    /// The namespace, where it is not that of the package here.
    pub namespace: Option<Namespace>,
    /// The canonical index.
    pub index: Option<IndexUrl>,
    /// The registry that says what the index is.
    pub instance: Option<String>,
    /// Whether another index than before may be declared.
    pub change_index: bool,
    pub keys: SetupKeyOptions,
    /// The keys of others.
    pub grants: GrantOptions,
    /// Where the documents go.
    pub site: SiteOptions,
}

/// `status`.
pub struct StatusOptions {
    /// A namespace, or a crate of it; that of the package here without it.
    pub name: Option<Scope>,
    pub signing: SigningOptions,
}

/// `owner …`.
pub enum OwnerCommand {
    List(QualifiedName),
    Add {
        change: OwnerChange,
        /// What that key is called from now on.
        label: Option<String>,
    },
    Remove(OwnerChange),
}

/// A change of the owners of a crate.
pub struct OwnerChange {
    pub name: QualifiedName,
    /// The owner: a public key, its label, or the name of a key here.
    pub owner: String,
    pub signing: SigningOptions,
}

/// `transfer`.
pub struct TransferOptions {
    pub name: QualifiedName,
    /// What to do with it.
    pub action: TransferAction,
    pub signing: SigningOptions,
}

/// A step of a transfer.
pub enum TransferAction {
    /// Offer it to this key.
    Offer(String),
    /// Take what is offered to the signing key.
    Accept,
    /// Take the offer back.
    Withdraw,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_may_hold_an_equals_sign() {
        let flag: SiteFlag = "out=/x".parse().unwrap();
        assert_eq!(flag, SiteFlag { namespace: None, dir: "out=/x".into() });
    }
}
