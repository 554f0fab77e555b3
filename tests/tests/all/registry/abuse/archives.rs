//! Hostile .crates with a good signature, over HTTP: the rules are those of `shared/core/src/package`, and the registry has them.

use namespace_world::Archive;
use namespace_world::stage::Stage;

use super::{json, put, says};

const MANIFEST: &str = "[package]\nname = \"hello\"\nversion = \"1.0.0\"\nedition = \"2021\"\n";

#[test]
fn a_hostile_archive_of_each_kind() {
    let stage = Stage::set("", &[]);
    let package = || Archive::package("hello", "1.0.0");
    let manifest =
        |text: &str| Archive::new("hello", "1.0.0").file("Cargo.toml", text).file("src/lib.rs", "");
    for (kind, archive) in [
        ("a symbolic link", package().symlink("src/evil.rs", "/etc/passwd")),
        ("a hard link", package().hard_link("src/evil.rs", "hello-1.0.0/src/lib.rs")),
        ("a device", package().device("src/evil.rs")),
        ("a pipe", package().fifo("src/evil.rs")),
        ("a path upwards", package().file_at("hello-1.0.0/../evil.rs", "x")),
        ("an absolute path", package().file_at("/tmp/evil.rs", "x")),
        ("another top folder", package().file_at("evil-1.0.0/src/lib.rs", "x")),
        ("Cargo's marker", package().file(".cargo-ok", "x")),
        ("Cargo's checksums", package().file(".cargo-checksum.json", "{}")),
        ("a case twin of the manifest", package().file("cargo.toml", MANIFEST)),
        ("a case twin", package().file("src/LIB.rs", "")),
        ("sizes that disagree", package().pax(&[("size", "3")]).file("src/evil.rs", "evil")),
        ("a bidi character in a path", package().file("src/a\u{202e}sr.b", "x")),
        ("another version inside", manifest(&MANIFEST.replace("1.0.0", "1.0.1"))),
        ("another name inside", manifest(&MANIFEST.replace("hello", "hallo"))),
        ("no manifest", Archive::new("hello", "1.0.0").file("src/lib.rs", "")),
    ] {
        let answer = put(&stage, &stage.author, "hello", "1.0.0", &json("hello", "1.0.0"), &archive.build());
        assert_eq!(answer.status, 400, "{kind}: {}", answer.text());
    }
    assert_eq!(stage.get("/index/hello.example/he/ll/hello").status, 404, "nothing was published");
    stage.publishes("1.0.0");
}

#[test]
fn a_manifest_that_would_lead_cargo_elsewhere() {
    let stage = Stage::set("", &[]);
    for text in [
        "[dependencies]\nfoo = { version = \"1\", git = \"https://host.example/foo\" }\n",
        "[target.'cfg(unix)'.build_dependencies]\nfoo = { version = \"1\", path = \"../foo\" }\n",
        "[dev-dependencies]\nfoo = { version = \"1\", git = \"https://host.example/foo\", rev = \"1\" }\n",
        "[patch.crates-io]\nfoo = { git = \"https://host.example/foo\" }\n",
        "[replace]\n\"foo:1.0.0\" = { git = \"https://host.example/foo\" }\n",
        "[workspace]\n",
    ] {
        let archive = Archive::new("hello", "1.0.0")
            .file("Cargo.toml", format!("{MANIFEST}{text}"))
            .file("src/lib.rs", "");
        let answer = put(&stage, &stage.author, "hello", "1.0.0", &json("hello", "1.0.0"), &archive.build());
        says(&answer, 400, "is not allowed in a packaged Cargo.toml");
    }
    assert_eq!(stage.get("/index/hello.example/he/ll/hello").status, 404, "nothing was published");
    stage.publishes("1.0.0");
}

