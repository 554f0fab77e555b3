//! Flags for `cargo package` and `cargo publish`.

use std::ffi::OsString;
use std::path::PathBuf;

use cargo_namespaces_cli::cargo::Cargo;
use cargo_namespaces_cli::shell::CliError;

use crate::context::Context;
use crate::options::BuildOptions;

/// Returns the flags of a publish that `cargo package` and `cargo publish` take too.
pub fn package_flags(build: &BuildOptions, verify: bool) -> Vec<OsString> {
    let mut flags: Vec<OsString> = Vec::new();
    for (given, flag) in [
        (!verify, "--no-verify"),
        (build.allow_dirty, "--allow-dirty"),
        (build.all_features, "--all-features"),
        (build.no_default_features, "--no-default-features"),
    ] {
        if given {
            flags.push(flag.into());
        }
    }
    for features in &build.features {
        flags.extend(["--features".into(), features.into()]);
    }
    for (flag, value) in [("--target", &build.target), ("--jobs", &build.jobs)] {
        if let Some(value) = value {
            flags.extend([flag.into(), value.into()]);
        }
    }
    flags
}

/// Returns the directory that Cargo puts the packages into.
pub fn target_directory(context: &Context<'_>, build: &BuildOptions) -> Result<PathBuf, CliError> {
    if let Some(dir) = &build.target_dir {
        return Ok(context.path(dir));
    }
    let metadata =
        Cargo::new(&context.directory).metadata(context.common.manifest_path.as_deref(), ["--no-deps"])?;
    Ok(metadata.target_directory.into())
}
