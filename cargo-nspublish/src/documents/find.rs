//! Finds the documents: the author's copy, the one of the static index, and the one that the domain serves.

use std::path::Path;

use cargo_namespaces::discovery::{self, DocumentError, PackageNamespaceDoc};
use cargo_namespaces::name::{IndexUrl, Namespace};
use cargo_namespaces::statement::{Endorsement, Revocation};
use cargo_namespaces_cli::interrupt;
use cargo_namespaces_cli::network::Transport as _;
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode};
use cargo_namespaces_net::client::Request;
use cargo_namespaces_net::fs;

use super::merge::joined;
use super::responses::{self, DocumentAnswer};
use super::{NamespaceDocuments, WellKnownDir, dropped};
use crate::context::Context;
use crate::options::SiteOptions;

impl NamespaceDocuments {
    /// Returns the documents: the author's copy joined with those of the site. If neither exists, the domain is asked.
    ///
    /// # Errors
    /// A file cannot be read, or the two name different indexes.
    pub fn find(
        context: &Context<'_>,
        site: &SiteOptions,
        namespace: &Namespace,
    ) -> Result<Option<Self>, CliError> {
        Self::find_for(context, site, namespace, None)
    }

    /// As [`NamespaceDocuments::find`], but with `instead` as the index. A statement is bound to an index, so those about
    /// another index are left out.
    pub fn find_for(
        context: &Context<'_>,
        site: &SiteOptions,
        namespace: &Namespace,
        instead: Option<&IndexUrl>,
    ) -> Result<Option<Self>, CliError> {
        let moved = |found: Option<Self>| match (found, instead) {
            (Some(found), Some(index)) => Some(found.moved(index)),
            (found, _) => found,
        };
        let mut own = moved(read(&Self::path(&context.settings.cargo_home, namespace), namespace)?);
        if let Some(own) = &mut own {
            own.found_at = None;
        }
        let index = own.as_ref().map_or_else(|| IndexUrl::default_for(namespace), |own| own.index.clone());
        let published = match WellKnownDir::of(context, site, namespace, &index) {
            Some(place) => moved(read(&place.json(), namespace)?),
            None => None,
        };
        let mut found = match (own, published) {
            (Some(own), Some(published)) => Some(merge(context, site, &own, published)?),
            (None, None) => moved(ask_domain(context, namespace)?),
            (own, published) => own.or(published),
        };
        if let Some(found) = &mut found {
            let dropped = dropped::read(context, namespace)?;
            found.dropped =
                dropped.into_iter().filter(|token| !found.doc.authorized_keys.contains(token)).collect();
        }
        Ok(found)
    }

    /// As [`NamespaceDocuments::find`]; it is an error if there are no documents.
    pub fn require(
        context: &Context<'_>,
        site: &SiteOptions,
        namespace: &Namespace,
    ) -> Result<Self, CliError> {
        Self::find(context, site, namespace)?.ok_or_else(|| no_documents(namespace, site))
    }

    /// What one document says; its index is the default one where it declares none.
    fn of_document(mut doc: PackageNamespaceDoc, namespace: &Namespace, place: &str) -> Self {
        let index = doc.index.get_or_insert_with(|| IndexUrl::default_for(namespace)).clone();
        Self { doc, found_at: Some(place.to_owned()), ..Self::new(namespace.clone(), index) }
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

/// The error for a namespace without documents. The hint is the command that makes them, with these flags.
pub fn no_documents(namespace: &Namespace, site: &SiteOptions) -> CliError {
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

/// Reads a document from a file.
fn read(path: &Path, namespace: &Namespace) -> Result<Option<NamespaceDocuments>, CliError> {
    let Some(bytes) = fs::read_if_exists(path)? else {
        return Ok(None);
    };
    let place = format!("`{}`", path.display());
    let doc = PackageNamespaceDoc::parse(&bytes)
        .with_context(ExitCode::InvalidInput, || format!("{place} cannot be used"))?;
    Ok(Some(NamespaceDocuments::of_document(doc, namespace, &place)))
}

/// The author's copy joined with the site's, which must name the same index.
fn merge(
    context: &Context<'_>,
    site: &SiteOptions,
    own: &NamespaceDocuments,
    published: NamespaceDocuments,
) -> Result<NamespaceDocuments, CliError> {
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
    Ok(joined(own, &context.store.book()?, published))
}

/// Asks the domain what it publishes, for a machine that has no copy. If the domain cannot be reached, this warns, and the
/// command goes on without.
fn ask_domain(context: &Context<'_>, namespace: &Namespace) -> Result<Option<NamespaceDocuments>, CliError> {
    if context.is_offline() {
        return Ok(None);
    }
    let url = discovery::well_known_json_url(namespace, context.settings.namespaces.dev);
    let asked = context.asked.borrow().get(namespace).cloned();
    let doc = match asked {
        Some(doc) => doc,
        None => {
            let doc = fetch(context, namespace, &url)?;
            context.asked.borrow_mut().insert(namespace.clone(), doc.clone());
            doc
        }
    };
    Ok(doc.map(|doc| NamespaceDocuments::of_document(doc, namespace, &url)))
}

fn fetch(
    context: &Context<'_>,
    namespace: &Namespace,
    url: &str,
) -> Result<Option<PackageNamespaceDoc>, CliError> {
    context.shell.verbose("Fetching", url);
    let outcome = context.network.fetch_one(Request::document(url));
    interrupt::check()?;
    let problem = match outcome.map(responses::document) {
        Ok(DocumentAnswer::Document(bytes)) => match PackageNamespaceDoc::parse(&bytes) {
            Ok(doc) => {
                context.shell.status("Found", format!("the documents of {namespace} at {url}"));
                return Ok(Some(doc));
            }
            // Some hosts answer any path with a page.
            Err(DocumentError::NotJson) => None,
            Err(error) => Some(error.to_string()),
        },
        Ok(DocumentAnswer::Absent) => None,
        Ok(DocumentAnswer::Redirected(status) | DocumentAnswer::Other(status)) => {
            Some(format!("it answers with {status}"))
        }
        Err(error) => Some(error.to_string()),
    };
    if let Some(problem) = problem {
        context.shell.warn(format!(
            "the documents that {namespace} may publish already were not found ({problem}): if it was set up on \
             another machine, what that one wrote is missing here"
        ));
    }
    Ok(None)
}
