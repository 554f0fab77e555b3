//! What this registry says about itself: `/.well-known/cargo.txt` to programs, a few lines to people.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use cargo_namespaces::discovery::CargoTxt;

use serde_json::json;

use crate::db::crates;
use crate::handlers::error::ApiError;
use crate::registry::Registry;

pub async fn cargo_txt(State(registry): State<Arc<Registry>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], document(&registry).to_string())
}

/// `GET /`, and where `cargo login` sends people for a token: that they need none, and what to do instead.
pub async fn welcome(State(registry): State<Arc<Registry>>) -> impl IntoResponse {
    let public = &registry.config.public;
    let url = public.url();
    let contact = public.contact.as_ref().map(|text| format!("Who runs it: {text}\n")).unwrap_or_default();
    let what = match registry.config.dev {
        None => "A registry of Rust crates",
        Some(_) => "A DEVELOPMENT registry, for trying things out on this machine. A registry of Rust crates",
    };
    let text = format!(
        "{what} whose namespaces are domains.\n\n\
         There are no accounts here, no passwords and no API tokens, so there is nothing to `cargo login` with.\n\
         Your key is the account, and a record at a domain says that the key may publish there.\n\n  \
         use a crate:                          cargo nsadd DOMAIN/CRATE\n  \
         publish one:                          cargo nspublish --instance {url}\n  \
         let plain `cargo publish` sign, too:  cargo nspublish setup --instance {url}\n\n\
         For programs: {url}.well-known/cargo.txt\n{contact}"
    );
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")], text)
}

/// `GET /health`: whether the registry can read its rows and its objects, for whoever restarts it or sends it requests.
///
/// # Errors
/// It cannot; the cause is in its log.
pub async fn health(State(registry): State<Arc<Registry>>) -> Result<impl IntoResponse, ApiError> {
    crates::readable(registry.db.read().await?.connection()).await?;
    // Whatever it finds there: an answer is an answer.
    registry.storage.meta("health").await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(json!({ "status": "ok" }))))
}

fn document(registry: &Registry) -> CargoTxt {
    let public = &registry.config.public;
    let index = format!("sparse+{}", public.join("index/{namespace}/"));
    CargoTxt {
        api: Some(public.join("api/v1")),
        index: index.parse().ok(),
        key: Some(registry.key.public()),
        // `publish` is for notices of other registries, which this one does not take.
        operations: BTreeSet::from(["fetch".to_owned()]),
        contact: public.contact.clone(),
        extra: registry
            .config
            .dev
            .map(|_| ("development".to_owned(), "true".to_owned()))
            .into_iter()
            .collect(),
    }
}
