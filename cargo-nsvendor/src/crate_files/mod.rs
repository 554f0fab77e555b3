//! Finding the .crate of each package: in the caches, else by download. Only the hash of the lock file decides whether a file is
//! the right one.

pub mod download;

use std::fs;
use std::path::PathBuf;

use cargo_namespaces::digest::Digest;
use cargo_namespaces::name::{CrateName, IndexUrl, NameError};
use cargo_namespaces_cli::crate_file::CrateFile;
use cargo_namespaces_cli::registry_client::{CrateOrigin, CrateRef, RegistryClient, RegistryError};
use cargo_namespaces_cli::settings::{Replacement, Settings, SourceError};

use crate::content::unverified_manifest;
use crate::plan::{Package, PlannedPackage, PlannedSource, SourceDir};

/// The caches that a .crate may be in.
#[derive(Debug)]
pub struct CrateCaches<'a> {
    settings: &'a Settings,
    /// Cargo's caches, one for each registry and mirror.
    caches: Vec<PathBuf>,
}

/// What the caches have of a package.
#[derive(Debug)]
pub enum CachedCrate {
    /// The .crate, with the hash of the lock file.
    Matching(CrateFile),
    /// Only a file with another hash.
    Mismatched {
        path: PathBuf,
        found: Digest,
    },
    Missing,
}

/// Why a .crate could not be downloaded.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// It is not a crate's name.
    #[error("cannot download `{package}`")]
    Name {
        /// `<name>-<version>`
        package: String,
        #[source]
        source: NameError,
    },
    /// Only Cargo can read the registry that it comes from.
    #[error(transparent)]
    OnlyCargo(RegistryError),
    /// The registry, or its replacement, does not provide it.
    #[error(transparent)]
    Registry(RegistryError),
}

impl DownloadError {
    /// Whether Cargo may be able to download it: it has tokens, and reads registries that are not read here.
    pub fn needs_cargo(&self) -> bool {
        match self {
            Self::Name { .. } => false,
            Self::OnlyCargo(_) => true,
            Self::Registry(error) => error.needs_cargo(),
        }
    }
}

/// Why a package cannot be had from the caches.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnavailableCrate {
    /// The file in the cache was altered.
    #[error("`{}` has the SHA-256 {found}, but Cargo.lock says {expected}", path.display())]
    Altered {
        path: PathBuf,
        found: Digest,
        expected: Digest,
        /// The package that would be unpacked from it, as [`SourceDir::describe`] says it.
        package: String,
    },
    #[error("the .crate of {0} is not cached")]
    Missing(String),
    #[error("the .crates of {count} packages are not cached")]
    SeveralMissing {
        count: usize,
        /// The first of them, a line each.
        names: String,
    },
}

/// Most missing .crates that an error names.
const MAX_NAMED: usize = 20;

impl UnavailableCrate {
    /// A .crate that is in no cache with the right hash.
    pub fn new(caches: &CrateCaches<'_>, source: &SourceDir, package: &Package) -> Self {
        let name = source.describe(package);
        match (caches.read(source, package), package.checksum) {
            (CachedCrate::Mismatched { path, found }, Some(expected)) => {
                Self::Altered { path, found, expected, package: name }
            }
            _ => Self::Missing(name),
        }
    }

    /// One of several: the first that was altered, else all by their names.
    pub fn among(caches: &CrateCaches<'_>, missing: &[PlannedPackage<'_>]) -> Self {
        let is_altered = |(source, package): &&PlannedPackage<'_>| {
            matches!(caches.read(source, package), CachedCrate::Mismatched { .. })
        };
        match (missing.iter().find(is_altered), missing) {
            (Some((source, package)), _) | (None, [(source, package)]) => Self::new(caches, source, package),
            _ => {
                let mut names: Vec<String> =
                    missing.iter().map(|(source, package)| source.describe(package)).collect();
                names.sort();
                if names.len() > MAX_NAMED {
                    let more = names.len() - MAX_NAMED;
                    names.truncate(MAX_NAMED);
                    names.push(format!("and {more} more"));
                }
                Self::SeveralMissing { count: missing.len(), names: names.join("\n") }
            }
        }
    }
}

impl<'a> CrateCaches<'a> {
    /// Finds the caches.
    pub fn new(settings: &'a Settings) -> Self {
        let cache = settings.cargo_home.join("registry").join("cache");
        let entries = fs::read_dir(cache).into_iter().flatten().flatten();
        let mut caches: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        caches.sort();
        Self { settings, caches }
    }

    /// Reads the .crate of a package from the first cache that has the right one.
    pub fn read(&self, source: &SourceDir, package: &Package) -> CachedCrate {
        let Some(expected) = package.checksum else { return CachedCrate::Missing };
        let mut wrong = CachedCrate::Missing;
        for path in self.places(source, package) {
            let Ok(Some(crate_file)) = CrateFile::read(&path) else { continue };
            let found = crate_file.digest();
            if found == expected {
                return CachedCrate::Matching(crate_file);
            }
            wrong = CachedCrate::Mismatched { path, found };
        }
        wrong
    }

