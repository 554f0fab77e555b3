//! Index files in memory, each with its gzip form, so that serving one that is in demand reads no file and compresses nothing.
//!
//! A change by this process is visible at once ([`IndexCache::forget`]), a change by another process of the same registry within
//! `FRESH`, when the tag of the object is read again.

use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use cargo_namespaces::digest::Digest;
use moka::ops::compute::Op;
use moka::sync::Cache;

use super::{Object, Storage, StoreError};

/// How long an entry is served without asking the store whether it still holds.
const FRESH: Duration = Duration::from_secs(1);
/// Most bytes kept: a thousand large index files.
const MAX_BYTES: u64 = 64 * 1024 * 1024;
/// Most documents kept, of some hundred bytes each: anybody may ask about any namespace.
const MOST_DOCUMENTS: u64 = 10_000;
/// The media type of an index file.
const INDEX_FILE: &str = "text/plain; charset=utf-8";
/// Shorter files are not worth compressing: they fit one packet.
const MIN_GZIP: usize = 1000;

/// The files that were read lately.
#[derive(Debug)]
pub struct IndexCache {
    files: Cache<String, Entry>,
    /// Counts the changes, so that a slow read does not put back an old file.
    changes: AtomicU64,
}

#[derive(Clone, Debug)]
struct Entry {
    /// When the store was asked for its tag.
    checked: Instant,
    file: Arc<Cached>,
}

/// A file with its tag, and its gzip form after the first request for it.
#[derive(Debug)]
pub struct Cached {
    pub object: Object,
    /// Its media type.
    pub kind: &'static str,
    gzip: OnceLock<Option<Bytes>>,
}

impl Cached {
    fn new(object: Object, kind: &'static str) -> Self {
        Self { object, kind, gzip: OnceLock::new() }
    }

    /// Makes an entry for a document of the registry's own.
    pub fn document(content: String, kind: &'static str) -> Self {
        let etag = Digest::of(content.as_bytes()).to_string();
        Self::new(Object { bytes: content.into(), etag }, kind)
    }

    /// Returns the compressed file, or `None` if compressing is not worth it.
    pub fn gzip(&self) -> Option<&Bytes> {
        let packed = self.gzip.get_or_init(|| {
            let bytes = &self.object.bytes;
            (bytes.len() >= MIN_GZIP).then(|| compress(bytes)).flatten()
        });
        packed.as_ref()
    }
}

fn compress(bytes: &[u8]) -> Option<Bytes> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

/// Documents that do not change while the registry runs, ready to be served.
#[derive(Debug)]
pub struct Documents(Cache<String, Arc<Cached>>);

impl Default for Documents {
    fn default() -> Self {
        Self(Cache::new(MOST_DOCUMENTS))
    }
}

impl Documents {
    /// Returns the document at `path` if it was made before.
    pub fn get(&self, path: &str) -> Option<Arc<Cached>> {
        self.0.get(path)
    }

    /// Keeps a document for the next request of `path`.
    pub fn keep(&self, path: String, document: Arc<Cached>) {
        self.0.insert(path, document);
    }
}

impl Default for IndexCache {
    fn default() -> Self {
        let size = |path: &String, entry: &Entry| {
            u32::try_from(path.len() + entry.file.object.bytes.len()).unwrap_or(u32::MAX)
        };
        Self {
            files: Cache::builder().max_capacity(MAX_BYTES).weigher(size).build(),
            changes: AtomicU64::new(0),
        }
    }
}

impl IndexCache {
    /// Reads the file at `path`. Returns `None` if it does not exist.
    ///
    /// # Errors
    /// The store fails.
    pub async fn read(&self, storage: &Storage, path: &str) -> Result<Option<Arc<Cached>>, StoreError> {
        let changes = self.changes.load(Ordering::SeqCst);
        if let Some(file) = self.hot(path) {
            return Ok(Some(file));
        }
        if let Some(Entry { file, .. }) = self.files.get(path)
            && storage.etag(path).await?.as_deref() == Some(file.object.etag.as_str())
        {
            self.keep(path, Arc::clone(&file), changes);
            return Ok(Some(file));
        }
        let Some(object) = storage.read(path).await? else {
            self.forget(path);
            return Ok(None);
        };
        let file = Arc::new(Cached::new(object, INDEX_FILE));
        self.keep(path, Arc::clone(&file), changes);
        Ok(Some(file))
    }

    /// Returns the file at `path` if [`Self::read`] would not ask the store for it.
    pub fn hot(&self, path: &str) -> Option<Arc<Cached>> {
        let entry = self.files.get(path)?;
        (entry.checked.elapsed() < FRESH).then_some(entry.file)
    }

    /// Forgets the file at `path`, because it was changed.
    pub fn forget(&self, path: &str) {
        // Like `keep`: for one path, the two run one after the other.
        self.files.entry_by_ref(path).and_compute_with(|_| {
            self.changes.fetch_add(1, Ordering::SeqCst);
            Op::Remove
        });
    }

    fn keep(&self, path: &str, file: Arc<Cached>, changes: u64) {
        self.files.entry_by_ref(path).and_compute_with(|_| {
            let is_current = self.changes.load(Ordering::SeqCst) == changes;
            if is_current { Op::Put(Entry { checked: Instant::now(), file }) } else { Op::Nop }
        });
        // Otherwise the cache would stay above its bound for some time.
        self.files.run_pending_tasks();
    }
}

#[cfg(test)]
mod tests {
    use cargo_namespaces::name::QualifiedName;

    use super::*;
    use crate::storage::Key;

    #[tokio::test]
    async fn what_is_written_here_is_read_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let storage = Storage::directory(directory.path()).unwrap();
        let name = QualifiedName::parse("serde.rs/abc").unwrap();
        let path = Key::Index(&name).path();
        let cache = IndexCache::default();
        assert!(cache.read(&storage, &path).await.unwrap().is_none());
        for content in ["one".repeat(1000), "two".repeat(1000)] {
            storage.put(Key::Index(&name), content.clone()).await.unwrap();
            cache.forget(&path);
            let file = cache.read(&storage, &path).await.unwrap().unwrap();
            assert_eq!(file.object.bytes, content);
            assert!(file.gzip().unwrap().len() < 100);
        }
        cache.files.run_pending_tasks();
        assert_eq!(cache.files.weighted_size(), 3000 + path.len() as u64);
    }

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let cache = IndexCache::default();
        for number in 0..80 {
            let object = Object { bytes: vec![0; 1024 * 1024].into(), etag: "1".to_owned() };
            cache.keep(&number.to_string(), Arc::new(Cached::new(object, INDEX_FILE)), 0);
            assert!(cache.files.weighted_size() <= MAX_BYTES);
        }
        assert!(cache.files.entry_count() > 32, "the others stay");
    }

    #[tokio::test]
    async fn a_slow_read_does_not_bring_back_what_was_changed() {
        let cache = IndexCache::default();
        let object = Object { bytes: "old".into(), etag: "1".to_owned() };
        let before = cache.changes.load(Ordering::SeqCst);
        cache.forget("x");
        cache.keep("x", Arc::new(Cached::new(object, INDEX_FILE)), before);
        assert!(cache.files.get("x").is_none());
    }
}
