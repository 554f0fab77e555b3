//! `key delete`.

use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::Namespace;
use cargo_namespaces_cli::keystore::{KeyBook, KeyEntry, KeystoreError, Store};
use cargo_namespaces_cli::shell::{CliError, ExitCode};

use super::confirm;
use crate::args::DeleteArgs;
use crate::session::Session;

/// Removes a key.
///
/// # Errors
/// Nothing of that name, the last key of a namespace, nobody to ask, or the keyring fails.
pub fn run(session: &Session<'_>, args: &DeleteArgs) -> Result<(), CliError> {
    let book = session.store.book()?;
    let (key, entry) = book.find(&args.key).map_err(KeystoreError::from)?;
    let alone = stands_alone(&book, key, entry);
    if !alone.is_empty() && !args.force {
        let names: Vec<String> = alone.iter().map(ToString::to_string).collect();
        return Err(CliError::new(
            ExitCode::Failure,
            format!("`{}` is the last {} key here that stands for {}", entry.name, entry.role, names.join(", ")),
        )
        .hint(format!(
            "without it nothing new can be published there: put another in its place first (`cargo nspublish key rotate \
             --namespace {}`), keep a copy (`cargo nspublish key export {} --file FILE`), or delete it with `--force`",
            alone[0], entry.name
        )));
    }
    let question = match &entry.store {
        Store::Keyring => format!("`{}` is {key}.\nDelete it from the keyring, for good?", entry.name),
        Store::File(_) => format!("`{}` is {key}.\nForget it?", entry.name),
    };
    confirm(session, &question)?;
    session.store.remove(key, &session.keys(None).waiting())?;
    session.shell.status("Deleted", format!("the key `{}`", entry.name));
    if let Store::File(path) = &entry.store {
        session.shell.note(format!("its file `{}` is left where it is", path.display()));
    }
    Ok(())
}

/// The namespaces of a key that no other key of its role here stands for.
fn stands_alone<'a>(book: &KeyBook, key: &PublicKey, entry: &'a KeyEntry) -> Vec<&'a Namespace> {
    let covered = |namespace: &Namespace| {
        book.entries().iter().any(|(other, found)| {
            *other != key && found.role == entry.role && found.namespaces.contains(namespace)
        })
    };
    entry.namespaces.iter().filter(|namespace| !covered(namespace)).collect()
}
