//! Owners, transfers, and statements about keys.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use cargo_namespaces::api::{DocumentsRequest, Done, Owner, Owners, ResignRequest, SignedRequest};
use cargo_namespaces::statement::{OwnersChange, Statement, Transfer};
use serde::de::DeserializeOwned;

use super::{access, qualified};
use crate::auth::AuthError;
use crate::client_address::ClientAddress;
use crate::db::crates::{self, CrateId};
use crate::db::ownership as rows;
use crate::handlers::error::ApiError;
use crate::ownership::{self, documents, resign};
use crate::registry::Registry;

/// A JSON body; what it may be, and how long it may take, was looked after before.
pub(super) fn json<T: DeserializeOwned>(body: &Bytes) -> Result<T, ApiError> {
    serde_json::from_slice(body)
        .map_err(|error| ApiError::bad_request("body", format!("failed to parse the request: {error}")))
}

/// `GET …/crates/{crate}/owners`: for `cargo owner --list`.
///
/// # Errors
/// There is no such crate.
pub async fn list(
    State(registry): State<Arc<Registry>>,
    Path((ns, krate)): Path<(String, String)>,
) -> Result<Json<Owners>, ApiError> {
    let name = qualified(&registry, &ns, &krate)?;
    let mut read = registry.db.read().await?;
    let id = CrateId::of(&name);
    if crates::find(read.connection(), &id).await?.is_none() {
        return Err(ApiError::not_found(format!("there is no crate {name} on this registry")));
    }
    let owners = rows::owners(read.connection(), &id).await?;
    let owner = |(id, key): (u32, &cargo_namespaces::key::PublicKey)| Owner {
        id,
        login: key.to_string(),
        name: None,
    };
    Ok(Json(Owners { users: (1..).zip(&owners).map(owner).collect() }))
}

/// `PUT` and `DELETE …/owners`: Cargo does not tell the signer which owner is meant, so nothing here could be believed.
///
/// # Errors
/// Always: what to do instead.
pub async fn not_by_cargo(
    State(registry): State<Arc<Registry>>,
    Path((ns, krate)): Path<(String, String)>,
) -> Result<(), ApiError> {
    let name = qualified(&registry, &ns, &krate)?;
    Err(ApiError::forbidden(
        "use-nspublish",
        format!(
            "owners are changed by a statement that names them, which `cargo owner` cannot sign. Use\n  \
             cargo nspublish owner add {name} KEY\n  cargo nspublish owner remove {name} KEY\n\
             with the key of the owner, such as ed25519:3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08="
        ),
    ))
}

/// `POST /api/v1/owners`
///
/// # Errors
/// A refusal for whoever asks.
pub async fn owners(
    State(registry): State<Arc<Registry>>,
    client: ClientAddress,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Done>, ApiError> {
    let request: SignedRequest = json(&body)?;
    let change = Statement::<OwnersChange>::parse(&request.envelope.payload).map_err(AuthError::Statement)?;
    access::check(&registry, &change.name.namespace, &headers, client).await?;
    Ok(Json(ownership::change_owners(&registry, &request.envelope).await?))
}

/// `POST /api/v1/transfer`
///
/// # Errors
/// A refusal for whoever asks.
pub async fn transfer(
    State(registry): State<Arc<Registry>>,
    client: ClientAddress,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Done>, ApiError> {
    let request: SignedRequest = json(&body)?;
    let step = Statement::<Transfer>::parse(&request.envelope.payload).map_err(AuthError::Statement)?;
    access::check(&registry, &step.name.namespace, &headers, client).await?;
    Ok(Json(ownership::transfer(&registry, &request.envelope).await?))
}

/// `POST /api/v1/documents`
///
/// # Errors
/// A refusal for whoever asks.
pub async fn documents(
    State(registry): State<Arc<Registry>>,
    client: ClientAddress,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Done>, ApiError> {
    let request: DocumentsRequest = json(&body)?;
    let namespace = super::namespace(&registry, request.namespace.as_str())?;
    access::check(&registry, &namespace, &headers, client).await?;
    Ok(Json(documents::add_documents(&registry, &namespace, &request.envelopes).await?))
}

/// `POST /api/v1/attestations`
///
/// # Errors
/// A refusal for whoever asks.
pub async fn attestations(
    State(registry): State<Arc<Registry>>,
    client: ClientAddress,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Done>, ApiError> {
    let request: ResignRequest = json(&body)?;
    let namespace = super::namespace(&registry, request.namespace.as_str())?;
    access::check(&registry, &namespace, &headers, client).await?;
    Ok(Json(resign::resign(&registry, &request).await?))
}
