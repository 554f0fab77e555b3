//! The flags of `cargo add` about the dependency.

use std::ffi::OsString;
use std::path::PathBuf;

use super::{push_flag, push_value};
use crate::options::{DependencyOptions, DependencySource};

/// The flags of `cargo add` about the dependency itself, handed on as they are.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct DependencyArgs {
    /// Disable the default features
    #[arg(long, conflicts_with = "default_features")]
    pub no_default_features: bool,

    /// Re-enable the default features
    #[arg(long)]
    pub default_features: bool,

    /// Space or comma separated list of features to activate
    #[arg(short = 'F', long, value_name = "FEATURES")]
    pub features: Vec<String>,

    /// Mark the dependency as optional
    #[arg(long, conflicts_with = "no_optional")]
    pub optional: bool,

    /// Mark the dependency as required
    #[arg(long)]
    pub no_optional: bool,

    /// Mark the dependency as public (unstable)
    #[arg(long, conflicts_with = "no_public")]
    pub public: bool,

    /// Mark the dependency as private (unstable)
    #[arg(long)]
    pub no_public: bool,

    /// Ignore `rust-version` specification in packages
    #[arg(long, help_heading = "Manifest Options")]
    pub ignore_rust_version: bool,

    /// Package to modify
    #[arg(short, long, value_name = "SPEC", help_heading = "Package Selection")]
    pub package: Option<String>,

    /// Add as development dependency
    #[arg(long, conflicts_with = "build", help_heading = "Section")]
    pub dev: bool,

    /// Add as build dependency
    #[arg(long, help_heading = "Section")]
    pub build: bool,

    /// Add as dependency to the given target platform
    #[arg(long, value_name = "TARGET", help_heading = "Section")]
    pub target: Option<String>,

    /// Filesystem path to local crate to add (not for crates of a namespace)
    #[arg(long, value_name = "PATH", conflicts_with = "git", help_heading = "Source")]
    pub path: Option<PathBuf>,

    /// Git repository location (not for crates of a namespace)
    #[arg(long, value_name = "URI", help_heading = "Source")]
    pub git: Option<String>,

    /// Git branch to download the crate from
    #[arg(long, value_name = "BRANCH", requires = "git", help_heading = "Source")]
    pub branch: Option<String>,

    /// Git tag to download the crate from
    #[arg(long, value_name = "TAG", requires = "git", help_heading = "Source")]
    pub tag: Option<String>,

    /// Git reference to download the crate from
    #[arg(long, value_name = "REV", requires = "git", help_heading = "Source")]
    pub rev: Option<String>,

    /// Package registry for this dependency (not for crates of a namespace, whose registry is known)
    #[arg(long, value_name = "NAME", help_heading = "Source")]
    pub registry: Option<String>,
}

impl DependencyArgs {
    pub(super) fn options(&self) -> DependencyOptions {
        let words = self.features.iter().flat_map(|list| list.split([' ', ',', '\t', '\n']));
        DependencyOptions {
            section: self.section_flags(),
            kind: self.kind_flags(),
            features: words.filter(|word| !word.is_empty()).map(str::to_owned).collect(),
            source: self.source(),
            ignore_rust_version: self.ignore_rust_version,
        }
    }

    fn section_flags(&self) -> Vec<OsString> {
        let mut flags = Vec::new();
        push_flag(&mut flags, self.dev, "--dev");
        push_flag(&mut flags, self.build, "--build");
        push_value(&mut flags, "--target", self.target.as_deref());
        flags
    }

    fn kind_flags(&self) -> Vec<OsString> {
        let mut flags = Vec::new();
        push_flag(&mut flags, self.no_default_features, "--no-default-features");
        push_flag(&mut flags, self.default_features, "--default-features");
        push_flag(&mut flags, self.optional, "--optional");
        push_flag(&mut flags, self.no_optional, "--no-optional");
        push_flag(&mut flags, self.public, "--public");
        push_flag(&mut flags, self.no_public, "--no-public");
        flags
    }

    fn source(&self) -> Option<DependencySource> {
        let flag = match (&self.path, &self.git, &self.registry) {
            (Some(_), _, _) => "--path",
            (None, Some(_), _) => "--git",
            (None, None, Some(_)) => "--registry",
            (None, None, None) => return None,
        };
        let mut flags = Vec::new();
        if let Some(path) = &self.path {
            flags.extend([OsString::from("--path"), path.into()]);
        }
        push_value(&mut flags, "--git", self.git.as_deref());
        push_value(&mut flags, "--branch", self.branch.as_deref());
        push_value(&mut flags, "--tag", self.tag.as_deref());
        push_value(&mut flags, "--rev", self.rev.as_deref());
        push_value(&mut flags, "--registry", self.registry.as_deref());
        Some(DependencySource { flag, flags })
    }
}
