//! The project: its manifests, configuration, lock files, and whom it trusts.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cargo_namespaces::lockfile::{LockFile, LockFileError, LockSource, LockedPackage};
use cargo_namespaces::manifest::patched_by;
use cargo_namespaces_cli::cargo::{Cargo, CargoError};
use cargo_namespaces_cli::env::Environment;
use cargo_namespaces_cli::settings::Settings;
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode, Shell};
use cargo_namespaces_net::fs::{FsError, directory_of, read_to_string, read_to_string_if_exists};

use toml_edit::DocumentMut;

use crate::cargo_run::CargoRun;
use crate::filter::Filters;
use crate::options::Options;
use crate::paths::lexically_normal;
use crate::trust::{self, Trust};

/// Cargo's configuration is UTF-8, and the vendored directory's name is not.
#[derive(Debug, thiserror::Error)]
#[error("Cargo's configuration cannot name `{}`: it is not UTF-8", .0.display())]
pub struct UnnameableTarget(PathBuf);

/// Why a lock file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("there is no `{}`", .0.display())]
    Missing(PathBuf),
    #[error("failed to read `{}`", path.display())]
    Invalid {
        path: PathBuf,
        /// What Cargo says of it.
        said: Option<String>,
        #[source]
        source: LockFileError,
    },
    #[error(transparent)]
    File(#[from] FsError),
}

/// The project, before its lock files are read.
#[derive(Debug)]
pub struct Project {
    /// The root manifests of the workspaces: the project's own first, then those of `--sync`.
    pub manifests: Vec<PathBuf>,
    /// The directory to vendor into, as an absolute path.
    pub target: PathBuf,
    /// The configuration, without the source replacements that an earlier run wrote.
    pub settings: Settings,
    /// The configuration with them, as builds use it.
    pub of_builds: Settings,
    /// Runs Cargo, also without them.
    pub cargo: CargoRun,
    /// The keys that are trusted.
    pub trust: Trust,
}

impl Project {
    /// Finds everything. Nothing is written, and the network is not used.
    ///
    /// # Errors
    /// There is no project, or its configuration or its trust file cannot be read.
    pub fn find(options: &Options) -> Result<Self, CliError> {
        let directory = options.directory.as_path();
        let cargo = Cargo::new(directory);
        let own = options.manifest_path.as_deref();
        let plain_root = if own.is_none() { root_by_itself(directory) } else { None };
        let mut manifests = match plain_root {
            Some(root) => vec![root],
            None => vec![cargo.locate_manifest(own, true)?],
        };
        for other in &options.sync {
            let manifest = cargo.locate_manifest(Some(other), true)?;
            if !manifests.contains(&manifest) {
                manifests.push(manifest);
            }
        }
        let target = lexically_normal(&directory.join(&options.path));
        let mut settings = Settings::load(directory, &Environment::of_process(), &options.config)
            .exit_with(ExitCode::InvalidInput)?;
        settings.http.offline |= options.offline;
        let of_builds = settings.clone();
        let respect = options.respect_source_config;
        let cargo = CargoRun::new(options.cargo_flags.clone(), &mut settings, &target, respect, &manifests)?;
        let root = directory_of(&manifests[0]).to_owned();
        let trust = trust::load(options.trust.as_deref(), directory, &root)?;
        Ok(Self { manifests, target, settings, of_builds, cargo, trust })
    }

    /// Asks Cargo whether the lock files are up to date.
    ///
    /// # Errors
    /// One is not, or Cargo cannot be asked.
    pub fn check_locks(&self, shell: &Shell, locks: &[LockFile]) -> Result<(), CargoError> {
        self.check_locks_by(shell, &self.cargo, locks)
    }

