//! How a command gets at a secret key: the order of the sources, passphrases, prompts.
//!
//! 1. `--key`: a key's name, a public key, or a key file;
//! 2. `CARGO_NAMESPACES_KEY` (PEM) or `CARGO_NAMESPACES_KEY_FILE`;
//! 3. the device key that the key book registers for the namespace;
//! 4. the only device key that there is.
//!
//! The first that is given decides; if it fails, the command fails.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{KeyBook, KeyEntry, Keystore, KeystoreError, Store, keyring, pem_file};
use crate::env::{Environment, Var};
use crate::shell::{CliError, Context as _, ExitCode, Shell};
use cargo_namespaces::key::{KeyError, PublicKey, SecretKey};
use cargo_namespaces::limits;
use cargo_namespaces::name::Namespace;

/// How often a passphrase may be mistyped.
const TRIES: usize = 3;
/// Longest passphrase file: a passphrase is a line.
const MAX_PASSPHRASE: usize = 4096;

/// A secret key that is ready to sign.
#[derive(Debug)]
pub struct OpenKey {
    pub secret: SecretKey,
    /// How to call it in messages: `laptop`, `recovery.pem`, `CARGO_NAMESPACES_KEY`.
    pub label: String,
}

/// What a request for a key names, before any secret is touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A key of the book.
    Book(PublicKey),
    /// A key file, by flag or variable.
    File(PathBuf),
    /// `CARGO_NAMESPACES_KEY`.
    Variable,
}

/// The user's keys, with what is needed to open them.
#[derive(Clone, Debug)]
pub struct KeyAccess<'a> {
    /// Where they are.
    pub store: &'a Keystore,
    /// Where a passphrase is asked for.
    pub shell: &'a Shell,
    /// The variables.
    pub env: &'a Environment,
    /// `--passphrase-file`.
    pub passphrase_file: Option<PathBuf>,
    /// `--new-passphrase-file`: opens a key file that the same command line has made before.
    pub new_passphrase_file: Option<PathBuf>,
}

/// Where the passphrase of a new key file may come from, before anybody is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// `--new-passphrase-file`, or else `CARGO_NAMESPACES_NEW_KEY_PASSPHRASE`.
    New(Option<PathBuf>),
    /// What opens key files: `--passphrase-file`, or else `CARGO_NAMESPACES_KEY_PASSPHRASE`. Never for a device key in a
    /// command that opens or makes another key with it: whoever learns the device's would hold the recovery key's.
    Opening(Option<PathBuf>),
}

impl Given {
    /// How to hand it over.
    fn hint(&self) -> String {
        let (flag, var) = match self {
            Self::New(_) => ("--new-passphrase-file", Var::NamespacesNewKeyPassphrase),
            Self::Opening(_) => ("--passphrase-file", Var::NamespacesKeyPassphrase),
        };
        format!(
            "run it on a terminal to be asked, or give the passphrase with `{flag} FILE` or in {}; `--plain` writes the key \
             unencrypted",
            var.name()
        )
    }
}

impl<'a> KeyAccess<'a> {
    /// The key to sign with for `namespace`; `asked` is what `--key` says.
    ///
    /// # Errors
    /// No key or several answer the request, or the one that does cannot be opened.
    pub fn signing_key(&self, asked: Option<&str>, namespace: &Namespace) -> Result<OpenKey, CliError> {
        let book = self.store.book()?;
        let source = self.source(&book, asked, Some(namespace))?;
        self.open(&book, &source)
    }

    /// Which key a request means, without opening it.
    ///
    /// # Errors
    /// No key or several answer it.
    pub fn source(
        &self,
        book: &KeyBook,
        asked: Option<&str>,
        namespace: Option<&Namespace>,
    ) -> Result<Source, CliError> {
        if let Some(asked) = asked {
            return named(book, asked);
        }
        let found = match (self.env.get(Var::NamespacesKey), self.env.path(Var::NamespacesKeyFile)) {
            (Some(_), Some(_)) => {
                return Err(CliError::usage(
                    "CARGO_NAMESPACES_KEY and CARGO_NAMESPACES_KEY_FILE are both set",
                )
                .hint("unset one of them"));
            }
            (Some(_), None) => return Ok(Source::Variable),
            (None, Some(path)) => return Ok(Source::File(path)),
            (None, None) => match namespace {
                Some(namespace) => book.device_for(namespace),
                None => book.only_device(),
            },
        };
        let (key, _) = found.map_err(KeystoreError::from)?;
        Ok(Source::Book(*key))
    }

