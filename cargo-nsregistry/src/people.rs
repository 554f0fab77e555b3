//! Owners, transfers, and statements about keys: what signed requests change.
//!
//! An endorsement by an owner makes the endorsed key an owner too, of the crates that it covers: so a rotation keeps a
//! person's crates, and a recovery key can save them. A revoked key speaks no more, and stays listed for all to see.

use cargo_namespaces::api::{Done, ResignRequest};
use cargo_namespaces::key::PublicKey;
use cargo_namespaces::limits::MAX_ENDORSEMENTS;
use cargo_namespaces::name::{CrateName, Namespace, QualifiedName};
use cargo_namespaces::statement::{
    Endorsement, Envelope, OwnersChange, OwnersOperation, Revocation, Transfer, TransferStep,
};
use cargo_namespaces_cli::clock;
use sqlx::AnyConnection;

use crate::app::Registry;
use crate::db::crates::{self, CrateId};
use crate::db::people::{self, Document};
use crate::db::{DbError, audit};
use crate::error::ApiError;
use crate::{auth, files};

/// Most statements or signatures in one request.
const MOST: usize = 1000;

async fn existing(connection: &mut AnyConnection, name: &QualifiedName) -> Result<CrateId, ApiError> {
    let id = CrateId::of(name);
    match crates::find(connection, &id).await? {
        Some((spelled, _)) if spelled == name.krate => Ok(id),
        Some((spelled, _)) => Err(ApiError::not_found(format!("the crate is spelled `{spelled}`"))),
        None => Err(ApiError::not_found(format!("there is no crate {name} on this registry"))),
    }
}

/// Adds an owner or takes one away.
///
/// # Errors
/// A refusal for whoever asks.
pub async fn change_owners(registry: &Registry, envelope: &Envelope) -> Result<Done, ApiError> {
    let change = auth::statement(envelope.open::<OwnersChange>())?;
    let signer = change.key();
    auth::same_index(registry, &change.name.namespace, &change.index)?;
    auth::fresh(change.at)?;
    let mut write = registry.db.write().await?;
    let connection = write.connection();
    let id = existing(connection, &change.name).await?;
    auth::owner(connection, &id, &change.name.namespace, &signer).await?;
    auth::use_up(connection, &change.nonce, change.at).await?;
    let owners = people::owners(connection, &id).await?;
    let (name, key) = (&change.name, &change.key);
    let action = match change.operation {
        OwnersOperation::Add => {
            auth::not_revoked(connection, &name.namespace, key).await?;
            people::add_owner(connection, &id, key, &signer.to_string()).await?;
            "add-owner"
        }
        OwnersOperation::Remove if !owners.contains(key) => {
            return Err(ApiError::not_found(format!("{key} is no owner of {name}")));
        }
        OwnersOperation::Remove if owners.len() == 1 => {
            let detail =
                format!("{key} is the only owner of {name}; a crate has at least one. Add another first.");
            return Err(ApiError::conflict("last-owner", detail));
        }
        OwnersOperation::Remove => {
            people::remove_owner(connection, &id, key).await?;
            "remove-owner"
        }
    };
    audit::add(connection, &signer.to_string(), action, &name.to_string(), &key.to_string()).await?;
    write.commit().await?;
    Ok(Done::new(match change.operation {
        OwnersOperation::Add => format!("{key} is an owner of {name}"),
        OwnersOperation::Remove => format!("{key} is no owner of {name} any more"),
    }))
}

