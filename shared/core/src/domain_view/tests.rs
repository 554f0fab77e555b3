//! Tests of the rules of evidence, and [`Domain`], the domain that the tests of `trust` ask.

use super::*;
use crate::key::SecretKey;
use crate::statement::{Nonce, Predicate as _};
use crate::time::Timestamp;

pub(crate) const INDEX: &str = "sparse+https://foobar-project.org/cargo/index/";

pub(crate) fn key() -> SecretKey {
    SecretKey::generate().unwrap()
}

pub(crate) fn crate_name(text: &str) -> QualifiedName {
    QualifiedName::parse(&format!("foobar-project.org/{text}")).unwrap()
}

pub(crate) fn namespace() -> Namespace {
    Namespace::parse("foobar-project.org").unwrap()
}

pub(crate) fn everything() -> Scope {
    Scope::Namespace(namespace())
}

pub(crate) fn only(text: &str) -> Scope {
    Scope::Crate(crate_name(text))
}

pub(crate) fn index() -> IndexUrl {
    IndexUrl::parse(INDEX).unwrap()
}

pub(crate) fn at() -> Timestamp {
    Timestamp::parse("2026-11-20T12:00:00Z").unwrap()
}

/// The endorsement of `key` by `by`, for [`index`].
pub(crate) fn endorsement(by: &SecretKey, key: &SecretKey, scope: Scope) -> Endorsement {
    Endorsement {
        by: by.public(),
        key: key.public(),
        scope,
        index: index(),
        issued_at: at(),
        expires_at: None,
        nonce: Nonce::generate().unwrap(),
        recovery: false,
    }
}

/// The revocation of `key`, signed by `by`, for [`index`].
pub(crate) fn revocation(by: &SecretKey, key: &SecretKey) -> Envelope {
    let revocation = Revocation {
        by: by.public(),
        key: key.public(),
        index: index(),
        reason: Some("laptop lost".to_owned()),
        issued_at: at(),
        nonce: Nonce::generate().unwrap(),
    };
    revocation.sign(by)
}

/// A domain whose JSON document holds everything; the other places are absent unless said otherwise.
#[derive(Default)]
pub(crate) struct Domain {
    doc: PackageNamespaceDoc,
    others: Vec<ProbeResult>,
}

impl Domain {
    /// Lists the key in the JSON document.
    pub(crate) fn lists(mut self, key: &SecretKey, scope: &Scope) -> Self {
        self.doc.authorized_keys.push(Token::compute(scope, &key.public()));
        self
    }

    pub(crate) fn endorses(mut self, endorsement: &Endorsement, signed_by: &SecretKey) -> Self {
        self.doc.endorsements.push(endorsement.sign(signed_by));
        self
    }

    pub(crate) fn revokes(mut self, envelope: Envelope) -> Self {
        self.doc.revocations.push(envelope);
        self
    }

    pub(crate) fn declares(mut self, index: &str) -> Self {
        self.doc.index = Some(IndexUrl::parse(index).unwrap());
        self
    }

    pub(crate) fn with(mut self, place: RecordPlace, outcome: ProbeOutcome) -> Self {
        self.others.push(ProbeResult { place, outcome });
        self
    }

    pub(crate) fn unreachable() -> DomainView {
        let failed = |place| ProbeResult { place, outcome: ProbeOutcome::Failed("timed out".to_owned()) };
        DomainView::from_observations(&namespace(), RecordPlace::ALL.into_iter().map(failed).collect())
    }

    pub(crate) fn view(self) -> DomainView {
        let absent = |place| ProbeResult { place, outcome: ProbeOutcome::Absent };
        let mut all: Vec<ProbeResult> = RecordPlace::ALL.into_iter().map(absent).collect();
        let json = ProbeOutcome::Document(self.doc.to_json().into_bytes());
        all.push(ProbeResult { place: RecordPlace::Json, outcome: json });
        all.extend(self.others);
        DomainView::from_observations(&namespace(), all)
    }
}

