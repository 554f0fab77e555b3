//! The database: all SQL of the registry, and nothing but SQL.
//!
//! One code path for every database: sqlx's `Any` driver, `$1` placeholders, text and 64-bit integers, statements that
//! both SQLite and PostgreSQL understand. What differs (the pragmas, the migrations, how a writing transaction begins) is
//! in this file. Row types stay in here; what comes out are the library's own types.
//!
//! | module | tables |
//! |---|---|
//! | [`namespaces`] | `namespaces` |
//! | [`crates`] | `crates`, `versions`, `dirty` |
//! | [`ownership`] | `owners`, `transfers`, `documents`, `nonces`, `validations` |
//! | [`audit`] | `audit` |

pub mod audit;
pub mod crates;
pub mod namespaces;
pub mod ownership;

use std::collections::HashSet;
use std::error::Error;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use sqlx::any::AnyPoolOptions;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AnyPool, Connection as _, Executor as _};
use tokio::sync::{Mutex, MutexGuard};
use tokio::task;

/// Most connections that read at a time.
const READERS: u32 = 8;
/// How long anybody waits for a connection, or for another process's write to end.
const WAIT: Duration = Duration::from_secs(10);
/// Each migration once, in this order; never changed after a release, only added to.
const MIGRATIONS: [&str; 1] = [include_str!("../../migrations/sqlite/0001_initial.sql")];

/// The database does not do what it is asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DbError {
    /// What the driver says.
    #[error("the database returned an error")]
    Sqlx(#[from] sqlx::Error),
    /// No file, or one that this user may not open.
    #[error("the database {url} cannot be opened")]
    Closed {
        url: String,
        /// What the driver says.
        #[source]
        source: sqlx::Error,
    },
    /// A row that this program did not write so.
    #[error("the database contains {what} that is not valid")]
    Corrupt {
        /// Which field.
        what: &'static str,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The system gives no randomness.
    #[error("failed to get random bytes from the system")]
    NoRandomness(#[from] getrandom::Error),
    /// A task that holds a connection asks for another: with as many such tasks as there are connections, each would wait
    /// for the others. It is refused the first time, so that no code which does this passes a test.
    #[error("a task that holds a connection to the database asked for another")]
    Held,
    /// The database is of a later program.
    #[error("the database has schema {found}; this program knows schemas up to {known}")]
    TooNew {
        /// Its schema.
        found: i64,
        /// The newest known.
        known: usize,
    },
}

impl DbError {
    /// For a field that cannot be read.
    pub(crate) fn corrupt<E: Error + Send + Sync + 'static>(what: &'static str) -> impl Fn(E) -> Self {
        move |source| Self::Corrupt { what, source: Box::new(source) }
    }

    /// Whether a row with that key is there already.
    pub fn is_duplicate(&self) -> bool {
        matches!(self, Self::Sqlx(sqlx::Error::Database(error)) if error.is_unique_violation())
    }
}

/// An open database.
#[derive(Debug)]
pub struct Database {
    pool: AnyPool,
    /// SQLite has one writer, which is always the same connection: each other one's pages are read anew after its write.
    writers: AnyPool,
    /// Whoever waits to write does so here, in order, and not in SQLite's busy loop.
    writer: Mutex<()>,
    holders: Holders,
}

/// The tasks that hold a connection. Each request is a task, or part of the one of its connection, which serves one request
/// at a time.
type Holders = Arc<std::sync::Mutex<HashSet<task::Id>>>;

/// That a task holds a connection, or waits for one.
#[derive(Debug)]
struct Hold {
    holders: Holders,
    task: Option<task::Id>,
}

impl Hold {
    /// # Errors
    /// The current task has one already.
    fn of_this_task(holders: &Holders) -> Result<Self, DbError> {
        let task = task::try_id();
        let mut tasks = holders.lock().unwrap_or_else(PoisonError::into_inner);
        match task {
            Some(task) if !tasks.insert(task) => Err(DbError::Held),
            _ => Ok(Self { holders: Arc::clone(holders), task }),
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some(task) = self.task {
            self.holders.lock().unwrap_or_else(PoisonError::into_inner).remove(&task);
        }
    }
}

/// A connection for reading.
#[derive(Debug)]
pub struct Read {
    connection: PoolConnection<Any>,
    _hold: Hold,
}

impl Read {
    /// The connection, for the functions of the table modules.
    pub fn connection(&mut self) -> &mut AnyConnection {
        &mut self.connection
    }
}

/// A writing transaction; rolled back unless it is committed.
///
/// Its connection goes back to the others only after a commit. Whatever else happened (a full disk, on which SQLite rolls
/// back by itself, a client that went away in the middle), nobody can tell the connection's state for sure, and a
/// connection that is closed is one that holds no transaction.
pub struct Write<'a> {
    connection: PoolConnection<Any>,
    committed: bool,
    _writer: MutexGuard<'a, ()>,
    _hold: Hold,
}

impl Drop for Write<'_> {
    fn drop(&mut self) {
        if !self.committed {
            self.connection.close_on_drop();
        }
    }
}

