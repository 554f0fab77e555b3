//! Why no index line can be made of a Cargo.toml, and why a registry's URL may not stand in one.

use crate::limits::MAX_MANIFEST;
use crate::name::{CRATES_IO_INDEX, IndexUrl, NameError};

/// Why no index line can be made of a Cargo.toml.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ComputeError {
    /// Larger than the cap.
    #[error("Cargo.toml is larger than {MAX_MANIFEST} bytes")]
    TooLarge,
    /// Not TOML.
    #[error("Cargo.toml is not TOML: {0}")]
    Toml(#[from] toml_edit::TomlError),
    /// A field that a package must have.
    #[error("Cargo.toml has no {0}")]
    Missing(&'static str),
    /// A value of the wrong kind.
    #[error("`{place}` in Cargo.toml is not {expected}")]
    Shape {
        /// The dotted key.
        place: String,
        /// What should stand there.
        expected: &'static str,
    },
    /// A key in both its spellings, of which Cargo would take one.
    #[error("Cargo.toml has both `{place}{key}` and `{place}{old}`")]
    TwoSpellings {
        /// The table, with a dot; empty for the top.
        place: String,
        /// The current spelling.
        key: &'static str,
        /// The old one.
        old: &'static str,
    },
    /// `workspace = true`: the manifest was not written by `cargo package`.
    #[error("`{place}` in Cargo.toml inherits from a workspace that is not in the package")]
    Inherited {
        /// The dotted key.
        place: String,
    },
    /// `registry = "name"`: the manifest was not written by `cargo package`.
    #[error("`{place}` in Cargo.toml names the registry `{registry}` in place of its index URL")]
    RegistryName {
        /// The dotted key.
        place: String,
        /// The name.
        registry: String,
    },
    /// A nightly artifact dependency.
    #[error("`{place}` in Cargo.toml is an artifact dependency, which namespaces do not take")]
    Artifact {
        /// The dotted key.
        place: String,
    },
    /// A key that `cargo package` removes, or that no Cargo knows: in a vendored package Cargo would follow it, whatever the
    /// index line says.
    #[error("`{place}` is not allowed in a packaged Cargo.toml: it could point Cargo to other code")]
    NotPackaged {
        /// The dotted key.
        place: String,
    },
    /// A target whose file is not in the package.
    #[error("`{place}` in Cargo.toml points outside the package: {path:?}")]
    OutsidePath {
        /// The dotted key.
        place: String,
        /// The path.
        path: String,
    },
    /// The package's name is not one.
    #[error("package name {name:?} in Cargo.toml: {source}")]
    Name {
        /// As it stands there.
        name: String,
        /// The rule that it breaks.
        source: NameError,
    },
    /// The package's version is not one.
    #[error("package version {version:?} in Cargo.toml: {source}")]
    Version {
        /// As it stands there.
        version: String,
        /// What the parser says.
        source: semver::Error,
    },
    /// A version requirement that is none.
    #[error("version requirement {text:?} of `{place}` in Cargo.toml: {source}")]
    Requirement {
        /// The dotted key.
        place: String,
        /// As it stands there.
        text: String,
        /// What the parser says.
        source: semver::Error,
    },
    /// A dependency on a path or a git repository only: nobody else could resolve it.
    #[error("`{place}` in Cargo.toml has no version")]
    NoVersion {
        /// The dotted key.
        place: String,
    },
    /// A name, feature, target or the like that Cargo would not take.
    #[error("{text:?} in `{place}` of Cargo.toml is not something that Cargo accepts there")]
    Text {
        /// The dotted key.
        place: String,
        /// The text, shown escaped.
        text: String,
    },
    /// A dependency's registry that is neither crates.io nor a namespace's index.
    #[error("the registry {url:?} of `{place}` in Cargo.toml: {source}")]
    Registry {
        /// The dotted key.
        place: String,
        /// The URL as it stands there.
        url: String,
        /// The rule that it breaks.
        source: RegistryUrlError,
    },
    /// More of something than anybody needs.
    #[error("Cargo.toml has more than {max} {what}")]
    TooMany {
        /// What there is too much of, in the plural.
        what: String,
        /// The cap.
        max: usize,
    },
}

/// Why a registry's URL may not stand in an index line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryUrlError {
    /// Not a sparse index over https.
    #[error(transparent)]
    NotAnIndex(#[from] NameError),
    /// crates.io, by an address that Cargo takes for another registry.
    #[error("crates.io is named `{CRATES_IO_INDEX}`, or by no registry at all")]
    CratesIo,
    /// A development registry: nobody else has it.
    #[error("it is on this machine, so nobody else can use it")]
    Local,
    /// The URL of an index, in another spelling: Cargo would take it for another registry.
    #[error("its normal form is `{0}`")]
    NotNormal(IndexUrl),
}

impl ComputeError {
    pub(super) fn shape(place: &str, expected: &'static str) -> Self {
        Self::Shape { place: place.to_owned(), expected }
    }

    /// What the publisher can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Inherited { .. }
            | Self::RegistryName { .. }
            | Self::TwoSpellings { .. }
            | Self::NotPackaged { .. } => {
                "`cargo package` writes a normalised Cargo.toml; make the .crate with it"
            }
            Self::OutsidePath { .. } => "move the file into the package, and package again",
            Self::NoVersion { .. } => "give the dependency a version beside its path or git address",
            Self::Registry { .. } => {
                "depend on crates.io or on a namespace, whose index URL starts with sparse+https:// and ends in /"
            }
            Self::Artifact { .. } => "artifact dependencies need a nightly Cargo; remove the dependency",
            _ => "correct Cargo.toml and package again",
        }
    }
}
