//! Finding the documents: the author's copy, the site's, the domain's.

use std::path::Path;

use cargo_namespaces::discovery::{self, DocumentError, PackageNamespaceDoc};
use cargo_namespaces::name::{IndexUrl, Namespace};
use cargo_namespaces::statement::{Endorsement, Envelope, Revocation};
use cargo_namespaces_cli::keystore::KeyBook;
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode};
use cargo_namespaces_net::client::{HttpClient, Request, Transport as _};
use cargo_namespaces_net::{fs, interrupt};

use super::{Publisher, WellKnown, served};
use crate::args::SiteArgs;
use crate::session::Session;

impl Publisher {
    /// The documents, from the author's copy and from the site, where there are any; from the domain otherwise.
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
        let mut own = moved(read(&Self::path(&session.settings.cargo_home, namespace), namespace)?);
        if let Some(own) = &mut own {
            own.found_at = None;
        }
        let index = own.as_ref().map_or_else(|| IndexUrl::default_for(namespace), |own| own.index.clone());
        let published = match WellKnown::of(session, site, namespace, &index) {
            Some(place) => moved(read(&place.json(), namespace)?),
            None => None,
        };
        let mut found = match (own, published) {
            (Some(own), Some(published)) => Some(merge(session, site, &own, published)?),
            (None, None) => moved(ask_domain(session, namespace)?),
            (own, published) => own.or(published),
        };
        if let Some(found) = &mut found {
            let dropped = served::dropped(session, namespace)?;
            found.dropped =
                dropped.into_iter().filter(|token| !found.doc.authorized_keys.contains(token)).collect();
        }
        Ok(found)
    }

    /// As [`Publisher::find`], where there must be documents.
    ///
    /// # Errors
    /// As there; and when there are none.
    pub fn require(session: &Session<'_>, site: &SiteArgs, namespace: &Namespace) -> Result<Self, CliError> {
        Self::find(session, site, namespace)?.ok_or_else(|| no_documents(namespace, site))
    }

    /// One document; its index is the default one where it declares none.
    fn parse(bytes: &[u8], namespace: &Namespace, place: &str) -> Result<Self, DocumentError> {
        let mut doc = PackageNamespaceDoc::parse(bytes)?;
        let index = doc.index.get_or_insert_with(|| IndexUrl::default_for(namespace)).clone();
        Ok(Self { doc, found_at: Some(place.to_owned()), ..Self::new(namespace.clone(), index) })
    }

    /// The same under another index, without the statements about the former one.
    fn moved(mut self, index: &IndexUrl) -> Self {
        self.index = index.clone();
        self.doc.index = Some(index.clone());
        let of_index = |found: &IndexUrl| found == index;
        self.doc.endorsements.retain(|e| e.open::<Endorsement>().is_ok_and(|e| of_index(&e.index)));
        self.doc.revocations.retain(|r| r.open::<Revocation>().is_ok_and(|r| of_index(&r.index)));
        self
    }
}

/// There are no documents; what makes them, for the places that the flags name.
pub fn no_documents(namespace: &Namespace, site: &SiteArgs) -> CliError {
    let error =
        format!("there are no documents of {}, neither here nor at the domain", namespace.display_both());
    let otherwise = match site.site.is_some() || site.well_known.is_some() {
        true => "if it was set up on another machine, put them up at the domain first",
        false => {
            "if it was set up on another machine, put them up at the domain, or name the directory that the domain is to serve \
             with `--well-known DIR` (or `--site DIR`)"
        }
    };
    CliError::new(ExitCode::ActionRequired, error)
        .hint(format!("`{}` makes them; {otherwise}", site.setup_command(namespace)))
}

/// One document of a namespace.
fn read(path: &Path, namespace: &Namespace) -> Result<Option<Publisher>, CliError> {
    let Some(bytes) = fs::read_if_exists(path)? else {
        return Ok(None);
    };
    let place = format!("`{}`", path.display());
    Publisher::parse(&bytes, namespace, &place)
        .map(Some)
        .with_context(ExitCode::InvalidInput, || format!("{place} cannot be used"))
}

