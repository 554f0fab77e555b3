//! HTTPS: requests and responses as values, and the [`Client`] that carries them with reqwest.
//!
//! A process has one client: one pool of connections, one set of TLS authorities, one cache of addresses. A [`Request`] says how much and how long its answer may be; a [`Response`] is what the server said, whatever its
//! status. Only what kept an answer from arriving whole is a [`TransportError`]. What a document means is decided elsewhere,
//! on its bytes.
//!
//! The rules: https only, certificates always verified, no cookies, no redirects unless the request allows them (then at
//! most five, https to https, and never with the `Authorization` header on another host or port), bytes counted while they arrive
//! and after inflating.

mod classify;
mod http;
mod lookup;
mod retry;

use std::path::PathBuf;
use std::time::Duration;

use cargo_namespaces::digest::Digest;
use cargo_namespaces::limits;

pub use classify::{TransportError, TransportErrorKind};
pub use http::{Client, ClientOptions, LOCALHOST, PART, Proxy, SetUpError, authorities};
pub use lookup::Pinned;
pub use retry::Retry;

/// Where a request may be sent on to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redirects {
    /// Nowhere: a 3xx is the answer. For what proves who owns a domain.
    None,
    /// To other https URLs, at most [`limits::MAX_REDIRECTS`] times. For index files and downloads, as Cargo does.
    Https,
}

/// What is done with the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sink {
    /// Kept in memory.
    Memory,
    /// Written to a temporary file in this directory while it is hashed; gone unless the file is persisted. A body
    /// of another status than 200 is kept in memory.
    Directory(PathBuf),
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Method {
    /// A read.
    Get,
    /// A body of this media type; never tried again.
    Post {
        /// Its `Content-Type`.
        content_type: &'static str,
        body: Vec<u8>,
    },
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is asked.
    pub method: Method,
    /// An `https://` URL.
    pub url: String,
    /// Most bytes of the body, also after inflating.
    pub max_bytes: u64,
    /// Time for the whole, with redirects and repetitions.
    pub timeout: Duration,
    /// Whether it is tried again after a passing failure, as often as the client's options say.
    pub retry: bool,
    /// Where it may be sent on to.
    pub redirects: Redirects,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
    /// What is done with the body.
    pub sink: Sink,
}

impl Request {
    /// A discovery document: small, and only from the host that is asked.
    pub fn document(url: impl Into<String>) -> Self {
        Self {
            method: Method::Get,
            url: url.into(),
            max_bytes: limits::MAX_DOCUMENT as u64,
            timeout: limits::DOCUMENT_TIMEOUT,
            retry: true,
            redirects: Redirects::None,
            headers: Vec::new(),
            sink: Sink::Memory,
        }
    }

    /// A file of an index.
    pub fn index_file(url: impl Into<String>) -> Self {
        Self { max_bytes: limits::MAX_INDEX_FILE, redirects: Redirects::Https, ..Self::document(url) }
    }

    /// A .crate, hashed into a temporary file in `directory`.
    pub fn download(url: impl Into<String>, directory: PathBuf) -> Self {
        Self {
            max_bytes: limits::MAX_CONSUMED_PACKED,
            timeout: limits::DOWNLOAD_TIMEOUT,
            sink: Sink::Directory(directory),
            ..Self::index_file(url)
        }
    }

    /// A posted body whose answer is a document.
    pub fn post(url: impl Into<String>, content_type: &'static str, body: Vec<u8>) -> Self {
        Self { method: Method::Post { content_type, body }, ..Self::document(url) }
    }

    /// The same with one more header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// Where a body ended up.
#[derive(Debug)]
pub enum Body {
    /// In memory.
    Memory(Vec<u8>),
    /// In a temporary file, removed when dropped.
    File {
        path: tempfile::TempPath,
        /// Of the bytes as they arrived.
        digest: Digest,
        /// How many they are.
        length: u64,
    },
}

/// What the server said.
#[derive(Debug)]
pub struct Response {
    /// The status, after redirects.
    pub status: u16,
    /// The URL that answered, after redirects.
    pub url: String,
    /// `ETag`, as it was sent.
    pub etag: Option<String>,
    /// `Last-Modified`, as it was sent.
    pub last_modified: Option<String>,
    /// `Location`, of a redirect that was not followed.
    pub location: Option<String>,
    /// `Retry-After`, where it is a number of seconds.
    pub retry_after: Option<Duration>,
    pub body: Body,
}

impl Response {
    /// A response in memory, for tests and for transports that are not HTTP.
    pub fn in_memory(url: impl Into<String>, status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            url: url.into(),
            etag: None,
            last_modified: None,
            location: None,
            retry_after: None,
            body: Body::Memory(body.into()),
        }
    }

    /// The body in memory; empty when it was written to a file.
    pub fn bytes(&self) -> &[u8] {
        match &self.body {
            Body::Memory(bytes) => bytes,
            Body::File { .. } => &[],
        }
    }

    /// As [`Response::bytes`], taking them.
    pub fn into_bytes(self) -> Vec<u8> {
        match self.body {
            Body::Memory(bytes) => bytes,
            Body::File { .. } => Vec::new(),
        }
    }
}

/// What became of one request.
pub type Outcome = Result<Response, TransportError>;

/// Something that carries requests: the [`Client`], or what stands in for it in a test.
pub trait Fetch: Sync {
    /// Carries one request.
    fn fetch(&self, request: Request) -> impl Future<Output = Outcome> + Send;
}
