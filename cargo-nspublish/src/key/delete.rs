//! `key delete`: removes a key from the keyring and the key book.

use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::Namespace;
use cargo_namespaces_cli::keystore::{KeyBook, KeyEntry, KeystoreError, Store};
use cargo_namespaces_cli::shell::{CliError, ExitCode};

use super::confirm;
use crate::context::Context;
use crate::options::key::DeleteOptions;

/// Removes a key.
///
/// # Errors
/// There is no such key, it is the last one of a namespace, it is not confirmed, or the keyring fails.
pub fn run(context: &Context<'_>, options: &DeleteOptions) -> Result<(), CliError> {
    let book = context.store.book()?;
    let (key, entry) = book.find(&options.key).map_err(KeystoreError::from)?;
    let alone = stands_alone(&book, key, entry);
    if !alone.is_empty() && !options.force {
        let names: Vec<String> = alone.iter().map(ToString::to_string).collect();
        return Err(CliError::new(
            ExitCode::Failure,
            format!("`{}` is the last {} key here for {}", entry.name, entry.role, names.join(", ")),
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
    confirm(context, &question)?;
    context.store.remove(key, &context.keys(None).waiting())?;
    context.shell.status("Deleted", format!("the key `{}`", entry.name));
    if let Store::File(path) = &entry.store {
        context.shell.note(format!("its file `{}` is left where it is", path.display()));
    }
    Ok(())
}

/// Returns the namespaces for which no other key of the same role is here.
fn stands_alone<'a>(book: &KeyBook, key: &PublicKey, entry: &'a KeyEntry) -> Vec<&'a Namespace> {
    let covered = |namespace: &Namespace| {
        book.entries().iter().any(|(other, found)| {
            *other != key && found.role == entry.role && found.namespaces.contains(namespace)
        })
    };
    entry.namespaces.iter().filter(|namespace| !covered(namespace)).collect()
}
