//! Archives built byte by byte, honest and otherwise, for tests.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use tar::{EntryType, Header};

/// A tar archive that grows by one entry at a time.
pub(crate) struct Archive {
    bytes: Vec<u8>,
}

/// The package that the attacks are added to.
pub(crate) const TOP: &str = "demo-1.0.0";
pub(crate) const MANIFEST: &str = "[package]\nname = \"demo\"\nversion = \"1.0.0\"\nedition = \"2024\"\n";

impl Archive {
    pub(crate) fn empty() -> Self {
        Self { bytes: Vec::new() }
    }

    /// `demo` 1.0.0 with a manifest and a library.
    pub(crate) fn demo() -> Self {
        Self::with_manifest(MANIFEST)
    }

    pub(crate) fn with_manifest(manifest: &str) -> Self {
        Self::empty()
            .file("demo-1.0.0/Cargo.toml", manifest.as_bytes())
            .file("demo-1.0.0/src/lib.rs", b"//! A library.\n")
    }

    pub(crate) fn file(self, path: &str, content: &[u8]) -> Self {
        self.entry(EntryType::Regular, path.as_bytes(), content)
    }

    /// An entry of any type, its path cut to the header's field.
    pub(crate) fn entry(self, kind: EntryType, path: &[u8], content: &[u8]) -> Self {
        self.edited(kind, path, content, |_| {})
    }

    /// The same with a last word on the header, before its check sum is made.
    pub(crate) fn edited(
        self,
        kind: EntryType,
        path: &[u8],
        content: &[u8],
        edit: impl FnOnce(&mut Header),
    ) -> Self {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(0o644);
        header.set_size(content.len() as u64);
        let length = path.len().min(100);
        header.as_mut_bytes()[..length].copy_from_slice(&path[..length]);
        edit(&mut header);
        header.set_cksum();
        self.raw(header.as_bytes()).raw_padded(content)
    }

    /// A GNU long name and the file that it names.
    pub(crate) fn long(self, path: &str, content: &[u8]) -> Self {
        let name = [path.as_bytes(), b"\0"].concat();
        self.entry(EntryType::GNULongName, b"././@LongLink", &name).file(path, content)
    }

    /// Bytes as they are.
    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    fn raw_padded(self, content: &[u8]) -> Self {
        let padding = content.len().next_multiple_of(512) - content.len();
        self.raw(content).raw(&vec![0; padding])
    }

    /// The tar, with its end.
    pub(crate) fn tar(self) -> Vec<u8> {
        self.raw(&[0; 1024]).bytes
    }

    /// The .crate.
    pub(crate) fn gz(self) -> Vec<u8> {
        gzip(&self.tar())
    }

    /// The .crate without the two zero blocks at the end.
    pub(crate) fn gz_without_end(self) -> Vec<u8> {
        gzip(&self.bytes)
    }
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