impl Write<'_> {
    /// The connection, for the functions of the table modules.
    pub fn connection(&mut self) -> &mut AnyConnection {
        &mut self.connection
    }

    /// Makes everything durable.
    ///
    /// # Errors
    /// The database fails; then nothing was written.
    pub async fn commit(mut self) -> Result<(), DbError> {
        sqlx::raw_sql("COMMIT").execute(&mut *self.connection).await?;
        self.committed = true;
        Ok(())
    }
}

impl Database {
    /// Opens the database, creating and migrating it.
    ///
    /// # Errors
    /// It cannot be opened, or is of a later program.
    pub async fn open(url: &str) -> Result<Self, DbError> {
        Self::open_as(url, "rwc").await
    }

    /// As [`Database::open`], for a database that must be there.
    ///
    /// # Errors
    /// As [`Database::open`], and when there is none.
    pub async fn open_existing(url: &str) -> Result<Self, DbError> {
        Self::open_as(url, "rw").await
    }

    async fn open_as(url: &str, mode: &str) -> Result<Self, DbError> {
        sqlx::any::install_default_drivers();
        let separator = if url.contains('?') { '&' } else { '?' };
        // Made here or never: files that go away while the registry runs must not come back empty.
        let first = AnyConnection::connect(&format!("{url}{separator}mode={mode}")).await;
        first.map_err(|source| DbError::Closed { url: url.to_owned(), source })?.close().await?;
        let url = format!("{url}{separator}mode=rw");
        let options = AnyPoolOptions::new()
            .acquire_timeout(WAIT)
            // A file does not hang up, and each look whether it has is a round trip to the connection's thread.
            .test_before_acquire(false)
            .after_connect(|connection, _| Box::pin(prepare(connection)));
        let writers = options.clone().max_connections(1).connect(&url).await?;
        let pool = options.max_connections(READERS).connect(&url).await?;
        let database = Self { pool, writers, writer: Mutex::new(()), holders: Holders::default() };
        database.migrate().await?;
        Ok(database)
    }

    /// A connection for reading. It is dropped before anything else is waited for: a domain, a client, a turn to write.
    ///
    /// # Errors
    /// The database fails, or the current task holds a connection already.
    pub async fn read(&self) -> Result<Read, DbError> {
        let hold = Hold::of_this_task(&self.holders)?;
        Ok(Read { connection: self.pool.acquire().await?, _hold: hold })
    }

