//! What both ways of running begin with: the project, its configuration, its lock files, what it trusts.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cargo_namespaces::lockfile::{LockFile, LockSource, LockedPackage};
use cargo_namespaces::manifest::patched_by;
use cargo_namespaces_cli::cargo::{Cargo, CargoError};
use cargo_namespaces_cli::env::Environment;
use cargo_namespaces_cli::settings::Settings;
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode, Shell};
use cargo_namespaces_net::fs::{directory_of, read_to_string, read_to_string_if_exists};

use toml_edit::DocumentMut;

use crate::cargo_run::CargoRun;
use crate::filter::Filters;
use crate::run::Options;
use crate::trust::{self, Trust};

/// The project, before its lock files are read.
#[derive(Debug)]
pub struct Project {
    /// The root manifests: the project's workspace first, then those of `--sync`.
    pub manifests: Vec<PathBuf>,
    /// The directory to vendor into; absolute.
    pub target: PathBuf,
    /// The configuration, without the source replacements that an earlier run wrote.
    pub settings: Settings,
    /// The configuration as a build has it.
    pub of_builds: Settings,
    /// How cargo is run, also without those.
    pub cargo: CargoRun,
    /// The keys that are trusted, and by whose word.
    pub trust: Trust,
}

impl Project {
    /// Finds everything; nothing is written and nobody is asked.
    ///
    /// # Errors
    /// There is no project, or its configuration or its trust file cannot be read.
    pub fn find(shell: &Shell, options: &Options) -> Result<Self, CliError> {
        let directory = options.common.working_directory()?;
        let directory = std::path::absolute(&directory)
            .context(ExitCode::Failure, "failed to find the current directory")?;
        let cargo = Cargo::new(&directory);
        let own = options.common.manifest_path.as_deref();
        let plain_root = if own.is_none() { root_by_itself(&directory) } else { None };
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
        let target = plain(&directory.join(&options.path));
        let mut settings = Settings::load(&directory, &Environment::of_process(), &options.common.config)
            .exit_with(ExitCode::InvalidInput)?;
        settings.http.offline |= options.common.is_offline();
        let of_builds = settings.clone();
        let respect = options.respect_source_config;
        let cargo = CargoRun::new(shell, &options.common, &mut settings, &target, respect, &manifests)?;
        let root = directory_of(&manifests[0]).to_owned();
        let trust = trust::load(options.trust.as_deref(), &directory, &root)?;
        Ok(Self { manifests, target, settings, of_builds, cargo, trust })
    }

    /// Whether each lock file fits its manifest, asked of cargo.
    ///
    /// # Errors
    /// The first that does not.
    pub fn check_locks(&self, shell: &Shell, locks: &[LockFile]) -> Result<(), CargoError> {
        self.check_locks_by(shell, &self.cargo, locks)
    }

    /// As [`Project::check_locks`], asked of another cargo than the project's.
    ///
    /// # Errors
    /// The first that does not.
    pub fn check_locks_by(
        &self,
        shell: &Shell,
        cargo: &CargoRun,
        locks: &[LockFile],
    ) -> Result<(), CargoError> {
        for (manifest, lock) in self.manifests.iter().zip(locks) {
            // Any package of the project itself: it is only there to be named.
            let own = lock.packages.iter().find(|package| package.source == LockSource::Path);
            if let Some(own) = own {
                let spec = format!("{}@{}", own.name, own.version);
                cargo.check_lock(shell, manifest, &spec, &self.settings)?;
            }
        }
        Ok(())
    }

    /// Has cargo fetch what is locked, changing no lock file.
    ///
    /// # Errors
    /// It fails: a lock file does not fit, for one.
    pub fn fetch_locked(&self, shell: &Shell) -> Result<(), CargoError> {
        self.warn_of_unpacking(shell);
        self.manifests.iter().try_for_each(|manifest| self.cargo.fetch_locked(manifest))
    }

    /// Warns of a cargo whose unpacking is not safe, before it unpacks.
    pub fn warn_of_unpacking(&self, shell: &Shell) {
        if let Ok(version) = Cargo::new(&self.settings.directory).version()
            && let Some(warning) = cargo_namespaces_cli::cargo::unsafe_unpacking(&version)
        {
            shell.warn(warning);
        }
    }

