//! Running cargo as if nothing were vendored yet.
//!
//! Once a project is configured for its vendored directory, Cargo sees nothing else, and cannot resolve a dependency that is new
//! in the manifest. `cargo vendor` ignores source replacements for that reason. This command ignores those that lead to
//! directories of unpacked packages, which have no .crates; with `--respect-source-config` only those in the directory that
//! is vendored into. Mirrors are kept.
//!
//! A flag cannot take an entry out of a configuration file. So Cargo is run in an empty directory, with copies of the
//! project's files that lack these entries. It reads the file in its home wherever it is run: if that has such an entry,
//! Cargo is given another [home].

mod copies;
mod home;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cargo_namespaces_cli::cargo::{Cargo, CargoError};
use cargo_namespaces_cli::env::Var;
use cargo_namespaces_cli::registry_client::SignIn;
use cargo_namespaces_cli::settings::Settings;
use cargo_namespaces_cli::shell::Shell;
use tempfile::TempDir;

use crate::temporary;
pub use copies::{ConfigCopyError, configuration_files, without_secrets};
use copies::{absolute_configs, take_vendored, without, write_copy};

/// A Cargo that does not see what is vendored.
#[derive(Clone, Debug)]
pub struct CargoRun {
    cargo: Cargo,
    flags: Vec<OsString>,
    /// The empty directory that Cargo is run in.
    _away: Option<Arc<TempDir>>,
}

impl CargoRun {
    /// Removes the replacements that lead to `target` from `settings`, and unless `respect` is set, those that lead to any other
    /// directory of unpacked packages. Cargo will not see them either.
    ///
    /// # Errors
    /// A configuration file cannot be read, or its copy cannot be written.
    pub fn new(
        cargo_flags: Vec<OsString>,
        settings: &mut Settings,
        target: &Path,
        respect: bool,
        manifests: &[PathBuf],
    ) -> Result<Self, ConfigCopyError> {
        let mut flags = Vec::new();
        let vendored = take_vendored(settings, target, respect);
        let away = if vendored.is_empty() { None } else { Some(temporary::directory()?) };
        if let Some(away) = &away {
            for (number, file) in configuration_files(settings).into_iter().enumerate() {
                let copy = away.path().join(number.to_string()).join(".cargo").join("config.toml");
                write_copy(&file, &vendored, &copy, without)?;
                flags.push("--config".into());
                flags.push(copy.into());
            }
        }
        // Those of the command line come last: later ones override earlier ones.
        flags.extend(absolute_configs(cargo_flags, &settings.directory));
        let directory = away.as_ref().map_or(settings.directory.as_path(), TempDir::path);
        let mut cargo = Cargo::new(directory);
        let texts = texts_of(manifests);
        let texts = texts.as_ref().map(|texts| texts.iter().map(String::as_str));
        cargo = cargo.signing_in(SignIn::new(settings, texts.clone(), None));
        if let Some(texts) = texts {
            cargo = cargo.https_only(settings, texts);
        }
        if let Some(away) = &away
            && let Some(home) = home::without_sources(settings, &vendored, &away.path().join("home"))?
        {
            cargo = cargo.with_variable(Var::CargoHome.name(), home);
        }
        Ok(Self { cargo, flags, _away: away.map(Arc::new) })
    }

    /// The same with one more configuration file, which overrides all others.
    pub fn configured_by(&self, config: &Path) -> Self {
        let mut made = self.clone();
        made.flags.extend(["--config".into(), config.into()]);
        made
    }

    /// The same, without the network.
    pub fn offline(&self) -> Self {
        let mut made = self.clone();
        if !made.flags.iter().any(|flag| flag == "--offline" || flag == "--frozen") {
            made.flags.push("--offline".into());
        }
        made
    }

    /// Runs `cargo fetch`. The lock file is then up to date, and every package is in Cargo's home.
    pub fn fetch(&self, manifest: &Path) -> Result<(), CargoError> {
        self.cargo.fetch(Some(manifest), &self.flags)
    }

    /// What Cargo says of a lock file that cannot be read.
    pub fn says_of_lock(&self, manifest: &Path) -> Option<String> {
        self.cargo.says_of_lock(manifest)
    }

    /// As [`CargoRun::fetch`], but the lock file must be up to date.
    pub fn fetch_locked(&self, manifest: &Path) -> Result<(), CargoError> {
        let mut flags = self.flags.clone();
        if !flags.iter().any(|flag| flag == "--locked" || flag == "--frozen") {
            flags.push("--locked".into());
        }
        self.cargo.fetch(Some(manifest), &flags)
    }

