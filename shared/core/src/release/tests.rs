use super::*;
use crate::index::compute;
use crate::key::SecretKey;
use crate::statement::{Nonce, Predicate as _};
use crate::time::Timestamp;

fn index() -> IndexUrl {
    IndexUrl::parse("sparse+https://own.example/cargo/index/").unwrap()
}

fn name(krate: &str) -> QualifiedName {
    QualifiedName::parse(&format!("own.example/{krate}")).unwrap()
}

fn at(second: u64) -> Timestamp {
    Timestamp::from_unix(1_800_000_000 + second)
}

fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed([seed; 32])
}

fn line(krate: &str, version: &str) -> IndexLine {
    let manifest = format!("[package]\nname = \"{krate}\"\nversion = \"{version}\"\n");
    let facts = compute(&manifest, &index()).unwrap();
    let mut line = IndexLine::new(facts, Digest::of(version.as_bytes()), Vec::new());
    line.attestations.push(line.release_statement(&name(krate), &index(), at(0)).attest(&key(1)));
    line
}

fn demo(versions: &[&str]) -> CrateIndex {
    let lines = versions.iter().map(|version| line("demo", version)).collect();
    let spelled = (!versions.is_empty()).then(|| "demo".parse().unwrap());
    CrateIndex::new(name("demo"), index(), spelled, lines)
}

fn yank(line: &IndexLine, operation: YankOperation, second: u64) -> Verified<Yank> {
    line.yank_statement(&name("demo"), &index(), operation, at(second), None).statement().signed_by(&key(1))
}

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

#[test]
fn a_name_has_one_spelling_and_a_version_comes_once() {
    let mut demo = demo(&[]);
    assert!(!demo.exists());
    demo.insert(line("demo", "1.0.0+a")).unwrap();
    demo.insert(line("demo", "1.0.1")).unwrap();
    let again = demo.insert(line("demo", "1.0.1"));
    assert!(matches!(again, Err(Refusal::VersionTaken { same: true, .. })), "{again:?}");
    let other = demo.admits(&version("1.0.1"), &Digest::of(b"other"));
    assert!(matches!(other, Err(Refusal::VersionTaken { same: false, .. })), "{other:?}");
    let build = demo.insert(line("demo", "1.0.0+b"));
    assert!(matches!(build, Err(Refusal::BuildTwin { .. })), "{build:?}");
    let spelled = Some("De_mo".parse().unwrap());
    let twin =
        CrateIndex::new(name("de-mo"), index(), spelled, IndexFile::default()).insert(line("de-mo", "2.0.0"));
    assert!(matches!(twin, Err(Refusal::Twin { .. })), "{twin:?}");
    assert_eq!(demo.file().lines().count(), 2);
}

#[test]
fn a_release_is_yanked_as_its_latest_statement_says() {
    let mut demo = demo(&["1.0.0"]);
    let line = demo.get(&version("1.0.0")).unwrap().clone();
    assert!(!demo.yank(&yank(&line, YankOperation::Unyank, 1)).unwrap(), "it is not yanked");
    assert!(demo.yank(&yank(&line, YankOperation::Yank, 5)).unwrap());
    assert!(demo.get(&line.vers).unwrap().yanked);
    let earlier = demo.yank(&yank(&line, YankOperation::Unyank, 4));
    assert!(matches!(earlier, Err(Refusal::Outdated { .. })), "{earlier:?}");
    assert!(demo.yank(&yank(&line, YankOperation::Unyank, 5)).unwrap(), "in one second the later counts");
    let unknown = IndexLine { vers: version("2.0.0"), ..line.clone() };
    let unknown = demo.yank(&yank(&unknown, YankOperation::Yank, 6));
    assert!(matches!(unknown, Err(Refusal::Unknown { .. })), "{unknown:?}");
    let replaced = IndexLine { cksum: Digest::of(b"other"), ..line.clone() };
    let replaced = demo.yank(&yank(&replaced, YankOperation::Yank, 6));
    assert!(matches!(replaced, Err(Refusal::OtherRelease { .. })), "{replaced:?}");
    for second in 0..MAX_ATTESTATIONS as u64 {
        let operation = if second % 2 == 0 { YankOperation::Yank } else { YankOperation::Unyank };
        assert!(demo.yank(&yank(&line, operation, 10 + second)).unwrap());
    }
    let all = &demo.get(&line.vers).unwrap().yank_attestations;
    assert_eq!((all.len(), all[0].at), (MAX_ATTESTATIONS, at(10)), "the oldest gave way");
    assert!(IndexFile::parse(demo.file().to_string().as_bytes()).is_ok());
}

