//! Runs Cargo to publish and yank at a registry, with this program as the credential provider.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use cargo_namespaces::name::{IndexUrl, Namespace, RegistryName};
use cargo_namespaces_cli::cargo::{Cargo, manifest_flag};
use cargo_namespaces_cli::env::Var;
use cargo_namespaces_cli::keystore::access::Source;
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode};
use semver::Version;
use tempfile::NamedTempFile;
use toml_edit::{Array, Value};

use super::package_flags::package_flags;
use crate::context::Context;
use crate::credential::install::PROVIDER;
use crate::credential::known::KnownIndexes;
use crate::index_location::registry_name;
use crate::options::{PublishOptions, YankOptions};
use crate::plan::Member;

/// The arguments that make Cargo use the registry of a namespace, and sign with the key that was found.
pub struct CargoRegistryArgs {
    /// The canonical index.
    pub index: IndexUrl,
    registry: RegistryName,
    /// The provider's `--key`.
    key: Option<String>,
    /// The file with the passphrase of that key, if it is not the one of the flags.
    pub passphrase_file: Option<PathBuf>,
    /// The file with the statement that lets Cargo read a private index. Cargo's build gets no key to sign one with.
    reading: Option<NamedTempFile>,
}

impl CargoRegistryArgs {
    /// Makes the arguments for an index, under the name that a manifest gives its registry, if any. From now on the credential
    /// provider answers for the index, since the user has just asked for it.
    ///
    /// # Errors
    /// The list of known indexes cannot be read or written.
    pub fn open(
        context: &Context<'_>,
        namespace: &Namespace,
        index: IndexUrl,
        name: Option<&String>,
        source: &Source,
        reading: Option<&str>,
    ) -> Result<Self, CliError> {
        let reading = reading.map(in_file).transpose().exit_with(ExitCode::Failure)?;
        let mut known = KnownIndexes::load(&context.settings.cargo_home)?;
        known.set(&index, namespace);
        known.save(&context.settings.cargo_home)?;
        let registry = name
            .and_then(|name| RegistryName::parse(name).ok())
            .unwrap_or_else(|| registry_name(context, namespace, &index));
        let key = match source {
            Source::Book(key) => Some(key.to_string()),
            Source::File(path) => Some(context.path(path).display().to_string()),
            Source::Variable => None,
        };
        Ok(Self { index, registry, key, passphrase_file: None, reading })
    }

    fn flags(&self, context: &Context<'_>, passphrase_file: Option<&Path>) -> Vec<OsString> {
        let registry = format!("registries.{}", self.registry);
        let index = Value::from(self.index.as_str());
        let provider = self.provider(context, passphrase_file);
        vec![
            "--registry".into(),
            self.registry.as_str().into(),
            "--config".into(),
            format!("{registry}.index={index}").into(),
            "--config".into(),
            format!("{registry}.credential-provider={provider}").into(),
        ]
    }

    /// The credential provider for this run: this program, with the key that was found.
    fn provider(&self, context: &Context<'_>, passphrase_file: Option<&Path>) -> Value {
        let program = std::env::current_exe().ok().and_then(|path| path.to_str().map(str::to_owned));
        let mut words = Array::from_iter([program.unwrap_or_else(|| PROVIDER.to_owned())]);
        if let Some(key) = &self.key {
            words.extend(["--key", key]);
        }
        if let Some(file) = self.passphrase_file.as_deref().or(passphrase_file) {
            words.push("--passphrase-file");
            words.push(context.path(file).display().to_string());
        }
        if let Some(file) = &self.reading {
            words.push("--read-statement");
            words.push(file.path().display().to_string());
        }
        Value::Array(words)
    }
}

/// Writes a text into a file that only its owner can read. It is removed when the value is dropped.
fn in_file(text: &str) -> std::io::Result<NamedTempFile> {
    let mut file = NamedTempFile::new()?;
    file.write_all(text.as_bytes())?;
    Ok(file)
}

/// Has Cargo publish. If the key or its passphrase is in an environment variable, Cargo first builds the packages without it,
/// since a build script could read it, and then uploads without building.
pub fn publish(
    context: &Context<'_>,
    options: &PublishOptions,
    cargo_args: &CargoRegistryArgs,
    members: &[Member],
) -> Result<(), CliError> {
    let manifests = members.iter().map(|member| member.manifest_path.as_ref());
    let cargo = context.packaging(manifests, &cargo_args.index)?;
    let quiet_out = context.shell.is_json();
    let in_variable = Var::SECRETS.iter().any(|var| context.env.get(*var).is_some());
    let command = |no_verify: bool| {
        let dry_run = options.dry_run.then(|| "--dry-run".into());
        command(context, options, cargo_args, members, "publish", no_verify).into_iter().chain(dry_run)
    };
    if options.dry_run || !in_variable {
        return Ok(cargo.run(command(options.build.no_verify), quiet_out)?);
    }
    if !options.build.no_verify {
        package(context, options, cargo_args, members, true)?;
    }
    Ok(cargo.run_with_secrets(command(true), quiet_out)?)
}

/// Has Cargo package, and with `verify` build what it packaged. No secret is in its environment.
pub fn package(
    context: &Context<'_>,
    options: &PublishOptions,
    cargo_args: &CargoRegistryArgs,
    members: &[Member],
    verify: bool,
) -> Result<(), CliError> {
    let command = command(context, options, cargo_args, members, "package", !verify);
    Ok(Cargo::new(&context.directory).run(command, context.shell.is_json())?)
}

fn command(
    context: &Context<'_>,
    options: &PublishOptions,
    cargo_args: &CargoRegistryArgs,
    members: &[Member],
    subcommand: &str,
    no_verify: bool,
) -> Vec<OsString> {
    let mut command: Vec<OsString> = vec![subcommand.into()];
    command.extend(cargo_args.flags(context, options.signing.passphrase_file.as_deref()));
    command.extend(manifest_flag(context.common.manifest_path.as_deref()));
    for member in members {
        command.extend(["--package".into(), member.name.krate.as_str().into()]);
    }
    command.extend(package_flags(&options.build, !no_verify));
    if let Some(dir) = &options.build.target_dir {
        command.extend(["--target-dir".into(), context.path(dir).into()]);
    }
    command.extend(context.common.cargo_flags.iter().cloned());
    command
}

/// Has Cargo yank, or with `undo` undo a yank.
pub fn yank(
    context: &Context<'_>,
    options: &YankOptions,
    index: IndexUrl,
    version: &Version,
    undo: bool,
) -> Result<(), CliError> {
    let name = &options.release.name;
    let source = context.keys(None).source(
        &context.store.book()?,
        options.signing.key.as_deref(),
        Some(&name.namespace),
    )?;
    let cargo_args = CargoRegistryArgs::open(context, &name.namespace, index, None, &source, None)?;
    let mut command: Vec<OsString> = vec!["yank".into(), format!("{}@{version}", name.krate).into()];
    if undo {
        command.push("--undo".into());
    }
    command.extend(cargo_args.flags(context, options.signing.passphrase_file.as_deref()));
    // `cargo yank` uses no lock file, and refuses the flags about it.
    if context.common.quiet {
        command.push("--quiet".into());
    }
    Ok(Cargo::new(&context.directory).run_with_secrets(&command, context.shell.is_json())?)
}
