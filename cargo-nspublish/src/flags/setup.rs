//! The command line of `setup`.

use std::path::PathBuf;

use cargo_namespaces::name::{IndexUrl, Namespace};

use super::key::Protection;
use super::site::SiteArgs;
use crate::options::{GrantOptions, SetupKeyOptions, SetupOptions};

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

    /// Make no recovery key: a lost device key can then be neither revoked nor replaced
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
}

impl From<SetupArgs> for SetupOptions {
    fn from(args: SetupArgs) -> Self {
        Self {
            namespace: args.namespace,
            index: args.index,
            instance: args.instance,
            change_index: args.change_index,
            keys: SetupKeyOptions {
                key: args.key,
                new_key: args.new_key,
                device_file: args.device_file,
                recovery_file: args.recovery_file,
                no_recovery: args.no_recovery,
                files: args.protection.into(),
            },
            grants: GrantOptions { authorize: args.authorize, vouch: args.vouch, drop: args.drop },
            site: args.site.into(),
        }
    }
}
