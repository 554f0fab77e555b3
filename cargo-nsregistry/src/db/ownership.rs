//! Keys and what they may: owners, offers, documents; nonces and proofs.

use cargo_namespaces::digest::Digest;
use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::Namespace;
use cargo_namespaces::statement::{
    Endorsement, Envelope, Nonce, Predicate as _, Revocation, Statement, Verified,
};
use cargo_namespaces::time::Timestamp;
use cargo_namespaces::token::Scope;
use cargo_namespaces_cli::clock;
use sqlx::AnyConnection;

use super::DbError;
use super::crates::CrateId;

/// `kind` of an endorsement in the table `documents`.
const ENDORSEMENT: &str = "endorsement";
/// `kind` of a revocation there.
const REVOCATION: &str = "revocation";

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

/// The registry's copy of a namespace's statements about keys, each as it was signed, oldest first. They were verified when they came
/// in, and are not verified again by whoever reads them here.
#[derive(Clone, Debug, Default)]
pub struct Documents {
    pub endorsements: Vec<Envelope>,
    pub revocations: Vec<Envelope>,
}

fn envelope(text: &str) -> Result<Envelope, DbError> {
    Envelope::parse(text.as_bytes()).map_err(DbError::corrupt("an envelope"))
}

/// The registry's copy of a namespace's documents.
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
        let documents = match kind.as_str() {
            ENDORSEMENT => &mut found.endorsements,
            _ => &mut found.revocations,
        };
        documents.push(envelope(&text)?);
    }
    Ok(found)
}

/// The revocation of a key in a namespace; `None` where it still speaks.
///
/// # Errors
/// The database fails.
pub async fn revocation_of(
    connection: &mut AnyConnection,
    namespace: &Namespace,
    key: &PublicKey,
) -> Result<Option<Revocation>, DbError> {
    let row: Option<(String,)> = sqlx::query_as(
        "SELECT envelope FROM documents WHERE namespace = $1 AND kind = $2 AND subject_key = $3 \
         ORDER BY added_at, digest LIMIT 1",
    )
    .bind(namespace.as_str())
    .bind(REVOCATION)
    .bind(key.to_string())
    .fetch_optional(connection)
    .await?;
    let Some((text,)) = row else { return Ok(None) };
    let statement = Statement::<Revocation>::parse(&envelope(&text)?.payload);
    Ok(Some(statement.map_err(DbError::corrupt("a statement"))?.into_facts()))
}

/// Whether a key endorsed another one in a namespace.
///
/// # Errors
/// The database fails.
pub async fn is_endorsed(
    connection: &mut AnyConnection,
    namespace: &Namespace,
    by: &PublicKey,
    key: &PublicKey,
) -> Result<bool, DbError> {
    let times: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM documents WHERE namespace = $1 AND kind = $2 AND by_key = $3 AND subject_key = $4",
    )
    .bind(namespace.as_str())
    .bind(ENDORSEMENT)
    .bind(by.to_string())
    .bind(key.to_string())
    .fetch_one(connection)
    .await?;
    Ok(times > 0)
}

/// How many endorsements there are by the key that signed this one, without this one itself.
///
/// # Errors
/// The database fails.
pub async fn other_endorsements(
    connection: &mut AnyConnection,
    namespace: &Namespace,
    endorsement: &Endorsement,
) -> Result<usize, DbError> {
    let digest = Digest::of(endorsement.statement().bytes());
    let count: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM documents WHERE namespace = $1 AND kind = $2 AND by_key = $3 AND digest <> $4",
    )
    .bind(namespace.as_str())
    .bind(ENDORSEMENT)
    .bind(endorsement.by.to_string())
    .bind(digest.to_string())
    .fetch_one(connection)
    .await?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// A verified statement about keys, for the registry's copy.
#[derive(Debug)]
pub enum Document {
    /// An endorsement.
    Endorsement(Verified<Endorsement>),
    /// A revocation.
    Revocation(Verified<Revocation>),
}

/// Adds a statement to the registry's copy. False when it is there already.
///
/// # Errors
/// The database fails.
pub async fn add_document(
    connection: &mut AnyConnection,
    namespace: &Namespace,
    document: &Document,
) -> Result<bool, DbError> {
    let (kind, by, subject, envelope) = match document {
        Document::Endorsement(signed) => (ENDORSEMENT, signed.by, signed.key, signed.clone().envelope()),
        Document::Revocation(signed) => (REVOCATION, signed.by, signed.key, signed.clone().envelope()),
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
