//! `--authorize` and `--drop`: the keys of other people and other machines.

use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::{CrateName, Namespace, QualifiedName};
use cargo_namespaces::token::Scope;
use cargo_namespaces_cli::clock;
use cargo_namespaces_cli::keystore::{KeystoreError, OpenKey};
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode};

use crate::args::SetupArgs;
use crate::key::public_key;
use crate::publisher::Publisher;
use crate::session::Session;

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
    /// A key that is not known, or a crate's name that is none.
    pub fn read(session: &Session<'_>, args: &SetupArgs, namespace: &Namespace) -> Result<Self, CliError> {
        let read = |texts: &[String]| {
            texts
                .iter()
                .map(|text| grant(session, args, text, namespace))
                .collect::<Result<Vec<_>, CliError>>()
        };
        Ok(Self { authorize: read(&args.authorize)?, drop: read(&args.drop)?, vouch: args.vouch })
    }

    /// Whether a key is taken out for the whole namespace.
    pub fn drops(&self, key: &PublicKey) -> bool {
        self.drop.iter().any(|(dropped, scope)| dropped == key && matches!(scope, Scope::Namespace(_)))
    }

    /// Changes the documents, and the book where it knows a dropped key.
    ///
    /// # Errors
    /// The device key itself is to be dropped, or the book cannot be written.
    pub fn apply(
        &self,
        session: &Session<'_>,
        publisher: &mut Publisher,
        device: &OpenKey,
    ) -> Result<(), CliError> {
        if self.drops(&device.secret.public()) {
            return Err(CliError::usage(format!("`{}` is the key that signs releases here", device.label))
                .hint("put another in its place with `cargo nspublish key rotate`, or name another with `--key`"));
        }
        for (key, scope) in &self.authorize {
            if publisher.revocation(key).is_some() {
                let error = format!("the key {key} is revoked for {}", publisher.namespace);
                return Err(CliError::new(ExitCode::Refused, error));
            }
            publisher.list_for(scope, key);
            session.shell.status("Listed", format!("{key} for {scope}"));
            if self.vouch {
                publisher
                    .endorse_for(&device.secret, key, scope, false, clock::now())
                    .exit_with(ExitCode::Failure)?;
                session.shell.status("Endorsed", format!("{key} by `{}`", device.label));
            }
        }
        for (key, scope) in &self.drop {
            if publisher.unlist_for(scope, key) {
                session.shell.status("Dropped", format!("{key} for {scope}"));
            } else {
                session.shell.warn(format!("the key {key} is not listed for {scope}"));
            }
        }
        self.forget(session, &publisher.namespace)
    }

    /// A dropped key that is here does not sign for the namespace any more.
    fn forget(&self, session: &Session<'_>, namespace: &Namespace) -> Result<(), CliError> {
        session.store.update(|book| -> Result<(), KeystoreError> {
            for (key, _) in self.drop.iter().filter(|(key, _)| self.drops(key)) {
                if let Some(entry) = book.get_mut(key) {
                    entry.namespaces.remove(namespace);
                    entry.replaced.insert(namespace.clone());
                }
            }
            Ok(())
        })?;
        Ok(())
    }
}

/// `KEY`, or `CRATE=KEY` for one crate. A public key ends in `=` itself, but nothing follows there.
fn grant(
    session: &Session<'_>,
    args: &SetupArgs,
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
    Ok((public_key(session, key, args.protection.passphrase_file.as_deref())?, scope))
}
