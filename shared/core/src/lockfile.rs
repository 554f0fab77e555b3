//! `Cargo.lock`, read: which packages are locked, from where, with which checksum. Never written here; Cargo does that.
//!
//! Every version that Cargo reads is read. 3 and 4 differ for us only in how git references are spelled. 1 and 2 say no version; 1
//! has its checksums in a table of their own, and Cargo still writes it for packages whose `rust-version` is old enough:
//!
//! ```text
//! [metadata]
//! "checksum itoa 1.0.15 (registry+https://github.com/rust-lang/crates.io-index)" = "4a5f…"
//! ```
//!
//! Where a package comes from is read by [`source_id`](crate::source_id).

use crate::digest::Digest;
use crate::limits::MAX_LOCK_FILE;
use crate::name::IndexUrl;
pub use crate::source_id::LockSource;
use crate::source_id::{GitSource, Spelling};
use crate::toml_text::{SyntaxError, conflict_marker};
use semver::Version;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;

/// How the keys of version 1's checksums begin.
const CHECKSUM: &str = "checksum ";
/// What stands in place of a checksum that the source could not say.
const NO_CHECKSUM: &str = "<none>";
/// The first version that escapes git references.
const ESCAPED_SINCE: u32 = 4;

/// A lock file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockFile {
    /// The format's version: 1 to 4.
    pub version: u32,
    /// The packages, in the order of the file.
    pub packages: Vec<LockedPackage>,
    /// `[[patch.unused]]`: patches that no package uses. Not built.
    pub unused_patches: Vec<LockedPackage>,
}

/// One locked package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockedPackage {
    /// The package's name as written. Names from registries are ASCII; those of path packages may be anything.
    pub name: String,
    /// Its version, with its build part.
    pub version: Version,
    /// Where it comes from.
    pub source: LockSource,
    /// SHA-256 of the .crate; only packages from registries have one.
    pub checksum: Option<Digest>,
    /// What it depends on.
    pub dependencies: Vec<LockedDependency>,
}

/// An entry of a package's `dependencies`: `name`, `name version` or `name version (source)` in the file, no longer than
/// is unique there. Read, it has all three, unless the file has no such package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockedDependency {
    /// The package's name.
    pub name: String,
    /// Its version, with its build part.
    pub version: Option<Version>,
    /// Where it comes from.
    pub source: Option<LockSource>,
}

/// Why a text is no lock file that this tool reads.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LockFileError {
    /// Bigger than the limit.
    #[error("the lock file is larger than {MAX_LOCK_FILE} bytes")]
    TooLarge,
    /// An unresolved merge.
    #[error("the lock file has merge-conflict markers (line {0})")]
    Conflict(usize),
    /// Not TOML, or not of the lock file's shape.
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    /// A version that does not exist, or not yet.
    #[error("lock file version `{0}` was found, which neither this tool nor Cargo 1.95 understands")]
    Version(u32),
    /// One package with two entries, as a merge leaves them behind.
    #[error("package `{0}` is specified twice in the lockfile")]
    Twice(String),
    /// A package whose entry makes no sense.
    #[error("package `{package}` in the lock file: {problem}")]
    Package {
        /// `name version`
        package: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl LockFileError {
    /// What to do next.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Conflict(_) => Some(
                "take one side (`git checkout --ours Cargo.lock`), then let Cargo bring it up to date: `cargo metadata`",
            ),
            Self::Twice(_) => {
                Some("remove one of the two entries, then let Cargo bring it up to date: `cargo metadata`")
            }
            Self::Version(_) => {
                Some("update this tool and Cargo, or write the lock file with an older Cargo")
            }
            _ => None,
        }
    }
}

