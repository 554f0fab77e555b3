//! `cargo nspublish owner`: who may publish further versions of a crate. A change is a statement that an owner signs.

use std::collections::BTreeMap;

use cargo_namespaces::api::CrateInfo;
use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::{IndexUrl, Namespace, QualifiedName};
use cargo_namespaces::statement::{OwnersOperation, Predicate as _, Read};
use cargo_namespaces_cli::keystore::OpenKey;
use cargo_namespaces_cli::shell::{CliError, ExitCode, Shell};
use serde_json::json;

use crate::context::Context;
use crate::guide::{PermissionCheck, warn_of_unlisted};
use crate::index_location;
use crate::key::{confirm, label, public_key};
use crate::options::{OwnerChange, OwnerCommand, SigningOptions};
use crate::registry::RegistryClient;

/// Lists, adds or removes owners.
///
/// # Errors
/// There is no such crate, the registry refuses, or there is no key to sign with.
pub fn run(context: &Context<'_>, command: &OwnerCommand) -> Result<ExitCode, CliError> {
    match command {
        OwnerCommand::List(name) => list(context, name),
        OwnerCommand::Add { change, label } => add(context, change, label.as_deref()),
        OwnerCommand::Remove(options) => {
            change(context, options, owner_of(context, options)?, OwnersOperation::Remove)
        }
    }?;
    Ok(ExitCode::Ok)
}

/// Finds the registry that hosts a namespace, and opens the key to sign with.
///
/// # Errors
/// The index does not answer or is on no registry; there is no key.
pub fn signed_in<'a>(
    context: &Context<'a>,
    namespace: &Namespace,
    options: &SigningOptions,
) -> Result<(RegistryClient<'a>, OpenKey), CliError> {
    context.check(namespace)?;
    let keys = context.keys(options.passphrase_file.as_deref());
    let key = keys.signing_key(options.key.as_deref(), namespace)?;
    let index = index_location::locate(context, namespace)?.index;
    match RegistryClient::find_any(context.network, namespace, &index, |read| Ok(read.sign(&key.secret)))? {
        Some(registry) => Ok((registry, key)),
        None => Err(no_owners(namespace, &index)),
    }
}

/// The error for a static index, where only the documents say who may publish.
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

/// Asks a registry about a crate, which must exist.
pub fn crate_info(registry: &RegistryClient<'_>, name: &QualifiedName) -> Result<CrateInfo, CliError> {
    registry
        .krate(name)?
        .ok_or_else(|| CliError::new(ExitCode::Failure, format!("{} has no crate {name}", registry.host())))
}

/// Lists the owners. A key is opened only if the index is private.
fn list(context: &Context<'_>, name: &QualifiedName) -> Result<(), CliError> {
    let namespace = &name.namespace;
    context.check(namespace)?;
    let index = index_location::locate(context, namespace)?.index;
    let sign = |read: &Read| Ok(read.sign(&context.keys(None).signing_key(None, namespace)?.secret));
    let Some(registry) = RegistryClient::find_any(context.network, namespace, &index, sign)? else {
        return Err(no_owners(namespace, &index));
    };
    let info = crate_info(&registry, name)?;
    show(context, &info)
}

fn show(context: &Context<'_>, info: &CrateInfo) -> Result<(), CliError> {
    for key in &info.owners {
        context.shell.print(context.shown(key)?);
    }
    let labels = context.store.labels()?;
    let known = info.owners.iter().filter_map(|key| Some((key.to_string(), labels.get(key)?.to_owned())));
    if let Some(to) = &info.offered_to {
        context.shell.note(format!("{} is offered to {to}", info.name));
    }
    context.shell.json(
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

/// Adds an owner. The label is set first, since an invalid one must change nothing at the registry.
fn add(context: &Context<'_>, options: &OwnerChange, label: Option<&str>) -> Result<(), CliError> {
    let key = owner_of(context, options)?;
    let Some(label) = label else { return change(context, options, key, OwnersOperation::Add) };
    label::set(context, &key, label)?;
    // From here on, messages use the new label.
    let labels = context.store.labels()?;
    let shell = Shell::new(context.common.shell.clone()).with_labels(&labels);
    change(&Context { shell: &shell, ..context.clone() }, options, key, OwnersOperation::Add)
}

/// Looks up the key. This is done once, since the same command may change the label that names it.
fn owner_of(context: &Context<'_>, options: &OwnerChange) -> Result<PublicKey, CliError> {
    public_key(context, &options.owner, options.signing.passphrase_file.as_deref())
}

fn change(
    context: &Context<'_>,
    options: &OwnerChange,
    key: PublicKey,
    operation: OwnersOperation,
) -> Result<(), CliError> {
    let name = &options.name;
    let (registry, signer) = signed_in(context, &name.namespace, &options.signing)?;
    let info = crate_info(&registry, name)?;
    let is_owner = info.owners.contains(&key);
    if is_owner == (operation == OwnersOperation::Add) {
        let state = if is_owner { "an owner already" } else { "no owner" };
        context.shell.status("Unchanged", format!("{key} is {state} of {name}"));
        return Ok(());
    }
    if operation == OwnersOperation::Remove && key == signer.secret.public() {
        confirm(
            context,
            &format!("`{}` is your own key.\nRemove it from the owners of {name}?", signer.label),
        )?;
    }
    registry.change_owner(name, operation, key, &signer.secret)?;
    let verb = if operation == OwnersOperation::Add { "Added" } else { "Removed" };
    context.shell.status(verb, format!("{key} as an owner of {name}, signed by `{}`", signer.label));
    if operation == OwnersOperation::Add {
        say_if_unlisted(context, &registry, &key, name)?;
    }
    show(context, &crate_info(&registry, name)?)
}

/// Warns if the domain does not list an owner's key: the owner may publish, but nobody accepts what the key signs.
pub fn say_if_unlisted(
    context: &Context<'_>,
    registry: &RegistryClient<'_>,
    key: &PublicKey,
    name: &QualifiedName,
) -> Result<(), CliError> {
    if PermissionCheck::at(context, registry).is_listed(key, name)? == Some(false) {
        warn_of_unlisted(context, key, name);
    }
    Ok(())
}
