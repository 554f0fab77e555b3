//! The `[source]` tables that make Cargo use what is vendored, printed or written.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cargo_namespaces::cargo_config::{
    CargoConfigError, DirectorySource, SourceKind, source_snippet, source_snippet_over,
    upsert_source_replacements,
};
use cargo_namespaces::source_id::LockSource;
use cargo_namespaces_net::fs::{FsError, leads_out_of, read_to_string_if_exists, write_if_changed};

use crate::context::Context;
use crate::form::Form;
use crate::plan::{Plan, SourceDir};
use crate::project::{Project, UnnameableTarget};

/// Why the configuration cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A clone may have a link in the file's place: what it leads to is not the project's.
    #[error("`{}` points outside the project, to `{}`", path.display(), landing.display())]
    LeadsOut { path: PathBuf, landing: PathBuf },
    #[error("failed to edit `{}`", path.display())]
    NotEditable {
        path: PathBuf,
        #[source]
        source: CargoConfigError,
    },
    #[error(transparent)]
    Target(#[from] UnnameableTarget),
    #[error(transparent)]
    File(#[from] FsError),
}

/// Prints or writes the source replacement.
///
/// # Errors
/// The configuration cannot be edited or written.
pub fn configure(context: &Context<'_>, plan: &Plan, form: Form) -> Result<(), ConfigError> {
    let Context { shell, options, project, .. } = context;
    let sources = sources_of(&project.configured_target(), plan, form);
    if !options.write_config {
        if let Err(error) = project.require_nameable_target() {
            shell.warn(error);
        }
        let snippet = source_snippet(&sources);
        if shell.is_json() {
            shell.json("config", &BTreeMap::from([("toml", snippet)]));
        } else {
            shell.say("To use the vendored sources, add this to your .cargo/config.toml for this project:\n");
            shell.print_raw(&snippet);
        }
        return Ok(());
    }
    let path = config_path(project.root())?;
    let text = read_to_string_if_exists(&path)?.unwrap_or_default();
    let edited = upsert_source_replacements(&text, &sources)
        .map_err(|source| ConfigError::NotEditable { path: path.clone(), source })?;
    if write_if_changed(&path, edited.text.as_bytes())? {
        shell.status("Configured", format!("{} to use the vendored sources", path.display()));
    }
    Ok(())
}

/// Whether the project's configuration can be edited, and can name the vendored directory.
pub fn require_editable(project: &Project) -> Result<(), ConfigError> {
    config_path(project.root())?;
    Ok(project.require_nameable_target()?)
}

/// The configuration file that Cargo reads: the one with the old name, if it exists.
///
/// # Errors
/// A symbolic link leads out of the project.
pub fn config_path(root: &Path) -> Result<PathBuf, ConfigError> {
    let old = root.join(".cargo").join("config");
    let path = if old.is_file() { old } else { root.join(".cargo").join("config.toml") };
    let repository = root.ancestors().find(|directory| directory.join(".git").exists());
    let Some(landing) = leads_out_of(&path, repository.unwrap_or(root)) else { return Ok(path) };
    Err(ConfigError::LeadsOut { path, landing })
}

/// The sources as the configuration names them, below `target`.
///
/// A local registry has another name than a directory: if a project changes its form, the entry of the former one stays without
/// effect.
pub fn sources_of(target: &str, plan: &Plan, form: Form) -> Vec<DirectorySource> {
    let one = |source: &SourceDir| {
        let packed = form == Form::LocalRegistry && !source.is_git();
        DirectorySource {
            original: source.source.locked(),
            name: format!("{}-{}", if packed { "packed" } else { "vendored" }, source.dir),
            directory: format!("{target}/{}", source.dir),
            kind: if packed { SourceKind::LocalRegistry } else { SourceKind::Unpacked },
        }
    };
    plan.sources.iter().map(one).collect()
}

/// The configuration for a Cargo of this run that sees `target` in place of every source, over the project's own.
pub fn sources_over(project: &Project, target: &str, plan: &Plan, form: Form) -> String {
    let key_of = |source: &LockSource| project.settings.source_key_of(source).map(str::to_owned);
    source_snippet_over(&sources_of(target, plan, form), key_of)
}
