//! Joins copies of the documents: those of the author, of the site, and of the domain. Pure.

use cargo_namespaces::discovery::PackageNamespaceDoc;
use cargo_namespaces::statement::Envelope;
use cargo_namespaces::token::Token;
use cargo_namespaces_cli::keystore::KeyBook;

use super::NamespaceDocuments;

/// Joins the site's copy with the author's. Statements of both are kept. Whether a key of this machine is listed is what the
/// author's copy says; for all other keys, it is what the site says.
pub(super) fn joined(
    own: &NamespaceDocuments,
    book: &KeyBook,
    mut published: NamespaceDocuments,
) -> NamespaceDocuments {
    published.found_at = None;
    add_missing(&mut published.doc.endorsements, &own.doc.endorsements);
    add_missing(&mut published.doc.revocations, &own.doc.revocations);
    let namespace = published.namespace.clone();
    for (key, entry) in book.entries() {
        let retired = entry.replaced.contains(&namespace) || entry.revoked.contains(&namespace);
        if published.revocation(key).is_some() || (retired && !own.lists(key)) {
            published.unlist(key);
        } else if entry.namespaces.contains(&namespace) && own.lists(key) {
            published.list(key);
        }
    }
    published
}

impl NamespaceDocuments {
    /// Adds what the domain serves besides: the tokens and statements of others. A token that was dropped on this machine stays
    /// out, even if the domain still serves it.
    #[must_use]
    pub fn with_served(mut self, book: &KeyBook, served: &PackageNamespaceDoc) -> Self {
        let namespace = self.namespace.clone();
        let retired = book.entries().into_iter().filter(|(key, entry)| {
            let gone = entry.replaced.contains(&namespace) || entry.revoked.contains(&namespace);
            gone && !self.lists(key)
        });
        let mut left_out: Vec<Token> = retired.map(|(key, _)| self.token(key)).collect();
        left_out.extend(&self.dropped);
        for token in &served.authorized_keys {
            if !left_out.contains(token) && !self.doc.authorized_keys.contains(token) {
                self.doc.authorized_keys.push(*token);
            }
        }
        add_missing(&mut self.doc.endorsements, &served.endorsements);
        add_missing(&mut self.doc.revocations, &served.revocations);
        for foreign in &served.foreign_keys {
            if !self.doc.foreign_keys.contains(foreign) {
                self.doc.foreign_keys.push(foreign.clone());
            }
        }
        for (field, value) in &served.extra {
            self.doc.extra.entry(field.clone()).or_insert_with(|| value.clone());
        }
        self
    }
}

/// Adds the statements that are not there yet. Two envelopes are the same when their payloads are.
fn add_missing(statements: &mut Vec<Envelope>, more: &[Envelope]) {
    for envelope in more {
        if !statements.iter().any(|held| held.payload == envelope.payload) {
            statements.push(envelope.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use cargo_namespaces::key::{PublicKey, SecretKey};
    use cargo_namespaces::name::Namespace;
    use cargo_namespaces_cli::keystore::{KeyEntry, KeyName, Role, Store};

    use super::super::tests::{documents, now};
    use super::*;

    #[test]
    fn statements_are_joined_by_what_they_say() {
        let mut documents = documents();
        let [device, recovery] = [0, 1].map(|_| SecretKey::generate().unwrap());
        documents.endorse(&device, &recovery.public(), true, now()).unwrap();
        let again = documents.doc.endorsements.clone();
        add_missing(&mut documents.doc.endorsements, &again);
        assert_eq!(documents.doc.endorsements.len(), 1);
    }

    fn book(entries: &[(PublicKey, &[&str], &[&str])]) -> KeyBook {
        let set = |names: &[&str]| names.iter().map(|name| Namespace::parse(name).unwrap()).collect();
        let mut book = KeyBook::default();
        for (n, (key, namespaces, replaced)) in entries.iter().enumerate() {
            let entry = KeyEntry {
                name: KeyName::parse(&format!("key{n}")).unwrap(),
                role: Role::Device,
                store: Store::Keyring,
                namespaces: set(namespaces),
                replaced: set(replaced),
                revoked: set(&[]),
            };
            book.add(*key, entry).unwrap();
        }
        book
    }

    #[test]
    fn the_copy_speaks_for_its_own_keys_and_the_site_for_the_others() {
        let [dropped, kept, elsewhere, imported] = [0; 4].map(|_| SecretKey::generate().unwrap().public());
        let (mut own, mut published) = (documents(), documents());
        own.list(&kept);
        for key in [dropped, elsewhere, imported] {
            published.list(&key);
        }
        let book = book(&[(dropped, &[], &["serde.rs"]), (kept, &["serde.rs"], &[]), (imported, &[], &[])]);
        let joined = joined(&own, &book, published);
        for (key, listed) in [(kept, true), (elsewhere, true), (imported, true), (dropped, false)] {
            assert_eq!(joined.lists(&key), listed);
        }
        assert_eq!(joined.removed(), [joined.token(&dropped)]);
    }

    #[test]
    fn a_revoked_key_is_not_listed_again() {
        let device = SecretKey::generate().unwrap();
        let key = device.public();
        let (mut own, mut published) = (documents(), documents());
        own.list(&key);
        published.list(&key);
        published.revoke(&device, &key, None, now()).unwrap();
        let joined = joined(&own, &book(&[(key, &["serde.rs"], &[])]), published);
        assert!(!joined.lists(&key));
    }

    #[test]
    fn others_stay_and_what_was_dropped_does_not_come_back() {
        let [mine, others, gone] = [0; 3].map(|_| SecretKey::generate().unwrap().public());
        let mut own = documents();
        own.list(&mine);
        own.list(&gone);
        own.unlist(&gone);
        let mut served = documents();
        served.list(&others);
        served.list(&gone);
        served.doc.extra.insert("contact".to_owned(), "them".into());
        let merged = own.with_served(&KeyBook::default(), &served.doc);
        for (key, listed) in [(mine, true), (others, true), (gone, false)] {
            assert_eq!(merged.lists(&key), listed);
        }
        assert_eq!(merged.doc.extra["contact"], "them");
        assert_eq!(merged.doc.index, documents().doc.index);
    }
}
