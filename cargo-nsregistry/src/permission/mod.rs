//! Who may publish.
//!
//! The first release of a crate needs a key that the domain lists now, for the namespace or the crate. Later releases need an owner
//! of the crate, and if the operator wants that, a listed key, too. The former owner of a domain keeps the crates that they
//! published: the new owner starts crates of their own, or asks for a transfer.

pub mod message;

use std::sync::Arc;

use cargo_namespaces::api::CheckState;
use cargo_namespaces::domain_view::{DomainView, IndexError, Listing, RecordPlace};
use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::CrateName;
use cargo_namespaces::statement::{Endorsement, Revocation, Verified};
use cargo_namespaces::token::Scope;
use sqlx::AnyConnection;

use crate::auth;
use crate::config::{Config, Revalidate};
use crate::db::crates::{self, CrateId};
use crate::db::namespaces::{self, NamespaceState};
use crate::db::{DbError, ownership};
use crate::registry::Registry;
use crate::validate::answer::DomainAnswer;
use crate::validate::queue::{Asker, QueueFull};
use message::Asking;

/// It cannot be found out whether a key may publish.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PermissionError {
    /// The domain cannot be asked now.
    #[error(transparent)]
    QueueFull(#[from] QueueFull),
    #[error(transparent)]
    Database(#[from] DbError),
}

/// A key may not publish. The text is for its owner.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct NotPermitted {
    pub state: CheckState,
    message: String,
}

/// Whether a key may publish, and everything that was found out about that.
#[derive(Debug)]
pub struct Finding {
    pub state: CheckState,
    /// The refusal, or why there is none.
    pub message: String,
    /// The owners of the crate, if it exists.
    pub owners: Vec<PublicKey>,
    /// What the domain said, if it was asked.
    pub answer: Option<Arc<DomainAnswer>>,
    /// The record that lists the key, if the domain was asked and has one.
    pub proof: Option<(Scope, Vec<RecordPlace>)>,
}

impl Finding {
    fn new(state: CheckState, message: impl Into<String>) -> Self {
        Self { state, message: message.into(), owners: Vec::new(), answer: None, proof: None }
    }

    /// Returns the finding if the key may publish.
    ///
    /// # Errors
    /// The key may not publish.
    pub fn demand(self) -> Result<Self, NotPermitted> {
        if self.state == CheckState::MayPublish {
            return Ok(self);
        }
        Err(NotPermitted { state: self.state, message: self.message })
    }

    /// Returns the endorsements that the key made, as the domain publishes them: its successors and its recovery key.
    pub fn endorsed_by(&self, key: &PublicKey) -> Vec<Verified<Endorsement>> {
        let all = self.answer.iter().flat_map(|answer| answer.view.endorsements());
        all.filter(|endorsement| endorsement.by == *key).cloned().collect()
    }
}

/// What the rows say of a key, a namespace, and a crate of it.
#[derive(Clone, Debug, Default)]
pub struct Known {
    pub namespace: NamespaceState,
    /// The statement that revokes the key, if there is one.
    pub revocation: Option<Revocation>,
    /// The crate as it is spelled here, if there is one of that canonical name.
    pub spelled: Option<CrateName>,
    /// The owners of the crate.
    pub owners: Vec<PublicKey>,
}

impl Known {
    /// Reads what is known about a question.
    ///
    /// # Errors
    /// The database fails.
    pub async fn read(connection: &mut AnyConnection, asking: &Asking<'_>) -> Result<Self, DbError> {
        let namespace = namespaces::state(connection, asking.namespace).await?;
        let revocation = ownership::revocation_of(connection, asking.namespace, asking.key).await?;
        let Some(name) = asking.name else { return Ok(Self { namespace, revocation, ..Self::default() }) };
        let id = CrateId::of(name);
        let spelled = crates::find(connection, &id).await?.map(|(spelled, _)| spelled);
        let owners = if spelled.is_some() { ownership::owners(connection, &id).await? } else { Vec::new() };
        Ok(Self { namespace, revocation, spelled, owners })
    }
}

/// Finds out whether a key may publish the crate of `asking`, or if that names none, any crate of the namespace.
///
/// # Errors
/// The registry itself fails.
pub async fn find(
    registry: &Registry,
    asking: &Asking<'_>,
    asker: &Asker,
) -> Result<Finding, PermissionError> {
    let known = Known::read(registry.db.read().await?.connection(), asking).await?;
    if let Some(finding) = by_rows(&registry.config, asking, &known) {
        return Ok(finding);
    }
    let answer = ask_domain(registry, asking, asker).await?;
    Ok(by_domain(asking, &known, answer))
}

