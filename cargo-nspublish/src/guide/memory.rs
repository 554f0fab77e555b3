//! Keeps what was chosen in `guide.json` beside the author's documents, so that an interrupted guide can go on.

use std::path::PathBuf;

use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::Namespace;
use cargo_namespaces::token::Scope;
use cargo_namespaces_cli::shell::CliError;
use cargo_namespaces_net::fs;
use serde::{Deserialize, Serialize};

use super::RecordLocation;
use crate::context::Context;
use crate::documents::NamespaceDocuments;

/// A choice that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuideChoice {
    /// For which key.
    pub key: PublicKey,
    /// What it shall publish.
    pub scope: Scope,
    /// Where the record goes.
    pub place: RecordLocation,
}

fn path(context: &Context<'_>, namespace: &Namespace) -> PathBuf {
    NamespaceDocuments::path(&context.settings.cargo_home, namespace).with_file_name("guide.json")
}

/// Returns the choice of an earlier run for this key and one of these scopes. A file that cannot be read counts as none.
pub fn recall(
    context: &Context<'_>,
    namespace: &Namespace,
    key: &PublicKey,
    scopes: &[Scope],
) -> Option<GuideChoice> {
    let bytes = fs::read_if_exists(&path(context, namespace)).ok()??;
    let choice: GuideChoice = serde_json::from_slice(&bytes).ok()?;
    (choice.key == *key && scopes.contains(&choice.scope)).then_some(choice)
}

/// Keeps a choice.
pub fn keep(context: &Context<'_>, namespace: &Namespace, choice: &GuideChoice) -> Result<(), CliError> {
    let json = serde_json::to_vec(choice).unwrap_or_default();
    fs::write_atomic(&path(context, namespace), &json)?;
    Ok(())
}

/// Removes the choice: it is not needed any more.
pub fn forget(context: &Context<'_>, namespace: &Namespace) -> Result<(), CliError> {
    let path = path(context, namespace);
    if path.exists() {
        fs::remove_file(&path)?;
    }
    Ok(())
}
