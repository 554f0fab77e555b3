//! `key new`.

use cargo_namespaces::shell::CliError;

use super::{NewKey, describe, place};
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
    let default_name = cargo_namespaces::keystore::Role::as_str(role);
    let name = args.name.as_deref();
    let new = NewKey {
        name,
        default_name,
        role,
        namespaces: &args.namespace,
        file: place::of_new_key(session, args.file.as_deref(), name.unwrap_or(default_name), "--file FILE")?,
        plain: args.protection.plain,
        given: args.protection.of_only_key(session),
    };
    let (secret, entry) = new.prepare(session)?.keep(session)?;
    describe(session, &secret.public(), Some(&entry), &[]);
    Ok(())
}