fn txt(key: &SecretKey, scope: &Scope) -> TxtRecord {
    TxtRecord::single(&Token::compute(scope, &key.public()).to_string())
}

#[test]
fn one_match_in_one_place_is_enough() {
    let k = key();
    let token = Token::compute(&only("blurbs"), &k.public());
    let views = [
        Domain::default().lists(&k, &only("blurbs")).view(),
        Domain::default()
            .with(RecordPlace::Publishers, ProbeOutcome::Document(format!("{token}\n").into()))
            .view(),
        Domain::default()
            .with(RecordPlace::TxtApex, ProbeOutcome::Txt(vec![txt(&k, &only("blurbs"))]))
            .view(),
        Domain::default()
            .with(RecordPlace::TxtLabel, ProbeOutcome::Txt(vec![txt(&k, &only("blurbs"))]))
            .view(),
    ];
    for (view, place) in views.iter().zip(RecordPlace::ALL) {
        let stands = Listing::Listed { scope: only("blurbs"), places: vec![place] };
        assert_eq!(view.listing(&k.public(), &crate_name("blurbs")), stands);
        assert!(matches!(view.listing(&k.public(), &crate_name("other")), Listing::NotListed { .. }));
        assert!(matches!(view.listing(&key().public(), &crate_name("blurbs")), Listing::NotListed { .. }));
    }
}

#[test]
fn it_stands_although_other_places_failed() {
    let k = key();
    let failed = ProbeOutcome::Failed("timed out".to_owned());
    let view = Domain::default().lists(&k, &everything()).with(RecordPlace::TxtApex, failed).view();
    assert!(matches!(view.listing(&k.public(), &crate_name("blurbs")), Listing::Listed { .. }));
}

#[test]
fn the_widest_scope_that_stands_is_named() {
    let k = key();
    let view = Domain::default().lists(&k, &only("blurbs")).lists(&k, &everything()).view();
    let Listing::Listed { scope, .. } = view.listing(&k.public(), &crate_name("blurbs")) else { panic!() };
    assert_eq!(scope, everything());
}

#[test]
fn wildcard_txt_any_match_counts() {
    // A wildcard answers at both names, with everybody's records.
    let k = key();
    let records = vec![TxtRecord::single("v=spf1 -all"), txt(&key(), &everything()), txt(&k, &everything())];
    let view = Domain::default()
        .with(RecordPlace::TxtApex, ProbeOutcome::Txt(records.clone()))
        .with(RecordPlace::TxtLabel, ProbeOutcome::Txt(records))
        .view();
    let Listing::Listed { places, .. } = view.listing(&k.public(), &crate_name("blurbs")) else { panic!() };
    assert_eq!(places, [RecordPlace::TxtApex, RecordPlace::TxtLabel]);
}

#[test]
fn not_listed_takes_an_answer_from_every_place() {
    for place in RecordPlace::ALL {
        let failed = ProbeOutcome::Failed("500".to_owned());
        let view = Domain::default().with(place, failed).view();
        let Listing::Unreachable { reason } = view.listing(&key().public(), &crate_name("blurbs")) else {
            panic!()
        };
        assert!(reason.contains(&place.describe(&namespace(), None)) && reason.contains("500"), "{reason}");
    }
}

#[test]
fn unsigned_txt_is_no_evidence_for_or_against() {
    let k = key();
    let unsigned = ProbeOutcome::Unusable("the zone is not signed".to_owned());
    let view = Domain::default().with(RecordPlace::TxtApex, unsigned).view();
    let Listing::NotListed { remarks } = view.listing(&k.public(), &crate_name("blurbs")) else { panic!() };
    assert!(remarks[0].contains("the zone is not signed"));
}

#[test]
fn a_place_that_was_not_asked_is_not_a_no() {
    let view = DomainView::from_observations(&namespace(), Vec::new());
    assert!(matches!(view.listing(&key().public(), &crate_name("blurbs")), Listing::Unreachable { .. }));
    assert!(matches!(view.declared_index(), Err(IndexError::Unknown { .. })));
}

