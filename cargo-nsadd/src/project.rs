//! The project on disk: its workspace, its lock file, and the two files in `.cargo`.
//!
//! ```text
//! <root>/Cargo.toml  Cargo.lock  .cargo/config.toml  .cargo/namespaces.toml
//! ```

use std::path::{Path, PathBuf};

use cargo_namespaces::cargo_config::CargoConfig;
use cargo_namespaces::lockfile::{LockFile, LockedPackage};
use cargo_namespaces::name::{IndexUrl, RegistryName};
use cargo_namespaces::trust_file::TrustFile;
use cargo_namespaces_cli::cargo::Cargo;
use cargo_namespaces_cli::settings::Settings;
use cargo_namespaces_cli::shell::{CliError, ExitCode};
use cargo_namespaces_net::fs;

use crate::args::Args;
use crate::workspace::Workspace;

/// The trust file, below the workspace's root.
const TRUST_FILE: &str = ".cargo/namespaces.toml";

/// Everything that a run starts from.
#[derive(Debug)]
pub struct Project {
    /// Where the command runs: what Cargo's configuration is read for, and paths are relative to.
    pub directory: PathBuf,
    /// What the user configured.
    pub settings: Settings,
    /// The manifests.
    pub workspace: Workspace,
    /// The lock file as it is, if there is one.
    pub lock: Option<LockFile>,
    /// The workspace's own configuration file, and its text.
    pub config: ConfigFile,
    /// What the project trusts.
    pub trust: TrustFile,
}

/// `.cargo/config.toml` of the workspace.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    /// The file: the old name without extension, where Cargo reads that one.
    pub path: PathBuf,
    /// Its text; empty when there is none.
    pub text: String,
    /// What it says.
    pub parsed: CargoConfig,
}

impl ConfigFile {
    /// Reads the configuration in `directory` (a `.cargo`, or Cargo's home).
    ///
    /// # Errors
    /// It cannot be read, or is invalid.
    pub fn read(directory: &Path) -> Result<Self, CliError> {
        let old = directory.join("config");
        let path = if old.is_file() { old } else { directory.join("config.toml") };
        let text = fs::read_to_string_if_exists(&path)?.unwrap_or_default();
        let parsed = CargoConfig::parse(&text).map_err(|error| {
            CliError::new(
                ExitCode::InvalidInput,
                format!("the configuration `{}` is invalid", path.display()),
            )
            .caused_by(&error)
        })?;
        Ok(Self { path, text, parsed })
    }
}

impl Project {
    /// Reads it.
    ///
    /// # Errors
    /// A file cannot be read or is invalid.
    pub fn load(args: &Args) -> Result<Self, CliError> {
        let directory = args.common.working_directory()?;
        let settings = args.common.settings()?;
        let workspace = Workspace::load(&directory, args.common.manifest_path.as_deref())?;
        let config = ConfigFile::read(&workspace.root.join(".cargo"))?;
        for path in [&config.path, &workspace.root.join(TRUST_FILE)] {
            stays_inside(&workspace, path)?;
        }
        let lock = read_lock(&workspace.root)?;
        let trust = read_trust(&workspace.root.join(TRUST_FILE))?;
        Ok(Self { directory, settings, workspace, lock, config, trust })
    }

    /// The lock file's path.
    pub fn lock_path(&self) -> PathBuf {
        self.workspace.root.join("Cargo.lock")
    }

    /// The trust file's path.
    pub fn trust_path(&self) -> PathBuf {
        self.workspace.root.join(TRUST_FILE)
    }

    /// The lock file as it is now.
    ///
    /// # Errors
    /// It cannot be read or is invalid.
    pub fn read_lock(&self) -> Result<Option<LockFile>, CliError> {
        read_lock(&self.workspace.root)
    }

    /// What was locked when the run began.
    pub fn locked(&self) -> &[LockedPackage] {
        self.lock.as_ref().map_or(&[], |lock| &lock.packages)
    }

