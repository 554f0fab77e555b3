//! Keys of a namespace over time: what is pinned along, and what may follow.

use cargo_namespaces::key::{PublicKey, SecretKey};
use cargo_namespaces::statement::{Endorsement, Envelope, Nonce, Predicate as _};
use cargo_namespaces::time::Timestamp;
use cargo_namespaces::token::Scope;
use namespace_world::World;

use super::Small;

fn key() -> SecretKey {
    SecretKey::generate().expect("the system has randomness")
}

/// The site's key speaks for another.
fn endorsement(small: &Small<'_>, key: PublicKey, scope: &str, recovery: bool) -> Envelope {
    let endorsement = Endorsement {
        by: small.site.key().public(),
        key,
        scope: Scope::parse(scope).expect("a scope"),
        index: small.site.index().clone(),
        recovery,
        issued_at: Timestamp::parse("2026-11-20T12:00:00Z").expect("a time"),
        expires_at: None,
        nonce: Nonce::from_bytes([3; 16]),
    };
    endorsement.sign(small.site.key())
}

#[test]
fn the_recovery_key_is_pinned_along() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let recovery = key().public();
    small.site.authorize(&recovery);
    small.site.endorse(endorsement(&small, recovery, "a.example", true));
    small
        .nsadd(&["a.example/hello"])
        .success()
        .stderr_has(&format!("Trusting {recovery} for a.example, the recovery key"));
    let trust = small.project.read(".cargo/namespaces.toml");
    assert!(trust.contains(&format!("\"{recovery} a.example\"")), "{trust}");
}

#[test]
fn a_key_that_a_pinned_one_endorsed_follows_it() {
    let world = World::new(&["a.example"]);
    let small = Small::added(&world);
    let successor = key();
    let public = successor.public();
    small.site.authorize(&public);
    small.site.endorse(endorsement(&small, public, "a.example", false));
    small.site.release("hello", "1.2.0").signed_by(&successor).publish();
    small
        .nsadd(&["a.example/hello@1.2"])
        .success()
        .stderr_has(&format!("Trusting {public} for a.example: it continues {}", small.site.key().public()));
    assert!(small.project.read(".cargo/namespaces.toml").contains(&public.to_string()));
}

#[test]
fn a_successor_does_not_save_what_only_the_revoked_key_signed() {
    let world = World::new(&["a.example"]);
    let small = Small::added(&world);
    let new = key();
    // A successor is endorsed, and the old key revokes itself: what only that one signed is out.
    small.site.endorse(endorsement(&small, new.public(), "a.example", false));
    small.site.revoke_own_key("replaced");
    small.site.authorize(&new.public());
    small.refused(4, &["a.example/hello"]).stderr_has("which is revoked").stderr_has("replaced");
}

#[test]
fn a_plain_add_changes_nothing_in_dot_cargo() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let _local = world.project("local").library("local", "0.3.0", "");
    small.nsadd(&["itoa@1", "--no-default-features"]).success().stderr_has("Adding itoa v1 to dependencies");
    small.nsadd(&["--path", "../local"]).success();
    let manifest = small.manifest();
    assert!(manifest.contains("itoa = { version = \"1\", default-features = false }"), "{manifest}");
    assert!(manifest.contains("path = \"../local\""), "{manifest}");
    assert!(!small.project.has(".cargo"));
    assert!(!world.contacted().iter().any(|host| host.starts_with("a.example")), "{:?}", world.contacted());
}