#[test]
fn a_web_page_in_place_of_the_document_is_an_answer() {
    let page = || ProbeOutcome::Document(b"<!doctype html><title>Welcome</title>".to_vec());
    let view = Domain::default().with(RecordPlace::Json, page()).with(RecordPlace::Publishers, page()).view();
    assert!(matches!(view.listing(&key().public(), &crate_name("blurbs")), Listing::NotListed { .. }));
}

#[test]
fn a_broken_or_endless_document_is_no_answer() {
    for body in [b"{\"authorized_keys\": [".to_vec(), vec![b'{'; crate::limits::MAX_DOCUMENT + 1]] {
        let view = Domain::default().with(RecordPlace::Json, ProbeOutcome::Document(body)).view();
        assert!(matches!(view.listing(&key().public(), &crate_name("blurbs")), Listing::Unreachable { .. }));
    }
}

#[test]
fn a_malformed_record_is_told_of() {
    let view = Domain::default()
        .with(RecordPlace::Publishers, ProbeOutcome::Document(b"sha256-oops\n".to_vec()))
        .view();
    assert!(view.remarks()[0].contains("sha256-oops"), "{:?}", view.remarks());
}

#[test]
fn another_namespace_is_not_answered_for() {
    let k = key();
    let view = Domain::default().lists(&k, &everything()).view();
    let other = QualifiedName::parse("serde.rs/blurbs").unwrap();
    assert!(matches!(view.listing(&k.public(), &other), Listing::Unreachable { .. }));
}

#[test]
fn the_default_index_when_nothing_declares_one() {
    assert_eq!(Domain::default().view().declared_index().unwrap().as_str(), INDEX);
}

#[test]
fn a_domain_that_says_nothing_of_namespaces_has_no_index_yet() {
    let in_use = |domain: Domain| domain.view().index_in_use().unwrap().map(|index| index.to_string());
    assert_eq!(in_use(Domain::default()), None);
    let listing = || Domain::default().lists(&key(), &everything());
    assert_eq!(in_use(listing()).as_deref(), Some(INDEX));
    assert_eq!(in_use(listing().with(RecordPlace::TxtApex, ProbeOutcome::Failed("x".to_owned()))), None);
    let elsewhere = "sparse+https://crates.example/index/foobar-project.org/";
    assert_eq!(in_use(Domain::default().declares(elsewhere)).as_deref(), Some(elsewhere));
}

#[test]
fn an_index_declared_in_any_place_counts() {
    let elsewhere = "sparse+https://crates.example/index/foobar-project.org/";
    let token = Token::compute(&everything(), &key().public());
    let record = TxtRecord::single(&format!("{token} index={elsewhere}"));
    let views = [
        Domain::default().declares(elsewhere).view(),
        Domain::default().with(RecordPlace::TxtLabel, ProbeOutcome::Txt(vec![record])).view(),
        // One place failed; what another declares is still declared.
        Domain::default()
            .declares(elsewhere)
            .with(RecordPlace::TxtApex, ProbeOutcome::Failed("x".to_owned()))
            .view(),
    ];
    for view in views {
        assert_eq!(view.declared_index().unwrap().as_str(), elsewhere);
    }
}

#[test]
fn the_default_is_not_assumed_while_a_place_is_silent() {
    let view = Domain::default().with(RecordPlace::Json, ProbeOutcome::Failed("timed out".to_owned())).view();
    assert!(matches!(view.declared_index(), Err(IndexError::Unknown { .. })));
}

#[test]
fn contradictory_index_declarations_are_an_error() {
    let token = Token::compute(&everything(), &key().public());
    let lines = format!("{token} index=sparse+https://b.example/i/\n");
    let view = Domain::default()
        .declares("sparse+https://a.example/i/")
        .with(RecordPlace::Publishers, ProbeOutcome::Document(lines.into()))
        .view();
    let error = view.declared_index().unwrap_err().to_string();
    assert!(error.contains("a.example") && error.contains("b.example") && error.contains("cargo-publishers"));
}

