//! `key label`: what the user calls a key, their own or somebody else's.

use cargo_namespaces::key::PublicKey;
use cargo_namespaces_cli::keystore::{Keystore, KeystoreError, SelectError};
use cargo_namespaces_cli::shell::{CliError, ExitCode};
use serde_json::json;

use super::public_key;
use crate::context::Context;
use crate::options::key::LabelCommand;

/// Shows, sets or removes a label.
///
/// # Errors
/// There is no such key, the label is not valid, or the file cannot be read or written.
pub fn run(context: &Context<'_>, command: &LabelCommand) -> Result<(), CliError> {
    match command {
        LabelCommand::List => list(context),
        LabelCommand::Show(key) => show(context, &public_key(context, key, None)?),
        LabelCommand::Set { key, label } => set(context, &public_key(context, key, None)?, label),
        LabelCommand::Remove(key) => remove(context, &public_key(context, key, None)?),
    }
}

fn show(context: &Context<'_>, key: &PublicKey) -> Result<(), CliError> {
    let labels = context.store.labels()?;
    let label = labels.get(key);
    context.shell.json("label", &json!({ "key": key.to_string(), "label": label }));
    match label {
        Some(label) => {
            context.shell.print(label);
            Ok(())
        }
        None => Err(CliError::new(ExitCode::Failure, format!("{key} has no label"))
            .hint(format!("`cargo nspublish key label {key} LABEL` gives it one"))),
    }
}

/// Sets the label of a key.
///
/// # Errors
/// The label is not valid, another key has it, or the file cannot be written.
pub fn set(context: &Context<'_>, key: &PublicKey, label: &str) -> Result<(), CliError> {
    check_free(&context.store, key, label)?;
    context.store.update_labels(|labels| labels.set(*key, label))?;
    let label = label.trim();
    context.shell.json("label", &json!({ "key": key.to_string(), "label": label }));
    context.shell.status("Labelled", format!("{key} as `{label}`"));
    Ok(())
}

/// Refuses a label that is the name of another key here: it would mean two keys.
fn check_free(store: &Keystore, key: &PublicKey, label: &str) -> Result<(), CliError> {
    match store.book()?.find(label.trim()) {
        Ok((other, entry)) if other != key => {
            let taken = SelectError::NameTaken { name: entry.name.clone(), key: *other };
            Err(KeystoreError::from(taken).into())
        }
        _ => Ok(()),
    }
}

fn remove(context: &Context<'_>, key: &PublicKey) -> Result<(), CliError> {
    match context.store.update_labels(|labels| Ok(labels.remove(key)))? {
        Some(label) => context.shell.status("Removed", format!("the label `{label}` of {key}")),
        None => context.shell.status("Unchanged", format!("{key} has no label")),
    }
    Ok(())
}

fn list(context: &Context<'_>) -> Result<(), CliError> {
    let labels = context.store.labels()?;
    let mut any = false;
    for (key, label) in labels.iter() {
        any = true;
        context.shell.json("label", &json!({ "key": key.to_string(), "label": label }));
        context.shell.print(format!("{key}  {label}"));
    }
    if !any {
        context.shell.note("no key has a label yet: `cargo nspublish key label KEY LABEL` gives one");
    }
    Ok(())
}