    /// Opens what [`KeyAccess::source`] found.
    ///
    /// # Errors
    /// The keyring, the file, the variable or the passphrase fails.
    pub fn open(&self, book: &KeyBook, source: &Source) -> Result<OpenKey, CliError> {
        match source {
            Source::Book(key) => self.open_entry(key, entry_of(book, key)?),
            Source::File(path) => {
                let secret = self.open_file(path)?;
                let label = match book.get(&secret.public()) {
                    Some(entry) => entry.name.to_string(),
                    None => path.display().to_string(),
                };
                Ok(OpenKey { secret, label })
            }
            Source::Variable => {
                let place = Var::NamespacesKey.name();
                let pem = Zeroizing::new(self.env.get(Var::NamespacesKey).unwrap_or_default());
                Ok(OpenKey { secret: self.open_pem(&pem, place)?, label: place.to_owned() })
            }
        }
    }

    /// Opens a key of the book.
    ///
    /// # Errors
    /// The keyring or the file fails, or holds another key.
    pub fn open_entry(&self, key: &PublicKey, entry: &KeyEntry) -> Result<OpenKey, CliError> {
        let secret = match &entry.store {
            Store::Keyring => keyring::get(key, &self.waiting()).map_err(KeystoreError::from)?,
            Store::File(path) => {
                let secret = self
                    .open_file(path)
                    .map_err(|error| error.within(format!("failed to open the key `{}`", entry.name)))?;
                if secret.public() != *key {
                    let place = format!("`{}`", path.display());
                    return Err(
                        KeystoreError::OtherKey { place, expected: *key, found: secret.public() }.into()
                    );
                }
                secret
            }
        };
        Ok(OpenKey { secret, label: entry.name.to_string() })
    }

    /// Opens a key file, `-` for standard input.
    ///
    /// # Errors
    /// It cannot be read, is no key, or its passphrase is not there or not right.
    pub fn open_file(&self, path: &Path) -> Result<SecretKey, CliError> {
        let pem = pem_file::read(path).map_err(KeystoreError::from)?;
        let plain = !pem.contains("ENCRYPTED");
        if plain && pem_file::is_open_to_others(path) {
            self.shell.warn(format!(
                "the key file `{}` is not encrypted, and others than its owner may read it: `chmod 600` it",
                path.display()
            ));
        }
        self.open_pem(&pem, &format!("`{}`", path.display()))
    }

    fn open_pem(&self, pem: &str, place: &str) -> Result<SecretKey, CliError> {
        let wrong = |source| CliError::from(KeystoreError::Key { place: place.to_owned(), source });
        match SecretKey::from_pkcs8_pem(pem, None) {
            Err(KeyError::NeedsPassphrase) => {}
            other => return other.map_err(wrong),
        }
        let given = self.given(self.passphrase_file.as_deref(), Var::NamespacesKeyPassphrase)?;
        // A key file that this very command has made, in this run or an earlier one.
        let of_new = self.given(self.new_passphrase_file.as_deref(), Var::NamespacesNewKeyPassphrase)?;
        if let Some(passphrase) = given.as_ref().or(of_new.as_ref()) {
            return match (SecretKey::from_pkcs8_pem(pem, Some(passphrase)), &of_new) {
                (Err(KeyError::WrongPassphrase), Some(other)) => SecretKey::from_pkcs8_pem(pem, Some(other)),
                (opened, _) => opened,
            }
            .map_err(wrong);
        }
        for left in (0..TRIES).rev() {
            let Some(passphrase) = self.shell.password(&format!("Passphrase of {place}"), false)? else {
                return Err(wrong(KeyError::NeedsPassphrase));
            };
            match SecretKey::from_pkcs8_pem(pem, Some(&passphrase)) {
                Err(KeyError::WrongPassphrase) if left > 0 => {
                    self.shell.warn("that passphrase does not open it");
                }
                other => return other.map_err(wrong),
            }
        }
        Err(wrong(KeyError::WrongPassphrase))
    }

