//! What a request is answered when it is not done: a status, a code for programs, a text for the person.

use std::fmt::Write as _;

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use cargo_namespaces::api::ErrorBody;
use cargo_namespaces::shell::Shell;

use crate::db::DbError;
use crate::storage::StoreError;

/// A refusal or a failure, ready to be sent.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    detail: String,
    header: Option<(HeaderName, HeaderValue)>,
}

impl ApiError {
    /// A refusal in words.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), header: None }
    }

    /// The request itself is wrong.
    pub fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// Whoever asks may not.
    pub fn forbidden(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, detail)
    }

    /// There is no such thing.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", detail)
    }

    /// Something else is there already.
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// Nobody knows yet who asks. Cargo wants exactly this status, and the header, to ask its credential provider.
    pub fn unauthorized(detail: impl Into<String>, login_url: &str) -> Self {
        let value = HeaderValue::from_str(&format!("Cargo login_url=\"{login_url}\""));
        Self {
            header: value.ok().map(|value| (header::WWW_AUTHENTICATE, value)),
            ..Self::new(StatusCode::UNAUTHORIZED, "token-needed", detail)
        }
    }

    /// The registry itself failed: the cause goes to its log, not to a stranger.
    pub fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        let mut text = error.to_string();
        let mut next = error.source();
        while let Some(cause) = next {
            let _ = write!(text, ": {cause}");
            next = cause.source();
        }
        Shell::last_resort(&text);
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "the registry cannot do this at present, and nothing was changed; try again in a while.\n\
             If it stays so, tell its operator: the cause is in the registry's log.",
        )
    }

    /// The text.
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

impl From<DbError> for ApiError {
    fn from(error: DbError) -> Self {
        Self::internal(&error)
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::internal(&error)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(ErrorBody::new(self.code, self.detail))).into_response();
        if let Some((name, value)) = self.header {
            response.headers_mut().insert(name, value);
        }
        response
    }
}