    /// The manifest of a package, from the first file of its name. The hash is not checked, and the file is not read further.
    pub fn likely_manifest(&self, source: &SourceDir, package: &Package) -> Option<String> {
        let path = self.places(source, package).into_iter().find(|path| path.is_file())?;
        unverified_manifest(&path, package).ok()
    }

    /// Where the .crate of a package may be, the most likely place first.
    fn places(&self, source: &SourceDir, package: &Package) -> Vec<PathBuf> {
        let file_name = package.crate_file();
        let own = package
            .checksum
            .map(|digest| self.settings.cache().join("crates").join(format!("{digest}.crate")));
        let cargos = self.caches.iter().map(|cache| cache.join(&file_name));
        let local = self.local_registry(source).map(|directory| directory.join(&file_name));
        cargos.chain(own).chain(local).collect()
    }

    /// Whether a cache has a file of the package's name. Only reading it shows whether it is the right one.
    pub fn may_have(&self, source: &SourceDir, package: &Package) -> bool {
        self.places(source, package).into_iter().any(|path| path.is_file())
    }

    /// Sorts packages by the size of their .crates, the largest first: the last ones to be unpacked are then small, and no core
    /// waits for another.
    pub fn largest_first<'p>(&self, packages: &[PlannedPackage<'p>]) -> Vec<PlannedPackage<'p>> {
        self.sized(packages).into_iter().map(|(_, package)| package).collect()
    }

    /// The same, with the size of each .crate in Cargo's caches. It is 0 if no cache has it.
    pub fn sized<'p>(&self, packages: &[PlannedPackage<'p>]) -> Vec<(u64, PlannedPackage<'p>)> {
        let mut sized: Vec<(u64, PlannedPackage<'_>)> =
            packages.iter().map(|&(source, package)| (self.size(package), (source, package))).collect();
        sized.sort_by_key(|(size, _)| std::cmp::Reverse(*size));
        sized
    }

    fn size(&self, package: &Package) -> u64 {
        let file_name = package.crate_file();
        let sizes = self.caches.iter().filter_map(|cache| fs::metadata(cache.join(&file_name)).ok());
        sizes.map(|found| found.len()).max().unwrap_or(0)
    }

    fn local_registry(&self, source: &SourceDir) -> Option<PathBuf> {
        match self.settings.replacement_of_locked(&source.source.locked()).ok()?? {
            Replacement::LocalRegistry(directory) => Some(directory),
            _ => None,
        }
    }

    /// Downloads .crates in parallel. Returns a result for each. `each` is called with the position of a .crate as soon as it
    /// is there or has failed.
    pub fn download(
        client: &RegistryClient<'_>,
        wanted: &[PlannedPackage<'_>],
        each: &mut dyn FnMut(usize),
    ) -> Vec<Result<(), DownloadError>> {
        if wanted.is_empty() {
            return Vec::new();
        }
        let mut results: Vec<Option<Result<(), DownloadError>>> = wanted.iter().map(|_| None).collect();
        let mut asked = Vec::new();
        for (at, (source, package)) in wanted.iter().enumerate() {
            match reference(source, package) {
                Ok(reference) => asked.push((at, reference)),
                Err(error) => results[at] = Some(Err(error)),
            }
        }
        let references: Vec<CrateRef> = asked.iter().map(|(_, reference)| reference.clone()).collect();
        let answers = client.crate_files(&references, &mut |number| {
            each(asked[number].0);
        });
        for ((at, reference), answer) in asked.iter().zip(answers) {
            let is_cargos = reference.origin == CrateOrigin::Cache;
            let failed = if is_cargos { DownloadError::OnlyCargo } else { DownloadError::Registry };
            results[*at] = Some(answer.map(|_| ()).map_err(failed));
        }
        results.into_iter().map(|result| result.unwrap_or(Ok(()))).collect()
    }
}

/// Whether only Cargo can read a source: a registry with a git index, one over http, or one whose mirror is such a registry.
pub fn read_by_cargo(settings: &Settings, source: &PlannedSource) -> bool {
    match settings.replacement_of_locked(&source.locked()) {
        Ok(Some(Replacement::LocalRegistry(_))) => false,
        Err(SourceError::Unsupported(_)) => true,
        _ => match source {
            PlannedSource::CratesIo | PlannedSource::Namespace { .. } => false,
            PlannedSource::Registry(url) => IndexUrl::parse(url).is_err(),
            PlannedSource::Git(_) => true,
        },
    }
}

fn reference(source: &SourceDir, package: &Package) -> Result<CrateRef, DownloadError> {
    let name = CrateName::parse(&package.name)
        .map_err(|source| DownloadError::Name { package: package.dir(), source })?;
    let origin = match &source.source {
        PlannedSource::CratesIo => CrateOrigin::CratesIo,
        PlannedSource::Namespace { index, .. } => CrateOrigin::Index(index.clone()),
        PlannedSource::Registry(url) => IndexUrl::parse(url).map_or(CrateOrigin::Cache, CrateOrigin::Index),
        PlannedSource::Git(_) => CrateOrigin::Cache,
    };
    let cksum = package.checksum.unwrap_or_else(|| Digest::of(b""));
    Ok(CrateRef { origin, name, version: package.version.clone(), cksum })
}
