//! Bringing a crate's files in line with its rows.
//!
//! Whoever changes a crate's rows marks it dirty in the same transaction and calls [`follow`] afterwards; whatever a crash
//! left dirty is done at the next start ([`recover`]). A .crate and its envelope are put in place before the index file
//! that names them. One at a time for each crate: an older file must not overwrite a newer one. (Several processes on one
//! database will need the same lock in the database.)
//!
//! Nobody waits for the marks to be taken off: those of many crates go in one transaction, a moment later ([`settle`]).
//! That halves the transactions of a publish, and SQLite has one at a time. A mark that a crash leaves is work done twice.

pub mod state;

use cargo_namespaces::index::IndexLine;
use cargo_namespaces::name::QualifiedName;
use cargo_namespaces::release;

use semver::Version;

use crate::db::DbError;
use crate::db::crates::{self, CrateId};
use crate::registry::Registry;
use crate::storage::{Key, StoreError};

/// The files of a crate did not follow its rows.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FilesError {
    #[error(transparent)]
    Database(#[from] DbError),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A release whose .crate is lost.
    #[error("the .crate of {name} {version} is neither staged nor in its place")]
    NoCrate { name: QualifiedName, version: Version },
}

/// Takes off the marks of all crates whose files have followed, in one transaction.
///
/// # Errors
/// The database fails; the crates stay dirty, and [`recover`] finds them.
pub async fn settle(registry: &Registry) -> Result<(), FilesError> {
    let marks = registry.settled.take();
    if marks.is_empty() {
        return Ok(());
    }
    let mut write = registry.db.write().await?;
    for (id, mark) in &marks {
        crates::clear_dirty(write.connection(), id, *mark).await?;
    }
    Ok(write.commit().await?)
}

/// Puts every file of a crate in its place.
///
/// # Errors
/// The store or the database fails; the crate stays dirty, and is done at the next change or start.
pub async fn follow(registry: &Registry, name: &QualifiedName) -> Result<(), FilesError> {
    let id = CrateId::of(name);
    let lock = registry.locks.of(&id);
    let _turn = lock.lock().await;
    let pending = crates::pending(registry.db.read().await?.connection(), &id).await?;
    let Some(pending) = pending else {
        // Somebody else's turn did this change too.
        return Ok(());
    };
    let mut file = String::new();
    for (line, placed) in &pending.lines {
        if !placed {
            place_release(registry, name, &crates::parse_line(line)?).await?;
        }
        file.push_str(line);
        file.push('\n');
    }
    let config = Key::Config(&name.namespace);
    let text = registry.config.index_config(&name.namespace).to_json();
    // From the cache: it is the same text for every crate of the namespace.
    let there = registry.cache.read(&registry.storage, &config.path()).await?;
    if there.is_none_or(|there| there.object.bytes != text) {
        registry.storage.put(config, text).await?;
        registry.cache.forget(&config.path());
    }
    registry.storage.put(Key::Index(name), file).await?;
    registry.cache.forget(&Key::Index(name).path());
    registry.settled.add(id, pending.mark);
    Ok(())
}

/// The .crate comes from where it was staged; the envelope is written when it is not what it should be.
async fn place_release(
    registry: &Registry,
    name: &QualifiedName,
    line: &IndexLine,
) -> Result<(), FilesError> {
    let storage = &registry.storage;
    let target = Key::Crate(name, &line.vers);
    // A staged one has the content of this very release: over one that is in its place, it changes nothing.
    let moved = storage.rename(Key::Staged(&line.cksum), target).await?;
    if !moved && storage.etag(&target.path()).await?.is_none() {
        return Err(FilesError::NoCrate { name: name.clone(), version: line.vers.clone() });
    }
    let index = registry.config.public.index_of(&name.namespace);
    let Some(envelope) = release::envelope(line, name, &index) else { return Ok(()) };
    let target = Key::Envelope(name, &line.vers);
    let text = envelope.to_json();
    if storage.read(&target.path()).await?.is_none_or(|there| there.bytes != text) {
        storage.put(target, text).await?;
    }
    Ok(())
}

/// Finishes what was interrupted, by a crash or by a fault. The number of crates that needed it.
///
/// # Errors
/// As [`follow`], the last; the other crates were done all the same.
pub async fn recover(registry: &Registry) -> Result<usize, FilesError> {
    settle(registry).await?;
    let dirty = crates::dirty(registry.db.read().await?.connection()).await?;
    let mut done = Ok(dirty.len());
    for name in &dirty {
        if let Err(error) = follow(registry, name).await {
            done = Err(error);
        }
    }
    done
}
