//! The registry as it runs: what every request may use.

use std::path::Path;

use cargo_namespaces::fs::{self, FsError};
use cargo_namespaces::key::{KeyError, SecretKey};
use tokio::sync::Semaphore;

use crate::cache::IndexCache;
use crate::config::Config;
use crate::db::{Database, DbError};
use crate::files::{Locks, Settled};
use crate::storage::{Storage, StoreError};
use crate::validate::Validator;

/// The registry's own key, in its data directory.
const KEY_FILE: &str = "registry.key";

/// The registry: its configuration, its rows and objects, its key.
#[derive(Debug)]
pub struct Registry {
    /// What the operator decided.
    pub config: Config,
    /// The rows.
    pub db: Database,
    /// The objects.
    pub storage: Storage,
    /// Index files that were read lately.
    pub cache: IndexCache,
    /// The key with which it countersigns what it accepted.
    pub key: SecretKey,
    /// Asks domains.
    pub validator: Validator,
    /// Whose turn it is to write a crate's files.
    pub locks: Locks,
    /// Whose files have followed.
    pub settled: Settled,
    /// Room for the bodies of requests, in bytes.
    pub room: Semaphore,
}

/// Most bytes of requests in memory at a time: four of the largest publishes, or hundreds of the usual.
const ROOM: usize = 288 * 1024 * 1024;

/// The registry cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Its directories or its key file.
    #[error(transparent)]
    File(#[from] FsError),
    /// Its key file holds something else.
    #[error("the key file `{path}` cannot be used")]
    Key {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: KeyError,
    },
    /// Its database.
    #[error(transparent)]
    Database(#[from] DbError),
    /// Its objects.
    #[error(transparent)]
    Objects(#[from] StoreError),
    /// Its certificate or TLS key.
    #[error("{what} `{path}` cannot be used: {problem}")]
    Tls {
        /// Which file.
        what: &'static str,
        /// Where.
        path: String,
        /// Why.
        problem: String,
    },
    /// Its address.
    #[error("failed to listen on {address}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl Registry {
    /// Opens everything that the configuration names, making what is not there yet.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn open(config: Config) -> Result<Self, StartError> {
        fs::create_dir_all(&config.storage.data)?;
        fs::create_dir_all(&config.storage.objects)?;
        let key = own_key(&config.storage.data.join(KEY_FILE))?;
        let db = Database::open(&config.storage.database).await?;
        let storage = Storage::directory(&config.storage.objects)?;
        Ok(Self {
            db,
            storage,
            key,
            cache: IndexCache::default(),
            validator: Validator::new(&config.validation),
            locks: Locks::default(),
            settled: Settled::default(),
            room: Semaphore::new(ROOM),
            config,
        })
    }
}

/// The key in the file; at the first start a new one, in a file that only its owner reads.
fn own_key(path: &Path) -> Result<SecretKey, StartError> {
    let unusable = |source| StartError::Key { path: path.display().to_string(), source };
    if let Some(pem) = fs::read_to_string_if_exists(path)? {
        return SecretKey::from_pkcs8_pem(&pem, None).map_err(unusable);
    }
    let key = SecretKey::generate().map_err(unusable)?;
    match fs::create_new_private(path, key.to_pkcs8_pem().as_bytes()) {
        Ok(()) => Ok(key),
        // Another process of this registry was faster: its key is the registry's.
        Err(error) if error.source.kind() == std::io::ErrorKind::AlreadyExists => {
            SecretKey::from_pkcs8_pem(&fs::read_to_string(path)?, None).map_err(unusable)
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_made_once_and_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(KEY_FILE);
        let first = own_key(&path).unwrap().public();
        assert_eq!(own_key(&path).unwrap().public(), first);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::write_atomic(&path, b"not a key").unwrap();
        assert!(matches!(own_key(&path), Err(StartError::Key { .. })));
    }
}
