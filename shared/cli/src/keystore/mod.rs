//! Where secret keys are kept, and how the one to sign with is found.
//!
//! A secret key is in the operating system's keyring (Secret Service, Keychain, Windows Credential Manager), or in a
//! PKCS#8 PEM file, or in an environment variable of a build service. What is known about a key without its secret
//! stands in `$CARGO_HOME/namespaces/keys.toml`, the [`KeyBook`]:
//!
//! ```toml
//! ["ed25519:3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08="]
//! name = "laptop"
//! role = "device"                  # or "recovery"
//! store = "keyring"                # or "file:/path/to/key.pem"
//! namespaces = ["serde.rs"]        # that it publishes for
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`book`] | the key book: text in, text out, and which key a request means (pure) |
//! | [`keyring`] | the operating system's keyring |
//! | [`pem_file`] | key files |
//! | [`labels`](crate::labels) | what the user calls keys, also those of others (pure) |
//! | [`access`] | the order of the sources, passphrases, prompts: what the commands call |
//!
//! Nothing falls back silently. A request that several keys answer is an error which lists them, and where there is no
//! keyring the error names the other ways.

pub mod access;
pub mod book;
pub mod keyring;
pub mod pem_file;

use std::fs::File;
use std::path::{Path, PathBuf};

pub use access::{Given, KeyAccess, OpenKey};
pub use book::{BookError, KeyBook, KeyEntry, KeyName, Role, SelectError, Store};
pub use keyring::KeyringError;
pub use pem_file::PemFileError;

use crate::labels::{LabelError, Labels};
use crate::shell::{CliError, ExitCode};
use cargo_namespaces::key::{KeyError, PublicKey, SecretKey};
use cargo_namespaces_net::fs::{self, FsError};

/// The user's keys. Cheap to make; every call reads what is there now.
#[derive(Clone, Debug)]
pub struct Keystore {
    directory: PathBuf,
}

/// Why a key could not be kept or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeystoreError {
    /// `keys.toml` cannot be used.
    #[error("`{}` cannot be used", path.display())]
    Book {
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: BookError,
    },
    /// A file operation failed.
    #[error(transparent)]
    File(#[from] FsError),
    /// The keyring.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// A key file.
    #[error(transparent)]
    Pem(#[from] PemFileError),
    /// No key, or more than one, answers the request.
    #[error(transparent)]
    Select(#[from] SelectError),
    /// A label, or the file of all.
    #[error("{}", path.as_ref().map_or_else(|| "the label was not kept".to_owned(), |path| format!("`{}` cannot be used", path.display())))]
    Labels {
        /// The file, if it is at fault.
        path: Option<PathBuf>,
        /// What is wrong.
        #[source]
        source: LabelError,
    },
    /// The text of a key cannot be read.
    #[error("the key in {place} cannot be used")]
    Key {
        /// Where it was found: a file or a variable.
        place: String,
        /// What is wrong with it.
        #[source]
        source: KeyError,
    },
    /// What is stored under a public key is another key.
    #[error("{place} holds the key {found}, not {expected}")]
    OtherKey {
        place: String,
        /// The key that the key book names.
        expected: PublicKey,
        /// The key that is there.
        found: PublicKey,
    },
}

impl KeystoreError {
    /// What to do next, where there is something to say.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Keyring(error) => error.hint(),
            Self::Select(error) => error.hint(),
            Self::Pem(error) => error.hint().map(str::to_owned),
            Self::Labels { source, .. } => Some(source.hint().to_owned()),
            Self::Key { source: KeyError::NeedsPassphrase, .. } => Some(PASSPHRASE_HINT.to_owned()),
            Self::Key { source, .. } => source.hint().map(str::to_owned),
            Self::File(error) => error.hint().map(str::to_owned),
            Self::Book { .. } => {
                Some("correct the file, or move it away and `cargo nspublish key import` the keys".to_owned())
            }
            Self::OtherKey { .. } => {
                Some("`cargo nspublish key list` shows where each key is kept".to_owned())
            }
        }
    }

    fn exit(&self) -> ExitCode {
        match self {
            Self::Keyring(error) => error.exit(),
            Self::Select(error) => error.exit(),
            Self::Key { source: KeyError::NeedsPassphrase, .. } => ExitCode::ActionRequired,
            Self::Labels { path: None, .. } => ExitCode::Usage,
            Self::Book { .. } | Self::Labels { .. } | Self::Key { .. } | Self::OtherKey { .. } => {
                ExitCode::InvalidInput
            }
            Self::File(_) | Self::Pem(_) => ExitCode::Failure,
        }
    }
}

