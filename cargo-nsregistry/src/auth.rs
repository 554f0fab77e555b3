//! Signed requests: who signed them, and whether they still count.
//!
//! A request that would change something if it were sent twice has a nonce and is valid for five minutes. Clocks may differ by a
//! minute; the error for more shows both.

use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::{IndexUrl, Namespace};
use cargo_namespaces::statement::{
    Envelope, EnvelopeError, Nonce, Read, ReleaseStatement, Revocation, Signed, StatementError, Verified,
    Yank,
};
use cargo_namespaces::time::Timestamp;
use cargo_namespaces_cli::clock;
use sqlx::AnyConnection;

use crate::db::DbError;
use crate::db::crates::CrateId;
use crate::db::ownership;
use crate::registry::Registry;

/// How long a signed request may be used.
const GOOD_FOR: u64 = 300;
/// How much clocks may differ.
const SKEW: u64 = 60;
/// How long a `read` statement may be good for: Cargo keeps it meanwhile, and it cannot be recalled.
const MAX_READ: u64 = 24 * 3600;

/// A signed request does not count, or its signer may not do what it asks for. The text is for whoever sent it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// It is not signed.
    #[error(
        "this request is not signed. Set up the key that signs for this registry with `cargo nspublish setup`;\n\
         after it, plain `cargo publish`, `cargo yank` and the like sign by themselves."
    )]
    NotSigned,
    /// What it shows is something else.
    #[error(
        "the token of this request is not a signed statement: {0}.\n\
         This registry knows no passwords or API tokens: set up a key with `cargo nspublish setup`."
    )]
    NoEnvelope(#[source] EnvelopeError),
    /// No signature holds.
    #[error(transparent)]
    Signature(#[from] EnvelopeError),
    /// The statement is another one than is expected.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// It was signed for another registry, or another namespace of this one.
    #[error(
        "the statement was signed for the index {signed}; the index of {namespace} on this registry is\n{here}"
    )]
    OtherIndex {
        /// The index of the statement.
        signed: IndexUrl,
        /// The namespace of the request.
        namespace: Namespace,
        /// The index that it has here.
        here: IndexUrl,
    },
    /// It is too old, or from the future.
    #[error(
        "the statement is too old, or from the future. It says that it was signed at {signed}; the registry's clock says {now}.\n\
         A statement is good for {} minutes. If your clock is wrong, set it; if not, run the command again.",
        GOOD_FOR / 60
    )]
    Clock {
        /// The time of the statement.
        signed: Timestamp,
        /// The time here.
        now: Timestamp,
    },
    /// It was sent before.
    #[error("this signed request was used before; run the command again to sign a new one")]
    Replayed,
    /// Its signer does not own the crate.
    #[error(
        "only an owner of {krate} may do this, and your key {key} is not an owner. Its owners are:\n{}",
        indented(owners)
    )]
    NotOwner {
        /// The crate, by its canonical name.
        krate: String,
        key: PublicKey,
        owners: Vec<PublicKey>,
    },
    /// Its signer's key was revoked.
    #[error("{}", revoked(.0))]
    Revoked(Box<Revocation>),
    #[error(transparent)]
    Database(#[from] DbError),
}

fn indented(keys: &[PublicKey]) -> String {
    let lines: Vec<String> = keys.iter().map(|key| format!("  {key}")).collect();
    lines.join("\n")
}

/// What a request shows as its token: a payload that a key signed, verified. A request is verified once: the gate of the private
/// namespaces leaves it to the handler.
#[derive(Clone, Debug)]
pub struct Shown(Signed);

impl Shown {
    /// Reads and verifies a token.
    ///
    /// # Errors
    /// There is no token, it is no envelope, or nobody whose signature holds signed it.
    pub fn of(token: Option<&str>) -> Result<Self, AuthError> {
        let envelope =
            Envelope::from_header(token.ok_or(AuthError::NotSigned)?).map_err(AuthError::NoEnvelope)?;
        Ok(Self(envelope.signer()?))
    }
}

/// Checks that a statement is about the index that the namespace has here.
///
/// # Errors
/// It is not.
pub fn same_index(registry: &Registry, namespace: &Namespace, index: &IndexUrl) -> Result<(), AuthError> {
    let here = registry.config.public.index_of(namespace);
    if *index == here {
        return Ok(());
    }
    Err(AuthError::OtherIndex { signed: index.clone(), namespace: namespace.clone(), here })
}

