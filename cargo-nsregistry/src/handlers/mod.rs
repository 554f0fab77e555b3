//! HTTP: each handler extracts, calls, responds.

pub(crate) mod access;
mod client;
pub mod conditional;
pub mod conformance;
pub mod development;
pub mod discovery;
pub mod error;
pub mod index;
pub mod info;
pub mod ownership;
mod range;
pub mod page;
pub mod releases;
pub mod routes;
mod status;
mod upload;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use cargo_namespaces::name::{CrateName, NameError, Namespace, QualifiedName};

use crate::auth::Shown;
use crate::registry::Registry;
use error::ApiError;

/// The token that a request shows.
pub(crate) fn token(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap_or_default())
}

/// What the gate of the private namespaces has verified is not verified again.
impl<S: Sync> FromRequestParts<S> for Shown {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        match parts.extensions.get::<Self>() {
            Some(shown) => Ok(shown.clone()),
            None => Ok(Self::of(token(&parts.headers))?),
        }
    }
}

fn bad_name(error: &NameError) -> ApiError {
    let hint = error.hint().map(|hint| format!("\n{hint}")).unwrap_or_default();
    ApiError::bad_request("name", format!("{error}{hint}"))
}

/// The namespace in a path; special-use ones only where they are allowed.
pub(crate) fn namespace(registry: &Registry, text: &str) -> Result<Namespace, ApiError> {
    let namespace = Namespace::parse(text).map_err(|error| bad_name(&error))?;
    if registry.config.dev.is_some() && !namespace.is_local() {
        let detail = format!(
            "{namespace} is a domain, and this is a development registry: its namespaces are names below `localhost`, such as \
             `{first}.localhost`",
            first = namespace.as_str().split('.').next().unwrap_or_default()
        );
        return Err(ApiError::bad_request("name", detail));
    }
    namespace.check_special_use(registry.config.policy.special_use).map_err(|error| {
        let hint =
            "this registry does not accept such names; its operator may allow them (`special-use` under `[policy]`)";
        ApiError::bad_request("name", format!("{error}\n{hint}"))
    })?;
    Ok(namespace)
}

/// A crate in a path.
pub(crate) fn qualified(registry: &Registry, ns: &str, krate: &str) -> Result<QualifiedName, ApiError> {
    let krate = CrateName::parse(krate).map_err(|error| bad_name(&error))?;
    Ok(QualifiedName { namespace: namespace(registry, ns)?, krate })
}
