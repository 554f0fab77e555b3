//! `setup`: the keys of a namespace, and what its domain publishes about them.
//!
//! It makes, or reuses, a device key that signs releases and a recovery key that stays offline; the device key endorses
//! the recovery key; both tokens go into the documents. Run again, it changes nothing and prints the same.

use std::path::{Path, PathBuf};

use cargo_namespaces::clock;
use cargo_namespaces::env::Var;
use cargo_namespaces::key::PublicKey;
use cargo_namespaces::keystore::access::Source;
use cargo_namespaces::keystore::{KeyName, KeystoreError, OpenKey, Role, SelectError, Store};
use cargo_namespaces::manifest::ManifestInfo;
use cargo_namespaces::name::{IndexUrl, Namespace};
use cargo_namespaces::shell::{CliError, Context as _, ExitCode};
use serde_json::json;

use crate::args::SetupArgs;
use crate::guide;
use crate::key::{NewKey, PreparedKey, entry};
use crate::publish::lock;
use crate::publisher::{Publisher, WellKnown};
use crate::session::Session;

/// Where the device key comes from.
enum Device {
    New(PreparedKey),
    /// With the file that it is in, if a file was named.
    Open(OpenKey, Option<PathBuf>),
}

/// Where the recovery key comes from.
enum Recovery {
    None,
    Known(Vec<PublicKey>),
    Open(OpenKey, PathBuf),
    New(PreparedKey),
}

/// Sets a namespace up.
///
/// # Errors
/// No namespace is named, another index was declared before, a key cannot be made or opened, a document not written.
pub fn run(session: &Session<'_>, args: &SetupArgs) -> Result<ExitCode, CliError> {
    let namespace = namespace(session, args)?;
    session.check(&namespace)?;
    let _lock = lock(session)?;
    let mut publisher = documents(session, args, &namespace)?;
    // What has to be asked is asked before anything is made.
    let device = plan_device(session, args, &namespace)?;
    let recovery = plan_recovery(session, args, &publisher)?;
    let device = device_key(session, &namespace, device)?;
    let device_key = device.secret.public();
    if publisher.revocation(&device_key).is_some() {
        return Err(CliError::new(
            ExitCode::Refused,
            format!("the key `{}` is revoked for {namespace}", device.label),
        )
        .hint("name another with `--key`, or make one with `--new-key NAME`"));
    }
    let recovery = recovery_keys(session, &namespace, recovery)?;
    if !publisher.doc.authorized_keys.is_empty() && !publisher.lists(&device_key) {
        vouch(session, &mut publisher, &device_key)?;
    }
    publisher.list(&device_key);
    for key in &recovery {
        publisher.endorse(&device.secret, key, true, clock::now()).exit_with(ExitCode::Failure)?;
        publisher.list(key);
    }
    publisher.save(session)?;
    report(session, args, &publisher, &device, &recovery)?;
    Ok(ExitCode::Ok)
}

/// The namespace of the command line, or of the package here.
fn namespace(session: &Session<'_>, args: &SetupArgs) -> Result<Namespace, CliError> {
    if let Some(namespace) = &args.namespace {
        return Ok(namespace.clone());
    }
    let manifest = match &session.common.manifest_path {
        Some(path) => session.path(path),
        None => session.directory.join("Cargo.toml"),
    };
    let declared = match cargo_namespaces::fs::read_to_string_if_exists(&manifest)? {
        Some(text) => {
            let info = ManifestInfo::parse(&text).with_context(ExitCode::InvalidInput, || {
                format!("failed to read `{}`", manifest.display())
            })?;
            info.package.and_then(|package| package.namespace)
        }
        None => None,
    };
    declared.ok_or_else(|| {
        CliError::usage("no namespace is named, and no package here names one")
            .hint("`cargo nspublish setup serde.rs`, with a domain of yours")
    })
}

/// The documents as they are, or new ones.
fn documents(session: &Session<'_>, args: &SetupArgs, namespace: &Namespace) -> Result<Publisher, CliError> {
    if args.change_index && args.index.is_none() {
        return Err(CliError::usage("`--change-index` needs `--index URL`"));
    }
    let instead = args.index.as_ref().filter(|_| args.change_index);
    let Some(found) = Publisher::find_for(session, &args.site, namespace, instead)? else {
        let index = args.index.clone().unwrap_or_else(|| IndexUrl::default_for(namespace));
        return Ok(Publisher::new(namespace.clone(), index));
    };
    match &args.index {
        Some(index) if *index != found.index => Err(CliError::new(
            ExitCode::ActionRequired,
            format!("{namespace} was set up with another index: {}", found.index),
        )
        .because(
            "the index is the namespace's identity: it stands in every lock file and every signature, and whoever \
             has added a crate already is stopped when it changes",
        )
        .hint(
            "to move the hosting, keep the URL and use DNS or a redirect; while nothing is published, add \
             `--change-index`",
        )),
        _ => Ok(found),
    }
}

