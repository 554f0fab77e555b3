//! One test a way in which a release is not verified.

use super::*;
use crate::index::IndexDep;
use crate::key::SecretKey;
use crate::package::testing::{Archive, MANIFEST};
use crate::statement::{Attestation, ReleaseStatement, Yank, YankOperation};

/// A release, everything about it, and the key that signed it. The fields are there to be tampered with.
struct Release {
    name: QualifiedName,
    index: IndexUrl,
    line: IndexLine,
    archive: Vec<u8>,
    key: SecretKey,
    lock: Option<Digest>,
}

impl Release {
    fn new() -> Self {
        Self::of(Archive::with_manifest(&format!("{MANIFEST}[dependencies]\nlibc = \"0.2\"\n")))
    }

    fn of(archive: Archive) -> Self {
        let archive = archive.gz();
        let index: IndexUrl = "sparse+https://own.example/cargo/index/".parse().unwrap();
        let facts = compute(&format!("{MANIFEST}[dependencies]\nlibc = \"0.2\"\n"), &index).unwrap();
        let line = IndexLine::new(facts, Digest::of(&archive), Vec::new());
        let name = "own.example/demo".parse().unwrap();
        let key = SecretKey::generate().unwrap();
        let mut release = Self { name, index, line, archive, key, lock: None };
        release.sign();
        release
    }

    fn sign(&mut self) {
        let attestation = self.attest(|_| {});
        self.line.attestations = vec![attestation];
    }

    /// A signature over this release, or over a release that differs.
    fn attest(&self, change: impl FnOnce(&mut ReleaseStatement)) -> Attestation {
        let mut statement = ReleaseStatement {
            name: self.name.clone(),
            version: self.line.vers.clone(),
            cksum: self.line.cksum,
            index: self.index.clone(),
            at: "2026-11-20T12:00:00Z".parse().unwrap(),
        };
        change(&mut statement);
        statement.attest(&self.key)
    }

    fn check(&self) -> Result<VerifiedRelease, IntegrityError> {
        check_integrity(&self.line, &self.archive, self.lock.as_ref(), &self.name, &self.index)
    }

    fn refused(&self) -> IntegrityError {
        self.check().expect_err("the release was verified")
    }
}

/// The error after `change` was done to an verified release.
fn after(change: impl FnOnce(&mut Release)) -> IntegrityError {
    let mut release = Release::new();
    release.check().unwrap();
    change(&mut release);
    release.refused()
}

/// The error when the only signature is over a release that differs.
fn signed(change: impl FnOnce(&mut ReleaseStatement)) -> IntegrityError {
    after(|release| release.line.attestations = vec![release.attest(change)])
}

#[test]
fn an_intact_release_names_its_signers() {
    let mut release = Release::new();
    release.lock = Some(release.line.cksum);
    let verified = release.check().unwrap();
    assert_eq!(verified.signers, [release.key.public()]);
    assert_eq!(verified.facts.deps[0].name, "libc");
}

#[test]
fn only_signatures_that_hold_make_signers() {
    let mut release = Release::new();
    let good = release.line.attestations[0].clone();
    let other = release.attest(|statement| statement.cksum = Digest::of(b"another"));
    let forged = Attestation { key: SecretKey::generate().unwrap().public(), ..good };
    release.line.attestations = vec![other, forged, good.clone(), good.clone()];
    assert_eq!(release.check().unwrap().signers, [good.key]);
}

#[test]
fn the_latest_yank_of_this_release_by_who_may_counts() {
    let release = Release::new();
    let yank = Yank {
        name: release.name.clone(),
        version: release.line.vers.clone(),
        cksum: release.line.cksum,
        index: release.index.clone(),
        operation: YankOperation::Yank,
        at: "2026-11-21T12:00:00Z".parse().unwrap(),
        nonce: None,
    };
    let good = yank.attest(&release.key);
    let turned = YankAttestation { operation: YankOperation::Unyank, ..good };
    let other = Yank { version: Version::new(2, 0, 0), ..yank.clone() }.attest(&release.key);
    let stranger = SecretKey::generate().unwrap();
    let strangers = Yank { at: "2026-11-23T12:00:00Z".parse().unwrap(), ..yank.clone() }.attest(&stranger);
    let latest = |yanks: &[&YankAttestation]| {
        let line =
            IndexLine { yank_attestations: yanks.iter().copied().cloned().collect(), ..release.line.clone() };
        let may = |key: &PublicKey| *key == release.key.public();
        latest_yank(&line, &release.name, &release.index, may).cloned()
    };
    assert_eq!(latest(&[&turned, &other, &strangers]), None);
    assert_eq!(latest(&[&good, &turned, &other, &strangers]), Some(good.clone()));
    // A later statement counts wherever it stands; in one second, the later in the line.
    let back = Yank { operation: YankOperation::Unyank, ..yank.clone() }.attest(&release.key);
    let later =
        Yank { operation: YankOperation::Unyank, at: "2026-11-22T12:00:00Z".parse().unwrap(), ..yank };
    let later = later.attest(&release.key);
    assert_eq!(latest(&[&later, &good]), Some(later.clone()));
    assert_eq!(latest(&[&good, &later]), Some(later));
    assert_eq!(latest(&[&good, &back]), Some(back.clone()));
    assert_eq!(latest(&[&back, &good]), Some(good.clone()));
}

