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

use super::{namespace, qualified};
use crate::app::Registry;
use crate::auth::Shown;
use crate::client_address::ClientAddress;
use crate::error::ApiError;
use crate::publish::body;
use crate::publish::upload_budget::Client;
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
    let length = body::announced(&headers)?;
    let admitted = publish::admit(&registry, &namespace, &shown?, client).await?;
    let clients = vec![Client::Address(client), Client::Domain(admitted.domain())];
    let mut upload = registry.uploads.upload(clients);
    let begins_well = |bytes: &[u8]| body::begins_well(bytes, length);
    let body = body::collect(body, length, begins_well, &mut upload).await?;
    publish::publish(&registry, admitted, body).await.map(Json)
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
    let version = parsed.ok_or_else(|| ApiError::bad_request("version", "the version is none"))?;
    yank::yank(registry, &name, &version, operation, &shown?).await.map(Json)
}
