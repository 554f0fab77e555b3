//! `setup`: the keys of a namespace, and what its domain publishes about them.
//!
//! It makes, or reuses, a device key that signs releases and a recovery key that stays offline; the device key endorses
//! the recovery key; both tokens go into the documents. Running it again changes nothing and prints the same.
//!
//! A first publish needs the same keys and documents without the output: [`for_first_publish`].

mod grants;
mod keys;
mod report;

use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::{IndexUrl, Namespace};
use cargo_namespaces_cli::clock;
use cargo_namespaces_cli::keystore::{OpenKey, Role};
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode};

use self::grants::Grants;
use self::keys::{RecoveryPlan, device_key, plan_device, plan_recovery, recovery_keys};
pub use self::keys::{check_files, no_storage, without_questions};
use crate::context::Context;
use crate::credential;
use crate::documents::NamespaceDocuments;
use crate::index_location::{locate_with, settle_entry, warn_of_configured};
use crate::located::{Basis, Located};
use crate::options::{GrantOptions, SetupKeyOptions, SetupOptions, SiteOptions};
use crate::package_here::namespace_here;
use crate::registry;
use crate::static_index::check::check_named_site;
use crate::static_index::{lock, remembered};

/// A namespace that was set up.
struct SetUp {
    documents: NamespaceDocuments,
    /// How their index is known.
    basis: Basis,
    device: OpenKey,
    recovery: Vec<PublicKey>,
    has_new_recovery: bool,
}

/// Sets a namespace up.
///
/// # Errors
/// No namespace is named, another index was declared before, a key cannot be made or opened, or a document cannot be written.
pub fn run(context: &Context<'_>, options: &SetupOptions) -> Result<ExitCode, CliError> {
    let namespace = match &options.namespace {
        Some(namespace) => namespace.clone(),
        None => namespace_here(context)?,
    };
    context.check(&namespace)?;
    let site = match &options.instance {
        Some(_) => options.site.clone(),
        None => remembered::filled(context, &options.site, &namespace)?,
    };
    check_files(context, &options.keys)?;
    let _lock = lock(context)?;
    let asked = asked_index(context, options, &site, &namespace)?;
    let (documents, basis) = documents(context, &namespace, asked, options.change_index, &site)?;
    context.shell.status("Using", format!("the index {} ({basis})", documents.index));
    let set_up = set_up(context, documents, basis, &options.keys, &options.grants, site.site.is_some())?;
    settle_entry(context, &namespace, None, &set_up.documents.index)?;
    if options.instance.is_some() {
        remembered::forget(context, &namespace)?;
    }
    report::documents(context, &set_up, &site)?;
    report::how_to_go_on(context, &set_up, &site);
    Ok(ExitCode::Ok)
}

/// Sets a namespace up on the way to its first publish to the registry that has this index. The guide shows the records. The
/// project's files stay as they are, since Cargo refuses to package changed files.
pub fn for_first_publish(
    context: &Context<'_>,
    namespace: &Namespace,
    index: &IndexUrl,
    keys: &SetupKeyOptions,
) -> Result<(), CliError> {
    context.check(namespace)?;
    let _lock = lock(context)?;
    let (documents, basis) =
        documents(context, namespace, Some(index.clone()), false, &SiteOptions::default())?;
    let set_up = set_up(context, documents, basis, keys, &GrantOptions::default(), false)?;
    report::json(context, &set_up, &[]);
    Ok(())
}

