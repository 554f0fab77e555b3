//! The public documents of one namespace, as its author keeps them.
//!
//! `$CARGO_HOME/namespaces/publisher/<namespace>/package-namespace.json` is the author's copy of what the domain
//! publishes: the tokens, the canonical index, endorsements and revocations. It is made by `setup`, changed by
//! `key rotate` and `key revoke`, and written into the site's `.well-known` on each of them and on each publish. Where
//! the site has the document already, that one counts for the tokens (another machine may have changed it), and
//! endorsements and revocations are those of both: a signed statement is never lost.

use std::path::{Path, PathBuf};

use cargo_namespaces::discovery::{self, CARGO_PUBLISHERS_PATH, PACKAGE_NAMESPACE_PATH, PackageNamespaceDoc};
use cargo_namespaces::fs;
use cargo_namespaces::key::{KeyError, PublicKey, SecretKey};
use cargo_namespaces::keystore::Role;
use cargo_namespaces::name::{IndexUrl, Namespace};
use cargo_namespaces::shell::{CliError, Context as _, ExitCode};
use cargo_namespaces::statement::{Endorsement, Envelope, Nonce, Revocation};
use cargo_namespaces::time::Timestamp;
use cargo_namespaces::token::{Record, Scope, Token};

use crate::args::SiteArgs;
use crate::session::Session;

/// The documents of a namespace.
#[derive(Clone, Debug, PartialEq)]
pub struct Publisher {
    /// The namespace.
    pub namespace: Namespace,
    /// Its canonical index.
    pub index: IndexUrl,
    /// The document; `index` is always written out in it.
    pub doc: PackageNamespaceDoc,
    removed: Vec<Token>,
}

/// A place that serves a domain's `.well-known`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WellKnown(PathBuf);

impl WellKnown {
    /// The directory that the flags name for the documents of a namespace: `--well-known`, or else `--site` when the
    /// index is on the domain itself. `None` when there is none, which is not an error: the records are then printed.
    pub fn of(
        session: &Session<'_>,
        site: &SiteArgs,
        namespace: &Namespace,
        index: &IndexUrl,
    ) -> Option<Self> {
        let own_host = index.host() == namespace.as_str() && index.port() == 443;
        let directory = match (&site.well_known, &site.site) {
            (Some(directory), _) => directory,
            (None, Some(directory)) if own_host => directory,
            (None, Some(_)) => {
                session.shell.note(format!(
                    "the index is on {}, so the documents of {namespace} are not part of the site: put them up at {namespace}, \
                     or name the directory that it serves with `--well-known DIR`",
                    index.host()
                ));
                return None;
            }
            (None, None) => return None,
        };
        Some(Self(session.path(directory)))
    }

    fn json(&self) -> PathBuf {
        self.0.join(&PACKAGE_NAMESPACE_PATH[1..])
    }

    fn publishers(&self) -> PathBuf {
        self.0.join(&CARGO_PUBLISHERS_PATH[1..])
    }
}

impl Publisher {
    /// An empty set of documents.
    pub fn new(namespace: Namespace, index: IndexUrl) -> Self {
        let doc = PackageNamespaceDoc { index: Some(index.clone()), ..PackageNamespaceDoc::default() };
        Self { namespace, index, doc, removed: Vec::new() }
    }

    /// Where the author's copy is.
    pub fn path(cargo_home: &Path, namespace: &Namespace) -> PathBuf {
        cargo_home
            .join("namespaces")
            .join("publisher")
            .join(namespace.as_str())
            .join("package-namespace.json")
    }

    /// The documents, from the author's copy and from the site, where there are any.
    ///
    /// # Errors
    /// A file cannot be read, or the two name different indexes.
    pub fn find(
        session: &Session<'_>,
        site: &SiteArgs,
        namespace: &Namespace,
    ) -> Result<Option<Self>, CliError> {
        Self::find_for(session, site, namespace, None)
    }

    /// As [`Publisher::find`], the index taken to be `instead`. Statements are bound to the index, so those about
    /// another one are left out.
    ///
    /// # Errors
    /// As there.
    pub fn find_for(
        session: &Session<'_>,
        site: &SiteArgs,
        namespace: &Namespace,
        instead: Option<&IndexUrl>,
    ) -> Result<Option<Self>, CliError> {
        let moved = |found: Option<Self>| match (found, instead) {
            (Some(found), Some(index)) => Some(found.moved(index)),
            (found, _) => found,
        };
        let own = moved(read(&Self::path(&session.settings.cargo_home, namespace), namespace)?);
        let index = own.as_ref().map_or_else(|| IndexUrl::default_for(namespace), |own| own.index.clone());
        let published = match WellKnown::of(session, site, namespace, &index) {
            Some(place) => moved(read(&place.json(), namespace)?),
            None => None,
        };
        match (own, published) {
            (Some(own), Some(published)) => merge(session, own, published).map(Some),
            (own, published) => Ok(own.or(published)),
        }
    }

