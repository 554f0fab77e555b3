//! The project on disk: its workspace, its lock file, and the two files in `.cargo`.
//!
//! ```text
//! <root>/Cargo.toml  Cargo.lock  .cargo/config.toml  .cargo/namespaces.toml
//! ```

use std::path::{Path, PathBuf};

use cargo_namespaces::cargo_config::{CargoConfig, CargoConfigError};
use cargo_namespaces::lockfile::{LockFile, LockFileError, LockedPackage};
use cargo_namespaces::name::{IndexUrl, RegistryName};
use cargo_namespaces::trust_file::{TrustFile, TrustFileError};
use cargo_namespaces_cli::cargo::Cargo;
use cargo_namespaces_cli::settings::Settings;
use cargo_namespaces_net::fs::{self, FsError};

use crate::context::Context;
use crate::workspace::{Workspace, WorkspaceError};

/// The trust file, below the workspace's root.
const TRUST_FILE: &str = ".cargo/namespaces.toml";

/// The project as it is when the run begins.
#[derive(Debug)]
pub struct Project<'a> {
    /// Where the command runs: Cargo's configuration is read for it, and paths are shown relative to it.
    pub directory: &'a Path,
    pub settings: &'a Settings,
    pub workspace: Workspace,
    /// The lock file as it is, if there is one.
    pub lock: Option<LockFile>,
    /// The workspace's own configuration file, and its text.
    pub config: ConfigFile,
    pub trust: TrustFile,
}

/// `.cargo/config.toml` of the workspace.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    /// The file. A `config` without extension comes before `config.toml`, as for Cargo.
    pub path: PathBuf,
    /// Its text; empty if there is no file.
    pub text: String,
    pub parsed: CargoConfig,
}

impl ConfigFile {
    /// Reads the configuration in `directory` (a `.cargo`, or Cargo's home).
    ///
    /// # Errors
    /// It cannot be read, or is invalid.
    pub fn read(directory: &Path) -> Result<Self, ProjectError> {
        let old = directory.join("config");
        let path = if old.is_file() { old } else { directory.join("config.toml") };
        let text = fs::read_to_string_if_exists(&path)?.unwrap_or_default();
        match CargoConfig::parse(&text) {
            Ok(parsed) => Ok(Self { path, text, parsed }),
            Err(source) => Err(ProjectError::Config { path, source }),
        }
    }
}

impl<'a> Project<'a> {
    /// Reads the workspace of `manifest_path`, or of the nearest manifest.
    ///
    /// # Errors
    /// A file cannot be read or is invalid, or `.cargo` leads out of the project.
    pub fn load(context: &'a Context<'_>, manifest_path: Option<&Path>) -> Result<Self, ProjectError> {
        let (directory, settings) = (context.directory.as_path(), &context.settings);
        let workspace = Workspace::load(directory, manifest_path)?;
        let config = ConfigFile::read(&workspace.root.join(".cargo"))?;
        for path in [&config.path, &workspace.root.join(TRUST_FILE)] {
            check_inside(&workspace, path)?;
        }
        let lock = read_lock(&workspace.root)?;
        let trust = read_trust(&workspace.root.join(TRUST_FILE))?;
        Ok(Self { directory, settings, workspace, lock, config, trust })
    }

    pub fn lock_path(&self) -> PathBuf {
        self.workspace.root.join("Cargo.lock")
    }

    pub fn trust_path(&self) -> PathBuf {
        self.workspace.root.join(TRUST_FILE)
    }

    /// The lock file as it is now.
    ///
    /// # Errors
    /// It cannot be read or is invalid.
    pub fn read_lock(&self) -> Result<Option<LockFile>, ProjectError> {
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

    /// The registries that Cargo or the project knows: name and index, as written. The project's own file counts even
    /// if the command runs outside of the project, where Cargo does not read it.
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

    /// Whether a clone of the project has the registry's entry: in the workspace's own configuration, or in that of a
    /// directory above it in the same repository.
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

/// A clone may contain a symbolic link in place of `.cargo`, for example to the user's own configuration. What belongs to the
/// project is written into the project, or at least into its repository.
fn check_inside(workspace: &Workspace, path: &Path) -> Result<(), ProjectError> {
    let repository = workspace.root.ancestors().find(|directory| directory.join(".git").exists());
    match fs::leads_out_of(path, repository.unwrap_or(&workspace.root)) {
        Some(target) => Err(ProjectError::LeadsOut { shown: workspace.shown(path), target }),
        None => Ok(()),
    }
}

fn read_lock(root: &Path) -> Result<Option<LockFile>, ProjectError> {
    let path = root.join("Cargo.lock");
    let Some(text) = fs::read_to_string_if_exists(&path)? else { return Ok(None) };
    LockFile::parse(&text).map(Some).map_err(|source| {
        let cargo_says = Cargo::new(root).says_of_lock(&root.join("Cargo.toml"));
        ProjectError::Lock { path, cargo_says, source }
    })
}

fn read_trust(path: &Path) -> Result<TrustFile, ProjectError> {
    let Some(text) = fs::read_to_string_if_exists(path)? else { return Ok(TrustFile::default()) };
    TrustFile::parse(&text).map_err(|source| ProjectError::Trust { path: path.to_owned(), source })
}

/// The project cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    #[error("the configuration `{}` is invalid", path.display())]
    Config {
        path: PathBuf,
        #[source]
        source: CargoConfigError,
    },
    /// A file in `.cargo` is outside of the project, behind a symbolic link.
    #[error("`{shown}` points outside the project, to `{}`", target.display())]
    LeadsOut { shown: String, target: PathBuf },
    /// `Cargo.lock` is invalid.
    #[error("the lock file `{}` is invalid", path.display())]
    Lock {
        path: PathBuf,
        /// What Cargo says of it, which is better known to the user than our own parser's words.
        cargo_says: Option<String>,
        #[source]
        source: LockFileError,
    },
    #[error("the trust file `{}` is invalid", path.display())]
    Trust {
        path: PathBuf,
        #[source]
        source: TrustFileError,
    },
    #[error(transparent)]
    File(#[from] FsError),
}
