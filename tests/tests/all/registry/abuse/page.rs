//! The page of a crate, with whatever its author put into the description; look-alike domains.

use namespace_world::registry::{Front, exchange};
use namespace_world::stage::Stage;
use namespace_world::{Archive, Author, LiveRegistry, World};

use super::{put, says};

#[test]
fn script_control_and_bidi_characters_in_a_description() {
    let stage = Stage::set("", &[]);
    let hostile = "<script>alert(1)</script><img src=x onerror=alert(2)>\u{1b}[31m \u{202e}txt.exe\u{200b} javascript:alert(3)";
    let description = serde_json::to_string(hostile).expect("a string");
    let json =
        format!(r#"{{"name":"hello","vers":"1.0.0","deps":[],"features":{{}},"description":{description}}}"#);
    let archive = Archive::package("hello", "1.0.0").build();
    says(&put(&stage, &stage.author, "hello", "1.0.0", &json, &archive), 200, "");
    let page = stage.get("/hello.example/hello");
    assert_eq!(page.status, 200);
    assert_eq!(
        page.header("content-security-policy"),
        Some("default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'")
    );
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert!(page.header("content-type").is_some_and(|kind| kind.starts_with("text/html")));
    let text = page.text();
    for raw in ["<script", "<img", "\u{1b}", "\u{202e}", "\u{200b}"] {
        assert!(!text.contains(raw), "{raw:?}: {text}");
    }
    for shown in ["&lt;script&gt;", "\\u{202e}txt.exe"] {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    let json = stage.get("/api/v1/crate/hello.example/hello");
    assert_eq!(json.header("content-type"), Some("application/json"), "no browser takes it for a page");
}

#[test]
fn look_alikes_are_shown_in_both_forms() {
    // The second letter is a Cyrillic `а`.
    let host =
        cargo_namespaces::name::Namespace::parse("p\u{430}ypal.example").expect("a namespace").to_string();
    let world = World::new(&[&host]);
    let author = Author::new(&host);
    let registry = LiveRegistry::start_as(&world, "", Front::Behind);
    let archive = Archive::package("hello", "1.0.0").build();
    let publish = || {
        let token = author.publish_token("hello", "1.0.0", &archive);
        let head = format!("PUT /ns/{host}/api/v1/crates/new HTTP/1.1\r\nAuthorization: {token}");
        let body = namespace_world::registry::publish_body("hello", "1.0.0", &archive);
        exchange(registry.address(), &head, &body).expect("the registry answers")
    };
    says(&publish(), 403, &format!("p\u{430}ypal.example ({host})"));
    world.serve(&host, ".well-known/cargo-publishers", format!("{}\n", author.record(&host)));
    says(&publish(), 200, "");
    let page = exchange(registry.address(), &format!("GET /{host}/hello HTTP/1.1"), b"").expect("a page");
    says(&page, 200, &format!("p\u{430}ypal.example/hello ({host}/hello)"));
    says(&page, 200, "mixes letters of several scripts");
}