    /// As [`Publisher::find`], where there must be documents.
    ///
    /// # Errors
    /// As there; and when there are none.
    pub fn require(session: &Session<'_>, site: &SiteArgs, namespace: &Namespace) -> Result<Self, CliError> {
        Self::find(session, site, namespace)?.ok_or_else(|| {
            CliError::new(
                ExitCode::ActionRequired,
                format!("there are no documents of {} here", namespace.display_both()),
            )
            .hint(format!(
                "`cargo nspublish setup {namespace}` makes them; if it was set up on another machine, name the directory that \
                 the domain serves with `--well-known DIR` (or `--site DIR`)"
            ))
        })
    }

    /// The same under another index, without the statements about the former one.
    fn moved(mut self, index: &IndexUrl) -> Self {
        self.index = index.clone();
        self.doc.index = Some(index.clone());
        let of_index = |found: &IndexUrl| found == index;
        self.doc.endorsements.retain(|e| Endorsement::verify(e).is_ok_and(|e| of_index(&e.index)));
        self.doc.revocations.retain(|r| Revocation::verify(r).is_ok_and(|r| of_index(&r.index)));
        self
    }

    /// Writes the author's copy.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn save(&self, session: &Session<'_>) -> Result<(), CliError> {
        let path = Self::path(&session.settings.cargo_home, &self.namespace);
        fs::write_if_changed(&path, self.doc.to_json().as_bytes())?;
        Ok(())
    }

    /// Writes `package-namespace.json` and `cargo-publishers` below `place`. What others put there stays.
    ///
    /// # Errors
    /// `cargo-publishers` is there and cannot be read, or a file cannot be written.
    pub fn write_well_known(&self, session: &Session<'_>, place: &WellKnown) -> Result<(), CliError> {
        let publishers = place.publishers();
        let existing = fs::read_to_string_if_exists(&publishers)?.unwrap_or_default();
        let text = self.cargo_publishers(&existing).with_context(ExitCode::InvalidInput, || {
            format!("failed to update `{}`", publishers.display())
        })?;
        for (path, text) in [(place.json(), self.doc.to_json()), (publishers, text)] {
            if fs::write_if_changed(&path, text.as_bytes())? {
                session.shell.status("Wrote", path.display());
            }
        }
        Ok(())
    }

    /// `existing` with our records, and without those that were taken out.
    fn cargo_publishers(&self, existing: &str) -> Result<String, discovery::DocumentError> {
        let records = self.records();
        let stale = |line: &str| {
            let found = discovery::parse_cargo_publishers(line.as_bytes()).unwrap_or_default().records;
            found.first().is_some_and(|record| {
                let other_index = records.iter().any(|ours| ours.token == record.token && ours != record);
                other_index || self.removed.contains(&record.token)
            })
        };
        let kept: String = existing.split_inclusive('\n').filter(|line| !stale(line)).collect();
        discovery::with_records_added(&kept, &records)
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
        Token::compute(&Scope::Namespace(self.namespace.clone()), key)
    }

    /// Whether the documents let a key publish in the whole namespace.
    pub fn lists(&self, key: &PublicKey) -> bool {
        self.doc.authorized_keys.contains(&self.token(key))
    }

    /// Lists a key for the whole namespace.
    pub fn list(&mut self, key: &PublicKey) {
        let token = self.token(key);
        if !self.doc.authorized_keys.contains(&token) {
            self.doc.authorized_keys.push(token);
        }
        self.removed.retain(|removed| *removed != token);
    }

    /// Takes a key's token out. True when it was there.
    pub fn unlist(&mut self, key: &PublicKey) -> bool {
        let token = self.token(key);
        let before = self.doc.authorized_keys.len();
        self.doc.authorized_keys.retain(|listed| *listed != token);
        let was_there = self.doc.authorized_keys.len() != before;
        if was_there {
            self.removed.push(token);
        }
        was_there
    }

    /// The endorsements in the documents whose signature holds and that are about this index.
    pub fn endorsements(&self) -> Vec<Endorsement> {
        let all = self.doc.endorsements.iter().filter_map(|envelope| Endorsement::verify(envelope).ok());
        all.filter(|endorsement| {
            endorsement.index == self.index && endorsement.scope.namespace() == &self.namespace
        })
        .collect()
    }

    /// Whether `by` endorsed `key` for the whole namespace.
    pub fn is_endorsed(&self, by: &PublicKey, key: &PublicKey, recovery: bool) -> bool {
        let scope = Scope::Namespace(self.namespace.clone());
        self.endorsements().iter().any(|endorsement| {
            endorsement.by == *by
                && endorsement.key == *key
                && endorsement.recovery == recovery
                && endorsement.scope == scope
        })
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

    /// Signs that `key` continues `by`, or is its recovery key; once is enough.
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
        if self.is_endorsed(&by.public(), key, recovery) {
            return Ok(());
        }
        let statement = Endorsement {
            by: by.public(),
            key: *key,
            scope: Scope::Namespace(self.namespace.clone()),
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
        let all = self.doc.revocations.iter().filter_map(|envelope| Revocation::verify(envelope).ok());
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

/// One document of a namespace; its index is the default one where it declares none.
fn read(path: &Path, namespace: &Namespace) -> Result<Option<Publisher>, CliError> {
    let Some(bytes) = fs::read_if_exists(path)? else {
        return Ok(None);
    };
    let mut doc = PackageNamespaceDoc::parse(&bytes)
        .with_context(ExitCode::InvalidInput, || format!("`{}` cannot be used", path.display()))?;
    let index = doc.index.get_or_insert_with(|| IndexUrl::default_for(namespace)).clone();
    Ok(Some(Publisher { namespace: namespace.clone(), index, doc, removed: Vec::new() }))
}

/// What the site publishes, with the author's statements, and with the tokens of the author's own keys.
fn merge(session: &Session<'_>, own: Publisher, mut published: Publisher) -> Result<Publisher, CliError> {
    if own.index != published.index {
        return Err(CliError::new(
            ExitCode::ActionRequired,
            format!(
                "{} has two indexes: the site declares {}, and here it was set up with {}",
                own.namespace, published.index, own.index
            ),
        )
        .hint("a namespace keeps its index for ever: `setup --index URL --change-index` settles which one it is"));
    }
    add_missing(&mut published.doc.endorsements, own.doc.endorsements);
    add_missing(&mut published.doc.revocations, own.doc.revocations);
    let book = session.store.book()?;
    let namespace = published.namespace.clone();
    for role in [Role::Device, Role::Recovery] {
        for (key, entry) in book.registered(&namespace, role) {
            let retired = entry.revoked.contains(&namespace) || entry.replaced.contains(&namespace);
            let listed_here = own.doc.authorized_keys.contains(&published.token(key));
            if !retired && listed_here && published.revocation(key).is_none() {
                published.list(key);
            }
        }
    }
    Ok(published)
}

/// Adds the statements that are not there yet. Two envelopes are the same when their payloads are.
fn add_missing(statements: &mut Vec<Envelope>, more: Vec<Envelope>) {
    for envelope in more {
        if !statements.iter().any(|held| held.payload == envelope.payload) {
            statements.push(envelope);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publisher() -> Publisher {
        let namespace = Namespace::parse("serde.rs").unwrap();
        let index = IndexUrl::default_for(&namespace);
        Publisher::new(namespace, index)
    }

    fn now() -> Timestamp {
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

    #[test]
    fn the_lines_of_others_stay_in_cargo_publishers() {
        let mut publisher = publisher();
        let [old, new, other] = [0, 1, 2].map(|_| SecretKey::generate().unwrap().public());
        publisher.list(&old);
        publisher.list(&new);
        let existing = format!(
            "# ours\n{} # no index yet\n{}\nmd5-of-somebody-else\n",
            publisher.token(&old),
            publisher.token(&other)
        );
        let text = publisher.cargo_publishers(&existing).unwrap();
        let [old_record, new_record] = &publisher.records()[..] else { panic!("two keys are listed") };
        assert_eq!(
            text,
            format!(
                "# ours\n{}\nmd5-of-somebody-else\n{old_record}\n{new_record}\n",
                publisher.token(&other)
            )
        );
        publisher.unlist(&old);
        let text = publisher.cargo_publishers(&text).unwrap();
        assert_eq!(
            text,
            format!("# ours\n{}\nmd5-of-somebody-else\n{new_record}\n", publisher.token(&other))
        );
        assert_eq!(publisher.cargo_publishers(&text).unwrap(), text);
    }

    #[test]
    fn statements_are_joined_by_what_they_say() {
        let mut publisher = publisher();
        let [device, recovery] = [0, 1].map(|_| SecretKey::generate().unwrap());
        publisher.endorse(&device, &recovery.public(), true, now()).unwrap();
        let again = publisher.doc.endorsements.clone();
        add_missing(&mut publisher.doc.endorsements, again);
        assert_eq!(publisher.doc.endorsements.len(), 1);
    }
}
