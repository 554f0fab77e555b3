//! What attackers try on a project that adds a crate: refused with what, where and what next, and no file changed.

use cargo_namespaces::index::IndexDep;
use cargo_namespaces::key::SecretKey;
use cargo_namespaces::token::{Scope, Token};
use namespace_world::archive::bomb;
use namespace_world::{Archive, SignedSite, World};

use super::Small;

fn key() -> SecretKey {
    SecretKey::generate().expect("the system has randomness")
}

fn dependency(name: &str, registry: Option<&str>) -> IndexDep {
    let line = serde_json::json!({
        "name": name, "req": "^1", "features": [], "optional": false, "default_features": true,
        "target": null, "kind": "normal", "registry": registry, "package": null,
    });
    serde_json::from_value(line).expect("a dependency")
}

#[test]
fn an_index_that_gained_a_dependency() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    // A good crate with a signature of its own, named by an index line whose .crate does not know it.
    small.site.release("extra", "1.0.0").publish();
    let index = small.site.index().to_string();
    small
        .site
        .release("hello", "1.2.0")
        .line(|line| line.deps.push(dependency("extra", Some(&index))))
        .publish();
    small
        .refused(4, &["a.example/hello"])
        .stderr_has("error: a.example/hello v1.2.0: ")
        .stderr_has("extra")
        .stderr_has("help: ")
        .stderr_has("nothing was changed");
}

#[test]
fn a_crate_that_changed_after_it_was_signed() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let path = SignedSite::crate_path("hello", "1.0.0");
    let other = Archive::package("hello", "1.0.0").file("build.rs", "fn main() {}").build();
    world.serve("a.example", &path, &other);
    small.refused(4, &["a.example/hello"]).stderr_has("a.example/hello v1.0.0").stderr_has("SHA-256");
    // The attacker corrects the checksum, but cannot sign.
    let digest = cargo_namespaces::digest::Digest::of(&other).to_string();
    world.tamper_line("a.example", "hello", "1.0.0", |line| line["cksum"] = digest.into());
    small.refused(4, &["a.example/hello"]).stderr_has("a.example/hello v1.0.0").stderr_has("signature");
}

#[test]
fn a_signature_by_a_key_that_the_domain_does_not_list() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let stranger = key();
    small.site.release("hello", "1.2.0").signed_by(&stranger).publish();
    small
        .refused(4, &["a.example/hello"])
        .stderr_has(&format!("is signed by {}, which a.example does not list", stranger.public()))
        .stderr_has("help: if the key is right, the owner of a.example publishes one of these records");
}

#[test]
fn no_signature_at_all() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    small.site.release("hello", "1.2.0").unsigned().publish();
    small.refused(4, &["a.example/hello"]).stderr_has("a.example/hello v1.2.0").stderr_has("sign");
}

#[test]
fn a_key_for_one_crate_signs_another() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let narrow = key();
    let scope = Scope::parse("a.example/other").expect("a scope");
    small.site.authorize_for(&narrow.public(), &scope);
    small.site.release("hello", "1.2.0").signed_by(&narrow).publish();
    small
        .refused(4, &["a.example/hello"])
        .stderr_has(&narrow.public().to_string())
        .stderr_has("does not list");
    small.site.release("other", "1.0.0").signed_by(&narrow).publish();
    small.nsadd(&["a.example/other"]).success().stderr_has("for a.example/other: listed at");
    // Also once it is pinned for its own crate.
    small.site.release("third", "1.0.0").signed_by(&narrow).publish();
    small.refused(4, &["a.example/third"]).stderr_has("does not list");
}

#[test]
fn a_transitive_release_by_an_unlisted_key() {
    let world = World::new(&["a.example", "b.example"]);
    let small = Small::new(&world);
    let (other, stranger) = (SignedSite::new(&world, "b.example"), key());
    other.release("deep", "1.0.0").signed_by(&stranger).publish();
    small.site.release("hello", "1.2.0").dependency(&other.dependency("deep", "1")).publish();
    small
        .refused(4, &["a.example/hello"])
        .stderr_has("b.example/deep v1.0.0")
        .stderr_has(&stranger.public().to_string());
}