    /// As [`Project::check_locks`], with another Cargo than the project's.
    ///
    /// # Errors
    /// One is not, or Cargo cannot be asked.
    pub fn check_locks_by(
        &self,
        shell: &Shell,
        cargo: &CargoRun,
        locks: &[LockFile],
    ) -> Result<(), CargoError> {
        for (manifest, lock) in self.manifests.iter().zip(locks) {
            // Any package of the project itself: Cargo needs a name.
            let own = lock.packages.iter().find(|package| package.source == LockSource::Path);
            if let Some(own) = own {
                let spec = format!("{}@{}", own.name, own.version);
                cargo.check_lock(shell, manifest, &spec, &self.settings)?;
            }
        }
        Ok(())
    }

    /// Has Cargo update the lock files and fetch everything.
    pub fn fetch(&self, shell: &Shell) -> Result<(), CargoError> {
        self.warn_of_unpacking(shell);
        self.manifests.iter().try_for_each(|manifest| self.cargo.fetch(manifest))
    }

    /// Has Cargo fetch what is locked. The lock files are not changed.
    ///
    /// # Errors
    /// It fails; for example, a lock file is not up to date.
    pub fn fetch_locked(&self, shell: &Shell) -> Result<(), CargoError> {
        self.warn_of_unpacking(shell);
        self.manifests.iter().try_for_each(|manifest| self.cargo.fetch_locked(manifest))
    }

    /// Warns if the installed Cargo does not unpack safely.
    pub fn warn_of_unpacking(&self, shell: &Shell) {
        if let Ok(version) = Cargo::new(&self.settings.directory).version()
            && let Some(warning) = cargo_namespaces_cli::cargo::unsafe_unpacking(&version)
        {
            shell.warn(warning);
        }
    }

    /// The names and indexes of the registries that are configured by someone who is trusted. With `--trust REVISION` the files
    /// of the project are not trusted: a registry in them counts only if that revision has it too.
    pub fn configured_registries(&self) -> Vec<(String, String)> {
        let registries = self.settings.registries.iter();
        let counts = registries.filter(|(name, registry)| match &registry.file {
            Some(file) => self.trust.has_registry(file, name, &registry.index),
            None => true,
        });
        counts.map(|(name, registry)| (name.clone(), registry.index.clone())).collect()
    }

    /// The packages that a `[patch]` of the project, or of Cargo's configuration, takes from elsewhere.
    pub fn patched(&self) -> Result<BTreeSet<String>, FsError> {
        let mut patched = self.settings.patched.clone();
        for manifest in &self.manifests {
            patched.extend(patched_by(&read_to_string(manifest)?));
        }
        Ok(patched)
    }

    /// The filters that the workspace's manifest sets.
    ///
    /// # Errors
    /// It cannot be read, or a setting is not known.
    pub fn filters(&self) -> Result<Filters, CliError> {
        Filters::of_manifest(&read_to_string(&self.manifests[0])?)
            .with_context(ExitCode::InvalidInput, || {
                format!("failed to read `metadata.namespaces.vendor` in `{}`", self.manifests[0].display())
            })
    }

    /// The workspace's root.
    pub fn root(&self) -> &Path {
        directory_of(&self.manifests[0])
    }

    /// The paths of the lock files, in the order of the workspaces.
    pub fn lock_paths(&self) -> impl Iterator<Item = PathBuf> {
        self.manifests.iter().map(|manifest| directory_of(manifest).join("Cargo.lock"))
    }

    /// Reads the lock files.
    ///
    /// # Errors
    /// One is missing, or is not one.
    pub fn locks(&self) -> Result<Vec<LockFile>, LockError> {
        let read = |(manifest, path): (&PathBuf, PathBuf)| read_lock(&self.cargo, manifest, &path);
        self.manifests.iter().zip(self.lock_paths()).map(read).collect()
    }

    /// The target as the configuration names it: relative to the workspace's root if it is inside.
    pub fn configured_target(&self) -> String {
        let relative = self.target.strip_prefix(self.root()).unwrap_or(&self.target);
        relative.to_string_lossy().replace('\\', "/")
    }

    /// Whether the configuration, which is UTF-8, can name the target.
    pub fn require_nameable_target(&self) -> Result<(), UnnameableTarget> {
        let relative = self.target.strip_prefix(self.root()).unwrap_or(&self.target);
        if relative.to_str().is_some() { Ok(()) } else { Err(UnnameableTarget(relative.to_owned())) }
    }

