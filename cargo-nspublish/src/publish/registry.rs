//! `cargo nspublish` to a registry: who may publish is settled first, then Cargo publishes.
//!
//! `cargo publish` does the packaging, the verification and the waiting for the index; the credential provider signs.
//! Members of several namespaces are published in runs of one namespace, in the order of their dependencies.

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::Duration;

use cargo_namespaces::name::{IndexUrl, Namespace};
use cargo_namespaces_cli::env::Var;
use cargo_namespaces_cli::keystore::access::{KeyAccess, Source};
use cargo_namespaces_cli::keystore::{KeyBook, SelectError, Store};
use cargo_namespaces_cli::shell::{CliError, ExitCode};
use serde_json::json;

use super::args::PublishArgs;
use super::gather::{self, Selected};
use super::target;
use super::through_cargo::{self, Way};
use super::unchanged;
use crate::args::{Protection, SetupArgs, SigningArgs};
use crate::guide::{self, Case, Outcome};
use crate::key::{place, public_side};
use crate::plan::{Member, order};
use crate::registry::Registry;
use crate::session::Session;
use crate::setup;

/// Publishes the selected members.
///
/// # Errors
/// Whatever stands in the way. [`ExitCode::ActionRequired`] when what is to be done was said.
pub fn run(session: &Session<'_>, args: &PublishArgs, selected: Selected) -> Result<ExitCode, CliError> {
    let Selected { members, registries } = selected;
    let members = order(members).map_err(|error| gather::plan_error(&error, None))?;
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
        target::settle_entry(session, namespace, registries.get(namespace), &ready.way.index)?;
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
    let index = target::index_to_publish(session, namespace, registry_name, args.instance.as_deref())?;
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

/// The key to sign with, and what opens it. Where there is no key yet, the namespace is set up first.
fn key_to_use(
    session: &Session<'_>,
    args: &PublishArgs,
    namespace: &Namespace,
    index: &IndexUrl,
) -> Result<SigningArgs, CliError> {
    let known = has_key(session, args, namespace)?;
    let given = SigningArgs { key: args.key.clone(), passphrase_file: args.passphrase_file.clone() };
    let Some(file) = args.device_file.as_deref().map(|file| session.path(file)) else {
        if !known {
            set_up(session, args, namespace, index)?;
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
        set_up(session, args, namespace, index)?;
    }
    // Run again, the same command line names the passphrase of a file that it has made before.
    let files = || args.new_passphrase_file.iter().chain(&args.passphrase_file);
    let opens = |passphrase: &&PathBuf| session.keys(Some(passphrase)).open_file(&file).is_ok();
    let passphrase_file = files().find(opens).or_else(|| files().next()).cloned();
    Ok(SigningArgs { key: Some(file.display().to_string()), passphrase_file })
}

fn has_key(session: &Session<'_>, args: &PublishArgs, namespace: &Namespace) -> Result<bool, CliError> {
    let given = args.key.is_some()
        || [Var::NamespacesKey, Var::NamespacesKeyFile].iter().any(|var| session.env.get(*var).is_some());
    let book = session.store.book()?;
    Ok(given || !matches!(book.device_for(namespace), Err(SelectError::NoKey { .. })))
}

/// Sets the namespace up: somebody is asked, or the flags say it all.
fn set_up(
    session: &Session<'_>,
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
    setup::check_files(session, &setup_args)?;
    let command = format!("cargo nspublish setup {namespace} --index {index}");
    let required = |what: &str| {
        let yes = if session.shell.assume_yes() { "" } else { " --yes" };
        CliError::new(ExitCode::ActionRequired, format!("{what}: there is no key to publish for {namespace} here"))
            .hint(format!(
                "`{command}` makes the keys on a terminal; without one `{}{yes}` makes them in encrypted files and publishes \
                 (with `--no-recovery`, no recovery key); in a build service, give a key in CARGO_NAMESPACES_KEY or \
                 CARGO_NAMESPACES_KEY_FILE",
                setup::without_questions(session, &setup_args)
            ))
    };
    if !session.shell.can_prompt() && !session.shell.assume_yes() {
        return Err(required("setting up needs a person"));
    }
    // Where there is no keyring, that is known before anything else is asked.
    let device_file = place::of_new_key(session, args.device_file.as_deref(), "device", place::DEVICE_FILE)
        .map_err(|error| setup::say_all(session, &setup_args, error))?;
    let question = format!(
        "{} is not set up here: there is no key. Its index is going to be\n  {index}\nwhich is its identity for ever.\nMake keys?",
        namespace.display_both()
    );
    if session.shell.confirm(&question, true)? != Some(true) {
        return Err(required("nothing was set up"));
    }
    setup_args.device_file = device_file;
    setup::run(session, &setup_args).map(|_| ())
}

/// Neighbours of one namespace together.
fn runs(members: &[Member]) -> Vec<&[Member]> {
    members.chunk_by(|one, next| one.name.namespace == next.name.namespace).collect()
}

/// `90`, `90s`, `10m`, `1h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait(pub Duration);

impl std::str::FromStr for Wait {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let unit = match &text[digits.len()..] {
            "" | "s" => 1,
            "m" => 60,
            "h" => 3600,
            _ => return Err("expected a time such as 90s, 10m or 1h".to_owned()),
        };
        let count: u32 = digits.parse().map_err(|_| "expected a time such as 90s, 10m or 1h".to_owned())?;
        Ok(Self(Duration::from_secs(u64::from(count) * unit)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        for (text, seconds) in [("90", 90), ("90s", 90), ("10m", 600), ("1h", 3600)] {
            assert_eq!(text.parse::<Wait>().unwrap().0.as_secs(), seconds);
        }
        for text in ["", "m", "10d", "-1s", "1.5h"] {
            assert!(text.parse::<Wait>().is_err(), "{text}");
        }
    }

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