/// Checks that a request that was signed at `at` still counts.
///
/// # Errors
/// It is too old, or from the future.
pub fn fresh(at: Timestamp) -> Result<(), AuthError> {
    let now = clock::now();
    let (late, early) = (now.unix().saturating_sub(at.unix()), at.unix().saturating_sub(now.unix()));
    if late > GOOD_FOR + SKEW || early > SKEW { Err(AuthError::Clock { signed: at, now }) } else { Ok(()) }
}

/// Checks that a release was not signed in the future. It does not matter how long ago it was signed, since the statement names its
/// bytes.
///
/// # Errors
/// It was.
pub fn not_in_the_future(at: Timestamp) -> Result<(), AuthError> {
    let now = clock::now();
    if at.unix() > now.unix() + SKEW { Err(AuthError::Clock { signed: at, now }) } else { Ok(()) }
}

/// Uses up the nonce of a request, in the transaction of what the request does.
///
/// # Errors
/// It was used before.
pub async fn use_up(connection: &mut AnyConnection, nonce: &Nonce, at: Timestamp) -> Result<(), AuthError> {
    let expires = at.plus_seconds(2 * (GOOD_FOR + SKEW));
    if ownership::use_nonce(connection, nonce, expires).await? {
        return Ok(());
    }
    Err(AuthError::Replayed)
}

/// Checks that `key` owns a crate and is not revoked.
///
/// # Errors
/// It is not; whom to ask instead.
pub async fn owner(
    connection: &mut AnyConnection,
    id: &CrateId,
    namespace: &Namespace,
    key: &PublicKey,
) -> Result<(), AuthError> {
    not_revoked(connection, namespace, key).await?;
    let owners = ownership::owners(connection, id).await?;
    if owners.contains(key) {
        return Ok(());
    }
    Err(AuthError::NotOwner { krate: id.as_str().to_owned(), key: *key, owners })
}

/// Checks that a key is not revoked in a namespace.
///
/// # Errors
/// It was revoked.
pub async fn not_revoked(
    connection: &mut AnyConnection,
    namespace: &Namespace,
    key: &PublicKey,
) -> Result<(), AuthError> {
    match ownership::revocation_of(connection, namespace, key).await? {
        None => Ok(()),
        Some(revocation) => Err(AuthError::Revoked(Box::new(revocation))),
    }
}

/// A revocation, in words.
pub fn revoked(revocation: &Revocation) -> String {
    let reason = revocation.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
    format!(
        "the key {} was revoked at {} by {}{reason}.\nIt is no longer valid, and a revocation cannot be undone: use \
         another key.",
        revocation.key, revocation.issued_at, revocation.by
    )
}

/// Reads the release statement that a publish shows, and checks that it is for this namespace's index here, and not in the future.
///
/// # Errors
/// It is not.
pub fn release(
    registry: &Registry,
    namespace: &Namespace,
    shown: &Shown,
) -> Result<Verified<ReleaseStatement>, AuthError> {
    let release = shown.0.read::<ReleaseStatement>()?;
    same_index(registry, namespace, &release.index)?;
    not_in_the_future(release.at)?;
    Ok(release)
}

/// Reads the yank statement that a yank shows, and checks that it is for this namespace's index here, and of the last minutes.
///
/// # Errors
/// It is not.
pub fn yank(registry: &Registry, namespace: &Namespace, shown: &Shown) -> Result<Verified<Yank>, AuthError> {
    let yank = shown.0.read::<Yank>()?;
    same_index(registry, namespace, &yank.index)?;
    fresh(yank.at)?;
    Ok(yank)
}

/// Returns the signer of a `read` statement for the namespace's index, or `None` if it is none or does not hold now.
pub fn read(registry: &Registry, namespace: &Namespace, shown: &Shown) -> Option<PublicKey> {
    let read = shown.0.read::<Read>().ok()?;
    let now = clock::now().unix();
    let (from, to) = (read.at.unix(), read.expires_at.unix());
    let holds = from <= now + SKEW && now < to && to.saturating_sub(from) <= MAX_READ;
    (holds && read.index == registry.config.public.index_of(namespace)).then_some(read.key())
}
