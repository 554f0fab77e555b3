//! Objects: index files, .crates and envelopes, under the keys of the tree that a static host would serve.
//!
//! ```text
//! index/<namespace>/config.json
//! index/<namespace>/<se/rd/serde-abc>
//! index/<namespace>/crates/<crate>/<crate>-<version>.crate, .dsse.json
//! staging/<sha256>                  a .crate that was checked, whose version may yet go to somebody else
//! ```
//!
//! Every path comes from [`Key`], which is made of names. A written object is on the disk when the write returns.

pub mod cache;

use std::ops::Range;
use std::path::Path as FsPath;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use cargo_namespaces::api;
use cargo_namespaces::digest::Digest;
use cargo_namespaces::index::tree::TreeFile;
use cargo_namespaces::name::{Namespace, QualifiedName};
use futures_util::{Stream, TryStreamExt as _};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt as _};
use semver::Version;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Most bytes that are read at once of what is streamed: half the usual .crate.
const PIECE: u64 = 32 * 1024;
/// The least: all that a client gets held in memory which never takes anything.
const FIRST_PIECE: u64 = 4 * 1024;
/// Most bytes of an object that is read at once, though sent in pieces: nine of ten .crates, each for a third of what pieces cost.
const WHOLE: u64 = 256 * 1024;
/// Most bytes that are held of such objects. Where clients take nothing of them, what else is asked for is read in pieces.
const WHOLE_HELD: usize = 16 * 1024 * 1024;
/// Most objects that are open at a time, to be read or only looked at: a disk is not quicker with more, and each is a descriptor.
const READS: usize = 64;

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key<'a> {
    /// `config.json` of an index.
    Config(&'a Namespace),
    /// The index file of a crate.
    Index(&'a QualifiedName),
    Crate(&'a QualifiedName, &'a Version),
    /// The signed release statement beside it.
    Envelope(&'a QualifiedName, &'a Version),
    /// A .crate by its content.
    Staged(&'a Digest),
}

impl Key<'_> {
    /// Where the object is.
    pub fn path(&self) -> String {
        let (namespace, file) = match *self {
            Self::Config(namespace) => (namespace, TreeFile::Config),
            Self::Index(name) => (&name.namespace, TreeFile::Index(name.krate.clone())),
            Self::Crate(name, version) => {
                (&name.namespace, TreeFile::Crate(name.krate.clone(), version.clone()))
            }
            Self::Envelope(name, version) => {
                (&name.namespace, TreeFile::Envelope(name.krate.clone(), version.clone()))
            }
            Self::Staged(digest) => return format!("staging/{digest}"),
        };
        file.path(&api::path::index(namespace))
    }
}

/// The store cannot do what it is asked.
#[derive(Debug, thiserror::Error)]
#[error("the object store failed to {action} `{path}`")]
pub struct StoreError {
    action: &'static str,
    path: String,
    #[source]
    source: object_store::Error,
}

/// Where the objects are.
#[derive(Clone, Debug)]
pub struct Storage {
    store: Arc<dyn ObjectStore>,
    reads: Arc<Semaphore>,
    /// Bytes that may yet be held of objects that are read at once.
    whole: Arc<Semaphore>,
}

/// What is left of an object that is being sent.
enum Rest {
    /// Still in the store, this range of it.
    There(Range<u64>),
    /// Read at once; sent in pieces.
    Here(Bytes),
}

/// Bytes with the room that was reserved for them.
struct Held(
    Bytes,
    #[expect(dead_code, reason = "it is given back when the bytes are dropped")] OwnedSemaphorePermit,
);

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// An object in memory.
#[derive(Clone, Debug)]
pub struct Object {
    /// Its content.
    pub bytes: Bytes,
    /// What changes whenever it changes, without quotes.
    pub etag: String,
}

impl Storage {
    /// The store in a directory, which must exist.
    ///
    /// # Errors
    /// It does not.
    pub fn directory(path: &FsPath) -> Result<Self, StoreError> {
        let failed = |source| StoreError { action: "open", path: path.display().to_string(), source };
        let store = LocalFileSystem::new_with_prefix(path).map_err(failed)?.with_fsync(true);
        let (reads, whole) = (Semaphore::new(READS), Semaphore::new(WHOLE_HELD));
        Ok(Self { store: Arc::new(store), reads: Arc::new(reads), whole: Arc::new(whole) })
    }

    /// Writes an object, whole and for good.
    ///
    /// # Errors
    /// The store fails; a reader then sees what was there before.
    pub async fn put(&self, key: Key<'_>, bytes: impl Into<Bytes>) -> Result<(), StoreError> {
        let path = key.path();
        let location = Path::from(path.as_str());
        let put = self.store.put(&location, bytes.into().into()).await;
        put.map(|_| ()).map_err(|source| StoreError { action: "write", path, source })
    }

    /// Reads an object; `None` when there is none.
    ///
    /// # Errors
    /// The store fails.
    pub async fn read(&self, path: &str) -> Result<Option<Object>, StoreError> {
        let failed = |source| StoreError { action: "read", path: path.to_owned(), source };
        let _read = self.reads.acquire().await;
        let found = match self.store.get(&Path::from(path)).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(source) => return Err(failed(source)),
        };
        let etag = etag(&found.meta);
        let bytes = found.bytes().await.map_err(failed)?;
        Ok(Some(Object { bytes, etag }))
    }

    /// What is known of an object without its content; `None` when there is none.
    ///
    /// # Errors
    /// The store fails.
    pub async fn meta(&self, path: &str) -> Result<Option<ObjectMeta>, StoreError> {
        let _read = self.reads.acquire().await;
        match self.store.head(&Path::from(path)).await {
            Ok(meta) => Ok(Some(meta)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(source) => Err(StoreError { action: "read", path: path.to_owned(), source }),
        }
    }

    /// A part of the object of which [`Self::meta`] told, piece after piece. A large one is read so, each piece when it is asked
    /// for, and nothing is open between two: a client that reads slowly, or not at all, holds one piece in memory and no file. A
    /// piece is no larger than what was taken before it, but for the first. A small one is read at once where there is room.
    pub fn stream(
        &self,
        meta: ObjectMeta,
        part: Range<u64>,
    ) -> impl Stream<Item = Result<Bytes, StoreError>> + Send + use<> {
        let storage = self.clone();
        let start = part.start;
        futures_util::stream::try_unfold(Rest::There(part), move |rest| {
            let (storage, meta) = (storage.clone(), meta.clone());
            async move {
                let rest = match rest {
                    Rest::There(rest) if rest.is_empty() => return Ok(None),
                    Rest::Here(bytes) => return Ok(next_piece(bytes)),
                    Rest::There(rest) => rest,
                };
                if let Some(room) = storage.room_for_whole(&rest).filter(|_| rest.start == start) {
                    let bytes = storage.part(&meta, rest).await?;
                    return Ok(next_piece(Bytes::from_owner(Held(bytes, room))));
                }
                let size = (rest.start - start).clamp(FIRST_PIECE, PIECE);
                let piece = rest.start..rest.end.min(rest.start + size);
                let rest = Rest::There(piece.end..rest.end);
                Ok(Some((storage.part(&meta, piece).await?, rest)))
            }
        })
    }

    fn room_for_whole(&self, part: &Range<u64>) -> Option<OwnedSemaphorePermit> {
        let size = u32::try_from(part.end - part.start).ok().filter(|size| u64::from(*size) <= WHOLE)?;
        Arc::clone(&self.whole).try_acquire_many_owned(size).ok()
    }

    async fn part(&self, meta: &ObjectMeta, part: Range<u64>) -> Result<Bytes, StoreError> {
        let options = GetOptions {
            range: Some(GetRange::Bounded(part)),
            // Not of another object that was put in its place meanwhile.
            if_match: meta.e_tag.clone(),
            ..GetOptions::default()
        };
        let failed = |source| StoreError { action: "read", path: meta.location.to_string(), source };
        let _read = self.reads.acquire().await;
        let found = self.store.get_opts(&meta.location, options).await.map_err(failed)?;
        found.bytes().await.map_err(failed)
    }

    /// The [`Object::etag`] of an object without its content; `None` when there is none.
    ///
    /// # Errors
    /// The store fails.
    pub async fn etag(&self, path: &str) -> Result<Option<String>, StoreError> {
        Ok(self.meta(path).await?.as_ref().map(etag))
    }

    /// Moves an object. False when there is none (any more).
    ///
    /// # Errors
    /// The store fails.
    pub async fn rename(&self, from: Key<'_>, to: Key<'_>) -> Result<bool, StoreError> {
        let (from, to) = (from.path(), to.path());
        match self.store.rename(&Path::from(from.as_str()), &Path::from(to.as_str())).await {
            Ok(()) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(source) => Err(StoreError { action: "move", path: from, source }),
        }
    }

    /// The staged .crates, and when each was written.
    ///
    /// # Errors
    /// The store fails.
    pub async fn staged(&self) -> Result<Vec<(Digest, SystemTime)>, StoreError> {
        let failed = |source| StoreError { action: "list", path: "staging".to_owned(), source };
        let found: Vec<ObjectMeta> =
            self.store.list(Some(&Path::from("staging"))).try_collect().await.map_err(failed)?;
        let staged =
            |meta: ObjectMeta| Some((meta.location.filename()?.parse().ok()?, meta.last_modified.into()));
        Ok(found.into_iter().filter_map(staged).collect())
    }

    /// Removes an object if it is there.
    ///
    /// # Errors
    /// The store fails.
    pub async fn remove(&self, key: Key<'_>) -> Result<(), StoreError> {
        let path = key.path();
        match self.store.delete(&Path::from(path.as_str())).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(source) => Err(StoreError { action: "remove", path, source }),
        }
    }
}

