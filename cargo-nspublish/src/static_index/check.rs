//! Refuses a static index for a namespace whose index is on a registry: readers would never see what is written into a
//! directory.

use std::path::Path;

use cargo_namespaces::name::Namespace;
use cargo_namespaces_cli::interrupt;
use cargo_namespaces_cli::shell::{CliError, ExitCode};

use super::remembered;
use crate::context::Context;
use crate::located::Located;
use crate::options::SiteOptions;
use crate::registry::is_on_registry;

/// Refuses the site `dir`, absolute, for a namespace whose index is on a registry. An index that does not answer is taken not
/// to exist yet.
pub fn check_is_static(
    context: &Context<'_>,
    namespace: &Namespace,
    located: &Located,
    dir: &Path,
) -> Result<(), CliError> {
    let Located { index, basis } = located;
    if context.is_offline() {
        return Ok(());
    }
    let on_registry = is_on_registry(context.network, index);
    interrupt::check()?;
    if !on_registry {
        return Ok(());
    }
    let shown = remembered::relative(&context.directory, dir);
    let shown = shown.display();
    let error = format!(
        "{} is published to the registry {}, not into the site `{shown}`",
        namespace.display_both(),
        index.host()
    );
    let instead = match remembered::place_of(context, namespace, dir)? {
        Some(line) => format!("remove {line} to publish there"),
        None => "leave `--site` out to publish there".to_owned(),
    };
    Err(CliError::new(ExitCode::ActionRequired, error)
        .because(format!("its index is {index} ({basis}), and an index is the namespace's identity"))
        .hint(format!(
            "{instead}; or move the namespace, while nothing is published:\n    cargo nspublish setup {namespace} --site {shown} \
             --change-index"
        )))
}

/// As [`check_is_static`], for the site that the flags name, if they name one.
pub fn check_named_site(
    context: &Context<'_>,
    site: &SiteOptions,
    namespace: &Namespace,
    located: &Located,
) -> Result<(), CliError> {
    match &site.site {
        Some(dir) => check_is_static(context, namespace, located, &context.path(dir)),
        None => Ok(()),
    }
}
