//! The index of a namespace, and how it is known.

use std::fmt;

use cargo_namespaces::name::{IndexUrl, Namespace};
use serde::Serialize;

/// The index of a namespace, and how it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// In its canonical form.
    pub index: IndexUrl,
    /// How it is known, for messages.
    pub basis: Basis,
}

impl Located {
    /// Returns the default index, for a namespace for which nothing names an index.
    pub fn default_for(namespace: &Namespace) -> Self {
        Self { index: IndexUrl::default_for(namespace), basis: Basis::Default }
    }
}

/// How an index is known, or why it was chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// A flag of this command.
    Flag,
    /// `setup` on this machine.
    SetUp,
    /// A document of the domain, at this path or URL.
    Document(String),
    /// A table of `[registries]` in Cargo's configuration.
    Configuration {
        /// The registry's name.
        name: String,
        /// The file that it is in, or where else it was set.
        place: String,
    },
    /// The records of this domain, as DNS has them.
    Records(Namespace),
    /// The registry that the user's configuration names.
    Instance(String),
    /// Nothing names another: the default, on the domain itself.
    Default,
}

impl Basis {
    /// Whether the index is only the choice of this machine: nothing about the namespace itself names one.
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
