//! Conditional requests (RFC 9110, section 13): a client that has the document already gets 304 instead of the same bytes again.
//!
//! Files of the store have a tag of their own. Every other small document in memory gets one here, made of its bytes: `config.json`,
//! `cargo.txt`, and what the registry knows about a crate or a namespace.

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use cargo_namespaces::digest::Digest;
use hyper::body::Body as _;

/// Most bytes of a document that is tagged; larger ones are not hashed for each request.
const MAX_TAGGED: u64 = 1024 * 1024;
/// Hexadecimal digits of a tag: enough for two documents at one address never to share it.
const TAG: usize = 32;

/// Returns whether `If-None-Match` names a tag, without quotes, that `is_current` accepts. The comparison is weak, as the standard
/// requires. A malformed list names nothing.
pub(super) fn known(headers: &HeaderMap, is_current: impl Fn(&str) -> bool) -> bool {
    let lines =
        || headers.get_all(header::IF_NONE_MATCH).iter().map(|line| line.to_str().unwrap_or_default());
    if lines().eq(["*"]) {
        return true;
    }
    let tags: Option<Vec<Vec<&str>>> = lines().map(tags).collect();
    tags.is_some_and(|lines| lines.iter().flatten().any(|tag| is_current(tag)))
}

/// Reads the entity tags of a list, `"a", W/"b"`, without quotes. Returns `None` if it is malformed. A tag may contain commas.
fn tags(mut list: &str) -> Option<Vec<&str>> {
    let mut found = Vec::new();
    loop {
        // Empty elements are allowed, and mean nothing.
        list = list.trim_start_matches([' ', '\t', ',']);
        if list.is_empty() {
            return Some(found);
        }
        let (tag, rest) = list.strip_prefix("W/").unwrap_or(list).strip_prefix('"')?.split_once('"')?;
        found.push(tag);
        list = rest.trim_start_matches([' ', '\t']);
        if !list.is_empty() && !list.starts_with(',') {
            return None;
        }
    }
}

/// Adds a tag to the answer to a read that has none, or makes the answer 304 if the client has the document.
pub(crate) async fn tagged(method: &Method, asked: &HeaderMap, response: Response) -> Response {
    let is_document = response.status() == StatusCode::OK
        && [Method::GET, Method::HEAD].contains(method)
        && !response.headers().contains_key(header::ETAG)
        && response.body().size_hint().upper().is_some_and(|size| size <= MAX_TAGGED);
    if !is_document {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    // The body is in memory, so this neither waits nor fails.
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let digest = Digest::of(&bytes).to_string();
    let tag = &digest[..TAG];
    if let Ok(value) = HeaderValue::try_from(format!("\"{tag}\"")) {
        parts.headers.insert(header::ETAG, value);
    }
    if known(asked, |theirs| theirs == tag) {
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.remove(header::CONTENT_TYPE);
        parts.headers.remove(header::CONTENT_LENGTH);
        return Response::from_parts(parts, Body::empty());
    }
    Response::from_parts(parts, bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(lines: &[&'static str]) -> bool {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::IF_NONE_MATCH, HeaderValue::from_static(line));
        }
        known(&headers, |tag| tag == "abc")
    }

    #[test]
    fn a_tag_in_a_list_weak_or_strong_is_known() {
        for yes in [
            &["\"abc\""][..],
            &["W/\"abc\""],
            &["\"x\" ,\t\"abc\""],
            &["\"x\"", "\"abc\""],
            &[", ,\"abc\","],
            &["*"],
        ] {
            assert!(has(yes), "{yes:?}");
        }
    }

    #[test]
    fn nothing_else_is_known() {
        for no in [
            &["\"abd\""][..],
            &["\"\""],
            &["\"*\""],
            &["W/\"*\""],
            &["*, \"x\""],
            &["*", "*"],
            &["abc"],
            &["\"x,abc\""],
            &["\"x\",abc"],
            &["\"abc\"\"x\""],
            &["w/\"abc\""],
            &["\"abc"],
            &[""],
            &[],
        ] {
            assert!(!has(no), "{no:?}");
        }
    }
}
