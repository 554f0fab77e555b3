//! The public documents of one namespace, as its author keeps them.
//!
//! `$CARGO_HOME/namespaces/publisher/<namespace>/package-namespace.json` is the author's copy of what the domain
//! publishes: the tokens, the canonical index, endorsements and revocations. It is made by `setup`, changed by
//! `key rotate` and `key revoke`, and written into the site's `.well-known` on each of them and on each publish.
//!
//! Several machines may publish for one namespace. So where the site has the document already, it counts for the tokens
//! of others, the author's copy for those of the keys that are here; endorsements and revocations are those of both,
//! since a signed statement is never taken back. A machine that has no copy yet asks the domain for it.
//!
//! | module | holds |
//! |---|---|
//! | [`find`] | reading and joining the copies |
//! | [`place`] | writing them |
//! | [`served`] | what the domain serves now |

mod find;
mod place;
mod served;

use cargo_namespaces::discovery::PackageNamespaceDoc;
use cargo_namespaces::key::{KeyError, PublicKey, SecretKey};
use cargo_namespaces::name::{IndexUrl, Namespace};
use cargo_namespaces::statement::{Endorsement, Nonce, Predicate as _, Revocation, Verified};
use cargo_namespaces::time::Timestamp;
use cargo_namespaces::token::{Record, Scope, Token};

pub use find::no_documents;
pub use place::WellKnown;
pub use served::Served;

use crate::publish::{Basis, Located};

/// The documents of a namespace.
#[derive(Clone, Debug, PartialEq)]
pub struct Publisher {
    /// The namespace.
    pub namespace: Namespace,
    /// Its canonical index.
    pub index: IndexUrl,
    /// The document; `index` is always written out in it.
    pub doc: PackageNamespaceDoc,
    /// Where the document was found, if it is not the author's copy alone or joined with it.
    found_at: Option<String>,
    removed: Vec<Token>,
    /// What was taken out here, now or earlier, and not listed again.
    dropped: Vec<Token>,
}

impl Publisher {
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

    /// The records: every token with the index.
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

    /// Takes a key's token for the whole namespace out. True when it was there.
    pub fn unlist(&mut self, key: &PublicKey) -> bool {
        self.unlist_for(&self.scope(), key)
    }

    /// Takes a key's token for a scope out. True when it was there.
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

    /// The endorsements in the documents whose signature holds and that are about this index.
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

    /// Signs that `key` continues `by` in the whole namespace, or is its recovery key; once is enough.
    ///
    /// # Errors
    /// [`KeyError::Random`].
    pub fn endorse(
        &mut self,
        by: &SecretKey,
        key: &PublicKey,
        recovery: bool,
        now: Timestamp,
    ) -> Result<(), KeyError> {
        self.endorse_for(by, key, &self.scope(), recovery, now)
    }

    /// As [`Publisher::endorse`], for a scope.
    ///
    /// # Errors
    /// [`KeyError::Random`].
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

    /// The revocation of a key that clients believe: by the key itself, or by one that it endorsed.
    pub fn revocation(&self, key: &PublicKey) -> Option<Revocation> {
        let all = self
            .doc
            .revocations
            .iter()
            .filter_map(|envelope| envelope.open::<Revocation>().ok().map(Verified::into_facts));
        let mut ours = all.filter(|revocation| revocation.key == *key && revocation.index == self.index);
        ours.find(|revocation| self.may_revoke(&revocation.by, key))
    }

    /// Whether clients believe a revocation of `key` that `by` signed.
    pub fn may_revoke(&self, by: &PublicKey, key: &PublicKey) -> bool {
        by == key
            || self.endorsements().iter().any(|endorsement| endorsement.by == *key && endorsement.key == *by)
    }

    /// Signs that `key` must not be trusted any more, and takes its token out.
    ///
    /// # Errors
    /// [`KeyError::Random`].
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

    pub(super) fn publisher() -> Publisher {
        let namespace = Namespace::parse("serde.rs").unwrap();
        let index = IndexUrl::default_for(&namespace);
        Publisher::new(namespace, index)
    }

    pub(super) fn now() -> Timestamp {
        Timestamp::from_unix(1_800_000_000)
    }

    #[test]
    fn a_key_is_listed_once_and_its_record_declares_the_index() {
        let mut publisher = publisher();
        let key = SecretKey::generate().unwrap().public();
        publisher.list(&key);
        publisher.list(&key);
        let records = publisher.records();
        assert_eq!(records.len(), 1);
        assert_eq!(
            records[0].to_string(),
            format!("{} index=sparse+https://serde.rs/cargo/index/", publisher.token(&key))
        );
        assert!(publisher.unlist(&key) && !publisher.unlist(&key));
        assert_eq!(publisher.removed(), [publisher.token(&key)]);
        publisher.list(&key);
        assert_eq!(publisher.removed(), []);
    }

    #[test]
    fn only_the_key_and_what_it_endorsed_may_revoke_it() {
        let mut publisher = publisher();
        let [device, recovery, stranger] = [0, 1, 2].map(|_| SecretKey::generate().unwrap());
        publisher.endorse(&device, &recovery.public(), true, now()).unwrap();
        publisher.endorse(&device, &recovery.public(), true, now()).unwrap();
        assert_eq!(publisher.doc.endorsements.len(), 1);
        assert!(publisher.is_recovery(&recovery.public()));
        for (by, may) in [(&device, true), (&recovery, true), (&stranger, false)] {
            assert_eq!(publisher.may_revoke(&by.public(), &device.public()), may);
        }
        publisher.list(&device.public());
        publisher.revoke(&stranger, &device.public(), None, now()).unwrap();
        assert!(publisher.revocation(&device.public()).is_none());
        publisher.revoke(&recovery, &device.public(), Some("lost".into()), now()).unwrap();
        assert_eq!(publisher.revocation(&device.public()).unwrap().reason.as_deref(), Some("lost"));
        assert!(!publisher.lists(&device.public()));
    }
}
