//! The route table, on one screen.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::{delete, get, post, put};
use cargo_namespaces::discovery::CARGO_TXT_PATH;

use crate::app::Registry;
use crate::error::ApiError;
use crate::handlers::{discovery, index, info, people, releases};
use crate::http;
use crate::publish::body;

/// Most bytes of a request that is not a publish: a thousand signatures.
const MAX_JSON: u64 = 2 * 1024 * 1024;

/// Every request comes through here.
pub fn router(registry: Arc<Registry>) -> Router {
    let whole = from_fn_with_state(Arc::clone(&registry), whole);
    let signed = Router::new()
        .route("/api/v1/namespace/{namespace}/check", post(info::check))
        .route("/api/v1/owners", post(people::owners))
        .route("/api/v1/transfer", post(people::transfer))
        .route("/api/v1/documents", post(people::documents))
        .route("/api/v1/attestations", post(people::attestations))
        .route_layer(whole);
    Router::new()
        .merge(signed)
        .route("/", get(discovery::welcome))
        .route("/ns/{namespace}/me", get(discovery::welcome))
        .route(CARGO_TXT_PATH, get(discovery::cargo_txt))
        .route("/index/{namespace}/{*file}", get(index::file))
        .route("/ns/{namespace}/api/v1/crates", get(info::search))
        .route("/ns/{namespace}/api/v1/crates/new", put(releases::publish))
        .route("/ns/{namespace}/api/v1/crates/{crate}/{version}/yank", delete(releases::yank))
        .route("/ns/{namespace}/api/v1/crates/{crate}/{version}/unyank", put(releases::unyank))
        .route(
            "/ns/{namespace}/api/v1/crates/{crate}/owners",
            get(people::list).put(people::not_by_cargo).delete(people::not_by_cargo),
        )
        .route("/api/v1/namespace/{namespace}", get(info::of_namespace))
        .route("/api/v1/crate/{namespace}/{crate}", get(info::of_crate))
        .route("/api/v1/crate/{name}", get(info::of_crate_in_one))
        .route("/crates/{name}", get(info::page_in_one))
        .route("/{namespace}/{crate}", get(info::page))
        .fallback(nothing)
        .method_not_allowed_fallback(other_method)
        .layer(from_fn(http::every))
        .with_state(registry)
}

/// Reads a request's body before its handler runs: within the bounds of size and time, and of the room for all of them.
async fn whole(
    State(registry): State<Arc<Registry>>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let announced =
        parts.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let most = announced.unwrap_or(MAX_JSON).min(MAX_JSON);
    let (bytes, _room) = body::collect(body, most, &registry.room).await?;
    Ok(next.run(Request::from_parts(parts, bytes.into())).await)
}

async fn nothing() -> ApiError {
    ApiError::not_found("there is nothing at this address of the registry")
}

async fn other_method() -> ApiError {
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method", "this address is not asked in this way")
}
