//! `cargo nspublish owner`: who may publish further versions of a crate. A change is a statement that an owner signs.

use std::collections::BTreeMap;

use cargo_namespaces::api::CrateInfo;
use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::{IndexUrl, Namespace, QualifiedName};
use cargo_namespaces::statement::{Nonce, OwnersChange, OwnersOperation, Predicate as _};
use cargo_namespaces_cli::clock;
use cargo_namespaces_cli::keystore::OpenKey;
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode, Shell};
use serde_json::json;

use crate::args::{OwnerAddArgs, OwnerChangeArgs, OwnerCommand, SigningArgs};
use crate::guide::{Asking, warn_of_unlisted};
use crate::key::{confirm, label, public_key};
use crate::publish;
use crate::registry::Registry;
use crate::session::Session;

/// Lists, adds or removes owners.
///
/// # Errors
/// There is no such crate, the registry refuses, or there is no key to sign with.
pub fn run(session: &Session<'_>, command: &OwnerCommand) -> Result<ExitCode, CliError> {
    match command {
        OwnerCommand::List(args) => list(session, &args.name),
        OwnerCommand::Add(args) => add(session, args),
        OwnerCommand::Remove(args) => {
            change(session, args, owner_of(session, args)?, OwnersOperation::Remove)
        }
    }?;
    Ok(ExitCode::Ok)
}

/// The registry that hosts a namespace, and the key to sign with there.
///
/// # Errors
/// The index does not answer or is on no registry; there is no key.
pub fn signed_in(
    session: &Session<'_>,
    namespace: &Namespace,
    args: &SigningArgs,
) -> Result<(Registry, OpenKey), CliError> {
    session.check(namespace)?;
    let keys = session.keys(args.passphrase_file.as_deref());
    let open = || keys.signing_key(args.key.as_deref(), namespace);
    let key = open()?;
    let index = publish::locate(session, namespace)?.index;
    match Registry::find_any(session, namespace, &index, || Ok(open()?.secret))? {
        Some(registry) => Ok((registry, key)),
        None => Err(no_owners(namespace, &index)),
    }
}

/// On a site the documents say it all.
fn no_owners(namespace: &Namespace, index: &IndexUrl) -> CliError {
    let error = format!(
        "the crates of {} have no owners: the index {index} is not on a registry",
        namespace.display_both()
    );
    CliError::new(ExitCode::Failure, error)
        .because("a static site has no owners: the keys that the domain lists publish into it")
        .hint(format!(
            "`cargo nspublish setup {namespace} --site DIR --authorize CRATE=KEY` lists a key for a crate, and `cargo nspublish \
             setup {namespace} --site DIR --drop CRATE=KEY` takes one out"
        ))
}

/// What a registry knows of a crate that must be there.
///
/// # Errors
/// It is not there.
pub fn crate_info(registry: &Registry, name: &QualifiedName) -> Result<CrateInfo, CliError> {
    registry
        .krate(name)?
        .ok_or_else(|| CliError::new(ExitCode::Failure, format!("{} has no crate {name}", registry.host())))
}

/// A key is opened only for a private index.
fn list(session: &Session<'_>, name: &QualifiedName) -> Result<(), CliError> {
    let namespace = &name.namespace;
    session.check(namespace)?;
    let index = publish::locate(session, namespace)?.index;
    let open = || session.keys(None).signing_key(None, namespace).map(|open| open.secret);
    let Some(registry) = Registry::find_any(session, namespace, &index, open)? else {
        return Err(no_owners(namespace, &index));
    };
    let info = crate_info(&registry, name)?;
    show(session, &info)
}

fn show(session: &Session<'_>, info: &CrateInfo) -> Result<(), CliError> {
    for key in &info.owners {
        session.shell.print(session.shown(key)?);
    }
    let labels = session.store.labels()?;
    let known = info.owners.iter().filter_map(|key| Some((key.to_string(), labels.get(key)?.to_owned())));
    if let Some(to) = &info.offered_to {
        session.shell.note(format!("{} is offered to {to}", info.name));
    }
    session.shell.json(
        "owners",
        &json!({
            "crate": info.name.to_string(),
            "owners": info.owners.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "offered_to": info.offered_to.as_ref().map(ToString::to_string),
            "labels": known.collect::<BTreeMap<_, _>>(),
        }),
    );
    Ok(())
}

/// A label is looked at before anything is changed at the registry.
fn add(session: &Session<'_>, args: &OwnerAddArgs) -> Result<(), CliError> {
    let key = owner_of(session, &args.change)?;
    let Some(text) = &args.label else { return change(session, &args.change, key, OwnersOperation::Add) };
    label::set(session, &key, text)?;
    // What follows calls the key by its new label.
    let labels = session.store.labels()?;
    let shell = Shell::new(session.common.shell_options(&session.env)).with_labels(&labels);
    change(&Session::start(&shell, session.common)?, &args.change, key, OwnersOperation::Add)
}

/// The key that is meant; looked up once, since a label that names it may be changed by the same command.
fn owner_of(session: &Session<'_>, args: &OwnerChangeArgs) -> Result<PublicKey, CliError> {
    public_key(session, &args.owner, args.signing.passphrase_file.as_deref())
}

fn change(
    session: &Session<'_>,
    args: &OwnerChangeArgs,
    key: PublicKey,
    operation: OwnersOperation,
) -> Result<(), CliError> {
    let name = &args.name;
    let (registry, signer) = signed_in(session, &name.namespace, &args.signing)?;
    let info = crate_info(&registry, name)?;
    let is_owner = info.owners.contains(&key);
    if is_owner == (operation == OwnersOperation::Add) {
        let state = if is_owner { "an owner already" } else { "no owner" };
        session.shell.status("Unchanged", format!("{key} is {state} of {name}"));
        return Ok(());
    }
    if operation == OwnersOperation::Remove && key == signer.secret.public() {
        confirm(
            session,
            &format!("`{}` is your own key.\nRemove it from the owners of {name}?", signer.label),
        )?;
    }
    submit(&registry, &signer, name, operation, key)?;
    let verb = if operation == OwnersOperation::Add { "Added" } else { "Removed" };
    session.shell.status(verb, format!("{key} as an owner of {name}, signed by `{}`", signer.label));
    if operation == OwnersOperation::Add {
        say_if_unlisted(session, &registry, &key, name)?;
    }
    show(session, &crate_info(&registry, name)?)
}

/// Who owns a crate may publish it; that others accept it is the domain's to say.
///
/// # Errors
/// Ctrl-C.
pub fn say_if_unlisted(
    session: &Session<'_>,
    registry: &Registry,
    key: &PublicKey,
    name: &QualifiedName,
) -> Result<(), CliError> {
    if Asking::at(session, registry).is_listed(key, name)? == Some(false) {
        warn_of_unlisted(session, key, name);
    }
    Ok(())
}

/// Signs a change and hands it in.
///
/// # Errors
/// The registry refuses.
pub fn submit(
    registry: &Registry,
    signer: &OpenKey,
    name: &QualifiedName,
    operation: OwnersOperation,
    key: PublicKey,
) -> Result<(), CliError> {
    let statement = OwnersChange {
        name: name.clone(),
        index: registry.index.clone(),
        operation,
        key,
        at: clock::now(),
        nonce: Nonce::generate().exit_with(ExitCode::Failure)?,
    };
    registry.change_owners(statement.sign(&signer.secret)).map(|_| ())
}
