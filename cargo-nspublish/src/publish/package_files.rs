//! What Cargo would package.

use std::ffi::OsString;

use cargo_namespaces::cargo::Cargo;
use cargo_namespaces::shell::CliError;

use crate::plan::Member;
use crate::session::Session;

/// The files that Cargo would package, as paths below the manifest's directory.
///
/// # Errors
/// Cargo cannot list them.
pub fn packaged(session: &Session<'_>, member: &Member) -> Result<Vec<String>, CliError> {
    let mut command: Vec<OsString> =
        ["package", "--list", "--allow-dirty", "--quiet"].map(Into::into).to_vec();
    command.extend(["--manifest-path".into(), member.manifest_path.clone().into()]);
    command.extend(session.common.config.iter().flat_map(|config| ["--config".into(), config.into()]));
    let listed = Cargo::new(&session.directory).capture(&command)?;
    Ok(String::from_utf8_lossy(&listed.stdout).lines().map(str::to_owned).collect())
}
