//! Who did what: rows that nobody can change or delete.

use cargo_namespaces::api::Event;
use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::QualifiedName;
use cargo_namespaces::time::Timestamp;
use cargo_namespaces_cli::clock;
use sqlx::AnyConnection;

use super::DbError;

/// Adds an entry, in the transaction of what it tells.
///
/// # Errors
/// The database fails.
pub async fn add(
    connection: &mut AnyConnection,
    actor: &str,
    action: &str,
    subject: &str,
    detail: &str,
) -> Result<(), DbError> {
    sqlx::query("INSERT INTO audit (at, actor, action, subject, detail) VALUES ($1, $2, $3, $4, $5)")
        .bind(clock::now().to_string())
        .bind(actor)
        .bind(action)
        .bind(subject)
        .bind(detail)
        .execute(connection)
        .await?;
    Ok(())
}

/// When an action was last done to a subject.
///
/// # Errors
/// The database fails.
pub async fn last(
    connection: &mut AnyConnection,
    action: &str,
    subject: &str,
) -> Result<Option<Timestamp>, DbError> {
    let query = "SELECT at FROM audit WHERE action = $1 AND subject = $2 ORDER BY seq DESC LIMIT 1";
    let row: Option<(String,)> = sqlx::query_as(query)
        .bind(action.to_owned())
        .bind(subject.to_owned())
        .fetch_optional(connection)
        .await?;
    row.map(|(at,)| at.parse().map_err(|error| DbError::corrupt("a time", &error))).transpose()
}

type Row = (String, String, String, String, String);

fn event((at, actor, action, subject, detail): Row) -> Result<Event, DbError> {
    let at = at.parse().map_err(|error| DbError::corrupt("a time", &error))?;
    Ok(Event { at, actor, action, subject, detail })
}

/// The last `most` entries, oldest first: all of them, or those about `subject` and what lies in it (a namespace's
/// crates, a crate's releases).
///
/// # Errors
/// The database fails.
pub async fn list(
    connection: &mut AnyConnection,
    subject: Option<&str>,
    most: i64,
) -> Result<Vec<Event>, DbError> {
    let rows: Vec<Row> = match subject {
        None => {
            sqlx::query_as("SELECT at, actor, action, subject, detail FROM audit ORDER BY seq DESC LIMIT $1")
                .bind(most)
                .fetch_all(&mut *connection)
                .await?
        }
        Some(subject) => {
            // Names hold no `%`; an `_` in a crate's name matches itself and is escaped all the same.
            let escaped = subject.replace('\\', "\\\\").replace('_', "\\_").replace('%', "\\%");
            sqlx::query_as(
                "SELECT at, actor, action, subject, detail FROM audit \
                 WHERE subject = $1 OR subject LIKE $2 ESCAPE '\\' OR subject LIKE $3 ESCAPE '\\' \
                 ORDER BY seq DESC LIMIT $4",
            )
            .bind(subject.to_owned())
            .bind(format!("{escaped}/%"))
            .bind(format!("{escaped}@%"))
            .bind(most)
            .fetch_all(&mut *connection)
            .await?
        }
    };
    rows.into_iter().rev().map(event).collect()
}

/// What was done to the ownership of a crate, oldest first.
///
/// # Errors
/// The database fails.
pub async fn ownership(connection: &mut AnyConnection, name: &str) -> Result<Vec<Event>, DbError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT at, actor, action, subject, detail FROM audit WHERE subject = $1 AND action IN \
         ('create', 'add-owner', 'remove-owner', 'reset-owner', 'transfer-accept') ORDER BY seq",
    )
    .bind(name)
    .fetch_all(&mut *connection)
    .await?;
    rows.into_iter().map(event).collect()
}

/// Whether a key was ever taken away from the owners of a crate.
///
/// # Errors
/// The database fails.
pub async fn was_removed(
    connection: &mut AnyConnection,
    name: &QualifiedName,
    key: &PublicKey,
) -> Result<bool, DbError> {
    let times: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM audit WHERE subject = $1 AND action = 'remove-owner' AND detail = $2",
    )
    .bind(name.to_string())
    .bind(key.to_string())
    .fetch_one(connection)
    .await?;
    Ok(times > 0)
}
