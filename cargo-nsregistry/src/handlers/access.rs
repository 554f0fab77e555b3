//! Requests for private namespaces, before anything else is done with them: see [`crate::access`].

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::Response;
use cargo_namespaces::name::Namespace;

use super::error::ApiError;
use super::token;
use crate::access::{self, Signer};
use crate::auth;
use crate::client_address::ClientAddress;
use crate::registry::Registry;

/// Lets a request pass that names no private namespace, or comes from a reader of the one that it names.
///
/// # Errors
/// It comes from somebody else; the same for all of them.
pub async fn gate(
    State(registry): State<Arc<Registry>>,
    client: ClientAddress,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    if let Some(namespace) = access::private(&registry.config, request.uri().path()) {
        let signer = signer(&registry, &namespace, &request);
        access::check(&registry, &namespace, signer, client).await?;
    }
    Ok(next.run(request).await)
}

/// Whether a request whose body names the namespace may go on: the namespace is public, or a reader asks.
///
/// # Errors
/// As [`gate`].
pub async fn check(
    registry: &Registry,
    namespace: &Namespace,
    headers: &HeaderMap,
    client: ClientAddress,
) -> Result<(), ApiError> {
    if !registry.config.is_private(namespace) {
        return Ok(());
    }
    let signer = reads(registry, namespace, token(headers));
    Ok(access::check(registry, namespace, signer, client).await?)
}

fn signer(registry: &Registry, namespace: &Namespace, request: &Request) -> Signer {
    let (token, path) = (token(request.headers()), request.uri().path());
    let publishes = *request.method() == Method::PUT && path.ends_with("/crates/new");
    if publishes {
        let (key, statement, _) = auth::release(registry, namespace, token).ok()?;
        return Some((key, Some(statement.name)));
    }
    if path.ends_with("/yank") || path.ends_with("/unyank") {
        let (key, statement, _) = auth::yank(registry, namespace, token).ok()?;
        return Some((key, Some(statement.name)));
    }
    reads(registry, namespace, token)
}

fn reads(registry: &Registry, namespace: &Namespace, token: Option<&str>) -> Signer {
    auth::read(registry, namespace, token).map(|key| (key, None))
}