    /// Every file that a run may change.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> =
            self.workspace.manifests.iter().map(|manifest| manifest.path.clone()).collect();
        files.extend([self.lock_path(), self.config.path.clone(), self.trust_path()]);
        files
    }

    /// The registries that Cargo or the project knows: name and index, as written. The project's own file counts also
    /// where the command runs outside of it and Cargo would not read it.
    pub fn registries(&self) -> Vec<(String, String)> {
        let mut found: Vec<(String, String)> = self
            .settings
            .registries
            .iter()
            .map(|(name, registry)| (name.clone(), registry.index.clone()))
            .collect();
        for (name, registry) in &self.config.parsed.registries {
            if let Some(index) = &registry.index
                && !self.settings.registries.contains_key(name)
            {
                found.push((name.clone(), index.clone()));
            }
        }
        found
    }

    /// The name under which an index is known already.
    pub fn registry_name_of(&self, index: &IndexUrl) -> Option<RegistryName> {
        let own = self.config.parsed.registry_name(index).and_then(|name| RegistryName::parse(name).ok());
        own.or_else(|| self.settings.registry_name_of(index))
    }

    /// The index that a registry's name stands for, as written.
    pub fn index_of(&self, name: &str) -> Option<String> {
        self.registries().into_iter().find(|(known, _)| known == name).map(|(_, index)| index)
    }

    /// Whether a clone of the project finds the registry by itself: the entry stands in the workspace's own
    /// configuration or in a directory above it that is cloned along.
    pub fn shares_registry(&self, name: &RegistryName, index: &IndexUrl) -> bool {
        if self.config.parsed.registry_index(name.as_str()).as_ref() == Some(index) {
            return true;
        }
        let Some(registry) = self.settings.registries.get(name.as_str()) else { return false };
        let Some(file) = &registry.file else { return false };
        if file.starts_with(&self.settings.cargo_home)
            || IndexUrl::parse(&registry.index).ok().as_ref() != Some(index)
        {
            return false;
        }
        // The directory that holds `.cargo`.
        let Some(above) = file.parent().and_then(Path::parent) else { return false };
        let repository = self.workspace.root.ancestors().find(|directory| directory.join(".git").exists());
        self.workspace.root.starts_with(above)
            && repository.is_some_and(|repository| above.starts_with(repository))
    }
}

/// A clone may hold a link in place of `.cargo`, to the user's own configuration for one. What is the project's is
/// written into the project, or at least into its repository.
fn stays_inside(workspace: &Workspace, path: &Path) -> Result<(), CliError> {
    let repository = workspace.root.ancestors().find(|directory| directory.join(".git").exists());
    let Some(landing) = fs::leads_out_of(path, repository.unwrap_or(&workspace.root)) else { return Ok(()) };
    let message = format!("`{}` leads out of the project, to `{}`", workspace.shown(path), landing.display());
    Err(CliError::new(ExitCode::InvalidInput, message)
        .hint("a symbolic link leads there: remove it if the project's own files belong in its place"))
}

fn read_lock(root: &Path) -> Result<Option<LockFile>, CliError> {
    let path = root.join("Cargo.lock");
    let Some(text) = fs::read_to_string_if_exists(&path)? else { return Ok(None) };
    LockFile::parse(&text).map(Some).map_err(|error| {
        let made =
            CliError::new(ExitCode::InvalidInput, format!("the lock file `{}` is invalid", path.display()));
        let made = match Cargo::new(root).says_of_lock(&root.join("Cargo.toml")) {
            Some(said) => made.because(said),
            None => made.caused_by(&error),
        };
        match error.hint() {
            Some(hint) => made.hint(hint),
            None => made,
        }
    })
}

fn read_trust(path: &Path) -> Result<TrustFile, CliError> {
    let Some(text) = fs::read_to_string_if_exists(path)? else { return Ok(TrustFile::default()) };
    TrustFile::parse(&text).map_err(|error| {
        let made =
            CliError::new(ExitCode::InvalidInput, format!("the trust file `{}` is invalid", path.display()))
                .caused_by(&error);
        match error.hint() {
            Some(hint) => made.hint(hint),
            None => made,
        }
    })
}
