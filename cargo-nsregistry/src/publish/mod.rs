//! A release's way in, from its publisher.
//!
//! ```text
//! preflight  from the token alone: the statement is signed, and `admit` finds nothing against it. Nobody else's body is read
//! read       frames.rs      within the bounds of size and time, and of the upload budget; the two frames
//! check      admission/     statement, JSON, .crate and rules agree; the index line is derived; `admit` again
//! store      the .crate, by its content, where nobody looks
//! commit     commit.rs      one transaction: `admit` by the rows of this moment, then crate, version, owners, audit, and that
//!                           the files must follow. Of two publishers one wins here
//! follow     files/         the .crate, its envelope, then the index file that names them; only now is it acknowledged
//! ```
//! A crash before the commit leaves a staged file; a crash after it is finished at the next start.

mod commit;
pub mod frames;

use std::sync::Arc;

use bytes::Bytes;
use cargo_namespaces::api::{NewCrate, Published, Warnings};
use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::Namespace;
use cargo_namespaces::statement::{Predicate as _, ReleaseStatement, Verified};
use cargo_namespaces_cli::clock;
use tokio::task::JoinError;

use crate::admission::check::{self, CheckError, Checked};
use crate::admission::{self, Admission, Admitted, Candidate, Refusal, Rows};
use crate::auth::{self, AuthError, Shown};
use crate::client_address::ClientAddress;
use crate::config::Config;
use crate::db::DbError;
use crate::files::{self, FilesError};
use crate::permission;
use crate::permission::message::Asking;
use crate::registry::Registry;
use crate::storage::{Key, StoreError};
use crate::validate::answer::DomainAnswer;
use crate::validate::queue::{Asker, QueueFull};
use commit::commit;
use frames::FramesError;

/// A release is not published. The text is for its publisher.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The request, or its signer.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// The statement is not about what was sent.
    #[error(transparent)]
    OtherRelease(#[from] CheckError),
    /// The domain cannot be asked now.
    #[error(transparent)]
    QueueFull(#[from] QueueFull),
    /// The release does not come in.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The body of the request.
    #[error(transparent)]
    Frames(#[from] FramesError),
    /// The check ended early.
    #[error("the check of a release ended early")]
    Stopped(#[from] JoinError),
    #[error(transparent)]
    Database(#[from] DbError),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It is published, and the files could not follow: that is done later, by itself.
    #[error("the files of a crate could not follow its rows")]
    AcceptedPending(#[source] FilesError),
}

/// A publish that nothing speaks against, as far as its token tells. Only then its body is read.
#[derive(Debug)]
pub struct Preflight {
    statement: Verified<ReleaseStatement>,
    rows: Rows,
    domain: Option<Arc<DomainAnswer>>,
}

impl Preflight {
    /// Returns the registered domain that it is signed for, without subdomains, which cost nothing.
    pub fn domain(&self) -> String {
        self.statement.name.namespace.registrable().to_owned()
    }

    fn key(&self) -> PublicKey {
        self.statement.key()
    }

    /// Decides about the release by `rows`.
    fn admit(&self, config: &Config, rows: &Rows, content: Option<&Checked>) -> Result<Admitted, Refusal> {
        let (statement, key, domain) = (&*self.statement, &self.key(), self.domain.clone());
        match admission::admit(config, &Candidate { statement, key, rows, domain, content }) {
            Admission::Admitted(admitted) => Ok(admitted),
            Admission::Refused(refusal) => Err(refusal),
        }
    }
}

/// Decides from the token alone whether a publish may go on: the signature holds, the release is of this namespace, and nothing
/// speaks against it yet. Where its signer must be listed at the domain, the domain is asked.
///
/// # Errors
/// A refusal for the publisher.
pub async fn preflight(
    registry: &Registry,
    namespace: &Namespace,
    shown: &Shown,
    client: ClientAddress,
) -> Result<Preflight, PublishError> {
    let statement = auth::release(registry, namespace, shown)?;
    let key = statement.key();
    check::same_namespace(&statement, namespace)?;
    let config = &registry.config;
    let asking = Asking::new(config, namespace, Some(&statement.name), &key);
    let rows = Rows::read(registry.db.read().await?.connection(), &asking, &statement).await?;
    let domain = if admission::needs_domain(config, &asking, &statement, &rows) {
        let asker = Asker { client, key: Some(key), claims: true };
        Some(permission::ask_domain(registry, &asking, &asker).await?)
    } else {
        None
    };
    let preflight = Preflight { statement, rows, domain };
    preflight.admit(config, &preflight.rows, None)?;
    Ok(preflight)
}

/// Publishes a release, or says to its publisher why not.
///
/// # Errors
/// A refusal, or a failure that changed nothing.
pub async fn publish(
    registry: &Registry,
    preflight: Preflight,
    body: Bytes,
) -> Result<Published, PublishError> {
    let (new, archive) = frames::parse(body)?;
    let statement = &preflight.statement;
    let mut checked = checked(&archive, new.clone(), ReleaseStatement::clone(statement)).await?;
    let admitted = preflight.admit(&registry.config, &preflight.rows, Some(&checked))?;
    let now = clock::now();
    let accepted = checked.line.countersignature_of(&statement.name, &statement.index, now);
    checked.line.pubtime = Some(now);
    checked.line.attestations = vec![statement.attestation()];
    checked.line.countersignature = Some(accepted.statement().signed_by(&registry.key).entry());
    registry.storage.put(Key::Staged(&statement.cksum), archive).await?;
    commit(registry, &preflight, &new, &checked).await?;
    files::follow(registry, &statement.name).await.map_err(PublishError::AcceptedPending)?;
    let mut warnings = Warnings::default();
    warnings.other.extend(admitted.warning);
    Ok(Published { warnings })
}

/// Hashing, inflating and parsing take long enough to be done beside the requests of others.
async fn checked(
    archive: &Bytes,
    new: NewCrate,
    statement: ReleaseStatement,
) -> Result<Checked, PublishError> {
    let archive = archive.clone();
    let work = move || check::check(&archive, &new, &statement);
    Ok(tokio::task::spawn_blocking(work).await?.map_err(Refusal::from)?)
}