/// Makes or opens the keys, and keeps the documents that list them.
fn set_up(
    context: &Context<'_>,
    mut documents: NamespaceDocuments,
    basis: Basis,
    keys: &SetupKeyOptions,
    grants: &GrantOptions,
    is_static: bool,
) -> Result<SetUp, CliError> {
    let namespace = documents.namespace.clone();
    // Everything is asked before anything is made; first of all, where to keep the device key.
    let device = plan_device(context, keys, &namespace)?;
    let grants = Grants::read(context, grants, keys.files.passphrase_file.as_deref(), &namespace)?;
    let recovery = plan_recovery(context, keys, &grants, &documents, &device)?;
    let has_new_recovery = matches!(recovery, RecoveryPlan::New(_));
    let device = device_key(context, &namespace, device)?;
    let device_key = device.secret.public();
    if documents.revocation(&device_key).is_some() {
        return Err(CliError::new(
            ExitCode::Refused,
            format!("the key `{}` is revoked for {namespace}", device.label),
        )
        .hint("name another with `--key`, or make one with `--new-key NAME`"));
    }
    let recovery = recovery_keys(context, &namespace, recovery)?;
    if !documents.doc.authorized_keys.is_empty() && !documents.lists(&device_key) {
        vouch(context, &mut documents, &device_key)?;
    }
    documents.list(&device_key);
    for key in &recovery {
        documents.endorse(&device.secret, key, true, clock::now()).exit_with(ExitCode::Failure)?;
        documents.list(key);
    }
    grants.apply(context, &mut documents, &device)?;
    documents.save(context)?;
    // A static index needs no credentials.
    if is_static {
        credential::install::uninstall(context, &namespace, &documents.index)?;
    } else {
        credential::install::install(context, &namespace, &documents.index)?;
    }
    Ok(SetUp { documents, basis, device, recovery, has_new_recovery })
}

/// Returns the index that the flags choose.
fn asked_index(
    context: &Context<'_>,
    options: &SetupOptions,
    site: &SiteOptions,
    namespace: &Namespace,
) -> Result<Option<IndexUrl>, CliError> {
    let asked = match (&options.index, &options.instance) {
        (None, Some(instance)) => Some(registry::index_at(context.network, instance, namespace)?),
        // Without a URL, a site is served by the domain itself.
        (None, None) if options.change_index && site.site.is_some() && site.site_url.is_none() => {
            Some(IndexUrl::default_for(namespace))
        }
        (index, _) => index.clone(),
    };
    if options.change_index && asked.is_none() {
        return Err(CliError::usage(
            "`--change-index` needs `--index URL`, `--instance URL` or `--site DIR`",
        ));
    }
    Ok(asked)
}

/// Returns the documents as they are, or new ones, and how their index is known.
fn documents(
    context: &Context<'_>,
    namespace: &Namespace,
    asked: Option<IndexUrl>,
    change_index: bool,
    site: &SiteOptions,
) -> Result<(NamespaceDocuments, Basis), CliError> {
    let instead = asked.as_ref().filter(|_| change_index);
    let found = NamespaceDocuments::find_for(context, site, namespace, instead)?;
    let located = match asked {
        Some(index) => {
            warn_of_configured(context, namespace, &index)?;
            Located { index, basis: Basis::Flag }
        }
        None => {
            let documented = found.as_ref().map(NamespaceDocuments::located);
            locate_with(context, namespace, documented, site.site.is_some())?
        }
    };
    check_named_site(context, site, namespace, &located)?;
    let Located { index, basis } = located;
    match found {
        Some(found) if index != found.index => Err(other_index(namespace, &found.index)),
        Some(found) => Ok((found, basis)),
        None => Ok((NamespaceDocuments::new(namespace.clone(), index), basis)),
    }
}

fn other_index(namespace: &Namespace, index: &IndexUrl) -> CliError {
    CliError::new(
        ExitCode::ActionRequired,
        format!("{namespace} was set up with another index: {index}"),
    )
    .because(
        "the index is the namespace's identity: it is part of every lock file and every signature, and projects that use a \
         crate are stopped when it changes",
    )
    .hint(
        "to move the hosting, keep the URL and use DNS or a redirect; while nothing is published, add `--change-index`",
    )
}

/// Has another device key of the namespace endorse the new one, so that projects which pinned that key accept this one.
fn vouch(context: &Context<'_>, documents: &mut NamespaceDocuments, key: &PublicKey) -> Result<(), CliError> {
    let book = context.store.book()?;
    let namespace = documents.namespace.clone();
    for (other, entry) in book.registered(&namespace, Role::Device) {
        if other == key || !documents.lists(other) || documents.revocation(other).is_some() {
            continue;
        }
        if let Ok(open) = context.keys(None).open_entry(other, entry) {
            documents.endorse(&open.secret, key, false, clock::now()).exit_with(ExitCode::Failure)?;
            context.shell.status("Endorsed", format!("the new key by `{}`", entry.name));
            return Ok(());
        }
    }
    context.shell.warn(format!(
        "no listed key of {namespace} endorses the new one: projects that trust the listed keys are stopped at its first \
         release, until they use `--trust`; `key rotate` on the machine that has such a key avoids that"
    ));
    Ok(())
}
