//! Running cargo as if nothing were vendored yet.
//!
//! Once a project is configured for its vendored directory, Cargo sees nothing else: a dependency that is new in the
//! manifest cannot be resolved. `cargo vendor` ignores the configuration's replacements for that reason. Here those
//! that lead to directories of unpacked packages are, which are somebody's vendored ones and have no archives (with
//! `--respect-source-config` only those in the directory that is vendored into); a mirror stays a mirror. Since a configuration file cannot be told to be
//! silent, cargo is then run from an empty directory, with copies of the project's files that lack these entries. The one
//! in Cargo's home is read wherever cargo is run: where that has such an entry, cargo is given another [home].

mod copies;
mod home;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cargo_namespaces_cli::cargo::{Cargo, CargoError};
use cargo_namespaces_cli::cli::CommonArgs;
use cargo_namespaces_cli::env::Var;
use cargo_namespaces_cli::registry_client::SignIn;
use cargo_namespaces_cli::settings::Settings;
use cargo_namespaces_cli::shell::{CliError, Shell};
use cargo_namespaces_net::fs::FsError;
use tempfile::TempDir;

use copies::{absolute_configs, take_vendored, without, write_copy};
pub use copies::{configuration_files, without_secrets};

/// A cargo that does not see what is vendored.
#[derive(Clone, Debug)]
pub struct CargoRun {
    cargo: Cargo,
    flags: Vec<OsString>,
    /// The empty directory, while cargo runs in it.
    _away: Option<Arc<TempDir>>,
}

impl CargoRun {
    /// Prepares cargo to be run for `settings`, without the replacements that lead to `target`, nor, unless `respect`, to
    /// any other directory of unpacked packages.
    ///
    /// # Errors
    /// A configuration file cannot be read, or its copy not be written.
    pub fn new(
        shell: &Shell,
        common: &CommonArgs,
        settings: &mut Settings,
        target: &Path,
        respect: bool,
        manifests: &[PathBuf],
    ) -> Result<Self, CliError> {
        let mut flags = Vec::new();
        let vendored = take_vendored(settings, target, respect);
        let away = if vendored.is_empty() { None } else { Some(empty_directory()?) };
        if let Some(away) = &away {
            for (number, file) in configuration_files(settings).into_iter().enumerate() {
                let copy = away.path().join(number.to_string()).join(".cargo").join("config.toml");
                write_copy(&file, &vendored, &copy, without)?;
                flags.push("--config".into());
                flags.push(copy.into());
            }
        }
        // Those of the command line come last: the later wins.
        flags.extend(absolute_configs(common.cargo_flags(shell), &settings.directory));
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

    /// The same, with the configuration file `config` over all others.
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

    /// `cargo fetch`: the lock file fits the manifest afterwards, and every package is in Cargo's home.
    ///
    /// # Errors
    /// It fails.
    pub fn fetch(&self, manifest: &Path) -> Result<(), CargoError> {
        self.cargo.fetch(Some(manifest), &self.flags)
    }

    /// What cargo says of a lock file that cannot be read.
    pub fn says_of_lock(&self, manifest: &Path) -> Option<String> {
        self.cargo.says_of_lock(manifest)
    }

    /// As [`CargoRun::fetch`], but the lock file must fit.
    ///
    /// # Errors
    /// It fails.
    pub fn fetch_locked(&self, manifest: &Path) -> Result<(), CargoError> {
        let mut flags = self.flags.clone();
        if !flags.iter().any(|flag| flag == "--locked" || flag == "--frozen") {
            flags.push("--locked".into());
        }
        self.cargo.fetch(Some(manifest), &flags)
    }

    /// Whether the lock file beside `manifest` fits it, silently, with nothing downloaded but the index.
    ///
    /// `cargo fetch --locked` would unpack every package. Of the commands that resolve the whole graph and refuse to change
    /// the lock file, `cargo clean` does the least besides: it is told to clean one package of a directory in which
    /// nothing was ever built.
    ///
    /// # Errors
    /// It does not fit, or cannot be resolved; what cargo said is in the error.
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
        // Cargo takes no argument that is not UTF-8.
        let elsewhere =
            match nothing_built.to_str() {
                Some(_) => None,
                None => Some(empty_directory().map_err(|error| CargoError::Start {
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
        // Silence would look as if we hung, while it waits for another cargo.
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

    /// `cargo metadata` of the workspace's own packages, which is resolved nowhere.
    ///
    /// # Errors
    /// It fails.
    pub fn members(&self, manifest: &Path) -> Result<cargo_metadata::Metadata, CargoError> {
        let mut flags = self.quiet_flags();
        flags.push("--no-deps".into());
        self.cargo.metadata(Some(manifest), flags)
    }

    /// `cargo metadata` of the locked graph with `further` flags; Cargo fetches what it needs for the answer.
    ///
    /// # Errors
    /// It fails: the lock file does not fit, a feature is not known, a package cannot be fetched.
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

    /// Without those that say how much is told: the answer is read, not shown.
    fn quiet_flags(&self) -> Vec<OsString> {
        self.flags.iter().filter(|flag| !is_verbosity(flag)).cloned().collect()
    }

    /// `cargo metadata` of what was fetched.
    ///
    /// # Errors
    /// It fails.
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

/// An empty directory in the system's temporary one, removed with the value.
///
/// # Errors
/// It cannot be created.
pub fn empty_directory() -> Result<TempDir, FsError> {
    let above = std::env::temp_dir();
    tempfile::Builder::new().prefix("cargo-nsvendor-").tempdir_in(&above).map_err(|source| FsError {
        action: "create a directory in",
        path: above,
        source,
    })
}

/// The manifests and lock files that say what Cargo will ask for; none where they do not say all of it: before there is a lock
/// file, that stands in the manifests of the workspace's members too.
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
