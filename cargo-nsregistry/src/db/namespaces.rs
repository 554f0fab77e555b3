//! Namespaces, and what an operator does to them.

use cargo_namespaces::name::Namespace;
use cargo_namespaces_cli::clock;
use sqlx::AnyConnection;

use super::DbError;

/// Why nothing may be published in a namespace, if so.
///
/// # Errors
/// The database fails.
pub async fn frozen(
    connection: &mut AnyConnection,
    namespace: &Namespace,
) -> Result<Option<String>, DbError> {
    let row: Option<(Option<String>,)> = sqlx::query_as("SELECT frozen FROM namespaces WHERE name = $1")
        .bind(namespace.as_str())
        .fetch_optional(&mut *connection)
        .await?;
    Ok(row.and_then(|(frozen,)| frozen))
}

/// What the rows say of a namespace.
#[derive(Clone, Debug, Default)]
pub struct NamespaceState {
    /// Why nothing may be published in it, if so.
    pub frozen: Option<String>,
    /// Whether there is a crate in it.
    pub has_crates: bool,
}

/// Reads what there is of a namespace, in one statement.
///
/// # Errors
/// The database fails.
pub async fn state(connection: &mut AnyConnection, namespace: &Namespace) -> Result<NamespaceState, DbError> {
    let (frozen, crates): (Option<String>, i64) = sqlx::query_as(
        "SELECT (SELECT frozen FROM namespaces WHERE name = $1), \
         (SELECT COUNT(*) FROM (SELECT 1 FROM crates WHERE namespace = $1 LIMIT 1) AS first)",
    )
    .bind(namespace.as_str())
    .fetch_one(&mut *connection)
    .await?;
    Ok(NamespaceState { frozen, has_crates: crates > 0 })
}

/// The namespaces in which nothing may be published, each with the reason.
///
/// # Errors
/// The database fails.
pub async fn freezes(connection: &mut AnyConnection) -> Result<Vec<(String, String)>, DbError> {
    let rows = sqlx::query_as("SELECT name, frozen FROM namespaces WHERE frozen IS NOT NULL ORDER BY name");
    Ok(rows.fetch_all(connection).await?)
}

/// The namespaces that there are here.
///
/// # Errors
/// The database fails.
pub async fn all(connection: &mut AnyConnection) -> Result<Vec<String>, DbError> {
    let rows: Vec<(String,)> =
        sqlx::query_as("SELECT name FROM namespaces ORDER BY name").fetch_all(connection).await?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

/// Sets why nothing may be published in a namespace, or lifts that.
///
/// # Errors
/// The database fails.
pub async fn set_frozen(
    connection: &mut AnyConnection,
    namespace: &Namespace,
    reason: Option<&str>,
) -> Result<(), DbError> {
    add(connection, namespace).await?;
    sqlx::query("UPDATE namespaces SET frozen = $1 WHERE name = $2")
        .bind(reason.map(str::to_owned))
        .bind(namespace.as_str())
        .execute(connection)
        .await?;
    Ok(())
}

/// Makes the row of a namespace if there is none.
///
/// # Errors
/// The database fails.
pub async fn add(connection: &mut AnyConnection, namespace: &Namespace) -> Result<(), DbError> {
    sqlx::query("INSERT INTO namespaces (name, created_at) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")
        .bind(namespace.as_str())
        .bind(clock::now().to_string())
        .execute(connection)
        .await?;
    Ok(())
}