/// How to hand over a passphrase.
const PASSPHRASE_HINT: &str = "run it on a terminal to be asked, or give the passphrase in \
     CARGO_NAMESPACES_KEY_PASSPHRASE; `cargo nspublish` takes it with `--passphrase-file FILE` too";

impl From<KeystoreError> for CliError {
    fn from(error: KeystoreError) -> Self {
        if let KeystoreError::Keyring(KeyringError::Interrupted) = error {
            return crate::interrupt::Interrupted.into();
        }
        let made = Self::from_error(error.exit(), &error);
        match error.hint() {
            Some(hint) => made.hint(hint),
            None => made,
        }
    }
}

impl Keystore {
    /// The keys under this Cargo home.
    pub fn at(cargo_home: &Path) -> Self {
        Self { directory: cargo_home.join("namespaces") }
    }

    /// The file that the key book is in.
    pub fn book_path(&self) -> PathBuf {
        self.directory.join("keys.toml")
    }

    /// The key book; empty when there is none yet.
    ///
    /// # Errors
    /// The file cannot be read, or is not a key book.
    pub fn book(&self) -> Result<KeyBook, KeystoreError> {
        let path = self.book_path();
        match fs::read_to_string_if_exists(&path)? {
            None => Ok(KeyBook::default()),
            Some(text) => KeyBook::parse(&text).map_err(|source| KeystoreError::Book { path, source }),
        }
    }

    /// Changes the key book in one step. Another command that wants to change it meanwhile waits.
    ///
    /// # Errors
    /// What `change` answers; or the book cannot be read or written, and is as before.
    pub fn update<T, E: From<KeystoreError>>(
        &self,
        change: impl FnOnce(&mut KeyBook) -> Result<T, E>,
    ) -> Result<T, E> {
        let _lock = self.lock()?;
        let mut book = self.book()?;
        let answer = change(&mut book)?;
        fs::write_if_changed(&self.book_path(), book.to_toml().as_bytes()).map_err(KeystoreError::from)?;
        Ok(answer)
    }

    /// Enters a key: its secret into the keyring, where the entry says so, then its facts into the book. A secret that
    /// was put into the keyring is taken out again when the book cannot be written.
    ///
    /// # Errors
    /// The keyring refuses, the name is taken, the book cannot be written.
    pub fn add(&self, secret: &SecretKey, entry: KeyEntry, waiting: &dyn Fn()) -> Result<(), KeystoreError> {
        let public = secret.public();
        let in_keyring = entry.store == Store::Keyring;
        // The name is looked at first, so that nothing is stored for a name that is taken.
        self.book()?.check_new(&public, &entry.name)?;
        if in_keyring {
            keyring::set(secret, waiting)?;
        }
        let added = self.update(|book| book.add(public, entry).map_err(KeystoreError::from));
        if added.is_err() && in_keyring {
            let _ = keyring::delete(&public, waiting);
        }
        added
    }

