//! The device key and the recovery key: planned, then kept.

use std::path::PathBuf;

use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::Namespace;
use cargo_namespaces_cli::env::Var;
use cargo_namespaces_cli::keystore::access::Source;
use cargo_namespaces_cli::keystore::{KeyName, KeystoreError, OpenKey, Role, SelectError, Store};
use cargo_namespaces_cli::shell::{CliError, ExitCode};

use super::grants::Grants;
use crate::args::{Protection, SetupArgs};
use crate::guide::resume_command;
use crate::key::{NewKey, PreparedKey, entry, place};
use crate::publisher::Publisher;
use crate::session::Session;

/// Where the device key comes from.
pub enum Device {
    New(PreparedKey),
    /// With the file that it is in, if a file was named.
    Open(OpenKey, Option<PathBuf>),
}

impl Device {
    /// Whether a file is going to be written for it.
    fn is_new_file(&self) -> bool {
        matches!(self, Self::New(key) if key.is_for_a_file())
    }
}

/// Where the recovery key comes from.
pub enum Recovery {
    None,
    Known(Vec<PublicKey>),
    Open(OpenKey, PathBuf),
    New(PreparedKey),
}

/// Which key is to sign releases.
pub fn plan_device(
    session: &Session<'_>,
    args: &SetupArgs,
    namespace: &Namespace,
) -> Result<Device, CliError> {
    if args.device_file.is_some() || args.new_key.is_some() {
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
            let question =
                format!("{} has no key here yet.\nUse the key `{}`?", namespace.display_both(), entry.name);
            if session.shell.confirm(&question, true)? == Some(false) {
                return new_device(session, args, namespace);
            }
        }
    }
    let file = if let Source::File(file) = &source { Some(session.path(file)) } else { None };
    Ok(Device::Open(open(session, args, &source)?, file))
}

/// Prepares a new device key. A file that is there already holds it.
fn new_device(session: &Session<'_>, args: &SetupArgs, namespace: &Namespace) -> Result<Device, CliError> {
    let name = args.new_key.as_deref();
    let named = args.device_file.as_deref();
    let file = place::of_new_key(session, named, name.unwrap_or("device"), place::DEVICE_FILE)
        .map_err(|error| say_all(session, args, error))?;
    if let Some(file) = file.as_ref().filter(|file| file.exists()) {
        let key = open(session, args, &Source::File(file.clone()))?;
        return Ok(Device::Open(key, Some(file.clone())));
    }
    let new = NewKey {
        name,
        default_name: "device",
        role: Role::Device,
        namespaces: std::slice::from_ref(namespace),
        file,
        plain: args.protection.plain,
        given: args.protection.of_device(session),
    };
    new.prepare(session).map(Device::New)
}

/// Where nobody can be asked, one command line does it all.
pub fn say_all(session: &Session<'_>, args: &SetupArgs, error: CliError) -> CliError {
    if error.exit() != ExitCode::ActionRequired || session.shell.can_prompt() {
        return error;
    }
    let hint = format!(
        "`{}` makes the keys in encrypted files and asks nothing; `--no-recovery` makes no recovery key.\n{}",
        without_questions(session, args),
        error.hint_text().unwrap_or_default()
    );
    error.hint(hint)
}

/// The device key, kept or opened, registered for the namespace.
pub fn device_key(session: &Session<'_>, namespace: &Namespace, plan: Device) -> Result<OpenKey, CliError> {
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

/// Refuses one file for both keys.
///
/// # Errors
/// The flags name one.
pub fn check_files(session: &Session<'_>, args: &SetupArgs) -> Result<(), CliError> {
    let [device, recovery] =
        [&args.device_file, &args.recovery_file].map(|file| file.as_deref().map(|file| session.path(file)));
    match device {
        Some(file) if recovery.as_ref() == Some(&file) => {
            let error = format!("`--device-file` and `--recovery-file` both name `{}`", file.display());
            Err(CliError::usage(error)
                .hint("name another file for the recovery key, best on a medium that you take out"))
        }
        _ => Ok(()),
    }
}

/// The command line that was run, with the flags that are missing to make keys in files without a question.
pub fn without_questions(session: &Session<'_>, args: &SetupArgs) -> String {
    let has = |var: Var| session.env.get(var).is_some();
    let protection = &args.protection;
    let mut line = resume_command();
    for (is_there, flag) in [
        (args.device_file.is_some(), "--device-file FILE"),
        (
            protection.plain
                || protection.new_passphrase_file.is_some()
                || has(Var::NamespacesNewKeyPassphrase),
            "--new-passphrase-file FILE",
        ),
        (args.no_recovery || args.recovery_file.is_some(), "--recovery-file FILE"),
        (
            protection.plain
                || args.no_recovery
                || protection.passphrase_file.is_some()
                || has(Var::NamespacesKeyPassphrase),
            "--passphrase-file FILE",
        ),
    ] {
        if !is_there {
            line.push(' ');
            line.push_str(flag);
        }
    }
    line
}

/// Which recovery key there is to be.
pub fn plan_recovery(
    session: &Session<'_>,
    args: &SetupArgs,
    grants: &Grants,
    publisher: &Publisher,
    device: &Device,
) -> Result<Recovery, CliError> {
    let namespace = &publisher.namespace;
    if let Some(file) = &args.recovery_file {
        return recovery_file(session, args, namespace, session.path(file), device);
    }
    let book = session.store.book()?;
    let mut known: Vec<PublicKey> =
        book.registered(namespace, Role::Recovery).into_iter().map(|(key, _)| *key).collect();
    known.extend(publisher.recovery_keys().into_iter().filter(|key| book.get(key).is_none()));
    known.retain(|key| !grants.drops(key));
    if !known.is_empty() {
        return Ok(Recovery::Known(known));
    }
    // Who did without one is not asked again: only for a new device key, or a namespace that is new here.
    if matches!(device, Device::Open(..)) && !publisher.doc.authorized_keys.is_empty() {
        return Ok(Recovery::None);
    }
    if args.no_recovery {
        session.shell.warn(
            "without a recovery key, nothing revokes a lost device key and nothing succeeds it: everybody who trusts it has \
             to be told by other means",
        );
        return Ok(Recovery::None);
    }
    let question = "Where to write the recovery key? It revokes a lost device key and endorses the next one, so it is best kept on a\n\
                    medium that you take out.\nRecovery key file";
    let default = place::default_file(session, &format!("{namespace}-recovery"));
    match session.shell.input(question, &default.display().to_string())? {
        Some(typed) => recovery_file(session, args, namespace, place::typed_path(session, &typed), device),
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
    device: &Device,
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
        file: Some(file),
        plain: args.protection.plain,
        given: args.protection.of_recovery(session, device.is_new_file()),
    };
    new.prepare(session).map(Recovery::New)
}

/// The recovery keys, kept or opened where they are not known.
pub fn recovery_keys(
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
    let Protection { passphrase_file, new_passphrase_file, .. } = &args.protection;
    let mut keys = session.keys(passphrase_file.as_deref());
    keys.new_passphrase_file = new_passphrase_file.as_deref().map(|file| session.path(file));
    keys.open(&book, source)
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
