//! The answer to a request that is refused or fails: a status, a code for programs, and a text for people.

use std::error::Error;
use std::time::Duration;

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use cargo_namespaces::api::ErrorBody;
use cargo_namespaces::error::{chain, one_line};

use crate::server::request_log::LoggedRefusal;

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

    /// 400: the request itself is wrong.
    pub fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 403: the client may not do this.
    pub fn forbidden(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, detail)
    }

    /// 404: there is no such thing.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", detail)
    }

    /// 409: something else is there already.
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// 401: a token is needed. Cargo asks its credential provider only after this status with this header.
    pub fn unauthorized(detail: impl Into<String>, login_url: &str) -> Self {
        let value = HeaderValue::from_str(&format!("Cargo login_url=\"{login_url}\""));
        Self {
            header: value.ok().map(|value| (header::WWW_AUTHENTICATE, value)),
            ..Self::new(StatusCode::UNAUTHORIZED, "token-needed", detail)
        }
    }

    /// 503: the registry is busy with other clients. `again` says when to try again.
    pub fn busy(detail: impl Into<String>, again: Duration) -> Self {
        let again = (header::RETRY_AFTER, HeaderValue::from(again.as_secs()));
        Self { header: Some(again), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail) }
    }

    /// 429: this client sends more requests than it may. `again` says when to try again.
    pub fn too_many(detail: impl Into<String>, again: Duration) -> Self {
        Self { status: StatusCode::TOO_MANY_REQUESTS, code: "too-many", ..Self::busy(detail, again) }
    }

    /// 503 or 507: the registry itself failed. The cause goes to its log, not to a stranger.
    pub fn internal(error: &(dyn Error + 'static)) -> Self {
        let cause = one_line(error);
        tracing::error!("{cause}");
        if is_full(error) {
            return Self::new(
                StatusCode::INSUFFICIENT_STORAGE,
                "disk-full",
                "the registry's disk is full, and nothing was changed. Tell its operator; what is published already can be read.",
            );
        }
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "the registry cannot do this at present, and nothing was changed; try again in a while.\n\
             If it stays so, tell its operator: the cause is in the registry's log.",
        )
    }

    /// As [`Self::internal`], where the request was accepted and the index file is written later.
    pub fn accepted_pending(error: &(dyn Error + 'static)) -> Self {
        let detail = "this was accepted and is recorded, but the registry cannot write its index at present. Do not send it again: it \
                      appears in the index by itself, as soon as the registry can.\n\
                      If it stays away, tell the registry's operator: the cause is in the registry's log.";
        Self { detail: detail.to_owned(), code: "recorded", ..Self::internal(error) }
    }

    pub fn detail(&self) -> &str {
        &self.detail
    }
}

/// Returns whether the disk is full, for a file or for the database.
fn is_full(error: &(dyn Error + 'static)) -> bool {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    /// SQLite's code of a full disk.
    const SQLITE_FULL: &str = "13";
    chain(error).any(|cause| {
        let file = cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        let row = cause.downcast_ref::<sqlx::Error>().and_then(sqlx::Error::as_database_error);
        let code = row.and_then(|row| row.code());
        matches!(file, Some(StorageFull | QuotaExceeded)) || code.is_some_and(|code| code == SQLITE_FULL)
    })
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let refused = LoggedRefusal { code: self.code, detail: self.detail.clone() };
        let mut response = (self.status, Json(ErrorBody::new(self.code, self.detail))).into_response();
        response.extensions_mut().insert(refused);
        if let Some((name, value)) = self.header {
            response.headers_mut().insert(name, value);
        }
        response
    }
}
