//! `.crate` files made by hand, byte by byte where a rule is to be broken.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

/// Builds the tar of a `.crate`, entry by entry; names are taken as they are and written into the header unchecked.
#[derive(Clone, Debug, Default)]
pub struct Archive {
    tar: Vec<u8>,
    top: String,
}

impl Archive {
    /// An archive whose [`Self::file`]s lie in `<name>-<version>/`; empty so far.
    #[must_use]
    pub fn new(name: &str, version: &str) -> Self {
        Self { tar: Vec::new(), top: format!("{name}-{version}") }
    }

    /// As [`Self::new`], with the least that a package holds.
    #[must_use]
    pub fn package(name: &str, version: &str) -> Self {
        Self::new(name, version)
            .file(
                "Cargo.toml",
                format!("[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2021\"\n"),
            )
            .file("src/lib.rs", "")
    }

    /// A regular file inside the top directory.
    #[must_use]
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let path = format!("{}/{path}", self.top);
        self.raw(path.as_bytes(), b'0', "", content.as_ref(), None)
    }

    /// A regular file at exactly this path: `../evil`, `/etc/evil`, another top directory.
    #[must_use]
    pub fn file_at(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.raw(path.as_bytes(), b'0', "", content.as_ref(), None)
    }

    /// A symbolic link inside the top directory.
    #[must_use]
    pub fn symlink(self, path: &str, target: &str) -> Self {
        self.special(path, b'2', target)
    }

    /// A hard link inside the top directory.
    #[must_use]
    pub fn hard_link(self, path: &str, target: &str) -> Self {
        self.special(path, b'1', target)
    }

    /// A character device (1, 3) inside the top directory.
    #[must_use]
    pub fn device(self, path: &str) -> Self {
        self.special(path, b'3', "")
    }

    /// A named pipe inside the top directory.
    #[must_use]
    pub fn fifo(self, path: &str) -> Self {
        self.special(path, b'6', "")
    }

    /// A directory inside the top directory.
    #[must_use]
    pub fn directory(self, path: &str) -> Self {
        self.special(&format!("{path}/"), b'5', "")
    }

    /// An entry of any type inside the top directory, without content.
    #[must_use]
    pub fn special(self, path: &str, kind: u8, target: &str) -> Self {
        let path = format!("{}/{path}", self.top);
        self.raw(path.as_bytes(), kind, target, b"", None)
    }

    /// A file whose header says `claimed` bytes, whatever `content` holds.
    #[must_use]
    pub fn lying_size(self, path: &str, content: &[u8], claimed: u64) -> Self {
        let path = format!("{}/{path}", self.top);
        self.raw(path.as_bytes(), b'0', "", content, Some(claimed))
    }

    /// A regular file whose header is `edit`ed before its check sum is made.
    #[must_use]
    pub fn edited(
        mut self,
        path: &str,
        content: impl AsRef<[u8]>,
        edit: impl FnOnce(&mut [u8; 512]),
    ) -> Self {
        let at = self.tar.len();
        self = self.file(path, content);
        let header = self.tar[at..].first_chunk_mut::<512>().expect("it was just added");
        edit(header);
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        put(header, 148, format!("{sum:06o}\0 ").as_bytes());
        self
    }

    /// A PAX extended header for the entry that follows: `[("size", "1")]`, `[("path", "…")]`.
    #[must_use]
    pub fn pax(self, records: &[(&str, &str)]) -> Self {
        let content: String = records.iter().map(|(key, value)| pax_record(key, value)).collect();
        self.raw(b"pax", b'x', "", content.as_bytes(), None)
    }

    /// A GNU long name for the entry that follows.
    #[must_use]
    pub fn long_name(self, name: &str) -> Self {
        let content = format!("{name}\0");
        self.raw(b"././@LongLink", b'L', "", content.as_bytes(), None)
    }

    /// Any 512 bytes or more, in the middle of the archive.
    #[must_use]
    pub fn garbage(mut self, bytes: &[u8]) -> Self {
        self.tar.extend(bytes);
        self
    }

    /// The gzipped archive, not compressed: for large ones.
    ///
    /// # Panics
    ///
    /// Never: it is written to memory.
    #[must_use]
    pub fn build_stored(mut self) -> Vec<u8> {
        self.tar.extend([0; 1024]);
        let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
        encoder.write_all(&self.tar).expect("write to memory");
        encoder.finish().expect("write to memory")
    }

    fn raw(mut self, path: &[u8], kind: u8, target: &str, content: &[u8], claimed: Option<u64>) -> Self {
        let mut header = [0_u8; 512];
        let length = u64::try_from(content.len()).expect("a test file is small");
        assert!(path.len() <= 100, "a longer name needs long_name() or pax() before it");
        put(&mut header, 0, path);
        put(&mut header, 100, b"0000644\0");
        put(&mut header, 108, b"0000000\0");
        put(&mut header, 116, b"0000000\0");
        put(&mut header, 124, format!("{:011o}\0", claimed.unwrap_or(length)).as_bytes());
        put(&mut header, 136, b"00000000000\0");
        put(&mut header, 148, b"        ");
        header[156] = kind;
        put(&mut header, 157, target.as_bytes());
        put(&mut header, 257, b"ustar\x0000");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        put(&mut header, 148, format!("{sum:06o}\0 ").as_bytes());
        self.tar.extend(header);
        self.tar.extend(content);
        self.tar.resize(self.tar.len().next_multiple_of(512), 0);
        self
    }

    /// The gzipped archive.
    ///
    /// # Panics
    ///
    /// Never: it is written to memory.
    #[must_use]
    pub fn build(mut self) -> Vec<u8> {
        self.tar.extend([0; 1024]);
        gzip(&self.tar)
    }

    /// The gzipped archive without its end marker, cut after `keep` bytes of the compressed form.
    #[must_use]
    pub fn build_truncated(self, keep: usize) -> Vec<u8> {
        let mut bytes = self.build();
        bytes.truncate(keep);
        bytes
    }
}

/// A package that unpacks to `megabytes` MiB of zeros in one file.
///
/// # Panics
///
/// When `megabytes` does not fit a tar header.
#[must_use]
pub fn bomb(name: &str, version: &str, megabytes: u64) -> Vec<u8> {
    let size = megabytes << 20;
    let head = Archive::package(name, version).lying_size("bomb", b"", size).tar;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&head).expect("write to memory");
    let block = vec![0; 1 << 20];
    for _ in 0..megabytes {
        encoder.write_all(&block).expect("write to memory");
    }
    encoder.write_all(&[0; 1024]).expect("write to memory");
    encoder.finish().expect("write to memory")
}

/// Compresses as Cargo does.
///
/// # Panics
///
/// Never: it is written to memory.
#[must_use]
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("write to memory");
    encoder.finish().expect("write to memory")
}

fn put(header: &mut [u8; 512], at: usize, bytes: &[u8]) {
    header[at..at + bytes.len()].copy_from_slice(bytes);
}

/// `<length> key=value\n`, where the length counts itself.
fn pax_record(key: &str, value: &str) -> String {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    format!("{length} {key}={value}\n")
}
