//! What becomes of the releases on a site when the keys change.

use cargo_namespaces::index::IndexFile;
use cargo_namespaces::integrity::check_integrity;
use cargo_namespaces::key::PublicKey;
use cargo_namespaces::trust::{Decision, Entering, TrustBasis};

use super::documents::{NAMESPACE, decide, index, name, pins_after_first_contact, stands, view};
use super::{Desk, text};

impl Desk {
    /// Publishes `serde-abc` in this version.
    #[track_caller]
    fn publish(&self, version: &str) {
        let project = self.project(version);
        let site = self.site();
        let mut command = self.command(&["--site", text(&site), "--allow-dirty", "--no-verify"]);
        self.hear(namespace_world::run(command.current_dir(project.path()))).success();
    }

    /// Who signed this version on the site, as clients see it.
    #[track_caller]
    fn signers(&self, version: &str) -> Vec<PublicKey> {
        let file = std::fs::read(self.site().join("cargo/index/se/rd/serde-abc")).unwrap();
        let file = IndexFile::parse(&file).unwrap();
        let line = file.lines().find(|line| line.vers.to_string() == version).unwrap();
        let path = format!("cargo/index/crates/serde-abc/serde-abc-{version}.crate");
        let package = std::fs::read(self.site().join(path)).unwrap();
        check_integrity(line, &package, None, &name(), &index()).unwrap().signers
    }
}

#[test]
fn a_rotation_signs_the_releases_again_and_the_old_key_can_go() {
    let desk = Desk::new();
    let (old, _) = desk.set_up();
    desk.publish("1.0.0");
    let pins = pins_after_first_contact(&view(&desk.site()), old);
    let site = desk.site();
    desk.run(&["key", "rotate", "--namespace", NAMESPACE, "--site", text(&site)])
        .success()
        .stderr_has("Signed 1 release in")
        .stderr_has("upload");
    let new = desk.public_key("device-2");
    assert_eq!(desk.signers("1.0.0"), [old, new]);
    // The namespace's key is the new one now.
    desk.publish("1.1.0");
    assert_eq!(desk.signers("1.1.0"), [new]);
    let Decision::Accept(accepted) = decide(&view(&site), Some(&pins), Entering::NewRelease, &[new]) else {
        panic!("the old key vouches for the new one");
    };
    assert_eq!(accepted.how, TrustBasis::Endorsed(old));
    desk.run(&["key", "rotate", "--namespace", NAMESPACE, "--drop-old", "--site", text(&site)])
        .success()
        .stderr_lacks("warning");
    assert!(!stands(&view(&site), &old));
    let signers = desk.signers("1.0.0");
    assert!(matches!(decide(&view(&site), None, Entering::NewCrate, &signers), Decision::Accept(_)));
    // Nothing that is published later brings the old record back.
    desk.publish("1.2.0");
    assert!(!stands(&view(&site), &old));
}

#[test]
fn dropping_the_old_key_signs_what_only_it_had_signed() {
    let desk = Desk::new();
    let (old, _) = desk.set_up();
    desk.publish("1.0.0");
    desk.run(&["key", "rotate", "--namespace", NAMESPACE]).success().stderr_has("--drop-old");
    assert_eq!(desk.signers("1.0.0"), [old]);
    let site = desk.site();
    desk.run(&["key", "rotate", "--namespace", NAMESPACE, "--drop-old", "--site", text(&site)])
        .success()
        .stderr_has("Signed 1 release");
    assert_eq!(desk.signers("1.0.0"), [old, desk.public_key("device-2")]);
}

#[test]
fn a_stolen_key_is_replaced_and_its_releases_saved() {
    let desk = Desk::new();
    let (stolen, recovery) = desk.set_up();
    desk.publish("1.0.0");
    let pins = pins_after_first_contact(&view(&desk.site()), stolen);
    let site = desk.site();
    let revoke = ["key", "revoke", "device", "--namespace", NAMESPACE, "--with", "recovery.pem", "--yes"];
    desk.run(&[&revoke[..], &["--site", text(&site)]].concat())
        .success()
        .stderr_has("no listed key has signed serde-abc v1.0.0");
    let signers = desk.signers("1.0.0");
    assert!(matches!(decide(&view(&site), Some(&pins), Entering::Locked, &signers), Decision::Refuse(_)));

    let rotate = ["key", "rotate", "--namespace", NAMESPACE, "--key", "recovery.pem", "--name", "next"];
    desk.run(&[&rotate[..], &["--resign", "device", "--site", text(&site)]].concat())
        .success()
        .stderr_has("Signed 1 release")
        .stderr_lacks("no listed key");
    let next = desk.public_key("next");
    assert_eq!(desk.signers("1.0.0"), [stolen, next]);
    let Decision::Accept(accepted) =
        decide(&view(&site), Some(&pins), Entering::NewRelease, &desk.signers("1.0.0"))
    else {
        panic!("the new key's signature counts");
    };
    assert_eq!((accepted.key, accepted.how), (next, TrustBasis::Endorsed(recovery)));
    // The stolen key is nobody's choice any more.
    desk.publish("1.1.0");
    assert_eq!(desk.signers("1.1.0"), [next]);
}

#[test]
fn a_release_that_was_changed_stops_the_rotation() {
    let desk = Desk::new();
    desk.set_up();
    desk.publish("1.0.0");
    desk.world
        .tamper(NAMESPACE, "cargo/index/crates/serde-abc/serde-abc-1.0.0.crate", |bytes| bytes[100] ^= 1);
    let site = desk.site();
    let before = namespace_world::snapshot(&site);
    desk.run(&["key", "rotate", "--namespace", NAMESPACE, "--site", text(&site)])
        .failure()
        .stderr_has("1.0.0");
    before.assert_unchanged(&site);
    assert_eq!(desk.names().len(), 2, "no new key was made");
}