#[derive(Deserialize)]
struct RawLock {
    version: Option<u32>,
    /// The package whose lock file it is, in the oldest ones.
    root: Option<RawPackage>,
    #[serde(default)]
    package: Vec<RawPackage>,
    #[serde(default)]
    patch: RawPatch,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
struct RawPatch {
    #[serde(default)]
    unused: Vec<RawPackage>,
}

#[derive(Deserialize)]
struct RawPackage {
    name: String,
    version: String,
    source: Option<String>,
    checksum: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

impl RawPackage {
    fn is_of_version_2(&self) -> bool {
        self.checksum.is_some() || self.dependencies.iter().any(|dependency| !dependency.contains(' '))
    }
}

impl LockFile {
    /// Reads a lock file.
    ///
    /// # Errors
    /// See [`LockFileError`].
    pub fn parse(text: &str) -> Result<Self, LockFileError> {
        if text.len() as u64 > MAX_LOCK_FILE {
            return Err(LockFileError::TooLarge);
        }
        if let Some(line) = conflict_marker(text) {
            return Err(LockFileError::Conflict(line));
        }
        let raw: RawLock =
            toml_edit::de::from_str(text).map_err(|error| SyntaxError::from_de(text, &error))?;
        let version = match raw.version {
            Some(version @ (3 | 4)) => version,
            Some(other) => return Err(LockFileError::Version(other)),
            // Version 2 does not say so: it is known by checksums beside the packages, and by dependencies without a version.
            None if raw.package.iter().chain(&raw.root).any(RawPackage::is_of_version_2) => 2,
            None => 1,
        };
        let spelling = if version < ESCAPED_SINCE { Spelling::Plain } else { Spelling::Escaped };
        let read = |raw| LockedPackage::from_raw(raw, spelling);
        let packages = raw.root.into_iter().chain(raw.package);
        let packages = packages.map(read).collect::<Result<Vec<_>, _>>()?;
        let unused_patches = raw.patch.unused.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let mut seen = HashSet::new();
        for package in &packages {
            if !seen.insert((&package.name, &package.version, &package.source)) {
                return Err(LockFileError::Twice(package.name.clone()));
            }
        }
        let mut lock = Self { version, packages, unused_patches };
        lock.take_checksums(&raw.metadata)?;
        lock.complete();
        Ok(lock)
    }

    /// Puts the checksums that version 1 keeps apart beside their packages.
    fn take_checksums(&mut self, metadata: &BTreeMap<String, String>) -> Result<(), LockFileError> {
        let mut checksums = Vec::new();
        for (key, value) in metadata {
            let Some(package) = key.strip_prefix(CHECKSUM) else { continue };
            let problem = |problem: String| LockFileError::Package { package: package.to_owned(), problem };
            let named = LockedDependency::parse(package, Spelling::Plain)
                .ok_or_else(|| problem("invalid encoding of checksum in lockfile".to_owned()))?;
            if value != NO_CHECKSUM {
                let digest =
                    Digest::parse(value).map_err(|error| problem(format!("its checksum: {error}")))?;
                checksums.push((named, digest));
            }
        }
        if !metadata.keys().any(|key| key.starts_with(CHECKSUM)) {
            return Ok(());
        }
        if self.version > 1 {
            // Two versions in one file are what a merge left behind: Cargo believes none of the checksums, and writes them anew.
            self.packages.iter_mut().for_each(|package| package.checksum = None);
            return Ok(());
        }
        let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, package) in self.packages.iter().enumerate() {
            by_name.entry(package.name.clone()).or_default().push(at);
        }
        for (named, digest) in checksums {
            let places = by_name.get(&named.name).map_or(&[][..], Vec::as_slice);
            let mut meant = places.iter().filter(|at| named.means(&self.packages[**at]));
            if let (Some(&at), None) = (meant.next(), meant.next()) {
                self.packages[at].checksum = Some(digest);
            }
        }
        Ok(())
    }

    /// The packages from registries that have no checksum: Cargo writes none where a source cannot say it.
    pub fn without_checksum(&self) -> impl Iterator<Item = &LockedPackage> {
        self.packages.iter().filter(|package| {
            package.checksum.is_none() && !matches!(package.source, LockSource::Path | LockSource::Git(_))
        })
    }

    /// Writes into every dependency which package is meant, so that it says so without the rest of the file.
    fn complete(&mut self) {
        let mut by_name: HashMap<&str, Vec<&LockedPackage>> = HashMap::new();
        for package in &self.packages {
            by_name.entry(&package.name).or_default().push(package);
        }
        let complete = |dependency: &LockedDependency| {
            let named = by_name.get(dependency.name.as_str()).map_or(&[][..], Vec::as_slice);
            match only(named.iter().copied(), dependency) {
                Some(package) => LockedDependency {
                    name: package.name.clone(),
                    version: Some(package.version.clone()),
                    source: Some(package.source.clone()),
                },
                None => dependency.clone(),
            }
        };
        let completed: Vec<Vec<LockedDependency>> =
            self.packages.iter().map(|package| package.dependencies.iter().map(complete).collect()).collect();
        for (package, dependencies) in self.packages.iter_mut().zip(completed) {
            package.dependencies = dependencies;
        }
    }

