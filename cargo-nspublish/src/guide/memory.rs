//! What was chosen, so that an interrupted guide goes on where it was: `guide.json` beside the author's documents.

use std::path::PathBuf;

use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::Namespace;
use cargo_namespaces::token::Scope;
use cargo_namespaces_cli::shell::CliError;
use cargo_namespaces_net::fs;
use serde::{Deserialize, Serialize};

use super::Place;
use crate::publisher::Publisher;
use crate::session::Session;

/// A choice that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// For which key.
    pub key: PublicKey,
    /// What it shall publish.
    pub scope: Scope,
    /// Where the record goes.
    pub place: Place,
}

fn path(session: &Session<'_>, namespace: &Namespace) -> PathBuf {
    Publisher::path(&session.settings.cargo_home, namespace).with_file_name("guide.json")
}

/// The choice of an earlier run for this key and one of these scopes. A file that cannot be read counts as none.
pub fn recall(
    session: &Session<'_>,
    namespace: &Namespace,
    key: &PublicKey,
    scopes: &[Scope],
) -> Option<Choice> {
    let bytes = fs::read_if_exists(&path(session, namespace)).ok()??;
    let choice: Choice = serde_json::from_slice(&bytes).ok()?;
    (choice.key == *key && scopes.contains(&choice.scope)).then_some(choice)
}

/// Keeps a choice.
///
/// # Errors
/// It cannot be written.
pub fn keep(session: &Session<'_>, namespace: &Namespace, choice: &Choice) -> Result<(), CliError> {
    let json = serde_json::to_vec(choice).unwrap_or_default();
    fs::write_atomic(&path(session, namespace), &json)?;
    Ok(())
}

/// Forgets the choice: it has served.
///
/// # Errors
/// The file cannot be removed.
pub fn forget(session: &Session<'_>, namespace: &Namespace) -> Result<(), CliError> {
    let path = path(session, namespace);
    if path.exists() {
        fs::remove_file(&path)?;
    }
    Ok(())
}
