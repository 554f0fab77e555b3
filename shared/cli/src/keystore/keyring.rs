//! The operating system's keyring: Secret Service, Keychain, or the Windows Credential Manager.
//!
//! One item a key: service `cargo-namespaces`, account the public key's text, secret the PKCS#8 PEM. On Linux the item
//! lands in the default collection, `keyring:ed25519:…@cargo-namespaces` in the desktop's key manager.
//!
//! A locked keyring asks the user in a window of its own, for as long as the user takes; and where a desktop is half
//! there, nobody ever answers. So each call runs on a thread of its own, Ctrl-C gives it up, and so does
//! [`limits::KEYRING_TIMEOUT`].

use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use keyring::Entry;
use zeroize::Zeroizing;

use crate::interrupt;
use crate::shell::ExitCode;
use cargo_namespaces::error::texts;
use cargo_namespaces::key::{KeyError, PublicKey, SecretKey};
use cargo_namespaces::limits;

/// The name under which all items stand.
pub const SERVICE: &str = "cargo-namespaces";

/// How long a call may take before the user is told that it waits.
const NOTICE_AFTER: Duration = Duration::from_secs(2);
/// How often Ctrl-C is looked at meanwhile.
const TICK: Duration = Duration::from_millis(50);

/// Why the keyring did not do it. Nothing secret is in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyringError {
    /// Nothing that keeps secrets can be reached.
    #[error("there is no keyring here")]
    Absent(#[source] Cause),
    /// It is there and did not open: locked and nobody unlocked it, or without a default collection.
    #[error("the keyring cannot be opened: it is locked, or has no default collection")]
    Locked(#[source] Cause),
    /// The key is not in it.
    #[error("the keyring does not hold the key {key}")]
    Missing { key: PublicKey },
    /// What is stored under the key is no key.
    #[error("the keyring entry of the key {key} is not valid")]
    Damaged {
        key: PublicKey,
        /// What is wrong with it.
        #[source]
        source: KeyError,
    },
    /// What is stored under the key is another one.
    #[error("the keyring entry of the key {key} holds another key")]
    Other { key: PublicKey },
    /// No answer in time.
    #[error("the keyring did not answer within {} seconds", limits::KEYRING_TIMEOUT.as_secs())]
    Silent,
    #[error("the keyring failed")]
    Failed(#[source] Cause),
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}

/// What the system said.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Cause(String);

impl Cause {
    /// The text of the innermost error: the outer ones only announce it.
    fn of(error: &keyring::Error) -> Self {
        Self(texts(error).pop().unwrap_or_default())
    }
}

impl KeyringError {
    /// The ways out.
    pub fn hint(&self) -> Option<String> {
        let first = match self {
            Self::Absent(_) if cfg!(target_os = "linux") => {
                "start a keyring (gnome-keyring or KWallet, in a D-Bus session)"
            }
            Self::Absent(_) => "start the system's keyring",
            Self::Locked(_) | Self::Silent => "unlock the keyring, or create its default collection,",
            Self::Missing { .. } => {
                return Some(
                    "bring the key back with `cargo nspublish key import FILE`, or forget it with \
                     `cargo nspublish key delete`"
                        .to_owned(),
                );
            }
            _ => return None,
        };
        Some(format!(
            "{first} and run the command again; or keep the key in an encrypted file: `--file FILE` where a key is made (`setup` and publishing: `--device-file FILE`), \
             `--leave-in-file` where one is imported, `--key FILE` where one is used; or, in a build service, give the key in CARGO_NAMESPACES_KEY or \
             CARGO_NAMESPACES_KEY_FILE and its passphrase in CARGO_NAMESPACES_KEY_PASSPHRASE"
        ))
    }

    pub(super) fn exit(&self) -> ExitCode {
        match self {
            Self::Absent(_) | Self::Locked(_) | Self::Silent | Self::Missing { .. } => {
                ExitCode::ActionRequired
            }
            Self::Damaged { .. } | Self::Other { .. } => ExitCode::InvalidInput,
            Self::Failed(_) => ExitCode::Failure,
            Self::Interrupted => ExitCode::Interrupted,
        }
    }
}

/// Puts a key in, or replaces what is there for it, and reads it back. `waiting` is called once when the keyring keeps
/// the caller waiting.
///
/// # Errors
/// [`KeyringError`]; the key is then not in.
pub fn set(secret: &SecretKey, waiting: &dyn Fn()) -> Result<(), KeyringError> {
    let public = secret.public();
    let pem = secret.to_pkcs8_pem();
    on_thread(public, waiting, move |entry| entry.set_secret(pem.as_bytes()))?;
    // A keyring that forgets at once would cost the key.
    get(&public, waiting).map(drop)
}

/// Whether a key could be kept: an item is put in and taken out again. So an answer that is yes does not become a no after
/// everything else was asked; a locked keyring asks to be unlocked now.
///
/// # Errors
/// [`KeyringError`]; nothing can be kept.
pub fn probe(waiting: &dyn Fn()) -> Result<(), KeyringError> {
    // The item has the account of a key that nobody keeps.
    let failed = |error: KeyError| KeyringError::Failed(Cause(error.to_string()));
    let nobodys = SecretKey::generate().map_err(failed)?;
    on_thread(nobodys.public(), waiting, |entry| {
        entry.set_secret(b"whether keys can be kept here")?;
        entry.delete_credential()
    })
}

/// Takes a key's secret out to use it.
///
/// # Errors
/// [`KeyringError`].
pub fn get(key: &PublicKey, waiting: &dyn Fn()) -> Result<SecretKey, KeyringError> {
    let key = *key;
    let bytes = on_thread(key, waiting, |entry| entry.get_secret().map(Zeroizing::new))?;
    let damaged = |source| KeyringError::Damaged { key, source };
    let pem = std::str::from_utf8(&bytes).map_err(|_| damaged(KeyError::NotPkcs8))?;
    let secret = SecretKey::from_pkcs8_pem(pem, None).map_err(damaged)?;
    if secret.public() == key { Ok(secret) } else { Err(KeyringError::Other { key }) }
}

/// Removes a key.
///
/// # Errors
/// [`KeyringError::Missing`] when it is not in; the others.
pub fn delete(key: &PublicKey, waiting: &dyn Fn()) -> Result<(), KeyringError> {
    on_thread(*key, waiting, |entry| entry.delete_credential())
}

/// Runs one call on the item of `key`, and waits for it.
fn on_thread<T: Send + 'static>(
    key: PublicKey,
    waiting: &dyn Fn(),
    call: impl FnOnce(Entry) -> keyring::Result<T> + Send + 'static,
) -> Result<T, KeyringError> {
    let (sender, receiver) = sync_channel(1);
    std::thread::spawn(move || {
        // Nobody listens any more after a time-out; then the answer is nobody's.
        let _ = sender.send(open(key).and_then(|entry| call(entry).map_err(|error| classify(key, &error))));
    });
    let started = Instant::now();
    let mut told = false;
    loop {
        match receiver.recv_timeout(TICK) {
            Ok(answer) => return answer,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(KeyringError::Failed(Cause("its client stopped unexpectedly".to_owned())));
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        if interrupt::is_set() {
            return Err(KeyringError::Interrupted);
        }
        let waited = started.elapsed();
        if waited > limits::KEYRING_TIMEOUT {
            return Err(KeyringError::Silent);
        }
        if waited > NOTICE_AFTER && !told {
            waiting();
            told = true;
        }
    }
}

fn open(key: PublicKey) -> Result<Entry, KeyringError> {
    if let Err(error) = Entry::store_status() {
        let Cause(said) = Cause::of(error);
        // By itself this is "No such file or directory", about a socket that nobody has heard of.
        let said = if cfg!(target_os = "linux") {
            format!("the Secret Service cannot be reached over D-Bus: {said}")
        } else {
            said
        };
        return Err(KeyringError::Absent(Cause(said)));
    }
    Entry::new(SERVICE, &key.to_string()).map_err(|error| classify(key, &error))
}

fn classify(key: PublicKey, error: &keyring::Error) -> KeyringError {
    match error {
        keyring::Error::NoEntry => KeyringError::Missing { key },
        keyring::Error::NoDefaultStore => KeyringError::Absent(Cause::of(error)),
        keyring::Error::NoStorageAccess(_) => KeyringError::Locked(Cause::of(error)),
        // These carry what was read; it is not shown.
        keyring::Error::BadEncoding(_) | keyring::Error::BadDataFormat(..) => {
            KeyringError::Damaged { key, source: KeyError::NotPkcs8 }
        }
        keyring::Error::Ambiguous(_) => {
            KeyringError::Failed(Cause(format!("it holds several items for the key {key}")))
        }
        _ => KeyringError::Failed(Cause::of(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_is_never_in_an_error() {
        let key = SecretKey::generate().unwrap().public();
        let read = b"-----BEGIN PRIVATE KEY-----".to_vec();
        for error in [
            keyring::Error::BadEncoding(read.clone()),
            keyring::Error::BadDataFormat(read, Box::new(std::io::Error::other("x"))),
        ] {
            let error = classify(key, &error);
            assert!(!format!("{error} {error:?}").contains("BEGIN"), "{error:?}");
            assert!(matches!(error, KeyringError::Damaged { .. }));
        }
    }

    #[test]
    fn the_ways_out_are_named() {
        for error in [
            KeyringError::Absent(Cause("x".into())),
            KeyringError::Locked(Cause("x".into())),
            KeyringError::Silent,
        ] {
            let hint = error.hint().unwrap();
            for way in
                ["--file FILE", "--key FILE", "CARGO_NAMESPACES_KEY", "CARGO_NAMESPACES_KEY_PASSPHRASE"]
            {
                assert!(hint.contains(way), "{way}: {hint}");
            }
            assert_eq!(error.exit(), ExitCode::ActionRequired);
        }
    }
}
