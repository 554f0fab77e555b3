//! The command line: Cargo's flags for `cargo add`, and our own.

use std::ffi::OsString;
use std::path::PathBuf;

use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::Namespace;
use cargo_namespaces_cli::cli::{CommonArgs, HasCommon, quoted};
use clap::Parser;

const EXAMPLES: &str = "\
Examples:
  cargo nsadd serde.rs/serde-abc                  add the newest release
  cargo nsadd serde.rs/serde-abc@1.2 -F derive    with a requirement and a feature
  cargo nsadd serde.rs/serde-abc regex            a namespaced crate, and one of crates.io
  cargo nsadd --switch serde.rs/serde-abc         move an existing dependency to the namespace
  cargo nsadd --rename serde.rs/serde-abc         keep both, this one under another key
  cargo nsadd                                     rewrite `\"serde.rs/serde-abc\" = \"1\"` into Cargo's form
  cargo nsadd --replace crates-io/itoa example.com/itoa
                                                  let the whole graph use the namespace's crate";

/// Add crates of a namespace, or rewrite a manifest in namespace notation
///
/// A namespaced crate is written NAMESPACE/CRATE, the namespace being a domain: serde.rs/serde-abc. The domain is asked
/// where its index is and whose signatures count; every namespaced release that enters Cargo.lock is checked; the
/// registry is written to .cargo/config.toml and the trusted keys to .cargo/namespaces.toml. Commit both. If anything
/// fails, every file is as it was before.
///
/// With no crate, all manifests of the workspace are rewritten from namespace notation into Cargo's own.
#[derive(Clone, Debug, Default, Parser)]
#[command(name = "nsadd", version, after_help = EXAMPLES)]
pub struct Args {
    /// The crates to add. (The help is no documentation comment: rustdoc takes its brackets for links.)
    #[arg(
        help = "Crates to add: NAMESPACE/CRATE[@REQ], or CRATE[@REQ] of crates.io",
        value_name = "NAMESPACE/CRATE[@REQ]"
    )]
    pub crates: Vec<String>,

    #[command(flatten)]
    pub common: CommonArgs,

    /// Print what would change, and change nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,

    /// Move an existing dependency of that name to the namespace
    #[arg(long, conflicts_with = "rename", help_heading = "Namespaces")]
    pub switch: bool,

    /// Give the dependency this key; without NAME, one that keeps an existing dependency of that name
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "")]
    pub rename: Option<String>,

    /// Only write the registry of this namespace
    #[arg(
        long,
        value_name = "NAMESPACE",
        conflicts_with_all = ["crates", "switch", "rename"],
        help_heading = "Namespaces"
    )]
    pub register: Option<Namespace>,

    /// With --register: into the configuration in Cargo's home, for all projects
    #[arg(long, help_heading = "Namespaces")]
    pub global: bool,

    /// Bring the files in .cargo in line with Cargo.lock
    #[arg(
        long,
        conflicts_with_all = ["crates", "switch", "rename", "register", "replace"],
        help_heading = "Namespaces"
    )]
    pub sync: bool,

    /// Put the given crate in the place of one of crates.io, in the whole graph
    #[arg(
        long,
        value_name = "crates-io/CRATE",
        requires = "crates",
        conflicts_with_all = ["switch", "rename", "register"],
        help_heading = "Namespaces"
    )]
    pub replace: Option<String>,

    /// Trust this key although it changed or its domain does not list it
    #[arg(long, value_name = "KEY", help_heading = "Namespaces")]
    pub trust: Vec<PublicKey>,

    /// Take the index that the domain declares now, although another is pinned
    #[arg(long, help_heading = "Namespaces")]
    pub trust_index: bool,

    /// Refuse new releases while their domain does not answer
    #[arg(long, help_heading = "Namespaces")]
    pub strict: bool,

    #[command(flatten)]
    pub dependency: DependencyArgs,
}

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

impl HasCommon for Args {
    fn common(&self) -> &CommonArgs {
        &self.common
    }
}

impl Args {
    /// `--rename serde.rs/serde-abc` gives no key: a key holds no `/`, so that is the crate.
    #[must_use]
    pub fn untangled(mut self) -> Self {
        if let Some(name) = self.rename.as_mut()
            && name.contains('/')
        {
            let krate = std::mem::take(name);
            self.crates.insert(0, krate);
        }
        self
    }

    /// The key that `--rename NAME` gives.
    pub fn key(&self) -> Option<&str> {
        self.rename.as_deref().filter(|name| !name.is_empty())
    }

    /// The command line again with `flag`, to resume with: what was said stays said. The crates `first` stand first.
    pub fn again(&self, flag: &str, first: &[String]) -> String {
        let mut words: Vec<OsString> = Vec::new();
        let common = &self.common;
        if let Some(directory) = &common.directory {
            words.extend(["-C".into(), directory.into()]);
        }
        if let Some(path) = &common.manifest_path {
            words.extend(["--manifest-path".into(), path.into()]);
        }
        for config in &common.config {
            push_value(&mut words, "--config", Some(config));
        }
        for (given, flag) in [
            (common.locked, "--locked"),
            (common.offline, "--offline"),
            (common.frozen, "--frozen"),
            (self.dry_run, "--dry-run"),
            (self.strict, "--strict"),
            (self.trust_index, "--trust-index"),
            (self.dependency.ignore_rust_version, "--ignore-rust-version"),
        ] {
            push_flag(&mut words, given, flag);
        }
        push_value(&mut words, "-p", self.dependency.package.as_deref());
        words.extend(self.dependency.section_flags());
        words.extend(self.dependency.kind_flags());
        for features in &self.dependency.features {
            push_value(&mut words, "-F", Some(features));
        }
        for key in &self.trust {
            push_value(&mut words, "--trust", Some(&key.to_string()));
        }
        words.push(flag.into());
        words.extend(first.iter().map(OsString::from));
        words.extend(self.crates.iter().filter(|krate| !first.contains(krate)).map(OsString::from));
        let words: Vec<String> = words.iter().map(|word| quoted(&word.to_string_lossy())).collect();
        format!("cargo nsadd {}", words.join(" "))
    }

