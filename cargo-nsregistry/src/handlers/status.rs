//! Which status and code each error of the registry is answered with. The text is the error's own, but for failures of the
//! registry itself: their cause is in its log.

use axum::http::StatusCode;
use cargo_namespaces::api::CheckState;

use super::error::ApiError;
use crate::access::AccessError;
use crate::admission::Refusal;
use crate::admission::check::CheckError;
use crate::auth::AuthError;
use crate::db::DbError;
use crate::ownership::documents::DocumentsError;
use crate::ownership::resign::ResignError;
use crate::ownership::{CrateError, OwnershipError};
use crate::permission::{NotPermitted, PermissionError};
use crate::publish::PublishError;
use crate::publish::frames::FramesError;
use crate::refused_release::RefusedRelease;
use crate::storage::StoreError;
use crate::upload_budget::Busy;
use crate::validate::queue::QueueFull;
use crate::yank::YankError;

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

impl From<Busy> for ApiError {
    fn from(error: Busy) -> Self {
        Self::busy(error.to_string(), Busy::RETRY_AFTER)
    }
}

impl From<QueueFull> for ApiError {
    fn from(error: QueueFull) -> Self {
        match error {
            QueueFull::Client => Self::too_many(error.to_string(), QueueFull::RETRY_AFTER),
            QueueFull::Others => Self::busy(error.to_string(), QueueFull::RETRY_AFTER),
        }
    }
}

impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        let code = match &error {
            AuthError::Database(error) => return Self::internal(error),
            AuthError::Replayed => return Self::conflict("replayed", error.to_string()),
            AuthError::NotSigned => "no-statement",
            AuthError::NoEnvelope(_) | AuthError::Signature(_) | AuthError::Statement(_) => "bad-statement",
            AuthError::OtherIndex { .. } => "other-index",
            AuthError::Clock { .. } => "clock",
            AuthError::NotOwner { .. } => "not-owner",
            AuthError::Revoked(_) => "revoked",
        };
        Self::forbidden(code, error.to_string())
    }
}

impl From<AccessError> for ApiError {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::NoToken { text, login_url } => Self::unauthorized(text, &login_url),
            AccessError::NotReader(text) => Self::forbidden("private", text),
            AccessError::Permission(error) => error.into(),
            AccessError::Database(error) => error.into(),
        }
    }
}

impl From<PermissionError> for ApiError {
    fn from(error: PermissionError) -> Self {
        match error {
            PermissionError::QueueFull(error) => error.into(),
            PermissionError::Database(error) => error.into(),
        }
    }
}

impl From<NotPermitted> for ApiError {
    fn from(error: NotPermitted) -> Self {
        let code = match error.state {
            CheckState::MayPublish => "may-publish",
            CheckState::UnknownDomain => "unknown-domain",
            CheckState::Stranger => "stranger",
            CheckState::OtherIndex => "other-index",
            CheckState::NotOwner => "not-owner",
            CheckState::Blocked => "blocked",
        };
        Self::forbidden(code, error.to_string())
    }
}

impl From<FramesError> for ApiError {
    fn from(error: FramesError) -> Self {
        match error {
            FramesError::Broken(_) | FramesError::Json(_) => Self::bad_request("body", error.to_string()),
            FramesError::TooLarge => Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", error.to_string()),
        }
    }
}

impl From<CheckError> for ApiError {
    fn from(error: CheckError) -> Self {
        let code = match &error {
            CheckError::OtherRelease { .. } => return Self::forbidden("other-release", error.to_string()),
            CheckError::Package(_) => "package",
            CheckError::Manifest { .. } | CheckError::Line(_) => "manifest",
            CheckError::Wildcard { .. } => "wildcard",
            CheckError::Mismatch(_) => "mismatch",
            CheckError::OtherNamespace { .. } => "namespace",
            CheckError::UnknownKind { .. } => "body",
        };
        Self::bad_request(code, error.to_string())
    }
}

