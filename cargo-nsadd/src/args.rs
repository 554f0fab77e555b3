//! The command line, for clap: Cargo's flags for `cargo add`, and those of namespaces. [`Args::options`] turns it into plain
//! types; only `main` calls it.

mod dependency;

use std::ffi::OsString;

use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::Namespace;
use cargo_namespaces::trust;
use cargo_namespaces_cli::cli::{CommonArgs, HasCommon};
use cargo_namespaces_cli::shell::Shell;
use clap::Parser;

use crate::options::{self, AddOptions, DependencyOptions, Mode, Options, Rename, ResumeCommand, UsageError};
use crate::spec::{self, CrateArg};
use dependency::DependencyArgs;

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

impl HasCommon for Args {
    fn common(&self) -> &CommonArgs {
        &self.common
    }
}

impl Args {
    /// What the flags ask for. `shell` knows how verbose the cargo that is run has to be.
    ///
    /// # Errors
    /// A crate's name cannot be understood, or the flags contradict one another.
    pub fn options(mut self, shell: &Shell) -> Result<Options, UsageError> {
        self.untangle();
        let mut cargo_flags = self.common.cargo_flags(shell);
        // What cargo prints goes through the command's own shell, which colours it.
        cargo_flags.retain(|flag| !flag.to_string_lossy().starts_with("--color"));
        Ok(Options {
            mode: self.mode()?,
            dry_run: self.dry_run,
            manifest_path: self.common.manifest_path,
            cargo_flags,
            trust: trust::Options { strict: self.strict, trust: self.trust, trust_index: self.trust_index },
        })
    }

    /// `--rename serde.rs/serde-abc` gives no key: a key holds no `/`, so that is the crate.
    fn untangle(&mut self) {
        if let Some(name) = self.rename.as_mut()
            && name.contains('/')
        {
            let krate = std::mem::take(name);
            self.crates.insert(0, krate);
        }
    }

    fn mode(&self) -> Result<Mode, UsageError> {
        let crates: Vec<CrateArg> =
            self.crates.iter().map(|text| spec::parse(text)).collect::<Result<_, _>>()?;
        match (&self.register, self.global) {
            (Some(namespace), true) => return Ok(Mode::RegisterGlobal(namespace.clone())),
            (Some(namespace), false) => return Ok(Mode::Register(namespace.clone())),
            (None, true) => return Err(UsageError::GlobalAlone),
            (None, false) => {}
        }
        if self.sync {
            return Ok(Mode::Sync);
        }
        if let Some(replaced) = &self.replace {
            return options::replace_mode(replaced, &crates);
        }
        let dependency = self.dependency.options();
        if crates.is_empty() && dependency.source.is_none() {
            return if dependency.says_something() || self.switch || self.rename.is_some() {
                Err(UsageError::NoCrate)
            } else {
                Ok(Mode::Rewrite)
            };
        }
        let rename = match self.rename.as_deref() {
            None => Rename::No,
            Some("") => Rename::FreeKey,
            Some(key) => Rename::Key(key.to_owned()),
        };
        let options = AddOptions {
            package: self.dependency.package.clone(),
            switch: self.switch,
            rename,
            resume: self.resume(&dependency),
            dependency,
            ..AddOptions::default()
        };
        Ok(Mode::Add(options.with_crates(&crates)?))
    }

