//! What the command is asked to do, in plain types.
//!
//! `args` is the only module that knows clap: it turns the flags into [`Options`], and everything else sees only these.
//! What the flags rule out together is a [`UsageError`], found before a file is read.

use std::ffi::OsString;
use std::path::PathBuf;

use cargo_namespaces::name::{CrateName, NameError, Namespace, QualifiedSpec};
use cargo_namespaces::trust;
use cargo_namespaces_cli::cli::quoted;

use crate::existing::same_key;
use crate::spec::{CrateArg, SpecError};

/// One run of `cargo nsadd`.
#[derive(Clone, Debug)]
pub struct Options {
    pub mode: Mode,
    /// `--dry-run`
    pub dry_run: bool,
    /// `--manifest-path`
    pub manifest_path: Option<PathBuf>,
    /// The flags that every cargo of the run gets too: `--locked`, `--offline`, `--config` and the like.
    pub cargo_flags: Vec<OsString>,
    /// `--strict`, `--trust KEY`, `--trust-index`
    pub trust: trust::Options,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// `NAMESPACE/CRATE …`: adds crates.
    Add(AddOptions),
    /// No crate: rewrites the manifests from namespace notation into Cargo's form.
    Rewrite,
    /// `--register NAMESPACE`: writes the registry into the workspace's configuration.
    Register(Namespace),
    /// `--register NAMESPACE --global`: writes it into the configuration in Cargo's home.
    RegisterGlobal(Namespace),
    /// `--replace crates-io/CRATE NAMESPACE/CRATE`: writes a `[patch]`.
    Replace(QualifiedSpec),
    /// `--sync`: brings the files in `.cargo` in line with `Cargo.lock`.
    Sync,
}

impl Mode {
    /// The crates of namespaces that the command line names.
    pub fn crates(&self) -> &[QualifiedSpec] {
        match self {
            Self::Add(add) => &add.crates,
            Self::Replace(by) => std::slice::from_ref(by),
            Self::Rewrite | Self::Register(_) | Self::RegisterGlobal(_) | Self::Sync => &[],
        }
    }
}

/// The crates to add, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddOptions {
    /// The crates of namespaces, each once.
    pub crates: Vec<QualifiedSpec>,
    /// The crates outside of namespaces, as `cargo add` takes them.
    pub plain: Vec<String>,
    /// `--package`
    pub package: Option<String>,
    /// `--switch`: move an existing dependency of that name to the namespace.
    pub switch: bool,
    /// `--rename`
    pub rename: Rename,
    /// The flags of `cargo add` about the dependency.
    pub dependency: DependencyOptions,
    /// The command line to resume with.
    pub resume: ResumeCommand,
}

/// `--rename`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Rename {
    /// Not given: the key is the crate's name.
    #[default]
    No,
    /// Without a name: a free key, where there is a dependency of the crate's name already.
    FreeKey,
    /// With a name: this key.
    Key(String),
}

impl Rename {
    /// The key that the user gave.
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Key(key) => Some(key),
            Self::No | Self::FreeKey => None,
        }
    }
}

/// The flags of `cargo add` about the dependency, as `cargo add` is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DependencyOptions {
    /// The table: `--dev`, `--build`, `--target PLATFORM`.
    pub section: Vec<OsString>,
    /// The rest about the dependency apart from its features: `--optional`, `--no-default-features` and the like.
    pub kind: Vec<OsString>,
    /// The features, one by one.
    pub features: Vec<String>,
    /// Where a crate outside of namespaces comes from, with its flags.
    pub source: Option<DependencySource>,
    /// `--ignore-rust-version`
    pub ignore_rust_version: bool,
}

/// Where a crate outside of namespaces comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DependencySource {
    /// The flag that says it: `--path`, `--git` or `--registry`.
    pub flag: &'static str,
    /// All flags about the source, with their values.
    pub flags: Vec<OsString>,
}

impl DependencySource {
    /// Whether it names the crate too, as a path and a repository do.
    pub fn names_crate(&self) -> bool {
        self.flag != "--registry"
    }
}

impl DependencyOptions {
    /// Whether anything is said about the dependency that an edit of its registry alone would not do.
    pub fn says_something(&self) -> bool {
        !self.features.is_empty() || !self.kind.is_empty() || !self.section.is_empty()
    }
}

/// The command line to type again with one more flag.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResumeCommand {
    /// The flags, without those that choose what to do about an existing dependency.
    pub flags: Vec<OsString>,
    /// The crates as they were written.
    pub crates: Vec<String>,
}

