//! What setup, rotation and revocation publish, judged as clients judge it.

use std::collections::BTreeSet;
use std::path::Path;

use cargo_namespaces::domain_view::{DomainView, Listing, ProbeOutcome, ProbeResult, RecordPlace};
use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::{IndexUrl, Namespace, QualifiedName};
use cargo_namespaces::token::{Record, Scope, Token};
use cargo_namespaces::trust::{self, Decision, Entering, Options, Question, TrustBasis};
use cargo_namespaces::trust_file::Pins;
use cargo_namespaces_cli::clock;
use namespace_world::programs;

use super::{Desk, openssl_public, text};

pub const NAMESPACE: &str = "serde.example";
const RECOVERY: &[&str] = &["--recovery-file", "recovery.pem", "--plain"];

fn namespace() -> Namespace {
    Namespace::parse(NAMESPACE).unwrap()
}

pub fn name() -> QualifiedName {
    QualifiedName::parse("serde.example/serde-abc").unwrap()
}

pub fn index() -> IndexUrl {
    IndexUrl::default_for(&namespace())
}

/// What a client sees of a domain that serves `site` and has no TXT records.
pub fn view(site: &Path) -> DomainView {
    let document = |path: &str| match std::fs::read(site.join(path)) {
        Ok(bytes) => ProbeOutcome::Document(bytes),
        Err(_) => ProbeOutcome::Absent,
    };
    let observations = vec![
        ProbeResult {
            place: RecordPlace::Json,
            outcome: document(".well-known/rust-lang.org/package-namespace.json"),
        },
        ProbeResult { place: RecordPlace::Publishers, outcome: document(".well-known/cargo-publishers") },
        ProbeResult { place: RecordPlace::TxtApex, outcome: ProbeOutcome::Absent },
        ProbeResult { place: RecordPlace::TxtLabel, outcome: ProbeOutcome::Absent },
    ];
    DomainView::from_observations(&namespace(), observations)
}

pub fn stands(view: &DomainView, key: &PublicKey) -> bool {
    matches!(view.listing(key, &name()), Listing::Listed { scope: Scope::Namespace(_), .. })
}

pub fn decide(view: &DomainView, pins: Option<&Pins>, entering: Entering, signers: &[PublicKey]) -> Decision {
    trust::decide(&Question {
        name: &name(),
        version: &"1.0.0".parse().unwrap(),
        entering,
        index: &index(),
        signers,
        pins,
        view: Some(view),
        now: clock::now(),
        options: &Options::default(),
    })
}

/// What a project pins at first contact with a release that `key` signed.
#[track_caller]
pub fn pins_after_first_contact(view: &DomainView, key: PublicKey) -> Pins {
    let Decision::Accept(accepted) = decide(view, None, Entering::NewCrate, &[key]) else {
        panic!("a listed key is accepted");
    };
    Pins { index: index(), trusted: accepted.pins.into_iter().collect(), revoked: BTreeSet::new() }
}

impl Desk {
    /// Sets the namespace up, with the recovery key in `recovery.pem`, into the site.
    #[track_caller]
    pub fn set_up(&self) -> (PublicKey, PublicKey) {
        let site = self.site();
        self.run(&[&["setup", NAMESPACE, "--site", text(&site)], RECOVERY].concat()).success();
        (self.public_key("device"), openssl_public(&self.file("recovery.pem"), None))
    }

    pub fn site(&self) -> std::path::PathBuf {
        self.world.web_root(NAMESPACE)
    }
}

