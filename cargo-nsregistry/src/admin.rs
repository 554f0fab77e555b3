//! What an operator does from the command line, on the registry's own files: each act is in the audit log.

use cargo_namespaces::api::Event;
use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::{Namespace, QualifiedName};
use cargo_namespaces::time::Timestamp;
use serde::Serialize;

use crate::db::crates::{self, CrateId};
use crate::db::{Database, DbError, audit, namespaces, ownership};

/// Who an operator is in the audit log.
const OPERATOR: &str = "operator";

/// An act that cannot be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdminError {
    #[error(transparent)]
    Database(#[from] DbError),
    /// Nothing was ever published in the namespace.
    #[error("there is no crate of {} on this registry, so nothing was frozen", namespace.display_both())]
    UnknownNamespace {
        namespace: Namespace,
        /// One that there is, and that looks like it.
        similar: Option<String>,
    },
    /// It is not frozen.
    #[error("{} is not frozen", .0.display_both())]
    NotFrozen(Namespace),
    /// There is no such crate.
    #[error("there is no crate {0} on this registry")]
    NoCrate(QualifiedName),
}

impl AdminError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownNamespace { similar: Some(similar), .. } => Some(format!("did you mean {similar}?")),
            Self::UnknownNamespace { similar: None, .. } => {
                Some("`--unknown` freezes a namespace before its first crate comes".to_owned())
            }
            Self::NotFrozen(_) => Some("`cargo nsregistry freezes` lists those that are".to_owned()),
            _ => None,
        }
    }
}

/// Lets nothing be published in a namespace from now on. One that nothing was published in is most often a slip of the pen, and
/// the namespace that was meant would stay open: it is frozen only where `unknown` ones may be.
///
/// # Errors
/// The namespace is not known, or the database fails.
pub async fn freeze(
    db: &Database,
    namespace: &Namespace,
    reason: &str,
    unknown: bool,
) -> Result<(), AdminError> {
    let mut write = db.write().await?;
    let known = namespaces::all(write.connection()).await?;
    if !unknown && !known.iter().any(|known| known == namespace.as_str()) {
        let mut parsed = known.iter().filter_map(|known| Namespace::parse(known).ok());
        let similar = parsed.find(|known| known.looks_like(namespace)).map(|known| known.display_both());
        return Err(AdminError::UnknownNamespace { namespace: namespace.clone(), similar });
    }
    namespaces::set_frozen(write.connection(), namespace, Some(reason)).await?;
    audit::add(write.connection(), OPERATOR, "freeze", namespace.as_str(), reason).await?;
    Ok(write.commit().await?)
}

/// Lets things be published in a namespace again.
///
/// # Errors
/// It is not frozen, or the database fails.
pub async fn lift(db: &Database, namespace: &Namespace) -> Result<(), AdminError> {
    let mut write = db.write().await?;
    if namespaces::frozen(write.connection(), namespace).await?.is_none() {
        return Err(AdminError::NotFrozen(namespace.clone()));
    }
    namespaces::set_frozen(write.connection(), namespace, None).await?;
    audit::add(write.connection(), OPERATOR, "lift-freeze", namespace.as_str(), "").await?;
    Ok(write.commit().await?)
}

/// A namespace in which nothing may be published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Freeze {
    pub namespace: String,
    /// Since when, as far as the audit log knows.
    pub since: Option<Timestamp>,
    /// Why. In JSON `reason` is the kind of the message.
    #[serde(rename = "why")]
    pub reason: String,
}

/// Every freeze that is in force.
///
/// # Errors
/// The database fails.
pub async fn freezes(db: &Database) -> Result<Vec<Freeze>, AdminError> {
    let mut read = db.read().await?;
    let mut found = Vec::new();
    for (namespace, reason) in namespaces::freezes(read.connection()).await? {
        let since = audit::last(read.connection(), "freeze", &namespace).await?;
        found.push(Freeze { namespace, since, reason });
    }
    Ok(found)
}

/// The owners of a crate, before they are taken away.
///
/// # Errors
/// There is no such crate, or the database fails.
pub async fn owners(db: &Database, name: &QualifiedName) -> Result<Vec<PublicKey>, AdminError> {
    let mut read = db.read().await?;
    let id = CrateId::of(name);
    if crates::find(read.connection(), &id).await?.is_none() {
        return Err(AdminError::NoCrate(name.clone()));
    }
    Ok(ownership::owners(read.connection(), &id).await?)
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
    let before = ownership::owners(write.connection(), &id).await?;
    ownership::set_owner(write.connection(), &id, key, OPERATOR).await?;
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
