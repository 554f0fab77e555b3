//! Finding the .crate of each package: in Cargo's caches, else by download. Only its hash says that it is the right one.

use std::fs;
use std::path::PathBuf;

use cargo_namespaces::digest::Digest;
use cargo_namespaces::name::{CrateName, IndexUrl};
use cargo_namespaces_cli::crate_file::CrateFile;
use cargo_namespaces_cli::registry_client::{CrateOrigin, CrateRef, RegistryClient};
use cargo_namespaces_cli::settings::{Replacement, Settings, SourceError};
use cargo_namespaces_cli::shell::{CliError, ExitCode};

use crate::content::unverified_manifest;
use crate::plan::{Package, Source, SourceDir};

/// The caches that a .crate may be in.
#[derive(Debug)]
pub struct Archives<'a> {
    settings: &'a Settings,
    /// Cargo's, one a registry and mirror.
    caches: Vec<PathBuf>,
}

/// What the caches have for a package.
#[derive(Debug)]
pub enum Cached {
    /// The bytes of the .crate, with the hash that the lock file says.
    Right(CrateFile),
    /// Only a file with another hash.
    Wrong {
        /// Which.
        path: PathBuf,
        /// Its hash.
        found: Digest,
    },
    /// Nothing.
    Missing,
}

/// An archive that could not be downloaded.
#[derive(Clone, Debug)]
pub struct NotHad {
    /// Why.
    pub error: CliError,
    /// Cargo may be able to: it has tokens, and reads registries that are not read here.
    pub needs_cargo: bool,
}

impl<'a> Archives<'a> {
    /// Looks where Cargo keeps archives.
    pub fn new(settings: &'a Settings) -> Self {
        let cache = settings.cargo_home.join("registry").join("cache");
        let entries = fs::read_dir(cache).into_iter().flatten().flatten();
        let mut caches: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        caches.sort();
        Self { settings, caches }
    }

    /// Reads the .crate of a package from the first place that has the right one: once, hashed while it is in memory.
    pub fn read(&self, source: &SourceDir, package: &Package) -> Cached {
        let Some(expected) = package.checksum else { return Cached::Missing };
        let mut wrong = Cached::Missing;
        for path in self.places(source, package) {
            let Ok(Some(archive)) = CrateFile::read(&path) else { continue };
            let found = archive.digest();
            if found == expected {
                return Cached::Right(archive);
            }
            wrong = Cached::Wrong { path, found };
        }
        wrong
    }

    /// The manifest in the first .crate that seems to be a package's: nothing is hashed, and the .crate is read no further.
    pub fn likely_manifest(&self, source: &SourceDir, package: &Package) -> Option<String> {
        let path = self.places(source, package).into_iter().find(|path| path.is_file())?;
        unverified_manifest(&path, package).ok()
    }

    /// Where the .crate of a package may be, the likeliest first.
    fn places(&self, source: &SourceDir, package: &Package) -> Vec<PathBuf> {
        let file_name = format!("{}.crate", package.dir());
        let own = package
            .checksum
            .map(|digest| self.settings.cache().join("crates").join(format!("{digest}.crate")));
        let cargos = self.caches.iter().map(|cache| cache.join(&file_name));
        let local = self.local_registry(source).map(|directory| directory.join(&file_name));
        cargos.chain(own).chain(local).collect()
    }

    /// Whether a cache has a file of the package's name; reading it says whether it is the right one.
    pub fn may_have(&self, source: &SourceDir, package: &Package) -> bool {
        self.places(source, package).into_iter().any(|path| path.is_file())
    }

