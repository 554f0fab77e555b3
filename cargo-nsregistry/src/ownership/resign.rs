//! Signatures that owners add to releases that are there.

use cargo_namespaces::api::{Done, ResignRequest};
use cargo_namespaces::name::QualifiedName;

use super::{CrateError, MOST, existing};
use crate::auth::{self, AuthError};
use crate::db::{DbError, audit, crates};
use crate::files::{self, FilesError};
use crate::refused_release::RefusedRelease;
use crate::registry::Registry;

/// Signatures are not taken. The text is for whoever sent them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResignError {
    /// One of the signatures, or its signer.
    #[error(transparent)]
    Auth(#[from] AuthError),
    #[error(transparent)]
    Crate(#[from] CrateError),
    /// More signatures than are read at a time.
    #[error("more than {MOST} signatures in one request")]
    TooMany,
    /// There is no such release, or it has as many signatures as any may have.
    #[error(transparent)]
    Rules(#[from] RefusedRelease),
    #[error(transparent)]
    Database(#[from] DbError),
    /// They are taken, and the files could not follow: that is done later, by itself.
    #[error("the files of a crate could not follow its rows")]
    AcceptedPending(#[source] FilesError),
}

/// Adds signatures by owners to releases that are there.
///
/// # Errors
/// One of them does not hold, or is by somebody else: none is taken then.
pub async fn resign(registry: &Registry, request: &ResignRequest) -> Result<Done, ResignError> {
    if request.releases.len() > MOST {
        return Err(ResignError::TooMany);
    }
    let index = registry.config.public.index_of(&request.namespace);
    let mut changed: Vec<QualifiedName> = Vec::new();
    let mut write = registry.db.write().await?;
    for release in &request.releases {
        let name = QualifiedName { namespace: request.namespace.clone(), krate: release.krate.clone() };
        let connection = write.connection();
        let id = existing(connection, &name).await?;
        let attestation = &release.attestation;
        auth::owner(connection, &id, &name.namespace, &attestation.key).await?;
        auth::not_in_the_future(attestation.at)?;
        let mut held = crates::held(connection, &name, &release.version, &index).await?;
        let line = held.get(&release.version).map_err(RefusedRelease::from)?;
        let statement = line.release_statement(&name, &index, attestation.at);
        let verified = statement.verify(attestation).map_err(AuthError::Statement)?;
        if !held.resign(&verified, None).map_err(RefusedRelease::from)? {
            continue;
        }
        let line = held.get(&release.version).map_err(RefusedRelease::from)?;
        crates::set_line(connection, &id, line).await?;
        crates::mark_dirty(connection, &id).await?;
        let subject = format!("{name}@{}", line.vers);
        audit::add(connection, &attestation.key.to_string(), "re-sign", &subject, "").await?;
        changed.push(name);
    }
    write.commit().await?;
    let count = changed.len();
    changed.sort();
    changed.dedup();
    for name in &changed {
        files::follow(registry, name).await.map_err(ResignError::AcceptedPending)?;
    }
    Ok(Done::new(format!("{count} releases were signed")))
}
