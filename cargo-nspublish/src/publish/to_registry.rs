//! `cargo nspublish` to a registry.
//!
//! [`run`] first gets every namespace ready ([`prepare`]): it finds the index, the key and the registry, and asks the registry
//! whether the key may publish; if not, the guide says what to do. Then `cargo publish` packages, builds, uploads and waits for
//! the index, and asks the credential provider for the signature. Members of several namespaces are published in runs of one
//! namespace, in the order of their dependencies.

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal as _;

use cargo_namespaces::name::Namespace;
use cargo_namespaces::statement::{Predicate as _, Read};
use cargo_namespaces_cli::env::Var;
use cargo_namespaces_cli::keystore::access::{KeyAccess, Source};
use cargo_namespaces_cli::keystore::{KeyBook, Store};
use cargo_namespaces_cli::shell::{CliError, ExitCode};
use serde_json::json;

use super::already_published;
use super::first_keys::key_to_use;
use super::through_cargo::{self, CargoRegistryArgs};
use super::workspace::{self, Selection};
use crate::context::Context;
use crate::guide::{self, GuideOutcome, PermissionRequest};
use crate::index_location;
use crate::key::public_side;
use crate::options::PublishOptions;
use crate::plan::{Member, order, runs};
use crate::registry::RegistryClient;

/// Publishes the selected members.
///
/// # Errors
/// A step fails. [`ExitCode::ActionRequired`] if somebody must do something first, which was said.
pub fn run(
    context: &Context<'_>,
    options: &PublishOptions,
    selected: Selection,
) -> Result<ExitCode, CliError> {
    let Selection { members, registries } = selected;
    let members = order(members).map_err(|error| workspace::plan_error(&error, None))?;
    let namespaces: BTreeSet<&Namespace> = members.iter().map(|member| &member.name.namespace).collect();
    let mut ready = BTreeMap::new();
    for namespace in namespaces {
        let of: Vec<&Member> = members.iter().filter(|member| member.name.namespace == *namespace).collect();
        match prepare(context, options, namespace, registries.get(namespace), &of)? {
            Some(one) => ready.insert(namespace.clone(), one),
            None => return Ok(ExitCode::ActionRequired),
        };
    }
    let mut published = BTreeSet::new();
    for run in runs(&members) {
        let ReadyNamespace { cargo_args, registry, .. } = &ready[&run[0].name.namespace];
        let new = already_published::leave_out(context, options, cargo_args, registry, run)?;
        if !new.is_empty() {
            through_cargo::publish(context, options, cargo_args, &new)?;
        }
        published.extend(new.into_iter().map(|member| member.name));
    }
    if options.dry_run {
        return Ok(would_end(context, &ready));
    }
    for (namespace, ready) in &ready {
        index_location::settle_entry(context, namespace, registries.get(namespace), &ready.cargo_args.index)?;
    }
    for member in &members {
        let ready = &ready[&member.name.namespace];
        context.shell.json(
            "published",
            &json!({
                "namespace": member.name.namespace, "crate": member.name.krate, "version": member.version,
                "index": ready.cargo_args.index, "unchanged": !published.contains(&member.name),
            }),
        );
    }
    Ok(ExitCode::Ok)
}

/// The exit code of a dry run: that of the run.
fn would_end(context: &Context<'_>, ready: &BTreeMap<Namespace, ReadyNamespace<'_>>) -> ExitCode {
    let Some((namespace, exit)) = ready.iter().find_map(|(namespace, one)| Some((namespace, one.refused?)))
    else {
        return ExitCode::Ok;
    };
    context.shell.hint(format!(
        "the packages are valid; `cargo nspublish status {namespace}` shows what is missing, and without `--dry-run` the \
         command guides through it"
    ));
    exit
}

/// A namespace that can be published to.
struct ReadyNamespace<'a> {
    cargo_args: CargoRegistryArgs,
    registry: RegistryClient<'a>,
    /// In a dry run, the exit code of the run, if the registry does not let the key publish.
    refused: Option<ExitCode>,
}

/// Finds index, key and registry of one namespace, and asks for permission. Returns `None` if somebody must do something first.
fn prepare<'a>(
    context: &Context<'a>,
    options: &PublishOptions,
    namespace: &Namespace,
    registry_name: Option<&String>,
    members: &[&Member],
) -> Result<Option<ReadyNamespace<'a>>, CliError> {
    let index =
        index_location::index_to_publish(context, namespace, registry_name, options.instance.as_deref())?;
    let signing = key_to_use(context, options, namespace, &index)?;
    let keys = context.keys(signing.passphrase_file.as_deref());
    let book = context.store.book()?;
    let source = keys.source(&book, signing.key.as_deref(), Some(namespace))?;
    let (key, label) = public_side(context, &signing, &source)?;
    check_opens(context, &keys, &book, &source, options.dry_run)?;
    let sign = |read: &Read| Ok(read.sign(&keys.open(&book, &source)?.secret));
    let registry = RegistryClient::find(context.network, namespace, &index, sign)?;
    let names = members.iter().map(|member| member.name.clone()).collect();
    context
        .shell
        .status("Asking", format!("{} whether `{label}` may publish for {namespace}", registry.host()));
    let request = PermissionRequest { context, registry: &registry, key, label, names };
    let mut refused = None;
    if options.dry_run {
        if let Some(blocked) = request.ask()? {
            context.shell.warn(format!("{} would refuse: {}", registry.host(), blocked.answer.message));
            refused = Some(PermissionRequest::would_end(&blocked));
        }
    } else if guide::ensure(&request, options.wait)? == GuideOutcome::ActionRequired {
        return Ok(None);
    }
    let reading = registry.reading().map(str::to_owned);
    let mut cargo_args =
        CargoRegistryArgs::open(context, namespace, index, registry_name, &source, reading.as_deref())?;
    cargo_args.passphrase_file = signing.passphrase_file;
    Ok(Some(ReadyNamespace { cargo_args, registry, refused }))
}

/// Opens the key before anything is built, so that a wrong passphrase is noticed early. A key file whose passphrase the
/// credential provider will ask for at the terminal is opened only then, but not in a dry run, where nobody would ask.
fn check_opens(
    context: &Context<'_>,
    keys: &KeyAccess<'_>,
    book: &KeyBook,
    source: &Source,
    dry_run: bool,
) -> Result<(), CliError> {
    let Source::Book(key) = source else { return Ok(()) };
    let Some(entry) = book.get(key) else { return Ok(()) };
    let given = keys.passphrase_file.is_some()
        || [Var::NamespacesKeyPassphrase, Var::NamespacesNewKeyPassphrase]
            .iter()
            .any(|var| context.env.get(*var).is_some());
    let is_asked_later = matches!(entry.store, Store::File(_)) && !given && std::io::stderr().is_terminal();
    if dry_run || !is_asked_later {
        keys.open_entry(key, entry)?;
    }
    Ok(())
}
