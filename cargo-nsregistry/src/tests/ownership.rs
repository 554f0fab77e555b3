//! Owners, transfers, endorsements and revocations, freezing and resetting.

use cargo_namespaces::api::{ResignRequest, Resigned};
use cargo_namespaces::statement::{
    Endorsement, Nonce, OwnersChange, OwnersOperation, Predicate as _, Revocation, Transfer, TransferStep,
};
use cargo_namespaces::token::Scope;

use super::*;
use crate::admin;
use crate::ownership::{self, documents, resign};

const HELLO: &str = "serde.rs/hello";

fn nonce() -> Nonce {
    Nonce::generate().unwrap()
}

async fn owners(world: &World) -> Vec<cargo_namespaces::key::PublicKey> {
    let mut connection = world.registry.db.read().await.unwrap();
    rows::owners(connection.connection(), &CrateId::of(&name(HELLO))).await.unwrap()
}

fn change(world: &World, operation: OwnersOperation, key: &SecretKey) -> OwnersChange {
    let name = name(HELLO);
    let index = world.registry.config.public.index_of(&name.namespace);
    OwnersChange { index, operation, key: key.public(), at: clock::now(), nonce: nonce(), name }
}

#[tokio::test]
async fn owners_add_and_remove_owners() {
    let world = World::with(HELLO).await;
    let friend = SecretKey::generate().unwrap();
    refused(world.publish_as(&friend, HELLO, "1.0.0", "").await, "ask one of them to hand it to you");
    let add = change(&world, OwnersOperation::Add, &friend);
    refused(ownership::change_owners(&world.registry, &add.sign(&friend)).await, "only an owner");
    ownership::change_owners(&world.registry, &add.sign(&world.owner)).await.unwrap();
    refused(ownership::change_owners(&world.registry, &add.sign(&world.owner)).await, "used before");
    world.publish_as(&friend, HELLO, "1.0.0", "").await.unwrap();
    let remove = change(&world, OwnersOperation::Remove, &world.owner);
    ownership::change_owners(&world.registry, &remove.sign(&friend)).await.unwrap();
    refused(world.publish(HELLO, "1.0.1").await, "already used that crate name");
    let last = change(&world, OwnersOperation::Remove, &friend);
    refused(ownership::change_owners(&world.registry, &last.sign(&friend)).await, "at least one");
}

#[tokio::test]
async fn a_crate_is_handed_over_in_two_steps() {
    let world = World::with(HELLO).await;
    let buyer = SecretKey::generate().unwrap();
    let step = |step| {
        let name = name(HELLO);
        let index = world.registry.config.public.index_of(&name.namespace);
        Transfer { index, step, to: buyer.public(), at: clock::now(), nonce: nonce(), name }
    };
    let send =
        async |step: Transfer, key: &SecretKey| ownership::transfer(&world.registry, &step.sign(key)).await;
    refused(send(step(TransferStep::Accept), &buyer).await, "is not offered to");
    refused(send(step(TransferStep::Offer), &buyer).await, "only an owner");
    send(step(TransferStep::Offer), &world.owner).await.unwrap();
    refused(send(step(TransferStep::Accept), &world.owner).await, "is not offered to");
    assert_eq!(owners(&world).await, [world.owner.public()], "an offer changes nothing yet");
    send(step(TransferStep::Withdraw), &world.owner).await.unwrap();
    refused(send(step(TransferStep::Accept), &buyer).await, "is not offered to");
    send(step(TransferStep::Offer), &world.owner).await.unwrap();
    send(step(TransferStep::Accept), &buyer).await.unwrap();
    assert_eq!(owners(&world).await, [buyer.public()]);
    world.publish_as(&buyer, HELLO, "1.0.0", "").await.unwrap();
    refused(world.publish(HELLO, "1.0.1").await, "already used that crate name");
}

fn endorsement(world: &World, by: &SecretKey, key: &SecretKey, scope: &str) -> Endorsement {
    Endorsement {
        by: by.public(),
        key: key.public(),
        scope: Scope::parse(scope).unwrap(),
        index: world.registry.config.public.index_of(&name(HELLO).namespace),
        recovery: false,
        issued_at: clock::now(),
        expires_at: None,
        nonce: nonce(),
    }
}