    /// The target as messages name it.
    pub fn shown_target(&self) -> String {
        let relative = self.target.strip_prefix(&self.settings.directory).unwrap_or(&self.target);
        relative.display().to_string()
    }
}

/// The workspace's root manifest, if the files alone show which it is: the nearest manifest is a workspace's, or there is none
/// above it. Starting Cargo to ask would take a third of a run that changes nothing.
fn root_by_itself(directory: &Path) -> Option<PathBuf> {
    // Cargo resolves links in paths.
    if std::fs::canonicalize(directory).ok()? != directory {
        return None;
    }
    let mut above = directory.ancestors();
    let manifest = above.by_ref().map(|above| above.join("Cargo.toml")).find(|path| path.is_file())?;
    let document: DocumentMut = std::fs::read_to_string(&manifest).ok()?.parse().ok()?;
    let package = document.get("package");
    let is_root = document.contains_key("workspace");
    let is_alone = package.is_some_and(|package| package.get("workspace").is_none())
        && above.all(|above| !above.join("Cargo.toml").exists());
    (is_root || is_alone).then_some(manifest)
}

/// Every package of the lock files, each once.
pub fn all_packages(locks: &[LockFile]) -> Vec<LockedPackage> {
    let mut packages: Vec<LockedPackage> = Vec::new();
    for package in locks.iter().flat_map(|lock| &lock.packages) {
        let same = |known: &LockedPackage| {
            known.name == package.name
                && known.version == package.version
                && known.source == package.source
                && known.checksum == package.checksum
        };
        // One lock file alone has no duplicates.
        if locks.len() == 1 || !packages.iter().any(same) {
            packages.push(package.clone());
        }
    }
    packages
}

fn read_lock(cargo: &CargoRun, manifest: &Path, path: &Path) -> Result<LockFile, LockError> {
    let text = read_to_string_if_exists(path)?.ok_or_else(|| LockError::Missing(path.to_owned()))?;
    LockFile::parse(&text).map_err(|source| {
        let said = cargo.says_of_lock(manifest);
        LockError::Invalid { path: path.to_owned(), said, source }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// If this function returns a manifest, Cargo must find the same.
    #[test]
    fn the_root_is_the_one_that_cargo_finds() {
        use cargo_namespaces_net::fs::write_atomic;
        let home = tempfile::tempdir().unwrap();
        let home = std::fs::canonicalize(home.path()).unwrap();
        let package = "[package]\nname = \"a\"\nversion = \"1.0.0\"\nedition = \"2021\"\n";
        let put = |path: &str, text: &str| write_atomic(&home.join(path), text.as_bytes()).unwrap();
        put("ws/Cargo.toml", "[workspace]\nmembers = [\"member\"]\n");
        put("ws/member/Cargo.toml", package);
        put("ws/own/Cargo.toml", &format!("{package}[workspace]\n"));
        put("alone/Cargo.toml", package);
        put("elsewhere/Cargo.toml", &package.replace("edition", "workspace = \"../ws\"\nedition"));
        for directory in ["ws", "ws/member", "ws/own", "alone", "alone/src"] {
            for krate in ["ws/member", "ws/own", "alone", "elsewhere"] {
                put(&format!("{krate}/src/lib.rs"), "");
            }
            let directory = home.join(directory);
            let cargos = Cargo::new(&directory).locate_manifest(None, true).unwrap();
            if let Some(found) = root_by_itself(&directory) {
                assert_eq!(found, cargos);
            }
        }
        assert_eq!(root_by_itself(&home.join("ws")), Some(home.join("ws/Cargo.toml")));
        assert_eq!(root_by_itself(&home.join("alone/src")), Some(home.join("alone/Cargo.toml")));
        for unclear in ["ws/member", "elsewhere", "nowhere"] {
            assert_eq!(root_by_itself(&home.join(unclear)), None, "{unclear}");
        }
    }
}
