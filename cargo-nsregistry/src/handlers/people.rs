//! Owners, transfers, and statements about keys.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use cargo_namespaces::api::{DocumentsRequest, Done, Owner, Owners, ResignRequest, SignedRequest};
use serde::de::DeserializeOwned;

use super::qualified;
use crate::app::Registry;
use crate::db::crates::{self, CrateId};
use crate::db::{DbError, people as rows};
use crate::error::ApiError;
use crate::{auth, people};

/// A JSON body; what it may be, and how long it may take, was looked after before.
pub(super) fn json<T: DeserializeOwned>(body: &Bytes) -> Result<T, ApiError> {
    serde_json::from_slice(body)
        .map_err(|error| ApiError::bad_request("body", format!("the request is not understood: {error}")))
}

/// `GET …/crates/{crate}/owners`: for `cargo owner --list`.
///
/// # Errors
/// There is no such crate.
pub async fn list(
    State(registry): State<Arc<Registry>>,
    Path((ns, krate)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Json<Owners>, ApiError> {
    let name = qualified(&registry, &ns, &krate)?;
    auth::reader(&registry, &name.namespace, &headers).await?;
    let mut connection = registry.db.pool().acquire().await.map_err(DbError::from)?;
    let id = CrateId::of(&name);
    if crates::find(&mut connection, &id).await?.is_none() {
        return Err(ApiError::not_found(format!("there is no crate {name} on this registry")));
    }
    let owners = rows::owners(&mut connection, &id).await?;
    let owner = |(id, key): (u32, &cargo_namespaces::key::PublicKey)| Owner {
        id,
        login: key.to_string(),
        name: None,
    };
    Ok(Json(Owners { users: (1..).zip(&owners).map(owner).collect() }))
}

/// `PUT` and `DELETE …/owners`: Cargo does not tell the signer which owner is meant, so nothing here could be believed.
pub async fn not_by_cargo() -> ApiError {
    ApiError::forbidden(
        "use-nspublish",
        "owners are changed by a statement that names them, which `cargo owner` cannot sign. Use\n  \
         cargo nspublish owner add NAMESPACE/CRATE ed25519:…\n  cargo nspublish owner remove NAMESPACE/CRATE ed25519:…",
    )
}

/// `POST /api/v1/owners`
///
/// # Errors
/// A refusal for whoever asks.
pub async fn owners(State(registry): State<Arc<Registry>>, body: Bytes) -> Result<Json<Done>, ApiError> {
    let request: SignedRequest = json(&body)?;
    people::change_owners(&registry, &request.envelope).await.map(Json)
}

/// `POST /api/v1/transfer`
///
/// # Errors
/// A refusal for whoever asks.
pub async fn transfer(State(registry): State<Arc<Registry>>, body: Bytes) -> Result<Json<Done>, ApiError> {
    let request: SignedRequest = json(&body)?;
    people::transfer(&registry, &request.envelope).await.map(Json)
}

/// `POST /api/v1/documents`
///
/// # Errors
/// A refusal for whoever asks.
pub async fn documents(State(registry): State<Arc<Registry>>, body: Bytes) -> Result<Json<Done>, ApiError> {
    let request: DocumentsRequest = json(&body)?;
    let namespace = super::namespace(&registry, request.namespace.as_str())?;
    people::add_documents(&registry, &namespace, &request.envelopes).await.map(Json)
}

/// `POST /api/v1/attestations`
///
/// # Errors
/// A refusal for whoever asks.
pub async fn attestations(
    State(registry): State<Arc<Registry>>,
    body: Bytes,
) -> Result<Json<Done>, ApiError> {
    let request: ResignRequest = json(&body)?;
    super::namespace(&registry, request.namespace.as_str())?;
    people::resign(&registry, &request).await.map(Json)
}
