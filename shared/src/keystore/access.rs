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
use crate::key::{KeyError, PublicKey, SecretKey};
use crate::limits;
use crate::name::Namespace;
use crate::shell::{CliError, Context as _, ExitCode, Shell};

/// How often a passphrase may be mistyped.
const TRIES: usize = 3;
/// How to hand over the passphrase of a new key file.
const NEW_PASSPHRASE_HINT: &str = "run it on a terminal to be asked, or give the passphrase with `--new-passphrase-file FILE` or \
     in CARGO_NAMESPACES_NEW_KEY_PASSPHRASE; `--plain` writes the key unencrypted";
/// Longest passphrase file: a passphrase is a line.
const MAX_PASSPHRASE: usize = 4096;

/// A secret key that is ready to sign.
#[derive(Debug)]
pub struct OpenKey {
    /// The key.
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
        // A key file that this very command has made.
        let of_new = self.given(None, Var::NamespacesNewKeyPassphrase)?;
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
            None => self.ask_new_passphrase(path)?,
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

    fn ask_new_passphrase(&self, path: &Path) -> Result<Zeroizing<String>, CliError> {
        let question = format!("New passphrase for `{}`", path.display());
        match self.shell.password(&question, true)? {
            Some(passphrase) if !passphrase.is_empty() => Ok(passphrase),
            Some(_) => Err(CliError::usage("the passphrase is empty")
                .hint("`--plain` writes the key unencrypted, if that is what you want")),
            None => Err(CliError::new(
                ExitCode::ActionRequired,
                format!("a passphrase is needed to encrypt `{}`", path.display()),
            )
            .hint(NEW_PASSPHRASE_HINT)),
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
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::keystore::{KeyName, Role};
    use crate::shell::ShellOptions;

    struct Desk {
        home: tempfile::TempDir,
        store: Keystore,
        shell: Shell,
        env: Environment,
    }

    impl Desk {
        fn new() -> Self {
            let home = tempfile::tempdir().unwrap();
            let store = Keystore::at(home.path());
            let shell = Shell::captured(ShellOptions::default());
            Self { home, store, shell, env: Environment::default() }
        }

        fn access(&self) -> KeyAccess<'_> {
            KeyAccess { store: &self.store, shell: &self.shell, env: &self.env, passphrase_file: None }
        }

        /// A new key in a file, entered in the book.
        fn key(&self, name: &str, passphrase: Option<&str>) -> PublicKey {
            let path = self.home.path().join(format!("{name}.pem"));
            let secret = SecretKey::generate().unwrap();
            pem_file::write_new(&path, &secret, passphrase).unwrap();
            let entry = KeyEntry {
                name: KeyName::parse(name).unwrap(),
                role: Role::Device,
                store: Store::File(path),
                namespaces: BTreeSet::new(),
                replaced: BTreeSet::new(),
                revoked: BTreeSet::new(),
            };
            self.store.add(&secret, entry, &|| ()).unwrap();
            secret.public()
        }
    }

    fn namespace() -> Namespace {
        Namespace::parse("serde.rs").unwrap()
    }

    #[test]
    fn the_first_source_that_is_given_decides() {
        let mut desk = Desk::new();
        let (one, two) = (desk.key("one", None), desk.key("two", None));
        let other = SecretKey::generate().unwrap();
        let file = desk.home.path().join("one.pem");

        let chosen = desk.access().signing_key(Some("two"), &namespace()).unwrap();
        assert_eq!((chosen.secret.public(), chosen.label.as_str()), (two, "two"));
        let chosen = desk.access().signing_key(Some(file.to_str().unwrap()), &namespace()).unwrap();
        assert_eq!((chosen.secret.public(), chosen.label.as_str()), (one, "one"));
        let error = desk.access().signing_key(None, &namespace()).unwrap_err();
        assert!(error.message().contains("several keys could be meant for serde.rs"), "{error}");

        desk.env = desk.env.with(Var::NamespacesKey, other.to_pkcs8_pem().as_str());
        assert_eq!(desk.access().signing_key(None, &namespace()).unwrap().secret.public(), other.public());
        assert_eq!(desk.access().signing_key(Some("one"), &namespace()).unwrap().secret.public(), one);
        desk.env = desk.env.with(Var::NamespacesKeyFile, file);
        let error = desk.access().signing_key(None, &namespace()).unwrap_err();
        assert_eq!(error.exit(), ExitCode::Usage);
    }

    #[test]
    fn a_source_that_fails_is_not_passed_over() {
        let mut desk = Desk::new();
        desk.key("one", None);
        desk.env = desk.env.with(Var::NamespacesKey, "-----BEGIN NONSENSE-----");
        let error = desk.access().signing_key(None, &namespace()).unwrap_err();
        assert!(error.to_string().contains("CARGO_NAMESPACES_KEY"), "{error}");
        assert!(!error.to_string().contains("NONSENSE"), "{error}");
        desk.env = Environment::default();
        std::fs::remove_file(desk.home.path().join("one.pem")).unwrap();
        let error = desk.access().signing_key(None, &namespace()).unwrap_err();
        assert!(error.to_string().contains("one.pem"), "{error}");
    }

    #[test]
    fn a_passphrase_comes_from_the_variable_or_a_file() {
        let mut desk = Desk::new();
        let key = desk.key("one", Some("right"));
        let error = desk.access().signing_key(None, &namespace()).unwrap_err();
        assert_eq!(error.exit(), ExitCode::ActionRequired);
        assert!(error.hint_text().unwrap().contains("--passphrase-file"), "{error}");

        desk.env = desk.env.with(Var::NamespacesKeyPassphrase, "wrong");
        let error = desk.access().signing_key(None, &namespace()).unwrap_err();
        assert!(error.to_string().contains("passphrase does not open"), "{error}");
        assert!(!error.to_string().contains("wrong"), "{error}");

        let file = desk.home.path().join("passphrase");
        std::fs::File::create(&file).and_then(|mut f| std::io::Write::write_all(&mut f, b"right\n")).unwrap();
        let access = KeyAccess { passphrase_file: Some(file), ..desk.access() };
        assert_eq!(access.signing_key(None, &namespace()).unwrap().secret.public(), key);
    }

    #[test]
    fn a_file_with_another_key_than_the_book_says_is_refused() {
        let desk = Desk::new();
        desk.key("one", None);
        let path = desk.home.path().join("one.pem");
        std::fs::remove_file(&path).unwrap();
        pem_file::write_new(&path, &SecretKey::generate().unwrap(), None).unwrap();
        let error = desk.access().signing_key(None, &namespace()).unwrap_err();
        assert_eq!(error.exit(), ExitCode::InvalidInput);
        assert!(error.message().contains("one.pem") && error.message().contains("not ed25519:"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_plain_key_file_that_others_may_read_is_warned_of() {
        use std::os::unix::fs::PermissionsExt as _;
        let desk = Desk::new();
        desk.key("one", None);
        let path = desk.home.path().join("one.pem");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        desk.access().signing_key(None, &namespace()).unwrap();
        assert!(desk.shell.captured_text().contains("chmod 600"), "{}", desk.shell.captured_text());
    }

    #[test]
    fn a_mistyped_name_is_not_taken_for_a_file() {
        let desk = Desk::new();
        desk.key("laptop", None);
        let error = desk.access().signing_key(Some("lapptop"), &namespace()).unwrap_err();
        assert_eq!(error.hint_text().unwrap(), "did you mean `laptop`?");
    }
}