/// Which key is to sign releases.
fn plan_device(session: &Session<'_>, args: &SetupArgs, namespace: &Namespace) -> Result<Device, CliError> {
    if let Some(file) = &args.device_file {
        let file = session.path(file);
        if file.exists() {
            let key = open(session, args, &Source::File(file.clone()))?;
            return Ok(Device::Open(key, Some(file)));
        }
        return new_device(session, args, namespace);
    }
    if args.new_key.is_some() {
        return new_device(session, args, namespace);
    }
    let book = session.store.book()?;
    let given = args.key.is_some()
        || [Var::NamespacesKey, Var::NamespacesKeyFile].iter().any(|var| session.env.get(*var).is_some());
    if !given && matches!(book.device_for(namespace), Err(SelectError::NoKey { .. })) {
        return new_device(session, args, namespace);
    }
    let source = session.keys(None).source(&book, args.key.as_deref(), Some(namespace))?;
    if let Source::Book(key) = &source
        && let Some(entry) = book.get(key)
    {
        if entry.role == Role::Recovery {
            let error = format!("`{}` is a recovery key: it does not sign releases", entry.name);
            return Err(CliError::usage(error).hint("name a device key, or make one with `--new-key NAME`"));
        }
        if !given && !entry.namespaces.contains(namespace) {
            let question = format!("Use the key `{}` for {} too?", entry.name, namespace.display_both());
            if session.shell.confirm(&question, true)? == Some(false) {
                return new_device(session, args, namespace);
            }
        }
    }
    let file = if let Source::File(file) = &source { Some(session.path(file)) } else { None };
    Ok(Device::Open(open(session, args, &source)?, file))
}

/// Prepares a new device key.
fn new_device(session: &Session<'_>, args: &SetupArgs, namespace: &Namespace) -> Result<Device, CliError> {
    let new = NewKey {
        name: args.new_key.as_deref(),
        default_name: "device",
        role: Role::Device,
        namespaces: std::slice::from_ref(namespace),
        file: args.device_file.as_deref(),
        protection: &args.protection,
    };
    new.prepare(session).map(Device::New)
}

/// The device key, kept or opened, registered for the namespace.
fn device_key(session: &Session<'_>, namespace: &Namespace, plan: Device) -> Result<OpenKey, CliError> {
    match plan {
        Device::New(key) => {
            let (secret, entry) = key.keep(session)?;
            Ok(OpenKey { secret, label: entry.name.to_string() })
        }
        Device::Open(key, file) => {
            register(session, &key.secret.public(), Role::Device, file, namespace)?;
            session.shell.status("Using", format!("the key `{}` to sign releases", key.label));
            Ok(key)
        }
    }
}

/// Which recovery key there is to be.
fn plan_recovery(
    session: &Session<'_>,
    args: &SetupArgs,
    publisher: &Publisher,
) -> Result<Recovery, CliError> {
    let namespace = &publisher.namespace;
    if let Some(file) = &args.recovery_file {
        return recovery_file(session, args, namespace, session.path(file));
    }
    let book = session.store.book()?;
    let mut known: Vec<PublicKey> =
        book.registered(namespace, Role::Recovery).into_iter().map(|(key, _)| *key).collect();
    known.extend(publisher.recovery_keys().into_iter().filter(|key| book.get(key).is_none()));
    if !known.is_empty() {
        return Ok(Recovery::Known(known));
    }
    if args.no_recovery {
        session.shell.warn(
            "without a recovery key, nothing revokes a lost device key and nothing succeeds it: everybody who trusts it has \
             to be told by other means",
        );
        return Ok(Recovery::None);
    }
    let question = "Where to write the recovery key (best on a medium that you take out)";
    match session.shell.input(question, &format!("{namespace}-recovery.pem"))? {
        Some(file) => recovery_file(session, args, namespace, session.path(Path::new(file.trim()))),
        None => Err(CliError::new(ExitCode::ActionRequired, "the recovery key needs a place")
            .because("it revokes a lost device key and endorses the next one, so it must not be on the same machine")
            .hint("name a new file with `--recovery-file FILE`, or do without with `--no-recovery`")),
    }
}

