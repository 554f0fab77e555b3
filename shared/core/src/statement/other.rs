//! The statements of our own kinds: endorsements and revocations of keys, yanks of releases.

use semver::Version;
use serde::{Deserialize, Serialize};

use super::{Envelope, Nonce, PAYLOAD_TYPE, StatementError, Subject, pae, parse, parse_release_id, to_bytes};
use crate::digest::Digest;
use crate::key::{PublicKey, SecretKey, Signature};
use crate::limits::MAX_REASON;
use crate::name::{IndexUrl, QualifiedName};
use crate::time::Timestamp;
use crate::token::Scope;

/// That `key` continues what `by` did, in `scope`. It counts as far as `by` itself counts there, and never further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endorsement {
    /// The key that speaks and signs.
    pub by: PublicKey,
    /// The key that is endorsed.
    pub key: PublicKey,
    /// What it may publish.
    pub scope: Scope,
    /// The canonical index of the scope's namespace.
    pub index: IndexUrl,
    /// Whether `key` is the recovery key of `by`: kept offline, and able to revoke `by`.
    pub recovery: bool,
    /// When it was signed.
    pub issued_at: Timestamp,
    /// When it ends, if it does.
    pub expires_at: Option<Timestamp>,
    /// Random.
    pub nonce: Nonce,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct EndorsePredicate {
    by: String,
    key: String,
    scope: Scope,
    index: IndexUrl,
    recovery: bool,
    issued_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    nonce: Nonce,
}

const ENDORSE: &str = "endorse";
const REVOKE: &str = "revoke";
const YANK: &str = "yank";

fn form(what: &'static str, problem: &'static str) -> StatementError {
    StatementError::Form { what, problem }
}

/// A key in a predicate, written with its algorithm.
fn key(text: &str, what: &'static str) -> Result<PublicKey, StatementError> {
    PublicKey::parse(text).map_err(|_| form(what, "a key in it is not valid"))
}

impl Endorsement {
    /// The statement's kind.
    pub const PREDICATE_TYPE: &str = "urn:x-cargo-namespaces:endorse:v1";

    /// The one serialisation.
    pub fn to_bytes(&self) -> Vec<u8> {
        let predicate = EndorsePredicate {
            by: self.by.to_string(),
            key: self.key.to_string(),
            scope: self.scope.clone(),
            index: self.index.clone(),
            recovery: self.recovery,
            issued_at: self.issued_at,
            expires_at: self.expires_at,
            nonce: self.nonce,
        };
        to_bytes(Subject::key(&self.key), Self::PREDICATE_TYPE, predicate)
    }

    /// Reads a statement in its one serialisation.
    ///
    /// # Errors
    /// [`StatementError`]: also when it parses but would be written otherwise.
    pub fn parse(bytes: &[u8]) -> Result<Self, StatementError> {
        let (_, p): (Subject, EndorsePredicate) = parse(bytes, Self::PREDICATE_TYPE, ENDORSE)?;
        let statement = Self {
            by: key(&p.by, ENDORSE)?,
            key: key(&p.key, ENDORSE)?,
            scope: p.scope,
            index: p.index,
            recovery: p.recovery,
            issued_at: p.issued_at,
            expires_at: p.expires_at,
            nonce: p.nonce,
        };
        if statement.to_bytes() != bytes {
            return Err(form(ENDORSE, "its parts disagree, or it is serialised otherwise"));
        }
        Ok(statement)
    }

    /// Signs the statement. `key` must be the secret of `by`: under another, nobody accepts the envelope.
    pub fn sign(&self, key: &SecretKey) -> Envelope {
        Envelope::sign(self.to_bytes(), key)
    }

    /// The endorsement in an envelope that its own `by` signed.
    ///
    /// # Errors
    /// What the statement or the envelope says.
    pub fn verify(envelope: &Envelope) -> Result<Self, StatementError> {
        let statement = Self::parse(&envelope.payload)?;
        envelope.verify(&statement.by)?;
        Ok(statement)
    }

    /// Whether it has ended by `now`.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}

/// That `key` speaks no more. It counts when signed by the key itself, or by a key that the key had endorsed: its
/// recovery key, or its successor. There is no way back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// The key that speaks and signs.
    pub by: PublicKey,
    /// The key that is revoked.
    pub key: PublicKey,
    /// The canonical index of the namespace.
    pub index: IndexUrl,
    /// Why, in a sentence for people: at most 500 bytes and no control characters.
    pub reason: Option<String>,
    /// When it was signed.
    pub issued_at: Timestamp,
    /// Random.
    pub nonce: Nonce,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RevokePredicate {
    by: String,
    key: String,
    index: IndexUrl,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    issued_at: Timestamp,
    nonce: Nonce,
}

impl Revocation {
    /// The statement's kind.
    pub const PREDICATE_TYPE: &str = "urn:x-cargo-namespaces:revoke:v1";

    /// The one serialisation.
    pub fn to_bytes(&self) -> Vec<u8> {
        let predicate = RevokePredicate {
            by: self.by.to_string(),
            key: self.key.to_string(),
            index: self.index.clone(),
            reason: self.reason.clone(),
            issued_at: self.issued_at,
            nonce: self.nonce,
        };
        to_bytes(Subject::key(&self.key), Self::PREDICATE_TYPE, predicate)
    }

