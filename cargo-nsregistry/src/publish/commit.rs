//! The one transaction of a publish.

use cargo_namespaces::api::NewCrate;
use cargo_namespaces::discovery::DevRegistry;
use cargo_namespaces::domain_view::RecordPlace;
use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::{Namespace, QualifiedName};
use cargo_namespaces_cli::clock;
use sqlx::AnyConnection;

use super::{Preflight, PublishError};
use crate::admission::check::Checked;
use crate::admission::{Refusal, Rows};
use crate::db::crates::{self, CrateId};
use crate::db::ownership::Document;
use crate::db::{audit, namespaces, ownership};
use crate::permission::Finding;
use crate::permission::message::Asking;
use crate::refused_release::RefusedRelease;
use crate::registry::Registry;

/// Writes a release down, if it may still come in: whoever was an owner a moment ago may have been taken away, and a new crate
/// may have come to be somebody's.
pub(super) async fn commit(
    registry: &Registry,
    preflight: &Preflight,
    new: &NewCrate,
    checked: &Checked,
) -> Result<(), PublishError> {
    let (statement, key) = (&preflight.statement, &preflight.key());
    let (name, config) = (&statement.name, &registry.config);
    let id = CrateId::of(name);
    let mut write = registry.db.write().await?;
    let connection = write.connection();
    let asking = Asking::new(config, &name.namespace, Some(name), key);
    let mut rows = Rows::read(connection, &asking, statement).await?;
    let admitted = preflight.admit(config, &rows, Some(checked))?;
    rows.held.insert(checked.line.clone()).map_err(RefusedRelease::from).map_err(Refusal::from)?;
    if admitted.is_new_crate {
        create(connection, config.dev, name, key, &admitted.finding).await?;
    }
    if let Some((scope, places)) = &admitted.finding.proof {
        let places = described(places, &name.namespace, config.dev);
        ownership::note_validation(connection, key, scope, &places).await?;
    }
    crates::add_version(connection, &id, &checked.line).await?;
    crates::describe(connection, &id, new.description.as_deref()).await?;
    crates::mark_dirty(connection, &id).await?;
    let release = format!("{name}@{}", checked.line.vers);
    audit::add(connection, &key.to_string(), "publish", &release, &checked.line.cksum.to_string()).await?;
    Ok(write.commit().await?)
}

fn described(places: &[RecordPlace], namespace: &Namespace, dev: Option<DevRegistry>) -> String {
    let places: Vec<String> = places.iter().map(|place| place.describe(namespace, dev)).collect();
    places.join(", ")
}

/// Makes the crate; its owners are the key that proved itself, and those that the key endorsed for it.
async fn create(
    connection: &mut AnyConnection,
    dev: Option<DevRegistry>,
    name: &QualifiedName,
    key: &PublicKey,
    finding: &Finding,
) -> Result<(), PublishError> {
    let id = CrateId::of(name);
    let (scope, places) = finding.proof.as_ref().ok_or(Refusal::Raced)?;
    namespaces::add(connection, &name.namespace).await?;
    crates::add(connection, name).await?;
    ownership::add_owner(connection, &id, key, "domain").await?;
    for endorsement in finding.endorsed_by(key) {
        if !endorsement.scope.covers(name) || endorsement.is_expired(clock::now()) {
            continue;
        }
        ownership::add_owner(connection, &id, &endorsement.key, &key.to_string()).await?;
        ownership::add_document(connection, &name.namespace, &Document::Endorsement(endorsement)).await?;
    }
    let detail = format!("{scope} by {}", described(places, &name.namespace, dev));
    audit::add(connection, &key.to_string(), "create", &name.to_string(), &detail).await?;
    Ok(())
}