    /// The git sources that Cargo cannot find in a vendored directory by this file, because it misreads their references.
    pub fn misread(&self) -> BTreeSet<&GitSource> {
        let git = self.packages.iter().filter_map(|package| match &package.source {
            LockSource::Git(git) => Some(git),
            _ => None,
        });
        git.filter(|git| self.version < ESCAPED_SINCE && git.is_misread_unescaped()).collect()
    }

    /// Whether there is a patch that no package uses and that does not lie on this disk: Cargo loads it all the same.
    pub fn has_unused_patches(&self) -> bool {
        self.unused_patches.iter().any(|patch| patch.source != LockSource::Path)
    }

    /// The package that a dependency entry means; nothing when there is none, or more than one.
    pub fn resolve(&self, dependency: &LockedDependency) -> Option<&LockedPackage> {
        only(self.packages.iter(), dependency)
    }

    /// The packages from sparse registries, each with its index: those that may be a namespace's.
    pub fn from_registries(&self) -> impl Iterator<Item = (&LockedPackage, &IndexUrl)> {
        self.packages.iter().filter_map(|package| match &package.source {
            LockSource::Registry(index) => Some((package, index)),
            _ => None,
        })
    }

    /// The packages of that name, from wherever.
    pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a LockedPackage> {
        self.packages.iter().filter(move |package| package.name == name)
    }
}

/// The one package that a dependency entry means.
fn only<'a>(
    packages: impl Iterator<Item = &'a LockedPackage>,
    dependency: &LockedDependency,
) -> Option<&'a LockedPackage> {
    let mut fitting = packages.filter(|package| dependency.means(package));
    let found = fitting.next()?;
    fitting.next().is_none().then_some(found)
}

impl LockedPackage {
    fn from_raw(raw: RawPackage, spelling: Spelling) -> Result<Self, LockFileError> {
        let label = format!("{} {}", raw.name, raw.version);
        let problem = |problem: String| LockFileError::Package { package: label.clone(), problem };
        let version =
            Version::parse(&raw.version).map_err(|error| problem(format!("its version: {error}")))?;
        let checksum = match raw.checksum {
            Some(text) => {
                Some(Digest::parse(&text).map_err(|error| problem(format!("its checksum: {error}")))?)
            }
            None => None,
        };
        let mut dependencies = Vec::with_capacity(raw.dependencies.len());
        for text in &raw.dependencies {
            let parsed = LockedDependency::parse(text, spelling);
            dependencies
                .push(parsed.ok_or_else(|| problem(format!("its dependency `{text}` is malformed")))?);
        }
        let source = raw.source.as_deref().map_or(LockSource::Path, |text| LockSource::parse(text, spelling));
        Ok(Self { name: raw.name, version, source, checksum, dependencies })
    }
}

impl fmt::Display for LockedPackage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} v{}", self.name, self.version)
    }
}

impl fmt::Display for LockedDependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.name)?;
        if let Some(version) = &self.version {
            write!(f, " v{version}")?;
        }
        match &self.source {
            Some(source) => write!(f, " from {source}"),
            None => Ok(()),
        }
    }
}

impl LockedDependency {
    fn means(&self, package: &LockedPackage) -> bool {
        package.name == self.name
            && self.version.as_ref().is_none_or(|version| *version == package.version)
            && self.source.as_ref().is_none_or(|source| source.same_place(&package.source))
    }

    fn parse(text: &str, spelling: Spelling) -> Option<Self> {
        let mut parts = text.splitn(3, ' ');
        let name = parts.next().filter(|name| !name.is_empty())?.to_owned();
        let version = parts.next().map(Version::parse).transpose().ok()?;
        let source = match parts.next() {
            Some(source) => Some(LockSource::parse(source.strip_prefix('(')?.strip_suffix(')')?, spelling)),
            None => None,
        };
        Some(Self { name, version, source })
    }
}

#[cfg(test)]
mod tests;
