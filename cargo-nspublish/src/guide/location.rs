//! The three locations of records at a domain, and what belongs at each.

use std::path::PathBuf;

use cargo_namespaces::discovery::{self, DevRegistry};
use cargo_namespaces::name::Namespace;
use cargo_namespaces::token::Scope;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::PermissionRequest;
use super::records::{merged, publishers, upload, zone_line};
use crate::context::Context;
use crate::documents::{NamespaceDocuments, Served};
use crate::options::SiteOptions;
use cargo_namespaces::api::CheckState;
use cargo_namespaces_cli::shell::CliError;

/// A location where a record may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordLocation {
    /// `package-namespace.json`.
    Json,
    /// `cargo-publishers`.
    Publishers,
    /// DNS TXT.
    Txt,
}

impl RecordLocation {
    /// All three, the shortest first.
    pub const ALL: [Self; 3] = [Self::Publishers, Self::Txt, Self::Json];

    /// Where it is.
    pub fn address(self, namespace: &Namespace, dev: Option<DevRegistry>) -> String {
        match self {
            Self::Json => discovery::well_known_json_url(namespace, dev),
            Self::Publishers => discovery::cargo_publishers_url(namespace, dev),
            Self::Txt => {
                let [apex, label] = discovery::txt_names(namespace);
                format!("DNS, TXT at {apex} or at {label}")
            }
        }
    }

    /// Returns all that belongs there of a namespace's documents.
    ///
    /// # Errors
    /// It would be too long, or the file of the long one cannot be written.
    pub fn content(
        self,
        context: &Context<'_>,
        whole: &NamespaceDocuments,
        scope: &Scope,
        served: &Served,
    ) -> Result<Content, CliError> {
        Ok(match self {
            Self::Json => {
                let file = upload(context, whole, scope)?;
                Content { what: "this file", text: whole.doc.to_json(), file: Some(file) }
            }
            Self::Publishers => Content { what: "these lines", text: publishers(whole, served)?, file: None },
            Self::Txt => {
                let [apex, _] = discovery::txt_names(&whole.namespace);
                let lines: Vec<String> =
                    whole.records().iter().map(|record| zone_line(&apex, record) + "\n").collect();
                Content { what: "a record of each of these lines", text: lines.concat(), file: None }
            }
        })
    }
}

/// Returns the documents that would let a key publish for a scope, merged with what the domain serves now.
pub fn whole_for(
    request: &PermissionRequest<'_>,
    state: CheckState,
    scope: &Scope,
    served: &Served,
) -> Result<NamespaceDocuments, CliError> {
    let namespace = &request.registry.namespace;
    let own = NamespaceDocuments::find(request.context, &SiteOptions::default(), namespace)?;
    // At a domain of others, only the record is added to what they serve.
    let own = own.filter(|_| state == CheckState::UnknownDomain);
    let mut whole = match own {
        Some(mut own) => {
            if matches!(scope, Scope::Crate(_)) {
                // `setup` listed the key for the whole namespace; one crate was chosen, and nothing is served yet.
                let wider = own.token(&request.key);
                own.doc.authorized_keys.retain(|token| *token != wider);
            }
            merged(request.context, own, served)?
        }
        None => NamespaceDocuments::of_served(namespace, &request.registry.index, served),
    };
    whole.list_for(scope, &request.key);
    Ok(whole)
}

/// Returns the three locations for programs: where each is, the records, and all that belongs there. One of them is enough.
pub fn as_json(
    context: &Context<'_>,
    whole: &NamespaceDocuments,
    scope: &Scope,
    served: &Served,
) -> Result<Vec<Value>, CliError> {
    let dev = context.settings.namespaces.dev;
    let namespace = &whole.namespace;
    let one = |place: RecordLocation| -> Result<Value, CliError> {
        let content = place.content(context, whole, scope, served)?;
        let address = place.address(namespace, dev);
        let (url, names) = match place {
            RecordLocation::Txt => (None, Some(discovery::txt_names(namespace))),
            _ => (Some(&address), None),
        };
        Ok(json!({
            "scope": scope, "place": place, "address": address, "url": url, "txt_names": names,
            "records": whole.records(), "content": content.text, "file": content.file,
        }))
    };
    RecordLocation::ALL.into_iter().map(one).collect()
}

/// As [`as_json`], for the author's documents. Returns nothing unless the output is JSON.
pub fn places(context: &Context<'_>, documents: &NamespaceDocuments) -> Result<Vec<Value>, CliError> {
    if !context.shell.is_json() {
        return Ok(Vec::new());
    }
    let served = Served::by(context, &documents.namespace)?;
    let whole = merged(context, documents.clone(), &served)?;
    as_json(context, &whole, &Scope::Namespace(documents.namespace.clone()), &served)
}

/// What belongs at a location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// What kind of thing it is, in words.
    pub what: &'static str,
    /// The text itself.
    pub text: String,
    /// The file that it was written to, if it is too long for a terminal.
    pub file: Option<PathBuf>,
}

impl Content {
    /// As a person sees it.
    pub fn shown(&self) -> String {
        match &self.file {
            Some(file) => format!("{}\n", file.display()),
            None => self.text.clone(),
        }
    }
}
