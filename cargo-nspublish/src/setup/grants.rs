//! `--authorize` and `--drop`: the keys of other people and other machines.

use std::path::Path;

use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::{CrateName, Namespace, QualifiedName};
use cargo_namespaces::token::Scope;
use cargo_namespaces_cli::clock;
use cargo_namespaces_cli::keystore::OpenKey;
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode};

use crate::context::Context;
use crate::documents::NamespaceDocuments;
use crate::key::{public_key, retire};
use crate::options::GrantOptions;

/// Which keys to list and to take out, each with its scope.
#[derive(Debug)]
pub struct Grants {
    authorize: Vec<(PublicKey, Scope)>,
    drop: Vec<(PublicKey, Scope)>,
    vouch: bool,
}

impl Grants {
    /// Reads the flags.
    ///
    /// # Errors
    /// A key is not known, or a crate's name is not valid.
    pub fn read(
        context: &Context<'_>,
        options: &GrantOptions,
        passphrase_file: Option<&Path>,
        namespace: &Namespace,
    ) -> Result<Self, CliError> {
        let read = |texts: &[String]| {
            texts
                .iter()
                .map(|text| grant(context, passphrase_file, text, namespace))
                .collect::<Result<Vec<_>, CliError>>()
        };
        Ok(Self { authorize: read(&options.authorize)?, drop: read(&options.drop)?, vouch: options.vouch })
    }

    /// Whether a key is taken out for the whole namespace.
    pub fn drops(&self, key: &PublicKey) -> bool {
        self.drop.iter().any(|(dropped, scope)| dropped == key && matches!(scope, Scope::Namespace(_)))
    }

    /// Changes the documents, and the key book if a dropped key is in it.
    ///
    /// # Errors
    /// The device key itself is to be dropped, or the book cannot be written.
    pub fn apply(
        &self,
        context: &Context<'_>,
        documents: &mut NamespaceDocuments,
        device: &OpenKey,
    ) -> Result<(), CliError> {
        if self.drops(&device.secret.public()) {
            return Err(CliError::usage(format!("`{}` is the key that signs releases here", device.label))
                .hint("put another in its place with `cargo nspublish key rotate`, or name another with `--key`"));
        }
        for (key, scope) in &self.authorize {
            if documents.revocation(key).is_some() {
                let error = format!("the key {key} is revoked for {}", documents.namespace);
                return Err(CliError::new(ExitCode::Refused, error));
            }
            documents.list_for(scope, key);
            context.shell.status("Listed", format!("{key} for {scope}"));
            if self.vouch {
                documents
                    .endorse_for(&device.secret, key, scope, false, clock::now())
                    .exit_with(ExitCode::Failure)?;
                context.shell.status("Endorsed", format!("{key} by `{}`", device.label));
            }
        }
        for (key, scope) in &self.drop {
            if documents.unlist_for(scope, key) {
                context.shell.status("Dropped", format!("{key} for {scope}"));
            } else {
                context.shell.warn(format!("the key {key} is not listed for {scope}"));
            }
        }
        let dropped = self.drop.iter().map(|(key, _)| *key).filter(|key| self.drops(key));
        retire(context, &dropped.collect::<Vec<_>>(), &documents.namespace)
    }
}

/// Parses `KEY`, or `CRATE=KEY` for one crate. A public key may itself end in `=`, which nothing follows.
fn grant(
    context: &Context<'_>,
    passphrase_file: Option<&Path>,
    text: &str,
    namespace: &Namespace,
) -> Result<(PublicKey, Scope), CliError> {
    let of_crate = text.split_once('=').filter(|(_, key)| !key.is_empty());
    let (scope, key) = match of_crate {
        Some((krate, key)) => {
            let krate = CrateName::parse(krate).exit_with(ExitCode::Usage)?;
            (Scope::Crate(QualifiedName { namespace: namespace.clone(), krate }), key)
        }
        None => (Scope::Namespace(namespace.clone()), text),
    };
    Ok((public_key(context, key, passphrase_file)?, scope))
}
