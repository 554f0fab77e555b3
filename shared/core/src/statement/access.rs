//! The statements that a registry is asked with: who owns a crate, whose it shall be, who reads.
//!
//! They are requests, so each bears what keeps it from being used twice or elsewhere: the canonical index, a time, and
//! (where a repetition would change anything) a nonce that the registry remembers.

use serde::{Deserialize, Serialize};

use super::{Envelope, Nonce, StatementError, Subject, parse, to_bytes};
use crate::digest::Digest;
use crate::key::{PublicKey, SecretKey};
use crate::name::{IndexUrl, QualifiedName};
use crate::time::Timestamp;

const OWNERS: &str = "owners";
const TRANSFER: &str = "transfer";
const READ: &str = "read";

fn form(what: &'static str, problem: &'static str) -> StatementError {
    StatementError::Form { what, problem }
}

fn key(text: &str, what: &'static str) -> Result<PublicKey, StatementError> {
    PublicKey::parse(text).map_err(|_| form(what, "a key in it is not valid"))
}

/// Adding an owner, or taking one away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OwnersOperation {
    /// The key may publish and yank the crate, and change its owners.
    Add,
    /// It no longer may.
    Remove,
}

/// That `key` shall (no longer) be an owner of `name`. Signed by an owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnersChange {
    /// The crate.
    pub name: QualifiedName,
    /// The namespace's canonical index.
    pub index: IndexUrl,
    /// Which of the two.
    pub operation: OwnersOperation,
    /// The owner that is meant.
    pub key: PublicKey,
    /// When it was signed.
    pub at: Timestamp,
    /// Random.
    pub nonce: Nonce,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct OwnersPredicate {
    operation: OwnersOperation,
    name: QualifiedName,
    key: String,
    index: IndexUrl,
    issued_at: Timestamp,
    nonce: Nonce,
}

impl OwnersChange {
    /// The statement's kind.
    pub const PREDICATE_TYPE: &str = "urn:x-cargo-namespaces:owners:v1";

    /// The one serialisation.
    pub fn to_bytes(&self) -> Vec<u8> {
        let predicate = OwnersPredicate {
            operation: self.operation,
            name: self.name.clone(),
            key: self.key.to_string(),
            index: self.index.clone(),
            issued_at: self.at,
            nonce: self.nonce,
        };
        to_bytes(Subject::key(&self.key), Self::PREDICATE_TYPE, predicate)
    }

    /// Reads a statement in its one serialisation.
    ///
    /// # Errors
    /// [`StatementError`]: also when it parses but would be written otherwise.
    pub fn parse(bytes: &[u8]) -> Result<Self, StatementError> {
        let (_, p): (Subject, OwnersPredicate) = parse(bytes, Self::PREDICATE_TYPE, OWNERS)?;
        let statement = Self {
            name: p.name,
            index: p.index,
            operation: p.operation,
            key: key(&p.key, OWNERS)?,
            at: p.issued_at,
            nonce: p.nonce,
        };
        if statement.to_bytes() != bytes {
            return Err(form(OWNERS, "its parts disagree, or it is serialised otherwise"));
        }
        Ok(statement)
    }

    /// Signs the statement.
    pub fn sign(&self, key: &SecretKey) -> Envelope {
        Envelope::sign(self.to_bytes(), key)
    }
}

/// The steps of handing a crate to somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TransferStep {
    /// An owner offers the crate to the key `to`.
    Offer,
    /// An owner takes the offer back.
    Withdraw,
    /// The key `to` takes the crate: it becomes the only owner.
    Accept,
}

/// A step in handing `name` to the key `to`. An offer or a withdrawal is signed by an owner, an acceptance by `to`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// The crate.
    pub name: QualifiedName,
    /// The namespace's canonical index.
    pub index: IndexUrl,
    /// Which step.
    pub step: TransferStep,
    /// Who shall have it.
    pub to: PublicKey,
    /// When it was signed.
    pub at: Timestamp,
    /// Random.
    pub nonce: Nonce,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct TransferPredicate {
    step: TransferStep,
    name: QualifiedName,
    to: String,
    index: IndexUrl,
    issued_at: Timestamp,
    nonce: Nonce,
}

impl Transfer {
    /// The statement's kind.
    pub const PREDICATE_TYPE: &str = "urn:x-cargo-namespaces:transfer:v1";

    /// The one serialisation.
    pub fn to_bytes(&self) -> Vec<u8> {
        let predicate = TransferPredicate {
            step: self.step,
            name: self.name.clone(),
            to: self.to.to_string(),
            index: self.index.clone(),
            issued_at: self.at,
            nonce: self.nonce,
        };
        to_bytes(Subject::key(&self.to), Self::PREDICATE_TYPE, predicate)
    }

