//! What may happen to the releases of a crate, whichever store holds them: a static index, a registry's database, a mirror.
//!
//! A store reads what it holds into a [`CrateIndex`], changes it, and writes the lines that changed. It need not read all releases:
//! those that the change is about are enough, which for a registry is one row.
//!
//! | rule | |
//! |---|---|
//! | [`CrateIndex::admits`], [`insert`](CrateIndex::insert) | a name has one spelling; a version comes once, whatever its build part |
//! | [`CrateIndex::yank`] | as its latest signed statement says |
//! | [`CrateIndex::resign`] | further signatures; the bytes stay |
//! | [`envelope`] | what stands beside the .crate, for other tools |
//! | [`config`] | `config.json` |
//!
//! Who may do any of this is not decided here: a store asks that first.

use std::cmp::Ordering;

use semver::Version;

use crate::digest::Digest;
use crate::index::tree::DOWNLOAD_TEMPLATE;
use crate::index::{IndexConfig, IndexFile, IndexLine};
use crate::limits::{MAX_ATTESTATIONS, MAX_ENVELOPE_SIGNATURES, MAX_INDEX_VERSIONS};
use crate::name::{CrateName, IndexUrl, Namespace, QualifiedName};
use crate::statement::{Envelope, ReleaseStatement, Verified, Yank, YankOperation};

#[cfg(test)]
mod tests;

/// The releases of one crate, or those of them that a change is about.
#[derive(Clone, Debug)]
pub struct CrateIndex {
    name: QualifiedName,
    index: IndexUrl,
    spelled: Option<CrateName>,
    file: IndexFile,
    /// How many releases the store holds, also those that are not in `file`.
    total: usize,
}

/// Why a change does not happen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// A crate with the same name but for case, `-` and `_` is there.
    #[error("`{new}` is the same name as `{existing}`, which {namespace} has already")]
    Twin {
        /// Whose crates.
        namespace: Namespace,
        /// The new spelling.
        new: CrateName,
        /// The spelling that is there.
        existing: CrateName,
    },
    /// The version is there.
    #[error("{name} {version} is published already")]
    VersionTaken {
        /// The namespace, and the crate in it.
        name: QualifiedName,
        /// The version, with its build part.
        version: Version,
        /// Whether what is there has the same SHA-256.
        same: bool,
    },
    /// The version is there but for its build part.
    #[error("{name} {existing} is published already, and {new} is the same version but for its build part")]
    BuildTwin {
        /// The namespace, and the crate in it.
        name: QualifiedName,
        /// The new version.
        new: Box<Version>,
        /// The version that is there.
        existing: Version,
    },
    /// There is no such release.
    #[error("there is no release {name} {version}")]
    Unknown {
        /// The namespace, and the crate in it.
        name: QualifiedName,
        /// The version, with its build part.
        version: Version,
    },
    /// The statement is about a release of the same name and version, and about other bytes or another index.
    #[error("the statement was signed for another .crate or another index than those of {name} {version}")]
    OtherRelease {
        /// The namespace, and the crate in it.
        name: QualifiedName,
        /// The version, with its build part.
        version: Version,
    },
    /// Nobody who checks would see the change: of several statements the latest counts.
    #[error("a later statement about {name} {version} is there already")]
    Outdated {
        /// The namespace, and the crate in it.
        name: QualifiedName,
        /// The version, with its build part.
        version: Version,
    },
    /// There is no room for one more signature.
    #[error("{name} {version} has {MAX_ATTESTATIONS} signatures")]
    TooManySignatures {
        /// The namespace, and the crate in it.
        name: QualifiedName,
        /// The version, with its build part.
        version: Version,
    },
    /// There is no room for one more release.
    #[error("{name} has {MAX_INDEX_VERSIONS} releases")]
    TooManyReleases {
        /// The namespace, and the crate in it.
        name: QualifiedName,
    },
}

impl Refusal {
    /// What to do about it, where that is known.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Twin { .. } => {
                "Cargo users could not tell the two apart: use the name that is there, or quite another"
            }
            Self::BuildTwin { .. } => "Cargo picks either of two such versions: raise the version",
            Self::VersionTaken { .. } => "a published version never changes: raise the version",
            Self::Outdated { .. } => {
                "run the command again; if that does not help, look at this machine's clock"
            }
            _ => return None,
        })
    }
}

impl CrateIndex {
    /// The crate `name` in the namespace's canonical `index`. `spelled` is how the store spells its crate of that canonical name, if
    /// it has one; `file` holds its releases, or those that matter.
    #[must_use]
    pub fn new(name: QualifiedName, index: IndexUrl, spelled: Option<CrateName>, file: IndexFile) -> Self {
        let total = file.len();
        Self { name, index, spelled, file, total }
    }

    /// The same for a store that holds `total` releases and gave only those that matter.
    #[must_use]
    pub fn of_total(self, total: usize) -> Self {
        Self { total: total.max(self.file.len()), ..self }
    }

