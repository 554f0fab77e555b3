//! The statements that a registry is asked with: who owns a crate, whose it shall be, who reads.
//!
//! They are requests, so each bears what keeps it from being used twice or elsewhere: the canonical index, a time, and
//! (where a repetition would change anything) a nonce that the registry remembers.

use serde::{Deserialize, Serialize};

use super::predicate::own_json;
use super::{Nonce, Predicate, Subject, key_text};
use crate::digest::Digest;
use crate::key::PublicKey;
use crate::name::{IndexUrl, QualifiedName};
use crate::time::Timestamp;

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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnersChange {
    /// Which of the two.
    pub operation: OwnersOperation,
    /// The namespace, and the crate in it.
    pub name: QualifiedName,
    /// The owner that is meant.
    #[serde(with = "key_text")]
    pub key: PublicKey,
    /// The namespace's canonical index.
    pub index: IndexUrl,
    /// When it was signed.
    #[serde(rename = "issuedAt")]
    pub at: Timestamp,
    /// 16 random bytes, so that the statement can be used only once.
    pub nonce: Nonce,
}

impl Predicate for OwnersChange {
    const PREDICATE_TYPE: &'static str = "urn:x-cargo-namespaces:owners:v1";
    const KIND: &'static str = "owners";
    own_json!();

    fn subject(&self) -> Subject {
        Subject::key(&self.key)
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    /// Which step.
    pub step: TransferStep,
    /// The namespace, and the crate in it.
    pub name: QualifiedName,
    /// Who shall have it.
    #[serde(with = "key_text")]
    pub to: PublicKey,
    /// The namespace's canonical index.
    pub index: IndexUrl,
    /// When it was signed.
    #[serde(rename = "issuedAt")]
    pub at: Timestamp,
    /// 16 random bytes, so that the statement can be used only once.
    pub nonce: Nonce,
}

impl Predicate for Transfer {
    const PREDICATE_TYPE: &'static str = "urn:x-cargo-namespaces:transfer:v1";
    const KIND: &'static str = "transfer";
    own_json!();

    fn subject(&self) -> Subject {
        Subject::key(&self.to)
    }
}

/// That the signer reads the index until `expires_at`. It has no nonce: Cargo keeps it and sends it with every request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Read {
    /// The canonical index that is read.
    pub index: IndexUrl,
    /// When it was signed.
    #[serde(rename = "issuedAt")]
    pub at: Timestamp,
    /// When it ends.
    #[serde(rename = "expiresAt")]
    pub expires_at: Timestamp,
}

impl Predicate for Read {
    const PREDICATE_TYPE: &'static str = "urn:x-cargo-namespaces:read:v1";
    const KIND: &'static str = "read";
    own_json!();

    fn subject(&self) -> Subject {
        Subject::new(self.index.to_string(), Digest::of(self.index.as_str().as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::SecretKey;
    use crate::statement::{Envelope, Statement, StatementError};

    fn secret() -> SecretKey {
        SecretKey::from_seed([1; 32])
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn index() -> IndexUrl {
        IndexUrl::parse("sparse+https://crates.example/index/serde.rs/").unwrap()
    }

    fn parsed<P: Predicate>(facts: &P) -> Statement<P> {
        Statement::parse(facts.statement().bytes()).unwrap()
    }

    #[test]
    fn every_request_reads_back_and_has_one_form() {
        let (now, nonce) = (at("2026-11-20T12:00:00Z"), Nonce::from_bytes([7; 16]));
        let name = QualifiedName::parse("serde.rs/serde-abc").unwrap();
        let key = secret().public();
        let operation = OwnersOperation::Add;
        let owners = OwnersChange { name: name.clone(), index: index(), operation, key, at: now, nonce };
        assert_eq!(*parsed(&owners), owners);
        let transfer = Transfer { name, index: index(), step: TransferStep::Offer, to: key, at: now, nonce };
        assert_eq!(*parsed(&transfer), transfer);
        let read = Read { index: index(), at: now, expires_at: now.plus_seconds(3600) };
        assert_eq!(*parsed(&read), read);
        let mut spaced = read.statement().bytes().to_vec();
        spaced.insert(1, b' ');
        assert!(matches!(Statement::<Read>::parse(&spaced), Err(StatementError::Form { .. })));
        let other = Statement::<Read>::parse(owners.statement().bytes());
        assert!(matches!(other, Err(StatementError::Kind { .. })));
    }

    #[test]
    fn an_envelope_names_and_proves_its_signer() {
        let now = at("2026-11-20T12:00:00Z");
        let read = Read { index: index(), at: now, expires_at: now.plus_seconds(60) };
        let envelope = read.sign(&secret());
        assert_eq!(envelope.signer().unwrap().key(), secret().public());
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
