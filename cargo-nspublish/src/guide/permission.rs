//! What a registry and a domain say to a key: the registry whether it may publish, the domain whether those who use the
//! crate accept what it signs.
//!
//! The two may differ. A registry lets an owner of a crate publish further versions, whoever the domain lists; everybody
//! else goes by the domain.

use std::cell::OnceCell;

use cargo_namespaces::api::{CheckResponse, CheckState};
use cargo_namespaces::domain_view::{DomainView, Listing};
use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::QualifiedName;
use cargo_namespaces_cli::shell::CliError;
use cargo_namespaces_net::client::HttpClient;
use cargo_namespaces_net::domain;

use crate::registry::Registry;
use crate::session::Session;

/// What was found out about a key and one crate, or any crate.
pub struct Permission {
    /// The registry's answer.
    pub answer: CheckResponse,
    /// Whether the domain lists the key; `None` when that is not known, or does not matter yet.
    pub listed: Option<bool>,
}

/// Asks about the keys of one namespace; its domain once at most.
pub struct Asking<'a> {
    session: &'a Session<'a>,
    registry: &'a Registry,
    view: OnceCell<DomainView>,
}

impl<'a> Asking<'a> {
    /// Asks this registry, and the domain of the namespace that it was found for.
    pub fn at(session: &'a Session<'a>, registry: &'a Registry) -> Self {
        Self { session, registry, view: OnceCell::new() }
    }

    /// Whether a key may publish a crate, or any crate, and whether the domain lists it.
    ///
    /// # Errors
    /// The registry does not answer, or Ctrl-C.
    pub fn ask(&self, key: &PublicKey, name: Option<&QualifiedName>) -> Result<Permission, CliError> {
        let answer = self.registry.check(key, name.map(|name| &name.krate))?;
        let listed = match (answer.state, name) {
            // The registry has just found the record itself.
            (CheckState::MayPublish, _) if answer.places.iter().any(|place| place.found) => Some(true),
            (CheckState::MayPublish, Some(name)) => self.is_listed(key, name)?,
            _ => None,
        };
        Ok(Permission { answer, listed })
    }

    /// Whether the domain lists a key for a crate; `None` when it does not answer.
    ///
    /// # Errors
    /// Ctrl-C.
    pub fn is_listed(&self, key: &PublicKey, name: &QualifiedName) -> Result<Option<bool>, CliError> {
        let view = match self.view.get() {
            Some(view) => view,
            None => {
                let client = HttpClient::new(self.session.settings.http.clone());
                let resolver = self.session.settings.resolver();
                let view = domain::gather(&self.registry.namespace, &client, &resolver)?;
                self.view.get_or_init(|| view)
            }
        };
        Ok(match view.standing(key, name) {
            Listing::Listed { .. } => Some(true),
            Listing::NotListed { .. } => Some(false),
            Listing::Unreachable { .. } => None,
        })
    }
}

/// Warns that the domain does not list a key with which a crate may be published, and says what lists it.
pub fn warn_of_unlisted(session: &Session<'_>, key: &PublicKey, name: &QualifiedName) {
    let domain = name.namespace.display_both();
    session.shell.warn(format!(
        "{domain} does not list the key {key}: whoever adds or updates to a release of {name} that it signs is stopped"
    ));
    session.shell.hint(format!(
        "whoever keeps the records of {domain} lists it, and puts them up:\n    cargo nspublish setup {} --authorize {}={key}",
        name.namespace, name.krate
    ));
}