    /// Asks whether the lock file beside `manifest` is up to date, silently. Nothing is downloaded except index files.
    ///
    /// `cargo fetch --locked` would unpack every package. Of the commands that resolve the whole graph and refuse to change the
    /// lock file, `cargo clean` does least besides. It is told to clean one package in a directory where nothing was ever built.
    ///
    /// # Errors
    /// It is not up to date, or cannot be resolved. The error has what Cargo said.
    pub fn check_lock(
        &self,
        shell: &Shell,
        manifest: &Path,
        member: &str,
        settings: &Settings,
    ) -> Result<(), CargoError> {
        let (cargo, named) = self.cargo.for_manifest(Some(manifest));
        let mut args: Vec<OsString> = vec!["clean".into()];
        args.extend(named);
        args.extend(["--package".into(), member.into()]);
        let nothing_built = settings.cache().join("nothing-built");
        // Cargo accepts only arguments in UTF-8.
        let elsewhere =
            match nothing_built.to_str() {
                Some(_) => None,
                None => Some(temporary::directory().map_err(|error| CargoError::Start {
                    program: "cargo".to_owned(),
                    source: error.source,
                })?),
            };
        args.push("--target-dir".into());
        args.push(elsewhere.as_ref().map_or(nothing_built, |directory| directory.path().to_owned()).into());
        args.extend(self.flags.iter().filter(|flag| !is_verbosity(flag)).cloned());
        if !self.flags.iter().any(|flag| flag == "--locked" || flag == "--frozen") {
            args.push("--locked".into());
        }
        // Cargo waits for another Cargo: silence would look as if the command hung.
        let mut said = String::new();
        let ended = cargo.run_lines(&args, &mut |line| {
            said.push_str(line);
            said.push('\n');
            if let Some(waiting) = line.trim_start().strip_prefix("Blocking ") {
                shell.status_wait("Blocking", waiting);
            }
        });
        ended.map_err(|error| match error {
            CargoError::Failed { command, status, .. } => {
                CargoError::Failed { command, status, stderr: said }
            }
            other => other,
        })
    }

    /// `cargo metadata` of the workspace's own packages. Nothing is resolved.
    pub fn members(&self, manifest: &Path) -> Result<cargo_metadata::Metadata, CargoError> {
        let mut flags = self.quiet_flags();
        flags.push("--no-deps".into());
        self.cargo.metadata(Some(manifest), flags)
    }

    /// `cargo metadata` of the locked graph with `further` flags. Cargo fetches what it needs to answer.
    ///
    /// # Errors
    /// It fails: the lock file is not up to date, a feature does not exist, or a package cannot be fetched.
    pub fn resolved(
        &self,
        manifest: &Path,
        further: &[OsString],
    ) -> Result<cargo_metadata::Metadata, CargoError> {
        let mut flags = self.quiet_flags();
        flags.extend_from_slice(further);
        if !flags.iter().any(|flag| flag == "--locked" || flag == "--frozen") {
            flags.push("--locked".into());
        }
        self.cargo.metadata(Some(manifest), flags)
    }

    /// The flags without `--quiet` and `--verbose`: the answer is read, not shown.
    fn quiet_flags(&self) -> Vec<OsString> {
        self.flags.iter().filter(|flag| !is_verbosity(flag)).cloned().collect()
    }

    /// `cargo metadata` of what was fetched.
    pub fn metadata(&self, manifest: &Path) -> Result<cargo_metadata::Metadata, CargoError> {
        let mut flags = self.quiet_flags();
        for flag in ["--locked", "--offline"] {
            if !flags.iter().any(|given| given == flag || given == "--frozen") {
                flags.push(flag.into());
            }
        }
        self.cargo.metadata(Some(manifest), flags)
    }
}

fn is_verbosity(flag: &OsString) -> bool {
    flag == "--quiet" || flag == "--verbose"
}

/// The texts that name every registry Cargo will ask: manifests and lock files. Returns `None` if they do not name all: without a
/// lock file, the manifests of the workspace's members may name others.
fn texts_of(manifests: &[PathBuf]) -> Option<Vec<String>> {
    let mut texts = Vec::new();
    for manifest in manifests {
        let text = std::fs::read_to_string(manifest).ok()?;
        match std::fs::read_to_string(manifest.with_file_name("Cargo.lock")) {
            Ok(lock) => texts.push(lock),
            Err(_) if text.contains("workspace") => return None,
            Err(_) => {}
        }
        texts.push(text);
    }
    Some(texts)
}
