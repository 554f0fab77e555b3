//! A site through its life, in a temporary directory.

use std::path::Path;

use semver::Version;

use super::*;
use crate::testing::packed;
use cargo_namespaces::digest::Digest;
use cargo_namespaces::index::tree::TreeFile;
use cargo_namespaces::index::{IndexLine, compute};
use cargo_namespaces::integrity::check_integrity;
use cargo_namespaces::key::SecretKey;
use cargo_namespaces::name::{CrateName, IndexUrl, Namespace, QualifiedName};
use cargo_namespaces::release::Refusal;
use cargo_namespaces::statement::{Envelope, ReleaseStatement, Yank, YankOperation};
use cargo_namespaces::time::Timestamp;

fn layout() -> StaticIndexLayout {
    let namespace = Namespace::parse("grep.example").unwrap();
    let index = IndexUrl::default_for(&namespace);
    StaticIndexLayout::new(namespace, index, None).unwrap()
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_unix(1_800_000_000 + seconds)
}

fn package(name: &str, version: &str, source: &str) -> Vec<u8> {
    let manifest = format!("[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2024\"\n");
    packed(name, version, &[("Cargo.toml", &manifest), ("src/lib.rs", source)])
}

fn release(key: &SecretKey, name: &str, version: &str) -> Release {
    let package = package(name, version, "");
    let layout = layout();
    let name = QualifiedName::parse(&format!("grep.example/{name}")).unwrap();
    let checked = cargo_namespaces::package::inspect(
        cargo_namespaces::package::Rules::Publish,
        &package[..],
        name.krate.as_str(),
        &version.parse().unwrap(),
    )
    .unwrap();
    let facts = compute(&checked.manifest, layout.index()).unwrap();
    let statement = ReleaseStatement {
        name: name.clone(),
        version: version.parse().unwrap(),
        cksum: Digest::of(&package),
        index: layout.index().clone(),
        at: at(0),
    };
    let line = IndexLine::new(facts, Digest::of(&package), vec![statement.attest(key)]);
    Release { name, line, package }
}

fn published(dir: &Path, key: &SecretKey, releases: &[(&str, &str)]) -> Vec<String> {
    let mut site = StaticIndexEdit::open(dir, layout());
    for (name, version) in releases {
        site.add(release(key, name, version)).unwrap();
    }
    site.refresh().unwrap();
    site.write().unwrap()
}

fn krate(name: &str) -> CrateName {
    CrateName::parse(name).unwrap()
}

#[test]
fn content_comes_before_the_index_and_the_page_last() {
    let dir = tempfile::tempdir().unwrap();
    let key = SecretKey::generate().unwrap();
    let written = published(dir.path(), &key, &[("hello", "1.0.0")]);
    assert_eq!(
        written,
        [
            "cargo/index/crates/hello/hello-1.0.0.crate",
            "cargo/index/crates/hello/hello-1.0.0.dsse.json",
            ".nojekyll",
            "cargo/index/config.json",
            "cargo/index/he/ll/hello",
            "index.html",
        ]
    );
    assert_eq!(published(dir.path(), &key, &[]), Vec::<String>::new(), "a rerun writes nothing");
}

#[test]
fn a_page_that_somebody_wrote_stays() {
    let dir = tempfile::tempdir().unwrap();
    let page = dir.path().join("index.html");
    cargo_namespaces_net::fs::write_atomic(&page, b"<h1>My home page</h1>").unwrap();
    let key = SecretKey::generate().unwrap();
    assert!(!published(dir.path(), &key, &[("hello", "1.0.0")]).contains(&"index.html".to_owned()));
    assert_eq!(cargo_namespaces_net::fs::read(&page).unwrap(), b"<h1>My home page</h1>");
    cargo_namespaces_net::fs::remove_file(&page).unwrap();
    published(dir.path(), &key, &[]);
    assert!(
        published(dir.path(), &key, &[("world", "1.0.0")]).contains(&"index.html".to_owned()),
        "ours is renewed"
    );
}

#[test]
fn what_was_published_is_intact_and_its_envelope_is_signed() {
    let dir = tempfile::tempdir().unwrap();
    let key = SecretKey::generate().unwrap();
    published(dir.path(), &key, &[("hello", "1.0.0"), ("hello", "1.1.0")]);
    let site = StaticIndexEdit::open(dir.path(), layout());
    assert_eq!(site.crate_names().unwrap(), [krate("hello")]);
    let file = site.index_file(&krate("hello")).unwrap();
    assert_eq!(file.lines().count(), 2);
    for line in file.lines() {
        let bytes = site.package(&line.name, &line.vers).unwrap();
        let name = QualifiedName::parse("grep.example/hello").unwrap();
        assert_eq!(
            check_integrity(line, &bytes, None, &name, site.layout().index()).unwrap().signers,
            [key.public()]
        );
        let envelope = site.read(&TreeFile::Envelope(line.name.clone(), line.vers.clone())).unwrap().unwrap();
        let opened = Envelope::parse(&envelope).unwrap().open::<ReleaseStatement>().unwrap();
        assert_eq!((opened.key(), opened.cksum), (key.public(), line.cksum));
    }
}

