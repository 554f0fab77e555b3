//! Owners, transfers, endorsements, revocations, further signatures: with a wrong index, by a stranger or a revoked key, stale,
//! altered, sent twice.

use cargo_namespaces::api::{DocumentsRequest, ResignRequest, Resigned, SignedRequest};
use cargo_namespaces::key::{PublicKey, SecretKey};
use cargo_namespaces::name::IndexUrl;
use cargo_namespaces::statement::{
    Endorsement, Envelope, Nonce, OwnersChange, OwnersOperation, Predicate as _, ReleaseStatement,
    Revocation, Transfer, TransferStep,
};
use cargo_namespaces::time::Timestamp;
use cargo_namespaces::token::Scope;
use cargo_namespaces_cli::clock;
use namespace_world::plain_http::Answer;
use namespace_world::stage::Stage;

use super::{post, says};

const ELSEWHERE: &str = "sparse+https://crates.example/index/other.example/";

fn stage() -> Stage {
    let stage = Stage::set("", &[]);
    stage.publishes("1.0.0");
    stage
}

fn key() -> SecretKey {
    SecretKey::generate().expect("there is randomness")
}

fn nonce() -> Nonce {
    Nonce::generate().expect("there is randomness")
}

fn index(text: &str) -> IndexUrl {
    text.parse().expect("an index URL")
}

fn ago(seconds: u64) -> Timestamp {
    Timestamp::from_unix(clock::now().unix() - seconds)
}

fn owners(stage: &Stage, operation: OwnersOperation, key: &PublicKey) -> OwnersChange {
    let (name, index) = (stage.author.name("hello"), stage.author.index.clone());
    OwnersChange { name, index, operation, key: *key, at: clock::now(), nonce: nonce() }
}

fn offer(stage: &Stage, step: TransferStep, to: &PublicKey) -> Transfer {
    let (name, index) = (stage.author.name("hello"), stage.author.index.clone());
    Transfer { name, index, step, to: *to, at: clock::now(), nonce: nonce() }
}

fn send(stage: &Stage, path: &str, envelope: Envelope) -> Answer {
    post(stage, path, &SignedRequest { envelope })
}

fn give(stage: &Stage, envelopes: Vec<Envelope>) -> Answer {
    let namespace = stage.author.namespace.clone();
    post(stage, "/api/v1/documents", &DocumentsRequest { namespace, envelopes })
}

fn altered(mut envelope: Envelope) -> Envelope {
    envelope.signatures[0].sig[40] ^= 1;
    envelope
}

fn endorsement(stage: &Stage, by: &SecretKey, key: &PublicKey, scope: &str) -> Endorsement {
    Endorsement {
        by: by.public(),
        key: *key,
        scope: Scope::parse(scope).expect("a scope"),
        index: stage.author.index.clone(),
        recovery: false,
        issued_at: clock::now(),
        expires_at: None,
        nonce: nonce(),
    }
}

fn revocation(stage: &Stage, by: &SecretKey, key: &PublicKey) -> Revocation {
    let index = stage.author.index.clone();
    Revocation { by: by.public(), key: *key, index, reason: None, issued_at: clock::now(), nonce: nonce() }
}

/// The owners that the registry names.
fn listed(stage: &Stage) -> String {
    stage.get("/ns/hello.example/api/v1/crates/hello/owners").text()
}

#[test]
fn owners_by_a_stranger_stale_altered_replayed_or_for_another_index() {
    let stage = stage();
    let (owner, friend) = (&stage.author.key, key());
    let path = "/api/v1/owners";
    let add = owners(&stage, OwnersOperation::Add, &friend.public());
    says(&send(&stage, path, add.sign(&friend)), 403, "only an owner of");
    says(&send(&stage, path, altered(add.sign(owner))), 403, "none of the envelope's signatures is valid");
    let other = OwnersChange { index: index(ELSEWHERE), ..add.clone() };
    says(
        &send(&stage, path, other.sign(owner)),
        403,
        "was signed for the index sparse+https://crates.example/index/other",
    );
    for at in [ago(400), clock::now().plus_seconds(120)] {
        let answer = send(&stage, path, OwnersChange { at, ..add.clone() }.sign(owner));
        says(&answer, 403, &format!("signed at {at}; the registry's clock says 20"));
    }
    let offered = offer(&stage, TransferStep::Offer, &friend.public());
    says(&send(&stage, path, offered.sign(owner)), 403, "");
    assert_eq!(post(&stage, path, &serde_json::json!({})).status, 400);
    assert!(!listed(&stage).contains(&friend.public().to_string()));
    says(&send(&stage, path, add.sign(owner)), 200, "is an owner of hello.example/hello");
    let remove = owners(&stage, OwnersOperation::Remove, &friend.public());
    says(&send(&stage, path, remove.sign(owner)), 200, "no longer an owner");
    says(&send(&stage, path, add.sign(owner)), 409, "was used before");
    assert!(!listed(&stage).contains(&friend.public().to_string()));
    says(&give(&stage, vec![revocation(&stage, owner, &owner.public()).sign(owner)]), 200, "1 of 1");
    let late = owners(&stage, OwnersOperation::Add, &friend.public());
    says(&send(&stage, path, late.sign(owner)), 403, "was revoked at");
}