    /// The registries that somebody whose word counts has configured, by name. With `--trust REVISION` the files of the
    /// project are what is judged: what they configure counts as far as that revision has it too.
    pub fn configured_registries(&self) -> Vec<(String, String)> {
        let registries = self.settings.registries.iter();
        let counts = registries.filter(|(name, registry)| match &registry.file {
            Some(file) => self.trust.has_registry(file, name, &registry.index),
            None => true,
        });
        counts.map(|(name, registry)| (name.clone(), registry.index.clone())).collect()
    }

    /// The packages that a `[patch]` of the project, or of Cargo's configuration, takes from elsewhere.
    ///
    /// # Errors
    /// A manifest cannot be read.
    pub fn patched(&self) -> Result<BTreeSet<String>, CliError> {
        let mut patched = self.settings.patched.clone();
        for manifest in &self.manifests {
            patched.extend(patched_by(&read_to_string(manifest)?));
        }
        Ok(patched)
    }

    /// The filters that the workspace's manifest sets.
    ///
    /// # Errors
    /// It cannot be read; a setting is not known.
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

    /// The lock files, of the workspaces in order.
    pub fn lock_paths(&self) -> impl Iterator<Item = PathBuf> {
        self.manifests.iter().map(|manifest| directory_of(manifest).join("Cargo.lock"))
    }

    /// Reads the lock files.
    ///
    /// # Errors
    /// One is missing, or is not one.
    pub fn locks(&self) -> Result<Vec<LockFile>, CliError> {
        let read = |(manifest, path): (&PathBuf, PathBuf)| read_lock(&self.cargo, manifest, &path);
        self.manifests.iter().zip(self.lock_paths()).map(read).collect()
    }

    /// The target as the configuration names it: relative to the workspace's root where it lies in it.
    pub fn configured_target(&self) -> String {
        let relative = self.target.strip_prefix(self.root()).unwrap_or(&self.target);
        relative.to_string_lossy().replace('\\', "/")
    }

    /// Whether the configuration, which is UTF-8, can name the target.
    ///
    /// # Errors
    /// It cannot.
    pub fn require_nameable_target(&self) -> Result<(), CliError> {
        let relative = self.target.strip_prefix(self.root()).unwrap_or(&self.target);
        if relative.to_str().is_some() {
            return Ok(());
        }
        let message = format!("Cargo's configuration cannot name `{}`: it is not UTF-8", relative.display());
        Err(CliError::new(ExitCode::InvalidInput, message).hint("vendor into a directory of another name"))
    }

    /// The target as a person sees it.
    pub fn shown_target(&self) -> String {
        let relative = self.target.strip_prefix(&self.settings.directory).unwrap_or(&self.target);
        relative.display().to_string()
    }
}

/// The workspace's root manifest, where the files alone say which it is: the nearest is a workspace's own, or there is none
/// above it. Only to start Cargo would take a third of a run that changes nothing.
fn root_by_itself(directory: &Path) -> Option<PathBuf> {
    // Cargo names paths as the system does.
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
        // One lock file has no duplicates; only further ones are compared.
        if locks.len() == 1 || !packages.iter().any(same) {
            packages.push(package.clone());
        }
    }
    packages
}

fn read_lock(cargo: &CargoRun, manifest: &Path, path: &Path) -> Result<LockFile, CliError> {
    let Some(text) = read_to_string_if_exists(path)? else {
        return Err(CliError::new(ExitCode::InvalidInput, format!("there is no `{}`", path.display()))
            .hint("`cargo generate-lockfile` writes it; commit it"));
    };
    LockFile::parse(&text).map_err(|error| {
        let hint = error.hint();
        let made = CliError::new(ExitCode::InvalidInput, format!("failed to read `{}`", path.display()));
        let made = match cargo.says_of_lock(manifest) {
            Some(said) => made.because(said),
            None => made.caused_by(&error),
        };
        match hint {
            Some(hint) => made.hint(hint),
            None => made,
        }
    })
}

/// Without `.` and `..` components, as they are written: a link on the way is not followed.
pub fn plain(path: &Path) -> PathBuf {
    use std::path::Component;
    let mut made = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                made.pop();
            }
            other => made.push(other),
        }
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where this says nothing, Cargo is asked; where it does, it must say the same.
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

    #[test]
    fn a_path_is_made_plain() {
        assert_eq!(plain(Path::new("/a/./b/../c")), Path::new("/a/c"));
        assert_eq!(plain(Path::new("/../a")), Path::new("/a"));
    }
}
