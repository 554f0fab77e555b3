//! Publishing and yanking at a registry through Cargo: its command lines, with our credential provider in them.

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

use super::args::{PublishArgs, YankArgs};
use super::stage::package_flags;
use super::target;
use crate::credential::install::PROVIDER;
use crate::credential::known::Known;
use crate::plan::Member;
use crate::session::Session;

/// A namespace at its registry, as Cargo is told of it.
pub struct Way {
    /// The canonical index.
    pub index: IndexUrl,
    registry: RegistryName,
    /// The provider's `--key`.
    key: Option<String>,
    /// What opens that key's file, if it is not what the flags say.
    pub passphrase_file: Option<PathBuf>,
    /// What lets Cargo read a private index, in a file of its own: Cargo's build gets no key to sign that with.
    reading: Option<NamedTempFile>,
}

impl Way {
    /// The way to an index, under the name that a manifest gives its registry, if it gives one. The credential provider
    /// answers for the index from now on: the user has just asked for it.
    ///
    /// # Errors
    /// The list of known indexes cannot be read or written.
    pub fn open(
        session: &Session<'_>,
        namespace: &Namespace,
        index: IndexUrl,
        name: Option<&String>,
        source: &Source,
        reading: Option<&str>,
    ) -> Result<Self, CliError> {
        let reading = reading.map(in_file).transpose().exit_with(ExitCode::Failure)?;
        let mut known = Known::load(&session.settings.cargo_home)?;
        known.set(&index, namespace);
        known.save(&session.settings.cargo_home)?;
        let registry = name
            .and_then(|name| RegistryName::parse(name).ok())
            .unwrap_or_else(|| target::registry_name(session, namespace, &index));
        let key = match source {
            Source::Book(key) => Some(key.to_string()),
            Source::File(path) => Some(session.path(path).display().to_string()),
            Source::Variable => None,
        };
        Ok(Self { index, registry, key, passphrase_file: None, reading })
    }

    fn flags(&self, session: &Session<'_>, passphrase_file: Option<&Path>) -> Vec<OsString> {
        let registry = format!("registries.{}", self.registry);
        let index = Value::from(self.index.as_str());
        let provider = self.provider(session, passphrase_file);
        vec![
            "--registry".into(),
            self.registry.as_str().into(),
            "--config".into(),
            format!("{registry}.index={index}").into(),
            "--config".into(),
            format!("{registry}.credential-provider={provider}").into(),
        ]
    }

    /// The provider for this run: this very program, with the key that was decided on.
    fn provider(&self, session: &Session<'_>, passphrase_file: Option<&Path>) -> Value {
        let program = std::env::current_exe().ok().and_then(|path| path.to_str().map(str::to_owned));
        let mut words = Array::from_iter([program.unwrap_or_else(|| PROVIDER.to_owned())]);
        if let Some(key) = &self.key {
            words.extend(["--key", key]);
        }
        if let Some(file) = self.passphrase_file.as_deref().or(passphrase_file) {
            words.push("--passphrase-file");
            words.push(session.path(file).display().to_string());
        }
        if let Some(file) = &self.reading {
            words.push("--read-statement");
            words.push(file.path().display().to_string());
        }
        Value::Array(words)
    }
}

/// A text in a file that only its owner reads, and that goes away with the value.
fn in_file(text: &str) -> std::io::Result<NamedTempFile> {
    let mut file = NamedTempFile::new()?;
    file.write_all(text.as_bytes())?;
    Ok(file)
}

/// Has Cargo publish. Where the key or its passphrase is in a variable, Cargo first verifies without it: a build script
/// would read it. Only then it uploads, building nothing.
///
/// # Errors
/// Cargo fails.
pub fn publish(
    session: &Session<'_>,
    args: &PublishArgs,
    way: &Way,
    members: &[Member],
) -> Result<(), CliError> {
    let manifests = members.iter().map(|member| member.manifest_path.as_ref());
    let cargo = session.packaging(manifests, &way.index)?;
    let quiet_out = session.shell.is_json();
    let in_variable = Var::SECRETS.iter().any(|var| session.env.get(*var).is_some());
    let command = |no_verify: bool| {
        let dry_run = args.dry_run.then(|| "--dry-run".into());
        command(session, args, way, members, "publish", no_verify).into_iter().chain(dry_run)
    };
    if args.dry_run || !in_variable {
        return Ok(cargo.run(command(args.no_verify), quiet_out)?);
    }
    if !args.no_verify {
        package(session, args, way, members, true)?;
    }
    Ok(cargo.run_with_secrets(command(true), quiet_out)?)
}

/// Has Cargo package, and with `verify` build what it packaged, without a secret in its environment.
///
/// # Errors
/// Cargo fails.
pub fn package(
    session: &Session<'_>,
    args: &PublishArgs,
    way: &Way,
    members: &[Member],
    verify: bool,
) -> Result<(), CliError> {
    let command = command(session, args, way, members, "package", !verify);
    Ok(Cargo::new(&session.directory).run(command, session.shell.is_json())?)
}

fn command(
    session: &Session<'_>,
    args: &PublishArgs,
    way: &Way,
    members: &[Member],
    subcommand: &str,
    no_verify: bool,
) -> Vec<OsString> {
    let mut command: Vec<OsString> = vec![subcommand.into()];
    command.extend(way.flags(session, args.passphrase_file.as_deref()));
    command.extend(manifest_flag(session.common.manifest_path.as_deref()));
    for member in members {
        command.extend(["--package".into(), member.name.krate.as_str().into()]);
    }
    command.extend(package_flags(args, !no_verify));
    if let Some(dir) = &args.target_dir {
        command.extend(["--target-dir".into(), session.path(dir).into()]);
    }
    command.extend(session.common.cargo_flags(session.shell));
    command
}

/// Has Cargo yank, or with `undo` take a yank back.
///
/// # Errors
/// There is no key, or Cargo fails.
pub fn yank(
    session: &Session<'_>,
    args: &YankArgs,
    index: IndexUrl,
    version: &Version,
    undo: bool,
) -> Result<(), CliError> {
    let name = &args.release.name;
    let source =
        session.keys(None).source(&session.store.book()?, args.key.as_deref(), Some(&name.namespace))?;
    let way = Way::open(session, &name.namespace, index, None, &source, None)?;
    let mut command: Vec<OsString> = vec!["yank".into(), format!("{}@{version}", name.krate).into()];
    if undo {
        command.push("--undo".into());
    }
    command.extend(way.flags(session, args.passphrase_file.as_deref()));
    // Cargo's yank has no lock file to keep, and refuses the flags about it.
    if session.common.quiet {
        command.push("--quiet".into());
    }
    Ok(Cargo::new(&session.directory).run_with_secrets(&command, session.shell.is_json())?)
}