#[test]
fn another_key_signs_a_release_again_and_what_is_yanked_too() {
    let mut demo = demo(&["1.0.0"]);
    let line = demo.get(&version("1.0.0")).unwrap().clone();
    demo.yank(&yank(&line, YankOperation::Yank, 1)).unwrap();
    let release = line.release_statement(&name("demo"), &index(), at(2));
    let signed = release.statement().signed_by(&key(2));
    let nonce = Some(Nonce::from_bytes([1; 16]));
    let withdrawn = line.yank_statement(&name("demo"), &index(), YankOperation::Yank, at(2), nonce);
    let withdrawn = withdrawn.statement().signed_by(&key(2));
    assert!(demo.resign(&signed, Some(&withdrawn)).unwrap());
    assert!(!demo.resign(&signed, Some(&withdrawn)).unwrap(), "once");
    let now = demo.get(&line.vers).unwrap();
    assert_eq!((now.attestations.len(), now.yank_attestations.len()), (2, 2));
    assert_eq!(now.yank_attestations[1].key, key(2).public());
    for second in 3..=MAX_ATTESTATIONS as u64 {
        let release = line.release_statement(&name("demo"), &index(), at(second));
        demo.resign(&release.statement().signed_by(&key(2)), None).unwrap();
    }
    let full = demo.resign(&release.statement().signed_by(&key(3)), None);
    assert!(matches!(full, Err(Refusal::TooManySignatures { .. })), "{full:?}");
    let elsewhere = IndexUrl::parse("sparse+https://mirror.example/").unwrap();
    let other = line.release_statement(&name("demo"), &elsewhere, at(1)).statement().signed_by(&key(2));
    assert!(matches!(demo.resign(&other, None), Err(Refusal::OtherRelease { .. })));
}

#[test]
fn the_envelope_is_the_newest_statement_with_all_its_signatures() {
    let mut line = line("demo", "1.0.0");
    let signed = line.clone();
    let sign =
        |second, seed| signed.release_statement(&name("demo"), &index(), at(second)).attest(&key(seed));
    // The order in the line does not matter: a store takes signatures as they come.
    line.attestations = vec![sign(5, 2), sign(0, 1), sign(5, 3)];
    let envelope = envelope(&line, &name("demo"), &index()).unwrap();
    assert_eq!(envelope.signatures.len(), 2);
    for signer in [key(2), key(3)] {
        let opened = envelope.verify(&signer.public()).unwrap().read::<ReleaseStatement>().unwrap();
        assert_eq!(opened.at, at(5));
    }
    assert!(envelope.verify(&key(1).public()).is_err());
    line.attestations = (0..u8::try_from(MAX_ATTESTATIONS).unwrap()).map(|seed| sign(9, seed)).collect();
    let crowded = super::envelope(&line, &name("demo"), &index()).unwrap();
    assert!(Envelope::parse(crowded.to_json().as_bytes()).is_ok(), "what is written can be read");
    line.attestations.clear();
    assert!(super::envelope(&line, &name("demo"), &index()).is_none());
}

#[test]
fn a_crate_takes_no_more_releases_than_an_index_file_may_have() {
    let index = CrateIndex::new(name("demo"), index(), Some(name("demo").krate), IndexFile::default());
    let mut full = index.clone().of_total(MAX_INDEX_VERSIONS);
    assert!(matches!(full.insert(line("demo", "1.0.0")), Err(Refusal::TooManyReleases { .. })));
    let mut last = index.of_total(MAX_INDEX_VERSIONS - 1);
    last.insert(line("demo", "1.0.0")).unwrap();
    assert!(last.insert(line("demo", "2.0.0")).is_err());
}