    /// Takes a key out: its secret out of the keyring, then its facts out of the book. A key file stays where it is.
    ///
    /// # Errors
    /// The keyring refuses, or the book cannot be written.
    pub fn remove(&self, public: &PublicKey, waiting: &dyn Fn()) -> Result<(), KeystoreError> {
        let stored = self.book()?.get(public).map(|entry| entry.store.clone());
        if stored == Some(Store::Keyring) {
            match keyring::delete(public, waiting) {
                // Somebody removed it by other means; then only the facts are left to remove.
                Ok(()) | Err(KeyringError::Missing { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.update(|book| {
            book.remove(public);
            Ok(())
        })
    }

    /// What the user calls keys; nothing when there is no such file yet.
    ///
    /// # Errors
    /// The file cannot be read, or is no list of labels.
    pub fn labels(&self) -> Result<Labels, KeystoreError> {
        let path = self.directory.join("labels.toml");
        let text = fs::read_to_string_if_exists(&path)?.unwrap_or_default();
        Labels::parse(&text).map_err(|source| KeystoreError::Labels { path: Some(path), source })
    }

    /// Changes the labels in one step, as [`Keystore::update`] does the book.
    ///
    /// # Errors
    /// What `change` answers; or the file cannot be read or written, and is as before.
    pub fn update_labels<T>(
        &self,
        change: impl FnOnce(&mut Labels) -> Result<T, LabelError>,
    ) -> Result<T, KeystoreError> {
        let _lock = self.lock()?;
        let mut labels = self.labels()?;
        let answer = change(&mut labels).map_err(|source| KeystoreError::Labels { path: None, source })?;
        fs::write_if_changed(&self.directory.join("labels.toml"), labels.to_toml().as_bytes())?;
        Ok(answer)
    }

    /// Held while the book is changed; released when dropped.
    fn lock(&self) -> Result<File, KeystoreError> {
        let path = self.directory.join("keys.lock");
        let file = fs::open_lock(&path)?;
        let failed = |source| FsError { action: "lock", path, source };
        file.lock().map_err(failed)?;
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn entry(name: &str, store: Store) -> KeyEntry {
        KeyEntry {
            name: KeyName::parse(name).unwrap(),
            role: Role::Device,
            store,
            namespaces: BTreeSet::new(),
            replaced: BTreeSet::new(),
            revoked: BTreeSet::new(),
        }
    }

    #[test]
    fn a_key_in_a_file_is_entered_and_taken_out() {
        let home = tempfile::tempdir().unwrap();
        let store = Keystore::at(home.path());
        let secret = SecretKey::generate().unwrap();
        store.add(&secret, entry("ci", Store::File("/k.pem".into())), &|| ()).unwrap();
        assert_eq!(store.book().unwrap().get(&secret.public()).unwrap().name.as_str(), "ci");
        store.remove(&secret.public(), &|| ()).unwrap();
        assert_eq!(store.book().unwrap(), KeyBook::default());
    }

    #[test]
    fn a_failed_change_leaves_the_book_as_it_was() {
        let home = tempfile::tempdir().unwrap();
        let store = Keystore::at(home.path());
        let secret = SecretKey::generate().unwrap();
        store.add(&secret, entry("ci", Store::File("/k.pem".into())), &|| ()).unwrap();
        let before = std::fs::read(store.book_path()).unwrap();
        let other = SecretKey::generate().unwrap();
        let error = store.add(&other, entry("CI", Store::File("/l.pem".into())), &|| ()).unwrap_err();
        assert!(matches!(error, KeystoreError::Select(SelectError::NameTaken { .. })), "{error}");
        assert_eq!(std::fs::read(store.book_path()).unwrap(), before);
    }

    #[test]
    fn a_broken_book_is_named_and_kept() {
        let home = tempfile::tempdir().unwrap();
        let store = Keystore::at(home.path());
        fs::write_atomic(&store.book_path(), b"[\"ed25519:x\"]\nname = 1\n").unwrap();
        let secret = SecretKey::generate().unwrap();
        let error = store.add(&secret, entry("ci", Store::File("/k.pem".into())), &|| ()).unwrap_err();
        assert!(error.to_string().contains("keys.toml"), "{error}");
        assert_eq!(std::fs::read(store.book_path()).unwrap(), b"[\"ed25519:x\"]\nname = 1\n");
    }
}