/// A step of a transfer.
///
/// # Errors
/// A refusal for whoever asks.
pub async fn transfer(registry: &Registry, envelope: &Envelope) -> Result<Done, ApiError> {
    let step = auth::statement(envelope.open::<Transfer>())?;
    let signer = step.key();
    let (name, to) = (&step.name, &step.to);
    auth::same_index(registry, &name.namespace, &step.index)?;
    auth::fresh(step.at)?;
    let mut write = registry.db.write().await?;
    let connection = write.connection();
    let id = existing(connection, name).await?;
    let offered = people::offer(connection, &id).await?;
    let (action, done) = match step.step {
        TransferStep::Offer => {
            auth::owner(connection, &id, &name.namespace, &signer).await?;
            auth::not_revoked(connection, &name.namespace, to).await?;
            people::set_offer(connection, &id, Some(to), &signer).await?;
            (
                "transfer-offer",
                format!(
                    "{name} is offered to {to}, who accepts it with `cargo nspublish transfer {name} --accept`"
                ),
            )
        }
        TransferStep::Withdraw => {
            auth::owner(connection, &id, &name.namespace, &signer).await?;
            if offered != Some(*to) {
                return Err(ApiError::not_found(format!("{name} is not offered to {to}")));
            }
            people::set_offer(connection, &id, None, &signer).await?;
            ("transfer-withdraw", format!("{name} is not offered to {to} any more"))
        }
        TransferStep::Accept => {
            if signer != *to || offered != Some(*to) {
                let detail = format!("{name} is not offered to {signer}; ask one of its owners to offer it");
                return Err(ApiError::forbidden("not-offered", detail));
            }
            auth::not_revoked(connection, &name.namespace, to).await?;
            people::set_owner(connection, &id, to, "transfer").await?;
            ("transfer-accept", format!("{name} is yours: {to} is its only owner"))
        }
    };
    auth::use_up(connection, &step.nonce, step.at).await?;
    audit::add(connection, &signer.to_string(), action, &name.to_string(), &to.to_string()).await?;
    write.commit().await?;
    Ok(Done::new(done))
}

/// Takes endorsements and revocations into the registry's copy of a namespace's documents.
///
/// # Errors
/// One of them does not hold, or is by a key that owns nothing in the namespace: none is taken then.
pub async fn add_documents(
    registry: &Registry,
    namespace: &Namespace,
    envelopes: &[Envelope],
) -> Result<Done, ApiError> {
    if envelopes.len() > MOST {
        return Err(ApiError::bad_request("too-many", format!("more than {MOST} statements in one request")));
    }
    let mut write = registry.db.write().await?;
    let mut taken = 0;
    for envelope in envelopes {
        let document = read_document(registry, namespace, envelope)?;
        if take_document(write.connection(), namespace, &document).await? {
            taken += 1;
        }
    }
    write.commit().await?;
    Ok(Done::new(format!("{taken} of {} statements were new", envelopes.len())))
}

fn read_document(
    registry: &Registry,
    namespace: &Namespace,
    envelope: &Envelope,
) -> Result<Document, ApiError> {
    if let Ok(endorsement) = envelope.open::<Endorsement>() {
        auth::same_index(registry, namespace, &endorsement.index)?;
        if endorsement.scope.namespace() != namespace {
            let detail = format!("an endorsement is for {}, not for {namespace}", endorsement.scope);
            return Err(ApiError::bad_request("scope", detail));
        }
        return Ok(Document::Endorsement(endorsement));
    }
    let revocation = auth::statement(envelope.open::<Revocation>())?;
    auth::same_index(registry, namespace, &revocation.index)?;
    Ok(Document::Revocation(revocation))
}

async fn take_document(
    connection: &mut AnyConnection,
    namespace: &Namespace,
    document: &Document,
) -> Result<bool, ApiError> {
    let nobody = |key: &PublicKey| {
        let detail = format!("{key} owns no crate of {namespace} on this registry, so it has no say here");
        ApiError::forbidden("not-owner", detail)
    };
    let (by, action, subject) = match document {
        Document::Endorsement(endorsement) => {
            auth::not_in_the_future(endorsement.issued_at)?;
            auth::not_revoked(connection, namespace, &endorsement.by).await?;
            auth::not_revoked(connection, namespace, &endorsement.key).await?;
            few_enough(connection, namespace, endorsement).await?;
            let owned = people::owned_by(connection, namespace, &endorsement.by).await?;
            if owned.is_empty() {
                return Err(nobody(&endorsement.by));
            }
            pass_on(connection, namespace, endorsement, &owned).await?;
            (endorsement.by, "endorse", endorsement.key)
        }
        Document::Revocation(revocation) => {
            let (by, key) = (&revocation.by, &revocation.key);
            if by != key && !people::is_endorsed(connection, namespace, key, by).await? {
                let detail =
                    format!("{} may not revoke {}, which never endorsed it", revocation.by, revocation.key);
                return Err(ApiError::forbidden("not-endorsed", detail));
            }
            if people::owned_by(connection, namespace, &revocation.key).await?.is_empty() {
                return Err(nobody(&revocation.key));
            }
            // Once is enough, and there is no end to statements that say it again.
            if people::revocation_of(connection, namespace, key).await?.is_some() {
                return Ok(false);
            }
            (revocation.by, "revoke", revocation.key)
        }
    };
    let new = people::add_document(connection, namespace, document).await?;
    if new {
        let (subject, namespace) = (subject.to_string(), namespace.to_string());
        audit::add(connection, &by.to_string(), action, &namespace, &subject).await?;
    }
    Ok(new)
}

