//! What a domain serves now, and the documents merged with it: whoever puts up what is shown takes nothing away from the
//! others who publish there.

use cargo_namespaces::discovery::{self, PackageNamespaceDoc};
use cargo_namespaces::name::{IndexUrl, Namespace};
use cargo_namespaces::token::Token;
use cargo_namespaces_cli::keystore::KeyBook;
use cargo_namespaces_cli::shell::CliError;
use cargo_namespaces_net::client::{HttpClient, Request, Transport as _};
use cargo_namespaces_net::fs;

use super::{Publisher, find};
use crate::session::Session;

/// The two documents of a domain, as far as they are there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Served {
    /// `package-namespace.json`.
    pub json: Option<PackageNamespaceDoc>,
    /// `cargo-publishers`, as text.
    pub publishers: Option<String>,
    /// Why nobody knows; none when the domain answered.
    pub unknown: Option<String>,
}

impl Served {
    /// Asks a domain for both. What it answers otherwise than with such a document counts as nothing.
    ///
    /// # Errors
    /// Ctrl-C.
    pub fn by(session: &Session<'_>, namespace: &Namespace) -> Result<Self, CliError> {
        if session.settings.offline() || session.common.is_offline() {
            return Ok(Self { unknown: Some("offline".to_owned()), ..Self::default() });
        }
        let dev = session.settings.namespaces.dev;
        let urls =
            [discovery::well_known_json_url(namespace, dev), discovery::cargo_publishers_url(namespace, dev)];
        let requests = urls.iter().map(Request::document).collect();
        let outcomes = HttpClient::new(session.settings.http.clone()).fetch(requests);
        cargo_namespaces_net::interrupt::check()?;
        let mut served = Self::default();
        let mut bodies = outcomes.into_iter().map(|outcome| match outcome {
            Ok(response) if response.status == 200 => Some(response.into_bytes()),
            Ok(response) if response.status >= 500 => {
                served.unknown = Some(format!("HTTP status {}", response.status));
                None
            }
            Ok(_) => None,
            Err(error) => {
                served.unknown = Some(error.to_string());
                None
            }
        });
        let (json, publishers) = (bodies.next().flatten(), bodies.next().flatten());
        drop(bodies);
        served.json = json.and_then(|bytes| PackageNamespaceDoc::parse(&bytes).ok());
        let is_meant = |bytes: &Vec<u8>| {
            discovery::parse_cargo_publishers(bytes).is_ok_and(|found| !found.records.is_empty())
        };
        let text = publishers.filter(is_meant).and_then(|bytes| String::from_utf8(bytes).ok());
        served.publishers = text;
        Ok(served)
    }
}

impl Publisher {
    /// These documents with what the domain serves besides: the tokens and statements of others. What was dropped here
    /// stays out, whether or not the domain has heard of it.
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
        find::add_missing(&mut self.doc.endorsements, &served.endorsements);
        find::add_missing(&mut self.doc.revocations, &served.revocations);
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

    /// The documents of a domain of which nothing is kept here: what it serves.
    #[must_use]
    pub fn of_served(namespace: &Namespace, index: &IndexUrl, served: &Served) -> Self {
        let mut publisher = Self::new(namespace.clone(), index.clone());
        if let Some(doc) = &served.json {
            publisher.doc = PackageNamespaceDoc { index: Some(index.clone()), ..doc.clone() };
        }
        publisher
    }
}

/// The tokens that were dropped here: a line each in `dropped`, beside the author's copy.
pub(super) fn dropped(session: &Session<'_>, namespace: &Namespace) -> Result<Vec<Token>, CliError> {
    let path = Publisher::path(&session.settings.cargo_home, namespace).with_file_name("dropped");
    let text = fs::read_to_string_if_exists(&path)?.unwrap_or_default();
    Ok(text.lines().filter_map(|line| line.parse().ok()).collect())
}

/// Keeps the list of dropped tokens.
pub(super) fn keep_dropped(session: &Session<'_>, publisher: &Publisher) -> Result<(), CliError> {
    let path = Publisher::path(&session.settings.cargo_home, &publisher.namespace).with_file_name("dropped");
    if !publisher.dropped.is_empty() || path.exists() {
        let lines: String = publisher.dropped.iter().map(|token| format!("{token}\n")).collect();
        fs::write_if_changed(&path, lines.as_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use cargo_namespaces::key::SecretKey;

    use super::super::tests::publisher;
    use super::*;

    #[test]
    fn others_stay_and_what_was_dropped_does_not_come_back() {
        let [mine, others, gone] = [0; 3].map(|_| SecretKey::generate().unwrap().public());
        let mut own = publisher();
        own.list(&mine);
        own.list(&gone);
        own.unlist(&gone);
        let mut served = publisher();
        served.list(&others);
        served.list(&gone);
        served.doc.extra.insert("contact".to_owned(), "them".into());
        let merged = own.with_served(&KeyBook::default(), &served.doc);
        for (key, listed) in [(mine, true), (others, true), (gone, false)] {
            assert_eq!(merged.lists(&key), listed);
        }
        assert_eq!(merged.doc.extra["contact"], "them");
        assert_eq!(merged.doc.index, publisher().doc.index);
    }

    #[test]
    fn what_is_served_without_an_index_is_given_one() {
        let served = Served { json: Some(PackageNamespaceDoc::default()), ..Served::default() };
        let index = IndexUrl::parse("sparse+https://crates.example/index/serde.rs/").unwrap();
        let made = Publisher::of_served(&publisher().namespace, &index, &served);
        assert_eq!(made.doc.index, Some(index));
    }
}
