//! A release's way in.
//!
//! ```text
//! admit     permission.rs  from the header alone: the statement is signed, its release is not taken, its signer is an owner,
//!                          or for a new crate a token stands at the domain. Nobody else's body is read
//! read      body.rs        within the bounds of size and time, and of the upload budget; the two frames
//! check     check.rs       statement, JSON, .crate and rules agree; the index line is derived
//! store     the .crate, by its content, where nobody looks
//! commit    one transaction: crate, version, owners, audit, and that the files must follow. Of two publishers one wins here
//! follow    files.rs       the .crate, its envelope, then the index file that names them; only now is it acknowledged
//! ```
//! A crash before the commit leaves a staged file; a crash after it is finished at the next start.

pub mod body;
pub mod check;
pub mod permission;
pub mod upload_budget;

use bytes::Bytes;
use cargo_namespaces::api::{NewCrate, Published, Warnings};
use cargo_namespaces::discovery::DevRegistry;
use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::{Namespace, QualifiedName};
use cargo_namespaces::statement::{Predicate as _, ReleaseStatement, Verified};
use cargo_namespaces_cli::clock;
use sqlx::AnyConnection;

use crate::app::Registry;
use crate::auth::Shown;
use crate::client_address::ClientAddress;
use crate::config::DefaultRegistry;
use crate::db::audit;
use crate::db::crates::{self, CrateId};
use crate::db::people::{self, Document};
use crate::error::ApiError;
use crate::storage::Key;
use crate::validate::queue::Asker;
use crate::{auth, files};
use check::Checked;
use permission::Finding;

/// A publish whose signer may do it, as far as its header tells: only for such a one is a body read.
#[derive(Debug)]
pub struct Admitted {
    /// What was signed, and by whom.
    pub statement: Verified<ReleaseStatement>,
    finding: Finding,
}

impl Admitted {
    /// The domain for which it is signed, as it is registered: subdomains cost nothing.
    pub fn domain(&self) -> String {
        self.statement.name.namespace.registrable().to_owned()
    }
}

/// Decides from the header alone whether a publish may go on: the signature holds, the release is of this namespace and not
/// taken, and its signer owns the crate or is listed at the domain.
///
/// # Errors
/// A refusal for the publisher.
pub async fn admit(
    registry: &Registry,
    namespace: &Namespace,
    shown: &Shown,
    client: ClientAddress,
) -> Result<Admitted, ApiError> {
    let statement = auth::release(registry, namespace, shown)?;
    let key = statement.key();
    check::same_namespace(&statement, namespace)?;
    untaken(registry, &statement).await?;
    let asker = Asker { client, key: Some(key), claims: true };
    let finding = permission::find(registry, namespace, Some(&statement.name), &key, &asker).await?;
    let finding = finding.demand()?;
    Ok(Admitted { statement, finding })
}

/// Publishes a release, or says to its publisher why not.
///
/// # Errors
/// A refusal, or a failure that changed nothing.
pub async fn publish(registry: &Registry, admitted: Admitted, body: Bytes) -> Result<Published, ApiError> {
    let Admitted { statement, finding } = admitted;
    let (key, attestation) = (statement.key(), statement.attestation());
    let statement = statement.into_facts();
    let (new, archive) = body::parse(body)?;
    let mut checked = checked(&archive, new.clone(), statement.clone()).await?;
    let warnings = policy(registry, &checked, finding.owners.is_empty())?;
    let now = clock::now();
    let accepted = checked.line.countersignature_of(&statement.name, &statement.index, now);
    checked.line.pubtime = Some(now);
    checked.line.attestations = vec![attestation];
    checked.line.countersignature = Some(accepted.statement().signed_by(&registry.key).entry());
    registry.storage.put(Key::Staged(&statement.cksum), archive).await?;
    commit(registry, &statement, &key, &new, &checked, &finding).await?;
    files::follow(registry, &statement.name).await.map_err(ApiError::recorded)?;
    Ok(Published { warnings })
}

/// Hashing, inflating and parsing take long enough to be done beside the requests of others.
async fn checked(archive: &Bytes, new: NewCrate, statement: ReleaseStatement) -> Result<Checked, ApiError> {
    let archive = archive.clone();
    let work = move || check::check(&archive, &new, &statement);
    tokio::task::spawn_blocking(work).await.map_err(|error| ApiError::internal(&error))?
}

