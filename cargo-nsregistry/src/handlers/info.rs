//! What the registry knows of namespaces and crates: for `cargo search` and for `cargo nspublish`.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use cargo_namespaces::api::{
    CheckRequest, CheckResponse, CrateInfo, NamespaceInfo, PlaceReport, SearchHit, SearchMeta, SearchResults,
    VersionInfo,
};
use cargo_namespaces::index::IndexLine;
use cargo_namespaces::name::{Namespace, QualifiedName};
use cargo_namespaces_cli::clock;
use serde::Deserialize;

use super::ownership::json;
use super::{namespace, qualified};
use crate::client_address::ClientAddress;
use crate::db::crates::{self, CrateId};
use crate::db::{audit, namespaces, ownership};
use crate::handlers::error::ApiError;
use crate::permission::message::{self, Asking};
use crate::permission::{self, Finding};
use crate::registry::Registry;
use crate::validate::queue::Asker;

/// Most hits of one search: Cargo asks for at most this many.
const MOST_HITS: i64 = 100;
/// Longest text that is searched for; the database refuses to look for very long ones.
const MAX_QUERY: usize = 256;

/// What `cargo search` asks.
#[derive(Debug, Deserialize)]
pub struct Search {
    #[serde(default)]
    q: String,
    per_page: Option<i64>,
}

/// `GET …/crates?q=…&per_page=…`
///
/// # Errors
/// The registry fails,
pub async fn search(
    State(registry): State<Arc<Registry>>,
    Path(ns): Path<String>,
    Query(search): Query<Search>,
) -> Result<Json<SearchResults>, ApiError> {
    let namespace = namespace(&registry, &ns)?;
    if search.q.len() > MAX_QUERY {
        let detail = format!("the text that is searched for is longer than {MAX_QUERY} bytes");
        return Err(ApiError::bad_request("query", detail));
    }
    let most = search.per_page.unwrap_or(10).clamp(1, MOST_HITS);
    let mut read = registry.db.read().await?;
    let (found, total) = crates::search(read.connection(), &namespace, &search.q, most).await?;
    let mut hits = Vec::new();
    for (krate, description) in found {
        let name = QualifiedName { namespace: namespace.clone(), krate };
        let lines = crates::lines(read.connection(), &CrateId::of(&name)).await?;
        let max_version = newest(&lines).map(|line| line.vers.to_string()).unwrap_or_default();
        hits.push(SearchHit { name: name.krate.to_string(), max_version, description });
    }
    Ok(Json(SearchResults { crates: hits, meta: SearchMeta { total } }))
}

fn newest(lines: &[IndexLine]) -> Option<&IndexLine> {
    lines.iter().max_by(|a, b| (!a.yanked, &a.vers).cmp(&(!b.yanked, &b.vers)))
}

/// `GET /api/v1/namespace/{namespace}`
///
/// # Errors
/// The registry fails,
pub async fn of_namespace(
    State(registry): State<Arc<Registry>>,
    Path(ns): Path<String>,
) -> Result<Json<NamespaceInfo>, ApiError> {
    let namespace = namespace(&registry, &ns)?;
    let mut read = registry.db.read().await?;
    let crates = crates::of_namespace(read.connection(), &namespace).await?;
    let documents = ownership::documents(read.connection(), &namespace).await?;
    Ok(Json(NamespaceInfo {
        index: registry.config.public.index_of(&namespace),
        known: !crates.is_empty(),
        frozen: namespaces::frozen(read.connection(), &namespace).await?,
        crates,
        endorsements: documents.endorsements,
        revocations: documents.revocations,
        namespace,
    }))
}

/// `POST /api/v1/namespace/{namespace}/check`
///
/// # Errors
/// The registry fails.
pub async fn check(
    State(registry): State<Arc<Registry>>,
    Path(ns): Path<String>,
    client: ClientAddress,
    body: Bytes,
) -> Result<Json<CheckResponse>, ApiError> {
    let namespace = namespace(&registry, &ns)?;
    let request: CheckRequest = json(&body)?;
    let name = request.krate.map(|krate| QualifiedName { namespace: namespace.clone(), krate });
    let asker = Asker { client, key: None, claims: false };
    let asking = Asking::new(&registry.config, &namespace, name.as_ref(), &request.key);
    let finding = permission::find(&registry, &asking, &asker).await?;
    Ok(Json(CheckResponse {
        places: places(&registry, &namespace, &finding),
        crate_record: asking.crate_record(),
        namespace_record: asking.namespace_record(),
        state: finding.state,
        message: finding.message,
        owners: finding.owners,
        now: clock::now(),
        index: asking.index.clone(),
        namespace: namespace.clone(),
    }))
}

fn places(registry: &Registry, namespace: &Namespace, finding: &Finding) -> Vec<PlaceReport> {
    let observations = finding.answer.iter().flat_map(|answer| &answer.observations);
    // A development registry has the domains' files itself.
    let file = |place| {
        let path = registry.validator.domains().and_then(|domains| domains.file(namespace, place));
        path.map(|path| format!(" (the file {})", path.display())).unwrap_or_default()
    };
    let report = |observation: &cargo_namespaces::domain_view::ProbeResult| PlaceReport {
        place: observation.place.into(),
        at: observation.place.describe(namespace, registry.config.dev),
        seen: message::describe(observation.place, &observation.outcome) + &file(observation.place),
        found: finding.proof.as_ref().is_some_and(|(_, places)| places.contains(&observation.place)),
    };
    observations.map(report).collect()
}

pub(super) async fn info(registry: &Registry, name: &QualifiedName) -> Result<CrateInfo, ApiError> {
    let id = CrateId::of(name);
    let mut read = registry.db.read().await?;
    let found = crates::find(read.connection(), &id).await?;
    let (krate, description) =
        found.ok_or_else(|| ApiError::not_found(format!("there is no crate {name} on this registry")))?;
    let owners = ownership::owners(read.connection(), &id).await?;
    let offered_to = ownership::offer(read.connection(), &id).await?;
    let name = QualifiedName { namespace: name.namespace.clone(), krate };
    let version = |line: IndexLine| VersionInfo {
        version: line.vers,
        cksum: line.cksum,
        yanked: line.yanked,
        published_at: line.pubtime,
        attestations: line.attestations,
    };
    Ok(CrateInfo {
        index: registry.config.public.index_of(&name.namespace),
        description,
        owners,
        offered_to,
        versions: crates::lines(read.connection(), &id).await?.into_iter().map(version).collect(),
        history: audit::ownership(read.connection(), &name.to_string()).await?,
        name,
    })
}

/// `GET /api/v1/crate/{namespace}/{crate}`
///
/// # Errors
/// There is no such crate,
pub async fn of_crate(
    State(registry): State<Arc<Registry>>,
    Path((ns, krate)): Path<(String, String)>,
) -> Result<Json<CrateInfo>, ApiError> {
    info(&registry, &qualified(&registry, &ns, &krate)?).await.map(Json)
}

/// As [`of_crate`] with the name in one segment: `/api/v1/crate/example.com%2Fhello`.
///
/// # Errors
/// As [`of_crate`].
pub async fn of_crate_in_one(
    State(registry): State<Arc<Registry>>,
    Path(name): Path<String>,
) -> Result<Json<CrateInfo>, ApiError> {
    info(&registry, &in_one(&registry, &name)?).await.map(Json)
}

pub(super) fn in_one(registry: &Registry, name: &str) -> Result<QualifiedName, ApiError> {
    let (ns, krate) =
        name.split_once('/').ok_or_else(|| ApiError::not_found("there is nothing at this address"))?;
    qualified(registry, ns, krate)
}