    /// Whether the store has a crate of that name.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.spelled.is_some()
    }

    /// The releases, as an index file.
    #[must_use]
    pub fn file(&self) -> &IndexFile {
        &self.file
    }

    /// The release of exactly this version.
    ///
    /// # Errors
    /// [`Refusal::Unknown`].
    pub fn get(&self, version: &Version) -> Result<&IndexLine, Refusal> {
        let spelled = self.spelled.as_ref() == Some(&self.name.krate);
        let found = self.file.get(version).filter(|_| spelled);
        found.ok_or_else(|| Refusal::Unknown { name: self.name.clone(), version: version.clone() })
    }

    /// Whether a release may come in.
    ///
    /// # Errors
    /// The name or the version is taken, or there is no room.
    pub fn admits(&self, version: &Version, cksum: &Digest) -> Result<(), Refusal> {
        let name = || self.name.clone();
        if let Some(existing) = self.spelled.as_ref().filter(|spelled| **spelled != self.name.krate) {
            let QualifiedName { namespace, krate: new } = name();
            return Err(Refusal::Twin { namespace, new, existing: existing.clone() });
        }
        match self.file.lines().find(|line| line.vers.cmp_precedence(version) == Ordering::Equal) {
            Some(line) if line.vers == *version => {
                let same = line.cksum == *cksum;
                Err(Refusal::VersionTaken { name: name(), version: version.clone(), same })
            }
            Some(line) => {
                let (new, existing) = (Box::new(version.clone()), line.vers.clone());
                Err(Refusal::BuildTwin { name: name(), new, existing })
            }
            None if self.total >= MAX_INDEX_VERSIONS => Err(Refusal::TooManyReleases { name: name() }),
            None => Ok(()),
        }
    }

    /// Adds a release at the end.
    ///
    /// # Errors
    /// As [`CrateIndex::admits`].
    pub fn insert(&mut self, line: IndexLine) -> Result<(), Refusal> {
        self.admits(&line.vers, &line.cksum)?;
        self.spelled.get_or_insert_with(|| line.name.clone());
        self.file.put(line);
        self.total += 1;
        Ok(())
    }

    /// Yanks a release, or takes that back. False when it was so already.
    ///
    /// # Errors
    /// There is no such release, the statement is about another one, or a later one is there.
    pub fn yank(&mut self, yank: &Verified<Yank>) -> Result<bool, Refusal> {
        let mut line = self.of(&yank.name, &yank.version, &yank.cksum, &yank.index)?;
        // In one second the later in the list counts.
        if line.yank_attestations.last().is_some_and(|last| last.at > yank.at) {
            return Err(Refusal::Outdated { name: self.name.clone(), version: line.vers });
        }
        let yanked = yank.operation == YankOperation::Yank;
        if line.yanked == yanked {
            return Ok(false);
        }
        line.yanked = yanked;
        self.put_yanked(line, yank);
        Ok(true)
    }

    /// Adds a signature over a release. False when it was there already.
    ///
    /// Where the release is yanked, `yank` is the same key's own statement about that, if it makes one: whoever trusts that key only
    /// must hear it from it.
    ///
    /// # Errors
    /// There is no such release, a statement is about another one, or there is no room.
    pub fn resign(
        &mut self,
        release: &Verified<ReleaseStatement>,
        yank: Option<&Verified<Yank>>,
    ) -> Result<bool, Refusal> {
        let mut line = self.of(&release.name, &release.version, &release.cksum, &release.index)?;
        let attestation = release.attestation();
        if line.attestations.contains(&attestation) {
            return Ok(false);
        }
        if line.attestations.len() >= MAX_ATTESTATIONS {
            return Err(Refusal::TooManySignatures { name: self.name.clone(), version: line.vers });
        }
        line.attestations.push(attestation);
        match yank.filter(|yank| line.yanked && yank.operation == YankOperation::Yank) {
            Some(yank) => {
                self.of(&yank.name, &yank.version, &yank.cksum, &yank.index)?;
                self.put_yanked(line, yank);
            }
            None => self.file.put(line),
        }
        Ok(true)
    }

    /// Puts a line back with one more yank statement; the oldest gives way.
    fn put_yanked(&mut self, mut line: IndexLine, yank: &Verified<Yank>) {
        line.yank_attestations.push(yank.attestation());
        if line.yank_attestations.len() > MAX_ATTESTATIONS {
            line.yank_attestations.remove(0);
        }
        self.file.put(line);
    }

    /// The line of the release that a statement is about.
    fn of(
        &self,
        name: &QualifiedName,
        version: &Version,
        cksum: &Digest,
        index: &IndexUrl,
    ) -> Result<IndexLine, Refusal> {
        let line = self.get(version)?;
        if *name != self.name || *cksum != line.cksum || *index != self.index {
            return Err(Refusal::OtherRelease { name: self.name.clone(), version: version.clone() });
        }
        Ok(line.clone())
    }
}

/// The envelope beside the .crate of a release: the newest of its signed statements, with everybody's signature who signed just that
/// one. `None` where nobody signed.
///
/// The signatures are not verified here: whoever reads the envelope verifies them, as with the line.
#[must_use]
pub fn envelope(line: &IndexLine, name: &QualifiedName, index: &IndexUrl) -> Option<Envelope> {
    let newest = line.attestations.iter().map(|attestation| attestation.at).max()?;
    let signed = line.attestations.iter().filter(|attestation| attestation.at == newest);
    Some(line.release_statement(name, index, newest).to_envelope(signed.take(MAX_ENVELOPE_SIGNATURES)))
}

/// What `config.json` of a namespace's index says. `api` is the base URL of the web API: a static index has none.
#[must_use]
pub fn config(
    namespace: &Namespace,
    index: &IndexUrl,
    api: Option<String>,
    auth_required: bool,
) -> IndexConfig {
    let dl = index.join(DOWNLOAD_TEMPLATE);
    IndexConfig { dl, api, namespace: Some(namespace.clone()), auth_required }
}
