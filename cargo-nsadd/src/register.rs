//! `--register`: writes only the registry's entry, in the workspace or for the user.
//!
//! Cargo reads the `.cargo/config.toml` of a workspace only inside it. `cargo install --git`, `--manifest-path` from another
//! directory, and a project with this one as a git dependency need the entry in the user's own configuration (`--global`).

use std::collections::BTreeSet;

use cargo_namespaces::name::{Namespace, RegistryName};
use cargo_namespaces_cli::cli::check_special_use;
use cargo_namespaces_cli::interrupt::Interrupted;
use cargo_namespaces_cli::registry_client::RegistryClient;
use cargo_namespaces_cli::shell::{CliError, Shell};

use crate::context::Context;
use crate::files::{self, CargoDirFiles};
use crate::namespace_registry::{self, NamespaceError, NamespaceRegistry};
use crate::project::ConfigFile;
use crate::report;
use crate::session::Session;
use crate::sources::Domains;
use crate::transaction::guarded;

/// Writes the registry into the workspace's configuration, and its index into the trust file.
///
/// # Errors
/// The namespace cannot be found, or a file cannot be written.
pub fn project(session: &Session<'_>, namespace: &Namespace) -> Result<(), CliError> {
    let (shell, project, dry_run) = (session.shell, session.project, session.options.dry_run);
    let registries = namespace_registry::find(session, &BTreeSet::from([namespace.clone()]))?;
    let config = files::with_registries(project, &registries)?;
    let mut trust = project.trust.clone();
    for registry in &registries {
        if project.trust.index(namespace).is_none() {
            for view in session.sources.domains.views(std::slice::from_ref(namespace)) {
                let config = |index: &_| session.sources.config(index);
                namespace_registry::check_published(&view, &registry.index, config)?;
            }
        }
        trust.set_index(namespace, &registry.index);
        report_found(shell, registry);
    }
    let files = CargoDirFiles { config, trust };
    if dry_run {
        files.announce(shell, project);
    } else {
        guarded(shell, project.files(), false, |writer| files.write(shell, writer, project))?;
    }
    report::finished(shell, dry_run);
    Ok(())
}

/// Writes the registry into `$CARGO_HOME/config.toml`. Nothing is pinned: the trust file belongs to a project.
///
/// # Errors
/// The namespace cannot be found, or the file cannot be written.
pub fn global(context: &Context<'_>, namespace: &Namespace, dry_run: bool) -> Result<(), CliError> {
    let (shell, settings) = (context.shell, &context.settings);
    check_special_use(settings, namespace)?;
    let file = ConfigFile::read(&settings.cargo_home)?;
    let view = Domains::new(&context.network).views(std::slice::from_ref(namespace)).pop();
    let view = view.ok_or(Interrupted)?;
    let index = view
        .declared_index()
        .map_err(|source| NamespaceError::NotFound { domain: namespace.display_both(), source })?;
    let client = RegistryClient::new(settings, &*context.network);
    namespace_registry::check_published(&view, &index, |index| client.index_config(index))?;
    let known = file.parsed.registry_name(&index).and_then(|name| RegistryName::parse(name).ok());
    let name = known.unwrap_or_else(|| RegistryName::from_namespace(namespace));
    let registry = NamespaceRegistry { namespace: namespace.clone(), index, name, is_assumed: false };
    let text = files::with_registry(&file, &file.text, &registry, None)?;
    report_found(shell, &registry);
    let (shown, existed) = (file.path.display().to_string(), file.path.exists());
    if text == file.text {
        shell.note(format!("`{shown}` has the registry already"));
    } else if dry_run {
        report::file(shell, &shown, existed, true);
    } else {
        guarded(shell, [file.path.clone()], false, |writer| writer.write(&file.path, &text))?;
        report::file(shell, &shown, existed, false);
    }
    report::finished(shell, dry_run);
    Ok(())
}

fn report_found(shell: &Shell, registry: &NamespaceRegistry) {
    let namespace = registry.namespace.display_both();
    shell.status("Found", format!("{namespace} as the registry `{}`: {}", registry.name, registry.index));
}
