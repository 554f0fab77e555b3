//! `cargo nspublish key …`.

mod delete;
mod hand_in;
pub mod label;
mod list;
mod new;
pub mod place;
mod resign;
mod revoke;
mod rotate;
mod sync;
mod transfer;

use std::path::{Path, PathBuf};

use cargo_namespaces::key::{PublicKey, SecretKey};
use cargo_namespaces::name::Namespace;
use cargo_namespaces_cli::keystore::access::Source;
use cargo_namespaces_cli::keystore::{
    Given, KeyEntry, KeyName, Keystore, KeystoreError, Role, SelectError, Store, pem_file,
};
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode};
use zeroize::Zeroizing;

use crate::args::{KeyCommand, SigningArgs};
use crate::session::Session;

pub use list::describe;

/// Runs one of the subcommands.
///
/// # Errors
/// What it answers.
pub fn run(session: &Session<'_>, command: &KeyCommand) -> Result<ExitCode, CliError> {
    match command {
        KeyCommand::New(args) => new::run(session, args),
        KeyCommand::List => list::list(session),
        KeyCommand::Show(args) => list::show(session, args),
        KeyCommand::Export(args) => transfer::export(session, args),
        KeyCommand::Import(args) => transfer::import(session, args),
        KeyCommand::Delete(args) => delete::run(session, args),
        KeyCommand::Rotate(args) => rotate::run(session, args),
        KeyCommand::Revoke(args) => revoke::run(session, args),
        KeyCommand::Sync(args) => sync::run(session, args),
        KeyCommand::Label(args) => label::run(session, args),
    }?;
    Ok(ExitCode::Ok)
}

/// A key that is to be made and kept.
pub struct NewKey<'a> {
    /// Its name, as the user gave it; then it must be free.
    pub name: Option<&'a str>,
    /// Its name otherwise, a number added when it is taken.
    pub default_name: &'a str,
    /// What it is for.
    pub role: Role,
    /// Its namespaces.
    pub namespaces: &'a [Namespace],
    /// The file to keep it in, as [`place::of_new_key`] found; the keyring otherwise.
    pub file: Option<PathBuf>,
    /// Whether that is written unencrypted.
    pub plain: bool,
    /// Where its passphrase may come from.
    pub given: Vec<Given>,
}

/// A key that is made, and kept nowhere yet.
pub struct PreparedKey {
    /// The key.
    pub secret: SecretKey,
    entry: KeyEntry,
    passphrase: Option<Zeroizing<String>>,
}

impl NewKey<'_> {
    /// Makes the key, after everything that can be asked or refused beforehand.
    ///
    /// # Errors
    /// The name or the file is taken, or no passphrase is given.
    pub fn prepare(self, session: &Session<'_>) -> Result<PreparedKey, CliError> {
        let name = self.name(&session.store)?;
        let passphrase = match &self.file {
            Some(file) => passphrase_for(session, file, self.plain, &self.given)?,
            None => None,
        };
        let secret = SecretKey::generate().exit_with(ExitCode::Failure)?;
        let store = self.file.map_or(Store::Keyring, Store::File);
        Ok(PreparedKey { secret, entry: entry(name, self.role, store, self.namespaces), passphrase })
    }

    fn name(&self, store: &Keystore) -> Result<KeyName, CliError> {
        let book = store.book()?;
        let chosen = match self.name {
            Some(name) => {
                let name = KeyName::parse(name).map_err(KeystoreError::from)?;
                if let Ok((key, entry)) = book.find(name.as_str()) {
                    let taken = SelectError::NameTaken { name: entry.name.clone(), key: *key };
                    return Err(KeystoreError::from(taken).into());
                }
                name
            }
            None => book.free_name(&KeyName::parse(self.default_name).map_err(KeystoreError::from)?),
        };
        Ok(chosen)
    }
}

impl PreparedKey {
    /// Whether it is going to be kept in a file.
    pub fn is_for_a_file(&self) -> bool {
        matches!(self.entry.store, Store::File(_))
    }

