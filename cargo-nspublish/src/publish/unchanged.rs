//! Releases that a registry has already: the same content is no error, as on a site, and other content is one before
//! anything is uploaded.

use cargo_namespaces::index::tree::crate_file_name;
use cargo_namespaces::package;
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode};
use cargo_namespaces_net::fs;

use super::args::PublishArgs;
use super::stage::target_directory;
use super::through_cargo::{self, Way};
use crate::plan::Member;
use crate::registry::Registry;
use crate::session::Session;

/// The members that the registry does not have yet. Of the others it is said that nothing changed.
///
/// # Errors
/// The registry does not answer, a member does not package, or a release is there with other content.
pub fn leave_out(
    session: &Session<'_>,
    args: &PublishArgs,
    way: &Way,
    registry: &Registry,
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
    // All of them, since one may need another that is not published yet. What is only compared is not built.
    through_cargo::package(session, args, way, members, false)?;
    let target_dir = target_directory(session, args)?;
    for (member, published) in held {
        let (krate, version) = (member.name.krate.as_str(), &member.version);
        let made = fs::read(&target_dir.join("package").join(crate_file_name(krate, version)))?;
        let differing = package::differences(&published, &made, krate, version)
            .with_context(ExitCode::Failure, || {
                format!("failed to compare {} v{version} with what {} has", member.name, registry.host())
            })?;
        let label = format!("{} v{version} is at {} already", member.name, registry.host());
        if !differing.is_empty() {
            let files = if differing.len() == 1 { "this file differs" } else { "these files differ" };
            return Err(CliError::new(ExitCode::Failure, format!("{label}, with other content"))
                .because(format!("{files}: {}", differing.join(", ")))
                .hint("a published version never changes: raise `version` in its Cargo.toml"));
        }
        session.shell.status("Unchanged", format!("{label}, with the same files"));
    }
    Ok(new)
}
