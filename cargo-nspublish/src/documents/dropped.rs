//! The tokens that were taken out on this machine, so that a merge does not bring them back.

use cargo_namespaces::name::Namespace;
use cargo_namespaces::token::Token;
use cargo_namespaces_cli::shell::CliError;
use cargo_namespaces_net::fs;

use super::NamespaceDocuments;
use crate::context::Context;

/// Reads the dropped tokens from the file `dropped` beside the author's copy, which has one token a line.
pub(super) fn read(context: &Context<'_>, namespace: &Namespace) -> Result<Vec<Token>, CliError> {
    let path = NamespaceDocuments::path(&context.settings.cargo_home, namespace).with_file_name("dropped");
    let text = fs::read_to_string_if_exists(&path)?.unwrap_or_default();
    Ok(text.lines().filter_map(|line| line.parse().ok()).collect())
}

/// Writes the dropped tokens into that file.
pub(super) fn keep(context: &Context<'_>, documents: &NamespaceDocuments) -> Result<(), CliError> {
    let path = NamespaceDocuments::path(&context.settings.cargo_home, &documents.namespace)
        .with_file_name("dropped");
    if !documents.dropped.is_empty() || path.exists() {
        let lines: String = documents.dropped.iter().map(|token| format!("{token}\n")).collect();
        fs::write_if_changed(&path, lines.as_bytes())?;
    }
    Ok(())
}