#[test]
fn the_same_version_again_is_the_same_or_another() {
    let dir = tempfile::tempdir().unwrap();
    let key = SecretKey::generate().unwrap();
    published(dir.path(), &key, &[("hello", "1.0.0")]);
    let site = StaticIndexEdit::open(dir.path(), layout());
    let existing = |version: &str, package: &[u8]| {
        site.existing(&krate("hello"), &version.parse().unwrap(), package).unwrap()
    };
    assert_eq!(existing("1.0.0", &package("hello", "1.0.0", "")), Existing::Same);
    let other = Existing::Other(vec!["src/lib.rs".to_owned()]);
    assert_eq!(existing("1.0.0", &package("hello", "1.0.0", "fn x() {}")), other);
    assert_eq!(existing("1.0.1", &package("hello", "1.0.1", "")), Existing::No);
}

#[test]
fn twins_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let key = SecretKey::generate().unwrap();
    published(dir.path(), &key, &[("he-llo", "1.0.0+a")]);
    let site = StaticIndexEdit::open(dir.path(), layout());
    let error = site.existing(&krate("He_llo"), &Version::new(1, 0, 0), &[]).unwrap_err();
    assert!(matches!(error, StaticIndexError::Refused(Refusal::Twin { .. })), "{error}");
    let error = site.existing(&krate("he-llo"), &Version::new(1, 0, 0), &[]).unwrap_err();
    assert!(matches!(error, StaticIndexError::Refused(Refusal::BuildTwin { .. })), "{error}");
}

#[test]
fn a_yank_is_signed_and_can_be_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    let key = SecretKey::generate().unwrap();
    published(dir.path(), &key, &[("hello", "1.0.0")]);
    let version = Version::new(1, 0, 0);
    for (operation, seconds) in [(YankOperation::Yank, 1), (YankOperation::Unyank, 2)] {
        let mut site = StaticIndexEdit::open(dir.path(), layout());
        assert!(site.yank(&krate("hello"), &version, operation, &key, at(seconds)).unwrap());
        assert!(!site.yank(&krate("hello"), &version, operation, &key, at(seconds)).unwrap());
        site.write().unwrap();
    }
    let site = StaticIndexEdit::open(dir.path(), layout());
    let file = site.index_file(&krate("hello")).unwrap();
    let line = file.get(&version).unwrap();
    assert!(!line.yanked);
    for attestation in &line.yank_attestations {
        let statement = Yank {
            name: QualifiedName::parse("grep.example/hello").unwrap(),
            version: version.clone(),
            cksum: line.cksum,
            index: site.layout().index().clone(),
            operation: attestation.operation,
            at: attestation.at,
            nonce: attestation.nonce,
        };
        statement.verify(attestation).unwrap();
    }
    assert_eq!(line.yank_attestations.len(), 2);
}

#[test]
fn signing_again_adds_an_attestation_once() {
    let dir = tempfile::tempdir().unwrap();
    let (old, new) = (SecretKey::generate().unwrap(), SecretKey::generate().unwrap());
    published(dir.path(), &old, &[("hello", "1.0.0"), ("world", "0.1.0")]);
    let mut site = StaticIndexEdit::open(dir.path(), layout());
    site.yank(&krate("hello"), &Version::new(1, 0, 0), YankOperation::Yank, &old, at(8)).unwrap();
    assert_eq!(site.resign(&old.public(), &new, at(9)).unwrap(), 2);
    assert_eq!(site.resign(&old.public(), &new, at(9)).unwrap(), 0);
    let file = site.index_file(&krate("hello")).unwrap();
    let line = file.lines().next().unwrap();
    let name = QualifiedName::parse("grep.example/hello").unwrap();
    let signers = cargo_namespaces::integrity::signers(line, &name, site.layout().index()).unwrap();
    assert_eq!(signers, [old.public(), new.public()]);
    let yanks: Vec<_> = line.yank_attestations.iter().map(|yank| (yank.operation, yank.key)).collect();
    assert_eq!(yanks, [(YankOperation::Yank, old.public()), (YankOperation::Yank, new.public())]);
}

#[test]
fn nothing_altered_is_signed_again() {
    let dir = tempfile::tempdir().unwrap();
    let (old, new) = (SecretKey::generate().unwrap(), SecretKey::generate().unwrap());
    published(dir.path(), &old, &[("hello", "1.0.0")]);
    let path = dir.path().join("cargo/index/crates/hello/hello-1.0.0.crate");
    cargo_namespaces_net::fs::write_atomic(&path, &package("hello", "1.0.0", "fn evil() {}")).unwrap();
    let error = StaticIndexEdit::open(dir.path(), layout()).resign(&old.public(), &new, at(9)).unwrap_err();
    assert!(matches!(error, StaticIndexError::IntegrityError { .. }), "{error}");
}

#[test]
fn a_stranger_s_release_with_the_old_key_s_name_on_it_is_not_signed_again() {
    let dir = tempfile::tempdir().unwrap();
    let [old, new, stranger] = [0, 1, 2].map(|_| SecretKey::generate().unwrap());
    let mut forged = release(&stranger, "hello", "1.0.0");
    let mut claimed = forged.line.attestations[0].clone();
    claimed.key = old.public();
    forged.line.attestations.push(claimed);
    let mut site = StaticIndexEdit::open(dir.path(), layout());
    site.add(forged).unwrap();
    site.write().unwrap();
    let error = StaticIndexEdit::open(dir.path(), layout()).resign(&old.public(), &new, at(9)).unwrap_err();
    assert!(matches!(error, StaticIndexError::IntegrityError { .. }), "{error}");
}
