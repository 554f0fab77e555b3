//! Signed statements: in-toto Statements v1 in DSSE envelopes, signed with Ed25519.
//!
//! One format for everything that somebody vouches for:
//!
//! | statement | says | kept |
//! |---|---|---|
//! | [`ReleaseStatement`] | this .crate is this version of this crate | in the index line, as an [`Attestation`] |
//! | [`Yank`] | this version is (no longer) withdrawn | in the index line, as a [`YankAttestation`] |
//! | [`Countersignature`] | this registry accepted this release | in the index line, as [`Countersigned`] |
//! | [`Endorsement`] | this other key continues mine | in `package-namespace.json`, as an [`Envelope`] |
//! | [`Revocation`] | this key speaks no more | the same |
//! | [`OwnersChange`], [`Transfer`] | whose a crate shall be | by the registry that was asked |
//! | [`Read`] | the signer reads this index | nowhere; it expires |
//!
//! A [`Statement`] has exactly one serialisation: fields in a fixed order, no white space. [`Statement::parse`] accepts nothing
//! else, so what was signed can be rebuilt from its facts, and the same bytes never mean two things. A kind of statement is a
//! struct of facts that implements [`Predicate`]; the parser, the serialiser and the signing are the same for all.
//!
//! [`Envelope::verify`] gives [`Signed`]: which key signed, with which signature. [`Verified`] is a statement together with them.
//! Code that needs a verified statement takes one of these, and never an envelope.
//!
//! ```text
//! {"_type":"https://in-toto.io/Statement/v1","subject":[{"name":…,"digest":{"sha256":…}}],"predicateType":…,"predicate":{…}}
//! ```

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::key::SignatureError;
use crate::limits::MAX_STATEMENT;
use crate::name::QualifiedName;
use crate::text::string_form;

mod countersignature;
mod envelope;
mod keys;
mod predicate;
mod release;
mod requests;
#[cfg(test)]
mod tests;
mod yank;

pub use countersignature::{CountersignPredicate, Countersignature, Countersigned};
pub use envelope::{Envelope, EnvelopeError, EnvelopeSignature, PAYLOAD_TYPE, Signed, pae};
pub use keys::{Endorsement, Revocation};
pub use predicate::{Predicate, STATEMENT_TYPE, Statement, Subject, Verified};
pub use release::{Attestation, ReleasePredicate, ReleaseStatement};
pub use requests::{OwnersChange, OwnersOperation, Read, Transfer, TransferStep};
pub use yank::{Yank, YankAttestation, YankOperation, YankPredicate};

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

/// How a predicate writes a key: with its algorithm. (Index lines write the base64 alone.)
mod key_text {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use crate::key::PublicKey;

    pub(super) fn serialize<S: Serializer>(key: &PublicKey, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(key)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PublicKey, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        PublicKey::parse(&text).map_err(D::Error::custom)
    }
}

/// The id of a release, `namespace/crate@version`.
fn release_id(name: &QualifiedName, version: &semver::Version) -> String {
    format!("{name}@{version}")
}

/// Reads what [`release_id`] wrote.
fn parse_release_id(text: &str) -> Result<(QualifiedName, semver::Version), &'static str> {
    let read = || {
        let (name, version) = text.split_once('@')?;
        let version = Some(version).filter(|version| version.len() <= crate::limits::MAX_VERSION)?;
        Some((QualifiedName::parse(name).ok()?, semver::Version::parse(version).ok()?))
    };
    read().ok_or("the release is not of the form namespace/crate@version")
}
