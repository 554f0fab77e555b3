//! Where the index of a namespace is: what is known, what is only assumed, and what a flag asks for.
//!
//! | from | |
//! |---|---|
//! | set-up on this machine, or the documents of the site or the domain | known |
//! | Cargo's configuration | known; but the default index in a project's file, on which nothing in the project relies, is assumed: `cargo nsadd` writes it where Cargo reads no manifest without an index |
//! | the domain's other records | known |
//! | `--instance`, `[namespaces] instance`, the default | decide while nothing is known |
//!
//! An index is the namespace's identity, so a flag that contradicts what is known is refused. What was assumed gives way,
//! and [`settle_entry`] corrects the project's file. [`Located`] says from where an index is known.

use std::path::{Path, PathBuf};

use cargo_namespaces::cargo_config::settle_registry;
use cargo_namespaces::lockfile::LockFile;
use cargo_namespaces::name::{IndexUrl, Namespace, RegistryName};
use cargo_namespaces::trust_file::TrustFile;
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode};
use cargo_namespaces_net::fs;

use crate::context::{Context, resume_command};
use crate::credential::install::installed;
use crate::documents::NamespaceDocuments;
use crate::located::{Basis, Located};
use crate::options::SiteOptions;
use crate::registry;

/// Returns the registry name that the Cargo configuration has for an index, or else the namespace's own.
pub fn registry_name(context: &Context<'_>, namespace: &Namespace, index: &IndexUrl) -> RegistryName {
    context.settings.registry_name_of(index).unwrap_or_else(|| RegistryName::from_namespace(namespace))
}

/// Returns the canonical index of a namespace that is published as a static index: the known one, or the default. `registry`
/// is the name that a manifest gives.
///
/// # Errors
/// The configuration and the documents name different indexes.
pub fn resolve_index(
    context: &Context<'_>,
    namespace: &Namespace,
    registry: Option<&String>,
) -> Result<Located, CliError> {
    let known = known_index(context, namespace, registry, documented(context, namespace)?)?;
    Ok(known.unwrap_or_else(|| Located::default_for(namespace)))
}

/// Returns the index of a namespace, and how it is known. It comes from this machine or from the domain; if neither names one,
/// it is that of the registry that the user configured, or the default.
///
/// # Errors
/// What is known contradicts itself, the registry does not say, or Ctrl-C.
pub fn locate(context: &Context<'_>, namespace: &Namespace) -> Result<Located, CliError> {
    locate_with(context, namespace, documented(context, namespace)?, false)
}

/// As [`locate`], for documents that were read already. For a static index, the configured registry is not asked.
pub fn locate_with(
    context: &Context<'_>,
    namespace: &Namespace,
    documented: Option<Located>,
    is_static: bool,
) -> Result<Located, CliError> {
    if let Some(known) = known_index(context, namespace, None, documented)? {
        return Ok(known);
    }
    if let Some(declared) = written_at_domain(context, namespace)? {
        return Ok(declared);
    }
    let instance = if is_static { None } else { of_instance(context, namespace)? };
    Ok(instance.unwrap_or_else(|| Located::default_for(namespace)))
}

fn documented(context: &Context<'_>, namespace: &Namespace) -> Result<Option<Located>, CliError> {
    Ok(NamespaceDocuments::find(context, &SiteOptions::default(), namespace)?
        .map(|documents| documents.located()))
}

/// Returns the canonical index of a namespace as far as this machine knows it: from the documents, or from the Cargo
/// configuration under `registry`, the name that a manifest gives, or under the namespace's own registry name.
fn known_index(
    context: &Context<'_>,
    namespace: &Namespace,
    registry: Option<&String>,
    documented: Option<Located>,
) -> Result<Option<Located>, CliError> {
    let configured = ConfiguredIndex::read(context, namespace, registry)?;
    match (configured, documented) {
        (Some(configured), documented) if configured.is_assumed => Ok(documented),
        (Some(configured), Some(documented)) if configured.index != documented.index => {
            Err(two_indexes(namespace, &configured, &documented.index))
        }
        (configured, documented) => Ok(documented.or_else(|| configured.map(ConfiguredIndex::located))),
    }
}

