//! What only a development registry does: it answers for this machine alone, and serves what its domains publish.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use cargo_namespaces::discovery::{CARGO_PUBLISHERS_PATH, PACKAGE_NAMESPACE_PATH};
use cargo_namespaces::name::Namespace;

use super::error::ApiError;
use crate::registry::Registry;

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
}
