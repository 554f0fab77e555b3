//! Whether a release is verified: the .crate, its index line, the lock file and a signature all say the same.
//!
//! The check says nothing about *whose* signature it is; that is decided by [`crate::trust`] from the signers found here.
//! Cargo checks none of this beyond the check sum: it believes the index line's dependencies, features and registries.

use semver::Version;

use crate::digest::Digest;
use crate::index::{ComputeError, FactMismatch, Facts, IndexLine, RegistryUrlError, compute, registry_url};
use crate::key::PublicKey;
use crate::name::{IndexUrl, QualifiedName};
use crate::package::{self, PackageError, Rules};
use crate::statement::YankAttestation;

/// A release that is verified.
#[derive(Clone, Debug)]
pub struct VerifiedRelease {
    /// The keys whose signatures hold, in the order of the index line, each once; at least one.
    pub signers: Vec<PublicKey>,
    /// What the Cargo.toml inside the .crate says; the index line says the same.
    pub facts: Facts,
}

/// Why a release is not verified.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IntegrityError {
    /// The index has another crate's line under this name.
    #[error("the index line is of crate `{line}`, not of `{expected}`")]
    OtherName {
        /// The line's name.
        line: String,
        /// The name that was asked for.
        expected: String,
    },
    /// The .crate was altered, or the index was.
    #[error("the SHA-256 of the .crate is {found}, the index line says {line}")]
    Checksum {
        /// Of the bytes.
        found: Digest,
        /// `cksum` of the line.
        line: Digest,
    },
    /// The index was altered since the lock file was written.
    #[error("the SHA-256 of the .crate is {found}, Cargo.lock says {lock}")]
    LockChecksum {
        /// Of the bytes and of the line.
        found: Digest,
        /// `checksum` of the lock file.
        lock: Digest,
    },
    /// Nobody signed.
    #[error("the index line has no signature")]
    Unsigned,
    /// Somebody signed something else.
    #[error(
        "none of the {count} signatures on the index line is valid for {release} with this .crate and the index {index}"
    )]
    NoSignatureHolds {
        /// How many there are.
        count: usize,
        /// Namespace, crate and version.
        release: String,
        /// The canonical index that the signature should be bound to.
        index: IndexUrl,
    },
    /// The archive breaks a rule, or is another package.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// The manifest inside would not make an index line.
    #[error(transparent)]
    Manifest(#[from] ComputeError),
    /// The line says something else than the package.
    #[error(transparent)]
    Facts(#[from] FactMismatch),
    /// The line sends Cargo to a registry that no namespace can have.
    #[error("the index line's dependency `{dependency}` names the registry {url:?}: {source}")]
    Registry {
        /// The name of the dependency in the line.
        dependency: String,
        /// The URL as it stands there.
        url: String,
        /// The rule that it breaks.
        source: RegistryUrlError,
    },
}

impl IntegrityError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Checksum { .. } => {
                "the file was altered on the server, on the way or in the cache: remove the cached .crate, try again, \
                 and tell the owner of the namespace if it stays so"
            }
            Self::LockChecksum { .. } => {
                "a published release never changes: find out who replaced it before you touch Cargo.lock"
            }
            Self::Unsigned => "the owner of the namespace signs by publishing with `cargo nspublish`",
            Self::NoSignatureHolds { .. } => {
                "the index line or the .crate is not what was signed: do not use it, and tell the owner of the namespace"
            }
            Self::OtherName { .. } | Self::Facts(_) | Self::Registry { .. } => {
                "the index was altered after publishing: do not use it, and tell the owner of the namespace"
            }
            Self::Package(error) => error.hint(),
            Self::Manifest(error) => error.hint(),
        }
    }
}

/// All bytes of a .crate, wherever they are kept.
pub trait WholeCrate {
    /// Their hash.
    fn digest(&self) -> Digest;

    /// Checks them by the rules for consumers.
    ///
    /// # Errors
    /// The entry and the rule that it breaks.
    fn inspect(&self, name: &str, version: &Version) -> Result<package::Package, PackageError>;
}

impl WholeCrate for [u8] {
    fn digest(&self) -> Digest {
        Digest::of(self)
    }

