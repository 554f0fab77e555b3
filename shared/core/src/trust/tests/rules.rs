//! The rules around the table: index, scopes, endorsements, recovery keys, several signers, texts.

use super::*;
use crate::domain_view::ProbeOutcome;
use crate::domain_view::tests::{endorsement, only, revocation};
use crate::statement::{Endorsement, Envelope};

// ---- The index -------------------------------------------------------------------------------------------------

#[test]
fn a_registry_that_is_not_the_namespaces_is_refused() {
    let k = key();
    let evil = "sparse+https://evil.example/index/";
    for entering in [Entering::NewCrate, Entering::NewRelease, Entering::Locked] {
        assert_eq!(Case::new(entering, &k).asked(listing(&k)).from(evil).refused(), "index-wrong");
        // Offline, the pin alone says so; `--trust-index` does not reach without the domain.
        let pinned = Case::new(entering, &k).pinned(&k, everything()).from(evil);
        assert_eq!(pinned.refused(), "index-wrong");
        assert_eq!(pinned.trust_index().refused(), "index-wrong");
    }
}

#[test]
fn a_contradiction_about_the_index_is_refused() {
    let k = key();
    let token = crate::token::Token::compute(&everything(), &k.public());
    let lines = format!("{token} index=sparse+https://b.example/i/\n");
    let domain = listing(&k)
        .declares("sparse+https://a.example/i/")
        .with(RecordPlace::Publishers, ProbeOutcome::Document(lines.into()));
    assert_eq!(Case::new(Entering::NewCrate, &k).asked(domain).refused(), "index-contradiction");
}

#[test]
fn an_index_that_nobody_names_is_refused() {
    let k = key();
    assert_eq!(Case::new(Entering::Locked, &k).refused(), "index-unknown");
    assert_eq!(Case::new(Entering::NewCrate, &k).domain_unreachable().refused(), "index-unknown");
}

// ---- Scopes ----------------------------------------------------------------------------------------------------

#[test]
fn a_key_pinned_for_one_crate_does_not_sign_another() {
    let k = key();
    let pinned = |entering| Case::new(entering, &k).pinned(&k, only("other"));
    assert_eq!(pinned(Entering::Locked).refused(), "key-not-pinned");
    assert_eq!(pinned(Entering::NewRelease).asked(listing(&k)).stopped(), "key-changed");
    assert_eq!(pinned(Entering::NewRelease).asked(listing(&key())).refused(), "key-not-listed");
    assert_eq!(pinned(Entering::NewRelease).domain_unreachable().stopped(), "key-unknown-domain-silent");
    let Decision::Refuse(reason) = pinned(Entering::Locked).decide() else { panic!() };
    assert!(reason.meaning().contains("foobar-project.org/other"), "{}", reason.meaning());
}

#[test]
fn the_buyer_of_a_lapsed_domain_gets_no_more_than_the_new_crate() {
    let (owner, buyer) = (key(), key());
    let accepted =
        Case::new(Entering::NewCrate, &buyer).pinned(&owner, everything()).asked(listing(&buyer)).accepted();
    assert_eq!(accepted.pins, [(buyer.public(), only("blurbs"))]);
    // A key that the owner endorsed follows it everywhere.
    let successor = listing(&buyer).endorses(&endorsement(&owner, &buyer, everything()), &owner);
    let accepted =
        Case::new(Entering::NewCrate, &buyer).pinned(&owner, everything()).asked(successor).accepted();
    assert_eq!(accepted.pins, [(buyer.public(), everything())]);
}

#[test]
fn an_endorsement_never_widens_a_scope() {
    let (old, new) = (key(), key());
    let domain = || listing(&new).endorses(&endorsement(&old, &new, everything()), &old);
    // Pinned for another crate only: what it endorses reaches no further.
    let case = Case::new(Entering::NewRelease, &new).pinned(&old, only("other")).asked(domain());
    assert_eq!(case.stopped(), "key-changed");
    // Pinned for this crate: the new key is pinned for this crate, though endorsed and listed for all.
    let case = Case::new(Entering::NewRelease, &new).pinned(&old, only("blurbs")).asked(domain());
    assert_eq!(case.accepted().pins, [(new.public(), only("blurbs"))]);
    // Endorsed for another crate.
    let narrow = listing(&new).endorses(&endorsement(&old, &new, only("other")), &old);
    let case = Case::new(Entering::NewRelease, &new).pinned(&old, everything()).asked(narrow);
    assert_eq!(case.stopped(), "key-changed");
    // Endorsed for this crate.
    let narrow = listing(&new).endorses(&endorsement(&old, &new, only("blurbs")), &old);
    let case = Case::new(Entering::NewRelease, &new).pinned(&old, everything()).asked(narrow);
    assert_eq!(case.accepted().pins, [(new.public(), only("blurbs"))]);
}