/// Warns if Cargo's configuration has another index than the one that flags have just chosen.
pub fn warn_of_configured(
    context: &Context<'_>,
    namespace: &Namespace,
    index: &IndexUrl,
) -> Result<(), CliError> {
    let configured = ConfiguredIndex::read(context, namespace, None)?;
    let Some(other) = configured.filter(|found| !found.is_assumed && found.index != *index) else {
        return Ok(());
    };
    // `setup` corrects what it wrote into the user's own file.
    let is_own = other.file.as_deref().is_some_and(|file| file.starts_with(&context.settings.cargo_home));
    if !(is_own && installed(context, namespace, &other.index)?) {
        context.shell.warn(format!(
            "`[registries.{}]` in {} has another index: write `index = \"{index}\"` there before you publish",
            other.name,
            other.place()
        ));
    }
    Ok(())
}

/// Returns the index to publish to at a registry. If `instance` is given, it must be the index there.
///
/// # Errors
/// What is known contradicts `instance` or itself, the registry does not say, or nothing says where to publish.
pub fn index_to_publish(
    context: &Context<'_>,
    namespace: &Namespace,
    registry: Option<&String>,
    instance: Option<&str>,
) -> Result<IndexUrl, CliError> {
    let asked =
        instance.map(|instance| registry::index_at(context.network, instance, namespace)).transpose()?;
    let known = match known_index(context, namespace, registry, documented(context, namespace)?)? {
        Some(known) => Some(known),
        None => written_at_domain(context, namespace)?,
    };
    match (known.map(|known| known.index), asked) {
        (Some(known), Some(asked)) if known != asked => {
            Err(other_instance(context, namespace, &known, &asked, instance.unwrap_or_default()))
        }
        (Some(index), _) | (None, Some(index)) => Ok(index),
        (None, None) => match of_instance(context, namespace)? {
            Some(found) => Ok(found.index),
            None => default_if_there(context, namespace),
        },
    }
}

/// Returns the index that the records of the domain declare. `None` if they declare none, or the domain does not answer.
fn written_at_domain(context: &Context<'_>, namespace: &Namespace) -> Result<Option<Located>, CliError> {
    let view = context.network.view(namespace)?;
    let written = view.written_index().map_err(|error| {
        CliError::from_error(ExitCode::ActionRequired, &error)
            .hint("a namespace has one index: correct the records")
    })?;
    Ok(written.map(|index| Located { index, basis: Basis::Records(namespace.clone()) }))
}

fn of_instance(context: &Context<'_>, namespace: &Namespace) -> Result<Option<Located>, CliError> {
    let Some(instance) = context.settings.namespaces.instance_for(namespace) else { return Ok(None) };
    let index = registry::index_at(context.network, &instance, namespace)?;
    Ok(Some(Located { index, basis: Basis::Instance(instance) }))
}

/// Returns the default index if something answers there.
fn default_if_there(context: &Context<'_>, namespace: &Namespace) -> Result<IndexUrl, CliError> {
    let default = IndexUrl::default_for(namespace);
    if registry::is_there(context.network, &default) {
        return Ok(default);
    }
    let domain = namespace.display_both();
    Err(CliError::new(
        ExitCode::ActionRequired,
        format!("cannot tell where to publish the crates of {domain}"),
    )
    .because(format!("no index is declared for {domain}, and there is none at {default}"))
    .hint(how_to_decide(&resume_command())))
}

/// Says how to decide the index of a namespace; `publish` is the command that publishes to a registry.
pub fn how_to_decide(publish: &str) -> String {
    format!(
        "the first publish decides it. Into a directory, for any static host:\n    cargo nspublish --site DIR\nto a registry:\n    \
         {publish} --instance https://REGISTRY"
    )
}

/// What Cargo's configuration has for a namespace.
struct ConfiguredIndex {
    name: RegistryName,
    index: IndexUrl,
    /// None for `--config` and variables.
    file: Option<PathBuf>,
    is_assumed: bool,
}

impl ConfiguredIndex {
    fn read(
        context: &Context<'_>,
        namespace: &Namespace,
        registry: Option<&String>,
    ) -> Result<Option<Self>, CliError> {
        let settings = &context.settings;
        let name = match registry {
            Some(text) => RegistryName::parse(text).exit_with(ExitCode::InvalidInput)?,
            None => RegistryName::from_namespace(namespace),
        };
        let Some(index) = settings.index_of(&name) else {
            return if registry.is_some() { Err(not_configured(namespace, &name)) } else { Ok(None) };
        };
        let file = settings.registries.get(name.as_str()).and_then(|entry| entry.file.clone());
        let in_project = file.as_deref().filter(|file| !file.starts_with(&settings.cargo_home));
        let is_assumed = registry.is_none()
            && index == IndexUrl::default_for(namespace)
            && in_project.is_some_and(|file| !is_relied_on(file, &index));
        Ok(Some(Self { name, index, file, is_assumed }))
    }

