//! `cargo nspublish` to a registry: who may publish is settled first, then Cargo publishes.
//!
//! `cargo publish` does the packaging, the verification and the waiting for the index; the credential provider signs.
//! Members of several namespaces are published in runs of one namespace, in the order of their dependencies.

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal as _;

use cargo_namespaces::env::Var;
use cargo_namespaces::keystore::access::{KeyAccess, Source};
use cargo_namespaces::keystore::{KeyBook, Store};
use cargo_namespaces::name::Namespace;
use cargo_namespaces::shell::{CliError, ExitCode};
use serde_json::json;

use super::first_keys::key_to_use;
use super::through_cargo::{self, Way};
use super::unchanged;
use super::workspace::{self, Selected};
use crate::flags::PublishArgs;
use crate::guide::{self, Case, Outcome};
use crate::index_location;
use crate::key::public_side;
use crate::plan::{Member, order};
use crate::registry::Registry;
use crate::session::Session;

/// Publishes the selected members.
///
/// # Errors
/// Whatever stands in the way. [`ExitCode::ActionRequired`] when what is to be done was said.
pub fn run(session: &Session<'_>, args: &PublishArgs, selected: Selected) -> Result<ExitCode, CliError> {
    let Selected { members, registries } = selected;
    let members = order(members).map_err(|error| workspace::plan_error(&error, None))?;
    let namespaces: BTreeSet<&Namespace> = members.iter().map(|member| &member.name.namespace).collect();
    let mut ready = BTreeMap::new();
    for namespace in namespaces {
        let of: Vec<&Member> = members.iter().filter(|member| member.name.namespace == *namespace).collect();
        match prepare(session, args, namespace, registries.get(namespace), &of)? {
            Some(one) => ready.insert(namespace.clone(), one),
            None => return Ok(ExitCode::ActionRequired),
        };
    }
    let mut published = BTreeSet::new();
    for run in runs(&members) {
        let Ready { way, registry, .. } = &ready[&run[0].name.namespace];
        let new = unchanged::leave_out(session, args, way, registry, run)?;
        if !new.is_empty() {
            through_cargo::publish(session, args, way, &new)?;
        }
        published.extend(new.into_iter().map(|member| member.name));
    }
    if args.dry_run {
        return Ok(would_end(session, &ready));
    }
    for (namespace, ready) in &ready {
        index_location::settle_entry(session, namespace, registries.get(namespace), &ready.way.index)?;
    }
    for member in &members {
        let ready = &ready[&member.name.namespace];
        session.shell.json(
            "published",
            &json!({
                "namespace": member.name.namespace, "crate": member.name.krate, "version": member.version,
                "index": ready.way.index, "unchanged": !published.contains(&member.name),
            }),
        );
    }
    Ok(ExitCode::Ok)
}

/// A dry run ends as the run would.
fn would_end(session: &Session<'_>, ready: &BTreeMap<Namespace, Ready>) -> ExitCode {
    let Some((namespace, exit)) = ready.iter().find_map(|(namespace, one)| Some((namespace, one.refused?)))
    else {
        return ExitCode::Ok;
    };
    session.shell.hint(format!(
        "the packages are in order; `cargo nspublish status {namespace}` says what stands in the way, and without `--dry-run` it is \
         guided from here"
    ));
    exit
}

/// A namespace that can be published to.
struct Ready {
    way: Way,
    registry: Registry,
    /// How a run would end that is no dry run: the registry does not let the key publish.
    refused: Option<ExitCode>,
}

/// Index, key and permission of one namespace. `None` when somebody must do something first.
fn prepare(
    session: &Session<'_>,
    args: &PublishArgs,
    namespace: &Namespace,
    registry_name: Option<&String>,
    members: &[&Member],
) -> Result<Option<Ready>, CliError> {
    let index =
        index_location::index_to_publish(session, namespace, registry_name, args.instance.as_deref())?;
    let signing = key_to_use(session, args, namespace, &index)?;
    let keys = session.keys(signing.passphrase_file.as_deref());
    let book = session.store.book()?;
    let source = keys.source(&book, signing.key.as_deref(), Some(namespace))?;
    let (key, label) = public_side(session, &signing, &source)?;
    check_opens(session, &keys, &book, &source, args.dry_run)?;
    let open = || keys.open(&book, &source).map(|open| open.secret);
    let registry = Registry::find(session, namespace, &index, open)?;
    let names = members.iter().map(|member| member.name.clone()).collect();
    session
        .shell
        .status("Asking", format!("{} whether `{label}` may publish for {namespace}", registry.host()));
    let case = Case { session, registry: &registry, key, label, names };
    let mut refused = None;
    if args.dry_run {
        if let Some(blocked) = case.ask()? {
            session.shell.warn(format!("{} would refuse: {}", registry.host(), blocked.answer.message));
            refused = Some(case.would_end(&blocked));
        }
    } else if guide::ensure(&case, args.wait.map(|wait| wait.0))? == Outcome::ActionRequired {
        return Ok(None);
    }
    let reading = registry.reading().map(str::to_owned);
    let mut way = Way::open(session, namespace, index, registry_name, &source, reading.as_deref())?;
    way.passphrase_file = signing.passphrase_file;
    Ok(Some(Ready { way, registry, refused }))
}

/// Opens the key before anything is built. Only a key file whose passphrase Cargo's call of the credential provider is going
/// to ask for, at a terminal, waits until then; in a dry run nobody would ask.
fn check_opens(
    session: &Session<'_>,
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
            .any(|var| session.env.get(*var).is_some());
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
