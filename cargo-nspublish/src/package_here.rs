//! The package of the current directory, as its manifest describes it.

use cargo_namespaces::manifest::{ManifestInfo, PackageInfo};
use cargo_namespaces::name::{CrateName, Namespace, QualifiedName};
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode};
use cargo_namespaces_net::fs;

use crate::context::Context;

/// Returns the namespace of the package here.
pub fn namespace_here(context: &Context<'_>) -> Result<Namespace, CliError> {
    let declared = package_here(context)?.and_then(|package| package.namespace);
    declared.ok_or_else(|| {
        CliError::usage("no namespace is named, and no package here names one")
            .hint("name one, such as serde.rs: a domain of yours")
    })
}

/// Returns the namespace of the package here, and its full name if the package's name is a valid crate name.
pub fn crate_here(context: &Context<'_>) -> Result<(Namespace, Option<QualifiedName>), CliError> {
    let namespace = namespace_here(context)?;
    let krate = package_here(context)?.and_then(|package| CrateName::parse(&package.name).ok());
    let name = krate.map(|krate| QualifiedName { namespace: namespace.clone(), krate });
    Ok((namespace, name))
}

fn package_here(context: &Context<'_>) -> Result<Option<PackageInfo>, CliError> {
    let manifest = match &context.common.manifest_path {
        Some(path) => context.path(path),
        None => context.directory.join("Cargo.toml"),
    };
    let Some(text) = fs::read_to_string_if_exists(&manifest)? else { return Ok(None) };
    let info = ManifestInfo::parse(&text)
        .with_context(ExitCode::InvalidInput, || format!("failed to read `{}`", manifest.display()))?;
    Ok(info.package)
}
