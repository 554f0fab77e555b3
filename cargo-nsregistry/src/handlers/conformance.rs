//! What holds of HTTP at every address: which requests are none, and how every refusal looks.
//!
//! Cargo prints the `detail` of a JSON error and nothing of another body, so everything that is refused is refused as JSON,
//! also by the framework: a path that is not UTF-8, a query that does not parse, a method that is not allowed. What is no
//! request at all (a head that is too large or does not parse) does not come here: the HTTP library answers it without a body.

use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::handlers::conditional::tagged;
use crate::handlers::error::ApiError;

/// Most bytes of a framework's refusal; they are a line.
const MAX_REFUSAL: usize = 4096;

/// Every request that is routed comes through here, and every answer to one.
pub async fn every(request: Request, next: Next) -> Response {
    if let Err(error) = conforms(&request) {
        return error.into_response();
    }
    let method = request.method().clone();
    let mut asked = HeaderMap::new();
    for line in request.headers().get_all(header::IF_NONE_MATCH) {
        asked.append(header::IF_NONE_MATCH, line.clone());
    }
    let response = in_json(next.run(request).await).await;
    tagged(&method, &asked, response).await
}

/// Whether it says once whom it is for and who sends it. Programs on the way may each believe another one of two lines.
pub fn conforms<B>(request: &axum::http::Request<B>) -> Result<(), ApiError> {
    let headers = request.headers();
    let wrong = |detail: &str| Err(ApiError::bad_request("request", detail));
    let hosts: Vec<&HeaderValue> = headers.get_all(header::HOST).iter().collect();
    let host = match hosts[..] {
        [] if request.version() == Version::HTTP_11 => return wrong("the request names no host"),
        [] => None,
        [host] => match host.to_str().ok().and_then(|text| text.parse::<Authority>().ok()) {
            Some(host) if !host.as_str().contains('@') => Some(host),
            _ => return wrong("the `Host` of the request is not the name of a host"),
        },
        _ => return wrong("the request has more than one `Host`"),
    };
    // With HTTP/1 the line that is asked for may name a host too, and then `Host` does not count.
    if request.version() == Version::HTTP_2
        && let (Some(host), Some(authority)) = (host, request.uri().authority())
        && host != *authority
    {
        return wrong("`Host` and `:authority` of the request name two hosts");
    }
    if headers.get_all(header::AUTHORIZATION).iter().count() > 1 {
        return wrong("the request has more than one `Authorization`");
    }
    Ok(())
}

/// A refusal as Cargo reads it, whoever made it.
async fn in_json(response: Response) -> Response {
    let is_json = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    let status = response.status();
    if is_json || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let (parts, body) = response.into_parts();
    // It is in memory: nothing is waited for.
    let text = to_bytes(body, MAX_REFUSAL).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text).trim().to_owned();
    let reason = status.canonical_reason().unwrap_or("the request was refused");
    let detail = if text.is_empty() { reason.to_owned() } else { text };
    let mut refusal = ApiError::new(status, "request", detail).into_response();
    for (name, value) in &parts.headers {
        if ![header::CONTENT_TYPE, header::CONTENT_LENGTH].contains(name) {
            refusal.headers_mut().insert(name, value.clone());
        }
    }
    refusal
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn request(version: Version, uri: &str, lines: &[(&'static str, &'static str)]) -> Result<(), ApiError> {
        let mut request = Request::new(Body::empty());
        *request.version_mut() = version;
        *request.uri_mut() = uri.parse().unwrap();
        for (name, value) in lines {
            request.headers_mut().append(*name, HeaderValue::from_static(value));
        }
        conforms(&request)
    }

    #[test]
    fn a_request_names_one_host_and_one_sender() {
        let host = ("host", "crates.example:443");
        for (version, uri, lines) in [
            (Version::HTTP_11, "/", &[host][..]),
            (Version::HTTP_11, "/", &[("host", "[::1]:80")]),
            (Version::HTTP_11, "http://other.example/", &[host]),
            (Version::HTTP_10, "/", &[]),
            (Version::HTTP_2, "https://crates.example:443/", &[]),
            (Version::HTTP_2, "https://crates.example:443/", &[host]),
            (Version::HTTP_2, "/", &[host]),
            (Version::HTTP_11, "/", &[host, ("authorization", "a")]),
        ] {
            assert!(request(version, uri, lines).is_ok(), "{version:?} {uri} {lines:?}");
        }
        for (version, uri, lines) in [
            (Version::HTTP_11, "/", &[][..]),
            (Version::HTTP_11, "/", &[host, host]),
            (Version::HTTP_10, "/", &[host, host]),
            (Version::HTTP_2, "/", &[host, host]),
            (Version::HTTP_11, "/", &[("host", "")]),
            (Version::HTTP_11, "/", &[("host", "a b")]),
            (Version::HTTP_11, "/", &[("host", "user@crates.example")]),
            (Version::HTTP_11, "/", &[("host", "crates.example/path")]),
            (Version::HTTP_2, "https://other.example/", &[host]),
            (Version::HTTP_11, "/", &[host, ("authorization", "a"), ("authorization", "a")]),
        ] {
            assert!(request(version, uri, lines).is_err(), "{version:?} {uri} {lines:?}");
        }
    }
}
