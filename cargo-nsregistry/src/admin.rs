//! What an operator does from the command line, on the registry's own files: each act is in the audit log.

use cargo_namespaces::api::Event;
use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::{Namespace, QualifiedName};

use crate::db::crates::{self, CrateId};
use crate::db::{Database, DbError, audit, people};

/// Who an operator is in the audit log.
const OPERATOR: &str = "operator";

/// An act that cannot be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdminError {
    /// The database fails.
    #[error(transparent)]
    Database(#[from] DbError),
    /// There is no such crate.
    #[error("there is no crate {0} on this registry")]
    NoCrate(QualifiedName),
}

/// Lets nothing be published in a namespace from now on, or lifts that.
///
/// # Errors
/// The database fails.
pub async fn freeze(db: &Database, namespace: &Namespace, reason: Option<&str>) -> Result<(), AdminError> {
    let mut write = db.write().await?;
    crates::set_frozen(write.connection(), namespace, reason).await?;
    let action = if reason.is_some() { "freeze" } else { "lift-freeze" };
    let detail = reason.unwrap_or_default();
    audit::add(write.connection(), OPERATOR, action, namespace.as_str(), detail).await?;
    Ok(write.commit().await?)
}

/// Makes `key` the only owner of a crate: the last resort when all its keys are lost. The crate's own history shows it.
///
/// # Errors
/// There is no such crate, or the database fails.
pub async fn reset_owner(
    db: &Database,
    name: &QualifiedName,
    key: &PublicKey,
    reason: &str,
) -> Result<(), AdminError> {
    let mut write = db.write().await?;
    let id = CrateId::of(name);
    let Some((spelled, _)) = crates::find(write.connection(), &id).await? else {
        return Err(AdminError::NoCrate(name.clone()));
    };
    let before = people::owners(write.connection(), &id).await?;
    people::set_owner(write.connection(), &id, key, OPERATOR).await?;
    let before: Vec<String> = before.iter().map(ToString::to_string).collect();
    let detail = format!("to {key}, from {}: {reason}", before.join(" "));
    let subject = format!("{}/{spelled}", name.namespace);
    audit::add(write.connection(), OPERATOR, "reset-owner", &subject, &detail).await?;
    Ok(write.commit().await?)
}

/// The last entries of the audit log, oldest first.
///
/// # Errors
/// The database fails.
pub async fn audit(db: &Database, subject: Option<&str>, most: u32) -> Result<Vec<Event>, AdminError> {
    Ok(audit::list(db.read().await?.connection(), subject, i64::from(most)).await?)
}
