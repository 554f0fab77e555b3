//! One test a row of the table, named after it.

use super::*;
use crate::domain_view::tests::{endorsement, only, revocation};

#[test]
fn new_crate_stands_accept_pin_and_show() {
    let k = key();
    let accepted =
        Case::new(Entering::NewCrate, &k).asked(Domain::default().lists(&k, &only("blurbs"))).accepted();
    assert_eq!(accepted.how, TrustBasis::Listed(vec![RecordPlace::Json]));
    assert_eq!(accepted.pins, [(k.public(), only("blurbs"))]);
    assert!(accepted.notes[0].text.contains(&k.public().to_string()));
    assert!(accepted.notes[0].text.contains("package-namespace.json"));
}

#[test]
fn new_crate_not_standing_refuse() {
    let (k, other) = (key(), key());
    let case = || Case::new(Entering::NewCrate, &k);
    assert_eq!(case().asked(listing(&other)).refused(), "key-not-listed");
    assert_eq!(case().domain_unreachable().pinned(&k, everything()).refused(), "domain-silent");
    // Neither a pin nor a word on the command line replaces the domain's for a new crate.
    assert_eq!(case().asked(listing(&other)).pinned(&k, everything()).refused(), "key-not-listed");
    assert_eq!(case().asked(listing(&other)).trust(&k).refused(), "key-not-listed");
    // Listed, but for another crate.
    assert_eq!(case().asked(Domain::default().lists(&k, &only("other"))).refused(), "key-not-listed");
}

#[test]
fn new_release_stands_pinned_accept() {
    let k = key();
    let accepted = Case::new(Entering::NewRelease, &k).pinned(&k, everything()).asked(listing(&k)).accepted();
    assert_eq!(
        (accepted.how, accepted.pins, accepted.notes),
        (TrustBasis::PinnedAndListed, Vec::new(), Vec::new())
    );
}

#[test]
fn new_release_stands_endorsed_by_pinned_accept_pin_say_so() {
    let (old, new) = (key(), key());
    let domain = listing(&new).endorses(&endorsement(&old, &new, everything()), &old);
    let accepted = Case::new(Entering::NewRelease, &new).pinned(&old, everything()).asked(domain).accepted();
    assert_eq!(accepted.how, TrustBasis::Endorsed(old.public()));
    assert_eq!(accepted.pins, [(new.public(), everything())]);
    assert_eq!(accepted.notes[0].code, "key-endorsed");
    assert!(accepted.notes[0].text.contains(&old.public().to_string()));
}

#[test]
fn new_release_stands_not_pinned_stop_key_changed() {
    let (old, new) = (key(), key());
    let case = || Case::new(Entering::NewRelease, &new).pinned(&old, everything()).asked(listing(&new));
    assert_eq!(case().stopped(), "key-changed");
    let Decision::Stop(reason) = case().decide() else { panic!() };
    assert!(
        reason.next("cargo nsadd --sync").contains(&format!("--trust {}", new.public())),
        "{}",
        reason.next("cargo nsadd --sync")
    );
    assert!(reason.meaning().contains(&old.public().to_string()));
    let accepted = case().trust(&new).accepted();
    assert_eq!(accepted.how, TrustBasis::SaidByUser);
    assert_eq!(accepted.pins, [(new.public(), everything())]);
    // Another key's `--trust` says nothing about this one.
    assert_eq!(case().trust(&key()).stopped(), "key-changed");
}

#[test]
fn new_release_not_listed_pinned_stop() {
    let k = key();
    let case = || Case::new(Entering::NewRelease, &k).pinned(&k, everything()).asked(listing(&key()));
    assert_eq!(case().stopped(), "key-no-longer-listed");
    let Decision::Stop(reason) = case().decide() else { panic!() };
    assert!(reason.next("cargo nsadd --sync").contains(&format!("--trust {}", k.public())));
    let accepted = case().trust(&k).accepted();
    assert_eq!((accepted.how, accepted.pins), (TrustBasis::SaidByUser, Vec::new()));
    assert!(accepted.notes[0].warning);
}

#[test]
fn new_release_domain_silent_pinned_accept_with_warning() {
    let k = key();
    let accepted =
        Case::new(Entering::NewRelease, &k).pinned(&k, everything()).domain_unreachable().accepted();
    assert_eq!(accepted.how, TrustBasis::PinnedDomainUnreachable);
    assert!(accepted.notes[0].warning && accepted.notes[0].text.contains("timed out"));
}

#[test]
fn new_release_domain_silent_pinned_strict_refuse() {
    let k = key();
    let case = Case::new(Entering::NewRelease, &k).pinned(&k, everything()).domain_unreachable().strict();
    assert_eq!(case.refused(), "domain-silent-strict");
}

#[test]
fn locked_pinned_accept() {
    let k = key();
    let case = || Case::new(Entering::Locked, &k).pinned(&k, everything());
    assert_eq!(case().accepted().how, TrustBasis::PinnedAndLocked);
    assert_eq!(case().domain_unreachable().strict().accepted().how, TrustBasis::PinnedAndLocked);
    assert_eq!(case().asked(listing(&key())).accepted().how, TrustBasis::PinnedAndLocked);
    assert_eq!(case().asked(listing(&k)).accepted().how, TrustBasis::PinnedAndListed);
}

#[test]
fn locked_not_pinned_refuse() {
    let (k, other) = (key(), key());
    let case = || Case::new(Entering::Locked, &k).pinned(&other, everything());
    assert_eq!(case().refused(), "key-not-pinned");
    // A listing does not replace the pin: who changed the lock file did not change the domain, and need not have to.
    assert_eq!(case().asked(listing(&k)).refused(), "key-not-pinned");
    let accepted = case().trust(&k).accepted();
    assert_eq!(accepted.pins, [(k.public(), only("blurbs"))]);
}

#[test]
fn any_by_a_revoked_key_refuse_naming_the_revocation() {
    let k = key();
    for entering in [Entering::NewCrate, Entering::NewRelease, Entering::Locked] {
        let case = Case::new(entering, &k).pinned(&k, everything()).trust(&k);
        let case = case.asked(listing(&k).revokes(revocation(&k, &k)));
        assert_eq!(case.refused(), "key-revoked");
        let Decision::Refuse(reason) = case.decide() else { panic!() };
        assert!(reason.meaning().contains("laptop lost") && reason.meaning().contains("2026-11-20"));
    }
}

#[test]
fn any_declared_index_not_the_pinned_stop() {
    let k = key();
    let moved = "sparse+https://crates.example/index/foobar-project.org/";
    for entering in [Entering::NewCrate, Entering::NewRelease, Entering::Locked] {
        let case = || Case::new(entering, &k).pinned(&k, everything()).asked(listing(&k).declares(moved));
        assert_eq!(case().stopped(), "index-moved");
        assert_eq!(case().from(moved).stopped(), "index-moved");
        let Decision::Stop(reason) = case().decide() else { panic!() };
        assert!(reason.next("cargo nsadd --sync").contains("--trust-index"));
        assert_eq!(case().from(moved).trust_index().accepted().key, k.public());
        // The flag accepts what the domain declares, not what the lock file happens to name.
        assert_eq!(case().trust_index().refused(), "index-wrong");
    }
}
