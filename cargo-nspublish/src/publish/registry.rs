//! `cargo nspublish` to a registry: who may publish is settled first, then Cargo publishes.
//!
//! `cargo publish` does the packaging, the verification and the waiting for the index; the credential provider signs.
//! Members of several namespaces are published in runs of one namespace, in the order of their dependencies.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use cargo_namespaces::env::Var;
use cargo_namespaces::keystore::SelectError;
use cargo_namespaces::name::{IndexUrl, Namespace};
use cargo_namespaces::shell::{CliError, ExitCode};
use serde_json::json;

use super::args::PublishArgs;
use super::gather::{self, Selected};
use super::target;
use super::through_cargo::{self, Way};
use crate::args::{SetupArgs, SigningArgs};
use crate::guide::{self, Case, Outcome};
use crate::key::public_side;
use crate::plan::{Member, order};
use crate::registry::Registry;
use crate::session::Session;
use crate::setup;

/// Publishes the selected members.
///
/// # Errors
/// Whatever stands in the way. [`ExitCode::ActionRequired`] when what is to be done was said.
pub fn run(session: &Session<'_>, args: &PublishArgs) -> Result<ExitCode, CliError> {
    let Selected { members, registries } = gather::members(session, args)?;
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
    for run in runs(&members) {
        through_cargo::publish(session, args, &ready[&run[0].name.namespace], run)?;
    }
    if !args.dry_run {
        for (namespace, ready) in &ready {
            target::settle_entry(session, namespace, registries.get(namespace), &ready.index)?;
        }
        for member in &members {
            let ready = &ready[&member.name.namespace];
            session.shell.json(
                "published",
                &json!({
                    "namespace": member.name.namespace, "crate": member.name.krate, "version": member.version,
                    "index": ready.index,
                }),
            );
        }
    }
    Ok(ExitCode::Ok)
}

/// Index, key and permission of one namespace. `None` when somebody must do something first.
fn prepare(
    session: &Session<'_>,
    args: &PublishArgs,
    namespace: &Namespace,
    registry_name: Option<&String>,
    members: &[&Member],
) -> Result<Option<Way>, CliError> {
    let index = target::index_to_publish(session, namespace, registry_name, args.instance.as_deref())?;
    if !has_key(session, args, namespace)? {
        set_up(session, namespace, &index)?;
    }
    let passphrase_file = args.passphrase_file.as_deref().map(|path| session.path(path));
    let keys = session.keys(passphrase_file.as_deref());
    let book = session.store.book()?;
    let source = keys.source(&book, args.key.as_deref(), Some(namespace))?;
    let signing = SigningArgs { key: args.key.clone(), passphrase_file: args.passphrase_file.clone() };
    let (key, label) = public_side(session, &signing, &source)?;
    let open = || keys.open(&book, &source).map(|open| open.secret);
    let registry = Registry::find(session, namespace, &index, open)?;
    let names = members.iter().map(|member| member.name.clone()).collect();
    session
        .shell
        .status("Asking", format!("{} whether `{label}` may publish for {namespace}", registry.host()));
    let case = Case { session, registry: &registry, key, label, names };
    if args.dry_run {
        if let Some(blocked) = case.ask()? {
            session.shell.warn(format!("{} would refuse: {}", registry.host(), blocked.answer.message));
        }
    } else if guide::ensure(&case, args.wait.map(|wait| wait.0))? == Outcome::ActionRequired {
        return Ok(None);
    }
    let reading = registry.reading().map(str::to_owned);
    Way::open(session, namespace, index, registry_name, &source, reading.as_deref()).map(Some)
}

fn has_key(session: &Session<'_>, args: &PublishArgs, namespace: &Namespace) -> Result<bool, CliError> {
    let given = args.key.is_some()
        || [Var::NamespacesKey, Var::NamespacesKeyFile].iter().any(|var| session.env.get(*var).is_some());
    let book = session.store.book()?;
    Ok(given || !matches!(book.device_for(namespace), Err(SelectError::NoKey { .. })))
}

/// Sets the namespace up, where somebody can be asked.
fn set_up(session: &Session<'_>, namespace: &Namespace, index: &IndexUrl) -> Result<(), CliError> {
    let command = format!("cargo nspublish setup {namespace} --index {index}");
    let question = format!(
        "{} is not set up here: there is no key. Make keys, with the index {index}, which is its identity for ever?",
        namespace.display_both()
    );
    let required = |what: &str| {
        CliError::new(ExitCode::ActionRequired, format!("{what}: there is no key to publish for {namespace} here"))
            .hint(format!("`{command}` makes the keys; in a build service, give one in CARGO_NAMESPACES_KEY or CARGO_NAMESPACES_KEY_FILE"))
    };
    if !session.shell.can_prompt() {
        return Err(required("setting up needs a person"));
    }
    if session.shell.confirm(&question, true)? != Some(true) {
        return Err(required("nothing was set up"));
    }
    let args = SetupArgs {
        namespace: Some(namespace.clone()),
        index: Some(index.clone()),
        quiet_records: true,
        ..SetupArgs::default()
    };
    setup::run(session, &args).map(|_| ())
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
