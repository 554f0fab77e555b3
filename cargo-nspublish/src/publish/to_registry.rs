//! `cargo nspublish` to a registry: who may publish is settled first, then Cargo publishes.
//!
//! `cargo publish` does the packaging, the verification and the waiting for the index; the credential provider signs.
//! Members of several namespaces are published in runs of one namespace, in the order of their dependencies.

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal as _;

use cargo_namespaces::name::Namespace;
use cargo_namespaces::statement::Read;
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
use crate::plan::{Member, order};
use crate::registry::RegistryClient;

/// Publishes the selected members.
///
/// # Errors
/// Whatever stands in the way. [`ExitCode::ActionRequired`] when what is to be done was said.
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

/// A dry run ends as the run would.
fn would_end(context: &Context<'_>, ready: &BTreeMap<Namespace, ReadyNamespace<'_>>) -> ExitCode {
    let Some((namespace, exit)) = ready.iter().find_map(|(namespace, one)| Some((namespace, one.refused?)))
    else {
        return ExitCode::Ok;
    };
    context.shell.hint(format!(
        "the packages are in order; `cargo nspublish status {namespace}` says what stands in the way, and without `--dry-run` it is \
         guided from here"
    ));
    exit
}

/// A namespace that can be published to.
struct ReadyNamespace<'a> {
    cargo_args: CargoRegistryArgs,
    registry: RegistryClient<'a>,
    /// How a run would end that is no dry run: the registry does not let the key publish.
    refused: Option<ExitCode>,
}

/// Index, key and permission of one namespace. `None` when somebody must do something first.
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

/// Opens the key before anything is built. Only a key file whose passphrase Cargo's call of the credential provider is going
/// to ask for, at a terminal, waits until then; in a dry run nobody would ask.
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

/// Neighbours of one namespace together.
fn runs(members: &[Member]) -> Vec<&[Member]> {
    members.chunk_by(|one, next| one.name.namespace == next.name.namespace).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_of_one_namespace_are_published_together() {
        let member = |name: &str| Member {
            name: name.parse().unwrap(),
            version: semver::Version::new(1, 0, 0),
            after: BTreeSet::new(),
            manifest_path: "Cargo.toml".into(),
        };
        let members = ["a.example/x", "a.example/y", "b.example/z", "a.example/w"].map(member);
        let lengths: Vec<usize> = runs(&members).into_iter().map(<[Member]>::len).collect();
        assert_eq!(lengths, [2, 1, 1]);
    }
}
