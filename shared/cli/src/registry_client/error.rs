//! What can go wrong when a registry is read, with what to do about it.

use std::sync::Arc;

use semver::Version;

use crate::interrupt::Interrupted;
use crate::settings::{SourceError, TokenAsked};
use crate::shell::{CliError, ExitCode};
use cargo_namespaces::digest::Digest;
use cargo_namespaces::index::{ConfigError, IndexFileError};
use cargo_namespaces::name::{CrateName, IndexUrl};
use cargo_namespaces_net::client::{TransportError, TransportErrorKind};
use cargo_namespaces_net::fs::FsError;

/// A .crate with another hash than the index or the lock file promises.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}-{version}.crate` from `{from}` has the SHA-256 {found}, but {expected} is expected")]
pub struct WrongChecksum {
    pub name: CrateName,
    pub version: Version,
    /// Where it came from.
    pub from: String,
    /// The hash in the index or the lock file.
    pub expected: Digest,
    /// The hash of what came.
    pub found: Digest,
}

/// What to do about a private registry, by why there is no token for it.
pub fn needs_token(asked: TokenAsked) -> String {
    let hint = if asked == TokenAsked::Program {
        "the credential provider in your Cargo configuration says what it needs; the operator of the registry decides who \
         may read the index"
    } else {
        "name a credential provider for it in your own Cargo configuration, as for Cargo: `credential-provider` under \
         `[registries]`; `cargo nspublish setup` does that for a registry of namespaces"
    };
    hint.to_owned()
}

/// A registry could not be read.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// There is no index at the URL.
    #[error("there is no index at `{index}`: it has no config.json")]
    NoIndex { index: IndexUrl },
    /// The index does not know the crate.
    #[error("the crate `{name}` is not in the index `{index}`")]
    UnknownCrate { name: CrateName, index: IndexUrl },
    /// The index is private.
    #[error("the index `{index}` is private, and there is no token for it: {problem}")]
    NeedsToken {
        /// The index, or its mirror.
        index: IndexUrl,
        /// Why there is none.
        problem: String,
        /// Whether a provider was asked for one.
        asked: TokenAsked,
    },
    /// The server answered with an error.
    #[error("`{url}` answered with HTTP status {status}")]
    Status {
        /// What was asked for.
        url: String,
        status: u16,
    },
    /// No answer.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// Offline, and not fetched before.
    #[error("`{url}` was not fetched before, and the command runs offline")]
    NotCached {
        /// What is missing.
        url: String,
    },
    /// `config.json` is not one.
    #[error("the index `{index}` has an invalid config.json")]
    Config {
        index: IndexUrl,
        /// What is wrong.
        #[source]
        source: ConfigError,
    },
    /// The index file of a crate is invalid.
    #[error("the index `{index}` has an invalid file for `{name}`")]
    IndexFile {
        name: CrateName,
        index: IndexUrl,
        /// What is wrong.
        #[source]
        source: Box<IndexFileError>,
    },
    /// The .crate is not the one that was promised.
    #[error(transparent)]
    Checksum(Box<WrongChecksum>),
    /// The .crate is nowhere.
    #[error("`{name}-{version}.crate` is not at `{from}`")]
    NoCrate {
        name: CrateName,
        version: Version,
        /// Where it should be.
        from: String,
    },
    /// One error that several crates met.
    #[error(transparent)]
    Shared(Arc<RegistryError>),
    /// The source replacement cannot be followed.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FsError),
}

impl RegistryError {
    /// The exit code that it stands for.
    pub fn exit(&self) -> ExitCode {
        match self {
            Self::Transport(error) if error.kind == TransportErrorKind::Interrupted => ExitCode::Interrupted,
            Self::NoIndex { .. }
            | Self::NeedsToken { .. }
            | Self::Status { .. }
            | Self::Transport(_)
            | Self::NotCached { .. }
            | Self::NoCrate { .. } => ExitCode::Unreachable,
            Self::Checksum(_) => ExitCode::Refused,
            Self::Config { .. } | Self::IndexFile { .. } | Self::Source(_) => ExitCode::InvalidInput,
            Self::UnknownCrate { .. } | Self::File(_) => ExitCode::Failure,
            Self::Shared(error) => error.exit(),
        }
    }

    /// True when Cargo may be able to read the registry: it has tokens, and reads indexes that are not read here.
    pub fn needs_cargo(&self) -> bool {
        match self {
            Self::NeedsToken { .. } | Self::Source(SourceError::Unsupported(_)) => true,
            Self::Shared(error) => error.needs_cargo(),
            _ => false,
        }
    }

    /// What to do next, where that is known.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::UnknownCrate { name, .. } => {
                format!("check the spelling of `{name}`; nothing else is searched for it")
            }
            Self::NoIndex { .. } => "check the namespace; its owner may not have published yet".to_owned(),
            Self::NeedsToken { asked, .. } => needs_token(*asked),
            Self::Status { status: 401 | 403, .. } => {
                "the host requires a token, but the index does not set `auth-required`: ask the operator"
                    .to_owned()
            }
            Self::Status { status: 429 | 500..=599, .. } => {
                "the host is overloaded or failing: run the command again later; finished downloads are kept"
                    .to_owned()
            }
            Self::NotCached { .. } => "run it once without `--offline`".to_owned(),
            Self::NoCrate { .. } => {
                "the index lists the release, but its .crate is missing: tell the operator; if a `[source]` entry names \
                 this host, the mirror is incomplete"
                    .to_owned()
            }
            Self::Checksum(_) => {
                "do not use this file: the host or a cache on the way altered it, or the index is wrong"
                    .to_owned()
            }
            Self::Transport(error) => return error.hint().map(str::to_owned),
            Self::File(error) => return error.hint().map(str::to_owned),
            Self::Shared(error) => return error.hint(),
            _ => return None,
        })
    }
}

impl RegistryError {
    fn is_interruption(&self) -> bool {
        match self {
            Self::Transport(error) => error.kind == TransportErrorKind::Interrupted,
            Self::Shared(error) => error.is_interruption(),
            _ => false,
        }
    }
}

impl From<RegistryError> for CliError {
    fn from(error: RegistryError) -> Self {
        if error.is_interruption() {
            return Interrupted.into();
        }
        let made = Self::from_error(error.exit(), &error);
        match error.hint() {
            Some(hint) => made.hint(hint),
            None => made,
        }
    }
}
