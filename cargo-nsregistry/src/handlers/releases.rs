//! `cargo publish`, `cargo yank`.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use cargo_namespaces::api::{Done, Published};
use cargo_namespaces::limits::MAX_VERSION;
use cargo_namespaces::statement::YankOperation;
use semver::Version;

use super::{namespace, qualified, upload};
use crate::auth::Shown;
use crate::client_address::ClientAddress;
use crate::handlers::error::ApiError;
use crate::publish::frames;
use crate::registry::Registry;
use crate::upload_budget::UploadClient;
use crate::{publish, yank};

/// `PUT /ns/{namespace}/api/v1/crates/new`
///
/// # Errors
/// A refusal for the publisher.
pub async fn publish(
    State(registry): State<Arc<Registry>>,
    Path(ns): Path<String>,
    client: ClientAddress,
    shown: Result<Shown, ApiError>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Published>, ApiError> {
    let namespace = namespace(&registry, &ns)?;
    let length = upload::announced(&headers)?;
    let preflight = publish::preflight(&registry, &namespace, &shown?, client).await?;
    let clients = vec![UploadClient::Address(client), UploadClient::Domain(preflight.domain())];
    let mut upload = registry.uploads.upload(clients);
    let begins_well = |bytes: &[u8]| frames::begins_well(bytes, length);
    let body = upload::collect(body, length, begins_well, &mut upload).await?;
    Ok(Json(publish::publish(&registry, preflight, body).await?))
}

/// `DELETE /ns/{namespace}/api/v1/crates/{crate}/{version}/yank`
///
/// # Errors
/// A refusal for whoever asks.
pub async fn yank(
    State(registry): State<Arc<Registry>>,
    Path(path): Path<(String, String, String)>,
    shown: Result<Shown, ApiError>,
) -> Result<Json<Done>, ApiError> {
    change(&registry, path, YankOperation::Yank, shown).await
}

/// `PUT /ns/{namespace}/api/v1/crates/{crate}/{version}/unyank`
///
/// # Errors
/// A refusal for whoever asks.
pub async fn unyank(
    State(registry): State<Arc<Registry>>,
    Path(path): Path<(String, String, String)>,
    shown: Result<Shown, ApiError>,
) -> Result<Json<Done>, ApiError> {
    change(&registry, path, YankOperation::Unyank, shown).await
}

async fn change(
    registry: &Registry,
    (ns, krate, version): (String, String, String),
    operation: YankOperation,
    shown: Result<Shown, ApiError>,
) -> Result<Json<Done>, ApiError> {
    let name = qualified(registry, &ns, &krate)?;
    let parsed = Version::parse(&version).ok().filter(|_| version.len() <= MAX_VERSION);
    let version = parsed.ok_or_else(|| ApiError::bad_request("version", "the version is not valid"))?;
    Ok(Json(yank::yank(registry, &name, &version, operation, &shown?).await?))
}
