//! The files that Cargo would package.

use std::ffi::OsString;

use cargo_namespaces_cli::cargo::Cargo;
use cargo_namespaces_cli::shell::CliError;

use crate::context::Context;
use crate::plan::Member;

/// Returns the files that Cargo would package, as paths below the manifest's directory.
pub fn packaged(context: &Context<'_>, member: &Member) -> Result<Vec<String>, CliError> {
    let mut command: Vec<OsString> =
        ["package", "--list", "--allow-dirty", "--quiet"].map(Into::into).to_vec();
    command.extend(["--manifest-path".into(), member.manifest_path.clone().into()]);
    command.extend(context.common.config.iter().flat_map(|config| ["--config".into(), config.into()]));
    let listed = Cargo::new(&context.directory).capture(&command)?;
    Ok(String::from_utf8_lossy(&listed.stdout).lines().map(str::to_owned).collect())
}