    /// Reads a statement in its one serialisation.
    ///
    /// # Errors
    /// [`StatementError`]: also when it parses but would be written otherwise.
    pub fn parse(bytes: &[u8]) -> Result<Self, StatementError> {
        let (_, p): (Subject, TransferPredicate) = parse(bytes, Self::PREDICATE_TYPE, TRANSFER)?;
        let statement = Self {
            name: p.name,
            index: p.index,
            step: p.step,
            to: key(&p.to, TRANSFER)?,
            at: p.issued_at,
            nonce: p.nonce,
        };
        if statement.to_bytes() != bytes {
            return Err(form(TRANSFER, "its parts disagree, or it is serialised otherwise"));
        }
        Ok(statement)
    }

    /// Signs the statement.
    pub fn sign(&self, key: &SecretKey) -> Envelope {
        Envelope::sign(self.to_bytes(), key)
    }
}

/// That the signer reads the index until `expires_at`. It has no nonce: Cargo keeps it and sends it with every request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// The canonical index that is read.
    pub index: IndexUrl,
    /// When it was signed.
    pub at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ReadPredicate {
    index: IndexUrl,
    issued_at: Timestamp,
    expires_at: Timestamp,
}

impl Read {
    /// The statement's kind.
    pub const PREDICATE_TYPE: &str = "urn:x-cargo-namespaces:read:v1";

    /// The one serialisation.
    pub fn to_bytes(&self) -> Vec<u8> {
        let subject = Subject::new(self.index.to_string(), Digest::of(self.index.as_str().as_bytes()));
        let predicate =
            ReadPredicate { index: self.index.clone(), issued_at: self.at, expires_at: self.expires_at };
        to_bytes(subject, Self::PREDICATE_TYPE, predicate)
    }

    /// Reads a statement in its one serialisation.
    ///
    /// # Errors
    /// [`StatementError`]: also when it parses but would be written otherwise.
    pub fn parse(bytes: &[u8]) -> Result<Self, StatementError> {
        let (_, p): (Subject, ReadPredicate) = parse(bytes, Self::PREDICATE_TYPE, READ)?;
        let statement = Self { index: p.index, at: p.issued_at, expires_at: p.expires_at };
        if statement.to_bytes() != bytes {
            return Err(form(READ, "its parts disagree, or it is serialised otherwise"));
        }
        Ok(statement)
    }

    /// Signs the statement.
    pub fn sign(&self, key: &SecretKey) -> Envelope {
        Envelope::sign(self.to_bytes(), key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> SecretKey {
        SecretKey::from_seed([1; 32])
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn index() -> IndexUrl {
        IndexUrl::parse("sparse+https://crates.example/index/serde.rs/").unwrap()
    }

    #[test]
    fn every_request_reads_back_and_has_one_form() {
        let (now, nonce) = (at("2026-11-20T12:00:00Z"), Nonce::from_bytes([7; 16]));
        let name = QualifiedName::parse("serde.rs/serde-abc").unwrap();
        let key = secret().public();
        let operation = OwnersOperation::Add;
        let owners = OwnersChange { name: name.clone(), index: index(), operation, key, at: now, nonce };
        assert_eq!(OwnersChange::parse(&owners.to_bytes()).unwrap(), owners);
        let transfer = Transfer { name, index: index(), step: TransferStep::Offer, to: key, at: now, nonce };
        assert_eq!(Transfer::parse(&transfer.to_bytes()).unwrap(), transfer);
        let read = Read { index: index(), at: now, expires_at: now.plus_seconds(3600) };
        assert_eq!(Read::parse(&read.to_bytes()).unwrap(), read);
        let mut spaced = read.to_bytes();
        spaced.insert(1, b' ');
        assert!(matches!(Read::parse(&spaced), Err(StatementError::Form { .. })));
        assert!(matches!(Read::parse(&owners.to_bytes()), Err(StatementError::Kind { .. })));
    }

    #[test]
    fn an_envelope_names_and_proves_its_signer() {
        let now = at("2026-11-20T12:00:00Z");
        let read = Read { index: index(), at: now, expires_at: now.plus_seconds(60) };
        let envelope = read.sign(&secret());
        assert_eq!(envelope.signer().unwrap(), secret().public());
        assert_eq!(Envelope::from_header(&envelope.to_header()).unwrap(), envelope);
        let mut forged = envelope.clone();
        forged.signatures[0].keyid = Some(SecretKey::from_seed([2; 32]).public().to_string());
        assert!(forged.signer().is_err());
        let mut nameless = envelope;
        nameless.signatures[0].keyid = None;
        assert!(nameless.signer().is_err());
        assert!(Envelope::from_header("Bearer abc").is_err());
    }
}
