//! `Cargo.lock`, read: which packages are locked, from where, with which checksum. Never written here; Cargo does that.
//!
//! Versions 3 and 4 are read, which differ for us only in how git references are spelled; where a package comes from is read by
//! [`source_id`](crate::source_id).

use crate::digest::Digest;
use crate::limits::MAX_LOCK_FILE;
use crate::name::IndexUrl;
pub use crate::source_id::LockSource;
use crate::source_id::{GitSource, Spelling};
use crate::toml_text::{SyntaxError, conflict_marker};
use semver::Version;
use serde::Deserialize;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;

/// The first version that escapes git references.
const ESCAPED_SINCE: u32 = 4;

/// A lock file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockFile {
    /// The format's version: 3 or 4.
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
    /// Its version.
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
    /// Its version.
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
    /// A format from before checksums stood beside the packages.
    #[error("the lock file has format version {0}, which is too old")]
    TooOld(u32),
    /// A format that does not exist yet.
    #[error("the lock file has format version {0}, which this tool does not know")]
    TooNew(u32),
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
            Self::TooOld(_) => {
                Some("`cargo update --workspace` with a current Cargo writes the current format")
            }
            Self::TooNew(_) => Some("update this tool, or write the lock file with an older Cargo"),
            _ => None,
        }
    }
}

#[derive(Deserialize)]
struct RawLock {
    version: Option<u32>,
    #[serde(default)]
    package: Vec<RawPackage>,
    #[serde(default)]
    patch: RawPatch,
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
        // Version 2 has no `version` key; version 1 neither. An empty project's lock has version 3 or 4.
        let version = raw.version.unwrap_or(2);
        match version {
            0..=2 => return Err(LockFileError::TooOld(version)),
            3 | 4 => {}
            _ => return Err(LockFileError::TooNew(version)),
        }
        let spelling = if version < ESCAPED_SINCE { Spelling::Plain } else { Spelling::Escaped };
        let read = |raw| LockedPackage::from_raw(raw, spelling);
        let packages = raw.package.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let unused_patches = raw.patch.unused.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let mut seen = HashSet::new();
        for package in &packages {
            if !seen.insert((&package.name, &package.version, &package.source)) {
                return Err(package.error("it is there twice"));
            }
        }
        let mut lock = Self { version, packages, unused_patches };
        lock.complete();
        Ok(lock)
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
    let mut fitting = packages.filter(|package| {
        package.name == dependency.name
            && dependency.version.as_ref().is_none_or(|version| *version == package.version)
            && dependency.source.as_ref().is_none_or(|source| source.same_place(&package.source))
    });
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

    fn error(&self, problem: &str) -> LockFileError {
        LockFileError::Package {
            package: format!("{} {}", self.name, self.version),
            problem: problem.to_owned(),
        }
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
mod tests {
    use super::*;

    const LOCK: &str = r#"# This file is automatically @generated by Cargo.
# It is not intended for manual editing.
version = 4

[[package]]
name = "app"
version = "0.1.0"
dependencies = [
 "g",
 "serde 1.0.0 (registry+https://github.com/rust-lang/crates.io-index)",
 "serde 1.0.0 (sparse+https://serde.rs/cargo/index/)",
]

[[package]]
name = "g"
version = "0.2.0"
source = "git+https://git.example/g?branch=feature%2Fx#aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

[[package]]
name = "serde"
version = "1.0.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
checksum = "0000000000000000000000000000000000000000000000000000000000000000"

[[package]]
name = "serde"
version = "1.0.0"
source = "sparse+https://serde.rs/cargo/index/"
checksum = "1111111111111111111111111111111111111111111111111111111111111111"

[[patch.unused]]
name = "left"
version = "3.0.0"
"#;

    #[test]
    fn one_name_and_version_from_two_registries() {
        let lock = LockFile::parse(LOCK).unwrap();
        assert_eq!((lock.version, lock.packages.len(), lock.unused_patches.len()), (4, 4, 1));
        let app = &lock.packages[0];
        assert_eq!(app.source, LockSource::Path);
        let resolved: Vec<_> = app
            .dependencies
            .iter()
            .map(|dependency| lock.resolve(dependency).unwrap().source.to_string())
            .collect();
        assert!(resolved[0].starts_with("git+https://git.example/g?branch=feature%2Fx#"));
        assert_eq!(resolved[1..], ["crates.io", "sparse+https://serde.rs/cargo/index/"]);
        // Also where the name alone was unique.
        assert_eq!(app.dependencies[0].version, Some(Version::new(0, 2, 0)));
        assert!(app.dependencies[0].to_string().starts_with("`g` v0.2.0 from git+https://git.example/g"));
        let (package, index) = lock.from_registries().next().unwrap();
        assert_eq!((package.to_string().as_str(), index.host()), ("serde v1.0.0", "serde.rs"));
        assert_eq!(lock.named("serde").count(), 2);
    }

    #[test]
    fn merge_conflict_markers_are_named() {
        let text = LOCK.replace("[[patch.unused]]", "<<<<<<< HEAD\n=======\n>>>>>>> other\n[[patch.unused]]");
        assert_eq!(LockFile::parse(&text), Err(LockFileError::Conflict(31)));
    }

    #[test]
    fn unknown_and_old_versions_are_refused() {
        assert_eq!(LockFile::parse(""), Err(LockFileError::TooOld(2)));
        assert_eq!(LockFile::parse("version = 5"), Err(LockFileError::TooNew(5)));
        assert!(LockFile::parse("version = 3").unwrap().packages.is_empty());
    }

    #[test]
    fn a_package_given_twice_is_refused() {
        let text = format!("{LOCK}\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\n");
        let error = LockFile::parse(&text).unwrap_err();
        assert_eq!(error.to_string(), "package `app 0.1.0` in the lock file: it is there twice");
        let text = LOCK.replace("1111", "11");
        assert!(matches!(LockFile::parse(&text), Err(LockFileError::Package { .. })));
    }
}
