//! Who may publish.
//!
//! The first release of a crate needs a token that stands now, for the namespace or the crate. Later ones need an owner of
//! the crate, and where the operator wants that, a standing token too. Whoever owned a domain before keeps what they
//! published: the new owner starts crates of their own, or asks for a transfer.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use cargo_namespaces::api::CheckState;
use cargo_namespaces::domain_view::{DomainView, IndexError, Listing, RecordPlace};
use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::{IndexUrl, Namespace, QualifiedName};
use cargo_namespaces::statement::{Endorsement, Revocation, Verified};
use cargo_namespaces::token::Scope;

use crate::app::Registry;
use crate::auth;
use crate::config::Revalidate;
use crate::db::crates::{self, CrateId};
use crate::db::people;
use crate::error::ApiError;
use crate::refusal::{self, Asking};
use crate::validate::Observed;
use crate::validate::queue::{Asker, Full};

/// When whoever finds too many domains being asked may come again: the slowest has answered by then.
const AGAIN: Duration = Duration::from_secs(10);

/// What stands between a key and a publish, and everything that was found out on the way.
#[derive(Debug)]
pub struct Finding {
    /// What it comes to.
    pub state: CheckState,
    /// The refusal, or that there is none.
    pub message: String,
    /// The crate's owners, when it exists.
    pub owners: Vec<PublicKey>,
    /// What the domain said, when it was asked.
    pub observed: Option<Arc<Observed>>,
    /// The record that stands, when the domain was asked and one does.
    pub proof: Option<(Scope, Vec<RecordPlace>)>,
}

impl Finding {
    fn new(state: CheckState, message: impl Into<String>) -> Self {
        Self { state, message: message.into(), owners: Vec::new(), observed: None, proof: None }
    }

    /// The finding as a publish meets it.
    ///
    /// # Errors
    /// It is anything but that the key may publish.
    pub fn demand(self) -> Result<Self, ApiError> {
        let code = match self.state {
            CheckState::MayPublish => return Ok(self),
            CheckState::UnknownDomain => "unknown-domain",
            CheckState::Stranger => "stranger",
            CheckState::OtherIndex => "other-index",
            CheckState::NotOwner => "not-owner",
            CheckState::Blocked => "blocked",
        };
        Err(ApiError::new(StatusCode::FORBIDDEN, code, self.message))
    }

    /// Endorsements that the key made, as the domain publishes them: who continues it, and its recovery key.
    pub fn endorsed_by(&self, key: &PublicKey) -> Vec<Verified<Endorsement>> {
        let all = self.observed.iter().flat_map(|observed| observed.view.endorsements());
        all.filter(|endorsement| endorsement.by == *key).cloned().collect()
    }
}

/// Whether `key` may publish in a namespace: `name`, or without one, any crate.
///
/// # Errors
/// The registry itself fails.
pub async fn find(
    registry: &Registry,
    namespace: &Namespace,
    name: Option<&QualifiedName>,
    key: &PublicKey,
    asker: &Asker,
) -> Result<Finding, ApiError> {
    let index = registry.config.public.index_of(namespace);
    let asking = Asking { registry: registry.config.public.host(), namespace, name, index: &index, key };
    let known = look_up(registry, namespace, name, key).await?;
    if let Some(reason) = known.frozen {
        let contact = registry.config.public.contact.as_deref().map(|to| format!("\nAsk: {to}"));
        let message = format!(
            "Nothing can be published in {} at present; the registry's operator has frozen it: {reason}{}",
            namespace.display_both(),
            contact.unwrap_or_default()
        );
        return Ok(Finding::new(CheckState::Blocked, message));
    }
    if let Some(revocation) = known.revocation {
        return Ok(Finding::new(CheckState::Blocked, auth::revoked(&revocation)));
    }
    let owners = known.owners;
    if known.exists && !owners.contains(key) {
        let message = name.map(|name| asking.others_crate(name, &owners)).unwrap_or_default();
        return Ok(Finding { owners, ..Finding::new(CheckState::NotOwner, message) });
    }
    if known.exists && registry.config.policy.revalidate == Revalidate::Creation {
        return Ok(Finding { owners, ..Finding::new(CheckState::MayPublish, "an owner of the crate") });
    }
    let any = any_crate(namespace);
    let stands =
        |view: &DomainView| matches!(view.standing(key, name.unwrap_or(&any)), Listing::Listed { .. });
    Ok(Finding { owners, ..ask(registry, &asking, &index, asker, stands).await? })
}

