//! The release statement: whose .crate this is. An index line holds its facts, so the signed bytes are rebuilt from there.

use semver::Version;
use serde::{Deserialize, Serialize};

use super::{Envelope, PAYLOAD_TYPE, StatementError, Subject, pae, parse, parse_release_id, purl, to_bytes};
use crate::digest::Digest;
use crate::key::{PublicKey, SecretKey, Signature};
use crate::name::{IndexUrl, QualifiedName};
use crate::text::percent_decode;
use crate::time::Timestamp;

const WHAT: &str = "release";

/// That the .crate with digest `cksum` is `version` of `name`, published in the namespace's canonical `index` at `at`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReleaseStatement {
    /// The crate.
    pub name: QualifiedName,
    /// Its version.
    pub version: Version,
    /// SHA-256 of the .crate.
    pub cksum: Digest,
    /// The namespace's canonical index.
    pub index: IndexUrl,
    /// When the signer says it was signed. Nothing is decided by it.
    pub at: Timestamp,
}

/// One signature over a release, as it stands in the index line's `attestations`. Whoever signs again (a new key, a
/// registry) adds one with a time of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Attestation {
    /// Who signed.
    pub key: PublicKey,
    /// The time in the signed statement.
    pub at: Timestamp,
    /// The signature.
    pub sig: Signature,
}

/// The release predicate of in-toto, with the optional time.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Predicate {
    purl: String,
    #[serde(rename = "releaseId")]
    release_id: String,
    #[serde(rename = "publishedAt")]
    published_at: Timestamp,
}

impl ReleaseStatement {
    /// The statement's kind: in-toto's release predicate.
    pub const PREDICATE_TYPE: &str = "https://in-toto.io/attestation/release/v0.1";

    /// The one serialisation.
    pub fn to_bytes(&self) -> Vec<u8> {
        let subject = Subject::release(&self.name, &self.version, self.cksum);
        let predicate = Predicate {
            purl: purl(&self.name, &self.version, &self.index),
            release_id: format!("{}@{}", self.name, self.version),
            published_at: self.at,
        };
        to_bytes(subject, Self::PREDICATE_TYPE, predicate)
    }

    /// Reads a statement in its one serialisation.
    ///
    /// # Errors
    /// [`StatementError`]: also when it parses but would be written otherwise.
    pub fn parse(bytes: &[u8]) -> Result<Self, StatementError> {
        let (subject, predicate): (Subject, Predicate) = parse(bytes, Self::PREDICATE_TYPE, WHAT)?;
        let wrong = |problem| StatementError::Form { what: WHAT, problem };
        let (name, version) = parse_release_id(&predicate.release_id, WHAT)?;
        let index = predicate
            .purl
            .split_once("?repository_url=")
            .and_then(|(_, url)| percent_decode(url))
            .and_then(|url| IndexUrl::parse(&url).ok())
            .ok_or_else(|| wrong("its purl names no index"))?;
        let cksum = subject.digest.sha256;
        let statement = Self { name, version, cksum, index, at: predicate.published_at };
        if statement.to_bytes() != bytes {
            return Err(wrong("its parts disagree, or it is serialised otherwise"));
        }
        Ok(statement)
    }

    /// Signs the statement.
    pub fn sign(&self, key: &SecretKey) -> Attestation {
        let sig = key.sign(&pae(PAYLOAD_TYPE, &self.to_bytes()));
        Attestation { key: key.public(), at: self.at, sig }
    }

    /// Checks that `attestation` is a signature over this statement. Whether its key may speak is another question.
    ///
    /// # Errors
    /// [`StatementError::Time`], [`StatementError::Signature`].
    pub fn verify(&self, attestation: &Attestation) -> Result<(), StatementError> {
        if attestation.at != self.at {
            return Err(StatementError::Time);
        }
        attestation.key.verify(&pae(PAYLOAD_TYPE, &self.to_bytes()), &attestation.sig)?;
        Ok(())
    }

    /// The envelope of this statement with the signature of `attestation`, for other tools.
    pub fn to_envelope(&self, attestation: &Attestation) -> Envelope {
        Envelope::with_signature(self.to_bytes(), attestation.key, attestation.sig)
    }

    /// The statement in an envelope that `key` signed.
    ///
    /// # Errors
    /// What the envelope or the statement says.
    pub fn open(envelope: &Envelope, key: &PublicKey) -> Result<Self, StatementError> {
        envelope.verify(key)?;
        Self::parse(&envelope.payload)
    }
}