    /// The command line again, without the flags that choose what to do about an existing dependency.
    fn resume(&self, dependency: &DependencyOptions) -> ResumeCommand {
        let mut flags: Vec<OsString> = Vec::new();
        let common = &self.common;
        if let Some(directory) = &common.directory {
            flags.extend(["-C".into(), directory.into()]);
        }
        if let Some(path) = &common.manifest_path {
            flags.extend(["--manifest-path".into(), path.into()]);
        }
        for config in &common.config {
            push_value(&mut flags, "--config", Some(config));
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
            push_flag(&mut flags, given, flag);
        }
        push_value(&mut flags, "-p", self.dependency.package.as_deref());
        flags.extend(dependency.section.iter().cloned());
        flags.extend(dependency.kind.iter().cloned());
        for features in &self.dependency.features {
            push_value(&mut flags, "-F", Some(features));
        }
        for key in &self.trust {
            push_value(&mut flags, "--trust", Some(&key.to_string()));
        }
        ResumeCommand { flags, crates: self.crates.clone() }
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
    use cargo_namespaces_cli::shell::ShellOptions;

    fn options(args: &[&str]) -> Result<Options, UsageError> {
        let args = Args::try_parse_from(std::iter::once("nsadd").chain(args.iter().copied())).unwrap();
        args.options(&Shell::captured(ShellOptions::default()))
    }

    fn add(args: &[&str]) -> AddOptions {
        match options(args).unwrap().mode {
            Mode::Add(add) => add,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_definition_is_sound() {
        <Args as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn the_flags_choose_the_mode() {
        let mode = |args: &[&str]| options(args).map(|options| options.mode);
        let namespace = Namespace::parse("serde.rs").unwrap();
        assert_eq!(mode(&[]).unwrap(), Mode::Rewrite);
        assert_eq!(mode(&["--sync"]).unwrap(), Mode::Sync);
        assert_eq!(mode(&["--register", "serde.rs"]).unwrap(), Mode::Register(namespace.clone()));
        assert_eq!(mode(&["--register", "serde.rs", "--global"]).unwrap(), Mode::RegisterGlobal(namespace));
        let replace = mode(&["--replace", "crates-io/itoa", "a.example/itoa@1"]).unwrap();
        assert_eq!(replace.crates()[0].to_string(), "a.example/itoa@1");
        assert!(matches!(mode(&["--global"]), Err(UsageError::GlobalAlone)));
        assert!(matches!(mode(&["-F", "std"]), Err(UsageError::NoCrate)));
        assert!(matches!(mode(&["--replace", "itoa", "itoa"]), Err(UsageError::ReplaceTakesOne)));
        assert!(matches!(
            mode(&["--replace", "itoa", "a.example/x"]),
            Err(UsageError::ReplacedByOtherName { .. })
        ));
    }

    #[test]
    fn flags_that_contradict_the_crates_are_refused() {
        assert!(matches!(
            options(&["serde.rs/a", "--path", "x"]),
            Err(UsageError::SourceOfNamespace { flag: "--path", .. })
        ));
        assert!(matches!(options(&["serde.rs/a", "b", "--rename", "c"]), Err(UsageError::OneKeyForSeveral)));
        assert!(matches!(options(&["serde.rs/a-b", "x.example/a_b"]), Err(UsageError::SameName { .. })));
        assert_eq!(add(&["serde.rs/a", "serde.rs/a", "x"]).crates.len(), 1);
        assert!(add(&["--git", "https://git.example/x"]).dependency.source.unwrap().names_crate());
    }

    #[test]
    fn rename_takes_a_name_or_none() {
        let spec = |args: &[&str]| add(args).crates[0].to_string();
        assert_eq!(spec(&["--rename", "serde.rs/serde-abc"]), "serde.rs/serde-abc");
        assert_eq!(add(&["--rename", "serde.rs/serde-abc"]).rename, Rename::FreeKey);
        assert_eq!(add(&["serde.rs/serde-abc", "--rename", "abc"]).rename, Rename::Key("abc".to_owned()));
        assert_eq!(add(&["serde.rs/serde-abc", "--rename"]).rename, Rename::FreeKey);
        assert_eq!(add(&["serde.rs/serde-abc"]).rename, Rename::No);
    }

    #[test]
    fn the_command_to_resume_with_says_what_was_said() {
        let add1 = add(&["regex", "serde.rs/serde-abc@>1", "-p", "a", "--target", "cfg(unix)", "-F", "x y"]);
        assert_eq!(
            add1.resume.with("--switch", &["serde.rs/serde-abc@>1".to_owned()]),
            "cargo nsadd -p a --target 'cfg(unix)' -F 'x y' --switch 'serde.rs/serde-abc@>1' regex"
        );
        let add2 =
            add(&["-C", "x y", "--offline", "--config", "a.b=1", "--strict", "-n", "serde.rs/a", "-v"]);
        assert_eq!(
            add2.resume.with("--rename", &["serde.rs/a".to_owned()]),
            "cargo nsadd -C 'x y' --config a.b=1 --offline --dry-run --strict --rename serde.rs/a"
        );
    }

    #[test]
    fn features_are_split_as_cargo_splits_them() {
        assert_eq!(
            add(&["serde.rs/a", "-F", "x,y z", "--features", "w"]).dependency.features,
            ["x", "y", "z", "w"]
        );
    }
}
