//! `/.well-known/cargo.txt`: what this registry says about itself.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use cargo_namespaces::discovery::CargoTxt;

use crate::app::Registry;

/// The document.
pub async fn cargo_txt(State(registry): State<Arc<Registry>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], document(&registry).to_string())
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
        extra: Vec::new(),
    }
}
