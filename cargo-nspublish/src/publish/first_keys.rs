//! The key that a first publish signs with: where there is none, the namespace is set up on the way.

use std::path::PathBuf;

use cargo_namespaces::env::Var;
use cargo_namespaces::keystore::SelectError;
use cargo_namespaces::name::{IndexUrl, Namespace};
use cargo_namespaces::shell::{CliError, ExitCode};

use crate::context::Context;
use crate::flags::{Protection, PublishArgs, SetupArgs, SigningArgs};
use crate::key::storage;
use crate::setup;

/// The key to sign with, and what opens it. Where there is no key yet, the namespace is set up first.
pub fn key_to_use(
    context: &Context<'_>,
    args: &PublishArgs,
    namespace: &Namespace,
    index: &IndexUrl,
) -> Result<SigningArgs, CliError> {
    let known = has_key(context, args, namespace)?;
    let given = SigningArgs { key: args.key.clone(), passphrase_file: args.passphrase_file.clone() };
    let Some(file) = args.device_file.as_deref().map(|file| context.path(file)) else {
        if !known {
            set_up(context, args, namespace, index)?;
        }
        return Ok(given);
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
        set_up(context, args, namespace, index)?;
    }
    // Run again, the same command line names the passphrase of a file that it has made before.
    let files = || args.new_passphrase_file.iter().chain(&args.passphrase_file);
    let opens = |passphrase: &&PathBuf| context.keys(Some(passphrase)).open_file(&file).is_ok();
    let passphrase_file = files().find(opens).or_else(|| files().next()).cloned();
    Ok(SigningArgs { key: Some(file.display().to_string()), passphrase_file })
}

fn has_key(context: &Context<'_>, args: &PublishArgs, namespace: &Namespace) -> Result<bool, CliError> {
    let given = args.key.is_some()
        || [Var::NamespacesKey, Var::NamespacesKeyFile].iter().any(|var| context.env.get(*var).is_some());
    let book = context.store.book()?;
    Ok(given || !matches!(book.device_for(namespace), Err(SelectError::NoKey { .. })))
}

/// Sets the namespace up: somebody is asked, or the flags say it all.
fn set_up(
    context: &Context<'_>,
    args: &PublishArgs,
    namespace: &Namespace,
    index: &IndexUrl,
) -> Result<(), CliError> {
    if args.dry_run {
        let error = format!("there is no key to publish for {namespace} here, and a dry run makes none");
        return Err(CliError::new(ExitCode::ActionRequired, error)
            .hint(format!("`cargo nspublish setup {namespace} --index {index}` makes the keys")));
    }
    let mut setup_args = SetupArgs {
        namespace: Some(namespace.clone()),
        index: Some(index.clone()),
        device_file: args.device_file.clone(),
        recovery_file: args.recovery_file.clone(),
        no_recovery: args.no_recovery,
        protection: Protection {
            plain: false,
            passphrase_file: args.passphrase_file.clone(),
            new_passphrase_file: args.new_passphrase_file.clone(),
        },
        quiet_records: true,
        ..SetupArgs::default()
    };
    setup::check_files(context, &setup_args)?;
    let command = format!("cargo nspublish setup {namespace} --index {index}");
    let required = |what: &str| {
        let yes = if context.shell.assume_yes() { "" } else { " --yes" };
        CliError::new(ExitCode::ActionRequired, format!("{what}: there is no key to publish for {namespace} here"))
            .hint(format!(
                "`{command}` makes the keys on a terminal; without one `{}{yes}` makes them in encrypted files and publishes \
                 (with `--no-recovery`, no recovery key); in a build service, give a key in CARGO_NAMESPACES_KEY or \
                 CARGO_NAMESPACES_KEY_FILE",
                setup::without_questions(context, &setup_args)
            ))
    };
    if !context.shell.can_prompt() && !context.shell.assume_yes() {
        return Err(required("setting up needs a person"));
    }
    // Where there is no keyring, that is known before anything else is asked.
    let device_file =
        storage::of_new_key(context, args.device_file.as_deref(), "device", storage::DEVICE_FILE)
            .map_err(|error| setup::say_all(context, &setup_args, error))?;
    let question = format!(
        "{} is not set up here: there is no key. Its index is going to be\n  {index}\nwhich is its identity for ever.\nMake keys?",
        namespace.display_both()
    );
    if context.shell.confirm(&question, true)? != Some(true) {
        return Err(required("nothing was set up"));
    }
    setup_args.device_file = device_file;
    setup::run(context, &setup_args).map(|_| ())
}