#[test]
fn a_revoked_key() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    small.site.revoke_own_key("the laptop was stolen");
    small.refused(4, &["a.example/hello"]).stderr_has("which is revoked").stderr_has("the laptop was stolen");
}

#[test]
fn a_pinned_key_that_is_revoked_now() {
    let world = World::new(&["a.example"]);
    let small = Small::added(&world);
    small.site.revoke_own_key("the laptop was stolen");
    small.site.release("other", "1.0.0").publish();
    small
        .refused(4, &["a.example/other"])
        .stderr_has("which is revoked")
        .stderr_has("a.example/hello v1.0.0");
}

#[test]
fn a_key_that_changed_since_the_pin() {
    let world = World::new(&["a.example"]);
    let small = Small::added(&world);
    let successor = key();
    small.site.authorize_nobody();
    small.site.authorize(&successor.public());
    small.site.release("hello", "1.2.0").signed_by(&successor).publish();
    let public = successor.public().to_string();
    small
        .refused(4, &["a.example/hello@1.2"])
        .stderr_has(&format!("a.example/hello v1.2.0 is signed by {public}: the key changed"))
        .stderr_has("somebody who took over the domain")
        .stderr_has(&format!("cargo nsadd a.example/hello@1.2 --trust {public}"));
    small
        .nsadd(&["a.example/hello@1.2", "--trust", &public])
        .success()
        .stderr_has(&format!("Trusting {public} for a.example because of `--trust`"));
    assert!(small.project.read(".cargo/namespaces.toml").contains(&public));
}

#[test]
fn a_key_that_the_domain_lists_no_longer() {
    let world = World::new(&["a.example"]);
    let small = Small::added(&world);
    small.hello("1.2.0");
    small.site.authorize_nobody();
    small
        .refused(4, &["a.example/hello@1.2"])
        .stderr_has("which a.example no longer lists")
        .stderr_has("--trust");
}

#[test]
fn an_index_that_moved_since_the_pin() {
    let world = World::new(&["a.example", "b.example"]);
    let small = Small::added(&world);
    let moved = small.site.moved("b.example");
    moved.release("leaf", "1.0.0").publish();
    moved.release("hello", "1.2.0").dependency(&moved.dependency("leaf", "1")).publish();
    small
        .refused(4, &["a.example/hello"])
        .stderr_has("a.example declares another index than the pinned one")
        .stderr_has("sparse+https://a.example/cargo/index/")
        .stderr_has("sparse+https://b.example/cargo/index/")
        .stderr_has("--trust-index");
    small
        .nsadd(&["a.example/hello", "--trust-index"])
        .success()
        .stderr_has("Verified a.example/hello v1.2.0");
    assert_eq!(
        small.project.read(".cargo/config.toml"),
        "[registries.a_example]\nindex = \"sparse+https://b.example/cargo/index/\"\n"
    );
    let trust = small.project.read(".cargo/namespaces.toml");
    assert!(trust.contains("index = \"sparse+https://b.example/cargo/index/\""), "{trust}");
    assert!(!small.project.read("Cargo.lock").contains("a.example"));
    small.run_clone().success().stdout_has("a.example/hello 1.2.0");
}

#[test]
fn a_domain_that_contradicts_itself_about_its_index() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let record = world.web_root("a.example").join(".well-known/cargo-publishers");
    let text = std::fs::read_to_string(record).expect("the records");
    let text = text.replace("/cargo/index/", "/other/index/");
    world.serve("a.example", ".well-known/cargo-publishers", text);
    small.refused(4, &["a.example/hello"]).stderr_has("the records of a.example name different indexes");
}

