//! What a vendored directory will hold: one directory source for each source of the lock file.
//!
//! ```text
//! vendor/serde.rs/serde-abc-1.0.0/     a namespace, under its own name
//! vendor/crates.io/itoa-1.0.15/        crates.io
//! vendor/crates.corp.example/…         another registry, under its host
//! vendor/git/repo-1a2b3c4/…            a git repository at one commit
//! ```
//!
//! Cargo identifies a package by its source, name and version. With one directory for each source, two registries can have the
//! same name and version. Pure: lock files in, a value out, which unit tests compare.

mod names;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use cargo_namespaces::digest::Digest;
use cargo_namespaces::index::tree::crate_file_name;
use cargo_namespaces::lockfile::{LockFile, LockSource, LockedPackage};
use cargo_namespaces::name::{CRATES_IO_INDEX, IndexUrl, Namespace};
use cargo_namespaces::source_id::Spelling;
use semver::Version;

use crate::filter::shape::Shape;
use crate::git_url::GitUrl;
use names::{CRATES_IO, Names};

/// The folder of the index in a local registry. No package can be called this.
pub use cargo_namespaces::index::tree::LOCAL_REGISTRY_INDEX as INDEX;

/// Everything that is vendored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Sorted by directory.
    pub sources: Vec<SourceDir>,
}

/// One directory source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceDir {
    /// Its path below the vendored directory, with `/`.
    pub dir: String,
    /// The source that it replaces.
    pub source: PlannedSource,
    /// Its packages, sorted by name and version.
    pub packages: Vec<Package>,
}

/// The source that a directory replaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlannedSource {
    /// crates.io.
    CratesIo,
    /// A namespace's index.
    Namespace {
        namespace: Namespace,
        /// Its canonical URL.
        index: IndexUrl,
    },
    /// Another registry: the source as lock files write it, `sparse+https://…` or `registry+https://…`.
    Registry(String),
    /// A git repository at one commit.
    Git(GitUrl),
}

/// One package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Package {
    /// Its name, as the lock file writes it.
    pub name: String,
    pub version: Version,
    /// SHA-256 of its .crate; `None` for packages from git, which have no .crate.
    pub checksum: Option<Digest>,
    /// What of it is vendored.
    pub shape: Shape,
}

impl Package {
    /// Whether only its name and its dependencies are vendored.
    pub fn is_stub(&self) -> bool {
        self.shape == Shape::Stub
    }

    /// `<name>-<version>`: the directory, and the folder inside the .crate.
    pub fn dir(&self) -> String {
        format!("{}-{}", self.name, self.version)
    }

    /// The name of its .crate.
    pub fn crate_file(&self) -> String {
        crate_file_name(&self.name, &self.version)
    }
}

impl SourceDir {
    /// Whether its packages come from a git repository.
    pub fn is_git(&self) -> bool {
        matches!(self.source, PlannedSource::Git(_))
    }

    /// A package of it as messages name it: `` `itoa` 1.0.15 of crates.io ``.
    pub fn describe(&self, package: &Package) -> String {
        format!("`{}` {} of {}", package.name, package.version, self.source.display())
    }

    /// Where a package of it lies, below the vendored directory.
    pub fn path_of(&self, package: &Package) -> String {
        format!("{}/{}", self.dir, package.dir())
    }

    /// Where the .crate of a package lies in a local registry, below the vendored directory.
    pub fn crate_path_of(&self, package: &Package) -> String {
        format!("{}/{}.crate", self.dir, package.dir())
    }

    /// Where a file of the index lies in a local registry, below the vendored directory.
    pub fn index_path(&self, path: &str) -> String {
        format!("{}/{INDEX}/{path}", self.dir)
    }

    /// What a package of it is vendored as: the hash of its .crate, or of the repository at its commit; with its shape, where
    /// that is not all of it.
    pub fn identity(&self, package: &Package) -> Digest {
        let whole = package.checksum.unwrap_or_else(|| Digest::of(self.source.url().as_bytes()));
        match &package.shape {
            Shape::Whole => whole,
            other => Digest::of(format!("{whole} {}", other.text()).as_bytes()),
        }
    }
}

impl PlannedSource {
    /// The source in the form in which sources compare.
    pub fn locked(&self) -> LockSource {
        match self {
            Self::CratesIo => LockSource::CratesIo,
            Self::Namespace { index, .. } => LockSource::Registry(index.clone()),
            Self::Registry(url) => LockSource::parse(url, Spelling::Plain),
            Self::Git(url) => LockSource::Git(url.source().clone()),
        }
    }

    /// The source as lock files name it.
    pub fn url(&self) -> String {
        match self {
            Self::CratesIo => format!("registry+{CRATES_IO_INDEX}"),
            Self::Namespace { index, .. } => index.to_string(),
            Self::Registry(url) => url.clone(),
            Self::Git(url) => url.to_string(),
        }
    }

    /// What a person calls it.
    pub fn display(&self) -> String {
        match self {
            Self::CratesIo => CRATES_IO.to_owned(),
            Self::Namespace { namespace, .. } => namespace.display_both(),
            Self::Registry(url) => url.clone(),
            Self::Git(url) => url.to_string(),
        }
    }
}

/// A package with the directory source that it belongs to.
pub type PlannedPackage<'p> = (&'p SourceDir, &'p Package);