/// Early, so that nobody proves a domain for nothing; the transaction looks again.
async fn untaken(registry: &Registry, statement: &ReleaseStatement) -> Result<(), ApiError> {
    let mut read = registry.db.read().await?;
    let held = crates::held(read.connection(), &statement.name, &statement.version, &statement.index).await?;
    Ok(held.admits(&statement.version, &statement.cksum)?)
}

/// What the operator wants of dependencies that name no registry.
fn policy(registry: &Registry, checked: &Checked, is_new: bool) -> Result<Warnings, ApiError> {
    let mut warnings = Warnings::default();
    let rule = registry.config.policy.default_registry;
    if checked.unnamed.is_empty() || rule == DefaultRegistry::Allow {
        return Ok(warnings);
    }
    let text = format!(
        "these dependencies name no registry, and the package sets no default for them: {}.\n\
         They are taken from crates.io. Say so, since leaving it open is deprecated:\n\n  \
         [package.metadata.namespaces]\n  default-registry = \"crates.io\"\n",
        checked.unnamed.join(", ")
    );
    if rule == DefaultRegistry::Deny && is_new {
        return Err(ApiError::bad_request(
            "default-registry",
            format!("new crates here must not leave this open: {text}"),
        ));
    }
    warnings.other.push(text);
    Ok(warnings)
}

/// The one transaction.
async fn commit(
    registry: &Registry,
    statement: &ReleaseStatement,
    key: &PublicKey,
    new: &NewCrate,
    checked: &Checked,
    finding: &Finding,
) -> Result<(), ApiError> {
    let name = &statement.name;
    let id = CrateId::of(name);
    let mut write = registry.db.write().await?;
    let connection = write.connection();
    let mut held = crates::held(connection, name, &statement.version, &statement.index).await?;
    let exists = held.exists();
    held.insert(checked.line.clone())?;
    if exists {
        // Whoever was an owner a moment ago may have been taken away, and a new crate may have come to be somebody's.
        auth::owner(connection, &id, &name.namespace, key).await?;
    } else {
        auth::not_revoked(connection, &name.namespace, key).await?;
        create(connection, registry.config.dev, name, key, finding).await?;
    }
    if let Some((scope, places)) = &finding.proof {
        let places: Vec<String> =
            places.iter().map(|place| place.describe(&name.namespace, registry.config.dev)).collect();
        people::note_validation(connection, key, scope, &places.join(", ")).await?;
    }
    crates::add_version(connection, &id, &checked.line).await?;
    crates::describe(connection, &id, new.description.as_deref()).await?;
    crates::mark_dirty(connection, &id).await?;
    let release = format!("{name}@{}", checked.line.vers);
    audit::add(connection, &key.to_string(), "publish", &release, &checked.line.cksum.to_string()).await?;
    Ok(write.commit().await?)
}

/// Makes the crate; its owners are the key that proved itself, and those that the key endorsed for it.
async fn create(
    connection: &mut AnyConnection,
    dev: Option<DevRegistry>,
    name: &QualifiedName,
    key: &PublicKey,
    finding: &Finding,
) -> Result<(), ApiError> {
    let id = CrateId::of(name);
    let Some((scope, places)) = &finding.proof else {
        // The crate was there when permission was found, and crates are never removed.
        return Err(ApiError::conflict("raced", "the crate changed meanwhile; try again"));
    };
    crates::add_namespace(connection, &name.namespace).await?;
    crates::add(connection, name).await?;
    people::add_owner(connection, &id, key, "domain").await?;
    for endorsement in finding.endorsed_by(key) {
        if !endorsement.scope.covers(name) || endorsement.is_expired(clock::now()) {
            continue;
        }
        people::add_owner(connection, &id, &endorsement.key, &key.to_string()).await?;
        people::add_document(connection, &name.namespace, &Document::Endorsement(endorsement)).await?;
    }
    let places: Vec<String> = places.iter().map(|place| place.describe(&name.namespace, dev)).collect();
    let detail = format!("{scope} by {}", places.join(", "));
    audit::add(connection, &key.to_string(), "create", &name.to_string(), &detail).await?;
    Ok(())
}