#[test]
fn a_dependency_in_a_registry_that_its_domain_does_not_declare() {
    let world = World::new(&["a.example", "b.example", "c.example"]);
    let small = Small::new(&world);
    // c.example serves an index that says it is b.example's; b.example declares its own.
    let (real, evil) = (SignedSite::new(&world, "b.example"), SignedSite::new(&world, "c.example"));
    evil.release("deep", "1.0.0").publish();
    let config =
        std::fs::read_to_string(world.web_root("c.example").join("cargo/index/config.json")).expect("it");
    world.serve("c.example", "cargo/index/config.json", config.replace("\"c.example\"", "\"b.example\""));
    small.site.release("hello", "1.2.0").dependency(&evil.dependency("deep", "1")).publish();
    small
        .refused(4, &["a.example/hello"])
        .stderr_has(evil.index().as_str())
        .stderr_has(real.index().as_str())
        .stderr_has("b.example");
}

/// An archive of one release that holds the manifest of another.
fn renamed(name: &str, version: &str, inside: &str, inside_version: &str) -> Vec<u8> {
    let manifest =
        format!("[package]\nname = \"{inside}\"\nversion = \"{inside_version}\"\nedition = \"2021\"\n");
    Archive::new(name, version).file("Cargo.toml", manifest).file("src/lib.rs", "").build()
}

#[test]
fn hostile_archives_of_each_kind_though_they_are_signed() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let package = || Archive::package("hello", "1.2.0");
    let archives: Vec<(&str, Vec<u8>)> = vec![
        ("a symbolic link", package().symlink("src/x", "/etc/passwd").build()),
        ("a hard link", package().hard_link("src/x", "Cargo.toml").build()),
        ("a device", package().device("src/x").build()),
        ("a named pipe", package().fifo("src/x").build()),
        ("a way out", package().file_at("hello-1.2.0/../../x", "x").build()),
        ("an absolute path", package().file_at("/tmp/x", "x").build()),
        ("another top folder", package().file_at("other/x", "x").build()),
        ("cargo's own mark", package().file(".cargo-ok", "ok").build()),
        ("twins but for case", package().file("cargo.toml", "x").build()),
        ("a lying size", package().lying_size("src/x", b"x", 1 << 40).build()),
        ("garbage behind", package().garbage(&[7; 2048]).build()),
        ("truncated", package().build_truncated(100)),
        ("no manifest", Archive::new("hello", "1.2.0").file("src/lib.rs", "").build()),
        ("another package", renamed("hello", "1.2.0", "other", "1.2.0")),
        ("another version", renamed("hello", "1.2.0", "hello", "9.9.9")),
        (
            "a long path",
            package().long_name(&format!("hello-1.2.0/{}", "x".repeat(5000))).file("x", "x").build(),
        ),
        ("not gzip", b"hello".to_vec()),
        ("a bomb", bomb("hello", "1.2.0", 600)),
    ];
    for (what, archive) in archives {
        small.site.release("hello", "1.2.0").archive(archive).publish();
        let output = small.refused(4, &["a.example/hello"]);
        assert!(output.stderr.contains("a.example/hello v1.2.0"), "{what}: {output}");
        assert!(output.stderr.contains("help: "), "{what}: {output}");
    }
}

#[test]
fn a_manifest_that_leads_cargo_elsewhere_though_it_is_signed() {
    let world = World::new(&["a.example", "host.example"]);
    let small = Small::new(&world);
    let head = "[package]\nname = \"hello\"\nversion = \"1.2.0\"\nedition = \"2021\"\n";
    for text in [
        "[dependencies]\nleaf = { version = \"1\", git = \"https://host.example/leaf\" }\n",
        "[dev_dependencies.leaf]\nversion = \"1\"\npath = \"../leaf\"\n",
        "[target.'cfg(windows)'.build-dependencies]\nleaf = { version = \"1\", git = \"https://host.example/leaf\", tag = \"1\" }\n",
        "[patch.crates-io]\nleaf = { git = \"https://host.example/leaf\" }\n",
    ] {
        let archive =
            Archive::new("hello", "1.2.0").file("Cargo.toml", format!("{head}{text}")).file("src/lib.rs", "");
        small.site.release("hello", "1.2.0").archive(archive.build()).publish();
        small
            .refused(4, &["a.example/hello"])
            .stderr_has("a.example/hello v1.2.0: ")
            .stderr_has("is not allowed in a packaged Cargo.toml");
    }
}