    fn located(self) -> Located {
        let basis = Basis::Configuration { name: self.name.to_string(), place: self.place() };
        Located { index: self.index, basis }
    }

    /// The file, for a message.
    fn place(&self) -> String {
        match &self.file {
            Some(file) => format!("`{}`", file.display()),
            None => "`--config` or a variable".to_owned(),
        }
    }
}

/// Whether the project of a configuration file pins the index, or has locked a package from it. True also if its files cannot
/// be read.
fn is_relied_on(file: &Path, index: &IndexUrl) -> bool {
    let Some(cargo) = file.parent() else { return true };
    let trust = fs::read_to_string_if_exists(&cargo.join("namespaces.toml"));
    let lock = fs::read_to_string_if_exists(&cargo.with_file_name("Cargo.lock"));
    let (Ok(trust), Ok(lock)) = (trust, lock) else { return true };
    let pins =
        |text: &String| TrustFile::parse(text).map_or(true, |trust| trust.namespace_of(index).is_some());
    let locks = |text: &String| {
        LockFile::parse(text).map_or(true, |lock| lock.from_registries().any(|(_, from)| from == index))
    };
    trust.as_ref().is_some_and(pins) || lock.as_ref().is_some_and(locks)
}

/// Replaces the index that the project's configuration assumed, once the real one is known.
pub fn settle_entry(
    context: &Context<'_>,
    namespace: &Namespace,
    registry: Option<&String>,
    index: &IndexUrl,
) -> Result<(), CliError> {
    let Some(configured) = ConfiguredIndex::read(context, namespace, registry)? else { return Ok(()) };
    let (true, Some(file)) = (configured.is_assumed, &configured.file) else { return Ok(()) };
    let directory = file.parent().and_then(Path::parent).unwrap_or(file);
    if fs::leads_out_of(file, directory).is_some() {
        return Ok(());
    }
    let text = fs::read_to_string(file)?;
    let edited = settle_registry(&text, &configured.name, index)
        .with_context(ExitCode::InvalidInput, || format!("failed to update `{}`", file.display()))?;
    if fs::write_if_changed(file, edited.as_bytes())? {
        let shown = file.strip_prefix(&context.directory).unwrap_or(file).display();
        context.shell.status("Updated", format!("{shown}: the registry `{}` is {index}", configured.name));
    }
    Ok(())
}

fn not_configured(namespace: &Namespace, name: &RegistryName) -> CliError {
    CliError::new(
        ExitCode::InvalidInput,
        format!("the registry `{name}` of `{namespace}` is not in the Cargo configuration"),
    )
    .hint(format!("add `[registries.{name}]` with its `index` to `.cargo/config.toml`"))
}

fn two_indexes(namespace: &Namespace, configured: &ConfiguredIndex, documented: &IndexUrl) -> CliError {
    let (name, index) = (&configured.name, &configured.index);
    CliError::new(
        ExitCode::InvalidInput,
        format!("`{namespace}` was set up with the index `{documented}`, but the Cargo configuration has `{index}`"),
    )
    .because(format!("`[registries.{name}]` is in {}", configured.place()))
    .hint(format!(
        "the index is the namespace's identity: write `index = \"{documented}\"` there; or, if that one is right and \
         nothing was published to the other yet:\n    cargo nspublish setup {namespace} --index {index} --change-index"
    ))
}

fn other_instance(
    context: &Context<'_>,
    namespace: &Namespace,
    known: &IndexUrl,
    asked: &IndexUrl,
    instance: &str,
) -> CliError {
    let error = CliError::new(
        ExitCode::ActionRequired,
        format!(
            "{} has the index {known}, and `--instance {instance}` would give it another",
            namespace.display_both()
        ),
    )
    .because(format!("there it would be {asked}; an index is the namespace's identity, and cannot change"));
    let configured = ConfiguredIndex::read(context, namespace, None).ok().flatten();
    let move_it = format!(
        "leave the flag out to publish there; or move the namespace, while nothing is published:\n    cargo nspublish setup \
         {namespace} --instance {instance} --change-index"
    );
    error.hint(match configured.filter(|found| found.index == *known && !found.is_assumed) {
        Some(found) => {
            format!("{move_it}\nand remove `[registries.{}]` from {}", found.name, found.place())
        }
        None => move_it,
    })
}
