//! An index, and from where it is known.

use std::fmt;

use cargo_namespaces::name::{IndexUrl, Namespace};
use serde::Serialize;

/// An index, and what says that it is the one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// In its canonical form.
    pub index: IndexUrl,
    /// What named it, which the user is told.
    pub basis: Basis,
}

impl Located {
    /// What is chosen where nothing names an index.
    pub fn default_for(namespace: &Namespace) -> Self {
        Self { index: IndexUrl::default_for(namespace), basis: Basis::Default }
    }
}

/// From where an index is known, or why it was chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// A flag of this command.
    Flag,
    /// Set-up on this machine.
    SetUp,
    /// A document of the domain, at this path or URL.
    Document(String),
    /// A table of `[registries]` in Cargo's configuration.
    Configuration {
        /// The registry's name.
        name: String,
        /// The file, or where else it stands.
        place: String,
    },
    /// The records of this domain, as DNS has them.
    Records(Namespace),
    /// The registry that the user's configuration names.
    Instance(String),
    /// Nothing names another: it would be on a site of the domain's own.
    Default,
}

impl Basis {
    /// Whether the index is only what this machine would choose: nothing about the namespace itself names one.
    pub fn is_undecided(&self) -> bool {
        matches!(self, Self::Instance(_) | Self::Default)
    }
}

impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("as the flags say"),
            Self::SetUp => f.write_str("as it was set up on this machine"),
            Self::Document(place) => write!(f, "by {place}"),
            Self::Configuration { name, place } => write!(f, "by `[registries.{name}]` in {place}"),
            Self::Records(namespace) => write!(f, "by the records of {namespace}"),
            Self::Instance(instance) => {
                write!(f, "what {instance} gives it, the registry that the configuration names as `instance`")
            }
            Self::Default => f.write_str("the default: nothing names another"),
        }
    }
}