fn next_piece(mut bytes: Bytes) -> Option<(Bytes, Rest)> {
    let size = usize::try_from(PIECE).unwrap_or(usize::MAX).min(bytes.len());
    let piece = bytes.split_to(size);
    (!piece.is_empty()).then_some((piece, Rest::Here(bytes)))
}

/// The store's own tag, fit for a header; without one, size and time.
pub fn etag(meta: &ObjectMeta) -> String {
    let own = meta.e_tag.as_deref().unwrap_or_default();
    let plain: String = own.chars().filter(char::is_ascii_graphic).filter(|c| *c != '"').collect();
    if plain.is_empty() {
        format!("{:x}-{:x}", meta.last_modified.timestamp_micros(), meta.size)
    } else {
        plain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn objects_are_where_a_static_host_has_them() {
        let directory = tempfile::tempdir().unwrap();
        let storage = Storage::directory(directory.path()).unwrap();
        let name = QualifiedName::parse("xn--mnchen-3ya.de/Serde-abc").unwrap();
        let version = Version::parse("1.0.0-rc.1+b.2").unwrap();
        let key = Key::Crate(&name, &version);
        storage.put(key, "bytes").await.unwrap();
        let path = "index/xn--mnchen-3ya.de/crates/Serde-abc/Serde-abc-1.0.0-rc.1+b.2.crate";
        assert_eq!(key.path(), path);
        assert!(directory.path().join(path).is_file(), "the path on the disk is the path in the URL");
        assert_eq!(Key::Index(&name).path(), "index/xn--mnchen-3ya.de/se/rd/serde-abc");
        let object = storage.read(path).await.unwrap().unwrap();
        assert_eq!(
            (&object.bytes[..], Some(object.etag)),
            (&b"bytes"[..], storage.etag(path).await.unwrap())
        );
        assert!(storage.read("index/none").await.unwrap().is_none());
        let staged = Digest::of(b"bytes");
        assert!(!storage.rename(Key::Staged(&staged), key).await.unwrap());
        storage.remove(Key::Staged(&staged)).await.unwrap();
    }
}
