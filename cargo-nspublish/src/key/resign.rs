//! Signs the releases of a static index again when the keys that signed them change.

use std::collections::BTreeSet;
use std::path::PathBuf;

use cargo_namespaces::key::{PublicKey, SecretKey};
use cargo_namespaces::name::{Namespace, QualifiedName};
use cargo_namespaces::token::{Scope, Token};
use cargo_namespaces_cli::clock;
use cargo_namespaces_cli::keystore::Role;
use cargo_namespaces_cli::shell::CliError;
use cargo_namespaces_cli::static_index::StaticIndexEdit;

use crate::context::Context;
use crate::documents::NamespaceDocuments;
use crate::options::SiteOptions;
use crate::static_index::{open_static_index, static_index_error};
use cargo_namespaces_cli::cli::quoted;

/// A static index whose releases were signed again, and which is not written yet.
pub struct ResignedIndex {
    edit: StaticIndexEdit,
    count: usize,
    directory: PathBuf,
}

impl ResignedIndex {
    /// Signs with `new` what the keys `signed_by` signed in the static index of the flags. Returns `None` if they name none.
    ///
    /// # Errors
    /// The site cannot be read, or a release on it is not what the key had signed.
    pub fn prepare<'k>(
        context: &Context<'_>,
        flags: &SiteOptions,
        documents: &NamespaceDocuments,
        new: &SecretKey,
        signed_by: impl IntoIterator<Item = &'k PublicKey>,
    ) -> Result<Option<Self>, CliError> {
        let Some((mut edit, directory)) = open(context, flags, documents)? else {
            return Ok(None);
        };
        let mut count = 0;
        for old in signed_by {
            count += edit.resign(old, new, clock::now()).map_err(|error| static_index_error(&error))?;
        }
        Ok(Some(Self { edit, count, directory }))
    }

    /// Writes the site.
    pub fn write(self, context: &Context<'_>) -> Result<(), CliError> {
        let Self { edit, count, directory } = self;
        if count > 0 {
            edit.write().map_err(|error| static_index_error(&error))?;
        }
        let plural = if count == 1 { "" } else { "s" };
        context.shell.status("Signed", format!("{count} release{plural} in {} again", directory.display()));
        Ok(())
    }
}

/// Warns about the releases in the static index of the flags that no listed key signed: nobody can add them any more.
pub fn warn_of_orphans(
    context: &Context<'_>,
    flags: &SiteOptions,
    documents: &NamespaceDocuments,
) -> Result<(), CliError> {
    let Some((edit, _)) = open(context, flags, documents)? else {
        return Ok(());
    };
    let mut orphans = Vec::new();
    let mut signers = BTreeSet::new();
    for krate in edit.crate_names().map_err(|error| static_index_error(&error))? {
        let file = edit.index_file(&krate).map_err(|error| static_index_error(&error))?;
        let name = QualifiedName { namespace: documents.namespace.clone(), krate };
        for line in file.lines() {
            if !line.attestations.iter().any(|signed| is_listed(documents, &name, &signed.key)) {
                orphans.push(format!("{} v{}", name.krate, line.vers));
                signers.extend(line.attestations.iter().map(|signed| signed.key));
            }
        }
    }
    if orphans.is_empty() {
        return Ok(());
    }
    context.shell.warn(format!(
        "no listed key has signed {}: they are refused until a new key signs them again",
        orphans.join(", ")
    ));
    // If no key is left that could sign, `key revoke` says how to make one.
    if !context.store.book()?.registered(&documents.namespace, Role::Device).is_empty() {
        context.shell.hint(format!(
            "`{}` makes one",
            rotation(&documents.namespace, None, &signers.into_iter().collect::<Vec<_>>(), flags)
        ));
    }
    Ok(())
}

/// Returns the command line of a rotation whose new key signs what the keys `resign` signed.
pub fn rotation(
    namespace: &Namespace,
    endorsing: Option<&str>,
    resign: &[PublicKey],
    flags: &SiteOptions,
) -> String {
    let mut line = format!("cargo nspublish key rotate --namespace {namespace}");
    if let Some(key) = endorsing {
        line.push_str(&format!(" --key {}", quoted(key)));
    }
    for key in resign {
        line.push_str(&format!(" --resign {key}"));
    }
    line + &flags.as_flags()
}

fn is_listed(documents: &NamespaceDocuments, name: &QualifiedName, key: &PublicKey) -> bool {
    let for_crate = Token::compute(&Scope::Crate(name.clone()), key);
    documents.revocation(key).is_none()
        && (documents.lists(key) || documents.doc.authorized_keys.contains(&for_crate))
}

fn open(
    context: &Context<'_>,
    flags: &SiteOptions,
    documents: &NamespaceDocuments,
) -> Result<Option<(StaticIndexEdit, PathBuf)>, CliError> {
    let Some(directory) = flags.site.as_deref().map(|path| context.path(path)) else {
        return Ok(None);
    };
    let site_url = flags.site_url.as_deref();
    let edit = open_static_index(&documents.namespace, &documents.index, &directory, site_url)?;
    Ok(Some((edit, directory)))
}