#[test]
fn setup_prints_the_records_of_the_three_places() {
    let desk = Desk::new();
    let output = desk.run(&[&["setup", NAMESPACE], RECOVERY].concat()).success();
    let (device, recovery) = (desk.public_key("device"), openssl_public(&desk.file("recovery.pem"), None));
    for key in [device, recovery] {
        let token = Token::compute(&Scope::Namespace(namespace()), &key);
        let record = format!("{token} index=sparse+https://serde.example/cargo/index/");
        assert!(output.stdout.lines().any(|line| line == record), "{output}");
        assert!(output.stdout.contains(&format!("serde.example. 3600 IN TXT \"{record}\"")), "{output}");
        let file = output.stdout.lines().find_map(|line| line.strip_prefix("the file ")).unwrap();
        let document = std::fs::read_to_string(file).unwrap();
        assert!(document.contains(&format!("\"{token}\"")), "{document}");
    }
    for place in [
        "https://serde.example/.well-known/rust-lang.org/package-namespace.json",
        "https://serde.example/.well-known/cargo-publishers",
        "TXT at serde.example or at _cargo-namespace.serde.example",
    ] {
        assert!(output.stdout.contains(place), "{output}");
    }

    // Again: nothing new is made, the same is printed, and machines get it as JSON.
    let again = desk.run(&["setup", NAMESPACE]).success();
    assert_eq!(again.stdout, output.stdout);
    assert_eq!(desk.names().len(), 2);
    let json = desk.json(&["setup", NAMESPACE]);
    assert_eq!(json[0]["device_key"], device.to_string());
    assert_eq!(json[0]["recovery_keys"][0], recovery.to_string());
    let records: Vec<Record> = serde_json::from_value(json[0]["records"].clone()).unwrap();
    assert!(records.iter().all(|record| record.index == Some(index())));
}

#[test]
fn what_setup_writes_is_what_clients_believe() {
    let desk = Desk::new();
    let (device, recovery) = desk.set_up();
    let view = view(&desk.site());
    assert!(stands(&view, &device) && stands(&view, &recovery));
    assert_eq!(view.declared_index(), Ok(index()));
    let pins = pins_after_first_contact(&view, device);
    let scope = Scope::Namespace(namespace());
    assert_eq!(pins.trusted, BTreeSet::from([(device, scope.clone()), (recovery, scope)]));
}

#[test]
fn the_setup_refuses_what_would_go_wrong() {
    let desk = Desk::new();
    desk.run(&["setup", NAMESPACE]).code(3).stderr_has("--recovery-file").stderr_has("--no-recovery");
    assert!(desk.names().is_empty(), "nothing is made before everything is known");
    desk.run(&["setup"]).code(2).stderr_has("no namespace is named");
    desk.run(&["setup", "github.io"]).code(2).stderr_has("github.io");
    desk.set_up();
    let moved = ["setup", NAMESPACE, "--index", "sparse+https://crates.example/serde/"];
    desk.run(&moved).code(3).stderr_has("identity").stderr_has("--change-index");
    desk.run(&[&moved[..], &["--change-index"]].concat()).success().stdout_has("crates.example/serde/");
    desk.run(&["setup", NAMESPACE, "--key", "serde.example-recovery"])
        .code(2)
        .stderr_has("is a recovery key");
}

#[test]
fn the_namespace_of_the_package_here_is_set_up() {
    let desk = Desk::new();
    let project = desk.project("1.0.0");
    let directory = text(project.path());
    desk.run(&["setup", "-C", directory, "--no-recovery"])
        .success()
        .stdout_has("serde.example. 3600 IN TXT")
        .stderr_has("without a recovery key");
}

#[test]
fn a_special_use_name_needs_permission() {
    let desk = Desk::new();
    let output = namespace_world::run(
        desk.command(&["setup", NAMESPACE, "--no-recovery"]).env_remove("CARGO_NAMESPACES_SPECIAL_USE"),
    );
    output.code(6).stderr_has("special-use").stderr_has("CARGO_NAMESPACES_SPECIAL_USE");
}

#[test]
fn an_index_elsewhere_is_declared_and_the_documents_stay_at_the_domain() {
    let desk = Desk::new();
    let site = desk.world.root().join("elsewhere");
    let (site, domain) = (text(&site).to_owned(), desk.site());
    let setup = [
        "setup",
        NAMESPACE,
        "--index",
        "sparse+https://crates.example/serde/",
        "--no-recovery",
        "--site",
        &site,
    ];
    desk.run(&setup).success().stderr_has("--well-known DIR");
    assert!(!Path::new(&site).exists());
    desk.run(&[&setup[..], &["--well-known", text(&domain)]].concat()).success();
    let declared = view(&domain).declared_index().unwrap();
    assert_eq!(declared.as_str(), "sparse+https://crates.example/serde/");
}