// ---- Endorsements ----------------------------------------------------------------------------------------------

#[test]
fn an_endorsement_must_be_by_a_pinned_key() {
    let (pinned, stranger, new) = (key(), key(), key());
    let domain = listing(&new).lists(&stranger, &everything());
    let domain = domain.endorses(&endorsement(&stranger, &new, everything()), &stranger);
    let case = Case::new(Entering::NewRelease, &new).pinned(&pinned, everything()).asked(domain);
    assert_eq!(case.stopped(), "key-changed");
}

#[test]
fn an_endorsement_by_a_revoked_key_does_not_count() {
    let (old, new) = (key(), key());
    let domain = || listing(&new).endorses(&endorsement(&old, &new, everything()), &old);
    let case = || Case::new(Entering::NewRelease, &new).pinned(&old, everything());
    assert_eq!(case().asked(domain().revokes(revocation(&old, &old))).stopped(), "key-changed");
    assert_eq!(case().revoked_in_file(&old).asked(domain()).stopped(), "key-changed");
}

#[test]
fn an_endorsement_does_not_replace_standing() {
    let (old, new) = (key(), key());
    let domain = listing(&old).endorses(&endorsement(&old, &new, everything()), &old);
    let case = Case::new(Entering::NewRelease, &new).pinned(&old, everything()).asked(domain);
    assert_eq!(case.refused(), "key-not-listed");
}

#[test]
fn an_expired_endorsement_does_not_count() {
    let (old, new) = (key(), key());
    let mut link = endorsement(&old, &new, everything());
    link.expires_at = Some(at());
    let case = Case::new(Entering::NewRelease, &new).pinned(&old, everything());
    assert_eq!(case.asked(listing(&new).endorses(&link, &old)).stopped(), "key-changed");
}

#[test]
fn an_endorsement_for_another_index_does_not_count() {
    let (old, new) = (key(), key());
    let mut link = endorsement(&old, &new, everything());
    link.index = IndexUrl::parse("sparse+https://serde.rs/cargo/index/").unwrap();
    let case = Case::new(Entering::NewRelease, &new).pinned(&old, everything());
    assert_eq!(case.asked(listing(&new).endorses(&link, &old)).stopped(), "key-changed");
}

// ---- Recovery keys ---------------------------------------------------------------------------------------------

fn recovery(of: &SecretKey, key: &SecretKey) -> Endorsement {
    Endorsement { recovery: true, ..endorsement(of, key, everything()) }
}

#[test]
fn the_recovery_key_is_pinned_along() {
    let (k, spare) = (key(), key());
    let domain = listing(&k).lists(&spare, &everything()).endorses(&recovery(&k, &spare), &k);
    let accepted = Case::new(Entering::NewCrate, &k).asked(domain).accepted();
    assert_eq!(accepted.pins, [(k.public(), everything()), (spare.public(), everything())]);
}

#[test]
fn the_recovery_key_is_pinned_no_wider_than_the_key() {
    let (k, spare) = (key(), key());
    let domain = Domain::default().lists(&k, &only("blurbs")).lists(&spare, &everything());
    let domain = domain.endorses(&recovery(&k, &spare), &k);
    let accepted = Case::new(Entering::NewCrate, &k).asked(domain).accepted();
    assert_eq!(accepted.pins[1], (spare.public(), only("blurbs")));
}

#[test]
fn a_recovery_key_that_does_not_stand_or_is_not_endorsed_is_not_pinned() {
    let (k, spare) = (key(), key());
    let unlisted = listing(&k).endorses(&recovery(&k, &spare), &k);
    assert_eq!(Case::new(Entering::NewCrate, &k).asked(unlisted).accepted().pins.len(), 1);
    let unendorsed = listing(&k).lists(&spare, &everything());
    assert_eq!(Case::new(Entering::NewCrate, &k).asked(unendorsed).accepted().pins.len(), 1);
    let successor =
        listing(&k).lists(&spare, &everything()).endorses(&endorsement(&k, &spare, everything()), &k);
    assert_eq!(Case::new(Entering::NewCrate, &k).asked(successor).accepted().pins.len(), 1);
}