impl From<Refusal> for ApiError {
    fn from(error: Refusal) -> Self {
        match error {
            Refusal::Rules(error) => error.into(),
            Refusal::NotPermitted(error) => error.into(),
            Refusal::Content(error) => error.into(),
            Refusal::DefaultRegistry(_) => Self::bad_request("default-registry", error.to_string()),
            Refusal::Raced => Self::conflict("raced", error.to_string()),
        }
    }
}

impl From<RefusedRelease> for ApiError {
    fn from(error: RefusedRelease) -> Self {
        use cargo_namespaces::release::Refusal;
        let text = error.to_string();
        match *error.0 {
            Refusal::Twin { .. } => Self::conflict("twin", text),
            Refusal::BuildTwin { .. } | Refusal::VersionTaken { .. } => Self::conflict("version-taken", text),
            Refusal::Unknown { .. } => Self::not_found(text),
            Refusal::OtherRelease { .. } => Self::forbidden("other-release", text),
            Refusal::Outdated { .. } => Self::conflict("outdated", text),
            _ => Self::conflict("too-many", text),
        }
    }
}

impl From<PublishError> for ApiError {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::Auth(error) => error.into(),
            PublishError::OtherRelease(error) => error.into(),
            PublishError::QueueFull(error) => error.into(),
            PublishError::Refused(error) => error.into(),
            PublishError::Frames(error) => error.into(),
            PublishError::Stopped(_) | PublishError::Database(_) | PublishError::Store(_) => {
                Self::internal(&error)
            }
            PublishError::AcceptedPending(error) => Self::accepted_pending(&error),
        }
    }
}

impl From<YankError> for ApiError {
    fn from(error: YankError) -> Self {
        let code = match error {
            YankError::Auth(error) => return error.into(),
            YankError::Database(error) => return error.into(),
            YankError::AcceptedPending(error) => return Self::accepted_pending(&error),
            YankError::Rules(error) => return error.into(),
            YankError::OtherRequest { .. } => "other-release",
            YankError::NoNonce => "no-nonce",
        };
        Self::forbidden(code, error.to_string())
    }
}

impl From<CrateError> for ApiError {
    fn from(error: CrateError) -> Self {
        match error {
            CrateError::OtherSpelling(_) | CrateError::Missing(_) => Self::not_found(error.to_string()),
            CrateError::Database(error) => error.into(),
        }
    }
}

impl From<OwnershipError> for ApiError {
    fn from(error: OwnershipError) -> Self {
        match error {
            OwnershipError::Auth(error) => error.into(),
            OwnershipError::Crate(error) => error.into(),
            OwnershipError::Database(error) => error.into(),
            OwnershipError::NoSuchOwner { .. } | OwnershipError::NoOffer { .. } => {
                Self::not_found(error.to_string())
            }
            OwnershipError::LastOwner { .. } => Self::conflict("last-owner", error.to_string()),
            OwnershipError::NotOffered { .. } => Self::forbidden("not-offered", error.to_string()),
        }
    }
}

impl From<DocumentsError> for ApiError {
    fn from(error: DocumentsError) -> Self {
        match error {
            DocumentsError::Auth(error) => error.into(),
            DocumentsError::Database(error) => error.into(),
            DocumentsError::TooMany => Self::bad_request("too-many", error.to_string()),
            DocumentsError::OtherScope { .. } => Self::bad_request("scope", error.to_string()),
            DocumentsError::NotOwner { .. } => Self::forbidden("not-owner", error.to_string()),
            DocumentsError::NotEndorsed { .. } => Self::forbidden("not-endorsed", error.to_string()),
            DocumentsError::TooManyEndorsements(_) => Self::conflict("too-many", error.to_string()),
            DocumentsError::Expired => Self::bad_request("expired", error.to_string()),
        }
    }
}

impl From<ResignError> for ApiError {
    fn from(error: ResignError) -> Self {
        match error {
            ResignError::Auth(error) => error.into(),
            ResignError::Crate(error) => error.into(),
            ResignError::Database(error) => error.into(),
            ResignError::AcceptedPending(error) => Self::accepted_pending(&error),
            ResignError::TooMany => Self::bad_request("too-many", error.to_string()),
            ResignError::Rules(error) => error.into(),
        }
    }
}
