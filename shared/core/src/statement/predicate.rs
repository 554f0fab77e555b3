//! One parser and one serialiser for all statements: [`Statement`], generic over what is said, a [`Predicate`].

use std::ops::Deref;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Envelope, PAYLOAD_TYPE, Signed, StatementError, pae};
use crate::digest::Digest;
use crate::key::{PublicKey, SecretKey, Signature};
use crate::limits::MAX_STATEMENT;
use crate::name::QualifiedName;

/// The `_type` of every statement.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// The facts that one kind of statement states, and how they are written as subject and predicate.
pub trait Predicate: Clone + PartialEq {
    /// The statement's `predicateType`.
    const PREDICATE_TYPE: &'static str;
    /// The kind in words, for errors.
    const KIND: &'static str;
    /// The JSON of the predicate. Field order is the order of serialisation.
    type Wire: Serialize + DeserializeOwned;

    /// What the statement is about.
    fn subject(&self) -> Subject;

    /// The facts as JSON.
    fn to_wire(&self) -> Self::Wire;

    /// The facts that the JSON holds. [`Statement::parse`] checks afterwards that they are written as the same bytes, so parts that
    /// repeat one another need no check here.
    ///
    /// # Errors
    /// What is wrong, in words.
    fn from_wire(subject: &Subject, wire: Self::Wire) -> Result<Self, &'static str>;

    /// The key that the statement itself names as its signer, if it names one. Under any other key, nobody accepts it.
    fn speaker(&self) -> Option<PublicKey> {
        None
    }

    /// The statement of these facts.
    fn statement(&self) -> Statement<Self> {
        Statement::new(self.clone())
    }

    /// The statement, signed, in an envelope.
    fn sign(&self, key: &SecretKey) -> Envelope {
        self.statement().signed_by(key).envelope()
    }
}

/// For facts whose own JSON is that of the predicate.
macro_rules! own_json {
    () => {
        type Wire = Self;

        fn to_wire(&self) -> Self {
            self.clone()
        }

        fn from_wire(_: &Subject, wire: Self) -> Result<Self, &'static str> {
            Ok(wire)
        }
    };
}
pub(super) use own_json;

/// What a statement is about: a name for people, a digest for machines.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    name: String,
    digest: SubjectDigest,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SubjectDigest {
    sha256: Digest,
}

impl Subject {
    pub(super) fn new(name: String, sha256: Digest) -> Self {
        Self { name, digest: SubjectDigest { sha256 } }
    }

    /// A release: its file name, and the digest of the .crate.
    pub(super) fn release(name: &QualifiedName, version: &semver::Version, cksum: Digest) -> Self {
        Self::new(format!("{}-{version}.crate", name.krate), cksum)
    }

    /// A key: its text, and the digest of its 32 bytes.
    pub(super) fn key(key: &PublicKey) -> Self {
        Self::new(key.to_string(), Digest::of(key.as_bytes()))
    }

    /// The SHA-256 of what the statement is about.
    pub(super) fn digest(&self) -> Digest {
        self.digest.sha256
    }
}

/// The in-toto frame around a predicate. Field order is the order of serialisation.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Frame<W> {
    _type: String,
    subject: [Subject; 1],
    #[serde(rename = "predicateType")]
    predicate_type: String,
    predicate: W,
}

/// Facts together with their one serialisation, the bytes that are signed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Statement<P> {
    facts: P,
    bytes: Vec<u8>,
}

impl<P: Predicate> Statement<P> {
    /// The statement of `facts`.
    #[must_use]
    pub fn new(facts: P) -> Self {
        let frame = Frame {
            _type: STATEMENT_TYPE.to_owned(),
            subject: [facts.subject()],
            predicate_type: P::PREDICATE_TYPE.to_owned(),
            predicate: facts.to_wire(),
        };
        let bytes = serde_json::to_vec(&frame).expect("strings and booleans always serialise");
        Self { facts, bytes }
    }

