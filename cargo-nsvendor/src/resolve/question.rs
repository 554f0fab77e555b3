//! Asking Cargo whether it resolves what is locked from what was made.
//!
//! The lock file was made from the lines of the registries' indexes. From a directory of unpacked packages Cargo reads their
//! manifests instead, which may say something else: a dependency with `git` in a manifest makes the next build clone that repository
//! and rewrite the lock file. So Cargo is asked, offline and `--locked`, with what was made in the place of every source, before
//! anything is moved to its place. It builds nothing and downloads nothing to answer.
//!
//! The answer depends on the packages, whose hashes are in the lock file, and on the [inputs](crate::resolve::lock_freshness). So
//! it is kept with the evidence, and asked for once.

use std::path::{Path, PathBuf};

use cargo_namespaces::index::source_keys;
use cargo_namespaces::lockfile::LockFile;
use cargo_namespaces_cli::cargo::CargoError;
use cargo_namespaces_cli::interrupt::Interrupted;
use cargo_namespaces_net::fs::{FsError, create_dir_all, write_cache};
use tempfile::TempDir;

use super::stand_in::{StandIn, StandInError};
use crate::cargo_run::CargoRun;
use crate::context::Context;
use crate::form::Form;
use crate::plan::{Package, Plan, PlannedSource, SourceDir};
use crate::source_config::sources_over;
use crate::temporary::{self, link};
use crate::verify::VerifiedLocks;

/// Returns where a package was made.
pub type LocationOf<'a> = &'a dyn Fn(&SourceDir, &Package) -> PathBuf;

/// The question whether Cargo resolves what is locked from some packages.
#[derive(Clone, Copy)]
pub struct ResolveQuestion<'a> {
    pub context: &'a Context<'a>,
    /// The packages, by source.
    pub plan: &'a Plan,
    /// What Cargo must resolve.
    pub locks: &'a [LockFile],
}

/// Cargo resolves something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherResolution {
    /// What Cargo said.
    pub said: String,
    /// The packages whose manifests name a source of their own: one of them may be the cause.
    pub suspects: Vec<String>,
}

/// Why Cargo could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum QuestionError {
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    #[error(transparent)]
    Cargo(CargoError),
    #[error(transparent)]
    StandIn(#[from] StandInError),
    #[error(transparent)]
    File(#[from] FsError),
    /// Cargo's configuration is UTF-8.
    #[error("`{}` is not a path in UTF-8", .0.display())]
    NotUtf8(PathBuf),
}

impl From<CargoError> for QuestionError {
    fn from(error: CargoError) -> Self {
        match error {
            CargoError::Interrupted(interrupted) => Self::Interrupted(interrupted),
            error => Self::Cargo(error),
        }
    }
}

impl<'a> ResolveQuestion<'a> {
    /// The question about everything that was verified.
    pub fn new(context: &'a Context<'a>, verified: &'a VerifiedLocks) -> Self {
        Self { context, plan: &verified.plan, locks: &verified.locks }
    }

    /// Asks about the packages that are where `at` says. Returns `None` if Cargo resolves what is locked.
    ///
    /// # Errors
    /// Ctrl-C, or Cargo cannot be asked.
    pub fn resolved_in_packages(self, at: LocationOf<'_>) -> Result<Option<OtherResolution>, QuestionError> {
        let directory = temporary::directory_for_links(&self.context.project.settings)?;
        let tree = directory.path().join("vendored");
        let linked = self.plan.packages().try_for_each(|(source, package)| {
            let link_at = tree.join(source.path_of(package));
            std::fs::create_dir_all(tree.join(&source.dir))?;
            link(&at(source, package), &link_at)
        });
        match linked {
            Ok(()) => self.resolved_in_tree(&directory, &tree, Form::Directory, at),
            // Not every system allows links.
            Err(_) => self.resolved_in_crates(),
        }
    }

    /// Asks about the local registries in `tree`.
    ///
    /// # Errors
    /// Ctrl-C, or Cargo cannot be asked.
    pub fn resolved_in_local_registry(self, tree: &Path) -> Result<Option<OtherResolution>, QuestionError> {
        let at = |source: &SourceDir, package: &Package| tree.join(source.path_of(package));
        self.resolved_in_tree(
            &temporary::directory_for_links(&self.context.project.settings)?,
            tree,
            Form::LocalRegistry,
            &at,
        )
    }

    /// Asks about the packages as their .crates in the caches have them. Those from git Cargo takes from its own checkouts, which
    /// must be there.
    ///
    /// # Errors
    /// Ctrl-C, or Cargo cannot be asked.
    pub fn resolved_in_crates(self) -> Result<Option<OtherResolution>, QuestionError> {
        let stand_in = StandIn::make(self.context.project, &self.plan.packed())?;
        self.ask(&stand_in.cargo.offline(), &|source, package| stand_in.place_of(source, package))
    }

    /// Asks about the packages in `tree`. `directory` is temporary and may hold it; `at` says where their manifests are.
    pub fn resolved_in_tree(
        self,
        directory: &TempDir,
        tree: &Path,
        form: Form,
        at: LocationOf<'_>,
    ) -> Result<Option<OtherResolution>, QuestionError> {
        let Some(text) = tree.to_str() else {
            return Err(QuestionError::NotUtf8(tree.to_owned()));
        };
        create_dir_all(tree)?;
        let config = directory.path().join("sources.toml");
        write_cache(&config, sources_over(self.context.project, text, self.plan, form).as_bytes())?;
        self.ask(&self.context.project.cargo.configured_by(&config).offline(), at)
    }

    /// Whether Cargo can be asked. It does not resolve a git reference that it misreads in a lock file.
    pub fn is_possible(self) -> bool {
        self.locks.iter().all(|lock| lock.misread().is_empty())
    }

    fn ask(self, cargo: &CargoRun, at: LocationOf<'_>) -> Result<Option<OtherResolution>, QuestionError> {
        if !self.is_possible() {
            return Ok(None);
        }
        match self.context.project.check_locks_by(self.context.shell, cargo, self.locks) {
            Ok(()) => Ok(None),
            Err(CargoError::Failed { stderr, .. }) => Ok(Some(self.other_resolution(&stderr, at))),
            Err(error) => Err(error.into()),
        }
    }

    /// What Cargo said, and which packages may be the cause.
    fn other_resolution(self, said: &str, at: LocationOf<'_>) -> OtherResolution {
        let mut suspects = Vec::new();
        for (source, package) in self.plan.packages().filter(|(source, _)| !source.is_git()) {
            let text = std::fs::read_to_string(at(source, package).join("Cargo.toml")).unwrap_or_default();
            // Cargo writes this key into the manifests of namespaced packages.
            let is_namespaced = matches!(source.source, PlannedSource::Namespace { .. });
            let is_normal = |key: &str| is_namespaced && key.ends_with("registry-index");
            for key in source_keys(&text).iter().filter(|key| !is_normal(key)) {
                suspects.push(format!("{} says `{key}` in its Cargo.toml", source.describe(package)));
            }
        }
        OtherResolution { said: said.trim_end().to_owned(), suspects }
    }
}
