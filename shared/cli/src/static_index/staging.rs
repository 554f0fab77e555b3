//! A site that is not uploaded yet, as a local registry: so that Cargo packages and builds against what the site will
//! hold.
//!
//! Cargo's local registry is a directory with the .crate files and, below `index/`, the index files.

use std::path::{Path, PathBuf};

use semver::Version;

use cargo_namespaces::index::tree::{LOCAL_REGISTRY_INDEX, crate_file_name, local_registry_index};
use cargo_namespaces::name::CrateName;
use cargo_namespaces_net::fs::{self, FsError};

/// A local registry being filled.
#[derive(Debug)]
pub struct LocalRegistry {
    dir: PathBuf,
}

impl LocalRegistry {
    /// An empty registry in a directory, which is made.
    ///
    /// # Errors
    /// The directory cannot be made.
    pub fn create(dir: &Path) -> Result<Self, FsError> {
        fs::create_dir_all(&dir.join(LOCAL_REGISTRY_INDEX))?;
        Ok(Self { dir: dir.to_owned() })
    }

    /// The directory, for `local-registry` in Cargo's configuration.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Sets the index file of a crate.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn put_index(&self, name: &CrateName, content: &[u8]) -> Result<(), FsError> {
        fs::write_cache(&self.dir.join(local_registry_index(name)), content)
    }

    /// Adds a .crate.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn put_crate(&self, name: &CrateName, version: &Version, content: &[u8]) -> Result<(), FsError> {
        fs::write_cache(&self.dir.join(crate_file_name(name, version)), content)
    }
}