/// Whether one key has not endorsed more keys than anybody needs: whoever asks for the namespace's documents gets them all.
async fn few_enough(
    connection: &mut AnyConnection,
    namespace: &Namespace,
    endorsement: &Endorsement,
) -> Result<(), ApiError> {
    if people::other_endorsements(connection, namespace, endorsement).await? < MAX_ENDORSEMENTS {
        return Ok(());
    }
    let detail =
        format!("{} has made {MAX_ENDORSEMENTS} endorsements; there is no room for more", endorsement.by);
    Err(ApiError::conflict("too-many", detail))
}

/// Makes an endorsed key an owner of what its endorser owns, as far as the endorsement reaches. An endorsement is public and
/// can be handed in again by anybody, so it does not bring back a key that was taken away from the owners: one of them adds
/// it again.
async fn pass_on(
    connection: &mut AnyConnection,
    namespace: &Namespace,
    endorsement: &Endorsement,
    owned: &[String],
) -> Result<(), ApiError> {
    if endorsement.is_expired(clock::now()) {
        return Err(ApiError::bad_request("expired", "the endorsement has ended already"));
    }
    for krate in owned {
        let krate = CrateName::parse(krate).map_err(|error| DbError::corrupt("a crate name", &error))?;
        let name = QualifiedName { namespace: namespace.clone(), krate };
        let id = CrateId::of(&name);
        let key = &endorsement.key;
        let is_owner = people::owners(connection, &id).await?.contains(key);
        if endorsement.scope.covers(&name) && !is_owner && !audit::was_removed(connection, &name, key).await?
        {
            let by = endorsement.by.to_string();
            people::add_owner(connection, &id, key, &by).await?;
            audit::add(connection, &by, "add-owner", &name.to_string(), &key.to_string()).await?;
        }
    }
    Ok(())
}

/// Adds signatures by owners to releases that are there.
///
/// # Errors
/// One of them does not hold, or is by somebody else: none is taken then.
pub async fn resign(registry: &Registry, request: &ResignRequest) -> Result<Done, ApiError> {
    if request.releases.len() > MOST {
        return Err(ApiError::bad_request("too-many", format!("more than {MOST} signatures in one request")));
    }
    let index = registry.config.public.index_of(&request.namespace);
    let mut changed: Vec<QualifiedName> = Vec::new();
    let mut write = registry.db.write().await?;
    for release in &request.releases {
        let name = QualifiedName { namespace: request.namespace.clone(), krate: release.krate.clone() };
        let connection = write.connection();
        let id = existing(connection, &name).await?;
        let attestation = &release.attestation;
        auth::owner(connection, &id, &name.namespace, &attestation.key).await?;
        auth::not_in_the_future(attestation.at)?;
        let mut held = crates::held(connection, &name, &release.version, &index).await?;
        let statement = held.get(&release.version)?.release_statement(&name, &index, attestation.at);
        if !held.resign(&auth::statement(statement.verify(attestation))?, None)? {
            continue;
        }
        let line = held.get(&release.version)?;
        crates::set_line(connection, &id, line).await?;
        crates::mark_dirty(connection, &id).await?;
        let subject = format!("{name}@{}", line.vers);
        audit::add(connection, &attestation.key.to_string(), "re-sign", &subject, "").await?;
        changed.push(name);
    }
    write.commit().await?;
    let count = changed.len();
    changed.sort();
    changed.dedup();
    for name in &changed {
        files::follow(registry, name).await.map_err(ApiError::recorded)?;
    }
    Ok(Done::new(format!("{count} releases were signed")))
}