#[test]
fn a_transfer_by_a_stranger_stale_altered_replayed_or_for_another_index() {
    let stage = stage();
    let (owner, thief) = (&stage.author.key, key());
    let path = "/api/v1/transfer";
    let offered = offer(&stage, TransferStep::Offer, &thief.public());
    says(&send(&stage, path, offered.sign(&thief)), 403, "only an owner of");
    says(
        &send(&stage, path, altered(offered.sign(owner))),
        403,
        "none of the envelope's signatures is valid",
    );
    let other = Transfer { index: index(ELSEWHERE), ..offered.clone() };
    says(&send(&stage, path, other.sign(owner)), 403, "was signed for the index");
    for at in [ago(400), clock::now().plus_seconds(120)] {
        let answer = send(&stage, path, Transfer { at, ..offered.clone() }.sign(owner));
        says(&answer, 403, &format!("signed at {at}; the registry's clock says 20"));
    }
    let accept = offer(&stage, TransferStep::Accept, &thief.public());
    says(&send(&stage, path, accept.sign(&thief)), 403, "is not offered to");
    says(&send(&stage, path, offered.sign(owner)), 200, "is offered to");
    let for_thief = offer(&stage, TransferStep::Accept, &thief.public());
    says(&send(&stage, path, for_thief.sign(&key())), 403, "is not offered to");
    let withdraw = offer(&stage, TransferStep::Withdraw, &thief.public());
    says(&send(&stage, path, withdraw.sign(&thief)), 403, "only an owner of");
    says(&send(&stage, path, withdraw.sign(owner)), 200, "no longer offered to");
    says(&send(&stage, path, offered.sign(owner)), 409, "was used before");
    says(&send(&stage, path, accept.sign(&thief)), 403, "is not offered to");
    assert!(!listed(&stage).contains(&thief.public().to_string()));
    says(&give(&stage, vec![revocation(&stage, owner, &owner.public()).sign(owner)]), 200, "1 of 1");
    let late = offer(&stage, TransferStep::Offer, &thief.public());
    says(&send(&stage, path, late.sign(owner)), 403, "was revoked at");
}

#[test]
fn an_endorsement_by_a_stranger_for_more_or_once_more() {
    let stage = stage();
    let (owner, next, thief) = (&stage.author.key, key(), key());
    let give = |endorsement: &Endorsement, by: &SecretKey| give(&stage, vec![endorsement.sign(by)]);
    let foreign = endorsement(&stage, &thief, &next.public(), "hello.example");
    says(&give(&foreign, &thief), 403, "may not send statements here");
    let claimed = endorsement(&stage, owner, &thief.public(), "hello.example");
    assert_eq!(give(&claimed, &thief).status, 403, "it says that somebody else made it");
    let beyond = endorsement(&stage, owner, &next.public(), "other.example");
    says(&give(&beyond, owner), 400, "not for hello.example");
    let elsewhere = Endorsement {
        index: index(ELSEWHERE),
        ..endorsement(&stage, owner, &next.public(), "hello.example")
    };
    says(&give(&elsewhere, owner), 403, "was signed for the index");
    let ended = Endorsement {
        issued_at: ago(100),
        expires_at: Some(ago(10)),
        ..endorsement(&stage, owner, &next.public(), "hello.example")
    };
    says(&give(&ended, owner), 400, "has ended");
    let later = Endorsement {
        issued_at: clock::now().plus_seconds(3600),
        ..endorsement(&stage, owner, &next.public(), "hello.example")
    };
    says(&give(&later, owner), 403, "the registry's clock says");
    // What it was given for one crate, it cannot give on for the whole namespace.
    let good = endorsement(&stage, owner, &next.public(), "hello.example/other");
    says(&give(&good, owner), 200, "1 of 1");
    let widened = endorsement(&stage, &next, &thief.public(), "hello.example");
    says(&give(&widened, &next), 403, "may not send statements here");
    assert_eq!(listed(&stage).matches("ed25519:").count(), 1, "{}", listed(&stage));
}