/// The recovery key in a file, or a new one for it.
fn recovery_file(
    session: &Session<'_>,
    args: &SetupArgs,
    namespace: &Namespace,
    file: PathBuf,
) -> Result<Recovery, CliError> {
    if file.exists() {
        return Ok(Recovery::Open(open(session, args, &Source::File(file.clone()))?, file));
    }
    let name = format!("{namespace}-recovery");
    let new = NewKey {
        name: None,
        // A long domain makes a name too long for a key.
        default_name: if KeyName::parse(&name).is_ok() { &name } else { "recovery" },
        role: Role::Recovery,
        namespaces: std::slice::from_ref(namespace),
        file: Some(&file),
        protection: &args.protection,
    };
    new.prepare(session).map(Recovery::New)
}

/// The recovery keys, kept or opened where they are not known.
fn recovery_keys(
    session: &Session<'_>,
    namespace: &Namespace,
    plan: Recovery,
) -> Result<Vec<PublicKey>, CliError> {
    match plan {
        Recovery::None => Ok(Vec::new()),
        Recovery::Known(keys) => Ok(keys),
        Recovery::Open(key, file) => {
            let key = key.secret.public();
            register(session, &key, Role::Recovery, Some(file), namespace)?;
            Ok(vec![key])
        }
        Recovery::New(key) => Ok(vec![key.keep(session)?.0.public()]),
    }
}

fn open(session: &Session<'_>, args: &SetupArgs, source: &Source) -> Result<OpenKey, CliError> {
    let book = session.store.book()?;
    let passphrase_file = args.protection.passphrase_file.as_deref().map(|path| session.path(path));
    session.keys(passphrase_file.as_deref()).open(&book, source)
}

/// Registers a key for the namespace; one that comes from a file is entered if it is new.
fn register(
    session: &Session<'_>,
    key: &PublicKey,
    role: Role,
    file: Option<PathBuf>,
    namespace: &Namespace,
) -> Result<(), CliError> {
    session.store.update(|book| -> Result<(), KeystoreError> {
        if let Some(known) = book.get_mut(key) {
            known.namespaces.insert(namespace.clone());
        } else if let Some(file) = file {
            let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            let wanted = KeyName::parse(stem).or_else(|_| KeyName::parse(role.as_str()))?;
            let name = book.free_name(&wanted);
            book.add(*key, entry(name, role, Store::File(file), std::slice::from_ref(namespace)))?;
        }
        Ok(())
    })?;
    Ok(())
}

/// Another device key of the namespace vouches for the new one, so that who pinned that one accepts this one.
fn vouch(session: &Session<'_>, publisher: &mut Publisher, key: &PublicKey) -> Result<(), CliError> {
    let book = session.store.book()?;
    let namespace = publisher.namespace.clone();
    for (other, entry) in book.registered(&namespace, Role::Device) {
        if other == key || !publisher.lists(other) || publisher.revocation(other).is_some() {
            continue;
        }
        if let Ok(open) = session.keys(None).open_entry(other, entry) {
            publisher.endorse(&open.secret, key, false, clock::now()).exit_with(ExitCode::Failure)?;
            session.shell.status("Endorsed", format!("the new key by `{}`", entry.name));
            return Ok(());
        }
    }
    session.shell.warn(format!(
        "no key that {namespace} lists already vouches for the new one: projects that trust the listed keys are stopped at \
         its first release, until they say `--trust`; `key rotate` on the machine that has such a key avoids that"
    ));
    Ok(())
}

/// Writes the documents where the flags say, and prints them.
fn report(
    session: &Session<'_>,
    args: &SetupArgs,
    publisher: &Publisher,
    device: &OpenKey,
    recovery: &[PublicKey],
) -> Result<(), CliError> {
    let namespace = &publisher.namespace;
    let place = WellKnown::named(session, &args.site, namespace, &publisher.index);
    if let Some(place) = &place {
        publisher.write_well_known(session, place)?;
    }
    session.shell.json(
        "setup",
        &json!({
            "namespace": namespace,
            "index": publisher.index,
            "device_key": device.secret.public().to_string(),
            "recovery_keys": recovery.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "records": publisher.records(),
            "package_namespace_json": publisher.doc.to_json(),
        }),
    );
    let what = if place.is_some() { "The site has them now; they are" } else { "Publish these" };
    session.shell.say(format!("\n{what} for {}:\n", namespace.display_both()));
    guide::print(session, publisher);
    if recovery.is_empty() {
        return Ok(());
    }
    session.shell.say(
        "Take the recovery key's file off this machine now. It is needed when the device key is lost or stolen:\n\
         `cargo nspublish key revoke` and `key rotate` then sign with it.",
    );
    Ok(())
}
