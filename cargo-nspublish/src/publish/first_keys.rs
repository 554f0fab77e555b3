//! The key that a publish to a registry signs with. If there is none, the namespace is set up on the way.

use std::path::PathBuf;

use cargo_namespaces::name::{IndexUrl, Namespace};
use cargo_namespaces_cli::keystore::SelectError;
use cargo_namespaces_cli::shell::{CliError, ExitCode};

use crate::context::Context;
use crate::key::{is_named, storage};
use crate::options::{FirstKeyOptions, KeyFileOptions, PublishOptions, SetupKeyOptions, SigningOptions};
use crate::setup;

/// Returns the key to sign with, and what opens it. If there is no key yet, the namespace is set up first.
pub fn key_to_use(
    context: &Context<'_>,
    options: &PublishOptions,
    namespace: &Namespace,
    index: &IndexUrl,
) -> Result<SigningOptions, CliError> {
    let known = has_key(context, options, namespace)?;
    let Some(file) = options.first_keys.device_file.as_deref().map(|file| context.path(file)) else {
        if !known {
            set_up(context, options, namespace, index)?;
        }
        return Ok(options.signing.clone());
    };
    let is_new = !file.exists();
    if known && is_new {
        let error =
            format!("there is a key to publish for {namespace} already, and no file `{}`", file.display());
        return Err(CliError::usage(error).hint(format!(
            "leave `--device-file` out to use that key; `cargo nspublish key rotate --namespace {namespace} --file {}` puts a \
             new one in its place",
            file.display()
        )));
    }
    if !known {
        set_up(context, options, namespace, index)?;
    }
    // If the same command line is run again, its new passphrase opens the file that it made before.
    let files = || options.first_keys.new_passphrase_file.iter().chain(&options.signing.passphrase_file);
    let opens = |passphrase: &&PathBuf| context.keys(Some(passphrase)).open_file(&file).is_ok();
    let passphrase_file = files().find(opens).or_else(|| files().next()).cloned();
    Ok(SigningOptions { key: Some(file.display().to_string()), passphrase_file })
}

fn has_key(context: &Context<'_>, options: &PublishOptions, namespace: &Namespace) -> Result<bool, CliError> {
    let given = is_named(context, options.signing.key.as_deref());
    let book = context.store.book()?;
    Ok(given || !matches!(book.device_for(namespace), Err(SelectError::NoKey { .. })))
}

/// Sets the namespace up. Either a person is asked, or the flags name all that is needed.
fn set_up(
    context: &Context<'_>,
    options: &PublishOptions,
    namespace: &Namespace,
    index: &IndexUrl,
) -> Result<(), CliError> {
    if options.dry_run {
        let error = format!("there is no key to publish for {namespace} here, and a dry run makes none");
        return Err(CliError::new(ExitCode::ActionRequired, error)
            .hint(format!("`cargo nspublish setup {namespace} --index {index}` makes the keys")));
    }
    let keys = setup_keys(options);
    setup::check_files(context, &keys)?;
    let command = format!("cargo nspublish setup {namespace} --index {index}");
    let required = |what: &str| {
        let yes = if context.shell.assume_yes() { "" } else { " --yes" };
        CliError::new(ExitCode::ActionRequired, format!("{what}: there is no key to publish for {namespace} here"))
            .hint(format!(
                "`{command}` makes the keys on a terminal; without one `{}{yes}` makes them in encrypted files and publishes \
                 (with `--no-recovery`, no recovery key); in a build service, give a key in CARGO_NAMESPACES_KEY or \
                 CARGO_NAMESPACES_KEY_FILE",
                setup::without_questions(context, &keys)
            ))
    };
    if !context.shell.can_prompt() && !context.shell.assume_yes() {
        return Err(required("cannot set up without a terminal"));
    }
    // If there is no keyring, the user learns that before anything else is asked.
    let device_file =
        storage::of_new_key(context, keys.device_file.as_deref(), "device", storage::DEVICE_FILE)
            .map_err(|error| setup::no_storage(context, &keys, error))?;
    let question = format!(
        "{} is not set up here: there is no key. Its index is going to be\n  {index}\nwhich is its identity for ever.\nMake keys?",
        namespace.display_both()
    );
    if context.shell.confirm(&question, true)? != Some(true) {
        return Err(required("nothing was set up"));
    }
    setup::for_first_publish(context, namespace, index, &SetupKeyOptions { device_file, ..keys })
}

/// Returns the keys that a first publish makes, as the flags say.
fn setup_keys(options: &PublishOptions) -> SetupKeyOptions {
    let FirstKeyOptions { device_file, recovery_file, no_recovery, new_passphrase_file } =
        options.first_keys.clone();
    let files = KeyFileOptions {
        plain: false,
        passphrase_file: options.signing.passphrase_file.clone(),
        new_passphrase_file,
    };
    SetupKeyOptions { device_file, recovery_file, no_recovery, files, ..SetupKeyOptions::default() }
}
