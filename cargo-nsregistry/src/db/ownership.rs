//! Keys and what they may: owners, offers, documents; nonces and proofs.

use cargo_namespaces::digest::Digest;
use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::Namespace;
use cargo_namespaces::statement::{Endorsement, Envelope, Nonce, Revocation};
use cargo_namespaces::time::Timestamp;
use cargo_namespaces::token::Scope;
use cargo_namespaces_cli::clock;
use sqlx::AnyConnection;

use super::DbError;
use super::crates::CrateId;

fn key(text: &str) -> Result<PublicKey, DbError> {
    PublicKey::parse(text).map_err(DbError::corrupt("a key"))
}

/// The owners of a crate, in the order in which they became it.
///
/// # Errors
/// The database fails.
pub async fn owners(connection: &mut AnyConnection, id: &CrateId) -> Result<Vec<PublicKey>, DbError> {
    let rows: Vec<(String,)> =
        sqlx::query_as("SELECT owner_key FROM owners WHERE crate_id = $1 ORDER BY added_at, owner_key")
            .bind(id.as_str())
            .fetch_all(connection)
            .await?;
    rows.iter().map(|(text,)| key(text)).collect()
}

/// Makes `owner` an owner, if it is none.
///
/// # Errors
/// The database fails.
pub async fn add_owner(
    connection: &mut AnyConnection,
    id: &CrateId,
    owner: &PublicKey,
    by: &str,
) -> Result<(), DbError> {
    sqlx::query(
        "INSERT INTO owners (crate_id, owner_key, added_by, added_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (crate_id, owner_key) DO NOTHING",
    )
    .bind(id.as_str())
    .bind(owner.to_string())
    .bind(by)
    .bind(clock::now().to_string())
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes one owner away.
///
/// # Errors
/// The database fails.
pub async fn remove_owner(
    connection: &mut AnyConnection,
    id: &CrateId,
    owner: &PublicKey,
) -> Result<(), DbError> {
    sqlx::query("DELETE FROM owners WHERE crate_id = $1 AND owner_key = $2")
        .bind(id.as_str())
        .bind(owner.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

/// Makes `owner` the only owner, and ends any offer.
///
/// # Errors
/// The database fails.
pub async fn set_owner(
    connection: &mut AnyConnection,
    id: &CrateId,
    owner: &PublicKey,
    by: &str,
) -> Result<(), DbError> {
    for statement in ["DELETE FROM owners WHERE crate_id = $1", "DELETE FROM transfers WHERE crate_id = $1"] {
        sqlx::query(statement).bind(id.as_str()).execute(&mut *connection).await?;
    }
    add_owner(connection, id, owner, by).await
}

/// The crates of a namespace that `owner` owns.
///
/// # Errors
/// The database fails.
pub async fn owned_by(
    connection: &mut AnyConnection,
    namespace: &Namespace,
    owner: &PublicKey,
) -> Result<Vec<String>, DbError> {
    let rows: Vec<(String,)> = sqlx::query_as(
        "SELECT crates.name FROM owners JOIN crates ON crates.id = owners.crate_id \
         WHERE crates.namespace = $1 AND owners.owner_key = $2 ORDER BY crates.name",
    )
    .bind(namespace.as_str())
    .bind(owner.to_string())
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

/// Whether a key owns a crate of a namespace, or is offered one.
///
/// # Errors
/// The database fails.
pub async fn takes_part(
    connection: &mut AnyConnection,
    namespace: &Namespace,
    key: &PublicKey,
) -> Result<bool, DbError> {
    let times: i64 = sqlx::query_scalar(
        "SELECT (SELECT COUNT(*) FROM owners JOIN crates ON crates.id = owners.crate_id \
         WHERE crates.namespace = $1 AND owners.owner_key = $2) + \
         (SELECT COUNT(*) FROM transfers JOIN crates ON crates.id = transfers.crate_id \
         WHERE crates.namespace = $1 AND transfers.to_key = $2)",
    )
    .bind(namespace.as_str())
    .bind(key.to_string())
    .fetch_one(connection)
    .await?;
    Ok(times > 0)
}

/// Whom a crate is offered to.
///
/// # Errors
/// The database fails.
pub async fn offer(connection: &mut AnyConnection, id: &CrateId) -> Result<Option<PublicKey>, DbError> {
    let row: Option<(String,)> = sqlx::query_as("SELECT to_key FROM transfers WHERE crate_id = $1")
        .bind(id.as_str())
        .fetch_optional(connection)
        .await?;
    row.map(|(text,)| key(&text)).transpose()
}

/// Offers a crate, in the place of any earlier offer, or takes the offer back.
///
/// # Errors
/// The database fails.
pub async fn set_offer(
    connection: &mut AnyConnection,
    id: &CrateId,
    to: Option<&PublicKey>,
    by: &PublicKey,
) -> Result<(), DbError> {
    let delete = sqlx::query("DELETE FROM transfers WHERE crate_id = $1").bind(id.as_str());
    delete.execute(&mut *connection).await?;
    let Some(to) = to else { return Ok(()) };
    sqlx::query("INSERT INTO transfers (crate_id, to_key, offered_by, offered_at) VALUES ($1, $2, $3, $4)")
        .bind(id.as_str())
        .bind(to.to_string())
        .bind(by.to_string())
        .bind(clock::now().to_string())
        .execute(connection)
        .await?;
    Ok(())
}

/// Remembers a nonce until `expires`, and forgets those that expired. False when it was used before.
///
/// # Errors
/// The database fails.
pub async fn use_nonce(
    connection: &mut AnyConnection,
    nonce: &Nonce,
    expires: Timestamp,
) -> Result<bool, DbError> {
    let seconds = |at: Timestamp| i64::try_from(at.unix()).unwrap_or(i64::MAX);
    let forget = sqlx::query("DELETE FROM nonces WHERE expires < $1").bind(seconds(clock::now()));
    forget.execute(&mut *connection).await?;
    let added =
        sqlx::query("INSERT INTO nonces (nonce, expires) VALUES ($1, $2) ON CONFLICT (nonce) DO NOTHING")
            .bind(nonce.to_string())
            .bind(seconds(expires))
            .execute(connection)
            .await?;
    Ok(added.rows_affected() == 1)
}

/// Notes by which record a domain let a key publish, the latest of its kind.
///
/// # Errors
/// The database fails.
pub async fn note_validation(
    connection: &mut AnyConnection,
    owner: &PublicKey,
    scope: &Scope,
    places: &str,
) -> Result<(), DbError> {
    sqlx::query(
        "INSERT INTO validations (namespace, owner_key, scope, places, at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (namespace, owner_key, scope) DO UPDATE SET places = excluded.places, at = excluded.at",
    )
    .bind(scope.namespace().as_str())
    .bind(owner.to_string())
    .bind(scope.to_string())
    .bind(places)
    .bind(clock::now().to_string())
    .execute(connection)
    .await?;
    Ok(())
}

/// The registry's copy of a namespace's statements about keys.
#[derive(Clone, Debug, Default)]
pub struct Documents {
    /// Endorsements and their envelopes, oldest first.
    pub endorsements: Vec<(Endorsement, Envelope)>,
    /// Revocations and their envelopes, oldest first.
    pub revocations: Vec<(Revocation, Envelope)>,
}

impl Documents {
    /// Whether a key speaks no more.
    pub fn is_revoked(&self, key: &PublicKey) -> bool {
        self.revocations.iter().any(|(revocation, _)| revocation.key == *key)
    }
}

/// Reads the registry's copy of a namespace's documents.
///
/// # Errors
/// The database fails.
pub async fn documents(connection: &mut AnyConnection, namespace: &Namespace) -> Result<Documents, DbError> {
    let rows: Vec<(String, String)> =
        sqlx::query_as("SELECT kind, envelope FROM documents WHERE namespace = $1 ORDER BY added_at, digest")
            .bind(namespace.as_str())
            .fetch_all(connection)
            .await?;
    let mut found = Documents::default();
    for (kind, text) in rows {
        let envelope = Envelope::parse(text.as_bytes()).map_err(DbError::corrupt("an envelope"))?;
        let corrupt = DbError::corrupt("a statement");
        match kind.as_str() {
            "endorsement" => {
                found.endorsements.push((Endorsement::verify(&envelope).map_err(&corrupt)?, envelope));
            }
            _ => found.revocations.push((Revocation::verify(&envelope).map_err(&corrupt)?, envelope)),
        }
    }
    Ok(found)
}

/// The first statement that revokes a key in a namespace.
///
/// # Errors
/// The database fails.
pub async fn revocation_of(
    connection: &mut AnyConnection,
    namespace: &Namespace,
    key: &PublicKey,
) -> Result<Option<Revocation>, DbError> {
    let row: Option<(String,)> = sqlx::query_as(
        "SELECT envelope FROM documents WHERE namespace = $1 AND kind = 'revocation' AND subject_key = $2 \
         ORDER BY added_at, digest LIMIT 1",
    )
    .bind(namespace.as_str())
    .bind(key.to_string())
    .fetch_optional(connection)
    .await?;
    let Some((text,)) = row else { return Ok(None) };
    let envelope = Envelope::parse(text.as_bytes()).map_err(DbError::corrupt("an envelope"))?;
    Revocation::verify(&envelope).map(Some).map_err(DbError::corrupt("a statement"))
}

/// A statement about keys, for the registry's copy.
#[derive(Debug)]
pub enum Document {
    /// An endorsement.
    Endorsement(Endorsement),
    /// A revocation.
    Revocation(Revocation),
}

/// Adds a verified statement to the registry's copy. False when it is there already.
///
/// # Errors
/// The database fails.
pub async fn add_document(
    connection: &mut AnyConnection,
    namespace: &Namespace,
    document: &Document,
    envelope: &Envelope,
) -> Result<bool, DbError> {
    let (kind, by, subject) = match document {
        Document::Endorsement(statement) => ("endorsement", statement.by, statement.key),
        Document::Revocation(statement) => ("revocation", statement.by, statement.key),
    };
    let added = sqlx::query(
        "INSERT INTO documents (namespace, digest, kind, by_key, subject_key, envelope, added_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (namespace, digest) DO NOTHING",
    )
    .bind(namespace.as_str())
    .bind(Digest::of(&envelope.payload).to_string())
    .bind(kind)
    .bind(by.to_string())
    .bind(subject.to_string())
    .bind(envelope.to_json())
    .bind(clock::now().to_string())
    .execute(connection)
    .await?;
    Ok(added.rows_affected() == 1)
}
