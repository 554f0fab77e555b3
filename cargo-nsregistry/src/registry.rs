//! The registry as it runs: what every request may use.

use std::io::ErrorKind;
use std::path::Path;

use cargo_namespaces::key::{KeyError, SecretKey};
use cargo_namespaces_net::client::authorities;
use cargo_namespaces_net::fs::{self, FsError};
use cargo_namespaces_net::resolver::check_trust_anchor;

use crate::access::listed::Listed;
use crate::config::Config;
use crate::db::{Database, DbError};
use crate::dev::directory::{self, DirectoryError};
use crate::dev::domains::Domains;
use crate::files::state::{Locks, Settled};
use crate::server::tls::{Certificate, TlsError};
use crate::storage::cache::{Documents, IndexCache};
use crate::storage::{Storage, StoreError};
use crate::upload_budget::UploadBudget;
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
    /// `config.json` of the indexes.
    pub documents: Documents,
    /// The key with which it countersigns what it accepted.
    pub key: SecretKey,
    pub validator: Validator,
    /// Keys that read a private namespace by its domain's word.
    pub listed: Listed,
    /// Whose turn it is to write a crate's files.
    pub locks: Locks,
    /// Whose files have followed.
    pub settled: Settled,
    /// Memory for the bodies of publishes.
    pub uploads: UploadBudget,
    /// Memory for the bodies of other requests, which nobody needs a key for: they take nothing from publishes.
    pub questions: UploadBudget,
}

/// Most bytes of publishes in memory at a time: four of the largest, or hundreds of the usual.
const UPLOADS: usize = 288 * 1024 * 1024;
/// Most bytes of other requests in memory at a time: sixteen of the largest, thousands of the usual.
const QUESTIONS: usize = 32 * 1024 * 1024;

/// A port for a development registry to be tried at, where there is none after the last one.
const FREE_PORT: u16 = 7980;

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
        path: String,
        #[source]
        source: KeyError,
    },
    /// Its directory is that of another registry.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// Its database.
    #[error(transparent)]
    Database(#[from] DbError),
    /// Its objects.
    #[error(transparent)]
    Objects(#[from] StoreError),
    /// Its certificate or TLS key.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Another file that its configuration names.
    #[error("`{key}`: {problem}")]
    Named {
        /// The dotted key.
        key: &'static str,
        /// The file, and why it cannot be used.
        problem: String,
    },
    #[error("failed to listen on {address}")]
    Listen {
        address: std::net::SocketAddr,
        /// Whether it was to be a development registry.
        dev: bool,
        #[source]
        source: std::io::Error,
    },
}

impl StartError {
    /// What to do next, where that is clear.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Directory(error) => error.hint(),
            // Its port is part of every crate in its directory: neither is chosen without the other.
            Self::Listen { address, dev: true, source } if source.kind() == ErrorKind::AddrInUse => {
                let port = address.port().checked_add(1).unwrap_or(FREE_PORT);
                let other = std::net::SocketAddr::new(address.ip(), port);
                Some(format!(
                    "perhaps it is running already, in another terminal: then use that one. Otherwise start one at another address, in \
                     a directory of its own: `--listen {other} --data nsregistry-dev-{port}`"
                ))
            }
            _ => self.known_hint().map(str::to_owned),
        }
    }

    fn known_hint(&self) -> Option<&'static str> {
        match self {
            Self::Listen { source, .. } => match source.kind() {
                ErrorKind::AddrInUse => Some(
                    "another program listens there, perhaps this registry itself: choose another address by `--listen`",
                ),
                ErrorKind::AddrNotAvailable => {
                    Some("this machine has no such address: choose another by `--listen`")
                }
                ErrorKind::PermissionDenied => Some(
                    "a port below 1024 needs a privilege (`AmbientCapabilities=CAP_NET_BIND_SERVICE` of systemd), or a proxy in front",
                ),
                _ => None,
            },
            Self::File(error) => error.hint().or_else(|| {
                let denied = matches!(
                    error.source.kind(),
                    ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem
                );
                denied.then_some("the registry writes into its data directory: choose another by `--data`")
            }),
            _ => None,
        }
    }
}

/// Whether the files that the configuration names can be used; opens no socket and makes nothing.
///
/// # Errors
/// The first that cannot.
pub fn check(config: &Config) -> Result<(), StartError> {
    if let Some((chain, key)) = &config.server.tls {
        Certificate::load(chain, key)?;
    }
    let named = |key| move |problem| StartError::Named { key, problem };
    if let Some(path) = &config.validation.ca_file {
        authorities(path).map_err(|error| named("validation.ca-file")(error.to_string()))?;
    }
    if let Some(path) = &config.validation.trust_anchor {
        check_trust_anchor(path).map_err(|error| named("validation.trust-anchor")(error.to_string()))?;
    }
    Ok(())
}

impl Registry {
    /// Opens everything that the configuration names, making what is not there yet.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn open(config: Config) -> Result<Self, StartError> {
        fs::create_dir_all(&config.storage.data)?;
        directory::claim_directory(&config.storage.data, config.dev)?;
        fs::create_dir_all(&config.storage.objects)?;
        let key = own_key(&config.storage.data.join(KEY_FILE))?;
        let db = Database::open(&config.storage.database).await?;
        let storage = Storage::directory(&config.storage.objects)?;
        Ok(Self {
            db,
            storage,
            key,
            cache: IndexCache::default(),
            documents: Documents::default(),
            validator: Validator::new(
                &config.validation,
                config.dev.map(|dev| Domains::new(&config.storage.data, dev, &config.public)),
            ),
            listed: Listed::default(),
            locks: Locks::default(),
            settled: Settled::default(),
            uploads: UploadBudget::new(UPLOADS),
            questions: UploadBudget::new(QUESTIONS),
            config,
        })
    }
}

/// The key in the file; at the first start a new one, in a file that only its owner reads.
///
/// # Errors
/// The file cannot be read or written, or holds something else.
pub fn own_key(path: &Path) -> Result<SecretKey, StartError> {
    let unusable = |source| StartError::Key { path: path.display().to_string(), source };
    if let Some(pem) = fs::read_to_string_if_exists(path)? {
        return SecretKey::from_pkcs8_pem(&pem, None).map_err(unusable);
    }
    let key = SecretKey::generate().map_err(unusable)?;
    match fs::create_new_private(path, key.to_pkcs8_pem().as_bytes()) {
        Ok(()) => Ok(key),
        // Another process of this registry was faster: its key is the registry's.
        Err(error) if error.source.kind() == ErrorKind::AlreadyExists => {
            SecretKey::from_pkcs8_pem(&fs::read_to_string(path)?, None).map_err(unusable)
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_the_configuration_names_are_looked_at_first() {
        use cargo_namespaces_cli::env::Environment;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("registry.toml");
        for (text, key) in [
            ("[server]\ntls-certificate = \"none\"\ntls-key = \"none\"", "certificate"),
            ("[validation]\nca-file = \"none\"", "validation.ca-file"),
            ("[validation]\nca-file = \"registry.toml\"", "validation.ca-file"),
            ("[validation]\ntrust-anchor = \"none\"", "validation.trust-anchor"),
            ("[validation]\ntrust-anchor = \"registry.toml\"", "validation.trust-anchor"),
        ] {
            fs::write_atomic(&path, text.as_bytes()).unwrap();
            let flags = crate::config::Overrides::default();
            let config = crate::config::load(Some(&path), &Environment::default(), &flags).unwrap();
            let error = check(&config).unwrap_err().to_string();
            assert!(error.contains(key), "{text}: {error}");
        }
    }

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
