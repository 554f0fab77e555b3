//! Crates and releases.

use std::collections::HashSet;

use cargo_namespaces::index::IndexLine;
use cargo_namespaces::name::{CrateName, IndexUrl, Namespace, QualifiedName};
use cargo_namespaces::release::CrateIndex;
use cargo_namespaces_cli::clock;
use semver::Version;
use sqlx::AnyConnection;

use super::DbError;

/// What identifies a crate: its namespace and its canonical name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CrateId(String);

impl CrateId {
    /// The id of a crate, however it is spelled.
    pub fn of(name: &QualifiedName) -> Self {
        Self(format!("{}/{}", name.namespace, name.krate.canonical()))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A version without its build part: versions that differ only there are one.
pub fn precedence(version: &Version) -> String {
    Version { build: semver::BuildMetadata::EMPTY, ..version.clone() }.to_string()
}

/// Whether rows can be read at all.
///
/// # Errors
/// They cannot.
pub async fn readable(connection: &mut AnyConnection) -> Result<(), DbError> {
    sqlx::query("SELECT 1 FROM namespaces LIMIT 1").fetch_optional(connection).await?;
    Ok(())
}

fn crate_name(text: &str) -> Result<CrateName, DbError> {
    CrateName::parse(text).map_err(DbError::corrupt("a crate name"))
}

/// The crate as it is spelled, and its description; `None` when there is none of that canonical name.
///
/// # Errors
/// The database fails.
pub async fn find(
    connection: &mut AnyConnection,
    id: &CrateId,
) -> Result<Option<(CrateName, Option<String>)>, DbError> {
    let row: Option<(String, Option<String>)> =
        sqlx::query_as("SELECT name, description FROM crates WHERE id = $1")
            .bind(id.as_str())
            .fetch_optional(connection)
            .await?;
    row.map(|(name, description)| Ok((crate_name(&name)?, description))).transpose()
}

/// The crates of a namespace, by name.
///
/// # Errors
/// The database fails.
pub async fn of_namespace(
    connection: &mut AnyConnection,
    namespace: &Namespace,
) -> Result<Vec<CrateName>, DbError> {
    let rows: Vec<(String,)> = sqlx::query_as("SELECT name FROM crates WHERE namespace = $1 ORDER BY name")
        .bind(namespace.as_str())
        .fetch_all(&mut *connection)
        .await?;
    rows.iter().map(|(name,)| crate_name(name)).collect()
}

/// Makes a crate.
///
/// # Errors
/// The database fails; [`DbError::is_duplicate`] when the name is taken.
pub async fn add(connection: &mut AnyConnection, name: &QualifiedName) -> Result<(), DbError> {
    sqlx::query("INSERT INTO crates (id, namespace, name, created_at) VALUES ($1, $2, $3, $4)")
        .bind(CrateId::of(name).as_str())
        .bind(name.namespace.as_str())
        .bind(name.krate.as_str())
        .bind(clock::now().to_string())
        .execute(connection)
        .await?;
    Ok(())
}

/// Sets the description that the newest release gives.
///
/// # Errors
/// The database fails.
pub async fn describe(
    connection: &mut AnyConnection,
    id: &CrateId,
    description: Option<&str>,
) -> Result<(), DbError> {
    sqlx::query("UPDATE crates SET description = $1 WHERE id = $2")
        .bind(description.map(str::to_owned))
        .bind(id.as_str())
        .execute(connection)
        .await?;
    Ok(())
}

/// The line of the release that has this version but for its build part.
///
/// # Errors
/// The database fails.
pub async fn line(
    connection: &mut AnyConnection,
    id: &CrateId,
    version: &Version,
) -> Result<Option<IndexLine>, DbError> {
    let row: Option<(String,)> =
        sqlx::query_as("SELECT line FROM versions WHERE crate_id = $1 AND precedence = $2")
            .bind(id.as_str())
            .bind(precedence(version))
            .fetch_optional(connection)
            .await?;
    row.map(|(line,)| parse_line(&line)).transpose()
}

/// How many releases a crate has.
///
/// # Errors
/// The database fails.
pub async fn count(connection: &mut AnyConnection, id: &CrateId) -> Result<usize, DbError> {
    let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM versions WHERE crate_id = $1")
        .bind(id.as_str())
        .fetch_one(connection)
        .await?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// What is held of a crate, as far as a version of it is concerned: how the crate is spelled, and the release that has the version but
/// for its build part.
///
/// # Errors
/// The database fails.
pub async fn held(
    connection: &mut AnyConnection,
    name: &QualifiedName,
    version: &Version,
    index: &IndexUrl,
) -> Result<CrateIndex, DbError> {
    let id = CrateId::of(name);
    let spelled = find(connection, &id).await?.map(|(spelled, _)| spelled);
    let line = if spelled.is_some() { line(connection, &id, version).await? } else { None };
    Ok(CrateIndex::new(name.clone(), index.clone(), spelled, line.into_iter().collect()))
}

/// A line of the database, read.
///
/// # Errors
/// This program did not write it so.
pub fn parse_line(line: &str) -> Result<IndexLine, DbError> {
    IndexLine::parse(line).map_err(DbError::corrupt("an index line"))
}

/// All lines of a crate, in the order of publishing.
///
/// # Errors
/// The database fails.
pub async fn lines(connection: &mut AnyConnection, id: &CrateId) -> Result<Vec<IndexLine>, DbError> {
    let rows: Vec<(String,)> =
        sqlx::query_as("SELECT line FROM versions WHERE crate_id = $1 ORDER BY position")
            .bind(id.as_str())
            .fetch_all(&mut *connection)
            .await?;
    rows.iter().map(|(line,)| parse_line(line)).collect()
}

/// Adds a release at the end.
///
/// # Errors
/// The database fails; [`DbError::is_duplicate`] when the version is taken.
pub async fn add_version(
    connection: &mut AnyConnection,
    id: &CrateId,
    line: &IndexLine,
) -> Result<(), DbError> {
    sqlx::query(
        "INSERT INTO versions (crate_id, precedence, version, position, cksum, line) \
         VALUES ($1, $2, $3, (SELECT COUNT(*) FROM versions WHERE crate_id = $1), $4, $5)",
    )
    .bind(id.as_str())
    .bind(precedence(&line.vers))
    .bind(line.vers.to_string())
    .bind(line.cksum.to_string())
    .bind(line.to_line())
    .execute(connection)
    .await?;
    Ok(())
}

/// Puts another line in the place of a release's.
///
/// # Errors
/// The database fails.
pub async fn set_line(connection: &mut AnyConnection, id: &CrateId, line: &IndexLine) -> Result<(), DbError> {
    sqlx::query("UPDATE versions SET line = $1, placed = 0 WHERE crate_id = $2 AND precedence = $3")
        .bind(line.to_line())
        .bind(id.as_str())
        .bind(precedence(&line.vers))
        .execute(connection)
        .await?;
    Ok(())
}

/// Notes, in the transaction that changes a crate's rows, that its files must follow. Each mark is another one, so that
/// whoever has dealt with an earlier change does not take this one off.
///
/// # Errors
/// The database fails.
pub async fn mark_dirty(connection: &mut AnyConnection, id: &CrateId) -> Result<(), DbError> {
    let mut mark = [0; 8];
    getrandom::fill(&mut mark)?;
    sqlx::query(
        "INSERT INTO dirty (crate_id, mark) VALUES ($1, $2) \
         ON CONFLICT (crate_id) DO UPDATE SET mark = excluded.mark",
    )
    .bind(id.as_str())
    .bind(i64::from_le_bytes(mark))
    .execute(connection)
    .await?;
    Ok(())
}

/// What the files of a dirty crate must follow.
#[derive(Debug)]
pub struct Pending {
    /// The mark.
    pub mark: i64,
    /// All lines as they stand in the index file, in the order of publishing, and whether the .crate and envelope of each
    /// are in their place.
    pub lines: Vec<(String, bool)>,
}

/// What the files of a crate must follow; `None` when it is not dirty. One statement, so that the lines are those that the
/// mark stands for.
///
/// # Errors
/// The database fails.
pub async fn pending(connection: &mut AnyConnection, id: &CrateId) -> Result<Option<Pending>, DbError> {
    let rows: Vec<(i64, Option<String>, Option<i64>)> = sqlx::query_as(
        "SELECT dirty.mark, versions.line, versions.placed FROM dirty \
         LEFT JOIN versions ON versions.crate_id = dirty.crate_id WHERE dirty.crate_id = $1 ORDER BY versions.position",
    )
    .bind(id.as_str())
    .fetch_all(&mut *connection)
    .await?;
    let Some(&(mark, ..)) = rows.first() else { return Ok(None) };
    let lines = rows.into_iter().filter_map(|(_, line, placed)| Some((line?, placed == Some(1))));
    Ok(Some(Pending { mark, lines: lines.collect() }))
}

/// The files have followed what bore this mark.
///
/// # Errors
/// The database fails.
pub async fn clear_dirty(connection: &mut AnyConnection, id: &CrateId, mark: i64) -> Result<(), DbError> {
    let mine =
        sqlx::query("DELETE FROM dirty WHERE crate_id = $1 AND mark = $2").bind(id.as_str()).bind(mark);
    if mine.execute(&mut *connection).await?.rows_affected() == 1 {
        let placed = sqlx::query("UPDATE versions SET placed = 1 WHERE crate_id = $1 AND placed = 0");
        placed.bind(id.as_str()).execute(connection).await?;
    }
    Ok(())
}

/// The hashes of the .crates that releases wait for.
///
/// # Errors
/// The database fails.
pub async fn awaited(connection: &mut AnyConnection) -> Result<HashSet<String>, DbError> {
    let rows: Vec<(String,)> = sqlx::query_as(
        "SELECT versions.cksum FROM dirty JOIN versions ON versions.crate_id = dirty.crate_id WHERE versions.placed = 0",
    )
    .fetch_all(&mut *connection)
    .await?;
    Ok(rows.into_iter().map(|(cksum,)| cksum).collect())
}

/// The crates whose files may be older than their rows.
///
/// # Errors
/// The database fails.
pub async fn dirty(connection: &mut AnyConnection) -> Result<Vec<QualifiedName>, DbError> {
    let rows: Vec<(String, String)> = sqlx::query_as(
        "SELECT crates.namespace, crates.name FROM dirty JOIN crates ON crates.id = dirty.crate_id",
    )
    .fetch_all(&mut *connection)
    .await?;
    let name = |(namespace, krate): (String, String)| {
        QualifiedName::parse(&format!("{namespace}/{krate}")).map_err(DbError::corrupt("a name"))
    };
    rows.into_iter().map(name).collect()
}

/// Crates of a namespace whose name or description holds `text`, by name, and how many there are in all.
///
/// # Errors
/// The database fails.
pub async fn search(
    connection: &mut AnyConnection,
    namespace: &Namespace,
    text: &str,
    most: i64,
) -> Result<(Vec<(CrateName, Option<String>)>, u64), DbError> {
    let pattern = text.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    let pattern = format!("%{pattern}%");
    let total: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM crates WHERE namespace = $1 AND \
         (LOWER(name) LIKE $2 ESCAPE '\\' OR LOWER(COALESCE(description, '')) LIKE $2 ESCAPE '\\')",
    )
    .bind(namespace.as_str())
    .bind(pattern.clone())
    .fetch_one(&mut *connection)
    .await?;
    let rows: Vec<(String, Option<String>)> = sqlx::query_as(
        "SELECT name, description FROM crates WHERE namespace = $1 AND \
         (LOWER(name) LIKE $2 ESCAPE '\\' OR LOWER(COALESCE(description, '')) LIKE $2 ESCAPE '\\') \
         ORDER BY name LIMIT $3",
    )
    .bind(namespace.as_str())
    .bind(pattern)
    .bind(most)
    .fetch_all(&mut *connection)
    .await?;
    let hits = rows.into_iter().map(|(name, description)| Ok((crate_name(&name)?, description)));
    Ok((hits.collect::<Result<_, DbError>>()?, u64::try_from(total).unwrap_or(0)))
}
