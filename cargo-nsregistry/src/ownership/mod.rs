//! Owners, transfers, and statements about keys: what signed requests change.
//!
//! An endorsement by an owner makes the endorsed key an owner too, of the crates that it covers: so a rotation keeps a
//! person's crates, and a recovery key can save them. A revoked key speaks no more, and stays listed for all to see.

pub mod documents;
pub mod resign;

use cargo_namespaces::api::Done;
use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::{CrateName, QualifiedName};
use cargo_namespaces::statement::{Envelope, OwnersChange, OwnersOperation, Transfer, TransferStep};
use sqlx::AnyConnection;

use crate::auth::{self, AuthError};
use crate::db::crates::{self, CrateId};
use crate::db::{DbError, audit, ownership as rows};
use crate::registry::Registry;

/// Most statements or signatures in one request.
const MOST: usize = 1000;

/// The crate of a request is not here.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CrateError {
    /// It is here under another spelling.
    #[error("the crate is spelled `{0}`")]
    OtherSpelling(CrateName),
    /// It is not here at all.
    #[error("there is no crate {0} on this registry")]
    Missing(QualifiedName),
    #[error(transparent)]
    Database(#[from] DbError),
}

/// The owners of a crate stay as they are. The text is for whoever asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OwnershipError {
    /// The request, or its signer.
    #[error(transparent)]
    Auth(#[from] AuthError),
    #[error(transparent)]
    Crate(#[from] CrateError),
    /// The key to be removed owns nothing.
    #[error("{key} is no owner of {name}")]
    NoSuchOwner { key: PublicKey, name: QualifiedName },
    /// Nobody would own the crate.
    #[error("{key} is the only owner of {name}; a crate has at least one. Add another first.")]
    LastOwner { key: PublicKey, name: QualifiedName },
    /// There is no offer to withdraw.
    #[error("{name} is not offered to {to}")]
    NoOffer {
        name: QualifiedName,
        /// To whom the offer would be.
        to: PublicKey,
    },
    /// There is no offer to accept.
    #[error("{name} is not offered to {signer}; ask one of its owners to offer it")]
    NotOffered {
        name: QualifiedName,
        /// Who would accept it.
        signer: PublicKey,
    },
    #[error(transparent)]
    Database(#[from] DbError),
}

/// The id of a crate that is here, by exactly this name.
async fn existing(connection: &mut AnyConnection, name: &QualifiedName) -> Result<CrateId, CrateError> {
    let id = CrateId::of(name);
    match crates::find(connection, &id).await? {
        Some((spelled, _)) if spelled == name.krate => Ok(id),
        Some((spelled, _)) => Err(CrateError::OtherSpelling(spelled)),
        None => Err(CrateError::Missing(name.clone())),
    }
}

/// Adds an owner or takes one away.
///
/// # Errors
/// A refusal for whoever asks.
pub async fn change_owners(registry: &Registry, envelope: &Envelope) -> Result<Done, OwnershipError> {
    let change = envelope.open::<OwnersChange>().map_err(AuthError::Statement)?;
    let signer = change.key();
    auth::same_index(registry, &change.name.namespace, &change.index)?;
    auth::fresh(change.at)?;
    let mut write = registry.db.write().await?;
    let connection = write.connection();
    let id = existing(connection, &change.name).await?;
    auth::owner(connection, &id, &change.name.namespace, &signer).await?;
    auth::use_up(connection, &change.nonce, change.at).await?;
    let owners = rows::owners(connection, &id).await?;
    let (name, key) = (&change.name, &change.key);
    let action = match change.operation {
        OwnersOperation::Add => {
            auth::not_revoked(connection, &name.namespace, key).await?;
            rows::add_owner(connection, &id, key, &signer.to_string()).await?;
            "add-owner"
        }
        OwnersOperation::Remove if !owners.contains(key) => {
            return Err(OwnershipError::NoSuchOwner { key: *key, name: name.clone() });
        }
        OwnersOperation::Remove if owners.len() == 1 => {
            return Err(OwnershipError::LastOwner { key: *key, name: name.clone() });
        }
        OwnersOperation::Remove => {
            rows::remove_owner(connection, &id, key).await?;
            "remove-owner"
        }
    };
    audit::add(connection, &signer.to_string(), action, &name.to_string(), &key.to_string()).await?;
    write.commit().await?;
    Ok(Done::new(match change.operation {
        OwnersOperation::Add => format!("{key} is an owner of {name}"),
        OwnersOperation::Remove => format!("{key} is no longer an owner of {name}"),
    }))
}

/// A step of a transfer.
///
/// # Errors
/// A refusal for whoever asks.
pub async fn transfer(registry: &Registry, envelope: &Envelope) -> Result<Done, OwnershipError> {
    let step = envelope.open::<Transfer>().map_err(AuthError::Statement)?;
    let signer = step.key();
    let (name, to) = (&step.name, &step.to);
    auth::same_index(registry, &name.namespace, &step.index)?;
    auth::fresh(step.at)?;
    let mut write = registry.db.write().await?;
    let connection = write.connection();
    let id = existing(connection, name).await?;
    let offered = rows::offer(connection, &id).await?;
    let (action, done) = match step.step {
        TransferStep::Offer => {
            auth::owner(connection, &id, &name.namespace, &signer).await?;
            auth::not_revoked(connection, &name.namespace, to).await?;
            rows::set_offer(connection, &id, Some(to), &signer).await?;
            (
                "transfer-offer",
                format!(
                    "{name} is offered to {to}, who accepts it with `cargo nspublish transfer {name} --accept`"
                ),
            )
        }
        TransferStep::Withdraw => {
            auth::owner(connection, &id, &name.namespace, &signer).await?;
            if offered != Some(*to) {
                return Err(OwnershipError::NoOffer { name: name.clone(), to: *to });
            }
            rows::set_offer(connection, &id, None, &signer).await?;
            ("transfer-withdraw", format!("{name} is no longer offered to {to}"))
        }
        TransferStep::Accept => {
            if signer != *to || offered != Some(*to) {
                return Err(OwnershipError::NotOffered { name: name.clone(), signer });
            }
            auth::not_revoked(connection, &name.namespace, to).await?;
            rows::set_owner(connection, &id, to, "transfer").await?;
            ("transfer-accept", format!("{name} is yours: {to} is its only owner"))
        }
    };
    auth::use_up(connection, &step.nonce, step.at).await?;
    audit::add(connection, &signer.to_string(), action, &name.to_string(), &to.to_string()).await?;
    write.commit().await?;
    Ok(Done::new(done))
}
