//! Reading an index: `config.json`, index files, .crates and envelopes; the same tree as on a static host.

use std::sync::Arc;

use axum::body::{Body, HttpBody};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse as _, Response};
use cargo_namespaces::api;
use cargo_namespaces::index::tree::TreeFile;
use cargo_namespaces::name::Namespace;

use super::conditional::known;
use super::namespace;
use super::range::{Part, part};
use crate::handlers::conformance::conforms;
use crate::handlers::error::ApiError;
use crate::registry::Registry;
use crate::storage::cache::Cached;
use crate::storage::{Key, etag};

/// An index file may change at any time: caches ask again, and mostly hear 304.
const CHANGES: &str = "public, max-age=0, must-revalidate";
/// A .crate never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// What needed a token is kept by nobody else.
const PRIVATE: &str = "private, no-cache";
/// The end of the tag of a compressed form.
const PACKED: &str = "-gz";

/// `GET /index/{namespace}/…`
///
/// # Errors
/// There is no such file, or a token is needed.
pub async fn file(
    State(registry): State<Arc<Registry>>,
    Path((ns, file)): Path<(String, String)>,
    method: Method,
    mut headers: HeaderMap,
) -> Result<Response, ApiError> {
    if method != Method::GET {
        // Ranges are of what is got; whoever asks for the head alone hears of the whole (RFC 9110, section 14.2).
        headers.remove(header::RANGE);
    }
    let namespace = namespace(&registry, &ns)?;
    let private = registry.config.is_private(&namespace);
    // Only a path in its one spelling, made of a name and a version, is that of a file: nothing climbs, and no file has a name that
    // the disk could not hold.
    let found = TreeFile::of_index(&file).ok_or_else(|| no_file(&file))?;
    let path = found.path(&api::path::index(&namespace));
    let mut response = match found {
        TreeFile::Config => config(&registry, &namespace, &headers),
        TreeFile::Crate(..) => {
            download(&registry, &file, &path, "application/gzip", FOR_EVER, &headers).await?
        }
        TreeFile::Envelope(..) => {
            download(&registry, &file, &path, "application/json", CHANGES, &headers).await?
        }
        _ => index_file(&registry, &file, &path, &headers).await?,
    };
    if private {
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(PRIVATE));
    }
    Ok(response)
}

/// The answer with a file of an index that was served a moment ago to whoever asked; `None` where a request is to be looked at more
/// closely. Only a path that was found in order, in its one spelling, is a key of the cache, so nothing has to be decoded, routed
/// or read again: that is most of the work of a 304.
pub fn at_hand(registry: &Registry, request: &Request<impl HttpBody>) -> Option<Response> {
    let path = request.uri().path().strip_prefix('/')?;
    // A development registry looks at who asks.
    let is_public = registry.config.dev.is_none()
        && request.method() == Method::GET
        && request.body().is_end_stream()
        && !registry.config.is_private_path(path);
    if !is_public {
        return None;
    }
    // The cache has stored config.json files too, which are not what is served.
    let is_config = path.ends_with("/config.json");
    let found = if is_config { registry.documents.get(path) } else { registry.cache.hot(path) }?;
    conforms(request).ok()?;
    Some(cached(&found, request.headers()))
}

fn config(registry: &Registry, namespace: &Namespace, headers: &HeaderMap) -> Response {
    let path = Key::Config(namespace).path();
    let document = registry.documents.get(&path).unwrap_or_else(|| {
        let made =
            Arc::new(Cached::document(registry.config.index_config(namespace).to_json(), "application/json"));
        registry.documents.keep(path, Arc::clone(&made));
        made
    });
    cached(&document, headers)
}

fn no_file(file: &str) -> ApiError {
    ApiError::not_found(format!("the index holds no {file:?}"))
}

async fn index_file(
    registry: &Registry,
    file: &str,
    path: &str,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let found = registry.cache.read(&registry.storage, path).await?.ok_or_else(|| no_file(file))?;
    Ok(cached(&found, headers))
}