#[test]
fn a_look_alike_of_a_namespace_that_the_project_uses() {
    let world = World::new(&["grep.example", "grap.example"]);
    let site = SignedSite::new(&world, "grep.example");
    site.release("grep", "1.0.0").publish();
    let other = SignedSite::new(&world, "grap.example");
    other.release("regex", "1.0.0").publish();
    let project = world.project("app").binary("app", "", "fn main() {}\n");
    super::nsadd(&world, &project, &["grep.example/grep"]).success().stderr_lacks("looks like");
    super::nsadd(&world, &project, &["grap.example/regex"])
        .success()
        .stderr_has("warning: grap.example looks like grep.example, which the project uses already");
}

#[test]
fn an_internationalised_domain_is_shown_in_both_forms_and_mixed_scripts_are_warned_about() {
    // The `e` is Cyrillic.
    let (mixed, plain) = ("xn--grp-sdd.example", "xn--grn-cma.example");
    let world = World::new(&[mixed, plain]);
    for host in [mixed, plain] {
        SignedSite::new(&world, host).release("grep", "1.0.0").publish();
    }
    let project = world.project("app").binary("app", "", "fn main() {}\n");
    let unicode = cargo_namespaces::name::Namespace::parse(plain).expect("a namespace").to_unicode();
    super::nsadd(&world, &project, &[&format!("{unicode}/grep")])
        .success()
        .stderr_has(&format!("Adding {unicode}/grep ({plain}/grep) v1.0.0"))
        .stderr_lacks("mixes scripts");
    super::nsadd(&world, &project, &[&format!("{mixed}/grep"), "--rename", "other"])
        .success()
        .stderr_has("mixes scripts: look twice");
}

#[test]
fn a_crate_of_crates_io_does_not_stand_in_for_a_missing_one() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    world.forget_contacts();
    small.refused(1, &["a.example/itoa"]).stderr_has("a.example/itoa does not exist");
    assert!(world.contacted().iter().all(|host| host == "a.example:443"), "{:?}", world.contacted());
}

/// The token of the site's key for its whole namespace.
fn token(site: &SignedSite<'_>) -> String {
    Token::compute(&Scope::Namespace(site.namespace().clone()), &site.key().public()).to_string()
}

#[test]
fn forged_txt_in_a_zone_that_is_not_signed() {
    let world = World::new(&["a.insecure.example"]);
    let site = SignedSite::new(&world, "a.insecure.example");
    site.release("hello", "1.0.0").publish();
    site.authorize_nobody();
    world.txt("a.insecure.example", &[&token(&site)]);
    let project = world.project("app").binary("app", "", "fn main() {}\n");
    let before = project.snapshot();
    super::nsadd(&world, &project, &["a.insecure.example/hello"])
        .code(4)
        .stderr_has("which a.insecure.example does not list")
        .stderr_has("not signed");
    project.assert_unchanged(&before);
}

#[test]
fn txt_that_dnssec_finds_bogus_is_no_answer() {
    let world = World::new(&["a.bogus.example"]);
    let site = SignedSite::new(&world, "a.bogus.example");
    site.release("hello", "1.0.0").publish();
    site.authorize_nobody();
    world.txt("a.bogus.example", &[&token(&site)]);
    let project = world.project("app").binary("app", "", "fn main() {}\n");
    let before = project.snapshot();
    super::nsadd(&world, &project, &["a.bogus.example/hello"]).code(5).stderr_has("bogus");
    project.assert_unchanged(&before);
}

#[test]
fn txt_of_a_signed_zone_is_enough() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    small.site.authorize_nobody();
    world.txt("_cargo-namespace.a.example", &[&token(&small.site)]);
    small.nsadd(&["a.example/hello"]).success().stderr_has("for a.example: listed at ").stderr_has("TXT");
}
