//! Flags about the directories that a domain or its index is served from.

use std::path::PathBuf;

use cargo_namespaces::name::Namespace;

use cargo_namespaces::cli::quoted;

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

impl SiteArgs {
    /// The set-up of a namespace for these places, as a command line.
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
