//! Why a registry could not be asked, or did not do what it was asked.

use cargo_namespaces::api::path;
use cargo_namespaces::index::ConfigError;
use cargo_namespaces::key::KeyError;
use cargo_namespaces::name::{IndexUrl, NameError, Namespace, QualifiedName};
use cargo_namespaces_cli::shell::{CliError, ExitCode};
use cargo_namespaces_net::client::TransportError;
use semver::Version;

use super::responses::{ApiError, LinesError, PackageError, Refusal};
use crate::http_status::HttpStatus;

/// Why a registry could not be asked, or did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The index does not answer.
    #[error("failed to ask the index of {}", namespace.display_both())]
    IndexUnreachable { namespace: Namespace, source: TransportError },
    /// There is no index.
    #[error("there is no index of {} at {index}", namespace.display_both())]
    NoIndex {
        namespace: Namespace,
        /// Where it would be.
        index: IndexUrl,
        /// What the host says.
        #[source]
        status: HttpStatus,
    },
    /// The `config.json` of the index cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The index is a static site, or on another registry.
    #[error("the index {index} is not on a registry for namespaces")]
    NotARegistry {
        index: IndexUrl,
        /// What it is instead.
        source: NotARegistry,
    },
    /// The index does not show itself to the key.
    #[error("your key may not read the index of {}", namespace.display_both())]
    Closed { namespace: Namespace, source: Refusal },
    /// A private index wants to see a signature, and the key cannot be opened.
    #[error("{0}")]
    Key(CliError),
    /// A statement could not be made.
    #[error(transparent)]
    Statement(#[from] KeyError),
    /// The body of a request could not be written.
    #[error(transparent)]
    Body(serde_json::Error),
    /// The registry does not answer.
    #[error("failed to ask the registry {host}")]
    Unreachable { host: String, source: TransportError },
    /// The registry cannot answer at present.
    #[error("the registry {host} answered with {status}")]
    Unavailable {
        host: String,
        status: HttpStatus,
        /// What it says.
        source: Refusal,
    },
    /// The registry does not do it.
    #[error("the registry {host} refused")]
    Refused {
        host: String,
        /// What it says.
        source: Refusal,
    },
    /// The answer is not one of a registry.
    #[error("failed to parse the answer of the registry {host}")]
    NotUnderstood {
        host: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The index file of a crate cannot be read.
    #[error("failed to read {name} v{version}: its index answered with {status}")]
    IndexFile {
        name: QualifiedName,
        version: Version,
        /// What the host says.
        status: HttpStatus,
    },
    /// The index file of a crate cannot be used.
    #[error(transparent)]
    Lines(LinesError),
    /// The .crate of a release does not arrive.
    #[error(transparent)]
    Download(TransportError),
    /// The .crate of a release cannot be used.
    #[error("failed to read {name} v{version}: {problem}")]
    Package { name: QualifiedName, version: Version, problem: PackageError },
}

/// What an index is that is not on a registry for namespaces.
#[derive(Debug, thiserror::Error)]
pub enum NotARegistry {
    /// A directory of files.
    #[error("its config.json names no `api`: it is a static site")]
    StaticSite,
    /// A registry of another kind.
    #[error("its `api` is {api}, which does not end in `/{}`", path::web_api(namespace))]
    OtherRegistry {
        api: String,
        /// Whose index it is.
        namespace: Namespace,
    },
}

impl RegistryError {
    /// What a registry answered instead of doing it.
    pub fn of_api(host: &str, error: ApiError) -> Self {
        let host = host.to_owned();
        match error {
            ApiError::Unavailable(status, source) => Self::Unavailable { host, status, source },
            ApiError::Refused(source) => Self::Refused { host, source },
            ApiError::NotUnderstood(source) => Self::NotUnderstood { host, source },
        }
    }

    /// Whether asking again later may help: no answer arrived, or the registry cannot answer at present.
    pub fn is_unreachable(&self) -> bool {
        match self {
            Self::IndexUnreachable { .. }
            | Self::NoIndex { .. }
            | Self::Unreachable { .. }
            | Self::Unavailable { .. }
            | Self::IndexFile { .. }
            | Self::Download(_)
            | Self::Package { problem: PackageError::Status(_), .. } => true,
            Self::Config(_)
            | Self::NotARegistry { .. }
            | Self::Closed { .. }
            | Self::Key(_)
            | Self::Statement(_)
            | Self::Body(_)
            | Self::Refused { .. }
            | Self::NotUnderstood { .. }
            | Self::Lines(_)
            | Self::Package { .. } => false,
        }
    }

    fn exit(&self) -> ExitCode {
        match self {
            _ if self.is_unreachable() => ExitCode::Unreachable,
            Self::Config(_) | Self::Lines(_) => ExitCode::InvalidInput,
            Self::Closed { .. } => ExitCode::ActionRequired,
            Self::Package { .. } => ExitCode::Refused,
            _ => ExitCode::Failure,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NoIndex { namespace, .. } => Some(format!(
                "into a directory that becomes that index on any static host:\n    cargo nspublish --site DIR\nto a registry, \
                 while nothing is published:\n    cargo nspublish setup {namespace} --instance https://REGISTRY --change-index"
            )),
            Self::NotARegistry { source: NotARegistry::StaticSite, .. } => Some(
                "publish into the directory that it is served from: `cargo nspublish --site DIR`".to_owned(),
            ),
            Self::NotARegistry { .. } => {
                Some("`cargo publish --registry NAME` publishes to other registries".to_owned())
            }
            _ => None,
        }
    }
}

impl From<RegistryError> for CliError {
    fn from(error: RegistryError) -> Self {
        let (exit, hint) = (error.exit(), error.hint());
        let made = match error {
            RegistryError::Key(error) => return error,
            error => Self::from_error(exit, &error),
        };
        match hint {
            Some(hint) => made.hint(hint),
            None => made,
        }
    }
}

/// Why a registry does not say which index it gives a namespace.
#[derive(Debug, thiserror::Error)]
pub enum InstanceError {
    /// It does not answer, or not so.
    #[error("failed to ask what the registry {instance} is")]
    NotSaid { instance: String, source: InstanceProblem },
    /// It runs on somebody's own machine.
    #[error("the registry {instance} is a development registry, which serves names below `localhost`")]
    Development { instance: String, namespace: Namespace },
}

/// What is wrong with what a registry says of itself.
#[derive(Debug, thiserror::Error)]
pub enum InstanceProblem {
    /// No answer arrived.
    #[error(transparent)]
    Transport(TransportError),
    /// The answer is no such document.
    #[error(transparent)]
    Answer(#[from] super::responses::CargoTxtAnswerError),
    /// The document names no index.
    #[error("its cargo.txt names no `index`")]
    NoIndex,
    /// The index that it names cannot be one of the namespace.
    #[error(transparent)]
    Template(NameError),
}

impl From<InstanceError> for CliError {
    fn from(error: InstanceError) -> Self {
        use super::responses::CargoTxtAnswerError::Document;
        let exit = match &error {
            InstanceError::NotSaid { source: InstanceProblem::Answer(Document(_)), .. }
            | InstanceError::Development { .. } => ExitCode::InvalidInput,
            InstanceError::NotSaid { .. } => ExitCode::Unreachable,
        };
        let made = Self::from_error(exit, &error);
        match error {
            InstanceError::Development { namespace, .. } => made.hint(format!(
                "publish {namespace} to a registry with a domain and https, or into a directory with `--site DIR`"
            )),
            InstanceError::NotSaid { .. } => made,
        }
    }
}
