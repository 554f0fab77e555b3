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
use crate::auth::{self, Shown};
use crate::client_address::ClientAddress;
use crate::registry::Registry;

/// Lets a request pass that names no private namespace, or comes from a reader of the one that it names.
///
/// # Errors
/// It comes from somebody else; the same for all of them.
pub async fn gate(
    State(registry): State<Arc<Registry>>,
    client: ClientAddress,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    if let Some(namespace) = access::private(&registry.config, request.uri().path()) {
        let shown = Shown::of(token(request.headers())).ok();
        let signer = shown.as_ref().and_then(|shown| signer(&registry, &namespace, &request, shown));
        access::check(&registry, &namespace, signer, client).await?;
        if let Some(shown) = shown {
            request.extensions_mut().insert(shown);
        }
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
    let signer = Shown::of(token(headers)).ok().and_then(|shown| reads(registry, namespace, &shown));
    Ok(access::check(registry, namespace, signer, client).await?)
}

fn signer(registry: &Registry, namespace: &Namespace, request: &Request, shown: &Shown) -> Signer {
    let path = request.uri().path();
    let publishes = *request.method() == Method::PUT && path.ends_with("/crates/new");
    if publishes {
        let release = auth::release(registry, namespace, shown).ok()?;
        return Some((release.key(), Some(release.into_facts().name)));
    }
    if path.ends_with("/yank") || path.ends_with("/unyank") {
        let yank = auth::yank(registry, namespace, shown).ok()?;
        return Some((yank.key(), Some(yank.into_facts().name)));
    }
    reads(registry, namespace, shown)
}

fn reads(registry: &Registry, namespace: &Namespace, shown: &Shown) -> Signer {
    auth::read(registry, namespace, shown).map(|key| (key, None))
}
