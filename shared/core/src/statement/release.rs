//! The release statement: whose .crate this is. An index line holds its facts, so the signed bytes are rebuilt from there.

use semver::Version;
use serde::{Deserialize, Serialize};

use super::{Envelope, Predicate, StatementError, Subject, Verified, parse_release_id, release_id};
use crate::digest::Digest;
use crate::key::{PublicKey, SecretKey, Signature};
use crate::name::{IndexUrl, QualifiedName};
use crate::text::percent_decode;
use crate::time::Timestamp;

/// That the .crate with digest `cksum` is `version` of `name`, published in the namespace's canonical `index` at `at`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReleaseStatement {
    /// The namespace, and the crate in it.
    pub name: QualifiedName,
    /// Its version, with its build part.
    pub version: Version,
    /// SHA-256 of the .crate.
    pub cksum: Digest,
    /// The namespace's canonical index.
    pub index: IndexUrl,
    /// When the signer says it was signed. Nothing is decided by it.
    pub at: Timestamp,
}

/// One signature over a release, as it stands in the index line's `attestations`. Whoever signs again (a new key) adds one with a
/// time of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Attestation {
    /// The public key of the signer.
    pub key: PublicKey,
    /// The time in the signed statement.
    pub at: Timestamp,
    /// The Ed25519 signature, 64 bytes, over the pre-authentication encoding of the statement.
    pub sig: Signature,
}

/// The release predicate of in-toto, with the optional time.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ReleasePredicate {
    purl: String,
    release_id: String,
    published_at: Timestamp,
}

impl Predicate for ReleaseStatement {
    /// In-toto's own release predicate.
    const PREDICATE_TYPE: &'static str = "https://in-toto.io/attestation/release/v0.1";
    const KIND: &'static str = "release";
    type Wire = ReleasePredicate;

    fn subject(&self) -> Subject {
        Subject::release(&self.name, &self.version, self.cksum)
    }

    fn to_wire(&self) -> ReleasePredicate {
        ReleasePredicate {
            purl: crate::purl::of_registry(self.name.krate.as_str(), &self.version, self.index.as_str()),
            release_id: release_id(&self.name, &self.version),
            published_at: self.at,
        }
    }

    fn from_wire(subject: &Subject, wire: ReleasePredicate) -> Result<Self, &'static str> {
        let (name, version) = parse_release_id(&wire.release_id)?;
        let index = wire
            .purl
            .split_once("?repository_url=")
            .and_then(|(_, url)| percent_decode(url))
            .and_then(|url| IndexUrl::parse(&url).ok())
            .ok_or("its purl names no index")?;
        Ok(Self { name, version, cksum: subject.digest(), index, at: wire.published_at })
    }
}

impl ReleaseStatement {
    /// Signs the statement, for an index line.
    pub fn attest(&self, key: &SecretKey) -> Attestation {
        self.statement().signed_by(key).attestation()
    }

    /// The envelope of this statement with the signatures of `attestations`, which are not verified here.
    pub fn to_envelope<'a>(&self, attestations: impl IntoIterator<Item = &'a Attestation>) -> Envelope {
        let signatures = attestations.into_iter().map(|attestation| (attestation.key, attestation.sig));
        Envelope::new(self.statement().bytes().to_vec(), signatures)
    }

    /// Checks that `attestation` is a signature over this statement. Whether its key may speak is another question.
    ///
    /// # Errors
    /// [`StatementError::Time`], [`StatementError::Signature`].
    pub fn verify(&self, attestation: &Attestation) -> Result<Verified<Self>, StatementError> {
        if attestation.at != self.at {
            return Err(StatementError::Time);
        }
        self.statement().verify(&attestation.key, &attestation.sig)
    }
}

impl Verified<ReleaseStatement> {
    /// The signature, for an index line.
    pub fn attestation(&self) -> Attestation {
        Attestation { key: self.key(), at: self.at, sig: self.signature() }
    }
}
