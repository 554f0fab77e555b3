//! The last step: Cargo resolves from what was made what is locked.
//!
//! From a directory of unpacked packages Cargo reads their manifests, from a local registry the index lines; not the lines
//! of the registry, by which the lock file came about. What says something else there leads Cargo elsewhere: a dependency
//! with `git` in a manifest makes the next build clone that repository and rewrite the lock file. So Cargo itself is asked,
//! offline and `--locked`, with what was made in the place of every source, before anything of it is moved in. It builds
//! nothing and downloads nothing for the answer.
//!
//! The answer rests on the packages, which the lock file's hashes name, and on what the [inputs](crate::fits) cover; so it
//! is kept with the evidence, and asked for once.

use std::io;
use std::path::{Path, PathBuf};

use cargo_namespaces::index::source_keys;
use cargo_namespaces::lockfile::LockFile;
use cargo_namespaces_cli::cargo::CargoError;
use cargo_namespaces_cli::shell::{CliError, ExitCode, Shell};
use cargo_namespaces_net::fs::{FsError, create_dir_all, write_cache};
use tempfile::TempDir;

use crate::cargo_run::{CargoRun, empty_directory};
use crate::configure::sources_over;
use crate::filter::StandIn;
use crate::form::Form;
use crate::plan::{Package, Plan, Source, SourceDir};
use crate::project::Project;

/// Where a package was made.
pub type At<'a> = &'a dyn Fn(&SourceDir, &Package) -> PathBuf;

/// What Cargo is asked with.
#[derive(Clone, Copy)]
pub struct Asking<'a> {
    /// Where it is told that Cargo waits.
    pub shell: &'a Shell,
    /// The project that is to build from it.
    pub project: &'a Project,
    /// The packages that were made, by source.
    pub plan: &'a Plan,
    /// What Cargo must resolve.
    pub locks: &'a [LockFile],
}

impl Asking<'_> {
    /// Whether Cargo resolves what is locked from the packages that stand where `at` says; what differs, if not.
    ///
    /// # Errors
    /// Ctrl-C, or the question cannot be put.
    pub fn resolved_in_packages(self, at: At<'_>) -> Result<Option<CliError>, CliError> {
        let directory = temporary(self.project)?;
        let tree = directory.path().join("vendored");
        let linked = self.plan.packages().try_for_each(|(source, package)| {
            let link_at = tree.join(source.path_of(package));
            std::fs::create_dir_all(tree.join(&source.dir))?;
            link(&at(source, package), &link_at)
        });
        match linked {
            Ok(()) => self.resolved_in_tree(&directory, &tree, Form::Directory, at),
            // Not every system lets everybody make links.
            Err(_) => self.resolved_in_archives(),
        }
    }

    /// Whether Cargo resolves what is locked from the local registries in `tree`.
    ///
    /// # Errors
    /// Ctrl-C, or the question cannot be put.
    pub fn resolved_in_local_registry(self, tree: &Path) -> Result<Option<CliError>, CliError> {
        let at = |source: &SourceDir, package: &Package| tree.join(source.path_of(package));
        self.resolved_in_tree(&temporary(self.project)?, tree, Form::LocalRegistry, &at)
    }

    /// Whether Cargo would resolve what is locked from the packages, made of what is in the caches; those from git it takes
    /// from its own checkouts, which must be there.
    ///
    /// # Errors
    /// Ctrl-C, or the question cannot be put.
    pub fn resolved_in_archives(self) -> Result<Option<CliError>, CliError> {
        let stand_in = StandIn::make(self.project, &self.plan.packed())?;
        self.ask(&stand_in.cargo.offline(), &|source, package| stand_in.place_of(source, package))
    }

    /// Whether Cargo resolves what is locked from `tree`, which `directory` may hold; `at` says where its errors are looked up.
    pub fn resolved_in_tree(
        self,
        directory: &TempDir,
        tree: &Path,
        form: Form,
        at: At<'_>,
    ) -> Result<Option<CliError>, CliError> {
        let Some(text) = tree.to_str() else {
            let message = format!("`{}` is not a path in UTF-8", tree.display());
            return Err(CliError::new(ExitCode::Failure, message));
        };
        create_dir_all(tree)?;
        let config = directory.path().join("sources.toml");
        write_cache(&config, sources_over(self.project, text, self.plan, form).as_bytes())?;
        self.ask(&self.project.cargo.configured_by(&config).offline(), at)
    }

    /// Whether Cargo can be asked: from vendored repositories it does not resolve a reference that it misreads in a lock file.
    pub fn is_possible(self) -> bool {
        self.locks.iter().all(|lock| lock.misread().is_empty())
    }

    fn ask(self, cargo: &CargoRun, at: At<'_>) -> Result<Option<CliError>, CliError> {
        if !self.is_possible() {
            return Ok(None);
        }
        match self.project.check_locks_by(self.shell, cargo, self.locks) {
            Ok(()) => Ok(None),
            Err(CargoError::Failed { stderr, .. }) => Ok(Some(self.differs(&stderr, at))),
            Err(error) => Err(error.into()),
        }
    }

    /// The error, with the keys that may be the cause.
    fn differs(self, said: &str, at: At<'_>) -> CliError {
        let mut keys = Vec::new();
        for (source, package) in self.plan.packages() {
            if matches!(source.source, Source::Git(_)) {
                continue;
            }
            let text = std::fs::read_to_string(at(source, package).join("Cargo.toml")).unwrap_or_default();
            let own = match &source.source {
                Source::Namespace { .. } => "registry-index",
                _ => "",
            };
            for key in source_keys(&text).iter().filter(|key| own.is_empty() || !key.ends_with(own)) {
                let name = format!("`{}` {} of {}", package.name, package.version, source.source.display());
                keys.push(format!("{name} says `{key}` in its Cargo.toml"));
            }
        }
        let message = "Cargo does not resolve what is locked from the vendored packages";
        if keys.is_empty() {
            return CliError::new(ExitCode::Refused, message).because(said.trim_end()).hint(
                "Cargo was asked offline, with what was vendored in the place of its registries; a build from it would say the \
                 same",
            );
        }
        let error = CliError::new(ExitCode::Refused, format!("{message}: one of them leads it elsewhere"));
        keys.into_iter().fold(error.because(said.trim_end()), CliError::because).hint(
            "leave that release out of Cargo.lock (`cargo update --precise`), and tell its registry: no package that \
             `cargo package` made does this",
        )
    }
}

/// A directory for hundreds of links. On a disk from which much was removed they take longer than Cargo's answer; so it lies
/// where packages are cached, which has to be fast anyway, if that can be written to and named to Cargo.
pub fn temporary(project: &Project) -> Result<TempDir, FsError> {
    let cache = project.settings.cache();
    if cache.to_str().is_some()
        && create_dir_all(&cache).is_ok()
        && let Ok(made) = tempfile::Builder::new().prefix("cargo-nsvendor-").tempdir_in(&cache)
    {
        return Ok(made);
    }
    empty_directory()
}

/// Makes a link to a directory.
#[cfg(unix)]
pub fn link(to: &Path, at: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(to, at)
}

/// Makes a link to a directory.
#[cfg(windows)]
pub fn link(to: &Path, at: &Path) -> io::Result<()> {
    std::os::windows::fs::symlink_dir(to, at)
}

/// Makes a link to a directory.
#[cfg(not(any(unix, windows)))]
pub fn link(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
