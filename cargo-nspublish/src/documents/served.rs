//! What a domain serves now. The documents that a user is told to put up are merged with it, so that they remove nothing of
//! others who publish there.

use cargo_namespaces::discovery::{self, PackageNamespaceDoc};
use cargo_namespaces::name::{IndexUrl, Namespace};
use cargo_namespaces_cli::network::Transport as _;
use cargo_namespaces_cli::shell::CliError;
use cargo_namespaces_net::client::Request;

use super::NamespaceDocuments;
use super::responses::{self, DocumentAnswer};
use crate::context::Context;

/// The two documents of a domain, as far as they are there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Served {
    /// `package-namespace.json`.
    pub json: Option<PackageNamespaceDoc>,
    /// `cargo-publishers`, as text.
    pub publishers: Option<String>,
    /// Why it is not known; `None` if the domain answered.
    pub unknown: Option<String>,
}

impl Served {
    /// Asks a domain for both. An answer that is no such document counts as nothing.
    pub fn by(context: &Context<'_>, namespace: &Namespace) -> Result<Self, CliError> {
        if context.is_offline() {
            return Ok(Self { unknown: Some("offline".to_owned()), ..Self::default() });
        }
        let dev = context.settings.namespaces.dev;
        let urls =
            [discovery::well_known_json_url(namespace, dev), discovery::cargo_publishers_url(namespace, dev)];
        let requests = urls.iter().map(Request::document).collect();
        let outcomes = context.network.fetch(requests);
        cargo_namespaces_cli::interrupt::check()?;
        let mut served = Self::default();
        let mut bodies = outcomes.into_iter().map(|outcome| match outcome.map(responses::document) {
            Ok(DocumentAnswer::Document(bytes)) => Some(bytes),
            Ok(DocumentAnswer::Other(status)) if status.is_of_server() => {
                served.unknown = Some(status.to_string());
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

impl NamespaceDocuments {
    /// Returns what a domain serves as its documents, for a namespace without an author's copy here.
    #[must_use]
    pub fn of_served(namespace: &Namespace, index: &IndexUrl, served: &Served) -> Self {
        let mut documents = Self::new(namespace.clone(), index.clone());
        if let Some(doc) = &served.json {
            documents.doc = PackageNamespaceDoc { index: Some(index.clone()), ..doc.clone() };
        }
        documents
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::documents;
    use super::*;

    #[test]
    fn what_is_served_without_an_index_is_given_one() {
        let served = Served { json: Some(PackageNamespaceDoc::default()), ..Served::default() };
        let index = IndexUrl::parse("sparse+https://crates.example/index/serde.rs/").unwrap();
        let made = NamespaceDocuments::of_served(&documents().namespace, &index, &served);
        assert_eq!(made.doc.index, Some(index));
    }
}