    /// The passphrase to protect a new key file with: the first of `given` that there is, or asked for twice. A short one
    /// is warned of.
    ///
    /// # Errors
    /// None is given and nobody can be asked, or it is empty.
    pub fn new_passphrase(&self, path: &Path, given: &[Given]) -> Result<Zeroizing<String>, CliError> {
        let mut found = None;
        for one in given {
            found = match one {
                Given::New(file) => self.given(file.as_deref(), Var::NamespacesNewKeyPassphrase)?,
                Given::Opening(file) => self.given(file.as_deref(), Var::NamespacesKeyPassphrase)?,
            };
            if found.is_some() {
                break;
            }
        }
        let passphrase = match found {
            Some(found) => found,
            None => self.ask_new_passphrase(path, given)?,
        };
        let length = passphrase.chars().count();
        if length < limits::SHORT_PASSPHRASE {
            self.shell.warn(format!(
                "the passphrase of `{}` is short, {length} characters: whoever copies the file can try all such passphrases; \
                 four or five unrelated words are long enough",
                path.display()
            ));
        }
        Ok(passphrase)
    }

    fn ask_new_passphrase(&self, path: &Path, given: &[Given]) -> Result<Zeroizing<String>, CliError> {
        let question = format!("New passphrase for `{}`", path.display());
        match self.shell.password(&question, true)? {
            Some(passphrase) if !passphrase.is_empty() => Ok(passphrase),
            Some(_) => Err(CliError::usage("the passphrase is empty")
                .hint("`--plain` writes the key unencrypted, if that is what you want")),
            None => {
                let error = format!("a passphrase is needed to encrypt `{}`", path.display());
                let made = CliError::new(ExitCode::ActionRequired, error);
                Err(match given.first() {
                    Some(first) => made.hint(first.hint()),
                    None => made,
                })
            }
        }
    }

    /// The passphrase in a file, or else in a variable.
    fn given(&self, file: Option<&Path>, var: Var) -> Result<Option<Zeroizing<String>>, CliError> {
        match file {
            Some(path) => passphrase_in(path).map(Some),
            None => Ok(self.env.get(var).map(Zeroizing::new)),
        }
    }

    /// Tells the user that the keyring waits for them.
    pub fn waiting(&self) -> impl Fn() + use<'a> {
        let shell = self.shell;
        move || {
            shell.status("Waiting", "for the keyring: it may ask to be unlocked in a window of its own");
        }
    }
}

/// The passphrase in a file: its only line.
fn passphrase_in(path: &Path) -> Result<Zeroizing<String>, CliError> {
    let text = pem_file::read(path)
        .with_context(ExitCode::Failure, || "failed to read the passphrase".to_owned())?;
    let passphrase = text.strip_suffix('\n').unwrap_or(&text);
    let passphrase = passphrase.strip_suffix('\r').unwrap_or(passphrase);
    if passphrase.is_empty() || passphrase.len() > MAX_PASSPHRASE || passphrase.contains('\n') {
        return Err(CliError::new(
            ExitCode::InvalidInput,
            format!("`{}` does not hold one line with a passphrase", path.display()),
        ));
    }
    Ok(Zeroizing::new(passphrase.to_owned()))
}

/// What `--key` names. A name that is also a file here is ambiguous, unless the file is written as a path.
fn named(book: &KeyBook, asked: &str) -> Result<Source, CliError> {
    let path = Path::new(asked);
    let found = book.find(asked);
    match found {
        Ok((_, entry)) if path.is_file() => {
            Err(CliError::usage(format!("`{asked}` is the key `{}` and also a file here", entry.name))
                .hint(format!("write `./{asked}` for the file, or the public key for the key")))
        }
        Ok((key, _)) => Ok(Source::Book(*key)),
        Err(_) if looks_like_a_path(asked) || path.is_file() => Ok(Source::File(path.to_owned())),
        Err(error) => Err(KeystoreError::from(error).into()),
    }
}

fn looks_like_a_path(text: &str) -> bool {
    let base64_key = PublicKey::parse(text).is_ok();
    !base64_key && (text == "-" || text.contains(['/', '\\']) || text.to_ascii_lowercase().ends_with(".pem"))
}

fn entry_of<'a>(book: &'a KeyBook, key: &PublicKey) -> Result<&'a KeyEntry, KeystoreError> {
    Ok(book.find(&key.to_string())?.1)
}

#[cfg(test)]
mod tests;
