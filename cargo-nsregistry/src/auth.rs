//! Signed requests: who signed, and whether it may still count.
//!
//! A request that would change something when sent twice has a nonce and is good for five minutes. Clocks differ: a minute
//! is forgiven, and the answer to more names both.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::{IndexUrl, Namespace};
use cargo_namespaces::statement::{
    Envelope, Nonce, Read, ReleaseStatement, Revocation, Signed, StatementError, Verified, Yank,
};
use cargo_namespaces::time::Timestamp;
use cargo_namespaces_cli::clock;
use sqlx::AnyConnection;

use crate::app::Registry;
use crate::db::crates::CrateId;
use crate::db::people;
use crate::error::ApiError;

/// How long a signed request may be used.
const GOOD_FOR: u64 = 300;
/// How much clocks may differ.
const SKEW: u64 = 60;
/// How long a `read` statement may be good for: Cargo keeps it meanwhile, and it cannot be recalled.
const MAX_READ: u64 = 24 * 3600;

/// What a request shows in its `Authorization` header: a payload that a key signed, verified. Once a request: the gate of the
/// private namespaces leaves it among the request's extensions, where the handler finds it.
#[derive(Clone, Debug)]
pub struct Shown(Signed);

impl Shown {
    /// Reads and verifies the header.
    ///
    /// # Errors
    /// There is none, it is no envelope, or nobody whose signature holds signed it.
    pub fn of(headers: &HeaderMap) -> Result<Self, ApiError> {
        let Some(value) = headers.get(header::AUTHORIZATION) else {
            return Err(ApiError::forbidden(
                "no-statement",
                "this request is not signed. Set up the key that signs for this registry with `cargo nspublish setup`;\n\
                 after it, plain `cargo publish`, `cargo yank` and the like sign by themselves.",
            ));
        };
        let text = value.to_str().unwrap_or_default();
        let envelope = Envelope::from_header(text).map_err(|error| {
            ApiError::forbidden(
                "bad-statement",
                format!(
                    "the token of this request is not a signed statement: {error}.\n\
                     This registry knows no passwords or API tokens: set up a key with `cargo nspublish setup`."
                ),
            )
        })?;
        statement(envelope.signer().map_err(StatementError::from)).map(Self)
    }
}

impl<S: Sync> FromRequestParts<S> for Shown {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts.extensions.get().map_or_else(|| Self::of(&parts.headers), |shown: &Self| Ok(shown.clone()))
    }
}

/// A statement that was read, or why it is not the one that is expected.
///
/// # Errors
/// It is not.
pub fn statement<T>(parsed: Result<T, StatementError>) -> Result<T, ApiError> {
    parsed.map_err(|error| ApiError::forbidden("bad-statement", error.to_string()))
}

/// Whether the statement is about the index that the namespace has here.
///
/// # Errors
/// It is not.
pub fn same_index(registry: &Registry, namespace: &Namespace, index: &IndexUrl) -> Result<(), ApiError> {
    let ours = registry.config.public.index_of(namespace);
    if *index == ours {
        return Ok(());
    }
    let detail = format!(
        "the statement was signed for the index {index}; the index of {namespace} on this registry is\n{ours}"
    );
    Err(ApiError::forbidden("other-index", detail))
}

/// Both clocks, for whoever has to find out which one is wrong.
fn clocks(at: Timestamp, now: Timestamp) -> ApiError {
    let detail = format!(
        "the statement is too old, or from the future. It says that it was signed at {at}; the registry's clock says {now}.\n\
         A statement is good for {} minutes. If your clock is wrong, set it; if not, run the command again.",
        GOOD_FOR / 60
    );
    ApiError::forbidden("clock", detail)
}

/// Whether a request that was signed at `at` still counts.
///
/// # Errors
/// It is too old, or from the future.
pub fn fresh(at: Timestamp) -> Result<(), ApiError> {
    let now = clock::now();
    let (late, early) = (now.unix().saturating_sub(at.unix()), at.unix().saturating_sub(now.unix()));
    if late > GOOD_FOR + SKEW || early > SKEW { Err(clocks(at, now)) } else { Ok(()) }
}