    /// `--rename` without a name.
    pub fn keep_both(&self) -> bool {
        self.rename.as_deref() == Some("")
    }
}

impl DependencyArgs {
    /// The table that the flags choose, as `cargo add` is told.
    pub fn section_flags(&self) -> Vec<OsString> {
        let mut flags = Vec::new();
        push_flag(&mut flags, self.dev, "--dev");
        push_flag(&mut flags, self.build, "--build");
        push_value(&mut flags, "--target", self.target.as_deref());
        flags
    }

    /// What is said about the dependency apart from its table and its features.
    pub fn kind_flags(&self) -> Vec<OsString> {
        let mut flags = Vec::new();
        push_flag(&mut flags, self.no_default_features, "--no-default-features");
        push_flag(&mut flags, self.default_features, "--default-features");
        push_flag(&mut flags, self.optional, "--optional");
        push_flag(&mut flags, self.no_optional, "--no-optional");
        push_flag(&mut flags, self.public, "--public");
        push_flag(&mut flags, self.no_public, "--no-public");
        flags
    }

    /// Where a dependency outside of any namespace comes from.
    pub fn source_flags(&self) -> Vec<OsString> {
        let mut flags = Vec::new();
        if let Some(path) = &self.path {
            flags.extend([OsString::from("--path"), path.into()]);
        }
        push_value(&mut flags, "--git", self.git.as_deref());
        push_value(&mut flags, "--branch", self.branch.as_deref());
        push_value(&mut flags, "--tag", self.tag.as_deref());
        push_value(&mut flags, "--rev", self.rev.as_deref());
        push_value(&mut flags, "--registry", self.registry.as_deref());
        flags
    }

    /// The flag among `--path`, `--git` and `--registry` that contradicts a namespace.
    pub fn source_flag(&self) -> Option<&'static str> {
        let given = [
            ("--path", self.path.is_some()),
            ("--git", self.git.is_some()),
            ("--registry", self.registry.is_some()),
        ];
        given.into_iter().find(|(_, given)| *given).map(|(flag, _)| flag)
    }

    /// The features, one by one.
    pub fn feature_list(&self) -> Vec<String> {
        let words = self.features.iter().flat_map(|list| list.split([' ', ',', '\t', '\n']));
        words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
    }

    /// Whether anything is said about the dependency that an edit of its registry alone would not do.
    pub fn says_something(&self) -> bool {
        !self.features.is_empty() || !self.kind_flags().is_empty() || !self.section_flags().is_empty()
    }
}

fn push_flag(flags: &mut Vec<OsString>, given: bool, flag: &str) {
    if given {
        flags.push(flag.into());
    }
}

fn push_value(flags: &mut Vec<OsString>, flag: &str, value: Option<&str>) {
    if let Some(value) = value {
        flags.extend([OsString::from(flag), value.into()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Args {
        Args::try_parse_from(std::iter::once("nsadd").chain(args.iter().copied())).unwrap().untangled()
    }

    #[test]
    fn the_definition_is_sound() {
        <Args as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn rename_takes_a_name_or_none() {
        let args = parse(&["--rename", "serde.rs/serde-abc"]);
        assert_eq!((args.crates, args.rename.as_deref()), (vec!["serde.rs/serde-abc".to_owned()], Some("")));
        let args = parse(&["serde.rs/serde-abc", "--rename", "abc"]);
        assert_eq!(args.key(), Some("abc"));
        let args = parse(&["serde.rs/serde-abc", "--rename"]);
        assert!(args.keep_both() && args.key().is_none());
        assert!(!parse(&["serde.rs/serde-abc"]).keep_both());
    }

    #[test]
    fn the_command_to_resume_with_says_what_was_said() {
        let args =
            parse(&["regex", "serde.rs/serde-abc@>1", "-p", "a", "--target", "cfg(unix)", "-F", "x y"]);
        assert_eq!(
            args.again("--switch", &["serde.rs/serde-abc@>1".to_owned()]),
            "cargo nsadd -p a --target 'cfg(unix)' -F 'x y' --switch 'serde.rs/serde-abc@>1' regex"
        );
        assert_eq!(quoted("a'b"), r"'a'\''b'");
        let args =
            parse(&["-C", "x y", "--offline", "--config", "a.b=1", "--strict", "-n", "serde.rs/a", "-v"]);
        assert_eq!(
            args.again("--rename", &["serde.rs/a".to_owned()]),
            "cargo nsadd -C 'x y' --config a.b=1 --offline --dry-run --strict --rename serde.rs/a"
        );
    }

    #[test]
    fn features_are_split_as_cargo_splits_them() {
        let args = parse(&["serde.rs/a", "-F", "x,y z", "--features", "w"]);
        assert_eq!(args.dependency.feature_list(), ["x", "y", "z", "w"]);
    }
}
