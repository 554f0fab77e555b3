//! `--sync`: the files in `.cargo` after the lock file, for a project that was changed by other means.
//!
//! Everything namespaced in the lock file is verified as on an add; what verifies as new is pinned. Registries and pins
//! that neither a manifest nor the lock file uses any more are taken out. What is taken out is said.

use std::collections::BTreeSet;

use cargo_namespaces::cargo_config;
use cargo_namespaces::lockfile::LockSource;
use cargo_namespaces::name::{IndexUrl, Namespace, RegistryName};
use cargo_namespaces::trust_file::TrustFile;
use cargo_namespaces_cli::shell::{CliError, ExitCode};
use cargo_namespaces_cli::verify::Report;

use crate::contact::{self, Contact};
use crate::project::Project;
use crate::run::Context;
use crate::transaction::guarded;
use crate::{files, report};

/// Brings the files in line.
///
/// # Errors
/// Something in the lock file is not intact or not trusted, or a file cannot be written; then nothing has changed.
pub fn run(context: &Context<'_>) -> Result<(), CliError> {
    let (shell, project) = (context.shell, context.project);
    if project.lock.is_none() {
        let path = project.workspace.shown(&project.lock_path());
        return Err(CliError::new(ExitCode::InvalidInput, format!("there is no `{path}` to go by"))
            .hint("let Cargo write it (`cargo generate-lockfile`), and run the command again"));
    }
    let accepted = context.verify(project.locked(), &[], &BTreeSet::new())?;
    report::accepted(shell, &accepted, &BTreeSet::new());
    let mut trust = project.trust.clone();
    accepted.apply(&mut trust);
    let named = named_registries(project);
    let used = used_namespaces(project, &accepted, &named);
    drop_unused(context, &mut trust, &used);
    let config = config_after(context, &trust, &accepted, &named)?;
    if context.args.dry_run {
        files::announce(shell, project, &config, &trust);
    } else {
        guarded(shell, project.files(), false, |changes| {
            files::write(shell, changes, project, &config, &trust)
        })?;
    }
    report::finished(shell, context.args.dry_run);
    Ok(())
}

/// The registries that the manifests name, `[patch]` and `publish` included.
fn named_registries(project: &Project) -> BTreeSet<String> {
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

/// The namespaces that the project still has to do with: by its lock file, its manifests, or as its own.
fn used_namespaces(project: &Project, accepted: &Report, named: &BTreeSet<String>) -> BTreeSet<Namespace> {
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

fn drop_unused(context: &Context<'_>, trust: &mut TrustFile, used: &BTreeSet<Namespace>) {
    let unused: Vec<Namespace> =
        trust.namespaces.keys().filter(|namespace| !used.contains(namespace)).cloned().collect();
    for namespace in unused {
        trust.namespaces.remove(&namespace);
        context
            .shell
            .status("Removing", format!("the pins of {}: nothing uses it", namespace.display_both()));
    }
}

/// The configuration with the registries that the manifests name, and without those of namespaces that nothing names.
fn config_after(
    context: &Context<'_>,
    trust: &TrustFile,
    accepted: &Report,
    named: &BTreeSet<String>,
) -> Result<String, CliError> {
    let project = context.project;
    let mut contacts: Vec<Contact> = Vec::new();
    for (namespace, pins) in &trust.namespaces {
        let contact = contact::named(project, namespace, pins.index.clone())?;
        if named.contains(contact.registry.as_str()) {
            contacts.push(contact);
        }
    }
    let mut text = files::with_registries(project, &contacts)?;
    for (name, registry) in &project.config.parsed.registries {
        let Some(index) = registry.index.as_deref().and_then(|text| IndexUrl::parse(text).ok()) else {
            continue;
        };
        let is_ours = project.trust.namespace_of(&index).is_some()
            || accepted.releases.iter().any(|release| release.index == index);
        let Ok(parsed) = RegistryName::parse(name) else { continue };
        if is_ours && !named.contains(name) {
            text = cargo_config::remove_registry(&text, &parsed)
                .map_err(|error| files::cannot_edit(&project.config, &error))?;
            context.shell.status("Removing", format!("the registry `{name}`: no manifest names it"));
        }
    }
    Ok(text)
}
