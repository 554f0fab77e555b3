//! The device key and the recovery key of a set-up. First it is decided which they are, and everything is asked; then they are
//! made and kept.

use std::path::PathBuf;

use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::Namespace;
use cargo_namespaces_cli::env::Var;
use cargo_namespaces_cli::keystore::access::Source;
use cargo_namespaces_cli::keystore::{KeyName, KeystoreError, OpenKey, Role, SelectError, Store};
use cargo_namespaces_cli::shell::{CliError, ExitCode};

use super::grants::Grants;
use crate::context::{Context, resume_command};
use crate::documents::NamespaceDocuments;
use crate::key::storage::{self, NoStorage};
use crate::key::{NewKey, PreparedKey, entry, is_named};
use crate::options::{KeyFileOptions, SetupKeyOptions};

/// Where the device key comes from.
pub enum DevicePlan {
    New(PreparedKey),
    /// One that exists, with its file, if a file was named.
    Open(OpenKey, Option<PathBuf>),
}

impl DevicePlan {
    /// Whether a file will be written for it.
    fn is_new_file(&self) -> bool {
        matches!(self, Self::New(key) if key.is_for_a_file())
    }
}

/// Where the recovery key comes from.
pub enum RecoveryPlan {
    None,
    Known(Vec<PublicKey>),
    Open(OpenKey, PathBuf),
    New(PreparedKey),
}

/// Decides which key is to sign releases.
pub fn plan_device(
    context: &Context<'_>,
    keys: &SetupKeyOptions,
    namespace: &Namespace,
) -> Result<DevicePlan, CliError> {
    if keys.device_file.is_some() || keys.new_key.is_some() {
        return new_device(context, keys, namespace);
    }
    let book = context.store.book()?;
    let given = is_named(context, keys.key.as_deref());
    if !given && matches!(book.device_for(namespace), Err(SelectError::NoKey { .. })) {
        return new_device(context, keys, namespace);
    }
    let source = context.keys(None).source(&book, keys.key.as_deref(), Some(namespace))?;
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
            if context.shell.confirm(&question, true)? == Some(false) {
                return new_device(context, keys, namespace);
            }
        }
    }
    let file = if let Source::File(file) = &source { Some(context.path(file)) } else { None };
    Ok(DevicePlan::Open(open(context, keys, &source)?, file))
}

/// Prepares a new device key. If its file exists, the key in it is used.
fn new_device(
    context: &Context<'_>,
    keys: &SetupKeyOptions,
    namespace: &Namespace,
) -> Result<DevicePlan, CliError> {
    let name = keys.new_key.as_deref();
    let named = keys.device_file.as_deref();
    let file = storage::of_new_key(context, named, name.unwrap_or("device"), storage::DEVICE_FILE)
        .map_err(|error| no_storage(context, keys, error))?;
    if let Some(file) = file.as_ref().filter(|file| file.exists()) {
        let key = open(context, keys, &Source::File(file.clone()))?;
        return Ok(DevicePlan::Open(key, Some(file.clone())));
    }
    let new = NewKey {
        name,
        default_name: "device",
        role: Role::Device,
        namespaces: std::slice::from_ref(namespace),
        file,
        plain: keys.files.plain,
        given: keys.files.of_device(context),
    };
    new.prepare(context).map(DevicePlan::New)
}

/// The error for a device key that cannot be kept. If nobody can be asked, the hint is one command line that does it all.
pub fn no_storage(context: &Context<'_>, keys: &SetupKeyOptions, error: NoStorage) -> CliError {
    if !error.is_for_a_person() || context.shell.can_prompt() {
        return error.into();
    }
    let hint = format!(
        "`{}` makes the keys in encrypted files and asks nothing; `--no-recovery` makes no recovery key.\n{}",
        without_questions(context, keys),
        error.hint().unwrap_or_default()
    );
    CliError::from(error).hint(hint)
}

/// Keeps a new device key, and registers it for the namespace.
pub fn device_key(
    context: &Context<'_>,
    namespace: &Namespace,
    plan: DevicePlan,
) -> Result<OpenKey, CliError> {
    match plan {
        DevicePlan::New(key) => {
            let (secret, entry) = key.keep(context)?;
            Ok(OpenKey { secret, label: entry.name.to_string() })
        }
        DevicePlan::Open(key, file) => {
            register(context, &key.secret.public(), Role::Device, file, namespace)?;
            context.shell.status("Using", format!("the key `{}` to sign releases", key.label));
            Ok(key)
        }
    }
}

/// Refuses one file for both keys.
pub fn check_files(context: &Context<'_>, keys: &SetupKeyOptions) -> Result<(), CliError> {
    let [device, recovery] =
        [&keys.device_file, &keys.recovery_file].map(|file| file.as_deref().map(|file| context.path(file)));
    match device {
        Some(file) if recovery.as_ref() == Some(&file) => {
            let error = format!("`--device-file` and `--recovery-file` both name `{}`", file.display());
            Err(CliError::usage(error)
                .hint("name another file for the recovery key, best on a medium that you take out"))
        }
        _ => Ok(()),
    }
}

