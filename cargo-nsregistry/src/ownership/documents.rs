//! The registry's copy of the statements about keys of a namespace.

use cargo_namespaces::api::Done;
use cargo_namespaces::key::PublicKey;
use cargo_namespaces::limits::MAX_ENDORSEMENTS;
use cargo_namespaces::name::{CrateName, Namespace, QualifiedName};
use cargo_namespaces::statement::{Endorsement, Envelope, Revocation};
use cargo_namespaces::token::Scope;
use cargo_namespaces_cli::clock;
use sqlx::AnyConnection;

use super::MOST;
use crate::auth::{self, AuthError};
use crate::db::crates::CrateId;
use crate::db::ownership::{self as rows, Document};
use crate::db::{DbError, audit};
use crate::registry::Registry;

/// Statements about keys are not taken. The text is for whoever sent them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentsError {
    /// One of the statements, or its signer.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// More statements than are read at a time.
    #[error("more than {MOST} statements in one request")]
    TooMany,
    /// An endorsement of another namespace.
    #[error("an endorsement is for {scope}, not for {namespace}")]
    OtherScope {
        /// What it is for.
        scope: Scope,
        /// The namespace of the request.
        namespace: Namespace,
    },
    /// Its signer owns nothing here.
    #[error("{key} owns no crate of {namespace} on this registry, so it may not send statements here")]
    NotOwner { key: PublicKey, namespace: Namespace },
    /// A revocation of somebody else's key.
    #[error("{by} may not revoke {key}, which never endorsed it")]
    NotEndorsed { by: PublicKey, key: PublicKey },
    /// A key that has endorsed more than anybody needs.
    #[error("{0} has made {MAX_ENDORSEMENTS} endorsements; there is no room for more")]
    TooManyEndorsements(PublicKey),
    /// An endorsement that has ended.
    #[error("the endorsement has ended already")]
    Expired,
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Takes endorsements and revocations into the registry's copy of a namespace's documents.
///
/// # Errors
/// One of them does not hold, or is by a key that owns nothing in the namespace: none is taken then.
pub async fn add_documents(
    registry: &Registry,
    namespace: &Namespace,
    envelopes: &[Envelope],
) -> Result<Done, DocumentsError> {
    if envelopes.len() > MOST {
        return Err(DocumentsError::TooMany);
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
) -> Result<Document, DocumentsError> {
    if let Ok(endorsement) = envelope.open::<Endorsement>() {
        auth::same_index(registry, namespace, &endorsement.index)?;
        if endorsement.scope.namespace() != namespace {
            let (scope, namespace) = (endorsement.into_facts().scope, namespace.clone());
            return Err(DocumentsError::OtherScope { scope, namespace });
        }
        return Ok(Document::Endorsement(endorsement));
    }
    let revocation = envelope.open::<Revocation>().map_err(AuthError::Statement)?;
    auth::same_index(registry, namespace, &revocation.index)?;
    Ok(Document::Revocation(revocation))
}

async fn take_document(
    connection: &mut AnyConnection,
    namespace: &Namespace,
    document: &Document,
) -> Result<bool, DocumentsError> {
    let nobody = |key: &PublicKey| DocumentsError::NotOwner { key: *key, namespace: namespace.clone() };
    let (by, action, subject) = match document {
        Document::Endorsement(endorsement) => {
            auth::not_in_the_future(endorsement.issued_at)?;
            auth::not_revoked(connection, namespace, &endorsement.by).await?;
            auth::not_revoked(connection, namespace, &endorsement.key).await?;
            few_enough(connection, namespace, endorsement).await?;
            let owned = rows::owned_by(connection, namespace, &endorsement.by).await?;
            if owned.is_empty() {
                return Err(nobody(&endorsement.by));
            }
            pass_on(connection, namespace, endorsement, &owned).await?;
            (endorsement.by, "endorse", endorsement.key)
        }
        Document::Revocation(revocation) => {
            let (by, key) = (&revocation.by, &revocation.key);
            if by != key && !rows::is_endorsed(connection, namespace, key, by).await? {
                return Err(DocumentsError::NotEndorsed { by: revocation.by, key: revocation.key });
            }
            if rows::owned_by(connection, namespace, &revocation.key).await?.is_empty() {
                return Err(nobody(&revocation.key));
            }
            // Once is enough, and there is no end to statements that say it again.
            if rows::revocation_of(connection, namespace, key).await?.is_some() {
                return Ok(false);
            }
            (revocation.by, "revoke", revocation.key)
        }
    };
    let new = rows::add_document(connection, namespace, document).await?;
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
) -> Result<(), DocumentsError> {
    if rows::other_endorsements(connection, namespace, endorsement).await? < MAX_ENDORSEMENTS {
        return Ok(());
    }
    Err(DocumentsError::TooManyEndorsements(endorsement.by))
}

/// Makes an endorsed key an owner of what its endorser owns, as far as the endorsement reaches. An endorsement is public and
/// can be handed in again by anybody, so it does not bring back a key that was taken away from the owners: one of them adds
/// it again.
async fn pass_on(
    connection: &mut AnyConnection,
    namespace: &Namespace,
    endorsement: &Endorsement,
    owned: &[String],
) -> Result<(), DocumentsError> {
    if endorsement.is_expired(clock::now()) {
        return Err(DocumentsError::Expired);
    }
    for krate in owned {
        let krate = CrateName::parse(krate).map_err(DbError::corrupt("a crate name"))?;
        let name = QualifiedName { namespace: namespace.clone(), krate };
        let id = CrateId::of(&name);
        let key = &endorsement.key;
        let is_owner = rows::owners(connection, &id).await?.contains(key);
        if endorsement.scope.covers(&name) && !is_owner && !audit::was_removed(connection, &name, key).await?
        {
            let by = endorsement.by.to_string();
            rows::add_owner(connection, &id, key, &by).await?;
            audit::add(connection, &by, "add-owner", &name.to_string(), &key.to_string()).await?;
        }
    }
    Ok(())
}