#[test]
fn a_requirement_of_any_version_at_all() {
    let stage = Stage::set("", &[]);
    let publish = |table: &str, kind: &str, requirement: &str| {
        let archive = Archive::new("hello", "1.0.0")
            .file("Cargo.toml", format!("{MANIFEST}[{table}]\nfoo = \"{requirement}\"\n"))
            .file("src/lib.rs", "");
        let dependency = format!(
            r#"{{"name":"foo","version_req":"{requirement}","registry":"https://github.com/rust-lang/crates.io-index","kind":"{kind}","optional":false,"default_features":true,"features":[]}}"#
        );
        let json = format!(r#"{{"name":"hello","vers":"1.0.0","deps":[{dependency}],"features":{{}}}}"#);
        put(&stage, &stage.author, "hello", "1.0.0", &json, &archive.build())
    };
    for (table, kind) in
        [("dependencies", "normal"), ("build-dependencies", "build"), ("dev-dependencies", "dev")]
    {
        says(&publish(table, kind, "*"), 400, "has the version requirement `*`");
    }
    says(&publish("dependencies", "normal", ">=0"), 200, "");
}

#[test]
fn what_is_sent_beside_the_archive_is_not_what_it_says() {
    let stage = Stage::set("", &[]);
    let archive = Archive::new("hello", "1.0.0")
        .file("Cargo.toml", format!("{MANIFEST}links = \"hello\"\n[features]\na = []\n"))
        .file("src/lib.rs", "")
        .file("build.rs", "fn main() {}")
        .build();
    let good = r#"{"name":"hello","vers":"1.0.0","deps":[],"features":{"a":[]},"links":"hello"}"#;
    for lie in [
        good.replace("\"deps\":[]", r#""deps":[{"name":"evil","version_req":"^1"}]"#),
        good.replace("\"a\":[]", "\"a\":[],\"b\":[]"),
        good.replace("\"a\":[]", ""),
        good.replace(",\"links\":\"hello\"", ""),
        good.replace("\"links\"", "\"rust_version\":\"1.60\",\"links\""),
    ] {
        says(
            &put(&stage, &stage.author, "hello", "1.0.0", &lie, &archive),
            400,
            "not what its Cargo.toml says",
        );
    }
    says(&put(&stage, &stage.author, "hello", "1.0.0", good, &archive), 200, "");
}

#[test]
fn huge_features_and_dependencies() {
    let stage = Stage::set("", &[]);
    let publish = |tables: &str, json: &str| {
        let archive = Archive::new("hello", "1.0.0")
            .file("Cargo.toml", format!("{MANIFEST}{tables}"))
            .file("src/lib.rs", "")
            .build();
        put(&stage, &stage.author, "hello", "1.0.0", json, &archive)
    };
    let listed = |count: usize, one: &dyn Fn(usize) -> String| (0..count).map(one).collect::<Vec<_>>();
    let features = |count| {
        let table = listed(count, &|at| format!("f{at} = []")).join("\n");
        let sent = listed(count, &|at| format!("\"f{at}\":[]")).join(",");
        let json = format!(r#"{{"name":"hello","vers":"1.0.0","deps":[],"features":{{{sent}}}}}"#);
        publish(&format!("[features]\n{table}\n"), &json)
    };
    let deps = |count| {
        let table = listed(count, &|at| format!("d{at} = \"1\"")).join("\n");
        let one = |at| {
            format!(
                r#"{{"name":"d{at}","version_req":"^1","registry":"https://github.com/rust-lang/crates.io-index","kind":"normal","optional":false,"default_features":true,"features":[]}}"#
            )
        };
        let sent = listed(count, &one).join(",");
        let json = format!(r#"{{"name":"hello","vers":"1.0.0","deps":[{sent}],"features":{{}}}}"#);
        publish(&format!("[dependencies]\n{table}\n"), &json)
    };
    says(&features(5001), 400, "features");
    says(&deps(2001), 400, "dependencies");
    // Not too many, but together more than a line of the index may have.
    let values = vec!["\"f4999\""; 40].join(",");
    let table = listed(5000, &|at| format!("f{at} = [{}]", if at == 4999 { "" } else { &values })).join("\n");
    let sent = listed(5000, &|at| format!("\"f{at}\":[{}]", if at == 4999 { "" } else { &values })).join(",");
    let json = format!(r#"{{"name":"hello","vers":"1.0.0","deps":[],"features":{{{sent}}}}}"#);
    says(&publish(&format!("[features]\n{table}\n"), &json), 400, "this crate cannot be listed");
    assert_eq!(stage.get("/index/hello.example/he/ll/hello").status, 404);
    says(&features(5000), 200, "");
}