    fn inspect(&self, name: &str, version: &Version) -> Result<package::Package, PackageError> {
        package::inspect(Rules::Consume, self, name, version)
    }
}

impl WholeCrate for Vec<u8> {
    fn digest(&self) -> Digest {
        Digest::of(self)
    }

    fn inspect(&self, name: &str, version: &Version) -> Result<package::Package, PackageError> {
        self.as_slice().inspect(name, version)
    }
}

/// Checks one release.
///
/// - `line`: as the index has it; its version is the one that is checked.
/// - `archive`: the whole .crate.
/// - `lock_cksum`: what Cargo.lock says, where the release is locked already.
/// - `name`, `index`: the namespace, the crate, and the namespace's canonical index URL, which the signatures are bound
///   to. A mirror's URL is none of them.
///
/// # Errors
/// The first thing that does not fit, in an order that names the cause: a replaced .crate is a wrong check sum; with the
/// index's check sum replaced too it is a signature that does not hold; an added dependency is named.
pub fn check_integrity(
    line: &IndexLine,
    archive: &(impl WholeCrate + ?Sized),
    lock_cksum: Option<&Digest>,
    name: &QualifiedName,
    index: &IndexUrl,
) -> Result<VerifiedRelease, IntegrityError> {
    if line.name != name.krate {
        let (line, expected) = (line.name.to_string(), name.krate.to_string());
        return Err(IntegrityError::OtherName { line, expected });
    }
    let found = archive.digest();
    if found != line.cksum {
        return Err(IntegrityError::Checksum { found, line: line.cksum });
    }
    if let Some(&lock) = lock_cksum.filter(|lock| **lock != found) {
        return Err(IntegrityError::LockChecksum { found, lock });
    }
    let signers = signers(line, name, index)?;
    let package = archive.inspect(name.krate.as_str(), &line.vers)?;
    check_registries(line, index)?;
    let facts = compute(&package.manifest, index)?;
    line.check_facts(&facts)?;
    Ok(VerifiedRelease { signers, facts })
}

/// The keys whose attestation holds over the release statement, rebuilt from the line, the name and the index.
///
/// # Errors
/// When there is none.
pub fn signers(
    line: &IndexLine,
    name: &QualifiedName,
    index: &IndexUrl,
) -> Result<Vec<PublicKey>, IntegrityError> {
    if line.attestations.is_empty() {
        return Err(IntegrityError::Unsigned);
    }
    let mut signers = Vec::new();
    for attestation in &line.attestations {
        let statement = line.release_statement(name, index, attestation.at);
        if statement.verify(attestation).is_ok() && !signers.contains(&attestation.key) {
            signers.push(attestation.key);
        }
    }
    if signers.is_empty() {
        return Err(IntegrityError::NoSignatureHolds {
            count: line.attestations.len(),
            release: format!("{name}@{}", line.vers),
            index: index.clone(),
        });
    }
    Ok(signers)
}

/// The latest yank or unyank on the line that a key signed which `may` say so; in one second the later in the line.
#[must_use]
pub fn latest_yank<'a>(
    line: &'a IndexLine,
    name: &QualifiedName,
    index: &IndexUrl,
    may: impl Fn(&PublicKey) -> bool,
) -> Option<&'a YankAttestation> {
    let holds = |attestation: &&YankAttestation| {
        let YankAttestation { operation, at, nonce, .. } = **attestation;
        line.yank_statement(name, index, operation, at, nonce).verify(attestation).is_ok()
    };
    let mut said: Vec<&YankAttestation> =
        line.yank_attestations.iter().filter(|attestation| may(&attestation.key)).collect();
    said.sort_by_key(|attestation| attestation.at);
    said.into_iter().rev().find(holds)
}

/// Every registry in the line is crates.io or the index of some namespace; whether that namespace's domain declares it
/// is for whoever asked the domain to say.
fn check_registries(line: &IndexLine, index: &IndexUrl) -> Result<(), IntegrityError> {
    for dep in &line.deps {
        if let Some(url) = &dep.registry
            && let Err(source) = registry_url(url, index)
        {
            return Err(IntegrityError::Registry { dependency: dep.name.clone(), url: url.clone(), source });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
