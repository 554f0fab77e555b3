//! What the registry knows of namespaces and crates: for `cargo search`, for `cargo nspublish`, and a page for people.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{Html, IntoResponse};
use cargo_namespaces::api::{
    CheckRequest, CheckResponse, CrateInfo, NamespaceInfo, PlaceReport, SearchHit, SearchMeta, SearchResults,
    VersionInfo,
};
use cargo_namespaces::index::IndexLine;
use cargo_namespaces::name::{Namespace, QualifiedName};
use cargo_namespaces_cli::clock;
use serde::Deserialize;

use super::people::json;
use super::{namespace, qualified};
use crate::app::Registry;
use crate::client_address::ClientAddress;
use crate::db::crates::{self, CrateId};
use crate::db::{audit, people};
use crate::error::ApiError;
use crate::publish::permission::{self, Finding};
use crate::refusal::{self, Asking};
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
    let documents = people::documents(read.connection(), &namespace).await?;
    Ok(Json(NamespaceInfo {
        index: registry.config.public.index_of(&namespace),
        known: !crates.is_empty(),
        frozen: crates::frozen(read.connection(), &namespace).await?,
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
    let finding = permission::find(&registry, &namespace, name.as_ref(), &request.key, &asker).await?;
    let index = registry.config.public.index_of(&namespace);
    let asking = Asking {
        registry: registry.config.public.host(),
        namespace: &namespace,
        name: name.as_ref(),
        index: &index,
        key: &request.key,
    };
    Ok(Json(CheckResponse {
        places: places(&registry, &namespace, &finding),
        crate_record: asking.crate_record(),
        namespace_record: asking.namespace_record(),
        state: finding.state,
        message: finding.message,
        owners: finding.owners,
        now: clock::now(),
        index: index.clone(),
        namespace: namespace.clone(),
    }))
}

fn places(registry: &Registry, namespace: &Namespace, finding: &Finding) -> Vec<PlaceReport> {
    let observations = finding.observed.iter().flat_map(|observed| &observed.observations);
    // A development registry has the domains' files itself.
    let file = |place| {
        let path = registry.validator.domains().and_then(|domains| domains.file(namespace, place));
        path.map(|path| format!(" (the file {})", path.display())).unwrap_or_default()
    };
    let report = |observation: &cargo_namespaces::domain_view::ProbeResult| PlaceReport {
        place: observation.place.into(),
        at: observation.place.describe(namespace, registry.config.dev),
        seen: refusal::describe(observation.place, &observation.outcome) + &file(observation.place),
        found: finding.proof.as_ref().is_some_and(|(_, places)| places.contains(&observation.place)),
    };
    observations.map(report).collect()
}

async fn info(registry: &Registry, name: &QualifiedName) -> Result<CrateInfo, ApiError> {
    let id = CrateId::of(name);
    let mut read = registry.db.read().await?;
    let found = crates::find(read.connection(), &id).await?;
    let (krate, description) =
        found.ok_or_else(|| ApiError::not_found(format!("there is no crate {name} on this registry")))?;
    let owners = people::owners(read.connection(), &id).await?;
    let offered_to = people::offer(read.connection(), &id).await?;
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

fn in_one(registry: &Registry, name: &str) -> Result<QualifiedName, ApiError> {
    let (ns, krate) =
        name.split_once('/').ok_or_else(|| ApiError::not_found("there is nothing at this address"))?;
    qualified(registry, ns, krate)
}

/// `GET /{namespace}/{crate}`: a page for people.
///
/// # Errors
/// There is no such crate,
pub async fn page(
    State(registry): State<Arc<Registry>>,
    Path((ns, krate)): Path<(String, String)>,
) -> Result<impl IntoResponse, ApiError> {
    let name = qualified(&registry, &ns, &krate)?;
    Ok(paged(&info(&registry, &name).await?))
}

/// `GET /crates/{namespace}%2F{crate}`: the same page.
///
/// # Errors
/// As [`page`].
pub async fn page_in_one(
    State(registry): State<Arc<Registry>>,
    Path(name): Path<String>,
) -> Result<impl IntoResponse, ApiError> {
    let name = in_one(&registry, &name)?;
    Ok(paged(&info(&registry, &name).await?))
}

fn paged(info: &CrateInfo) -> impl IntoResponse + use<> {
    let rows: Vec<String> = info
        .versions
        .iter()
        .rev()
        .map(|version| {
            let yanked = if version.yanked { " (yanked)" } else { "" };
            format!(
                "<li>{}{yanked} <code>{}</code></li>",
                escape(&version.version.to_string()),
                version.cksum
            )
        })
        .collect();
    let owners: Vec<String> =
        info.owners.iter().map(|owner| format!("<li><code>{owner}</code></li>")).collect();
    let name = escape(&info.name.display_both());
    let mixed = if info.name.namespace.is_mixed_script() {
        "<p><strong>This namespace mixes letters of several scripts. Is it the one that you mean?</strong></p>\n"
    } else {
        ""
    };
    let text = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>{name}</title>\n<h1>{name}</h1>\n{mixed}<p>{}</p>\n\
         <pre>cargo nsadd {}</pre>\n<p>Index: <code>{}</code></p>\n<h2>Versions</h2>\n<ul>{}</ul>\n<h2>Owners</h2>\n<ul>{}</ul>\n</html>\n",
        escape(info.description.as_deref().unwrap_or_default()),
        escape(&info.name.to_string()),
        info.index,
        rows.concat(),
        owners.concat(),
    );
    let policy = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'";
    let headers = [(header::CONTENT_SECURITY_POLICY, policy), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (headers, Html(text))
}

/// A stranger's text in a page: it stays text, reads in the direction in which it is written, and hides nothing.
fn escape(text: &str) -> String {
    let visible = cargo_namespaces::escape::escape(text);
    let mut out = String::with_capacity(visible.len());
    for c in visible.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_stays_text() {
        let hostile = "<script>alert('x')</script>\u{1b}[31m & \"";
        assert_eq!(
            escape(hostile),
            "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;\\u{1b}[31m &amp; &quot;"
        );
        assert_eq!(escape("abc\u{202e}fed\u{200b}"), "abc\\u{202e}fed\\u{200b}");
    }
}