#[test]
fn crate_was_altered() {
    let error = after(|release| release.archive = Archive::demo().gz());
    assert!(matches!(error, IntegrityError::Checksum { .. }), "{error}");
    assert!(error.to_string().starts_with("the SHA-256 of the .crate is "));
}

#[test]
fn crate_and_its_check_sum_were_altered() {
    let error = after(|release| {
        release.archive = Archive::demo().gz();
        release.line.cksum = Digest::of(&release.archive);
    });
    let expected = "none of the 1 signatures on the index line is valid for own.example/demo@1.0.0 with this .crate \
                    and the index sparse+https://own.example/cargo/index/";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn lock_file_has_another_check_sum() {
    let error = after(|release| release.lock = Some(Digest::of(b"what it was")));
    assert!(matches!(error, IntegrityError::LockChecksum { .. }), "{error}");
}

#[test]
fn nobody_signed() {
    assert!(matches!(after(|release| release.line.attestations.clear()), IntegrityError::Unsigned));
}

#[test]
fn signature_of_another_crate_version_or_index_is_replayed() {
    for error in [
        signed(|statement| statement.name = "own.example/other".parse().unwrap()),
        signed(|statement| statement.name = "else.example/demo".parse().unwrap()),
        signed(|statement| statement.version = Version::new(1, 0, 1)),
        signed(|statement| statement.index = "sparse+https://mirror.example/".parse().unwrap()),
    ] {
        assert!(matches!(error, IntegrityError::NoSignatureHolds { .. }), "{error}");
    }
}

#[test]
fn time_of_the_signature_was_altered() {
    let error = after(|release| release.line.attestations[0].at = "2020-01-01T00:00:00Z".parse().unwrap());
    assert!(matches!(error, IntegrityError::NoSignatureHolds { .. }), "{error}");
}

#[test]
fn line_is_of_another_crate() {
    let error = after(|release| release.line.name = "Demo".parse().unwrap());
    assert_eq!(error.to_string(), "the index line is of crate `Demo`, not of `demo`");
}

#[test]
fn other_version_in_the_tarball() {
    let error = after(|release| {
        release.line.vers = "1.0.0+evil".parse().unwrap();
        release.sign();
    });
    assert!(matches!(error, IntegrityError::Package(PackageError::Entry { .. })), "{error}");
}

#[test]
fn signed_but_hostile_archive() {
    let archive = Archive::demo().entry(tar::EntryType::Symlink, b"demo-1.0.0/link", b"");
    let error = Release::of(archive).refused();
    assert!(error.to_string().contains("a symbolic link"), "{error}");
}

#[test]
fn signed_but_the_manifest_makes_no_line() {
    let archive =
        Archive::with_manifest(&format!("{MANIFEST}[dependencies]\nlibc = {{ path = \"../libc\" }}\n"));
    assert!(matches!(Release::of(archive).refused(), IntegrityError::Manifest(_)));
}

#[test]
fn index_gained_a_dependency() {
    let error = after(|release| {
        let dep = &release.line.deps[0];
        release.line.deps.push(IndexDep { name: "evil".to_owned(), req: "^1".to_owned(), ..dep.clone() });
    });
    let expected =
        "the index line lists a dependency `evil` ^1 that the Cargo.toml inside the .crate does not have";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn index_sends_a_dependency_to_another_registry() {
    let send = |url: &str| {
        let url = url.to_owned();
        after(move |release| release.line.deps[0].registry = Some(url)).to_string()
    };
    assert!(send("sparse+https://evil.example/").contains("says registry `sparse+https://evil.example/`"));
    for url in [
        "sparse+http://own.example/",
        "http://own.example/",
        "https://git.example/index",
        "sparse+https://Own.example/",
    ] {
        let text = send(url);
        assert!(
            text.starts_with(&format!("the index line's dependency `libc` names the registry {url:?}: ")),
            "{text}"
        );
    }
}
