//! A .crate on disk, for a consumer. Nearly all are small: they are held in memory while they are hashed and unpacked. Large ones
//! are read from their file each time, so that many threads with large ones do not fill the memory.
//!
//! What is read from the file later is hashed again: it must still be what was hashed first.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use semver::Version;

use cargo_namespaces::digest::{Digest, Hasher};
use cargo_namespaces::integrity::WholeCrate;
use cargo_namespaces::limits::MAX_HELD_PACKED;
use cargo_namespaces::package::{self, Entry, Package, PackageError, Rules, Scratch};

/// A file that is as large as a .crate may be, and its hash.
#[derive(Debug)]
pub struct CrateFile {
    digest: Digest,
    content: Content,
}

#[derive(Debug)]
enum Content {
    /// The bytes. Their room is used again by the thread that drops them: hundreds are read one after another, and new memory
    /// costs more than reading into it.
    Held(Vec<u8>),
    InFile {
        path: PathBuf,
        length: u64,
    },
}

thread_local! {
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Bytes that are read of a large file at once.
const PIECE: usize = 128 * 1024;

impl CrateFile {
    /// Reads and hashes a file; none where it is no file, or larger than any .crate.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(path: &Path) -> io::Result<Option<Self>> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        let largest = Rules::Consume.max_packed();
        if !metadata.is_file() || metadata.len() > largest {
            return Ok(None);
        }
        if metadata.len() > MAX_HELD_PACKED {
            let (digest, length) =
                Digest::of_reader(BufReader::with_capacity(PIECE, file).take(largest + 1))?;
            let content = Content::InFile { path: path.to_owned(), length };
            return Ok((length <= largest).then_some(Self { digest, content }));
        }
        let mut bytes = SPARE.take();
        bytes.clear();
        bytes.reserve(usize::try_from(metadata.len()).unwrap_or(0) + 1);
        // It may grow meanwhile.
        file.take(MAX_HELD_PACKED + 1).read_to_end(&mut bytes)?;
        Ok(Some(Self { digest: Digest::of(&bytes), content: Content::Held(bytes) }))
    }

    /// Its hash.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Whether it is read from its file each time.
    #[must_use]
    pub fn is_large(&self) -> bool {
        matches!(self.content, Content::InFile { .. })
    }

    /// Calls `visit` for every regular file in it, by the rules for consumers. Without `scratch` no more is unpacked than was
    /// visited.
    ///
    /// # Errors
    /// The first broken rule, or the visitor's own error; or it is not any more what was hashed.
    pub fn for_each_entry<E: From<PackageError>>(
        &self,
        scratch: Option<&mut Scratch>,
        name: &str,
        version: &Version,
        visit: impl FnMut(&mut Entry<'_>) -> Result<(), E>,
    ) -> Result<Package, E> {
        match &self.content {
            Content::Held(bytes) => match scratch {
                Some(scratch) => {
                    package::for_each_entry_of(Rules::Consume, bytes, scratch, name, version, visit)
                }
                None => {
                    let length = bytes.len() as u64;
                    package::for_each_entry(Rules::Consume, &bytes[..], length, name, version, visit)
                }
            },
            Content::InFile { path, length } => {
                let file = File::open(path).map_err(PackageError::Io)?;
                let mut reader = Hashing::new(BufReader::with_capacity(PIECE, file));
                let package =
                    package::for_each_entry(Rules::Consume, &mut reader, *length, name, version, visit)?;
                self.must_be(reader.finish().map_err(PackageError::Io)?)?;
                Ok(package)
            }
        }
    }

    /// Writes its bytes.
    ///
    /// # Errors
    /// It cannot be read or written; or it is not any more what was hashed.
    pub fn write_to(&self, mut out: impl Write) -> io::Result<()> {
        match &self.content {
            Content::Held(bytes) => out.write_all(bytes),
            Content::InFile { path, .. } => {
                let mut reader = Hashing::new(BufReader::with_capacity(PIECE, File::open(path)?));
                io::copy(&mut reader, &mut out)?;
                self.must_be(reader.finish()?).map_err(io::Error::other)
            }
        }
    }

    fn must_be(&self, found: Digest) -> Result<(), PackageError> {
        if found == self.digest { Ok(()) } else { Err(PackageError::Changed) }
    }
}

impl WholeCrate for CrateFile {
    fn digest(&self) -> Digest {
        self.digest
    }

    fn inspect(&self, name: &str, version: &Version) -> Result<Package, PackageError> {
        self.for_each_entry(None, name, version, |_| Ok(()))
    }
}

impl Drop for CrateFile {
    fn drop(&mut self) {
        if let Content::Held(bytes) = &mut self.content {
            SPARE.set(std::mem::take(bytes));
        }
    }
}

/// Hashes what goes by.
struct Hashing<R> {
    inner: R,
    hasher: Hasher,
}

impl<R: BufRead> Hashing<R> {
    fn new(inner: R) -> Self {
        Self { inner, hasher: Hasher::new() }
    }

    /// The hash of all of it, what is not yet read included.
    fn finish(mut self) -> io::Result<Digest> {
        io::copy(&mut self, &mut io::sink())?;
        Ok(self.hasher.finish().0)
    }
}

impl<R: BufRead> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Hashing<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        // What was filled is in memory: this reads nothing.
        if let Ok(filled) = self.inner.fill_buf() {
            self.hasher.update(&filled[..count.min(filled.len())]);
        }
        self.inner.consume(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::packed;
    use cargo_namespaces_net::fs::write_atomic;

    fn walked(file: &CrateFile) -> Result<Vec<String>, PackageError> {
        let mut paths = Vec::new();
        file.for_each_entry(None, "demo", &Version::new(1, 0, 0), |entry| {
            paths.push(entry.path().to_owned());
            Ok::<(), PackageError>(())
        })?;
        Ok(paths)
    }

    #[test]
    fn one_that_is_changed_after_it_was_hashed_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("demo-1.0.0.crate");
        let manifest = "[package]\nname = \"demo\"\nversion = \"1.0.0\"\nedition = \"2024\"\n";
        let demo = [("Cargo.toml", manifest), ("src/lib.rs", "")];
        let bytes = packed("demo", "1.0.0", &demo);
        write_atomic(&path, &bytes).unwrap();
        let length = bytes.len() as u64;
        let content = Content::InFile { path: path.clone(), length };
        let file = CrateFile { digest: Digest::of(&bytes), content };
        assert_eq!(walked(&file).unwrap(), ["Cargo.toml", "src/lib.rs"]);
        let mut out = Vec::new();
        file.write_to(&mut out).unwrap();
        assert_eq!(out, bytes);
        let longer = [&demo[..], &[("build.rs", "")]].concat();
        write_atomic(&path, &packed("demo", "1.0.0", &longer)).unwrap();
        assert!(matches!(walked(&file), Err(PackageError::Changed)));
        file.write_to(&mut out).unwrap_err();
    }

    #[test]
    fn what_is_no_file_is_none() {
        let home = tempfile::tempdir().unwrap();
        CrateFile::read(&home.path().join("none")).unwrap_err();
        assert!(!CrateFile::read(home.path()).is_ok_and(|found| found.is_some()));
    }
}