#[test]
fn an_endorsement_does_not_bring_back_an_owner_who_was_removed() {
    let stage = stage();
    let (owner, friend) = (&stage.author.key, key());
    let endorsed = endorsement(&stage, owner, &friend.public(), "hello.example").sign(owner);
    says(&give(&stage, vec![endorsed.clone()]), 200, "1 of 1");
    assert!(listed(&stage).contains(&friend.public().to_string()));
    let remove = owners(&stage, OwnersOperation::Remove, &friend.public());
    says(&send(&stage, "/api/v1/owners", remove.sign(owner)), 200, "no longer an owner");
    // The endorsement is public, so its subject has it.
    says(&give(&stage, vec![endorsed]), 200, "0 of 1");
    assert!(!listed(&stage).contains(&friend.public().to_string()), "{}", listed(&stage));
    let add = owners(&stage, OwnersOperation::Add, &friend.public());
    says(&send(&stage, "/api/v1/owners", add.sign(owner)), 200, "is an owner");
}

#[test]
fn endorsements_and_revocations_without_end() {
    let stage = stage();
    let owner = &stage.author.key;
    let many = |count: usize| -> Vec<Envelope> {
        (0..count)
            .map(|_| endorsement(&stage, owner, &key().public(), "hello.example/other").sign(owner))
            .collect()
    };
    says(&give(&stage, many(64)), 200, "64 of 64");
    says(&give(&stage, many(1)), 409, "no room for more");
    let revoke = || revocation(&stage, owner, &owner.public()).sign(owner);
    says(&give(&stage, vec![revoke()]), 200, "1 of 1");
    says(&give(&stage, vec![revoke(), revoke()]), 200, "0 of 2");
}

#[test]
fn a_revocation_by_a_stranger_altered_or_for_another_index() {
    let stage = stage();
    let (owner, thief) = (&stage.author.key, key());
    let lies = revocation(&stage, &thief, &owner.public());
    says(&give(&stage, vec![lies.sign(&thief)]), 403, "never endorsed it");
    let claimed = revocation(&stage, owner, &owner.public());
    assert_eq!(give(&stage, vec![claimed.sign(&thief)]).status, 403);
    says(&give(&stage, vec![altered(claimed.sign(owner))]), 403, "the envelope is not signed by");
    let elsewhere = Revocation { index: index(ELSEWHERE), ..claimed.clone() };
    says(&give(&stage, vec![elsewhere.sign(owner)]), 403, "was signed for the index");
    let unknown = revocation(&stage, &thief, &thief.public());
    says(&give(&stage, vec![unknown.sign(&thief)]), 403, "may not send statements here");
    // All or none: the first one alone would be taken.
    says(&give(&stage, vec![claimed.sign(owner), lies.sign(&thief)]), 403, "never endorsed it");
    stage.publishes("1.0.1");
}

#[test]
fn further_signatures_by_a_stranger_or_a_revoked_key_for_other_bytes_or_from_the_future() {
    let stage = stage();
    let (owner, thief) = (&stage.author.key, key());
    let line = stage.lines().remove(0);
    let good = ReleaseStatement {
        name: stage.author.name("hello"),
        version: line.vers.clone(),
        cksum: line.cksum,
        index: stage.author.index.clone(),
        at: clock::now(),
    };
    let give = |statement: &ReleaseStatement, key: &SecretKey| {
        let krate = statement.name.krate.clone();
        let release = Resigned { krate, version: line.vers.clone(), attestation: statement.attest(key) };
        let request = ResignRequest { namespace: stage.author.namespace.clone(), releases: vec![release] };
        post(&stage, "/api/v1/attestations", &request)
    };
    says(&give(&good, &thief), 403, "only an owner of");
    let other = ReleaseStatement { cksum: cargo_namespaces::digest::Digest::of(b"other"), ..good.clone() };
    assert_eq!(give(&other, owner).status, 403, "it is for other bytes");
    let elsewhere = ReleaseStatement { index: index(ELSEWHERE), ..good.clone() };
    assert_eq!(give(&elsewhere, owner).status, 403, "it is for another index");
    let at = clock::now().plus_seconds(3600);
    says(&give(&ReleaseStatement { at, ..good.clone() }, owner), 403, "the registry's clock says");
    assert_eq!(stage.lines()[0].attestations, line.attestations);
    says(&self::give(&stage, vec![revocation(&stage, owner, &owner.public()).sign(owner)]), 200, "1 of 1");
    says(&give(&ReleaseStatement { at: clock::now().plus_seconds(1), ..good }, owner), 403, "was revoked at");
}

#[test]
fn a_question_without_end_is_not_read() {
    let stage = stage();
    let filling = "x".repeat(3 * 1024 * 1024);
    let answer = post(&stage, "/api/v1/owners", &serde_json::json!({ "envelope": filling }));
    says(&answer, 413, "longer than the 65536 bytes that it may have");
    let answer = post(&stage, "/api/v1/documents", &serde_json::json!({ "envelopes": [filling] }));
    says(&answer, 413, "longer than the 2097152 bytes that it may have");
}
