//! The sparse protocol without input and output: the request for a file of an index, and what a response to it means.
//!
//! Whoever reads an index (a command through Cargo's caches, a registry that mirrors) builds the requests here, has them carried,
//! and hands the responses back.

use cargo_namespaces::index::index_path;
use cargo_namespaces::limits;
use cargo_namespaces::name::{CrateName, IndexUrl};

use crate::client::{Request, Response};

/// A file of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexFile {
    pub index: IndexUrl,
    /// The path below the index.
    pub path: String,
    /// The largest that is read.
    pub max_bytes: u64,
}

/// How a server named the version of a file that it sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Validators {
    /// `ETag`.
    pub etag: Option<String>,
    /// `Last-Modified`.
    pub last_modified: Option<String>,
}

/// What the index says of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The file as it is now.
    File {
        body: Vec<u8>,
        /// How the server names this version.
        validators: Validators,
    },
    /// The file is as it was when it was last read.
    Unchanged,
    /// There is no such file: not there, gone, or withheld by law, as Cargo reads it.
    Absent,
    /// The reader may not see it, or did not say who reads.
    Forbidden,
    Other(u16),
}

impl IndexFile {
    /// Returns the `config.json` of an index.
    pub fn config(index: &IndexUrl) -> Self {
        Self {
            index: index.clone(),
            path: "config.json".to_owned(),
            max_bytes: limits::MAX_INDEX_CONFIG as u64,
        }
    }

    /// Returns the file with the lines of a crate.
    pub fn of_crate(index: &IndexUrl, name: &CrateName) -> Self {
        Self { index: index.clone(), path: index_path(name), max_bytes: limits::MAX_INDEX_FILE }
    }

    /// Returns the request for the file at `from`, which is its index or what replaces it. With `known`, only a changed file is
    /// sent.
    pub fn request(&self, from: &IndexUrl, known: Option<&Validators>) -> Request {
        let mut request = Request::index_file(from.join(&self.path));
        request.max_bytes = self.max_bytes;
        // Cargo sends this header to say that it reads the sparse protocol; some servers look at it.
        request = request.header("cargo-protocol", "version=1");
        match known {
            Some(Validators { etag: Some(etag), .. }) => request.header("if-none-match", etag),
            Some(Validators { last_modified: Some(date), .. }) => request.header("if-modified-since", date),
            _ => request,
        }
    }
}

impl Answer {
    /// Returns what a response means. `was_known` says whether the request named a version.
    pub fn of(response: Response, was_known: bool) -> Self {
        match response.status {
            200 => {
                let validators =
                    Validators { etag: response.etag.clone(), last_modified: response.last_modified.clone() };
                Self::File { body: response.into_bytes(), validators }
            }
            304 if was_known => Self::Unchanged,
            404 | 410 | 451 => Self::Absent,
            401 | 403 => Self::Forbidden,
            status => Self::Other(status),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> (IndexUrl, IndexFile) {
        let index = IndexUrl::parse("sparse+https://serde.rs/cargo/index/").unwrap();
        let file = IndexFile::of_crate(&index, &CrateName::parse("serde-abc").unwrap());
        (index, file)
    }

    #[test]
    fn a_file_is_asked_for_as_cargo_asks() {
        let (index, file) = file();
        let request = file.request(&index, None);
        assert_eq!(request.url, "https://serde.rs/cargo/index/se/rd/serde-abc");
        assert_eq!(request.headers, [("cargo-protocol", "version=1".to_owned())]);
        let mirror = IndexUrl::parse("sparse+https://mirror.example/x/").unwrap();
        assert_eq!(file.request(&mirror, None).url, "https://mirror.example/x/se/rd/serde-abc");
    }

    #[test]
    fn a_known_version_is_named_by_its_etag_before_its_date() {
        let (index, file) = file();
        let (etag, last_modified) = (Some("\"a\"".to_owned()), Some("Fri".to_owned()));
        let last = |known: Validators| file.request(&index, Some(&known)).headers.pop().unwrap();
        let both = Validators { etag, last_modified: last_modified.clone() };
        assert_eq!(last(both), ("if-none-match", "\"a\"".to_owned()));
        let dated = Validators { etag: None, last_modified };
        assert_eq!(last(dated), ("if-modified-since", "Fri".to_owned()));
        assert_eq!(last(Validators::default()).0, "cargo-protocol");
    }

    #[test]
    fn every_status_means_something() {
        let of =
            |status, was_known| Answer::of(Response::in_memory("https://serde.rs/x", status, "x"), was_known);
        assert!(matches!(of(200, false), Answer::File { body, .. } if body == b"x"));
        assert_eq!(of(304, true), Answer::Unchanged);
        assert_eq!(of(304, false), Answer::Other(304), "nothing was known");
        for absent in [404, 410, 451] {
            assert_eq!(of(absent, true), Answer::Absent);
        }
        for forbidden in [401, 403] {
            assert_eq!(of(forbidden, true), Answer::Forbidden);
        }
        assert_eq!(of(503, true), Answer::Other(503));
    }
}
