//! A registry's countersignature: that it accepted a release.
//!
//! It is no release statement, and nobody's signature in the sense of [`crate::trust`]: a registry that countersigns cannot publish by
//! that, and a key that only countersigned is never pinned. It says that this registry, whose key its `cargo.txt` names, took this
//! release in at this time.

use semver::Version;
use serde::{Deserialize, Serialize};

use super::{Predicate, StatementError, Subject, Verified, parse_release_id, release_id};
use crate::digest::Digest;
use crate::key::{PublicKey, Signature};
use crate::name::{IndexUrl, QualifiedName};
use crate::time::Timestamp;

/// That a registry accepted the .crate with digest `cksum` as `version` of `name`, in the namespace's canonical `index`, at `at`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Countersignature {
    /// The namespace, and the crate in it.
    pub name: QualifiedName,
    /// Its version, with its build part.
    pub version: Version,
    /// SHA-256 of the .crate.
    pub cksum: Digest,
    /// The namespace's canonical index.
    pub index: IndexUrl,
    /// When the registry says it was accepted.
    pub at: Timestamp,
}

/// A countersignature as it stands in the index line's `countersignature`; the rest of the statement is in the line.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Countersigned {
    /// The registry's key.
    pub key: PublicKey,
    /// The time in the signed statement.
    pub at: Timestamp,
    /// The Ed25519 signature, 64 bytes, over the pre-authentication encoding of the statement.
    pub sig: Signature,
}

/// The predicate of a [`Countersignature`].
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct CountersignPredicate {
    release_id: String,
    index: IndexUrl,
    accepted_at: Timestamp,
}

impl Predicate for Countersignature {
    const PREDICATE_TYPE: &'static str = "urn:x-cargo-namespaces:countersign:v1";
    const KIND: &'static str = "countersign";
    type Wire = CountersignPredicate;

    fn subject(&self) -> Subject {
        Subject::release(&self.name, &self.version, self.cksum)
    }

    fn to_wire(&self) -> CountersignPredicate {
        CountersignPredicate {
            release_id: release_id(&self.name, &self.version),
            index: self.index.clone(),
            accepted_at: self.at,
        }
    }

    fn from_wire(subject: &Subject, wire: CountersignPredicate) -> Result<Self, &'static str> {
        let (name, version) = parse_release_id(&wire.release_id)?;
        Ok(Self { name, version, cksum: subject.digest(), index: wire.index, at: wire.accepted_at })
    }
}

impl Countersignature {
    /// Checks that `entry` is a signature over this statement. Whose key it is, is another question.
    ///
    /// # Errors
    /// [`StatementError::Time`], [`StatementError::Signature`].
    pub fn verify(&self, entry: &Countersigned) -> Result<Verified<Self>, StatementError> {
        if entry.at != self.at {
            return Err(StatementError::Time);
        }
        self.statement().verify(&entry.key, &entry.sig)
    }
}

impl Verified<Countersignature> {
    /// The signature, for an index line.
    pub fn entry(&self) -> Countersigned {
        Countersigned { key: self.key(), at: self.at, sig: self.signature() }
    }
}
