//! Flags that several subcommands take: which directories, which key.

use std::path::PathBuf;

use crate::options::{SigningOptions, SiteOptions};

/// Where documents go besides Cargo's home.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct SiteArgs {
    /// Directory of the site that serves the index; its .well-known documents are updated too when it is the domain's
    /// [default: what Cargo.toml remembers]
    #[arg(long, value_name = "DIR")]
    pub site: Option<PathBuf>,

    /// The URL that the site's directory is served at [default: the root of the index's host]
    #[arg(long, value_name = "URL")]
    pub site_url: Option<String>,

    /// Directory that is served as the domain itself, where the index is on another host
    #[arg(long, value_name = "DIR")]
    pub well_known: Option<PathBuf>,
}

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

impl From<SiteArgs> for SiteOptions {
    fn from(SiteArgs { site, site_url, well_known }: SiteArgs) -> Self {
        Self { site, site_url, well_known }
    }
}

impl From<SigningArgs> for SigningOptions {
    fn from(SigningArgs { key, passphrase_file }: SigningArgs) -> Self {
        Self { key, passphrase_file }
    }
}
