//! Whether the registry lets a key publish, and whether the domain lists the key, without which nobody accepts what it signs.
//!
//! The two may differ: a registry lets an owner of a crate publish further versions, even if the domain does not list the key.

use std::cell::OnceCell;

use cargo_namespaces::api::{CheckResponse, CheckState};
use cargo_namespaces::domain_view::{DomainView, Listing};
use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::QualifiedName;
use cargo_namespaces_cli::interrupt::Interrupted;
use cargo_namespaces_cli::shell::CliError;

use crate::context::Context;
use crate::registry::{RegistryClient, RegistryError};

/// Why it is not known.
#[derive(Debug, thiserror::Error)]
pub enum PermissionError {
    /// The registry does not answer, or refuses.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// Ctrl-C.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

impl From<PermissionError> for CliError {
    fn from(error: PermissionError) -> Self {
        match error {
            PermissionError::Registry(error) => error.into(),
            PermissionError::Interrupted(error) => error.into(),
        }
    }
}

/// What was found out about a key and one crate, or any crate.
pub struct Permission {
    /// The registry's answer.
    pub answer: CheckResponse,
    /// Whether the domain lists the key; `None` when that is not known, or does not matter yet.
    pub listed: Option<bool>,
}

/// Asks about the keys of one namespace. It asks the domain once at most.
pub struct PermissionCheck<'a> {
    context: &'a Context<'a>,
    registry: &'a RegistryClient<'a>,
    view: OnceCell<DomainView>,
}

impl<'a> PermissionCheck<'a> {
    /// Returns a check that asks this registry, and the domain of its namespace.
    pub fn at(context: &'a Context<'a>, registry: &'a RegistryClient<'a>) -> Self {
        Self { context, registry, view: OnceCell::new() }
    }

    /// Whether a key may publish a crate, or any crate, and whether the domain lists it.
    pub fn ask(&self, key: &PublicKey, name: Option<&QualifiedName>) -> Result<Permission, PermissionError> {
        let answer = self.registry.check(key, name.map(|name| &name.krate))?;
        let listed = match (answer.state, name) {
            // The registry has just found the record.
            (CheckState::MayPublish, _) if answer.places.iter().any(|place| place.found) => Some(true),
            (CheckState::MayPublish, Some(name)) => self.is_listed(key, name)?,
            _ => None,
        };
        Ok(Permission { answer, listed })
    }

    /// Whether the domain lists a key for a crate; `None` when it does not answer.
    pub fn is_listed(&self, key: &PublicKey, name: &QualifiedName) -> Result<Option<bool>, Interrupted> {
        let view = match self.view.get() {
            Some(view) => view,
            None => {
                let view = self.context.network.view(&self.registry.namespace)?;
                self.view.get_or_init(|| view)
            }
        };
        Ok(match view.listing(key, name) {
            Listing::Listed { .. } => Some(true),
            Listing::NotListed { .. } => Some(false),
            Listing::Unreachable { .. } => None,
        })
    }
}

/// Warns that the domain does not list a key with which a crate may be published, and says what lists it.
pub fn warn_of_unlisted(context: &Context<'_>, key: &PublicKey, name: &QualifiedName) {
    let domain = name.namespace.display_both();
    context.shell.warn(format!(
        "{domain} does not list the key {key}: clients refuse releases of {name} that it signs"
    ));
    context.shell.hint(format!(
        "the operator of {domain} can list it, and upload the records:\n    cargo nspublish setup {} --authorize {}={key}",
        name.namespace, name.krate
    ));
}