/// Why a lock file cannot be vendored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// There is nothing to check the .crate against.
    #[error("the lock file has no checksum for `{package}` from {registry}")]
    NoChecksum {
        /// `name version`.
        package: String,
        /// Where it comes from.
        registry: String,
    },
    /// Two lock files disagree.
    #[error("two lock files give different checksums for `{package}` from {registry}")]
    TwoChecksums {
        /// `name version`.
        package: String,
        /// Where it comes from.
        registry: String,
    },
    /// The name cannot be that of a directory.
    #[error("the lock file has a package called {0:?}, which is not a crate's name")]
    Name(String),
    /// The git source has no commit, or another form than Cargo writes.
    #[error("the lock file has a git source that Cargo does not write: {0:?}")]
    Git(String),
}

impl Plan {
    /// What `locks` need. `namespaces` says which index belongs to which namespace.
    ///
    /// # Errors
    /// [`PlanError`]: the lock file does not say enough to check what is vendored.
    pub fn new(locks: &[LockFile], namespaces: &BTreeMap<IndexUrl, Namespace>) -> Result<Self, PlanError> {
        let mut by_source: BTreeMap<LockSource, BTreeMap<(String, Version), Option<Digest>>> =
            BTreeMap::new();
        for package in locks.iter().flat_map(|lock| &lock.packages) {
            if package.source == LockSource::Path {
                continue;
            }
            check_package(package)?;
            let packages = by_source.entry(package.source.clone()).or_default();
            let known = packages
                .insert((package.name.clone(), package.version.clone()), package.checksum)
                .unwrap_or(package.checksum);
            if known != package.checksum {
                return Err(PlanError::TwoChecksums {
                    package: described(package),
                    registry: source_text(&package.source),
                });
            }
        }
        let mut names = Names::default();
        let mut sources = Vec::new();
        // crates.io and the namespaces choose their names first.
        let (first, rest): (Vec<_>, Vec<_>) =
            by_source.into_iter().partition(|(source, _)| is_plain(source, namespaces));
        for (locked, packages) in first.into_iter().chain(rest) {
            let source = to_source(&locked, namespaces)?;
            let packages = packages
                .into_iter()
                .map(|((name, version), checksum)| Package { name, version, checksum, shape: Shape::Whole })
                .collect();
            sources.push(SourceDir { dir: names.choose(&source), source, packages });
        }
        sources.sort_by(|a, b| a.dir.cmp(&b.dir));
        Ok(Self { sources })
    }

    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// Every package with its source, by directory.
    pub fn packages(&self) -> impl Iterator<Item = PlannedPackage<'_>> {
        self.sources.iter().flat_map(|source| source.packages.iter().map(move |package| (source, package)))
    }

    /// The packages that have a .crate: all but those from git.
    pub fn packed_packages(&self) -> impl Iterator<Item = PlannedPackage<'_>> {
        self.packages().filter(|(source, _)| !source.is_git())
    }

    /// The plan without the packages from git.
    pub fn packed(&self) -> Self {
        Self { sources: self.sources.iter().filter(|source| !source.is_git()).cloned().collect() }
    }

    /// The git repositories.
    pub fn git(&self) -> impl Iterator<Item = (&SourceDir, &GitUrl)> {
        self.sources.iter().filter_map(|source| match &source.source {
            PlannedSource::Git(url) => Some((source, url)),
            _ => None,
        })
    }
}

fn described(package: &LockedPackage) -> String {
    format!("{} {}", package.name, package.version)
}

fn source_text(source: &LockSource) -> String {
    match source {
        LockSource::Path => "a path".to_owned(),
        LockSource::CratesIo => CRATES_IO.to_owned(),
        LockSource::Registry(url) => url.to_string(),
        LockSource::OtherRegistry(text) => text.clone(),
        LockSource::Git(git) => git.to_string(),
    }
}

/// The name must be fit for a directory, and a package of a registry must have a checksum.
fn check_package(package: &LockedPackage) -> Result<(), PlanError> {
    let fits = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    if package.name.is_empty() || !package.name.chars().all(fits) {
        return Err(PlanError::Name(package.name.clone()));
    }
    let is_git = matches!(package.source, LockSource::Git(_));
    if !is_git && package.checksum.is_none() {
        return Err(PlanError::NoChecksum {
            package: described(package),
            registry: source_text(&package.source),
        });
    }
    Ok(())
}

fn is_plain(source: &LockSource, namespaces: &BTreeMap<IndexUrl, Namespace>) -> bool {
    match source {
        LockSource::CratesIo => true,
        LockSource::Registry(url) => namespaces.contains_key(url),
        _ => false,
    }
}

/// The planned source for a source of a lock file.
///
/// # Errors
/// A git source that Cargo does not write.
pub fn to_source(
    source: &LockSource,
    namespaces: &BTreeMap<IndexUrl, Namespace>,
) -> Result<PlannedSource, PlanError> {
    Ok(match source {
        LockSource::CratesIo => PlannedSource::CratesIo,
        LockSource::Registry(index) => match namespaces.get(index) {
            Some(namespace) => {
                PlannedSource::Namespace { namespace: namespace.clone(), index: index.clone() }
            }
            None => PlannedSource::Registry(index.to_string()),
        },
        LockSource::OtherRegistry(text) => PlannedSource::Registry(text.clone()),
        LockSource::Git(git) => {
            PlannedSource::Git(GitUrl::new(git).ok_or_else(|| PlanError::Git(git.to_string()))?)
        }
        LockSource::Path => unreachable!("path packages are not vendored"),
    })
}
