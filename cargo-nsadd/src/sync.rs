//! `--sync`: brings the files in `.cargo` in line with the lock file, for a project that was changed by other means.
//!
//! Everything namespaced in the lock file is verified as on an add, and the keys that are accepted are pinned. Registries
//! and pins that neither a manifest nor the lock file uses any more are removed, with a message.

use std::collections::BTreeSet;

use cargo_namespaces::cargo_config;
use cargo_namespaces::lockfile::LockSource;
use cargo_namespaces::name::{IndexUrl, Namespace, RegistryName};
use cargo_namespaces::trust_file::TrustFile;
use cargo_namespaces_cli::shell::{CliError, Shell};
use cargo_namespaces_cli::verify::Report;

use crate::files::{self, CargoDirFiles, EditConfigError};
use crate::namespace_registry::{self, NamespaceRegistry};
use crate::project::Project;
use crate::report;
use crate::session::Session;
use crate::transaction::guarded;

/// There is no lock file.
#[derive(Debug, thiserror::Error)]
#[error("`{shown}` does not exist")]
pub struct NoLockFile {
    shown: String,
}

/// Brings the files in line.
///
/// # Errors
/// Something in the lock file is not verified or not trusted, or a file cannot be written; then nothing has changed.
pub fn run(session: &Session<'_>) -> Result<(), CliError> {
    let (shell, project, dry_run) = (session.shell, session.project, session.options.dry_run);
    if project.lock.is_none() {
        return Err(NoLockFile { shown: project.workspace.shown(&project.lock_path()) }.into());
    }
    let accepted = session.verify(project.locked(), &[], &BTreeSet::new())?;
    report::accepted(shell, &accepted, &BTreeSet::new());
    let mut trust = project.trust.clone();
    accepted.apply(&mut trust);
    let named = named_registries(project);
    let used = used_namespaces(project, &accepted, &named);
    remove_unused_pins(shell, &mut trust, &used);
    let config = add_missing_registries(project, &trust, &named)?;
    let config = remove_unused_registries(shell, project, config, &accepted, &named)?;
    let files = CargoDirFiles { config, trust };
    if dry_run {
        files.announce(shell, project);
    } else {
        guarded(shell, project.files(), false, |writer| files.write(shell, writer, project))?;
    }
    report::finished(shell, dry_run);
    Ok(())
}

/// The registries that the manifests name, `[patch]` and `publish` included.
fn named_registries(project: &Project<'_>) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    for manifest in &project.workspace.manifests {
        named.extend(manifest.info.dependencies.iter().filter_map(|dependency| dependency.registry.clone()));
        let Ok(document) = manifest.text.parse::<toml_edit::DocumentMut>() else { continue };
        let publish = document
            .get("package")
            .or_else(|| document.get("project"))
            .and_then(|package| package.get("publish"))
            .and_then(|item| item.as_array());
        named.extend(publish.into_iter().flatten().filter_map(|value| value.as_str()).map(str::to_owned));
        let patches = document.get("patch").and_then(|item| item.as_table_like());
        for (registry, entries) in patches.into_iter().flat_map(|table| table.iter()) {
            named.insert(registry.to_owned());
            let entries = entries.as_table_like().into_iter().flat_map(|table| table.iter());
            let from = entries.filter_map(|(_, entry)| entry.get("registry")?.as_str().map(str::to_owned));
            named.extend(from);
        }
    }
    named
}

/// The namespaces that the lock file or a manifest uses, and those of the workspace's own packages.
fn used_namespaces(
    project: &Project<'_>,
    accepted: &Report,
    named: &BTreeSet<String>,
) -> BTreeSet<Namespace> {
    let mut used: BTreeSet<Namespace> =
        accepted.releases.iter().map(|release| release.name.namespace.clone()).collect();
    let locked: BTreeSet<&IndexUrl> = project
        .locked()
        .iter()
        .filter_map(|package| match &package.source {
            LockSource::Registry(index) => Some(index),
            _ => None,
        })
        .collect();
    for (namespace, pins) in &project.trust.namespaces {
        let by_name = project.registry_name_of(&pins.index).is_some_and(|name| named.contains(name.as_str()));
        if by_name || locked.contains(&pins.index) {
            used.insert(namespace.clone());
        }
    }
    let packages = project.workspace.manifests.iter().filter_map(|manifest| manifest.info.package.as_ref());
    used.extend(packages.filter_map(|package| package.namespace.clone()));
    used
}

fn remove_unused_pins(shell: &Shell, trust: &mut TrustFile, used: &BTreeSet<Namespace>) {
    let unused: Vec<Namespace> =
        trust.namespaces.keys().filter(|namespace| !used.contains(namespace)).cloned().collect();
    for namespace in unused {
        trust.namespaces.remove(&namespace);
        shell.status("Removing", format!("the pins of {}: nothing uses it", namespace.display_both()));
    }
}

/// The configuration with the registries of pinned namespaces that the manifests name.
fn add_missing_registries(
    project: &Project<'_>,
    trust: &TrustFile,
    named: &BTreeSet<String>,
) -> Result<String, CliError> {
    let mut registries: Vec<NamespaceRegistry> = Vec::new();
    for (namespace, pins) in &trust.namespaces {
        let registry = namespace_registry::named(project, namespace, pins.index.clone())?;
        if named.contains(registry.name.as_str()) {
            registries.push(registry);
        }
    }
    Ok(files::with_registries(project, &registries)?)
}

/// The configuration without the registries of namespaces that no manifest names.
fn remove_unused_registries(
    shell: &Shell,
    project: &Project<'_>,
    mut text: String,
    accepted: &Report,
    named: &BTreeSet<String>,
) -> Result<String, EditConfigError> {
    for (name, registry) in &project.config.parsed.registries {
        let Some(index) = registry.index.as_deref().and_then(|text| IndexUrl::parse(text).ok()) else {
            continue;
        };
        let of_namespace = project.trust.namespace_of(&index).is_some()
            || accepted.releases.iter().any(|release| release.index == index);
        let Ok(parsed) = RegistryName::parse(name) else { continue };
        if of_namespace && !named.contains(name) {
            text = cargo_config::remove_registry(&text, &parsed)
                .map_err(|error| EditConfigError::new(&project.config, error))?;
            shell.status("Removing", format!("the registry `{name}`: no manifest names it"));
        }
    }
    Ok(text)
}