#[test]
fn who_pinned_the_old_key_accepts_the_new_one() {
    let desk = Desk::new();
    let (old, recovery) = desk.set_up();
    let pins = pins_after_first_contact(&view(&desk.site()), old);
    let site = desk.site();
    desk.run(&["key", "rotate", "--namespace", NAMESPACE, "--site", text(&site), "--name", "second"])
        .success()
        .stderr_has("Endorsed `second` by `device`");
    let new = desk.public_key("second");
    let rotated = view(&site);
    assert!(stands(&rotated, &old) && stands(&rotated, &new));
    let Decision::Accept(accepted) = decide(&rotated, Some(&pins), Entering::NewRelease, &[new]) else {
        panic!("the endorsed key is accepted");
    };
    assert_eq!(accepted.how, TrustBasis::Endorsed(old));
    // The new key has the same recovery key.
    assert!(pins_after_first_contact(&rotated, new).trusted.iter().any(|(key, _)| *key == recovery));
    // The namespace's key is the new one, without being named.
    desk.run(&["key", "list"]).stdout_has("serde.example (replaced)");
    desk.run(&["key", "rotate", "--namespace", NAMESPACE, "--key", "device", "--drop-old"]).code(2);
    desk.run(&["key", "rotate", "--namespace", NAMESPACE, "--drop-old", "--site", text(&site)])
        .success()
        .stderr_has("Dropped `device`")
        .stderr_has("remove the record that begins with sha256-");
    let dropped = view(&site);
    assert!(!stands(&dropped, &old) && stands(&dropped, &new));
    let Decision::Accept(_) = decide(&dropped, Some(&pins), Entering::NewRelease, &[new]) else {
        panic!("the endorsement outlives the old token");
    };
    desk.run(&["key", "rotate", "--namespace", NAMESPACE, "--drop-old"])
        .failure()
        .stderr_has("no key that a rotation replaced is still listed");
}

#[test]
fn a_lost_key_is_revoked_and_succeeded_on_another_machine() {
    let desk = Desk::new();
    let (lost, recovery) = desk.set_up();
    let pins = pins_after_first_contact(&view(&desk.site()), lost);
    // The machine is gone: Cargo's home and the keyring with it. What is left is the recovery key and the site.
    std::fs::remove_dir_all(desk.world.cargo_home().join("namespaces")).unwrap();
    let site = desk.site();
    let lost_text = lost.to_string();
    let revoke = ["key", "revoke", &lost_text, "--namespace", NAMESPACE, "--site", text(&site), "--yes"];
    desk.run(&revoke).code(3).stderr_has("--with RECOVERY-FILE");
    let blind = ["key", "revoke", &lost_text, "--namespace", NAMESPACE, "--with", "recovery.pem", "--yes"];
    desk.run(&[&blind[..], &["--offline"]].concat())
        .code(3)
        .stderr_has("there are no documents of serde.example");
    desk.run(&[&revoke[..], &["--with", "recovery.pem", "--reason", "the laptop was stolen"]].concat())
        .success()
        .stderr_has("Revoked")
        .stderr_has("key rotate --namespace serde.example --key recovery.pem");

    let revoked = view(&site);
    let revocation = revoked.revocation_of(&lost, &index()).unwrap();
    assert_eq!((revocation.by, revocation.reason.as_deref()), (recovery, Some("the laptop was stolen")));
    assert!(!stands(&revoked, &lost) && stands(&revoked, &recovery));
    for entering in [Entering::NewCrate, Entering::NewRelease, Entering::Locked] {
        assert!(
            matches!(decide(&revoked, Some(&pins), entering, &[lost]), Decision::Refuse(_)),
            "{entering:?}"
        );
    }

    desk.run(&["key", "rotate", "--namespace", NAMESPACE, "--key", "recovery.pem", "--site", text(&site)])
        .success();
    let new = desk.public_key("device");
    assert_ne!(new, lost);
    let Decision::Accept(accepted) = decide(&view(&site), Some(&pins), Entering::NewRelease, &[new]) else {
        panic!("the recovery key was pinned, and vouches for the new key");
    };
    assert_eq!(accepted.how, TrustBasis::Endorsed(recovery));
    // Once more is a no-op.
    desk.run(&[&revoke[..], &["--with", "recovery.pem"]].concat())
        .success()
        .stderr_has("revoked for serde.example already");
}

