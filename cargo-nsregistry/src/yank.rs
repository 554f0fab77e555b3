//! Withdrawing a release, and taking that back: signed, and kept in the index line with its signature.

use cargo_namespaces::api::Done;
use cargo_namespaces::key::Signature;
use cargo_namespaces::limits::MAX_ATTESTATIONS;
use cargo_namespaces::name::QualifiedName;
use cargo_namespaces::statement::{Envelope, Yank, YankAttestation, YankOperation};
use semver::Version;

use crate::auth::{self, AuthError};
use crate::db::crates::{self, CrateId};
use crate::db::{DbError, audit};
use crate::files::{self, FilesError};
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
    /// There is no such release.
    #[error("there is no {name} {version}")]
    NoRelease {
        /// The crate.
        name: QualifiedName,
        /// The version.
        version: Version,
    },
    /// It was signed for other bytes.
    #[error("the statement was signed for another .crate")]
    OtherCrate,
    /// A later statement is there.
    #[error("a later statement about this release is there already; run the command again")]
    Outdated,
    /// The envelope holds no signature of its signer for this very statement.
    #[error("the statement's signature does not hold")]
    Signature,
    /// The database fails.
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
    token: Option<&str>,
) -> Result<Done, YankError> {
    let (signer, statement, envelope) = auth::yank(registry, &name.namespace, token)?;
    if statement.name != *name || statement.version != *version || statement.operation != operation {
        return Err(YankError::OtherRequest { name: statement.name, version: statement.version });
    }
    let nonce = statement.nonce.ok_or(YankError::NoNonce)?;
    let mut write = registry.db.write().await?;
    let connection = write.connection();
    let id = CrateId::of(name);
    let line = crates::line(connection, &id, version).await?;
    let there = line.filter(|line| line.vers == *version && line.name == name.krate);
    let mut line =
        there.ok_or_else(|| YankError::NoRelease { name: name.clone(), version: version.clone() })?;
    auth::owner(connection, &id, &name.namespace, &signer).await?;
    auth::use_up(connection, &nonce, statement.at).await?;
    if statement.cksum != line.cksum {
        return Err(YankError::OtherCrate);
    }
    // Of several, the latest counts, in one second the later in the list: an earlier one would change nothing for
    // whoever checks.
    if line.yank_attestations.last().is_some_and(|last| last.at > statement.at) {
        return Err(YankError::Outdated);
    }
    let yanked = operation == YankOperation::Yank;
    let what = if yanked { "yank" } else { "unyank" };
    if line.yanked == yanked {
        return Ok(Done::new(format!("{name} {version} was so already")));
    }
    let sig = signature(&envelope, &statement, &signer).ok_or(YankError::Signature)?;
    line.yanked = yanked;
    let (key, at, nonce) = (signer, statement.at, statement.nonce);
    line.yank_attestations.push(YankAttestation { operation, key, at, nonce, sig });
    if line.yank_attestations.len() > MAX_ATTESTATIONS {
        line.yank_attestations.remove(0);
    }
    crates::set_line(connection, &id, &line).await?;
    crates::mark_dirty(connection, &id).await?;
    audit::add(connection, &signer.to_string(), what, &format!("{name}@{version}"), "").await?;
    write.commit().await?;
    files::follow(registry, name).await.map_err(YankError::AcceptedPending)?;
    Ok(Done::new(format!("{what}ed {name} {version}")))
}

fn signature(
    envelope: &Envelope,
    statement: &Yank,
    key: &cargo_namespaces::key::PublicKey,
) -> Option<Signature> {
    use cargo_namespaces::statement::{PAYLOAD_TYPE, pae};
    let signed = pae(PAYLOAD_TYPE, &statement.to_bytes());
    envelope.signatures.iter().find_map(|signature| {
        let sig = Signature::from_bytes(<[u8; 64]>::try_from(signature.sig.as_slice()).ok()?);
        key.verify(&signed, &sig).ok().map(|()| sig)
    })
}
