//! The public documents of one namespace, as its author keeps them.
//!
//! `$CARGO_HOME/namespaces/publisher/<namespace>/package-namespace.json` is the author's copy of what the domain
//! publishes: the tokens, the canonical index, endorsements and revocations. It is made by `setup`, changed by
//! `key rotate` and `key revoke`, and written into the site's `.well-known` on each of them and on each publish.
//!
//! Several machines may publish for one namespace. If the site has the document already, it decides about the tokens of
//! others, and the author's copy about those of the keys on this machine. Endorsements and revocations of both are kept, since
//! a signed statement is never taken back. A machine that has no copy asks the domain for the document.
//!
//! | module | holds |
//! |---|---|
//! | [`find`] | reading the copies |
//! | [`merge`] | joining them |
//! | [`dropped`] | what was taken out here and must not come back |
//! | [`write`](mod@write) | writing them |
//! | [`responses`] | what a domain answers: pure |
//! | [`served`] | what the domain serves now |

mod dropped;
mod find;
mod merge;
pub mod responses;
mod write;
mod served;

use cargo_namespaces::discovery::PackageNamespaceDoc;
use cargo_namespaces::key::{KeyError, PublicKey, SecretKey};
use cargo_namespaces::name::{IndexUrl, Namespace};
use cargo_namespaces::statement::{Endorsement, Nonce, Predicate as _, Revocation, Verified};
use cargo_namespaces::time::Timestamp;
use cargo_namespaces::token::{Record, Scope, Token};

pub use find::no_documents;
pub use served::Served;
pub use write::WellKnownDir;

use crate::located::{Basis, Located};

/// The documents of a namespace.
#[derive(Clone, Debug, PartialEq)]
pub struct NamespaceDocuments {
    pub namespace: Namespace,
    /// Its canonical index.
    pub index: IndexUrl,
    /// The document; `index` is always written out in it.
    pub doc: PackageNamespaceDoc,
    /// Where the document was found, if it is not the author's copy alone or joined with it.
    found_at: Option<String>,
    removed: Vec<Token>,
    /// The tokens that were taken out on this machine, now or earlier, and not listed again.
    dropped: Vec<Token>,
}

impl NamespaceDocuments {
    /// An empty set of documents.
    pub fn new(namespace: Namespace, index: IndexUrl) -> Self {
        let doc = PackageNamespaceDoc { index: Some(index.clone()), ..PackageNamespaceDoc::default() };
        Self { namespace, index, doc, found_at: None, removed: Vec::new(), dropped: Vec::new() }
    }

    /// The index, and where the documents that name it were found.
    pub fn located(&self) -> Located {
        let basis = self.found_at.clone().map_or(Basis::SetUp, Basis::Document);
        Located { index: self.index.clone(), basis }
    }

    /// Returns the records: every token, with the index.
    pub fn records(&self) -> Vec<Record> {
        let record = |token: &Token| Record { index: Some(self.index.clone()), ..Record::new(*token) };
        self.doc.authorized_keys.iter().map(record).collect()
    }

    /// The tokens that were taken out since the documents were read.
    pub fn removed(&self) -> &[Token] {
        &self.removed
    }

    /// The token of a key for the whole namespace.
    pub fn token(&self, key: &PublicKey) -> Token {
        Token::compute(&self.scope(), key)
    }

    /// Whether the documents let a key publish in the whole namespace.
    pub fn lists(&self, key: &PublicKey) -> bool {
        self.doc.authorized_keys.contains(&self.token(key))
    }

    /// Lists a key for the whole namespace.
    pub fn list(&mut self, key: &PublicKey) {
        self.list_for(&self.scope(), key);
    }

    /// Lists a key for a scope.
    pub fn list_for(&mut self, scope: &Scope, key: &PublicKey) {
        let token = Token::compute(scope, key);
        if !self.doc.authorized_keys.contains(&token) {
            self.doc.authorized_keys.push(token);
        }
        self.removed.retain(|removed| *removed != token);
        self.dropped.retain(|dropped| *dropped != token);
    }

    /// Removes a key's token for the whole namespace. Returns whether it was listed.
    pub fn unlist(&mut self, key: &PublicKey) -> bool {
        self.unlist_for(&self.scope(), key)
    }

    /// Removes a key's token for a scope. Returns whether it was listed.
    pub fn unlist_for(&mut self, scope: &Scope, key: &PublicKey) -> bool {
        let token = Token::compute(scope, key);
        let before = self.doc.authorized_keys.len();
        self.doc.authorized_keys.retain(|listed| *listed != token);
        let was_there = self.doc.authorized_keys.len() != before;
        if was_there {
            self.removed.push(token);
        }
        if !self.dropped.contains(&token) {
            self.dropped.push(token);
        }
        was_there
    }

    /// The whole namespace.
    fn scope(&self) -> Scope {
        Scope::Namespace(self.namespace.clone())
    }

    /// Returns the endorsements that are about this index and have a valid signature.
    pub fn endorsements(&self) -> Vec<Endorsement> {
        let all = self
            .doc
            .endorsements
            .iter()
            .filter_map(|envelope| envelope.open::<Endorsement>().ok().map(Verified::into_facts));
        all.filter(|endorsement| {
            endorsement.index == self.index && endorsement.scope.namespace() == &self.namespace
        })
        .collect()
    }