#[test]
fn a_key_revokes_itself_and_nobody_else_does() {
    let desk = Desk::new();
    let (device, _) = desk.set_up();
    desk.run(&["key", "new", "stranger"]).success();
    let site = desk.site();
    let base = ["key", "revoke", "device", "--namespace", NAMESPACE, "--site", text(&site)];
    desk.run(&[&base[..], &["--with", "stranger", "--yes"]].concat())
        .code(4)
        .stderr_has("did not endorse it");
    desk.run(&base).code(3).stderr_has("--yes");
    assert!(stands(&view(&site), &device));
    desk.run(&[&base[..], &["--yes", "--reason", ""]].concat()).code(2);
    desk.run(&[&base[..], &["--yes"]].concat()).success();
    assert!(view(&site).revocation_of(&device, &index()).is_some());
    // A revoked key is neither chosen nor accepted any more.
    desk.run(&["setup", NAMESPACE, "--key", "device"]).code(4).stderr_has("is revoked");
    desk.run(&["key", "rotate", "--namespace", NAMESPACE, "--key", "device"])
        .code(4)
        .stderr_has("is revoked");
}

#[test]
fn what_others_put_up_stays() {
    let desk = Desk::new();
    let others = "# the mail people\nmd5-0123 somebody\n";
    desk.world.serve(NAMESPACE, ".well-known/cargo-publishers", others);
    let json = r#"{"authorized_keys": ["md5-0123"], "contact": "hostmaster"}"#;
    desk.world.serve(NAMESPACE, ".well-known/rust-lang.org/package-namespace.json", json);
    let (device, _) = desk.set_up();
    let publishers = std::fs::read_to_string(desk.site().join(".well-known/cargo-publishers")).unwrap();
    assert!(publishers.starts_with(others), "{publishers}");
    let document =
        std::fs::read_to_string(desk.site().join(".well-known/rust-lang.org/package-namespace.json"))
            .unwrap();
    assert!(document.contains("md5-0123") && document.contains("hostmaster"), "{document}");
    assert!(stands(&view(&desk.site()), &device));
}

#[test]
fn the_statements_verify_with_openssl() {
    let desk = Desk::new();
    desk.set_up();
    let path = desk.site().join(".well-known/rust-lang.org/package-namespace.json");
    let document = std::fs::read(path).unwrap();
    let document = cargo_namespaces::discovery::PackageNamespaceDoc::parse(&document).unwrap();
    let envelope = &document.endorsements[0];
    let mut message = cargo_namespaces::statement::pae("application/vnd.in-toto+json", &envelope.payload);
    desk.run(&["key", "export", "device", "--file", "device.pem", "--plain"]).success();
    std::fs::write(desk.file("signature"), &envelope.signatures[0].sig).unwrap();
    for expected in [true, false] {
        std::fs::write(desk.file("message"), &message).unwrap();
        let verified = programs::command("openssl")
            .args([
                "pkeyutl",
                "-verify",
                "-rawin",
                "-inkey",
                "device.pem",
                "-in",
                "message",
                "-sigfile",
                "signature",
            ])
            .current_dir(desk.world.home())
            .output()
            .unwrap();
        assert_eq!(verified.status.success(), expected, "{}", String::from_utf8_lossy(&verified.stderr));
        message[30] ^= 1;
    }
}