#[tokio::test]
async fn a_rotation_keeps_a_persons_crates_and_a_revoked_key_speaks_no_more() {
    let world = World::with(HELLO).await;
    world.add("serde.rs/other").await;
    world.publish(HELLO, "1.0.0").await.unwrap();
    let next = SecretKey::generate().unwrap();
    let namespace = name(HELLO).namespace;
    let give = async |envelopes: Vec<Envelope>| {
        documents::add_documents(&world.registry, &namespace, &envelopes).await
    };
    let stranger = SecretKey::generate().unwrap();
    let foreign = endorsement(&world, &stranger, &next, "serde.rs").sign(&stranger);
    refused(give(vec![foreign]).await, "may not send statements here");
    give(vec![endorsement(&world, &world.owner, &next, HELLO).sign(&world.owner)]).await.unwrap();
    assert!(owners(&world).await.contains(&next.public()));
    refused(world.publish_as(&next, "serde.rs/other", "1.0.0", "").await, "already used that crate name");
    let line = world.index(HELLO).await.remove(0);
    let statement = ReleaseStatement { cksum: line.cksum, ..world.statement(&name(HELLO), &line.vers, b"") };
    let release = |key: &SecretKey| Resigned {
        krate: name(HELLO).krate,
        version: line.vers.clone(),
        attestation: statement.attest(key),
    };
    let request = |key| ResignRequest { namespace: namespace.clone(), releases: vec![release(key)] };
    refused(resign::resign(&world.registry, &request(&stranger)).await, "only an owner");
    resign::resign(&world.registry, &request(&next)).await.unwrap();
    assert_eq!(world.index(HELLO).await[0].attestations.len(), 2);
    let revocation = |by: &SecretKey| Revocation {
        by: by.public(),
        key: world.owner.public(),
        index: statement.index.clone(),
        reason: Some("lost laptop".to_owned()),
        issued_at: clock::now(),
        nonce: nonce(),
    };
    refused(give(vec![revocation(&stranger).sign(&stranger)]).await, "never endorsed it");
    give(vec![revocation(&next).sign(&next)]).await.unwrap();
    refused(world.publish(HELLO, "1.0.1").await, "lost laptop");
    let back = change(&world, OwnersOperation::Remove, &next);
    refused(ownership::change_owners(&world.registry, &back.sign(&world.owner)).await, "was revoked");
    world.publish_as(&next, HELLO, "1.0.1", "").await.unwrap();
}

#[tokio::test]
async fn an_operator_freezes_and_resets_for_all_to_see() {
    let world = World::with(HELLO).await;
    let (registry, namespace) = (&world.registry, name(HELLO).namespace);
    admin::freeze(&registry.db, &namespace, "the domain was hacked", false).await.unwrap();
    refused(world.publish(HELLO, "1.0.0").await, "the domain was hacked");
    admin::lift(&registry.db, &namespace).await.unwrap();
    world.publish(HELLO, "1.0.0").await.unwrap();
    let heir = SecretKey::generate().unwrap();
    admin::reset_owner(&registry.db, &name(HELLO), &heir.public(), "all keys lost").await.unwrap();
    world.publish_as(&heir, HELLO, "1.0.1", "").await.unwrap();
    refused(world.publish(HELLO, "1.0.2").await, "already used that crate name");
    let history =
        crate::db::audit::ownership(registry.db.read().await.unwrap().connection(), HELLO).await.unwrap();
    assert!(history[0].detail.contains("all keys lost") && history[0].actor == "operator");
    let all = admin::audit(&registry.db, None, 100).await.unwrap();
    let actions: Vec<&str> = all.iter().map(|event| event.action.as_str()).collect();
    assert_eq!(actions, ["freeze", "lift-freeze", "publish", "reset-owner", "publish"]);
    let unknown = admin::reset_owner(&registry.db, &name("serde.rs/none"), &heir.public(), "x").await;
    assert!(unknown.is_err());
}