    /// Whether `by` endorsed `key` for exactly this scope.
    fn is_endorsed(&self, by: &PublicKey, key: &PublicKey, scope: &Scope, recovery: bool) -> bool {
        let says = |found: &Endorsement| {
            found.by == *by && found.key == *key && found.scope == *scope && found.recovery == recovery
        };
        self.endorsements().iter().any(says)
    }

    /// Whether a key was endorsed as somebody's recovery key.
    pub fn is_recovery(&self, key: &PublicKey) -> bool {
        self.endorsements().iter().any(|endorsement| endorsement.recovery && endorsement.key == *key)
    }

    /// The recovery keys that are listed and not revoked.
    pub fn recovery_keys(&self) -> Vec<PublicKey> {
        let mut keys: Vec<PublicKey> =
            self.endorsements().into_iter().filter(|found| found.recovery).map(|found| found.key).collect();
        keys.sort_unstable();
        keys.dedup();
        keys.retain(|key| self.lists(key) && self.revocation(key).is_none());
        keys
    }

    /// Signs that `key` continues `by` in the whole namespace, or is its recovery key. Does nothing if that is signed already.
    pub fn endorse(
        &mut self,
        by: &SecretKey,
        key: &PublicKey,
        recovery: bool,
        now: Timestamp,
    ) -> Result<(), KeyError> {
        self.endorse_for(by, key, &self.scope(), recovery, now)
    }

    /// As [`NamespaceDocuments::endorse`], for a scope.
    pub fn endorse_for(
        &mut self,
        by: &SecretKey,
        key: &PublicKey,
        scope: &Scope,
        recovery: bool,
        now: Timestamp,
    ) -> Result<(), KeyError> {
        if self.is_endorsed(&by.public(), key, scope, recovery) {
            return Ok(());
        }
        let statement = Endorsement {
            by: by.public(),
            key: *key,
            scope: scope.clone(),
            index: self.index.clone(),
            recovery,
            issued_at: now,
            expires_at: None,
            nonce: Nonce::generate()?,
        };
        self.doc.endorsements.push(statement.sign(by));
        Ok(())
    }

    /// Returns the revocation of a key that clients accept: signed by the key itself, or by one that it endorsed.
    pub fn revocation(&self, key: &PublicKey) -> Option<Revocation> {
        let all = self
            .doc
            .revocations
            .iter()
            .filter_map(|envelope| envelope.open::<Revocation>().ok().map(Verified::into_facts));
        let mut ours = all.filter(|revocation| revocation.key == *key && revocation.index == self.index);
        ours.find(|revocation| self.may_revoke(&revocation.by, key))
    }

    /// Whether clients accept a revocation of `key` that `by` signed.
    pub fn may_revoke(&self, by: &PublicKey, key: &PublicKey) -> bool {
        by == key
            || self.endorsements().iter().any(|endorsement| endorsement.by == *key && endorsement.key == *by)
    }

    /// Signs that `key` must not be trusted any more, and removes its token.
    pub fn revoke(
        &mut self,
        by: &SecretKey,
        key: &PublicKey,
        reason: Option<String>,
        now: Timestamp,
    ) -> Result<(), KeyError> {
        let statement = Revocation {
            by: by.public(),
            key: *key,
            index: self.index.clone(),
            reason,
            issued_at: now,
            nonce: Nonce::generate()?,
        };
        self.doc.revocations.push(statement.sign(by));
        self.unlist(key);
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(super) fn documents() -> NamespaceDocuments {
        let namespace = Namespace::parse("serde.rs").unwrap();
        let index = IndexUrl::default_for(&namespace);
        NamespaceDocuments::new(namespace, index)
    }

    pub(super) fn now() -> Timestamp {
        Timestamp::from_unix(1_800_000_000)
    }

    #[test]
    fn a_key_is_listed_once_and_its_record_declares_the_index() {
        let mut documents = documents();
        let key = SecretKey::generate().unwrap().public();
        documents.list(&key);
        documents.list(&key);
        let records = documents.records();
        assert_eq!(records.len(), 1);
        assert_eq!(
            records[0].to_string(),
            format!("{} index=sparse+https://serde.rs/cargo/index/", documents.token(&key))
        );
        assert!(documents.unlist(&key) && !documents.unlist(&key));
        assert_eq!(documents.removed(), [documents.token(&key)]);
        documents.list(&key);
        assert_eq!(documents.removed(), []);
    }

    #[test]
    fn only_the_key_and_what_it_endorsed_may_revoke_it() {
        let mut documents = documents();
        let [device, recovery, stranger] = [0, 1, 2].map(|_| SecretKey::generate().unwrap());
        documents.endorse(&device, &recovery.public(), true, now()).unwrap();
        documents.endorse(&device, &recovery.public(), true, now()).unwrap();
        assert_eq!(documents.doc.endorsements.len(), 1);
        assert!(documents.is_recovery(&recovery.public()));
        for (by, may) in [(&device, true), (&recovery, true), (&stranger, false)] {
            assert_eq!(documents.may_revoke(&by.public(), &device.public()), may);
        }
        documents.list(&device.public());
        documents.revoke(&stranger, &device.public(), None, now()).unwrap();
        assert!(documents.revocation(&device.public()).is_none());
        documents.revoke(&recovery, &device.public(), Some("lost".into()), now()).unwrap();
        assert_eq!(documents.revocation(&device.public()).unwrap().reason.as_deref(), Some("lost"));
        assert!(!documents.lists(&device.public()));
    }
}
