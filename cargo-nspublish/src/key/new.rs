//! `key new`: makes a key without setting up a namespace.

use cargo_namespaces_cli::keystore::Role;
use cargo_namespaces_cli::shell::CliError;

use super::{NewKey, describe, storage};
use crate::context::Context;
use crate::options::key::NewKeyOptions;

/// Makes a key.
pub fn run(context: &Context<'_>, options: &NewKeyOptions) -> Result<(), CliError> {
    for namespace in &options.namespaces {
        context.check(namespace)?;
    }
    let role = options.role;
    let files = &options.files;
    let given = match role {
        Role::Recovery => files.of_recovery(context, false),
        Role::Device if files.passphrase_file.is_some() && files.new_passphrase_file.is_none() => {
            return Err(CliError::usage("`--passphrase-file` opens key files, and none is opened here")
                .hint("the passphrase of the new key file is given with `--new-passphrase-file FILE`"));
        }
        Role::Device => files.of_device(context),
    };
    let default_name = Role::as_str(role);
    let name = options.name.as_deref();
    let new = NewKey {
        name,
        default_name,
        role,
        namespaces: &options.namespaces,
        file: storage::of_new_key(
            context,
            options.file.as_deref(),
            name.unwrap_or(default_name),
            "--file FILE",
        )?,
        plain: files.plain,
        given,
    };
    let (secret, entry) = new.prepare(context)?.keep(context)?;
    describe(context, &secret.public(), Some(&entry), &[]);
    Ok(())
}