#[test]
fn another_machine_starts_from_what_the_domain_publishes() {
    let desk = Desk::new();
    let (first, recovery) = desk.set_up();
    std::fs::rename(desk.world.cargo_home().join("namespaces"), desk.world.root().join("first")).unwrap();
    // Nothing of the first machine is here, and still its records stay.
    let output = desk
        .run(&["setup", NAMESPACE, "--new-key", "desk"])
        .success()
        .stderr_has("Found the documents of serde.example at https://serde.example/.well-known/")
        .stderr_has("no listed key of serde.example endorses the new one");
    let second = desk.public_key("desk");
    for key in [first, second, recovery] {
        let token = Token::compute(&Scope::Namespace(namespace()), &key).to_string();
        assert!(output.stdout.contains(&token), "{output}");
    }
    // The first machine vouches for the second when it is asked to list it.
    std::fs::remove_dir_all(desk.world.cargo_home().join("namespaces")).unwrap();
    std::fs::rename(desk.world.root().join("first"), desk.world.cargo_home().join("namespaces")).unwrap();
    desk.run(&["key", "new", "desk"]).success();
    let site = desk.site();
    desk.run(&["setup", NAMESPACE, "--key", "desk", "--site", text(&site)])
        .success()
        .stderr_has("Endorsed the new key by `device`");
    let pins = Pins {
        index: index(),
        trusted: BTreeSet::from([(first, Scope::Namespace(namespace()))]),
        revoked: BTreeSet::new(),
    };
    let desk_key = desk.public_key("desk");
    let Decision::Accept(accepted) = decide(&view(&site), Some(&pins), Entering::NewRelease, &[desk_key])
    else {
        panic!("who trusts the first machine accepts the second");
    };
    assert_eq!(accepted.how, TrustBasis::Endorsed(first));
}

#[test]
fn a_domain_that_is_down_is_said() {
    let desk = Desk::new();
    desk.world.take_down(NAMESPACE);
    desk.run(&[&["setup", NAMESPACE], RECOVERY].concat())
        .success()
        .stderr_has("the documents that serde.example may publish already were not found")
        .stdout_has("3600 IN TXT");
    desk.run(&["setup", NAMESPACE]).success().stderr_lacks("were not found");
}

#[test]
fn keys_of_others_are_listed_and_taken_out() {
    let desk = Desk::new();
    let (device, recovery) = desk.set_up();
    let site = desk.site();
    let setup = ["setup", NAMESPACE, "--site", text(&site)];
    for key in ["mine-too", "colleague", "helper"] {
        desk.run(&["key", "new", key]).success();
    }
    let [second, colleague, helper] = ["mine-too", "colleague", "helper"].map(|name| desk.public_key(name));
    let pins = pins_after_first_contact(&view(&site), device);
    let accepts = |signer: PublicKey| {
        matches!(decide(&view(&site), Some(&pins), Entering::NewRelease, &[signer]), Decision::Accept(_))
    };

    desk.run(&[&setup[..], &["--key", "device", "--authorize", &second.to_string(), "--vouch"]].concat())
        .success()
        .stderr_has("Endorsed");
    desk.run(&[&setup[..], &["--key", "device", "--authorize", &colleague.to_string()]].concat()).success();
    let for_one = format!("serde-abc={helper}");
    desk.run(&[&setup[..], &["--key", "device", "--authorize", &for_one]].concat()).success();
    assert!(accepts(second) && !accepts(colleague), "only who is vouched for is followed without a question");
    let listed = view(&site);
    assert!(stands(&listed, &colleague) && !stands(&listed, &helper));
    assert!(matches!(listed.listing(&helper, &name()), Listing::Listed { scope: Scope::Crate(_), .. }));
    assert!(listed.revocation_of(&device, &index()).is_none());

    let drop = [&setup[..], &["--key", "device", "--drop", "colleague", "--drop", &for_one]].concat();
    desk.run(&drop).success().stderr_has("Dropped").stderr_has("remove the record that begins with");
    let dropped = view(&site);
    assert!(!stands(&dropped, &colleague) && stands(&dropped, &second));
    assert!(matches!(dropped.listing(&helper, &name()), Listing::NotListed { .. }));
    desk.run(&[&setup[..], &["--key", "device", "--drop", "device"]].concat())
        .code(2)
        .stderr_has("is the key that signs releases here");

    // A recovery key that was lost is replaced in the same way.
    let replace =
        ["--key", "device", "--drop", "serde.example-recovery", "--recovery-file", "new.pem", "--plain"];
    desk.run(&[&setup[..], &replace].concat()).success();
    let new = openssl_public(&desk.file("new.pem"), None);
    assert!(stands(&view(&site), &new) && !stands(&view(&site), &recovery));
    let pins = pins_after_first_contact(&view(&site), device);
    let pinned = |key: PublicKey| pins.trusted.iter().any(|(known, _)| *known == key);
    assert!(pinned(new) && !pinned(recovery));
    desk.run(&setup).success();
    assert!(!stands(&view(&site), &recovery), "it stays out");
}
