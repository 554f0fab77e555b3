//! The flags of publishing and yanking.

use std::path::PathBuf;
use std::time::Duration;

use cargo_namespaces::name::QualifiedSpec;
use cargo_namespaces::statement::YankOperation;

use crate::options::{
    BuildOptions, FirstKeyOptions, PackageSelection, PublishOptions, SigningOptions, SiteFlag, SiteOptions,
    YankOptions,
};

/// Flags of `cargo nspublish` itself; those that Cargo has too are Cargo's, and are passed on.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct PublishArgs {
    /// Publish into this directory, for any static host; with two namespaces, once for each [default: what Cargo.toml remembers]
    #[arg(long, value_name = "[NAMESPACE=]DIR")]
    pub site: Vec<SiteFlag>,

    /// The URL that the directory is served at [default: the root of the index's host]
    #[arg(long, value_name = "URL")]
    pub site_url: Option<String>,

    /// Directory that is served as the domain itself, where the index is on another host
    #[arg(long, value_name = "DIR")]
    pub well_known: Option<PathBuf>,

    /// The registry for a namespace that has no index yet, such as https://crates.example
    #[arg(long, value_name = "URL", conflicts_with = "site")]
    pub instance: Option<String>,

    /// Without a terminal: wait so long for the registry to find the domain's record, such as 10m
    #[arg(long, value_name = "TIME", value_parser = parse_time, conflicts_with = "site")]
    pub wait: Option<Duration>,

    /// The key to sign with: a name, a public key or a key file
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,

    /// File that holds the passphrase of the key file
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,

    /// Where keys have to be made first: keep the device key in this file instead of the keyring; a file that is there is used
    #[arg(long, value_name = "FILE", conflicts_with_all = ["site", "key"], help_heading = "First Publish")]
    pub device_file: Option<PathBuf>,

    /// Where keys have to be made first: write the recovery key there; a file that is there is used
    #[arg(long, value_name = "FILE", conflicts_with_all = ["site", "no_recovery"], help_heading = "First Publish")]
    pub recovery_file: Option<PathBuf>,

    /// Where keys have to be made first: make no recovery key
    #[arg(long, conflicts_with = "site", help_heading = "First Publish")]
    pub no_recovery: bool,

    /// File that holds the passphrase of a device key file that is made
    #[arg(long, value_name = "FILE", conflicts_with = "site", help_heading = "First Publish")]
    pub new_passphrase_file: Option<PathBuf>,

    /// Add the signing key to those that the site's documents list
    #[arg(long)]
    pub authorize: bool,

    /// Perform all checks without writing anything
    #[arg(short = 'n', long)]
    pub dry_run: bool,

    /// Don't verify the contents by building them
    #[arg(long, help_heading = "Package Options")]
    pub no_verify: bool,

    /// Allow dirty working directories to be packaged
    #[arg(long, help_heading = "Package Options")]
    pub allow_dirty: bool,

    /// Package(s) to publish
    #[arg(short, long, value_name = "SPEC", help_heading = "Package Selection")]
    pub package: Vec<String>,

    /// Publish all packages in the workspace that have a namespace
    #[arg(long, help_heading = "Package Selection")]
    pub workspace: bool,

    /// Don't publish the specified package
    #[arg(long, value_name = "SPEC", requires = "workspace", help_heading = "Package Selection")]
    pub exclude: Vec<String>,

    /// Space or comma separated list of features to activate
    #[arg(short = 'F', long, value_name = "FEATURES", help_heading = "Feature Selection")]
    pub features: Vec<String>,

    /// Activate all available features
    #[arg(long, help_heading = "Feature Selection")]
    pub all_features: bool,

    /// Do not activate the `default` feature
    #[arg(long, help_heading = "Feature Selection")]
    pub no_default_features: bool,

    /// Build for the target triple
    #[arg(long, value_name = "TRIPLE", help_heading = "Compilation Options")]
    pub target: Option<String>,

    /// Directory for all generated artifacts
    #[arg(long, value_name = "DIRECTORY", help_heading = "Compilation Options")]
    pub target_dir: Option<PathBuf>,

    /// Number of parallel jobs, defaults to # of CPUs
    #[arg(short, long, value_name = "N", help_heading = "Compilation Options")]
    pub jobs: Option<String>,
}

impl From<PublishArgs> for PublishOptions {
    fn from(args: PublishArgs) -> Self {
        Self {
            sites: args.site,
            site_url: args.site_url,
            well_known: args.well_known,
            instance: args.instance,
            wait: args.wait,
            signing: SigningOptions { key: args.key, passphrase_file: args.passphrase_file },
            first_keys: FirstKeyOptions {
                device_file: args.device_file,
                recovery_file: args.recovery_file,
                no_recovery: args.no_recovery,
                new_passphrase_file: args.new_passphrase_file,
            },
            authorize: args.authorize,
            dry_run: args.dry_run,
            packages: PackageSelection {
                package: args.package,
                workspace: args.workspace,
                exclude: args.exclude,
            },
            build: BuildOptions {
                no_verify: args.no_verify,
                allow_dirty: args.allow_dirty,
                features: args.features,
                all_features: args.all_features,
                no_default_features: args.no_default_features,
                target: args.target,
                target_dir: args.target_dir,
                jobs: args.jobs,
            },
        }
    }
}

/// Flags of `yank` and `unyank`.
#[derive(clap::Args, Clone, Debug)]
pub struct YankArgs {
    /// The release, as NAMESPACE/CRATE@VERSION
    #[arg(value_name = "NAMESPACE/CRATE@VERSION")]
    pub release: QualifiedSpec,

    /// The site's directory [default: what Cargo.toml remembers; else the registry of the namespace is meant]
    #[arg(long, value_name = "DIR")]
    pub site: Option<PathBuf>,

    /// The URL that the directory is served at [default: the root of the index's host]
    #[arg(long, value_name = "URL")]
    pub site_url: Option<String>,

    /// The key to sign with: a name, a public key or a key file
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,

    /// File that holds the passphrase of the key file
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,

    /// Undo a yank, putting the version back into the index
    #[arg(long)]
    pub undo: bool,
}

impl YankArgs {
    /// What is asked for by `yank`, or by `unyank` with that operation.
    pub fn into_options(self, operation: YankOperation) -> YankOptions {
        YankOptions {
            release: self.release,
            operation: if self.undo { YankOperation::Unyank } else { operation },
            site: SiteOptions { site: self.site, site_url: self.site_url, well_known: None },
            signing: SigningOptions { key: self.key, passphrase_file: self.passphrase_file },
        }
    }
}

/// A text that is no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a time such as 90s, 10m or 1h")]
pub struct NotATime;

/// `90`, `90s`, `10m`, `1h`.
fn parse_time(text: &str) -> Result<Duration, NotATime> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(NotATime),
    };
    let count: u32 = digits.parse().map_err(|_| NotATime)?;
    Ok(Duration::from_secs(u64::from(count) * unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        for (text, seconds) in [("90", 90), ("90s", 90), ("10m", 600), ("1h", 3600)] {
            assert_eq!(parse_time(text).unwrap().as_secs(), seconds);
        }
        for text in ["", "m", "10d", "-1s", "1.5h"] {
            assert!(parse_time(text).is_err(), "{text}");
        }
    }
}
