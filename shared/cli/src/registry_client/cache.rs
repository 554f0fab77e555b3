//! One kept index file: what the server named it by, then its bytes.
//!
//! ```text
//! 1 <sha256 of everything after this line>
//! <ETag, or nothing>
//! <Last-Modified, or nothing>
//! <the file>
//! ```
//!
//! The hash finds files that a power cut left torn (the cache is written without waiting for the disk); a file that does not
//! fit it counts as missing.

use std::path::Path;

use cargo_namespaces::digest::Digest;
use cargo_namespaces::name::IndexUrl;
use cargo_namespaces_net::fs::{self, FsError};

/// A kept index file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cached {
    pub(super) etag: Option<String>,
    pub(super) last_modified: Option<String>,
    pub(super) body: Vec<u8>,
}

impl Cached {
    /// The kept file, if there is a whole one.
    pub(super) fn read(path: &Path) -> Option<Self> {
        Self::parse(&fs::read(path).ok()?)
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (head, rest) = line(bytes)?;
        if head.strip_prefix("1 ")? != Digest::of(rest).to_string() {
            return None;
        }
        let (etag, rest) = line(rest)?;
        let (last_modified, body) = line(rest)?;
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Some(Self { etag: given(etag), last_modified: given(last_modified), body: body.to_vec() })
    }

    /// Keeps it.
    pub(super) fn write(&self, path: &Path) -> Result<(), FsError> {
        fs::write_cache(path, &self.to_bytes())
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut rest = Vec::with_capacity(self.body.len() + 128);
        for header in [&self.etag, &self.last_modified] {
            // A header value holds no line break; the HTTP parser sees to it.
            rest.extend_from_slice(header.as_deref().unwrap_or_default().as_bytes());
            rest.push(b'\n');
        }
        rest.extend_from_slice(&self.body);
        let mut bytes = format!("1 {}\n", Digest::of(&rest)).into_bytes();
        bytes.append(&mut rest);
        bytes
    }
}

fn line(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    Some((std::str::from_utf8(&bytes[..end]).ok()?, &bytes[end + 1..]))
}

/// The directory of an index: its host for people, a hash of the URL for being the only one.
pub(super) fn directory_name(index: &IndexUrl) -> String {
    let hash = Digest::of(index.as_str().as_bytes()).to_string();
    let host: String = index
        .host()
        .chars()
        .map(|found| if found.is_ascii_alphanumeric() || "-.".contains(found) { found } else { '_' })
        .collect();
    format!("{host}-{}", &hash[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_comes_back_and_a_torn_file_does_not() {
        for cached in [
            Cached { etag: Some("\"a\"".to_owned()), last_modified: None, body: b"{}\n{}\n".to_vec() },
            Cached { etag: None, last_modified: Some("Fri".to_owned()), body: Vec::new() },
        ] {
            let bytes = cached.to_bytes();
            assert_eq!(Cached::parse(&bytes), Some(cached));
            for end in 0..bytes.len() {
                assert_eq!(Cached::parse(&bytes[..end]), None, "cut at {end}");
            }
        }
    }

    #[test]
    fn indexes_of_one_host_are_kept_apart() {
        let name = |url: &str| directory_name(&IndexUrl::parse(url).unwrap());
        let (a, b) = (name("sparse+https://x.example/a/"), name("sparse+https://x.example/A/"));
        assert!(a.starts_with("x.example-"));
        assert_ne!(a, b);
    }
}
