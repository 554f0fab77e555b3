//! `key export` and `key import`: between the keyring and PKCS#8 PEM files.

use std::path::{Path, PathBuf};

use cargo_namespaces::key::{PublicKey, SecretKey};
use cargo_namespaces_cli::keystore::{Given, KeyName, KeystoreError, SelectError, Store, keyring, pem_file};
use cargo_namespaces_cli::shell::CliError;

use super::{describe, entry, passphrase_for, place, write_file};
use crate::args::{ExportArgs, ImportArgs};
use crate::session::Session;

/// Writes a key to a file.
///
/// # Errors
/// The key cannot be opened, or the file not be written.
pub fn export(session: &Session<'_>, args: &ExportArgs) -> Result<(), CliError> {
    let file = session.path(&args.file);
    let book = session.store.book()?;
    let passphrase =
        passphrase_for(session, &file, args.protection.plain, &args.protection.of_copy(session))?;
    // The passphrase flags are about the new file; a key that is in an encrypted file itself is asked for.
    let keys = session.keys(None);
    let source = keys.source(&book, args.key.as_deref(), None)?;
    let key = keys.open(&book, &source)?;
    write_file(session, &file, &key.secret, passphrase.as_ref())?;
    session.shell.status("Exported", format!("the key `{}`", key.label));
    if args.protection.plain {
        session.shell.warn(format!("whoever can read `{}` can publish in your name", file.display()));
    }
    Ok(())
}

/// Takes a key file in. A key that is known already is put back where it says, or moved.
///
/// # Errors
/// The file cannot be read or opened, the name is taken, no keyring.
pub fn import(session: &Session<'_>, args: &ImportArgs) -> Result<(), CliError> {
    for namespace in &args.namespace {
        session.check(namespace)?;
    }
    let file = session.path(&args.file);
    if args.leave_in_file && args.file == Path::new("-") {
        return Err(CliError::usage("standard input is no file to leave the key in"));
    }
    let moved = if args.leave_in_file { None } else { new_file(session, args, &file)? };
    let secret = session.keys(args.passphrase_file.as_deref()).open_file(&file)?;
    let public = secret.public();
    let store = match moved {
        _ if args.leave_in_file => Store::File(file),
        Some(place) if place == file => Store::File(file),
        Some(place) => {
            let passphrase = passphrase_for(session, &place, false, &[Given::New(None)])?;
            write_file(session, &place, &secret, passphrase.as_ref())?;
            Store::File(place)
        }
        None => Store::Keyring,
    };
    if session.store.book()?.get(&public).is_some() {
        update(session, args, &secret, &store)?;
    } else {
        let name = name_for(session, args)?;
        let entry = entry(name, args.role.into(), store.clone(), &args.namespace);
        session.store.add(&secret, entry, &session.keys(None).waiting())?;
    }
    let book = session.store.book()?;
    let label = book.get(&public).map(|entry| entry.name.to_string()).unwrap_or_default();
    session.shell.status("Imported", format!("the key `{label}` ({store})"));
    if store == Store::Keyring && args.file != Path::new("-") {
        session.shell.note(format!(
            "the key is still in `{}` too: keep the file offline, or remove it",
            args.file.display()
        ));
    }
    describe(session, &public, book.get(&public), &[]);
    Ok(())
}

/// Where there is no keyring, the file to keep the key in instead: an encrypted one may stay where it is.
fn new_file(session: &Session<'_>, args: &ImportArgs, file: &Path) -> Result<Option<PathBuf>, CliError> {
    let encrypted = args.file != Path::new("-")
        && pem_file::read(file).map_err(KeystoreError::from)?.contains("ENCRYPTED");
    let default = match encrypted {
        true => file.to_owned(),
        false => place::default_file(session, name_for(session, args)?.as_str()),
    };
    let found = place::instead_of_keyring(session, &default, place::LEAVE_IN_FILE);
    found.map_err(|error| match args.file == Path::new("-") {
        true => error.hint(
            "write the key into a file, and leave it there: `cargo nspublish key import FILE --leave-in-file`",
        ),
        false => error,
    })
}

/// A key that is in the book: its secret goes where `store` says, and what the flags say is added.
fn update(
    session: &Session<'_>,
    args: &ImportArgs,
    secret: &SecretKey,
    store: &Store,
) -> Result<(), CliError> {
    let public = secret.public();
    let waiting = session.keys(None).waiting();
    let name = args.name.as_deref().map(|text| free_name(session, &public, text)).transpose()?;
    let former = session.store.book()?.get(&public).map(|entry| entry.store.clone());
    if *store == Store::Keyring {
        keyring::set(secret, &waiting).map_err(KeystoreError::from)?;
    }
    session.store.update(|book| -> Result<(), KeystoreError> {
        if let Some(entry) = book.get_mut(&public) {
            entry.store = store.clone();
            entry.namespaces.extend(args.namespace.iter().cloned());
            if let Some(name) = name {
                entry.name = name;
            }
        }
        Ok(())
    })?;
    if former == Some(Store::Keyring) && *store != Store::Keyring {
        session.shell.note("the keyring holds the key too: nothing uses it there any more");
    }
    Ok(())
}

/// A name that the key `public` may have: free, or its own.
fn free_name(session: &Session<'_>, public: &PublicKey, text: &str) -> Result<KeyName, CliError> {
    let name = KeyName::parse(text).map_err(KeystoreError::from)?;
    let book = session.store.book()?;
    match book.find(name.as_str()) {
        Ok((key, entry)) if key != public => {
            let taken = SelectError::NameTaken { name: entry.name.clone(), key: *key };
            Err(KeystoreError::from(taken).into())
        }
        _ => Ok(name),
    }
}

/// `--name`, or the file's name without its extension where that can be one.
fn name_for(session: &Session<'_>, args: &ImportArgs) -> Result<KeyName, CliError> {
    if let Some(name) = &args.name {
        return Ok(KeyName::parse(name).map_err(KeystoreError::from)?);
    }
    let stem = args.file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let wanted = KeyName::parse(stem).or_else(|_| KeyName::parse("imported")).map_err(KeystoreError::from)?;
    Ok(session.store.book()?.free_name(&wanted))
}
