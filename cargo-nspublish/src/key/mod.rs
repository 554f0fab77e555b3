//! `cargo nspublish key …`: makes, shows, moves and retires keys. What several of them share is here.

mod delete;
pub mod registry_sync;
pub mod label;
mod list;
mod new;
pub mod storage;
mod resign;
mod revoke;
mod rotate;
mod sync;
mod files;

use std::path::{Path, PathBuf};

use cargo_namespaces::key::{PublicKey, SecretKey};
use cargo_namespaces::name::Namespace;
use cargo_namespaces_cli::env::Var;
use cargo_namespaces_cli::keystore::access::Source;
use cargo_namespaces_cli::keystore::{
    Given, KeyEntry, KeyName, Keystore, KeystoreError, Role, SelectError, Store, pem_file,
};
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode};
use zeroize::Zeroizing;

use crate::context::Context;
use crate::options::{KeyCommand, SigningOptions};

pub use list::describe;

/// Runs one of the subcommands.
pub fn run(context: &Context<'_>, command: &KeyCommand) -> Result<ExitCode, CliError> {
    match command {
        KeyCommand::New(options) => new::run(context, options),
        KeyCommand::List => list::list(context),
        KeyCommand::Show(options) => list::show(context, options),
        KeyCommand::Export(options) => files::export(context, options),
        KeyCommand::Import(options) => files::import(context, options),
        KeyCommand::Delete(options) => delete::run(context, options),
        KeyCommand::Rotate(options) => rotate::run(context, options),
        KeyCommand::Revoke(options) => revoke::run(context, options),
        KeyCommand::Sync(options) => sync::run(context, options),
        KeyCommand::Label(command) => label::run(context, command),
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
    /// The file to keep it in, as [`storage::of_new_key`] found; the keyring otherwise.
    pub file: Option<PathBuf>,
    /// Whether that is written unencrypted.
    pub plain: bool,
    /// Where its passphrase may come from.
    pub given: Vec<Given>,
}

/// A key that is made, and not kept yet.
pub struct PreparedKey {
    pub secret: SecretKey,
    entry: KeyEntry,
    passphrase: Option<Zeroizing<String>>,
}

impl NewKey<'_> {
    /// Makes the key, after everything was asked and checked that could stop it.
    ///
    /// # Errors
    /// The name or the file is taken, or no passphrase is given.
    pub fn prepare(self, context: &Context<'_>) -> Result<PreparedKey, CliError> {
        let name = self.name(&context.store)?;
        let passphrase = match &self.file {
            Some(file) => passphrase_for(context, file, self.plain, &self.given)?,
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
    pub fn keep(self, context: &Context<'_>) -> Result<(SecretKey, KeyEntry), CliError> {
        let Self { secret, entry, passphrase } = self;
        if let Store::File(file) = &entry.store {
            write_file(context, file, &secret, passphrase.as_ref())?;
        }
        context.store.add(&secret, entry.clone(), &context.keys(None).waiting())?;
        let what = format!("{} key `{}` ({})", entry.role, entry.name, entry.store);
        context.shell.status("Created", what);
        Ok((secret, entry))
    }
}

/// Returns the passphrase for a new key file; `None` if the file is not to be encrypted.
///
/// # Errors
/// The file is there or would be published, or no passphrase is given.
pub fn passphrase_for(
    context: &Context<'_>,
    file: &Path,
    plain: bool,
    given: &[Given],
) -> Result<Option<Zeroizing<String>>, CliError> {
    // Before a passphrase is asked for.
    pem_file::check_new(file).map_err(KeystoreError::from)?;
    storage::check_unpublished(context, file)?;
    if plain { Ok(None) } else { context.keys(None).new_passphrase(file, given).map(Some) }
}

/// Writes a key file and says where.
pub fn write_file(
    context: &Context<'_>,
    file: &Path,
    secret: &SecretKey,
    passphrase: Option<&Zeroizing<String>>,
) -> Result<(), CliError> {
    pem_file::write_new(file, secret, passphrase.map(|text| text.as_str())).map_err(KeystoreError::from)?;
    let how = if passphrase.is_some() { "encrypted" } else { "not encrypted" };
    context.shell.status("Wrote", format!("{} ({how})", file.display()));
    Ok(())
}

/// Makes the key book's entry of a new key.
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

/// Asks before something that cannot be undone. If nobody can be asked, `--yes` must have been given.
pub fn confirm(context: &Context<'_>, question: &str) -> Result<(), CliError> {
    match context.shell.confirm(question, false)? {
        Some(true) => Ok(()),
        Some(false) => Err(CliError::new(ExitCode::Failure, "nothing was changed")),
        None => Err(CliError::new(
            ExitCode::ActionRequired,
            "this cannot be undone, and there is no terminal to confirm it on",
        )
        .hint("add `--yes` to confirm it")),
    }
}

/// Whether a flag or an environment variable names the key to sign with.
pub fn is_named(context: &Context<'_>, flag: Option<&str>) -> bool {
    let variables = [Var::NamespacesKey, Var::NamespacesKeyFile];
    flag.is_some() || variables.iter().any(|var| context.env.get(*var).is_some())
}

/// Marks keys in the key book as replaced: they do not sign for the namespace any more. Their tokens may still be listed.
pub fn retire(context: &Context<'_>, keys: &[PublicKey], namespace: &Namespace) -> Result<(), CliError> {
    context.store.update(|book| -> Result<(), KeystoreError> {
        for key in keys {
            if let Some(entry) = book.get_mut(key) {
                entry.namespaces.remove(namespace);
                entry.replaced.insert(namespace.clone());
            }
        }
        Ok(())
    })?;
    Ok(())
}

/// Returns the public key that a text names: any public key, the name of a key here, a label, or a key file, which is opened.
///
/// # Errors
/// There is no such key, or the file cannot be opened.
pub fn public_key(
    context: &Context<'_>,
    text: &str,
    passphrase_file: Option<&Path>,
) -> Result<PublicKey, CliError> {
    if let Ok(key) = PublicKey::parse(text) {
        return Ok(key);
    }
    let book = context.store.book()?;
    if book.find(text).is_err()
        && let Some(key) = context.store.labels()?.key_of(text)
    {
        return Ok(*key);
    }
    let keys = context.keys(passphrase_file);
    match keys.source(&book, Some(text), None)? {
        Source::Book(key) => Ok(key),
        other => Ok(keys.open(&book, &other)?.secret.public()),
    }
}

/// Returns the public key and the name of a key source. A key that exists only as a file or in a variable is opened for that.
pub fn public_side(
    context: &Context<'_>,
    signing: &SigningOptions,
    source: &Source,
) -> Result<(PublicKey, String), CliError> {
    let book = context.store.book()?;
    if let Source::Book(key) = source {
        let label = book.get(key).map_or_else(|| key.to_string(), |entry| entry.name.to_string());
        return Ok((*key, label));
    }
    let open = context.keys(signing.passphrase_file.as_deref()).open(&book, source)?;
    Ok((open.secret.public(), open.label))
}
