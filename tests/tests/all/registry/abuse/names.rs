//! Names and versions that are taken, reserved, somebody else's suffix, or not told apart by Cargo.

use cargo_namespaces::statement::YankOperation;
use namespace_world::registry::exchange;
use namespace_world::stage::Stage;
use namespace_world::{Archive, Author};

use super::{json, put, says};

fn archive(name: &str, version: &str) -> Vec<u8> {
    Archive::package(name, version).build()
}

#[test]
fn twins_of_a_name_and_of_a_version() {
    let stage = Stage::set("", &[]);
    let publish = |name: &str, version: &str| {
        put(&stage, &stage.author, name, version, &json(name, version), &archive(name, version))
    };
    says(&publish("he-llo", "1.0.0"), 200, "");
    for twin in ["he_llo", "He-llo", "HE_LLO"] {
        says(&publish(twin, "2.0.0"), 409, "is the same name as `he-llo`");
    }
    says(&publish("he-llo", "1.0.0+build.7"), 409, "only in its build part");
    says(&publish("he-llo", "1.0.0"), 409, "exactly this content");
    let other = Archive::package("he-llo", "1.0.0").file("more", "x").build();
    says(
        &put(&stage, &stage.author, "he-llo", "1.0.0", &json("he-llo", "1.0.0"), &other),
        409,
        "never replaced",
    );
    let info = stage.get("/api/v1/crate/hello.example/he-llo").text();
    assert_eq!(info.matches("\"version\":").count(), 1, "{info}");
}

#[test]
fn reserved_names() {
    let stage = Stage::set("", &[]);
    for name in
        ["std", "core", "proc-macro", "Rustc", "nul", "com1", "_a", "1a", "a.b", "..", "a/b", "h\u{435}llo"]
    {
        let answer =
            put(&stage, &stage.author, "hello", "1.0.0", &json(name, "1.0.0"), &archive("hello", "1.0.0"));
        says(&answer, 400, "is not a crate name");
    }
    stage.publishes("1.0.0");
}

#[test]
fn a_name_is_never_freed() {
    let stage = Stage::set("", &[]);
    stage.publishes("1.0.0");
    let bytes = Archive::package("hello", "1.0.0").file("filling", b"").build();
    let token = stage.author.yank_token("hello", "1.0.0", &bytes, YankOperation::Yank);
    let head =
        format!("DELETE /ns/hello.example/api/v1/crates/hello/1.0.0/yank HTTP/1.1\r\nAuthorization: {token}");
    says(&exchange(stage.address(), &head, b"").expect("the registry answers"), 200, "yanked");
    assert!(stage.lines()[0].yanked, "nothing of the crate is left to use");
    let buyer = Author::new("hello.example");
    let record = format!("{}\n", buyer.record("hello.example"));
    stage.world.serve("hello.example", ".well-known/cargo-publishers", record);
    for (name, version) in [("hello", "2.0.0"), ("hello", "1.0.0"), ("Hello", "3.0.0")] {
        let answer = put(&stage, &buyer, name, version, &json(name, version), &archive(name, version));
        assert!(matches!(answer.status, 403 | 409), "{}", answer.text());
    }
    let again =
        put(&stage, &stage.author, "hello", "1.0.0", &json("hello", "1.0.0"), &archive("hello", "1.0.0"));
    says(&again, 409, "never replaced");
    let free = put(&stage, &buyer, "hullo", "1.0.0", &json("hullo", "1.0.0"), &archive("hullo", "1.0.0"));
    says(&free, 200, "");
}

#[test]
fn public_suffixes_and_index_urls_that_end_in_git() {
    let stage = Stage::set("", &[]);
    for (namespace, says_why) in [
        ("github.io", "public suffix"),
        ("co.uk", "public suffix"),
        ("hello.example.git", "ends in `.git`"),
        ("hello.GIT", "ends in `.git`"),
        ("127.0.0.1", "IP address"),
        ("hello", "no dot"),
        ("hello.example.", "ends with a dot"),
        ("a%2Fb.example", "not a valid host name"),
        ("%2e%2e", "is not a namespace"),
        ("hell%00o.example", "not a valid host name"),
    ] {
        for path in [
            format!("/index/{namespace}/config.json"),
            format!("/index/{namespace}/he/ll/hello"),
            format!("/api/v1/namespace/{namespace}"),
        ] {
            says(&stage.get(&path), 400, says_why);
        }
    }
    // One spelling is one index: others lead to the same, and the name in the answer is the normal one.
    let config = stage.get("/index/HELLO.example/config.json");
    says(&config, 200, "/index/hello.example/");
}
