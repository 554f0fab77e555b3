//! The two files in `.cargo`: the registries, for stock Cargo, and the trust file, for these commands.

use cargo_namespaces::cargo_config::{self, CargoConfigError};
use cargo_namespaces::name::IndexUrl;
use cargo_namespaces::trust_file::TrustFile;
use cargo_namespaces_cli::shell::{CliError, ExitCode, Shell};
use cargo_namespaces_cli::verify::Report;

use crate::contact::Contact;
use crate::project::{ConfigFile, Project};
use crate::report;
use crate::transaction::Changes;

/// The workspace's configuration with the registries that a clone would not find otherwise.
///
/// # Errors
/// The file cannot be edited.
pub fn with_registries(project: &Project, contacts: &[Contact]) -> Result<String, CliError> {
    let mut text = project.config.text.clone();
    for contact in contacts {
        let is_settled = contact.is_assumed || !cargo_config::is_assumed(&text, &contact.registry);
        if !is_settled || !project.shares_registry(&contact.registry, &contact.index) {
            let pinned = project.trust.index(&contact.namespace);
            text = with_registry(&project.config, &text, contact, pinned)?;
        }
    }
    Ok(text)
}

/// Both files after everything was accepted: the registries of `contacts`, and what the verification found to pin.
///
/// # Errors
/// The configuration cannot be edited.
pub fn after(
    project: &Project,
    contacts: &[Contact],
    accepted: &Report,
) -> Result<(String, TrustFile), CliError> {
    let config = with_registries(project, contacts)?;
    let mut trust = project.trust.clone();
    accepted.apply(&mut trust);
    Ok((config, trust))
}

/// One registry's entry added to `text`, which belongs to `file`. An entry that leads to the index that was pinned until now
/// is changed: the user said that the index moved. So is one that was only assumed.
///
/// # Errors
/// The name stands for another index, or the file does not parse.
pub fn with_registry(
    file: &ConfigFile,
    text: &str,
    contact: &Contact,
    pinned: Option<&IndexUrl>,
) -> Result<String, CliError> {
    if !contact.is_assumed && cargo_config::is_assumed(text, &contact.registry) {
        return cargo_config::settle_registry(text, &contact.registry, &contact.index)
            .map_err(|error| cannot_edit(file, &error));
    }
    let old = file.parsed.registry_index(contact.registry.as_str());
    let edited = if old.is_some() && old.as_ref() == pinned && pinned != Some(&contact.index) {
        let value = toml_edit::Value::from(contact.index.as_str()).to_string();
        cargo_config::set_registry_value(text, &contact.registry, "index", &value).map(|edited| edited.text)
    } else if contact.is_assumed {
        cargo_config::assume_registry(text, &contact.registry, &contact.index)
    } else {
        cargo_config::add_registry(text, &contact.registry, &contact.index).map(|edited| edited.text)
    };
    edited.map_err(|error| cannot_edit(file, &error))
}

/// The error of an edit of a configuration file.
pub fn cannot_edit(file: &ConfigFile, error: &CargoConfigError) -> CliError {
    let made = CliError::new(ExitCode::InvalidInput, format!("failed to edit `{}`", file.path.display()))
        .caused_by(error);
    match error {
        CargoConfigError::RegistryTaken { name, .. } => {
            made.hint(format!("rename or remove `[registries.{name}]`, and run the command again"))
        }
        _ => made,
    }
}

/// Writes both files where they say something new, and says so.
///
/// # Errors
/// One of them cannot be written.
pub fn write(
    shell: &Shell,
    changes: &Changes,
    project: &Project,
    config: &str,
    trust: &TrustFile,
) -> Result<(), CliError> {
    for (path, existed, text) in pending(project, config, trust) {
        if changes.write(&path, &text)? {
            report::file(shell, &project.workspace.shown(&path), existed, changes.dry_run);
        }
    }
    Ok(())
}

/// Says what [`write()`] would write.
pub fn announce(shell: &Shell, project: &Project, config: &str, trust: &TrustFile) {
    for (path, existed, _) in pending(project, config, trust) {
        report::file(shell, &project.workspace.shown(&path), existed, true);
    }
}

fn pending(project: &Project, config: &str, trust: &TrustFile) -> Vec<(std::path::PathBuf, bool, String)> {
    let mut files = Vec::new();
    if config != project.config.text {
        files.push((project.config.path.clone(), project.config.path.exists(), config.to_owned()));
    }
    if *trust != project.trust {
        let path = project.trust_path();
        files.push((path.clone(), path.exists(), trust.serialise()));
    }
    files
}