    /// Reads a statement in its one serialisation.
    ///
    /// # Errors
    /// [`StatementError`]: also when it parses but would be written otherwise.
    pub fn parse(bytes: &[u8]) -> Result<Self, StatementError> {
        let (_, p): (Subject, RevokePredicate) = parse(bytes, Self::PREDICATE_TYPE, REVOKE)?;
        if p.reason.as_deref().is_some_and(|reason| !Self::is_reason(reason)) {
            return Err(form(REVOKE, "its reason is empty, too long, or holds control characters"));
        }
        let statement = Self {
            by: key(&p.by, REVOKE)?,
            key: key(&p.key, REVOKE)?,
            index: p.index,
            reason: p.reason,
            issued_at: p.issued_at,
            nonce: p.nonce,
        };
        if statement.to_bytes() != bytes {
            return Err(form(REVOKE, "its parts disagree, or it is serialised otherwise"));
        }
        Ok(statement)
    }

    /// Whether a text can be a revocation's reason.
    pub fn is_reason(text: &str) -> bool {
        !text.is_empty() && text.len() <= MAX_REASON && !text.contains(char::is_control)
    }

    /// Signs the statement. `key` must be the secret of `by`: under another, nobody accepts the envelope.
    pub fn sign(&self, key: &SecretKey) -> Envelope {
        Envelope::sign(self.to_bytes(), key)
    }

    /// The revocation in an envelope that its own `by` signed. Whether `by` may revoke `key` is another question.
    ///
    /// # Errors
    /// What the statement or the envelope says.
    pub fn verify(envelope: &Envelope) -> Result<Self, StatementError> {
        let statement = Self::parse(&envelope.payload)?;
        envelope.verify(&statement.by)?;
        Ok(statement)
    }
}

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
    /// The crate.
    pub name: QualifiedName,
    /// Its version.
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
    /// Who signed.
    pub key: PublicKey,
    /// The time in the signed statement.
    pub at: Timestamp,
    /// The nonce in the signed statement, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<Nonce>,
    /// The signature.
    pub sig: Signature,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct YankPredicate {
    operation: YankOperation,
    release_id: String,
    index: IndexUrl,
    issued_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nonce: Option<Nonce>,
}

impl Yank {
    /// The statement's kind, for both operations.
    pub const PREDICATE_TYPE: &str = "urn:x-cargo-namespaces:yank:v1";

    /// The one serialisation.
    pub fn to_bytes(&self) -> Vec<u8> {
        let predicate = YankPredicate {
            operation: self.operation,
            release_id: format!("{}@{}", self.name, self.version),
            index: self.index.clone(),
            issued_at: self.at,
            nonce: self.nonce,
        };
        let subject = Subject::release(&self.name, &self.version, self.cksum);
        to_bytes(subject, Self::PREDICATE_TYPE, predicate)
    }

    /// Reads a statement in its one serialisation.
    ///
    /// # Errors
    /// [`StatementError`]: also when it parses but would be written otherwise.
    pub fn parse(bytes: &[u8]) -> Result<Self, StatementError> {
        let (subject, p): (Subject, YankPredicate) = parse(bytes, Self::PREDICATE_TYPE, YANK)?;
        let (name, version) = parse_release_id(&p.release_id, YANK)?;
        let statement = Self {
            name,
            version,
            cksum: subject.digest.sha256,
            index: p.index,
            operation: p.operation,
            at: p.issued_at,
            nonce: p.nonce,
        };
        if statement.to_bytes() != bytes {
            return Err(form(YANK, "its parts disagree, or it is serialised otherwise"));
        }
        Ok(statement)
    }

    /// Signs the statement, as an envelope.
    pub fn sign(&self, key: &SecretKey) -> Envelope {
        Envelope::sign(self.to_bytes(), key)
    }

    /// Signs the statement, as the entry of an index line.
    pub fn attest(&self, key: &SecretKey) -> YankAttestation {
        let sig = key.sign(&pae(PAYLOAD_TYPE, &self.to_bytes()));
        YankAttestation { operation: self.operation, key: key.public(), at: self.at, nonce: self.nonce, sig }
    }

    /// Checks that `attestation` is a signature over this statement. Whether its key may speak is another question.
    ///
    /// # Errors
    /// [`StatementError`].
    pub fn verify_attestation(&self, attestation: &YankAttestation) -> Result<(), StatementError> {
        if attestation.operation != self.operation || attestation.nonce != self.nonce {
            return Err(form(YANK, "the attestation is of another statement"));
        }
        if attestation.at != self.at {
            return Err(StatementError::Time);
        }
        attestation.key.verify(&pae(PAYLOAD_TYPE, &self.to_bytes()), &attestation.sig)?;
        Ok(())
    }

    /// The yank in an envelope that `key` signed.
    ///
    /// # Errors
    /// What the envelope or the statement says.
    pub fn verify(envelope: &Envelope, key: &PublicKey) -> Result<Self, StatementError> {
        envelope.verify(key)?;
        Self::parse(&envelope.payload)
    }
}
