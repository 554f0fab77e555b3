//! `serve --dev`: a registry to try things out with, on one machine, without root, DNS, TLS or a domain.
//!
//! Its namespaces are names below `localhost`, which are this machine for everybody (RFC 6761, section 6.3). So there is no
//! owner who could be asked, and the registry answers for such a domain itself: it belongs to whoever signs for it first, and
//! what it publishes are files in the registry's directory ([`domains`]), served under the domain's own name.
//!
//! It is not to be taken for a real one. It listens on loopback, and answers only requests whose `Host` is this machine, so that
//! no page in a browser reaches it under another name; it refuses every domain that somebody could own; its URL, and with it
//! the index of every crate, begins with `http://localhost:`; and its directory is marked, so that neither kind of registry is
//! started on the other's.

pub mod domains;
pub mod instructions;

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use cargo_namespaces::discovery::{CARGO_PUBLISHERS_PATH, DevRegistry, PACKAGE_NAMESPACE_PATH};
use cargo_namespaces::name::Namespace;
use cargo_namespaces_net::fs::{self, FsError};

use crate::app::Registry;
use crate::error::ApiError;

/// Marks the directory of a development registry, and holds its URL.
const MARKER: &str = "development";
/// Keeps what is in the directory, keys among it, out of a repository that it lies in.
const IGNORED: &str = ".gitignore";
/// What a registry that is none for development has made in its directory.
const OTHERS: [&str; 2] = ["registry.key", "registry.db"];

/// The directory is another registry's.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// It cannot be read or written.
    #[error(transparent)]
    File(#[from] FsError),
    /// A registry was told to serve what was tried out.
    #[error("`{0}` is the directory of a development registry")]
    Development(String),
    /// A development registry was told to use what others rely on.
    #[error("`{0}` is the directory of a registry that is not for development")]
    Real(String),
    /// It holds what is none of a registry's.
    #[error("`{0}` is not empty, and is not the directory of a development registry")]
    NotEmpty(String),
    /// The port is part of the identity of every crate in it.
    #[error("the crates in `{directory}` belong to {url}, and not to {asked}")]
    OtherUrl {
        /// The directory.
        directory: String,
        /// Its URL.
        url: String,
        /// What it was to be.
        asked: String,
    },
}

impl DirectoryError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::File(error) => error.hint().map(str::to_owned),
            Self::Development(directory) => Some(format!(
                "serve it with `--dev --data {directory}`, or give this registry a directory of its own by `--data`"
            )),
            Self::Real(_) => {
                Some("choose another directory by `--data`, which need not be there yet".to_owned())
            }
            Self::NotEmpty(_) => Some(
                "the registry keeps keys and packages in its directory, and hides all of it from version control: name one by \
                 `--data` that is not there yet"
                    .to_owned(),
            ),
            Self::OtherUrl { url, .. } => {
                let port = url.rsplit(':').next().unwrap_or_default();
                Some(format!(
                    "start it with `--listen 127.0.0.1:{port}`, if it is not running there already; for a second registry, name a \
                     directory of its own, too, by `--data`"
                ))
            }
        }
    }
}

/// Sees to it that the directory is of this kind of registry; marks a new one.
///
/// # Errors
/// It is of the other kind, or cannot be used.
pub fn claim_directory(data: &Path, dev: Option<DevRegistry>) -> Result<(), DirectoryError> {
    let marker = data.join(MARKER);
    let shown = || data.display().to_string();
    let marked = fs::read_to_string_if_exists(&marker)?.map(|url| url.trim().to_owned());
    match (marked, dev) {
        (None, None) => Ok(()),
        (Some(_), None) => Err(DirectoryError::Development(shown())),
        (Some(url), Some(dev)) if url == dev.url() => Ok(()),
        (Some(url), Some(dev)) => Err(DirectoryError::OtherUrl { directory: shown(), url, asked: dev.url() }),
        (None, Some(_)) if OTHERS.iter().any(|name| data.join(name).exists()) => {
            Err(DirectoryError::Real(shown()))
        }
        (None, Some(_)) if !is_empty(data)? => Err(DirectoryError::NotEmpty(shown())),
        (None, Some(dev)) => {
            fs::write_atomic(&marker, format!("{dev}\n").as_bytes())?;
            Ok(fs::write_atomic(&data.join(IGNORED), b"*\n")?)
        }
    }
}

/// Whether nothing is in a directory, hidden or not.
fn is_empty(directory: &Path) -> Result<bool, FsError> {
    let entries = std::fs::read_dir(directory);
    let mut entries =
        entries.map_err(|source| FsError { action: "read", path: directory.to_owned(), source })?;
    Ok(entries.next().is_none())
}