impl ResumeCommand {
    /// The command line with `flag`, the crates of `first` before the others.
    pub fn with(&self, flag: &str, first: &[String]) -> String {
        let flags = self.flags.iter().map(|word| word.to_string_lossy().into_owned());
        let others = self.crates.iter().filter(|krate| !first.contains(krate)).cloned();
        let words = flags.chain([flag.to_owned()]).chain(first.iter().cloned()).chain(others);
        let words: Vec<String> = words.map(|word| quoted(&word)).collect();
        format!("cargo nsadd {}", words.join(" "))
    }
}

impl AddOptions {
    /// Takes the crates in, and looks whether they go with the flags.
    ///
    /// # Errors
    /// A flag contradicts a namespace, one key is given for several crates, or two crates have one name.
    pub fn with_crates(mut self, args: &[CrateArg]) -> Result<Self, UsageError> {
        for arg in args {
            match arg {
                CrateArg::Qualified(spec) if self.crates.contains(spec) => {}
                CrateArg::Qualified(spec) => self.crates.push(spec.clone()),
                CrateArg::Plain(text) => self.plain.push(text.clone()),
            }
        }
        if let (Some(source), Some(spec)) = (&self.dependency.source, self.crates.first()) {
            return Err(UsageError::SourceOfNamespace { flag: source.flag, name: spec.name.display_both() });
        }
        if self.rename.key().is_some() && args.len() > 1 {
            return Err(UsageError::OneKeyForSeveral);
        }
        let mut names: Vec<&str> = self.crates.iter().map(|spec| spec.name.krate.as_str()).collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| same_key(pair[0], pair[1])) {
            Some(pair) => Err(UsageError::SameName { name: pair[0].to_owned() }),
            None => Ok(self),
        }
    }
}

/// The crates of `--replace REPLACED BY`.
///
/// # Errors
/// It is not one crate of a namespace, or not one of the replaced crate's name.
pub fn replace_mode(replaced: &str, args: &[CrateArg]) -> Result<Mode, UsageError> {
    let [CrateArg::Qualified(by)] = args else { return Err(UsageError::ReplaceTakesOne) };
    let name = replaced
        .strip_prefix("crates-io/")
        .or_else(|| replaced.strip_prefix("crates.io/"))
        .unwrap_or(replaced);
    let name = CrateName::parse(name)
        .map_err(|source| UsageError::Replaced { text: replaced.to_owned(), source })?;
    if name.as_str() != by.name.krate.as_str() {
        return Err(UsageError::ReplacedByOtherName { replaced: name, by: by.name.display_both() });
    }
    Ok(Mode::Replace(by.clone()))
}

/// The command line cannot be understood.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    #[error(transparent)]
    Crate(#[from] SpecError),
    #[error("`--global` goes with `--register NAMESPACE`")]
    GlobalAlone,
    /// Flags about a dependency, and none is named.
    #[error("no crate was given")]
    NoCrate,
    #[error("`--replace` takes one crate of a namespace")]
    ReplaceTakesOne,
    #[error("`--replace {text}`: {source}")]
    Replaced {
        text: String,
        /// Why it is no name.
        source: NameError,
    },
    #[error("cannot replace `{replaced}` with `{by}`")]
    ReplacedByOtherName {
        /// The crate of crates.io.
        replaced: CrateName,
        /// The namespace's crate, as it is shown.
        by: String,
    },
    #[error("`{flag}` cannot be used with {name}, which comes from its namespace")]
    SourceOfNamespace {
        /// `--path`, `--git` or `--registry`.
        flag: &'static str,
        /// The crate, as it is shown.
        name: String,
    },
    #[error("cannot specify multiple crates with `--rename NAME`")]
    OneKeyForSeveral,
    #[error("two of the crates are called `{name}`")]
    SameName { name: String },
}

impl UsageError {
    /// Why it cannot be, where the message does not say it.
    pub fn cause(&self) -> Option<&'static str> {
        matches!(self, Self::ReplacedByOtherName { .. })
            .then_some("Cargo replaces a crate only by one of the same name")
    }

    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Crate(error) => return error.hint(),
            Self::GlobalAlone | Self::ReplacedByOtherName { .. } => return None,
            Self::NoCrate => "name it: `cargo nsadd NAMESPACE/CRATE`".to_owned(),
            Self::ReplaceTakesOne => "cargo nsadd --replace crates-io/itoa example.com/itoa".to_owned(),
            Self::Replaced { .. } => "write `--replace crates-io/CRATE`".to_owned(),
            Self::SourceOfNamespace { flag: "--registry", .. } => {
                "leave it out: the registry is that of the namespace".to_owned()
            }
            Self::SourceOfNamespace { flag, .. } => {
                format!("leave it out, or add a crate outside of any namespace with `cargo add {flag}`")
            }
            Self::OneKeyForSeveral => "add them one by one, or give `--rename` without a name".to_owned(),
            Self::SameName { .. } => "add them one by one, the second with `--rename NAME`".to_owned(),
        })
    }
}
