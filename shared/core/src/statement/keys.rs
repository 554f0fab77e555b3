//! Statements about keys: that another key continues this one, and that a key speaks no more.

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use super::predicate::own_json;
use super::{Nonce, Predicate, Subject, key_text};
use crate::key::PublicKey;
use crate::limits::MAX_REASON;
use crate::name::IndexUrl;
use crate::time::Timestamp;
use crate::token::Scope;

/// That `key` continues what `by` did, in `scope`. It counts as far as `by` itself counts there, and never further.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Endorsement {
    /// The key that speaks and signs.
    #[serde(with = "key_text")]
    pub by: PublicKey,
    /// The key that is endorsed.
    #[serde(with = "key_text")]
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// 16 random bytes: two statements of the same facts differ.
    pub nonce: Nonce,
}

impl Predicate for Endorsement {
    const PREDICATE_TYPE: &'static str = "urn:x-cargo-namespaces:endorse:v1";
    const KIND: &'static str = "endorse";
    own_json!();

    fn subject(&self) -> Subject {
        Subject::key(&self.key)
    }

    fn speaker(&self) -> Option<PublicKey> {
        Some(self.by)
    }
}

impl Endorsement {
    /// Whether it has ended by `now`.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}

/// That `key` speaks no more. It counts when signed by the key itself, or by a key that the key had endorsed: its
/// recovery key, or its successor. There is no way back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Revocation {
    /// The key that speaks and signs.
    #[serde(with = "key_text")]
    pub by: PublicKey,
    /// The key that is revoked.
    #[serde(with = "key_text")]
    pub key: PublicKey,
    /// The canonical index of the namespace.
    pub index: IndexUrl,
    /// Why, in a sentence for people: at most 500 bytes and no control characters.
    #[serde(default, deserialize_with = "reason", skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it was signed.
    pub issued_at: Timestamp,
    /// 16 random bytes: two statements of the same facts differ.
    pub nonce: Nonce,
}

impl Predicate for Revocation {
    const PREDICATE_TYPE: &'static str = "urn:x-cargo-namespaces:revoke:v1";
    const KIND: &'static str = "revoke";
    own_json!();

    fn subject(&self) -> Subject {
        Subject::key(&self.key)
    }

    fn speaker(&self) -> Option<PublicKey> {
        Some(self.by)
    }
}

impl Revocation {
    /// Whether a text can be a revocation's reason.
    pub fn is_reason(text: &str) -> bool {
        !text.is_empty() && text.len() <= MAX_REASON && !text.contains(char::is_control)
    }
}

fn reason<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let reason = String::deserialize(deserializer)?;
    if !Revocation::is_reason(&reason) {
        return Err(D::Error::custom("a reason is empty, too long, or holds control characters"));
    }
    Ok(Some(reason))
}