/// Lets a request pass that was sent to this machine by one of its own names.
///
/// # Errors
/// It was sent to another name: a page in a browser may have been given this machine's address for a name of its own.
pub async fn gate(request: Request, next: Next) -> Result<Response, ApiError> {
    match host(request.headers(), request.uri()) {
        Some(host) if is_this_machine(&host) => Ok(next.run(request).await),
        _ => Err(ApiError::new(
            StatusCode::MISDIRECTED_REQUEST,
            "development",
            "this is a development registry: it answers for this machine alone, as `localhost` or a name below it",
        )),
    }
}

/// The host that a request is for, without the port.
fn host(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    let named = headers.get(header::HOST).and_then(|host| host.to_str().ok()).map(str::to_owned);
    let host = named.or_else(|| Some(uri.authority()?.as_str().to_owned()))?.to_ascii_lowercase();
    let without_port = match host.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => host,
        _ => &host,
    };
    Some(without_port.to_owned())
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let name = || Namespace::parse(host).is_ok_and(|name| name.is_local());
    address.map_or_else(|_| name(), |address| address.is_loopback())
}

/// `GET /.well-known/…` at a name below `localhost`: what that domain publishes.
///
/// # Errors
/// It publishes nothing there.
pub async fn document(State(registry): State<Arc<Registry>>, request: Request) -> Result<Response, ApiError> {
    let nothing = || ApiError::not_found("this domain publishes nothing here");
    let domains = registry.validator.domains().ok_or_else(nothing)?;
    let host = host(request.headers(), request.uri()).ok_or_else(nothing)?;
    let namespace = Namespace::parse(&host).ok().filter(Namespace::is_local).ok_or_else(nothing)?;
    let (kind, found) = match request.uri().path() {
        PACKAGE_NAMESPACE_PATH => ("application/json", domains.json(&namespace).map(Some)),
        CARGO_PUBLISHERS_PATH => ("text/plain; charset=utf-8", domains.publishers(&namespace)),
        _ => return Err(nothing()),
    };
    let bytes = found.map_err(|error| ApiError::internal(&error))?.ok_or_else(nothing)?;
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")];
    Ok((headers, bytes).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_by_its_own_names_is_answered() {
        for host in ["localhost", "hello.localhost", "a.b.localhost", "127.0.0.1", "[::1]"] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in
            ["", "evil.example", "localhost.evil.example", "notlocalhost", "192.0.2.1", "0.0.0.0", "[::]"]
        {
            assert!(!is_this_machine(host), "{host}");
        }
    }

    #[test]
    fn the_host_is_read_without_its_port() {
        let mut headers = HeaderMap::new();
        let uri: Uri = "http://Hello.localhost:7979/x".parse().unwrap();
        assert_eq!(host(&headers, &uri).unwrap(), "hello.localhost");
        headers.insert(header::HOST, "[::1]:7979".parse().unwrap());
        assert_eq!(host(&headers, &uri).unwrap(), "[::1]");
        headers.insert(header::HOST, "[::1]".parse().unwrap());
        assert_eq!(host(&headers, &uri).unwrap(), "[::1]");
        assert_eq!(host(&HeaderMap::new(), &"/x".parse().unwrap()), None);
    }

    #[test]
    fn a_directory_is_of_one_kind_of_registry() {
        let directory = tempfile::tempdir().unwrap();
        let (tried, real) = (directory.path().join("tried"), directory.path().join("real"));
        std::fs::create_dir(&tried).unwrap();
        let dev = DevRegistry::at(7979);
        claim_directory(&tried, dev).unwrap();
        claim_directory(&tried, dev).unwrap();
        assert!(matches!(claim_directory(&tried, None), Err(DirectoryError::Development(_))));
        let moved = claim_directory(&tried, DevRegistry::at(7980)).unwrap_err();
        assert!(moved.hint().unwrap().contains("--listen 127.0.0.1:7979"), "{moved}");
        std::fs::create_dir(&real).unwrap();
        claim_directory(&real, None).unwrap();
        fs::write_atomic(&real.join("registry.db"), b"").unwrap();
        assert!(matches!(claim_directory(&real, dev), Err(DirectoryError::Real(_))));
        claim_directory(&real, None).unwrap();
    }

    #[test]
    fn a_directory_that_holds_anything_else_stays_as_it_is() {
        for file in [".gitignore", ".git", "notes"] {
            let directory = tempfile::tempdir().unwrap();
            fs::write_atomic(&directory.path().join(file), b"mine\n").unwrap();
            let refused = claim_directory(directory.path(), DevRegistry::at(7979)).unwrap_err();
            assert!(refused.hint().unwrap().contains("that is not there yet"), "{refused}");
            assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "{file}");
            assert_eq!(std::fs::read_to_string(directory.path().join(file)).unwrap(), "mine\n");
        }
    }
}
