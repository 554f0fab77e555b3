//! Yanks that nobody signed, and signed ones that the index hides.

use cargo_namespaces::index::IndexLine;
use cargo_namespaces::key::SecretKey;
use cargo_namespaces::name::QualifiedName;
use cargo_namespaces::statement::{Yank, YankOperation};
use namespace_world::{SignedSite, World};

use super::Small;

/// Adds a statement to the line, signed at this second.
fn say(site: &SignedSite<'_>, line: &mut IndexLine, key: &SecretKey, operation: YankOperation, second: u8) {
    let statement = Yank {
        name: QualifiedName { namespace: site.namespace().clone(), krate: line.name.clone() },
        version: line.vers.clone(),
        cksum: line.cksum,
        index: site.index().clone(),
        operation,
        at: format!("2026-11-21T12:00:{second:02}Z").parse().expect("a timestamp"),
        nonce: None,
    };
    line.yank_attestations.push(statement.attest(key));
}

/// Publishes `hello` with a changed line.
fn publish(small: &Small<'_>, version: &str, change: impl FnOnce(&SignedSite<'_>, &mut IndexLine)) {
    let site = &small.site;
    let release = site.release("hello", version).dependency(&site.dependency("leaf", "1"));
    release.tables("[features]\nloud = []\n").line(|line| change(site, line)).publish();
}

#[test]
fn a_yank_that_nobody_signed_is_warned_about_and_refused_with_strict() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let stranger = SecretKey::generate().expect("the system has randomness");
    let said = "a.example/hello v1.2.0: the index marks it as yanked, but no key that may yank it has signed the yank";
    for unsigned in [true, false] {
        publish(&small, "1.2.0", |site, line| {
            line.yanked = true;
            if !unsigned {
                say(site, line, &stranger, YankOperation::Yank, 1);
            }
        });
        small
            .refused(4, &["a.example/hello", "--strict"])
            .stderr_has(&format!("error: {said}"))
            .stderr_has("help: ");
    }
    small.nsadd(&["a.example/hello"]).success().stderr_has(&format!("warning: {said}"));
    assert!(small.project.read("Cargo.lock").contains("name = \"hello\"\nversion = \"1.0.0\""));
}

#[test]
fn a_signed_yank_is_believed_without_a_word() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    publish(&small, "1.2.0", |site, line| {
        line.yanked = true;
        say(site, line, site.key(), YankOperation::Yank, 1);
    });
    small.nsadd(&["a.example/hello", "--strict"]).success().stderr_lacks("yank");
}

#[test]
fn a_signed_yank_that_the_index_hides_is_warned_about_and_refused_with_strict() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let key = small.site.key().public();
    let said = format!(
        "a.example/hello v1.2.0: {key} yanked it at 2026-11-21T12:00:02Z, but the index does not mark it as yanked"
    );
    // An older unyank, and a stranger's later one, change nothing.
    let stranger = SecretKey::generate().expect("the system has randomness");
    publish(&small, "1.2.0", |site, line| {
        say(site, line, site.key(), YankOperation::Yank, 2);
        say(site, line, site.key(), YankOperation::Unyank, 1);
        say(site, line, &stranger, YankOperation::Unyank, 3);
    });
    small.refused(4, &["a.example/hello", "--strict"]).stderr_has(&format!("error: {said}"));
    small.nsadd(&["a.example/hello"]).success().stderr_has(&format!("warning: {said}"));
}

#[test]
fn a_signed_yank_that_was_seen_before_cannot_be_dropped() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    publish(&small, "1.2.0", |site, line| {
        line.yanked = true;
        say(site, line, site.key(), YankOperation::Yank, 1);
    });
    small.nsadd(&["a.example/hello"]).success().stderr_lacks("yank");
    // The host takes the crate away for a moment, and drops the statement with the yank.
    let file = world.web_root("a.example").join("cargo/index/he/ll/hello");
    let aside = file.with_extension("aside");
    std::fs::rename(&file, &aside).expect("take it away");
    small.nsadd(&["a.example/hello@1.2"]).failure();
    std::fs::rename(&aside, &file).expect("put it back");
    small.hello("1.2.0");
    small
        .refused(4, &["a.example/hello@1.2", "--strict"])
        .stderr_has("a.example/hello v1.2.0: ")
        .stderr_has("but the index does not mark it as yanked");
    small.nsadd(&["a.example/hello@1.2"]).success().stderr_has("but the index does not mark it as yanked");
}
