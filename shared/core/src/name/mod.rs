//! Names, which exist only parsed.
//!
//! | type | example | is |
//! |---|---|---|
//! | [`Namespace`] | `serde.rs` | a DNS name that somebody can own, as lower-case A-labels |
//! | [`CrateName`] | `serde-abc` | a crate's name by crates.io's rules |
//! | [`QualifiedName`] | `serde.rs/serde-abc` | both |
//! | [`QualifiedSpec`] | `serde.rs/serde-abc@1.2` | what stands on a command line |
//! | [`RegistryName`] | `serde_rs` | the namespace's key under `[registries]` |
//! | [`IndexUrl`] | `sparse+https://serde.rs/cargo/index/` | the namespace's identity for Cargo |
//!
//! There is one way in, `parse`, and serde goes through it. No name type converts to another by itself: which one is
//! meant is always written down.
//!
//! ```compile_fail,E0308
//! use cargo_namespaces::name::{CrateName, Namespace};
//! fn claim(_: &Namespace) {}
//! claim(&CrateName::parse("serde-abc").unwrap());
//! ```
//! ```compile_fail,E0277
//! use cargo_namespaces::name::{Namespace, RegistryName};
//! let name: RegistryName = Namespace::parse("serde.rs").unwrap().into();
//! ```
//! ```compile_fail,E0308
//! use cargo_namespaces::name::{CanonicalCrateName, CrateName};
//! let same = CrateName::parse("a-b").unwrap() == CrateName::parse("a_b").unwrap().canonical();
//! ```
//! ```compile_fail,E0423
//! use cargo_namespaces::name::IndexUrl;
//! let unchecked = IndexUrl("http://serde.rs/".to_owned());
//! ```

mod crate_name;
mod index_url;
mod local;
mod namespace;
mod qualified;
mod registry_name;

pub use crate_name::{CanonicalCrateName, CrateName, CrateNameProblem};
pub use index_url::{IndexUrl, IndexUrlProblem};
pub use local::is_local_http;
pub use local::is_localhost;
pub use namespace::{Namespace, NamespaceProblem, SpecialUse, SpecialUseNames};
pub use qualified::{QualifiedName, QualifiedSpec};
pub use registry_name::RegistryName;

/// The index of crates.io as index lines and lock files write it (there with a leading `registry+`).
pub const CRATES_IO_INDEX: &str = "https://github.com/rust-lang/crates.io-index";

/// Why a text is not the name it should be. `text` is the start of it; shown, its control and bidi characters are
/// escaped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// No [`Namespace`].
    #[error("{text:?} is not a namespace: {problem}")]
    Namespace {
        /// What was given.
        text: String,
        /// What is wrong with it.
        problem: NamespaceProblem,
    },
    /// A well-formed namespace that nobody can own.
    #[error("{namespace} is a special-use name ({kind}): no one can prove to own it")]
    SpecialUse {
        /// The namespace.
        namespace: Namespace,
        /// What the name is set aside for.
        kind: SpecialUse,
    },
    /// No [`CrateName`].
    #[error("{text:?} is not a crate name: {problem}")]
    CrateName {
        /// What was given.
        text: String,
        /// What is wrong with it.
        problem: CrateNameProblem,
    },
    /// No [`QualifiedName`]: there is not exactly one `/`.
    #[error("{text:?} is not of the form namespace/crate")]
    Qualified {
        /// What was given.
        text: String,
    },
    /// What follows the `@` is no version requirement.
    #[error("{text:?} is not a version requirement: {problem}")]
    Requirement {
        /// What was given.
        text: String,
        /// What `semver` says about it.
        problem: String,
    },
    /// No [`RegistryName`].
    #[error(
        "{text:?} is not a registry name: ASCII letters, digits, `-` and `_` are expected, a letter or `_` first"
    )]
    RegistryName {
        /// What was given.
        text: String,
    },
    /// No [`IndexUrl`].
    #[error("{text:?} is not an index URL: {problem}")]
    IndexUrl {
        /// What was given.
        text: String,
        /// What is wrong with it.
        problem: IndexUrlProblem,
    },
}

impl NameError {
    /// What to do next, where there is something to say.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Namespace { problem: NamespaceProblem::PublicSuffix, .. } => {
                Some("use a domain registered below it, for example `name.github.io` under `github.io`")
            }
            Self::Namespace { problem: NamespaceProblem::OneLabel, .. } => {
                Some("a namespace is a whole domain name, for example `serde.rs`")
            }
            Self::SpecialUse { kind: SpecialUse::Localhost, .. } => Some(
                "names below `localhost` are for a development registry on this machine: `cargo nsregistry serve --dev` prints \
                 how its variable is set, CARGO_NAMESPACES_DEV",
            ),
            Self::SpecialUse { .. } => Some(
                "where such names are served inside a network, allow them: `special-use = true` under \
                 `[namespaces]` in Cargo's configuration, or CARGO_NAMESPACES_SPECIAL_USE=true",
            ),
            Self::Qualified { .. } => {
                Some("write the namespace, a slash and the crate: `serde.rs/serde-abc`")
            }
            Self::IndexUrl { problem: IndexUrlProblem::NotSparse, .. } => {
                Some("an index URL looks like `sparse+https://serde.rs/cargo/index/`")
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