#[test]
fn an_endorsement_must_be_signed_by_the_key_it_names() {
    let (old, new, thief) = (key(), key(), key());
    let good = endorsement(&old, &new, everything());
    let mut forged = endorsement(&old, &thief, everything());
    let view = Domain::default().endorses(&good, &old).view();
    assert_eq!(view.endorsements().len(), 1);
    // The thief signs in the name of `old`.
    forged.by = thief.public();
    let mut envelope = forged.sign(&thief);
    forged.by = old.public();
    envelope.payload = forged.statement().bytes().to_vec();
    let mut domain = Domain::default();
    domain.doc.endorsements.push(envelope);
    let view = domain.view();
    assert!(view.endorsements().is_empty());
    assert!(view.remarks()[0].contains("an endorsement is not valid"), "{:?}", view.remarks());
}

#[test]
fn an_endorsement_for_another_namespace_is_passed_over() {
    let (old, new) = (key(), key());
    let scope = Scope::Namespace(Namespace::parse("serde.rs").unwrap());
    assert!(
        Domain::default().endorses(&endorsement(&old, &new, scope), &old).view().endorsements().is_empty()
    );
}

#[test]
fn a_revocation_by_the_key_itself_or_one_it_endorsed() {
    let (k, recovery) = (key(), key());
    let view = Domain::default().revokes(revocation(&k, &k)).view();
    assert!(view.revocation_of(&k.public(), &index()).is_some());
    let mut link = endorsement(&k, &recovery, everything());
    link.recovery = true;
    let view = Domain::default().endorses(&link, &k).revokes(revocation(&recovery, &k)).view();
    assert_eq!(view.revocation_of(&k.public(), &index()).unwrap().by, recovery.public());
}

#[test]
fn an_expired_endorsement_still_lets_the_recovery_key_revoke() {
    let (k, recovery) = (key(), key());
    let mut link = endorsement(&k, &recovery, everything());
    link.expires_at = Some(at());
    let view = Domain::default().endorses(&link, &k).revokes(revocation(&recovery, &k)).view();
    assert!(view.revocation_of(&k.public(), &index()).is_some());
}

#[test]
fn the_buyer_of_a_lapsed_domain_cannot_revoke() {
    let (k, buyer) = (key(), key());
    // The buyer lists the own key, endorses it with it, and revokes the old owner's.
    let view = Domain::default()
        .lists(&buyer, &everything())
        .endorses(&endorsement(&buyer, &k, everything()), &buyer)
        .revokes(revocation(&buyer, &k))
        .view();
    assert!(view.revocation_of(&k.public(), &index()).is_none());
    assert!(view.remarks().iter().any(|remark| remark.contains("the revocation is ignored")));
}

#[test]
fn a_revocation_for_another_index_does_not_count_here() {
    let k = key();
    let view = Domain::default().revokes(revocation(&k, &k)).view();
    let other = IndexUrl::parse("sparse+https://serde.rs/cargo/index/").unwrap();
    assert!(view.revocation_of(&k.public(), &other).is_none());
}

#[test]
fn an_index_on_the_machine_of_the_reader_is_not_taken() {
    let local = "sparse+http://localhost:7979/index/foobar-project.org/";
    let (k, whole) = (key(), Scope::Namespace(namespace()));
    let view = Domain::default().lists(&k, &whole).declares(local).view();
    assert_eq!(view.declared_index().unwrap(), IndexUrl::default_for(&namespace()));
    assert!(view.remarks()[0].contains("is on the local machine"), "{:?}", view.remarks());
    let record = format!("{} index={local}\n", Token::compute(&whole, &k.public()));
    let view = Domain::default().with(RecordPlace::Publishers, ProbeOutcome::Document(record.into())).view();
    assert_eq!(view.declared_index().unwrap(), IndexUrl::default_for(&namespace()));
}
