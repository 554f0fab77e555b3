//! The two files in `.cargo`: the registries for Cargo in `config.toml`, and the trust file `namespaces.toml` for the
//! commands of this project.

use std::path::PathBuf;

use cargo_namespaces::cargo_config::{self, CargoConfigError};
use cargo_namespaces::name::IndexUrl;
use cargo_namespaces::trust_file::TrustFile;
use cargo_namespaces_cli::shell::{CliError, Shell};
use cargo_namespaces_cli::verify::Report;

use crate::namespace_registry::NamespaceRegistry;
use crate::project::{ConfigFile, Project};
use crate::report;
use crate::transaction::GuardedWriter;

/// The contents of both files at the end of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CargoDirFiles {
    /// `.cargo/config.toml`
    pub config: String,
    /// `.cargo/namespaces.toml`
    pub trust: TrustFile,
}

/// A configuration file cannot be edited.
#[derive(Debug, thiserror::Error)]
#[error("failed to edit `{}`", path.display())]
pub struct EditConfigError {
    path: PathBuf,
    #[source]
    source: CargoConfigError,
}

impl EditConfigError {
    pub fn new(file: &ConfigFile, source: CargoConfigError) -> Self {
        Self { path: file.path.clone(), source }
    }

    pub fn hint(&self) -> Option<String> {
        match &self.source {
            CargoConfigError::RegistryTaken { name, .. } => {
                Some(format!("rename or remove `[registries.{name}]`, and run the command again"))
            }
            _ => None,
        }
    }
}

impl CargoDirFiles {
    /// The files after everything in the lock file was accepted: with `registries`, and with the keys to pin.
    ///
    /// # Errors
    /// The configuration cannot be edited.
    pub fn after(
        project: &Project<'_>,
        registries: &[NamespaceRegistry],
        accepted: &Report,
    ) -> Result<Self, EditConfigError> {
        let config = with_registries(project, registries)?;
        let mut trust = project.trust.clone();
        accepted.apply(&mut trust);
        Ok(Self { config, trust })
    }

    /// Writes each file that changes, and says so.
    ///
    /// # Errors
    /// One of them cannot be written.
    pub fn write(
        &self,
        shell: &Shell,
        writer: &GuardedWriter,
        project: &Project<'_>,
    ) -> Result<(), CliError> {
        for (path, existed, text) in self.changed(project) {
            if writer.write(&path, &text)? {
                report::file(shell, &project.workspace.shown(&path), existed, writer.dry_run);
            }
        }
        Ok(())
    }

    /// Says what [`CargoDirFiles::write`] would write.
    pub fn announce(&self, shell: &Shell, project: &Project<'_>) {
        for (path, existed, _) in self.changed(project) {
            report::file(shell, &project.workspace.shown(&path), existed, true);
        }
    }

    /// Each file that changes, with whether it exists and its new text.
    fn changed(&self, project: &Project<'_>) -> Vec<(PathBuf, bool, String)> {
        let mut files = Vec::new();
        if self.config != project.config.text {
            files.push((project.config.path.clone(), project.config.path.exists(), self.config.clone()));
        }
        if self.trust != project.trust {
            let path = project.trust_path();
            files.push((path.clone(), path.exists(), self.trust.serialise()));
        }
        files
    }
}

/// The workspace's configuration with the registries that a clone of the project would not have otherwise.
///
/// # Errors
/// The file cannot be edited.
pub fn with_registries(
    project: &Project<'_>,
    registries: &[NamespaceRegistry],
) -> Result<String, EditConfigError> {
    let mut text = project.config.text.clone();
    for registry in registries {
        let is_final = registry.is_assumed || !cargo_config::is_assumed(&text, &registry.name);
        if !is_final || !project.shares_registry(&registry.name, &registry.index) {
            let pinned = project.trust.index(&registry.namespace);
            text = with_registry(&project.config, &text, registry, pinned)?;
        }
    }
    Ok(text)
}

/// Adds one registry's entry to `text`, which belongs to `file`. An entry with the index that was pinned until now is
/// changed, because the user accepted that the index moved. So is one whose index was only assumed.
///
/// # Errors
/// The name has another index, or the file does not parse.
pub fn with_registry(
    file: &ConfigFile,
    text: &str,
    registry: &NamespaceRegistry,
    pinned: Option<&IndexUrl>,
) -> Result<String, EditConfigError> {
    let (name, index) = (&registry.name, &registry.index);
    let old = file.parsed.registry_index(name.as_str());
    let edited = if !registry.is_assumed && cargo_config::is_assumed(text, name) {
        cargo_config::settle_registry(text, name, index)
    } else if old.is_some() && old.as_ref() == pinned && pinned != Some(index) {
        let value = toml_edit::Value::from(index.as_str()).to_string();
        cargo_config::set_registry_value(text, name, "index", &value).map(|edited| edited.text)
    } else if registry.is_assumed {
        cargo_config::assume_registry(text, name, index)
    } else {
        cargo_config::add_registry(text, name, index).map(|edited| edited.text)
    };
    edited.map_err(|source| EditConfigError::new(file, source))
}
