//! `key new`.

use cargo_namespaces_cli::keystore::Role;
use cargo_namespaces_cli::shell::CliError;

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
    let protection = &args.protection;
    let given = match role {
        Role::Recovery => protection.of_recovery(session, false),
        Role::Device if protection.passphrase_file.is_some() && protection.new_passphrase_file.is_none() => {
            return Err(CliError::usage("`--passphrase-file` opens key files, and none is opened here")
                .hint("the passphrase of the new key file is given with `--new-passphrase-file FILE`"));
        }
        Role::Device => protection.of_device(session),
    };
    let default_name = Role::as_str(role);
    let name = args.name.as_deref();
    let new = NewKey {
        name,
        default_name,
        role,
        namespaces: &args.namespace,
        file: place::of_new_key(session, args.file.as_deref(), name.unwrap_or(default_name), "--file FILE")?,
        plain: protection.plain,
        given,
    };
    let (secret, entry) = new.prepare(session)?.keep(session)?;
    describe(session, &secret.public(), Some(&entry), &[]);
    Ok(())
}
