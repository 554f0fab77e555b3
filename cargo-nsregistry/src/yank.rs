//! Withdrawing a release, and taking that back: signed, and kept in the index line with its signature.

use cargo_namespaces::api::Done;
use cargo_namespaces::name::QualifiedName;
use cargo_namespaces::statement::YankOperation;
use semver::Version;

use crate::app::Registry;
use crate::auth::Shown;
use crate::db::audit;
use crate::db::crates::{self, CrateId};
use crate::error::ApiError;
use crate::{auth, files};

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
) -> Result<Done, ApiError> {
    let statement = auth::yank(registry, &name.namespace, shown)?;
    let signer = statement.key();
    if statement.name != *name || statement.version != *version || statement.operation != operation {
        let detail =
            format!("the statement was signed for another request: {} {}", statement.name, statement.version);
        return Err(ApiError::forbidden("other-release", detail));
    }
    let Some(nonce) = statement.nonce else {
        return Err(ApiError::forbidden(
            "no-nonce",
            "the statement has no nonce, so it could be used again later",
        ));
    };
    let mut write = registry.db.write().await?;
    let connection = write.connection();
    let id = CrateId::of(name);
    let mut held = crates::held(connection, name, version, &statement.index).await?;
    held.get(version)?;
    auth::owner(connection, &id, &name.namespace, &signer).await?;
    auth::use_up(connection, &nonce, statement.at).await?;
    let what = if operation == YankOperation::Yank { "yank" } else { "unyank" };
    if !held.yank(&statement)? {
        return Ok(Done::new(format!("{name} {version} was so already")));
    }
    crates::set_line(connection, &id, held.get(version)?).await?;
    crates::mark_dirty(connection, &id).await?;
    audit::add(connection, &signer.to_string(), what, &format!("{name}@{version}"), "").await?;
    write.commit().await?;
    files::follow(registry, name).await.map_err(ApiError::recorded)?;
    Ok(Done::new(format!("{what}ed {name} {version}")))
}