    /// Keeps the key: in its file or the keyring, and in the book.
    ///
    /// # Errors
    /// No keyring, or a file cannot be written.
    pub fn keep(self, session: &Session<'_>) -> Result<(SecretKey, KeyEntry), CliError> {
        let Self { secret, entry, passphrase } = self;
        if let Store::File(file) = &entry.store {
            write_file(session, file, &secret, passphrase.as_ref())?;
        }
        session.store.add(&secret, entry.clone(), &session.keys(None).waiting())?;
        let what = format!("{} key `{}` ({})", entry.role, entry.name, entry.store);
        session.shell.status("Created", what);
        Ok((secret, entry))
    }
}

/// The passphrase for a new key file; `None` where it is to be plain.
///
/// # Errors
/// The file is there or would be published, or no passphrase is given.
pub fn passphrase_for(
    session: &Session<'_>,
    file: &Path,
    plain: bool,
    given: &[Given],
) -> Result<Option<Zeroizing<String>>, CliError> {
    // Before a passphrase is asked for in vain.
    pem_file::check_new(file).map_err(KeystoreError::from)?;
    place::check_unpublished(session, file)?;
    if plain { Ok(None) } else { session.keys(None).new_passphrase(file, given).map(Some) }
}

/// Writes a key file and says where.
///
/// # Errors
/// The file is there, or cannot be written.
pub fn write_file(
    session: &Session<'_>,
    file: &Path,
    secret: &SecretKey,
    passphrase: Option<&Zeroizing<String>>,
) -> Result<(), CliError> {
    pem_file::write_new(file, secret, passphrase.map(|text| text.as_str())).map_err(KeystoreError::from)?;
    let how = if passphrase.is_some() { "encrypted" } else { "not encrypted" };
    session.shell.status("Wrote", format!("{} ({how})", file.display()));
    Ok(())
}

/// An entry of a new key.
pub fn entry(name: KeyName, role: Role, store: Store, namespaces: &[Namespace]) -> KeyEntry {
    KeyEntry {
        name,
        role,
        store,
        namespaces: namespaces.iter().cloned().collect(),
        replaced: std::collections::BTreeSet::new(),
        revoked: std::collections::BTreeSet::new(),
    }
}

/// Asks before something that cannot be undone. Where nobody can be asked, `--yes` must have been given.
///
/// # Errors
/// Nobody can be asked, or the answer is no.
pub fn confirm(session: &Session<'_>, question: &str) -> Result<(), CliError> {
    match session.shell.confirm(question, false)? {
        Some(true) => Ok(()),
        Some(false) => Err(CliError::new(ExitCode::Failure, "nothing was changed")),
        None => {
            Err(CliError::new(ExitCode::ActionRequired, "this cannot be undone, and nobody can be asked")
                .hint("add `--yes` if it is meant"))
        }
    }
}

/// The public key that a text names: any public key, the name of a key here, a label, or a key file (which is opened).
///
/// # Errors
/// Nothing of that name, or the file cannot be opened.
pub fn public_key(
    session: &Session<'_>,
    text: &str,
    passphrase_file: Option<&Path>,
) -> Result<PublicKey, CliError> {
    if let Ok(key) = PublicKey::parse(text) {
        return Ok(key);
    }
    let book = session.store.book()?;
    if book.find(text).is_err()
        && let Some(key) = session.store.labels()?.key_of(text)
    {
        return Ok(*key);
    }
    let keys = session.keys(passphrase_file);
    match keys.source(&book, Some(text), None)? {
        Source::Book(key) => Ok(key),
        other => Ok(keys.open(&book, &other)?.secret.public()),
    }
}

/// The public key and the name of what a request found; a key that only exists as a file or in a variable has to be
/// opened for that.
///
/// # Errors
/// It cannot be opened.
pub fn public_side(
    session: &Session<'_>,
    signing: &SigningArgs,
    source: &Source,
) -> Result<(PublicKey, String), CliError> {
    let book = session.store.book()?;
    if let Source::Book(key) = source {
        let label = book.get(key).map_or_else(|| key.to_string(), |entry| entry.name.to_string());
        return Ok((*key, label));
    }
    let open = session.keys(signing.passphrase_file.as_deref()).open(&book, source)?;
    Ok((open.secret.public(), open.label))
}