/// Whether a release was not signed in the future; how long ago does not matter, since its bytes are bound.
///
/// # Errors
/// It was.
pub fn not_in_the_future(at: Timestamp) -> Result<(), ApiError> {
    let now = clock::now();
    if at.unix() > now.unix() + SKEW { Err(clocks(at, now)) } else { Ok(()) }
}

/// Uses up the nonce of a request, in the transaction of what it does.
///
/// # Errors
/// It was used before.
pub async fn use_up(connection: &mut AnyConnection, nonce: &Nonce, at: Timestamp) -> Result<(), ApiError> {
    let expires = at.plus_seconds(2 * (GOOD_FOR + SKEW));
    if people::use_nonce(connection, nonce, expires).await? {
        return Ok(());
    }
    Err(ApiError::conflict(
        "replayed",
        "this signed request was used before; run the command again to sign a new one",
    ))
}

/// Whether `key` may act: it is an owner of the crate, and not revoked.
///
/// # Errors
/// It is not; whom to ask instead.
pub async fn owner(
    connection: &mut AnyConnection,
    id: &CrateId,
    namespace: &Namespace,
    key: &PublicKey,
) -> Result<(), ApiError> {
    not_revoked(connection, namespace, key).await?;
    let owners = people::owners(connection, id).await?;
    if owners.contains(key) {
        return Ok(());
    }
    let list: Vec<String> = owners.iter().map(|owner| format!("  {owner}")).collect();
    let detail = format!(
        "only an owner of {} may do this, and your key {key} is none. Its owners are:\n{}",
        id.as_str(),
        list.join("\n")
    );
    Err(ApiError::forbidden("not-owner", detail))
}

/// Whether a key still speaks in a namespace.
///
/// # Errors
/// It was revoked.
pub async fn not_revoked(
    connection: &mut AnyConnection,
    namespace: &Namespace,
    key: &PublicKey,
) -> Result<(), ApiError> {
    match people::revocation_of(connection, namespace, key).await? {
        None => Ok(()),
        Some(revocation) => Err(ApiError::forbidden("revoked", revoked(&revocation))),
    }
}

/// A revocation, in words.
pub fn revoked(revocation: &Revocation) -> String {
    let reason = revocation.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
    format!(
        "the key {} was revoked at {} by {}{reason}.\nIt speaks no more, and there is no way back: use another key.",
        revocation.key, revocation.issued_at, revocation.by
    )
}

/// The release statement that a publish shows: it is for this namespace's index here, and not in the future.
///
/// # Errors
/// It is not.
pub fn release(
    registry: &Registry,
    namespace: &Namespace,
    shown: &Shown,
) -> Result<Verified<ReleaseStatement>, ApiError> {
    let release = statement(shown.0.read::<ReleaseStatement>())?;
    same_index(registry, namespace, &release.index)?;
    not_in_the_future(release.at)?;
    Ok(release)
}

/// The yank statement that a yank shows: it is for this namespace's index here, and of the last minutes.
///
/// # Errors
/// It is not.
pub fn yank(registry: &Registry, namespace: &Namespace, shown: &Shown) -> Result<Verified<Yank>, ApiError> {
    let yank = statement(shown.0.read::<Yank>())?;
    same_index(registry, namespace, &yank.index)?;
    fresh(yank.at)?;
    Ok(yank)
}

/// Whose `read` statement for the namespace's index is shown; `None` unless it holds now.
pub fn read(registry: &Registry, namespace: &Namespace, shown: &Shown) -> Option<PublicKey> {
    let read = shown.0.read::<Read>().ok()?;
    let now = clock::now().unix();
    let (from, to) = (read.at.unix(), read.expires_at.unix());
    let holds = from <= now + SKEW && now < to && to.saturating_sub(from) <= MAX_READ;
    (holds && read.index == registry.config.public.index_of(namespace)).then(|| read.key())
}
