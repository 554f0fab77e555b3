//! `--register`: only the registry's entry, in the workspace or for the whole user.
//!
//! `.cargo/config.toml` of a workspace serves commands that run inside it. `cargo install --git`, `--manifest-path` from
//! elsewhere, and a project that has this one as a git dependency need the entry in the user's own configuration.

use std::collections::BTreeSet;

use cargo_namespaces::domain_view::IndexError;
use cargo_namespaces::name::{Namespace, RegistryName};
use cargo_namespaces_cli::shell::{CliError, ExitCode, Shell};
use cargo_namespaces_cli::verify::Sources as _;

use crate::args::Args;
use crate::contact::{self, Contact};
use crate::net::{Means, Net};
use crate::project::ConfigFile;
use crate::run::Context;
use crate::transaction::guarded;
use crate::{files, report};

/// Writes the registry into the workspace's configuration, and its index into the trust file.
///
/// # Errors
/// The namespace cannot be found, or a file cannot be written.
pub fn project(context: &Context<'_>, namespace: &Namespace) -> Result<(), CliError> {
    let (shell, project) = (context.shell, context.project);
    let contacts = contact::find(context, &BTreeSet::from([namespace.clone()]))?;
    let config = files::with_registries(project, &contacts)?;
    let mut trust = project.trust.clone();
    for contact in &contacts {
        if project.trust.index(namespace).is_none() {
            let views = context.net.domains(std::slice::from_ref(namespace));
            views.iter().try_for_each(|view| contact::check_is_there(context.net, view, &contact.index))?;
        }
        trust.set_index(namespace, &contact.index);
        said(shell, contact);
    }
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

/// Writes the registry into `$CARGO_HOME/config.toml`. Nothing is pinned: whom to trust is a project's own affair.
///
/// # Errors
/// The namespace cannot be found, or the file cannot be written.
pub fn global(shell: &Shell, args: &Args, namespace: &Namespace) -> Result<ExitCode, CliError> {
    let settings = args.common.settings()?;
    contact::check(&settings, namespace)?;
    let file = ConfigFile::read(&settings.cargo_home)?;
    let means = Means::new(&settings);
    let net = Net::new(&means);
    let domain = namespace.display_both();
    let Some(view) = net.domains(std::slice::from_ref(namespace)).pop() else {
        return Err(cargo_namespaces_net::interrupt::Interrupted.into());
    };
    let index = match view.declared_index() {
        Ok(index) => index,
        Err(error) => {
            let exit = match error {
                IndexError::Unknown { .. } => ExitCode::Unreachable,
                IndexError::Contradiction { .. } => ExitCode::Refused,
            };
            return Err(
                CliError::new(exit, format!("could not find the index of {domain}")).caused_by(&error)
            );
        }
    };
    contact::check_is_there(&net, &view, &index)?;
    let known = file.parsed.registry_name(&index).and_then(|name| RegistryName::parse(name).ok());
    let registry = known.unwrap_or_else(|| RegistryName::from_namespace(namespace));
    let contact = Contact { namespace: namespace.clone(), index, registry, is_assumed: false };
    let text = files::with_registry(&file, &file.text, &contact, None)?;
    said(shell, &contact);
    let (shown, existed) = (file.path.display().to_string(), file.path.exists());
    if text == file.text {
        shell.note(format!("`{shown}` has the registry already"));
    } else if args.dry_run {
        report::file(shell, &shown, existed, true);
    } else {
        guarded(shell, [file.path.clone()], false, |changes| changes.write(&file.path, &text))?;
        report::file(shell, &shown, existed, false);
    }
    report::finished(shell, args.dry_run);
    Ok(ExitCode::Ok)
}

fn said(shell: &Shell, contact: &Contact) {
    let namespace = contact.namespace.display_both();
    shell.status("Found", format!("{namespace} as the registry `{}`: {}", contact.registry, contact.index));
}
