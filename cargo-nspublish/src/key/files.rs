//! `key export` and `key import`: between the keyring and PKCS#8 PEM files.

use std::path::{Path, PathBuf};

use cargo_namespaces::key::{PublicKey, SecretKey};
use cargo_namespaces_cli::keystore::{Given, KeyName, KeystoreError, SelectError, Store, keyring, pem_file};
use cargo_namespaces_cli::shell::CliError;

use super::{describe, entry, passphrase_for, storage, write_file};
use crate::context::Context;
use crate::options::key::{ExportOptions, ImportOptions};

/// Writes a key to a file.
///
/// # Errors
/// The key cannot be opened, or the file not be written.
pub fn export(context: &Context<'_>, options: &ExportOptions) -> Result<(), CliError> {
    let file = context.path(&options.file);
    let book = context.store.book()?;
    let passphrase = passphrase_for(context, &file, options.files.plain, &options.files.of_copy(context))?;
    // The passphrase flags are about the new file; a key that is in an encrypted file itself is asked for.
    let keys = context.keys(None);
    let source = keys.source(&book, options.key.as_deref(), None)?;
    let key = keys.open(&book, &source)?;
    write_file(context, &file, &key.secret, passphrase.as_ref())?;
    context.shell.status("Exported", format!("the key `{}`", key.label));
    if options.files.plain {
        context.shell.warn(format!("whoever can read `{}` can publish in your name", file.display()));
    }
    Ok(())
}

/// Imports a key file. A key that is in the key book already is put back into its store, or moved.
///
/// # Errors
/// The file cannot be read or opened, the name is taken, or there is no keyring.
pub fn import(context: &Context<'_>, options: &ImportOptions) -> Result<(), CliError> {
    for namespace in &options.namespaces {
        context.check(namespace)?;
    }
    let file = context.path(&options.file);
    if options.leave_in_file && options.file == Path::new("-") {
        return Err(CliError::usage("cannot leave the key in standard input"));
    }
    let moved = if options.leave_in_file { None } else { new_file(context, options, &file)? };
    let secret = context.keys(options.passphrase_file.as_deref()).open_file(&file)?;
    let public = secret.public();
    let store = match moved {
        _ if options.leave_in_file => Store::File(file),
        Some(place) if place == file => Store::File(file),
        Some(place) => {
            let passphrase = passphrase_for(context, &place, false, &[Given::New(None)])?;
            write_file(context, &place, &secret, passphrase.as_ref())?;
            Store::File(place)
        }
        None => Store::Keyring,
    };
    if context.store.book()?.get(&public).is_some() {
        update(context, options, &secret, &store)?;
    } else {
        let name = name_for(context, options)?;
        let entry = entry(name, options.role, store.clone(), &options.namespaces);
        context.store.add(&secret, entry, &context.keys(None).waiting())?;
    }
    let book = context.store.book()?;
    let label = book.get(&public).map(|entry| entry.name.to_string()).unwrap_or_default();
    context.shell.status("Imported", format!("the key `{label}` ({store})"));
    if store == Store::Keyring && options.file != Path::new("-") {
        context.shell.note(format!(
            "the key is still in `{}` too: keep the file offline, or remove it",
            options.file.display()
        ));
    }
    describe(context, &public, book.get(&public), &[]);
    Ok(())
}

/// Returns the file to keep the key in if there is no keyring. An encrypted file may stay where it is.
fn new_file(
    context: &Context<'_>,
    options: &ImportOptions,
    file: &Path,
) -> Result<Option<PathBuf>, CliError> {
    let encrypted = options.file != Path::new("-")
        && pem_file::read(file).map_err(KeystoreError::from)?.contains("ENCRYPTED");
    let default = match encrypted {
        true => file.to_owned(),
        false => storage::default_file(context, name_for(context, options)?.as_str()),
    };
    let found = storage::instead_of_keyring(context, &default, storage::LEAVE_IN_FILE);
    found.map_err(|error| match options.file == Path::new("-") {
        true => CliError::from(error).hint(
            "write the key into a file, and leave it there: `cargo nspublish key import FILE --leave-in-file`",
        ),
        false => error.into(),
    })
}

/// Updates a key that is in the key book: moves its secret to `store`, and adds what the flags say.
fn update(
    context: &Context<'_>,
    options: &ImportOptions,
    secret: &SecretKey,
    store: &Store,
) -> Result<(), CliError> {
    let public = secret.public();
    let waiting = context.keys(None).waiting();
    let name = options.name.as_deref().map(|text| free_name(context, &public, text)).transpose()?;
    let former = context.store.book()?.get(&public).map(|entry| entry.store.clone());
    if *store == Store::Keyring {
        keyring::set(secret, &waiting).map_err(KeystoreError::from)?;
    }
    context.store.update(|book| -> Result<(), KeystoreError> {
        if let Some(entry) = book.get_mut(&public) {
            entry.store = store.clone();
            entry.namespaces.extend(options.namespaces.iter().cloned());
            if let Some(name) = name {
                entry.name = name;
            }
        }
        Ok(())
    })?;
    if former == Some(Store::Keyring) && *store != Store::Keyring {
        context.shell.note("the keyring also holds the key, which is no longer used");
    }
    Ok(())
}

/// Checks that no other key has a name.
fn free_name(context: &Context<'_>, public: &PublicKey, text: &str) -> Result<KeyName, CliError> {
    let name = KeyName::parse(text).map_err(KeystoreError::from)?;
    let book = context.store.book()?;
    match book.find(name.as_str()) {
        Ok((key, entry)) if key != public => {
            let taken = SelectError::NameTaken { name: entry.name.clone(), key: *key };
            Err(KeystoreError::from(taken).into())
        }
        _ => Ok(name),
    }
}

/// Returns `--name`, or the file's name without its extension, if that is a valid name.
fn name_for(context: &Context<'_>, options: &ImportOptions) -> Result<KeyName, CliError> {
    if let Some(name) = &options.name {
        return Ok(KeyName::parse(name).map_err(KeystoreError::from)?);
    }
    let stem = options.file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let wanted = KeyName::parse(stem).or_else(|_| KeyName::parse("imported")).map_err(KeystoreError::from)?;
    Ok(context.store.book()?.free_name(&wanted))
}