    /// The packages with the largest archives first: the last ones to be worked on are then small, and no core waits for
    /// another one.
    pub fn largest_first<'p>(
        &self,
        packages: &[(&'p SourceDir, &'p Package)],
    ) -> Vec<(&'p SourceDir, &'p Package)> {
        self.sized(packages).into_iter().map(|(_, package)| package).collect()
    }

    /// The same, with the bytes of each .crate in Cargo's caches; 0 where it is in none.
    pub fn sized<'p>(
        &self,
        packages: &[(&'p SourceDir, &'p Package)],
    ) -> Vec<(u64, (&'p SourceDir, &'p Package))> {
        let mut sized: Vec<(u64, (&SourceDir, &Package))> =
            packages.iter().map(|&(source, package)| (self.size(package), (source, package))).collect();
        sized.sort_by_key(|(size, _)| std::cmp::Reverse(*size));
        sized
    }

    fn size(&self, package: &Package) -> u64 {
        let file_name = format!("{}.crate", package.dir());
        let sizes = self.caches.iter().filter_map(|cache| fs::metadata(cache.join(&file_name)).ok());
        sizes.map(|found| found.len()).max().unwrap_or(0)
    }

    fn local_registry(&self, source: &SourceDir) -> Option<PathBuf> {
        match self.settings.replacement_of_locked(&source.source.locked()).ok()?? {
            Replacement::LocalRegistry(directory) => Some(directory),
            _ => None,
        }
    }

    /// Downloads the archives that no cache has, in parallel; gives the error of each that could not be had. `each` is called
    /// with a position as its archive is there or has failed.
    pub fn download(
        client: &RegistryClient<'_>,
        wanted: &[(&SourceDir, &Package)],
        each: &mut dyn FnMut(usize),
    ) -> Vec<Result<(), NotHad>> {
        if wanted.is_empty() {
            return Vec::new();
        }
        let mut results: Vec<Option<Result<(), NotHad>>> = wanted.iter().map(|_| None).collect();
        let mut asked = Vec::new();
        for (at, (source, package)) in wanted.iter().enumerate() {
            match reference(source, package) {
                Ok(reference) => asked.push((at, reference)),
                Err(error) => results[at] = Some(Err(NotHad { error, needs_cargo: false })),
            }
        }
        let references: Vec<CrateRef> = asked.iter().map(|(_, reference)| reference.clone()).collect();
        let answers = client.crate_files(&references, &mut |number| {
            each(asked[number].0);
        });
        for ((at, reference), answer) in asked.iter().zip(answers) {
            let by_cargo = reference.origin == CrateOrigin::Cache;
            results[*at] = Some(answer.map(|_| ()).map_err(|error| NotHad {
                needs_cargo: by_cargo || error.needs_cargo(),
                error: error.into(),
            }));
        }
        results.into_iter().map(|result| result.unwrap_or(Ok(()))).collect()
    }
}

/// Whether only Cargo can read where a package comes from: a registry with a git index, or one over http; or a mirror that is
/// one.
pub fn read_by_cargo(settings: &Settings, source: &Source) -> bool {
    match settings.replacement_of_locked(&source.locked()) {
        Ok(Some(Replacement::LocalRegistry(_))) => false,
        Err(SourceError::Unsupported(_)) => true,
        _ => match source {
            Source::CratesIo | Source::Namespace { .. } => false,
            Source::Registry(url) => IndexUrl::parse(url).is_err(),
            Source::Git(_) => true,
        },
    }
}

/// Most missing archives that an error names.
const MOST_NAMED: usize = 20;

/// The error for packages whose archives are missing: one that was altered, else all by their names.
pub fn none_may_miss(archives: &Archives<'_>, missing: &[(&SourceDir, &Package)]) -> CliError {
    let is_wrong = |(source, package): &&(&SourceDir, &Package)| {
        matches!(archives.read(source, package), Cached::Wrong { .. })
    };
    match (missing.iter().find(is_wrong), missing) {
        (Some((source, package)), _) | (None, [(source, package)]) => {
            wrong_or_missing(archives, source, package)
        }
        _ => {
            let mut names: Vec<String> = missing
                .iter()
                .map(|(source, package)| {
                    format!("`{}` {} of {}", package.name, package.version, source.source.display())
                })
                .collect();
            names.sort();
            if names.len() > MOST_NAMED {
                let more = names.len() - MOST_NAMED;
                names.truncate(MOST_NAMED);
                names.push(format!("and {more} more"));
            }
            let message = format!("the .crates of {} packages are in no cache", missing.len());
            CliError::new(ExitCode::Unreachable, message)
                .because(names.join("\n"))
                .hint("run the command once without `--offline`")
        }
    }
}

/// The error for a .crate that is in no cache with the right hash, although it was just downloaded or cannot be.
pub fn wrong_or_missing(archives: &Archives<'_>, source: &SourceDir, package: &Package) -> CliError {
    let name = format!("`{}` {} of {}", package.name, package.version, source.source.display());
    match (archives.read(source, package), package.checksum) {
        (Cached::Wrong { path, found }, Some(expected)) => CliError::new(
            ExitCode::Refused,
            format!("`{}` has the SHA-256 {found}, but Cargo.lock says {expected}", path.display()),
        )
        .because(format!("it would be unpacked as {name}"))
        .hint("the cache was altered: remove the file, and run the command again with network access"),
        _ => CliError::new(ExitCode::Unreachable, format!("the .crate of {name} is in no cache"))
            .hint("run the command once without `--offline`"),
    }
}

fn reference(source: &SourceDir, package: &Package) -> Result<CrateRef, CliError> {
    let name = CrateName::parse(&package.name).map_err(|error| {
        CliError::new(ExitCode::InvalidInput, format!("cannot download `{}`", package.dir()))
            .caused_by(&error)
    })?;
    let origin = match &source.source {
        Source::CratesIo => CrateOrigin::CratesIo,
        Source::Namespace { index, .. } => CrateOrigin::Index(index.clone()),
        Source::Registry(url) => IndexUrl::parse(url).map_or(CrateOrigin::Cache, CrateOrigin::Index),
        Source::Git(_) => CrateOrigin::Cache,
    };
    let cksum = package.checksum.unwrap_or_else(|| Digest::of(b""));
    Ok(CrateRef { origin, name, version: package.version.clone(), cksum })
}
