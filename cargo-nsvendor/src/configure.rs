//! How Cargo is led to what is vendored: the `[source]` tables, printed or written.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cargo_namespaces::cargo_config::{
    DirectorySource, SourceKind, source_snippet, source_snippet_over, upsert_source_replacements,
};
use cargo_namespaces::source_id::LockSource;
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode};
use cargo_namespaces_net::fs::{leads_out_of, read_to_string_if_exists, write_if_changed};

use crate::form::Form;
use crate::plan::{Plan, Source, SourceDir};
use crate::project::Project;
use crate::run::Run;

impl Run<'_> {
    /// Prints or writes the source replacement.
    pub fn configure(&self, plan: &Plan, form: Form) -> Result<(), CliError> {
        let sources = sources_of(&self.project.configured_target(), plan, form);
        let shell = self.shell;
        if !self.options.write_config {
            if let Err(error) = self.project.require_nameable_target() {
                shell.warn(error.message());
            }
            let snippet = source_snippet(&sources);
            if shell.is_json() {
                shell.json("config", &BTreeMap::from([("toml", snippet)]));
            } else {
                shell.say(
                    "To use the vendored sources, add this to your .cargo/config.toml for this project:\n",
                );
                shell.print_raw(&snippet);
            }
            return Ok(());
        }
        let path = config_path(self.project.root())?;
        let text = read_to_string_if_exists(&path)?.unwrap_or_default();
        let edited = upsert_source_replacements(&text, &sources)
            .with_context(ExitCode::InvalidInput, || format!("failed to edit `{}`", path.display()))?;
        if write_if_changed(&path, edited.text.as_bytes())? {
            shell.status("Configured", format!("{} to use the vendored sources", path.display()));
        }
        Ok(())
    }
}

/// The file that Cargo reads: the old name counts where it exists.
///
/// # Errors
/// A link in a stranger's clone leads out of it.
pub fn config_path(root: &Path) -> Result<PathBuf, CliError> {
    let old = root.join(".cargo").join("config");
    let path = if old.is_file() { old } else { root.join(".cargo").join("config.toml") };
    let repository = root.ancestors().find(|directory| directory.join(".git").exists());
    let Some(landing) = leads_out_of(&path, repository.unwrap_or(root)) else { return Ok(path) };
    let message = format!("`{}` leads out of the project, to `{}`", path.display(), landing.display());
    Err(CliError::new(ExitCode::InvalidInput, message)
        .hint("a symbolic link leads there: remove it if the project's own file belongs in its place"))
}

/// The sources as the configuration names them, below `target`.
///
/// A local registry has a name of its own: where a project changes its form, the entry of the other one stays and hurts
/// nobody.
pub fn sources_of(target: &str, plan: &Plan, form: Form) -> Vec<DirectorySource> {
    let one = |source: &SourceDir| {
        let packed = form == Form::LocalRegistry && !matches!(source.source, Source::Git(_));
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
