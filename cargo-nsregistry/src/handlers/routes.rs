//! The route table, on one screen.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::{MethodRouter, delete, get, post, put};
use cargo_namespaces::discovery::{CARGO_PUBLISHERS_PATH, CARGO_TXT_PATH, PACKAGE_NAMESPACE_PATH};
use cargo_namespaces::limits::MAX_ENVELOPE;

use crate::client_address::{ClientAddress, Peer};
use crate::handlers::error::ApiError;
use crate::handlers::{
    access, conformance, development, discovery, index, info, ownership, page, releases, upload,
};
use crate::registry::Registry;
use crate::server::linger::linger;
use crate::server::request_log::{self, Asked};
use crate::upload_budget::UploadClient;

/// Most bytes of a request with many statements: a thousand signatures.
const MANY: u64 = 2 * 1024 * 1024;
/// Most bytes of a request with one statement.
const ONE: u64 = 2 * MAX_ENVELOPE as u64;

/// Every route, with its methods.
pub fn table(registry: &Arc<Registry>) -> Vec<(&'static str, MethodRouter<Arc<Registry>>)> {
    let whole = |most| from_fn_with_state((Arc::clone(registry), most), whole);
    vec![
        ("/api/v1/namespace/{namespace}/check", post(info::check).route_layer(whole(ONE))),
        ("/api/v1/owners", post(ownership::owners).route_layer(whole(ONE))),
        ("/api/v1/transfer", post(ownership::transfer).route_layer(whole(ONE))),
        ("/api/v1/documents", post(ownership::documents).route_layer(whole(MANY))),
        ("/api/v1/attestations", post(ownership::attestations).route_layer(whole(MANY))),
        ("/health", get(discovery::health)),
        ("/", get(discovery::welcome)),
        ("/ns/{namespace}/me", get(discovery::welcome)),
        (CARGO_TXT_PATH, get(discovery::cargo_txt)),
        ("/index/{namespace}/{*file}", get(index::file)),
        ("/ns/{namespace}/api/v1/crates", get(info::search)),
        ("/ns/{namespace}/api/v1/crates/new", put(releases::publish)),
        ("/ns/{namespace}/api/v1/crates/{crate}/{version}/yank", delete(releases::yank)),
        ("/ns/{namespace}/api/v1/crates/{crate}/{version}/unyank", put(releases::unyank)),
        (
            "/ns/{namespace}/api/v1/crates/{crate}/owners",
            get(ownership::list).put(ownership::not_by_cargo).delete(ownership::not_by_cargo),
        ),
        ("/api/v1/namespace/{namespace}", get(info::of_namespace)),
        ("/api/v1/crate/{namespace}/{crate}", get(info::of_crate)),
        ("/api/v1/crate/{name}", get(info::of_crate_in_one)),
        ("/crates/{name}", get(page::page_in_one)),
        ("/{namespace}/{crate}", get(page::page)),
    ]
}

/// Makes the router. The checks that hold for every request lie around the routes, so that no route answers by itself before them, with
/// a header such as `Allow`.
pub fn router(registry: Arc<Registry>) -> Router {
    let gate = from_fn_with_state(Arc::clone(&registry), access::gate);
    let is_dev = registry.config.dev.is_some();
    let logged = Arc::clone(&registry);
    let own: &[_] = if is_dev { &[PACKAGE_NAMESPACE_PATH, CARGO_PUBLISHERS_PATH] } else { &[] };
    let own = own.iter().map(|path| (*path, get(development::document)));
    let routes = table(&registry).into_iter().chain(own);
    let routed = routes
        .fold(Router::new(), |router, (path, methods)| router.route(path, methods))
        .fallback(nothing)
        .method_not_allowed_fallback(other_method)
        // Inside of the router, which drops the body of an answer to `HEAD`: the tag is made of the body.
        .layer(from_fn(conformance::every))
        .with_state(registry);
    let router = Router::new().fallback_service(routed).layer(gate);
    let router = if is_dev { router.layer(from_fn(development::gate)) } else { router };
    let router = router.layer(from_fn(linger));
    if request_log::is_on() { router.layer(from_fn_with_state(logged, log)) } else { router }
}

/// Writes the log line of a request.
async fn log(State(registry): State<Arc<Registry>>, request: Request, next: Next) -> Response {
    let begin = Instant::now();
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let client = request.extensions().get::<Peer>().map(|Peer(peer)| {
        ClientAddress::of_request(*peer, request.headers(), &registry.config.server.trusted_proxies)
    });
    let response = next.run(request).await;
    request_log::answered(Asked { client, method: &method, uri: &uri }, &response, begin);
    response
}

/// Reads a request's body before its handler runs: within the bounds of size and time, and of the memory for all of them.
async fn whole(
    State((registry, most)): State<(Arc<Registry>, u64)>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let (mut parts, body) = request.into_parts();
    let Ok(client) = ClientAddress::from_request_parts(&mut parts, &registry).await;
    let announced =
        parts.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let most = announced.unwrap_or(most).min(most);
    let mut upload = registry.questions.upload(vec![UploadClient::Address(client)]);
    let bytes = upload::collect(body, most, |_| Ok(()), &mut upload).await?;
    Ok(next.run(Request::from_parts(parts, bytes.into())).await)
}

async fn nothing() -> ApiError {
    ApiError::not_found("there is nothing at this address of the registry")
}

async fn other_method() -> ApiError {
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method",
        "this address does not support the request's method",
    )
}
