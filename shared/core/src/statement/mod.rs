//! Signed statements: in-toto Statements v1 in DSSE envelopes, signed with Ed25519.
//!
//! One format for everything that somebody vouches for:
//!
//! | statement | says | kept |
//! |---|---|---|
//! | [`ReleaseStatement`] | this .crate is this version of this crate | in the index line, as an [`Attestation`] |
//! | [`Yank`] | this version is (no longer) withdrawn | in the index line, as a [`YankAttestation`] |
//! | [`Endorsement`] | this other key continues mine | in `package-namespace.json`, as an [`Envelope`] |
//! | [`Revocation`] | this key speaks no more | the same |
//! | [`OwnersChange`], [`Transfer`] | whose a crate shall be | by the registry that was asked |
//! | [`Read`] | the signer reads this index | nowhere; it expires |
//!
//! A statement has exactly one serialisation: fields in a fixed order, no white space. `parse` accepts nothing else, so
//! what was signed can be rebuilt from its facts, and the same bytes never mean two things.
//!
//! ```text
//! {"_type":"https://in-toto.io/Statement/v1","subject":[{"name":…,"digest":{"sha256":…}}],"predicateType":…,"predicate":{…}}
//! ```

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::digest::Digest;
use crate::key::{PublicKey, SignatureError};
use crate::limits::MAX_STATEMENT;
use crate::name::{IndexUrl, QualifiedName};
use crate::text::string_form;

mod access;
mod envelope;
mod other;
mod release;
#[cfg(test)]
mod tests;

pub use access::{OwnersChange, OwnersOperation, Read, Transfer, TransferStep};
pub use envelope::{Envelope, EnvelopeError, EnvelopeSignature, PAYLOAD_TYPE, pae};
pub use other::{Endorsement, Revocation, Yank, YankAttestation, YankOperation};
pub use release::{Attestation, ReleaseStatement};

/// The `_type` of every statement.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// Why a statement is not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StatementError {
    /// Larger than any statement.
    #[error("the statement is larger than {MAX_STATEMENT} bytes")]
    TooLarge,
    /// No JSON of the expected fields, or a field that does not parse.
    #[error("the {what} statement does not parse")]
    Json {
        /// Which statement was expected.
        what: &'static str,
        /// What and where.
        #[source]
        source: serde_json::Error,
    },
    /// Another statement, or one of a version that is not known.
    #[error("a {what} statement was expected, not {found:?}")]
    Kind {
        /// Which statement was expected.
        what: &'static str,
        /// The `predicateType` that stands there.
        found: String,
    },
    /// Parts that do not belong together, or any but the one serialisation.
    #[error("the {what} statement is not in its one form: {problem}")]
    Form {
        /// Which statement was expected.
        what: &'static str,
        /// What is off.
        problem: &'static str,
    },
    /// The attestation was made at another time than the statement says.
    #[error("the attestation and the statement name different times")]
    Time,
    /// The signature does not hold.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The envelope is broken or nobody who counts has signed it.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
}

/// Sixteen random bytes that make a statement unlike every other; their text is base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nonce([u8; 16]);

/// A text is no nonce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a nonce is 16 bytes of base64")]
pub struct NonceError;

impl Nonce {
    /// A new one from the operating system's randomness.
    ///
    /// # Errors
    /// When that fails.
    pub fn generate() -> Result<Self, crate::key::KeyError> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|_| crate::key::KeyError::Random)?;
        Ok(Self(bytes))
    }

    /// Takes sixteen bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Reads 16 bytes of base64.
    ///
    /// # Errors
    /// [`NonceError`].
    pub fn parse(text: &str) -> Result<Self, NonceError> {
        crate::key::decode(text).map(Self).ok_or(NonceError)
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

string_form!(Nonce, NonceError);

/// The in-toto frame around a predicate. Field order is the order of serialisation.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Frame<P> {
    _type: String,
    subject: [Subject; 1],
    #[serde(rename = "predicateType")]
    predicate_type: String,
    predicate: P,
}

/// What a statement is about: a name for people, a digest for machines.
#[derive(Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Subject {
    name: String,
    digest: SubjectDigest,
}

#[derive(Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct SubjectDigest {
    sha256: Digest,
}

impl Subject {
    fn new(name: String, sha256: Digest) -> Self {
        Self { name, digest: SubjectDigest { sha256 } }
    }

    /// A release: its file name, and the digest of the .crate.
    fn release(name: &QualifiedName, version: &semver::Version, cksum: Digest) -> Self {
        Self::new(format!("{}-{version}.crate", name.krate), cksum)
    }

    /// A key: its text, and the digest of its 32 bytes.
    fn key(key: &PublicKey) -> Self {
        Self::new(key.to_string(), Digest::of(key.as_bytes()))
    }
}

/// The one serialisation of a statement.
fn to_bytes<P: Serialize>(subject: Subject, predicate_type: &str, predicate: P) -> Vec<u8> {
    let frame = Frame {
        _type: STATEMENT_TYPE.to_owned(),
        subject: [subject],
        predicate_type: predicate_type.to_owned(),
        predicate,
    };
    serde_json::to_vec(&frame).expect("strings and booleans always serialise")
}

/// Subject and predicate of a statement of the kind `predicate_type`, `what` in words. That the bytes are the one
/// serialisation is for the caller to check, by serialising again.
fn parse<P: DeserializeOwned>(
    bytes: &[u8],
    predicate_type: &str,
    what: &'static str,
) -> Result<(Subject, P), StatementError> {
    /// Enough to tell one kind from another before the predicate is looked at.
    #[derive(Deserialize)]
    struct Kind {
        #[serde(rename = "predicateType")]
        predicate_type: String,
    }
    if bytes.len() > MAX_STATEMENT {
        return Err(StatementError::TooLarge);
    }
    let json = |source| StatementError::Json { what, source };
    let kind: Kind = serde_json::from_slice(bytes).map_err(json)?;
    if kind.predicate_type != predicate_type {
        return Err(StatementError::Kind { what, found: crate::text::excerpt(&kind.predicate_type) });
    }
    let frame: Frame<P> = serde_json::from_slice(bytes).map_err(json)?;
    let [subject] = frame.subject;
    Ok((subject, frame.predicate))
}

/// Reads `namespace/crate@version`, the id of a release.
fn parse_release_id(
    text: &str,
    what: &'static str,
) -> Result<(QualifiedName, semver::Version), StatementError> {
    let wrong =
        StatementError::Form { what, problem: "the release is not of the form namespace/crate@version" };
    let Some((name, version)) = text.split_once('@') else { return Err(wrong) };
    if version.len() > crate::limits::MAX_VERSION {
        return Err(wrong);
    }
    match (QualifiedName::parse(name), semver::Version::parse(version)) {
        (Ok(name), Ok(version)) => Ok((name, version)),
        _ => Err(wrong),
    }
}

/// The package URL of a release: `pkg:cargo/<crate>@<version>?repository_url=<canonical index>`.
fn purl(name: &QualifiedName, version: &semver::Version, index: &IndexUrl) -> String {
    crate::purl::of_registry(name.krate.as_str(), version, index.as_str())
}