    /// Reads a statement in its one serialisation.
    ///
    /// # Errors
    /// [`StatementError`]: also when it parses but would be written otherwise.
    pub fn parse(bytes: &[u8]) -> Result<Self, StatementError> {
        /// Enough to tell one kind from another before the predicate is looked at.
        #[derive(Deserialize)]
        struct Kind {
            #[serde(rename = "predicateType")]
            predicate_type: String,
        }
        if bytes.len() > MAX_STATEMENT {
            return Err(StatementError::TooLarge);
        }
        let what = P::KIND;
        let json = |source| StatementError::Json { what, source };
        let kind: Kind = serde_json::from_slice(bytes).map_err(json)?;
        if kind.predicate_type != P::PREDICATE_TYPE {
            return Err(StatementError::Kind { what, found: crate::text::excerpt(&kind.predicate_type) });
        }
        let frame: Frame<P::Wire> = serde_json::from_slice(bytes).map_err(json)?;
        let form = |problem| StatementError::Form { what, problem };
        let [subject] = frame.subject;
        let statement = Self::new(P::from_wire(&subject, frame.predicate).map_err(form)?);
        if statement.bytes != bytes {
            return Err(form("its parts disagree, or it is serialised otherwise"));
        }
        Ok(statement)
    }

    /// The bytes that are signed.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The facts alone.
    pub fn into_facts(self) -> P {
        self.facts
    }

    /// Signs the statement.
    #[must_use]
    pub fn signed_by(self, key: &SecretKey) -> Verified<P> {
        let signature = key.sign(&pae(PAYLOAD_TYPE, &self.bytes));
        Verified { statement: self, key: key.public(), signature }
    }

    /// Checks a signature that was kept apart from its statement, as index lines keep it. Whether the key may speak is another
    /// question.
    ///
    /// # Errors
    /// [`StatementError::Signature`].
    pub fn verify(self, key: &PublicKey, signature: &Signature) -> Result<Verified<P>, StatementError> {
        key.verify(&pae(PAYLOAD_TYPE, &self.bytes), signature)?;
        Ok(Verified { statement: self, key: *key, signature: *signature })
    }
}

impl<P> Deref for Statement<P> {
    type Target = P;

    fn deref(&self) -> &P {
        &self.facts
    }
}

/// A statement and the signature that holds over it. Only signing and verifying make one, so whoever is given one verifies nothing
/// again.
///
/// ```compile_fail,E0451
/// use cargo_namespaces::statement::{Read, Statement, Verified};
/// fn forge(statement: Statement<Read>, key: cargo_namespaces::key::PublicKey) -> Verified<Read> {
///     Verified { statement, key, signature: cargo_namespaces::key::Signature::from_bytes([0; 64]) }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Verified<P> {
    statement: Statement<P>,
    key: PublicKey,
    signature: Signature,
}

impl<P: Predicate> Verified<P> {
    /// What `signed` says: its payload was verified already.
    pub(super) fn read(signed: &Signed) -> Result<Self, StatementError> {
        let statement = Statement::parse(signed.payload())?;
        Ok(Self { statement, key: signed.key(), signature: signed.signature() })
    }

    pub(super) fn of(statement: Statement<P>, signed: &Signed) -> Self {
        Self { statement, key: signed.key(), signature: signed.signature() }
    }

    /// The public key of the signer.
    pub fn key(&self) -> PublicKey {
        self.key
    }

    /// The Ed25519 signature, 64 bytes, over the pre-authentication encoding of the statement.
    pub fn signature(&self) -> Signature {
        self.signature
    }

    /// The facts alone.
    pub fn into_facts(self) -> P {
        self.statement.into_facts()
    }

    /// The statement in an envelope with this one signature.
    #[must_use]
    pub fn envelope(self) -> Envelope {
        Envelope::new(self.statement.bytes, std::iter::once((self.key, self.signature)))
    }
}

impl<P> Deref for Verified<P> {
    type Target = P;

    fn deref(&self) -> &P {
        &self.statement
    }
}