#[test]
fn a_lost_laptop_does_not_kill_the_crate() {
    // The recovery key revokes the lost one and endorses the next; who pinned both follows without a stop.
    let (lost, spare, next) = (key(), key(), key());
    let domain = listing(&next)
        .lists(&spare, &everything())
        .endorses(&recovery(&lost, &spare), &lost)
        .endorses(&endorsement(&spare, &next, everything()), &spare)
        .revokes(revocation(&spare, &lost));
    let case =
        Case::new(Entering::NewRelease, &next).pinned(&lost, everything()).pinned(&spare, everything());
    assert_eq!(case.asked(domain).accepted().how, TrustBasis::Endorsed(spare.public()));
}

// ---- Revocation, several signers -------------------------------------------------------------------------------

#[test]
fn the_buyer_of_a_lapsed_domain_cannot_revoke_a_pinned_key() {
    let (k, buyer) = (key(), key());
    let domain = listing(&buyer).revokes(revocation(&buyer, &k));
    let case = Case::new(Entering::Locked, &k).pinned(&k, everything()).asked(domain);
    assert_eq!(case.accepted().how, TrustBasis::PinnedAndLocked);
}

#[test]
fn a_revocation_in_the_trust_file_holds_offline() {
    let k = key();
    let case = Case::new(Entering::Locked, &k).pinned(&k, everything()).revoked_in_file(&k);
    assert_eq!(case.refused(), "key-revoked");
}

#[test]
fn one_acceptable_signer_suffices_and_revoked_ones_do_not_count() {
    let (revoked, registry, stranger) = (key(), key(), key());
    let case = || Case::new(Entering::Locked, &revoked).revoked_in_file(&revoked).also_signed_by(&stranger);
    assert_eq!(case().refused(), "key-not-pinned");
    let accepted = case().also_signed_by(&registry).pinned(&registry, everything()).accepted();
    assert_eq!(accepted.key, registry.public());
    assert_eq!(accepted.notes[0].code, "revoked-signer");
}

#[test]
fn first_contact_pins_every_signer_that_stands() {
    let (owner, registry, stranger) = (key(), key(), key());
    let case = Case::new(Entering::NewCrate, &owner).also_signed_by(&stranger).also_signed_by(&registry);
    let accepted = case.asked(listing(&owner).lists(&registry, &everything())).accepted();
    assert_eq!(accepted.pins, [(owner.public(), everything()), (registry.public(), everything())]);
}

#[test]
fn a_pinned_signer_does_not_bring_in_another() {
    let (owner, other) = (key(), key());
    let case = Case::new(Entering::NewRelease, &other).also_signed_by(&owner).pinned(&owner, everything());
    let accepted = case.asked(listing(&owner).lists(&other, &everything())).accepted();
    assert_eq!((accepted.key, accepted.pins), (owner.public(), Vec::new()));
}

#[test]
fn a_stop_says_more_than_a_refusal() {
    let (stranger, unlisted, pinned) = (key(), key(), key());
    let case =
        Case::new(Entering::NewRelease, &unlisted).also_signed_by(&stranger).pinned(&pinned, everything());
    assert_eq!(case.asked(listing(&stranger)).stopped(), "key-changed");
}

#[test]
fn nobody_signed() {
    let mut case = Case::new(Entering::NewCrate, &key()).asked(Domain::default());
    case.signers.clear();
    assert_eq!(case.refused(), "unsigned");
}

#[test]
fn every_reason_says_what_it_means_and_what_next() {
    let k = key();
    let statement: Envelope = revocation(&k, &k);
    let cases = [
        Case::new(Entering::NewCrate, &k).asked(listing(&key())),
        Case::new(Entering::NewCrate, &k).pinned(&k, everything()).domain_unreachable(),
        Case::new(Entering::NewRelease, &k).pinned(&k, everything()).domain_unreachable().strict(),
        Case::new(Entering::NewRelease, &k).pinned(&key(), everything()).domain_unreachable(),
        Case::new(Entering::NewRelease, &k).asked(listing(&k)),
        Case::new(Entering::NewRelease, &k).pinned(&k, everything()).asked(listing(&key())),
        Case::new(Entering::Locked, &k).pinned(&key(), everything()),
        Case::new(Entering::Locked, &k).asked(listing(&k).revokes(statement)),
        Case::new(Entering::Locked, &k).pinned(&k, everything()).from("sparse+https://evil.example/"),
        Case::new(Entering::Locked, &k),
    ];
    for case in cases {
        let (Decision::Refuse(reason) | Decision::Stop(reason)) = case.decide() else { panic!() };
        assert!(reason.to_string().starts_with("foobar-project.org/blurbs v1.2.0 "), "{reason}");
        assert!(reason.meaning().len() > 40, "{}", reason.code());
        assert!(reason.next("cargo nsadd --sync").len() > 20, "{}", reason.code());
    }
}
