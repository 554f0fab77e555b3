//! `key new`.

use cargo_namespaces::shell::CliError;

use super::{NewKey, describe};
use crate::args::NewArgs;
use crate::session::Session;

/// Makes a key.
///
/// # Errors
/// It cannot be kept.
pub fn run(session: &Session<'_>, args: &NewArgs) -> Result<(), CliError> {
    for namespace in &args.namespace {
        session.check(namespace)?;
    }
    let role = args.role.into();
    let new = NewKey {
        name: args.name.as_deref(),
        default_name: cargo_namespaces::keystore::Role::as_str(role),
        role,
        namespaces: &args.namespace,
        file: args.file.as_deref(),
        protection: &args.protection,
    };
    let (secret, entry) = new.prepare(session)?.keep(session)?;
    describe(session, &secret.public(), Some(&entry), &[]);
    Ok(())
}
