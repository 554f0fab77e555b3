//! Withdrawing a release, and taking that back: signed, and kept in the index line with its signature.

use cargo_namespaces::api::Done;
use cargo_namespaces::name::QualifiedName;
use cargo_namespaces::statement::YankOperation;
use semver::Version;

use crate::auth::{self, AuthError, Shown};
use crate::db::crates::{self, CrateId};
use crate::db::{DbError, audit};
use crate::files::{self, FilesError};
use crate::refused_release::RefusedRelease;
use crate::registry::Registry;

/// A release is not yanked or unyanked. The text is for whoever asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum YankError {
    /// The request, or its signer.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// It was signed for another release, or another operation.
    #[error("the statement was signed for another request: {name} {version}")]
    OtherRequest {
        /// The crate of the statement.
        name: QualifiedName,
        /// The version of the statement.
        version: Version,
    },
    /// It could be used again.
    #[error("the statement has no nonce, so it could be used again later")]
    NoNonce,
    /// There is no such release, the statement is for other bytes, or a later one is there.
    #[error(transparent)]
    Rules(#[from] RefusedRelease),
    #[error(transparent)]
    Database(#[from] DbError),
    /// It is yanked or unyanked, and the files could not follow: that is done later, by itself.
    #[error("the files of a crate could not follow its rows")]
    AcceptedPending(#[source] FilesError),
}

/// Yanks or unyanks a release.
///
/// # Errors
/// A refusal for whoever asks.
pub async fn yank(
    registry: &Registry,
    name: &QualifiedName,
    version: &Version,
    operation: YankOperation,
    shown: &Shown,
) -> Result<Done, YankError> {
    let statement = auth::yank(registry, &name.namespace, shown)?;
    let signer = statement.key();
    if statement.name != *name || statement.version != *version || statement.operation != operation {
        let (name, version) = (statement.name.clone(), statement.version.clone());
        return Err(YankError::OtherRequest { name, version });
    }
    let nonce = statement.nonce.ok_or(YankError::NoNonce)?;
    let mut write = registry.db.write().await?;
    let connection = write.connection();
    let id = CrateId::of(name);
    let mut held = crates::held(connection, name, version, &statement.index).await?;
    held.get(version).map_err(RefusedRelease::from)?;
    auth::owner(connection, &id, &name.namespace, &signer).await?;
    auth::use_up(connection, &nonce, statement.at).await?;
    let what = if operation == YankOperation::Yank { "yank" } else { "unyank" };
    if !held.yank(&statement).map_err(RefusedRelease::from)? {
        return Ok(Done::new(format!("{name} {version} is unchanged")));
    }
    crates::set_line(connection, &id, held.get(version).map_err(RefusedRelease::from)?).await?;
    crates::mark_dirty(connection, &id).await?;
    audit::add(connection, &signer.to_string(), what, &format!("{name}@{version}"), "").await?;
    write.commit().await?;
    files::follow(registry, name).await.map_err(YankError::AcceptedPending)?;
    Ok(Done::new(format!("{what}ed {name} {version}")))
}
