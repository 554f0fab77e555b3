//! `key label`: what the user calls a key, their own or somebody else's.

use cargo_namespaces::key::PublicKey;
use cargo_namespaces_cli::keystore::{Keystore, KeystoreError, SelectError};
use cargo_namespaces_cli::shell::{CliError, ExitCode};
use serde_json::json;

use super::public_key;
use crate::args::LabelArgs;
use crate::session::Session;

/// Shows the labels, or gives or takes one.
///
/// # Errors
/// No such key, a text that is no label, or the file cannot be read or written.
pub fn run(session: &Session<'_>, args: &LabelArgs) -> Result<(), CliError> {
    let Some(text) = &args.key else { return list(session) };
    let key = public_key(session, text, None)?;
    if args.remove {
        return remove(session, &key);
    }
    let Some(label) = &args.label else {
        let labels = session.store.labels()?;
        let label = labels.get(&key);
        session.shell.json("label", &json!({ "key": key.to_string(), "label": label }));
        return match label {
            Some(label) => {
                session.shell.print(label);
                Ok(())
            }
            None => Err(CliError::new(ExitCode::Failure, format!("{key} has no label"))
                .hint(format!("`cargo nspublish key label {key} LABEL` gives it one"))),
        };
    };
    set(session, &key, label)
}

/// Calls a key by a label.
///
/// # Errors
/// It is no label, another key has it, or the file cannot be written.
pub fn set(session: &Session<'_>, key: &PublicKey, label: &str) -> Result<(), CliError> {
    check_free(&session.store, key, label)?;
    session.store.update_labels(|labels| labels.set(*key, label))?;
    let label = label.trim();
    session.shell.json("label", &json!({ "key": key.to_string(), "label": label }));
    session.shell.status("Labelled", format!("{key} as `{label}`"));
    Ok(())
}

/// A label that is the name of another key here would mean two keys.
fn check_free(store: &Keystore, key: &PublicKey, label: &str) -> Result<(), CliError> {
    match store.book()?.find(label.trim()) {
        Ok((other, entry)) if other != key => {
            let taken = SelectError::NameTaken { name: entry.name.clone(), key: *other };
            Err(KeystoreError::from(taken).into())
        }
        _ => Ok(()),
    }
}

fn remove(session: &Session<'_>, key: &PublicKey) -> Result<(), CliError> {
    match session.store.update_labels(|labels| Ok(labels.remove(key)))? {
        Some(label) => session.shell.status("Removed", format!("the label `{label}` of {key}")),
        None => session.shell.status("Unchanged", format!("{key} has no label")),
    }
    Ok(())
}

fn list(session: &Session<'_>) -> Result<(), CliError> {
    let labels = session.store.labels()?;
    let mut any = false;
    for (key, label) in labels.iter() {
        any = true;
        session.shell.json("label", &json!({ "key": key.to_string(), "label": label }));
        session.shell.print(format!("{key}  {label}"));
    }
    if !any {
        session.shell.note("no key has a label yet: `cargo nspublish key label KEY LABEL` gives one");
    }
    Ok(())
}