/// Returns the command line that was run, with the flags that are missing to make keys in files without a question.
pub fn without_questions(context: &Context<'_>, keys: &SetupKeyOptions) -> String {
    let has = |var: Var| context.env.get(var).is_some();
    let files = &keys.files;
    let mut line = resume_command();
    for (is_there, flag) in [
        (keys.device_file.is_some(), "--device-file FILE"),
        (
            files.plain || files.new_passphrase_file.is_some() || has(Var::NamespacesNewKeyPassphrase),
            "--new-passphrase-file FILE",
        ),
        (keys.no_recovery || keys.recovery_file.is_some(), "--recovery-file FILE"),
        (
            files.plain
                || keys.no_recovery
                || files.passphrase_file.is_some()
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

/// Decides which key is to be the recovery key.
pub fn plan_recovery(
    context: &Context<'_>,
    keys: &SetupKeyOptions,
    grants: &Grants,
    documents: &NamespaceDocuments,
    device: &DevicePlan,
) -> Result<RecoveryPlan, CliError> {
    let namespace = &documents.namespace;
    if let Some(file) = &keys.recovery_file {
        return recovery_file(context, keys, namespace, context.path(file), device);
    }
    let book = context.store.book()?;
    let mut known: Vec<PublicKey> =
        book.registered(namespace, Role::Recovery).into_iter().map(|(key, _)| *key).collect();
    known.extend(documents.recovery_keys().into_iter().filter(|key| book.get(key).is_none()));
    known.retain(|key| !grants.drops(key));
    if !known.is_empty() {
        return Ok(RecoveryPlan::Known(known));
    }
    // A user who did without one is asked again only for a new device key, or a namespace that is new here.
    if matches!(device, DevicePlan::Open(..)) && !documents.doc.authorized_keys.is_empty() {
        return Ok(RecoveryPlan::None);
    }
    if keys.no_recovery {
        context.shell.warn(
            "without a recovery key, a lost device key can be neither revoked nor replaced: tell everybody who trusts it \
             yourself",
        );
        return Ok(RecoveryPlan::None);
    }
    let question = "Where to write the recovery key? It revokes a lost device key and endorses the next one, so it is best kept on a\n\
                    medium that you take out.\nRecovery key file";
    let default = storage::default_file(context, &format!("{namespace}-recovery"));
    match context.shell.input(question, &default.display().to_string())? {
        Some(typed) => recovery_file(context, keys, namespace, storage::typed_path(context, &typed), device),
        None => Err(CliError::new(ExitCode::ActionRequired, "the recovery key needs a place")
            .because("it revokes a lost device key and endorses the next one, so it must not be on the same machine")
            .hint("name a new file with `--recovery-file FILE`, or do without with `--no-recovery`")),
    }
}

/// Opens the recovery key in a file, or prepares a new one for it.
fn recovery_file(
    context: &Context<'_>,
    keys: &SetupKeyOptions,
    namespace: &Namespace,
    file: PathBuf,
    device: &DevicePlan,
) -> Result<RecoveryPlan, CliError> {
    if file.exists() {
        return Ok(RecoveryPlan::Open(open(context, keys, &Source::File(file.clone()))?, file));
    }
    let name = format!("{namespace}-recovery");
    let new = NewKey {
        name: None,
        // With a long domain, this is too long for a key's name.
        default_name: if KeyName::parse(&name).is_ok() { &name } else { "recovery" },
        role: Role::Recovery,
        namespaces: std::slice::from_ref(namespace),
        file: Some(file),
        plain: keys.files.plain,
        given: keys.files.of_recovery(context, device.is_new_file()),
    };
    new.prepare(context).map(RecoveryPlan::New)
}

/// Keeps a new recovery key, and registers one that was opened.
pub fn recovery_keys(
    context: &Context<'_>,
    namespace: &Namespace,
    plan: RecoveryPlan,
) -> Result<Vec<PublicKey>, CliError> {
    match plan {
        RecoveryPlan::None => Ok(Vec::new()),
        RecoveryPlan::Known(keys) => Ok(keys),
        RecoveryPlan::Open(key, file) => {
            let key = key.secret.public();
            register(context, &key, Role::Recovery, Some(file), namespace)?;
            Ok(vec![key])
        }
        RecoveryPlan::New(key) => Ok(vec![key.keep(context)?.0.public()]),
    }
}

fn open(context: &Context<'_>, options: &SetupKeyOptions, source: &Source) -> Result<OpenKey, CliError> {
    let book = context.store.book()?;
    let KeyFileOptions { passphrase_file, new_passphrase_file, .. } = &options.files;
    let mut keys = context.keys(passphrase_file.as_deref());
    keys.new_passphrase_file = new_passphrase_file.as_deref().map(|file| context.path(file));
    keys.open(&book, source)
}

/// Registers a key for the namespace. One from a file is added to the key book if it is new.
fn register(
    context: &Context<'_>,
    key: &PublicKey,
    role: Role,
    file: Option<PathBuf>,
    namespace: &Namespace,
) -> Result<(), CliError> {
    context.store.update(|book| -> Result<(), KeystoreError> {
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