    /// Begins to write; sees everything that was committed before.
    ///
    /// # Errors
    /// The database fails, or the current task holds a connection already.
    pub async fn write(&self) -> Result<Write<'_>, DbError> {
        let hold = Hold::of_this_task(&self.holders)?;
        let writer = self.writer.lock().await;
        // Deferred, SQLite would read an old state first and then refuse to write over a newer one.
        let connection = self.writers.acquire().await?;
        let mut write = Write { connection, committed: false, _writer: writer, _hold: hold };
        sqlx::raw_sql("BEGIN IMMEDIATE").execute(write.connection()).await?;
        Ok(write)
    }

    /// Ends all connections; SQLite then folds its write-ahead log into the file.
    pub async fn close(&self) {
        self.pool.close().await;
        self.writers.close().await;
    }

    async fn migrate(&self) -> Result<(), DbError> {
        self.pool.execute("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)").await?;
        let mut write = self.write().await?;
        let found: Option<i64> = sqlx::query_scalar("SELECT MAX(version) FROM schema_version")
            .fetch_one(write.connection())
            .await?;
        let done = usize::try_from(found.unwrap_or(0)).unwrap_or(usize::MAX);
        if done > MIGRATIONS.len() {
            return Err(DbError::TooNew { found: found.unwrap_or(0), known: MIGRATIONS.len() });
        }
        for (number, migration) in (1_i64..).zip(MIGRATIONS).skip(done) {
            sqlx::raw_sql(migration).execute(write.connection()).await?;
            let record = sqlx::query("INSERT INTO schema_version (version) VALUES ($1)").bind(number);
            record.execute(write.connection()).await?;
        }
        write.commit().await
    }
}

/// What every SQLite connection needs: a commit is on the disk when it returns.
async fn prepare(connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
    for pragma in [
        "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = FULL",
        "PRAGMA foreign_keys = ON",
        "PRAGMA busy_timeout = 10000",
    ] {
        sqlx::raw_sql(pragma).execute(&mut *connection).await?;
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) async fn temporary() -> (tempfile::TempDir, Database) {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", directory.path().join("registry.db").display());
        (directory, Database::open(&url).await.unwrap())
    }

    #[tokio::test]
    async fn a_database_is_made_once_and_opened_again() {
        let (directory, database) = temporary().await;
        let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&database.pool).await.unwrap();
        assert_eq!(mode, "wal");
        let sync: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(&database.pool).await.unwrap();
        assert_eq!(sync, 2, "a commit reaches the disk");
        database.close().await;
        let url = format!("sqlite://{}", directory.path().join("registry.db").display());
        let again = Database::open(&url).await.unwrap();
        sqlx::query("INSERT INTO schema_version (version) VALUES (99)").execute(&again.pool).await.unwrap();
        again.close().await;
        assert!(matches!(Database::open(&url).await, Err(DbError::TooNew { found: 99, .. })));
    }

    #[tokio::test]
    async fn a_mistyped_path_makes_no_database() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("registry.db");
        let error = Database::open_existing(&format!("sqlite://{}", path.display())).await.unwrap_err();
        assert!(error.to_string().contains("registry.db"), "{error}");
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_task_that_holds_a_connection_gets_no_second_one() {
        let (_directory, database) = temporary().await;
        let work = async move {
            let first = database.read().await.unwrap();
            assert!(matches!(database.read().await, Err(DbError::Held)));
            assert!(matches!(database.write().await, Err(DbError::Held)));
            drop(first);
            let write = database.write().await.unwrap();
            assert!(matches!(database.read().await, Err(DbError::Held)));
            drop(write);
            database.read().await.map(|_| ()).unwrap();
        };
        tokio::spawn(work).await.unwrap();
    }

    #[tokio::test]
    async fn what_is_not_committed_never_was() {
        let (_directory, database) = temporary().await;
        let mut write = database.write().await.unwrap();
        audit::add(write.connection(), "operator", "freeze", "serde.rs", "").await.unwrap();
        drop(write);
        assert!(audit::list(database.read().await.unwrap().connection(), None, 10).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn the_audit_log_is_only_ever_added_to() {
        let (_directory, database) = temporary().await;
        let mut write = database.write().await.unwrap();
        audit::add(write.connection(), "operator", "freeze", "serde.rs", "hacked").await.unwrap();
        write.commit().await.unwrap();
        for statement in ["UPDATE audit SET actor = 'x'", "DELETE FROM audit"] {
            let error = sqlx::raw_sql(statement).execute(&database.pool).await.unwrap_err();
            assert!(error.to_string().contains("append-only"), "{error}");
        }
        let events =
            audit::list(database.read().await.unwrap().connection(), Some("serde.rs"), 10).await.unwrap();
        assert_eq!(events[0].detail, "hacked");
    }
}
