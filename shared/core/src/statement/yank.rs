//! The yank statement: that a release is withdrawn, or no longer is. As with a release, the index line holds its facts.

use semver::Version;
use serde::{Deserialize, Serialize};

use super::{Nonce, Predicate, StatementError, Subject, Verified, parse_release_id, release_id};
use crate::digest::Digest;
use crate::key::{PublicKey, SecretKey, Signature};
use crate::name::{IndexUrl, QualifiedName};
use crate::time::Timestamp;

/// Withdrawing a release, or taking that back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum YankOperation {
    /// No new lock file shall choose the release.
    Yank,
    /// It may be chosen again.
    Unyank,
}

/// That a release is withdrawn, or no longer is. Of several, the latest `at` counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Yank {
    /// The namespace, and the crate in it.
    pub name: QualifiedName,
    /// Its version, with its build part.
    pub version: Version,
    /// SHA-256 of the .crate.
    pub cksum: Digest,
    /// The namespace's canonical index.
    pub index: IndexUrl,
    /// Which of the two.
    pub operation: YankOperation,
    /// When it was signed.
    pub at: Timestamp,
    /// Random, where a registry asks for one; a static site's statements have none.
    pub nonce: Option<Nonce>,
}

/// A signed yank as it stands in the index line's `yank_attestations`; the rest of the statement is in the line.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct YankAttestation {
    /// Which of the two.
    pub operation: YankOperation,
    /// The public key of the signer.
    pub key: PublicKey,
    /// The time in the signed statement.
    pub at: Timestamp,
    /// The nonce in the signed statement, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<Nonce>,
    /// The Ed25519 signature, 64 bytes, over the pre-authentication encoding of the statement.
    pub sig: Signature,
}

/// The predicate of a [`Yank`].
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct YankPredicate {
    operation: YankOperation,
    release_id: String,
    index: IndexUrl,
    issued_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nonce: Option<Nonce>,
}

impl Predicate for Yank {
    /// For both operations.
    const PREDICATE_TYPE: &'static str = "urn:x-cargo-namespaces:yank:v1";
    const KIND: &'static str = "yank";
    type Wire = YankPredicate;

    fn subject(&self) -> Subject {
        Subject::release(&self.name, &self.version, self.cksum)
    }

    fn to_wire(&self) -> YankPredicate {
        YankPredicate {
            operation: self.operation,
            release_id: release_id(&self.name, &self.version),
            index: self.index.clone(),
            issued_at: self.at,
            nonce: self.nonce,
        }
    }

    fn from_wire(subject: &Subject, wire: YankPredicate) -> Result<Self, &'static str> {
        let (name, version) = parse_release_id(&wire.release_id)?;
        let YankPredicate { operation, index, issued_at: at, nonce, .. } = wire;
        Ok(Self { name, version, cksum: subject.digest(), index, operation, at, nonce })
    }
}

impl Yank {
    /// Signs the statement, for an index line.
    pub fn attest(&self, key: &SecretKey) -> YankAttestation {
        self.statement().signed_by(key).attestation()
    }

    /// Checks that `attestation` is a signature over this statement. Whether its key may speak is another question.
    ///
    /// # Errors
    /// [`StatementError`].
    pub fn verify(&self, attestation: &YankAttestation) -> Result<Verified<Self>, StatementError> {
        if attestation.operation != self.operation || attestation.nonce != self.nonce {
            let problem = "the attestation is of another statement";
            return Err(StatementError::Form { what: Self::KIND, problem });
        }
        if attestation.at != self.at {
            return Err(StatementError::Time);
        }
        self.statement().verify(&attestation.key, &attestation.sig)
    }
}

impl Verified<Yank> {
    /// The signature, for an index line.
    pub fn attestation(&self) -> YankAttestation {
        let Yank { operation, at, nonce, .. } = **self;
        YankAttestation { operation, key: self.key(), at, nonce, sig: self.signature() }
    }
}
