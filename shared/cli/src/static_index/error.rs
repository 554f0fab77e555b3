//! What can be wrong with a site.

use semver::Version;

use cargo_namespaces::index::IndexFileError;
use cargo_namespaces::integrity::IntegrityError;
use cargo_namespaces::name::CrateName;
use cargo_namespaces::package::PackageError;
use cargo_namespaces::release::Refusal;
use cargo_namespaces_net::fs::FsError;

/// Why a site could not be read or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StaticIndexError {
    /// The file system.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// A file of the index does not parse.
    #[error("the site's index file `{path}` cannot be read")]
    Index {
        /// Below the site's directory.
        path: String,
        /// What is wrong with it.
        source: Box<IndexFileError>,
    },
    /// What no store of releases does.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The release is not on the site.
    #[error("the site holds no release `{name}` {version}")]
    Unknown { name: CrateName, version: Version },
    /// A .crate that an index line names is missing.
    #[error("the .crate of `{name}` {version} is missing from the site")]
    NoPackage { name: CrateName, version: Version },
    /// A .crate on the site does not parse.
    #[error("the .crate of `{name}` {version} cannot be compared")]
    Package {
        name: CrateName,
        version: Version,
        /// What is wrong with it.
        source: Box<PackageError>,
    },
    /// A release on the site is not what was signed; nothing of it is signed again.
    #[error("`{name}` {version} on the site is not what was signed")]
    IntegrityError {
        name: CrateName,
        version: Version,
        /// What differs.
        source: Box<IntegrityError>,
    },
}

impl StaticIndexError {
    /// What to do about it, where that is known.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Fs(error) => return error.hint(),
            Self::Index { .. } => "restore the file from what was uploaded last, or from version control",
            Self::Refused(refusal) => return refusal.hint(),
            Self::Unknown { .. } => "look at `index.html` of the site for what it holds",
            Self::NoPackage { .. } => {
                "restore the .crate from what was uploaded last, or from version control"
            }
            Self::Package { .. } | Self::IntegrityError { .. } => {
                "restore the site from version control; somebody or something changed it after it was published"
            }
        })
    }
}