/// What the rows say of a namespace, a crate of it and a key.
struct Known {
    frozen: Option<String>,
    revocation: Option<Revocation>,
    exists: bool,
    owners: Vec<PublicKey>,
}

async fn look_up(
    registry: &Registry,
    namespace: &Namespace,
    name: Option<&QualifiedName>,
    key: &PublicKey,
) -> Result<Known, ApiError> {
    let mut read = registry.db.read().await?;
    let connection = read.connection();
    let frozen = crates::frozen(connection, namespace).await?;
    let revocation = people::revocation_of(connection, namespace, key).await?;
    let (mut exists, mut owners) = (false, Vec::new());
    if let Some(name) = name {
        let id = CrateId::of(name);
        exists = crates::find(connection, &id).await?.is_some();
        owners = people::owners(connection, &id).await?;
    }
    Ok(Known { frozen, revocation, exists, owners })
}

/// Whether the domain lets `key` publish `name`, or without one, any crate: whatever is published already, and as the domain
/// said a moment ago, if it was asked then.
///
/// # Errors
/// The registry itself fails.
pub async fn by_domain(
    registry: &Registry,
    namespace: &Namespace,
    name: Option<&QualifiedName>,
    key: &PublicKey,
    asker: &Asker,
) -> Result<Finding, ApiError> {
    let index = registry.config.public.index_of(namespace);
    let asking = Asking { registry: registry.config.public.host(), namespace, name, index: &index, key };
    ask(registry, &asking, &index, asker, |_| true).await
}

/// What the domain says.
async fn ask(
    registry: &Registry,
    asking: &Asking<'_>,
    index: &IndexUrl,
    asker: &Asker,
    content: impl Fn(&DomainView) -> bool,
) -> Result<Finding, ApiError> {
    let key = asking.key;
    // Without a name any one does: only a token for the whole namespace covers it.
    let name = asking.name.cloned().unwrap_or_else(|| any_crate(asking.namespace));
    let observed = registry.validator.ask(asking.namespace, key, asker, content).await.map_err(no_turn)?;
    let view = &observed.view;
    let standing = view.standing(key, &name);
    let seen = refusal::seen(asking, &observed.observations, observed.at);
    let with = |finding: Finding| Finding { observed: Some(Arc::clone(&observed)), ..finding };
    let (scope, places) = match standing {
        Listing::Listed { scope, places } => (scope, places),
        Listing::NotListed { .. } | Listing::Unreachable { .. } => {
            let mut read = registry.db.read().await?;
            let known = !crates::of_namespace(read.connection(), asking.namespace).await?.is_empty();
            let claimed = known || refusal::is_claimed(&observed.observations);
            let (state, text) = if claimed {
                (CheckState::Stranger, asking.stranger())
            } else {
                (CheckState::UnknownDomain, asking.unknown_domain())
            };
            return Ok(with(Finding::new(state, text + &seen)));
        }
    };
    if let Some(revocation) = view.revocation_of(key, index) {
        return Ok(with(Finding::new(CheckState::Blocked, auth::revoked(revocation))));
    }
    let finding = match view.declared_index() {
        Ok(declared) if declared == *index => {
            let proof = Some((scope, places));
            Finding { proof, ..Finding::new(CheckState::MayPublish, "the domain lists the key") }
        }
        Ok(declared) => Finding::new(CheckState::OtherIndex, asking.other_index(&declared) + &seen),
        Err(error @ IndexError::Contradiction { .. }) => {
            let text = format!("{error}.\nA namespace has one index: let all records name the same.");
            Finding::new(CheckState::OtherIndex, text + &seen)
        }
        Err(error @ IndexError::Unknown { .. }) => {
            let text = format!(
                "{error}.\nThe records that could be read name no index. Let them name it:\n\n  {}",
                asking.namespace_record()
            );
            Finding::new(CheckState::OtherIndex, text + &seen)
        }
    };
    Ok(with(finding))
}

fn no_turn(full: Full) -> ApiError {
    match full {
        Full::Client => ApiError::too_many(
            "too many domains are being asked for you at present: for your address, your key or this domain; try again in a \
             while",
            AGAIN,
        ),
        Full::Others => ApiError::busy(
            "the registry asks as many domains as it can at present, for others; try again in a while",
            AGAIN,
        ),
    }
}

fn any_crate(namespace: &Namespace) -> QualifiedName {
    let krate = "any-crate".parse().expect("a plain name");
    QualifiedName { namespace: namespace.clone(), krate }
}