/// A file from the cache: 304 when the client has it, compressed when the client can read that. The compressed form is
/// another sequence of bytes, so its strong tag is another one too.
fn cached(file: &Cached, headers: &HeaderMap) -> Response {
    let packed = if accepts_gzip(headers) { file.gzip() } else { None };
    let suffix = if packed.is_some() { PACKED } else { "" };
    // Whoever has one of the two forms has the file.
    let known = known(headers, |tag| tag.strip_suffix(PACKED).unwrap_or(tag) == file.object.etag);
    let mut response = match packed {
        _ if known => StatusCode::NOT_MODIFIED.into_response(),
        Some(bytes) => Response::new(Body::from(bytes.clone())),
        None => Response::new(Body::from(file.object.bytes.clone())),
    };
    let own = response.headers_mut();
    own.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.kind));
    own.insert(header::CACHE_CONTROL, HeaderValue::from_static(CHANGES));
    own.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    // The store's tags are visible ASCII without quotes.
    if let Ok(tag) = HeaderValue::try_from(format!("\"{}{suffix}\"", file.object.etag)) {
        own.insert(header::ETAG, tag);
    }
    if packed.is_some() && !known {
        own.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.trim().parse() == Ok(0.0_f32));
        (name.trim().eq_ignore_ascii_case("gzip") || name.trim() == "*") && !refused
    })
}

/// A .crate or an envelope, or a part of it, streamed: memory does not depend on its size.
async fn download(
    registry: &Registry,
    file: &str,
    path: &str,
    kind: &'static str,
    caching: &'static str,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let meta = registry.storage.meta(path).await?.ok_or_else(|| no_file(file))?;
    let tag = etag(&meta);
    let fixed =
        [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, caching), (header::ACCEPT_RANGES, "bytes")];
    let own = [(header::ETAG, format!("\"{tag}\""))];
    if known(headers, |theirs| theirs == tag) {
        return Ok((StatusCode::NOT_MODIFIED, fixed, own).into_response());
    }
    let size = meta.size;
    let (status, range, part) = match part(headers, &tag, size) {
        Part::Whole => (StatusCode::OK, None, 0..size),
        Part::Bytes(part) => {
            let range = format!("bytes {}-{}/{size}", part.start, part.end - 1);
            (StatusCode::PARTIAL_CONTENT, Some(range), part)
        }
        Part::None => {
            let range = [(header::CONTENT_RANGE, format!("bytes */{size}"))];
            let detail = format!("the file has {size} bytes, and none of those that the request asks for");
            let error = ApiError::new(StatusCode::RANGE_NOT_SATISFIABLE, "range", detail);
            return Ok((own, range, error.into_response()).into_response());
        }
    };
    let length = (header::CONTENT_LENGTH, (part.end - part.start).to_string());
    let range = range.map(|range| (header::CONTENT_RANGE, range));
    let sizes = AppendHeaders(std::iter::once(length).chain(range));
    Ok((status, fixed, own, sizes, Body::from_stream(registry.storage.stream(meta, part))).into_response())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;
    use crate::config::NamespaceRules;
    use crate::tests::{World, name};

    #[tokio::test]
    async fn what_is_private_is_not_given_away_from_the_cache_however_its_path_is_cut() {
        let mut world = World::with("serde.rs/hello").await;
        world.publish("serde.rs/hello", "1.0.0").await.unwrap();
        let path = Key::Index(&name("serde.rs/hello")).path();
        let registry = Arc::get_mut(&mut world.registry).unwrap();
        let answer = |registry: &Registry, method: Method, path: &str| {
            let mut request = Request::new(Body::empty());
            *request.method_mut() = method;
            *request.uri_mut() = format!("/{path}").parse().unwrap();
            request.headers_mut().insert(header::HOST, HeaderValue::from_static("crates.example"));
            at_hand(registry, &request)
        };
        assert!(answer(registry, Method::GET, &path).is_none(), "nobody has read it");
        registry.cache.read(&registry.storage, &path).await.unwrap().unwrap();
        assert!(answer(registry, Method::GET, &path).is_some());
        assert!(answer(registry, Method::HEAD, &path).is_none());
        let config = Key::Config(&name("serde.rs/hello").namespace).path();
        registry.cache.read(&registry.storage, &config).await.unwrap().unwrap();
        assert!(answer(registry, Method::GET, &config).is_none(), "what is stored is not what is served");
        let rules = NamespaceRules { auth_required: true, ..NamespaceRules::default() };
        registry.config.namespaces.insert(name("serde.rs/hello").namespace, rules);
        for path in [
            &path,
            "index/serde.rs%2Fhe/ll/hello",
            "index/serde.rs/he%2fll/hello",
            "index//serde.rs/he/ll/hello",
        ] {
            assert!(answer(registry, Method::GET, path).is_none(), "{path}");
        }
    }

    fn with(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn gzip_only_for_those_who_read_it() {
        for yes in ["gzip", "deflate, gzip;q=0.5, br", "*"] {
            assert!(accepts_gzip(&with(header::ACCEPT_ENCODING, yes)), "{yes}");
        }
        for no in ["identity", "br", "gzip;q=0"] {
            assert!(!accepts_gzip(&with(header::ACCEPT_ENCODING, no)), "{no}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }
}
