//! Releases that a registry has already. The same content is no error, as in a static index. Other content is an error, before
//! anything is uploaded.

use cargo_namespaces::package;
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode};
use cargo_namespaces_net::fs;

use super::package_flags::target_directory;
use super::through_cargo::{self, CargoRegistryArgs};
use crate::context::Context;
use crate::options::PublishOptions;
use crate::plan::Member;
use crate::registry::RegistryClient;

/// Returns the members that the registry does not have yet, and says of the others that they are unchanged.
///
/// # Errors
/// The registry does not answer, a member does not package, or a release is there with other content.
pub fn leave_out(
    context: &Context<'_>,
    options: &PublishOptions,
    cargo_args: &CargoRegistryArgs,
    registry: &RegistryClient<'_>,
    members: &[Member],
) -> Result<Vec<Member>, CliError> {
    let mut new = Vec::new();
    let mut held = Vec::new();
    for member in members {
        match registry.package(&member.name, &member.version)? {
            Some(bytes) => held.push((member, bytes)),
            None => new.push(member.clone()),
        }
    }
    if held.is_empty() {
        return Ok(new);
    }
    // All members, since one may need another that is not published yet. They are not built, since they are only compared.
    through_cargo::package(context, options, cargo_args, members, false)?;
    let target_dir = target_directory(context, &options.build)?;
    for (member, published) in held {
        let (krate, version) = (member.name.krate.as_str(), &member.version);
        let made = fs::read(&target_dir.join(format!("package/{krate}-{version}.crate")))?;
        let differing = package::differences(&published, &made, krate, version)
            .with_context(ExitCode::Failure, || {
                format!("failed to compare {} v{version} with what {} has", member.name, registry.host())
            })?;
        let label = format!("{} v{version} is at {} already", member.name, registry.host());
        if !differing.is_empty() {
            return Err(other_content(&label, &differing));
        }
        context.shell.status("Unchanged", format!("{label}, with the same files"));
    }
    Ok(new)
}

/// The error for a release that was published with other files; `label` says where it is.
pub fn other_content(label: &str, differing: &[String]) -> CliError {
    let files = if differing.len() == 1 { "this file differs" } else { "these files differ" };
    CliError::new(ExitCode::Failure, format!("{label}, with other content"))
        .because(format!("{files}: {}", differing.join(", ")))
        .hint("a published version never changes: raise `version` in its Cargo.toml")
}