/// Asks the domain. An answer of a moment ago is used if it lists the key.
///
/// # Errors
/// There is no turn for this one.
pub async fn ask_domain(
    registry: &Registry,
    asking: &Asking<'_>,
    asker: &Asker,
) -> Result<Arc<DomainAnswer>, QueueFull> {
    let name = asking.subject();
    let lists = |view: &DomainView| matches!(view.listing(asking.key, &name), Listing::Listed { .. });
    registry.validator.ask(asking.namespace, asking.key, asker, lists).await
}

/// Returns whether the domain lets a key publish, whatever is published already. An answer of a moment ago is used.
///
/// # Errors
/// There is no turn for this one.
pub async fn is_listed(
    registry: &Registry,
    asking: &Asking<'_>,
    asker: &Asker,
) -> Result<bool, PermissionError> {
    let answer = registry.validator.ask(asking.namespace, asking.key, asker, |_| true).await?;
    Ok(by_domain(asking, &Known::default(), answer).state == CheckState::MayPublish)
}

/// Decides by what the rows say, or returns `None` if the domain must be asked. Pure.
pub fn by_rows(config: &Config, asking: &Asking<'_>, known: &Known) -> Option<Finding> {
    if let Some(reason) = &known.namespace.frozen {
        let contact = config.public.contact.as_deref().map(|to| format!("\nAsk: {to}"));
        let message = format!(
            "Nothing can be published in {} at present; the registry's operator has frozen it: {reason}{}",
            asking.namespace.display_both(),
            contact.unwrap_or_default()
        );
        return Some(Finding::new(CheckState::Blocked, message));
    }
    if let Some(revocation) = &known.revocation {
        return Some(Finding::new(CheckState::Blocked, auth::revoked(revocation)));
    }
    known.spelled.as_ref()?;
    let owners = known.owners.clone();
    if !owners.contains(asking.key) {
        let message = asking.name.map(|name| asking.others_crate(name, &owners)).unwrap_or_default();
        return Some(Finding { owners, ..Finding::new(CheckState::NotOwner, message) });
    }
    let is_enough = config.policy.revalidate == Revalidate::Creation;
    is_enough.then(|| Finding { owners, ..Finding::new(CheckState::MayPublish, "an owner of the crate") })
}

/// Decides by what the domain said. Pure.
pub fn by_domain(asking: &Asking<'_>, known: &Known, answer: Arc<DomainAnswer>) -> Finding {
    let (state, message, proof) = read_domain(asking, known, &answer);
    let seen = match state {
        CheckState::Stranger | CheckState::UnknownDomain | CheckState::OtherIndex => {
            message::seen(asking, &answer.observations, answer.at)
        }
        _ => String::new(),
    };
    Finding { state, message: message + &seen, owners: known.owners.clone(), answer: Some(answer), proof }
}

type Proof = Option<(Scope, Vec<RecordPlace>)>;

fn read_domain(asking: &Asking<'_>, known: &Known, answer: &DomainAnswer) -> (CheckState, String, Proof) {
    let view = &answer.view;
    let Listing::Listed { scope, places } = view.listing(asking.key, &asking.subject()) else {
        let is_claimed = known.namespace.has_crates || message::is_claimed(&answer.observations);
        return if is_claimed {
            (CheckState::Stranger, asking.stranger(), None)
        } else {
            (CheckState::UnknownDomain, asking.unknown_domain(), None)
        };
    };
    if let Some(revocation) = view.revocation_of(asking.key, &asking.index) {
        return (CheckState::Blocked, auth::revoked(revocation), None);
    }
    let text = match view.declared_index() {
        Ok(declared) if declared == asking.index => {
            let message = "the domain lists the key".to_owned();
            return (CheckState::MayPublish, message, Some((scope, places)));
        }
        Ok(declared) => asking.other_index(&declared),
        Err(error @ IndexError::Contradiction { .. }) => {
            format!("{error}.\nA namespace has one index: let all records name the same.")
        }
        Err(error @ IndexError::Unknown { .. }) => format!(
            "{error}.\nThe records that could be read name no index. Let them name it:\n\n  {}",
            asking.namespace_record()
        ),
    };
    (CheckState::OtherIndex, text, None)
}
