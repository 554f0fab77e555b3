//! Why a bill of materials cannot be made.

use cargo_namespaces_cli::cargo::CargoError;
use cargo_namespaces_cli::env::EnvError;
use cargo_namespaces_net::fs::FsError;

use crate::content::RefusedPackage;
use crate::crate_files::UnavailableCrate;
use crate::git::GitError;

/// Why a bill of materials cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum BomError {
    #[error(transparent)]
    File(#[from] FsError),
    #[error(transparent)]
    Package(#[from] RefusedPackage),
    #[error(transparent)]
    Unavailable(#[from] UnavailableCrate),
    #[error(transparent)]
    Git(#[from] GitError),
    /// Cargo cannot read a manifest of the project.
    #[error(transparent)]
    Cargo(#[from] CargoError),
    /// `SOURCE_DATE_EPOCH` is no number of seconds.
    #[error(transparent)]
    Date(#[from] EnvError),
    /// Something that the document says cannot be found out now.
    #[error("it is not known {0}")]
    Unknown(String),
}