/// What the site publishes, with the author's statements. For the keys that publish from here, or did, the author's
/// copy says whether they are listed; for all others, the site does.
fn merge(
    session: &Session<'_>,
    site: &SiteArgs,
    own: &Publisher,
    published: Publisher,
) -> Result<Publisher, CliError> {
    if own.index != published.index {
        return Err(CliError::new(
            ExitCode::ActionRequired,
            format!(
                "{} has two indexes: the site declares {}, and here it was set up with {}",
                own.namespace, published.index, own.index
            ),
        )
        .hint(format!(
            "a namespace keeps its index for ever. Where the site is right:\n    {} --index {} --change-index\nwhere this machine \
             is:\n    {} --index {} --change-index",
            site.setup_command(&own.namespace),
            published.index,
            site.setup_command(&own.namespace),
            own.index
        )));
    }
    Ok(joined(own, &session.store.book()?, published))
}

fn joined(own: &Publisher, book: &KeyBook, mut published: Publisher) -> Publisher {
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

/// What the domain publishes now: for a machine that has no copy. Whoever cannot reach it is told, and goes on without.
fn ask_domain(session: &Session<'_>, namespace: &Namespace) -> Result<Option<Publisher>, CliError> {
    if session.settings.offline() || session.common.is_offline() {
        return Ok(None);
    }
    if let Some(found) = session.asked.borrow().get(namespace) {
        return Ok(found.clone());
    }
    let url = discovery::well_known_json_url(namespace, session.settings.namespaces.dev);
    session.shell.verbose("Fetching", &url);
    let client = HttpClient::new(session.settings.http.clone());
    let outcome = client.fetch(vec![Request::document(&url)]).pop();
    interrupt::check()?;
    let problem = match outcome {
        Some(Ok(response)) if response.status == 200 => {
            match Publisher::parse(&response.into_bytes(), namespace, &url) {
                Ok(found) => {
                    session.shell.status("Found", format!("the documents of {namespace} at {url}"));
                    return Ok(remember(session, namespace, Some(found)));
                }
                // A page that some hosts answer to any path.
                Err(DocumentError::NotJson) => None,
                Err(error) => Some(error.to_string()),
            }
        }
        Some(Ok(response)) if matches!(response.status, 404 | 410) => None,
        Some(Ok(response)) => Some(format!("it answers with HTTP status {}", response.status)),
        Some(Err(error)) => Some(error.to_string()),
        None => Some("it was not asked".to_owned()),
    };
    if let Some(problem) = problem {
        session.shell.warn(format!(
            "the documents that {namespace} may publish already were not found ({problem}): if it was set up on \
             another machine, what that one wrote is missing here"
        ));
    }
    Ok(remember(session, namespace, None))
}

fn remember(session: &Session<'_>, namespace: &Namespace, found: Option<Publisher>) -> Option<Publisher> {
    session.asked.borrow_mut().insert(namespace.clone(), found.clone());
    found
}

/// Adds the statements that are not there yet. Two envelopes are the same when their payloads are.
pub(super) fn add_missing(statements: &mut Vec<Envelope>, more: &[Envelope]) {
    for envelope in more {
        if !statements.iter().any(|held| held.payload == envelope.payload) {
            statements.push(envelope.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use cargo_namespaces::key::{PublicKey, SecretKey};
    use cargo_namespaces_cli::keystore::{KeyEntry, KeyName, Role, Store};

    use super::super::tests::{now, publisher};
    use super::*;

    #[test]
    fn statements_are_joined_by_what_they_say() {
        let mut publisher = publisher();
        let [device, recovery] = [0, 1].map(|_| SecretKey::generate().unwrap());
        publisher.endorse(&device, &recovery.public(), true, now()).unwrap();
        let again = publisher.doc.endorsements.clone();
        add_missing(&mut publisher.doc.endorsements, &again);
        assert_eq!(publisher.doc.endorsements.len(), 1);
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
        let (mut own, mut published) = (publisher(), publisher());
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
        let (mut own, mut published) = (publisher(), publisher());
        own.list(&key);
        published.list(&key);
        published.revoke(&device, &key, None, now()).unwrap();
        let joined = joined(&own, &book(&[(key, &["serde.rs"], &[])]), published);
        assert!(!joined.lists(&key));
    }
}
