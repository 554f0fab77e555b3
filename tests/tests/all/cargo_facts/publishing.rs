//! `cargo publish` as the registry sees it.

use std::sync::Mutex;

use namespace_world::server::{Request, Response};
use namespace_world::{Home, Project, Server, World, run};
use serde_json::{Value, json};

use super::index::sha256;

/// What a publish sends: 32-bit little-endian length, JSON, 32-bit length, the .crate.
pub fn parts(request: &Request) -> (Value, Vec<u8>) {
    let (length, rest) = request.body.split_at(4);
    let length =
        usize::try_from(u32::from_le_bytes(length.try_into().expect("four bytes"))).expect("a short text");
    let (metadata, archive) = rest.split_at(length);
    (serde_json::from_slice(metadata).expect("the metadata is JSON"), archive[4..].to_vec())
}

/// A registry that accepts every publish and shows it in its index at once. With a token, it answers nobody else.
pub fn registry(world: &World, host: &str, token: Option<&'static str>) -> Server {
    let config = json!({
        "dl": format!("https://{host}/crates"), "api": format!("https://{host}"), "auth-required": token.is_some(),
    });
    let published = Mutex::new(None);
    Server::start(world, host, move |request| {
        if token.is_some() && request.header("authorization") != token {
            return Response::new(401, "");
        }
        let mut published = published.lock().expect("no thread panicked");
        match (request.method.as_str(), request.path.as_str()) {
            (_, "/cargo/index/config.json") => Response::ok(config.to_string()),
            ("PUT", "/api/v1/crates/new") => {
                *published = Some(line(request));
                Response::ok("{}")
            }
            ("GET", "/cargo/index/he/ll/hello") => {
                published.clone().map_or_else(Response::not_found, Response::ok)
            }
            ("DELETE" | "PUT", _) => Response::ok(r#"{"ok":true,"msg":"done"}"#),
            _ => Response::not_found(),
        }
    })
}

/// The index line of what a request publishes, without its dependencies.
fn line(request: &Request) -> String {
    let (metadata, archive) = parts(request);
    json!({
        "name": metadata["name"], "vers": metadata["vers"], "deps": [], "features": {}, "yanked": false, "cksum": sha256(&archive),
    })
    .to_string()
}

/// A library `hello` 1.0.0 whose registry is `a_example`, with more lines for the registry's table.
pub fn hello(world: &Home, settings: &str) -> Project {
    world.project("hello").library("hello", "1.0.0", "").file(
        ".cargo/config.toml",
        &format!("[registries.a_example]\nindex = \"sparse+https://a.example/cargo/index/\"\n{settings}"),
    )
}

#[test]
fn a_registrys_error_is_printed_whole_with_its_line_breaks() {
    let world = World::new(&["a.example"]);
    let _server = Server::start(&world, "a.example", |request| {
        match request.path.as_str() {
        "/cargo/index/config.json" => Response::ok(r#"{"dl":"https://a.example/crates","api":"https://a.example"}"#),
        "/api/v1/crates/new" => Response::new(
            403,
            json!({ "errors": [{ "detail": "prove that a.example is yours:\n\n  1. add this TXT record\n     sha256-abc\n  2. publish again" }] })
                .to_string(),
        ),
        _ => Response::not_found(),
    }
    });
    let project = hello(&world, "token = \"t\"\n");
    run(world
        .cargo()
        .args(["publish", "--registry", "a_example", "--no-verify", "--allow-dirty"])
        .current_dir(project.path()))
    .failure()
    // Every line but the first is indented by two, as are all of Cargo's causes.
    .stderr_has("prove that a.example is yours:\n\n    1. add this TXT record\n       sha256-abc\n    2. publish again\n");
}

#[test]
fn publishing_needs_a_config_with_an_api_to_answer_first() {
    let world = World::new(&["a.example"]);
    let server = Server::start(&world, "a.example", |_| Response::not_found());
    let project = hello(&world, "token = \"t\"\n");
    run(world
        .cargo()
        .args(["publish", "--registry", "a_example", "--no-verify", "--allow-dirty"])
        .current_dir(project.path()))
    .failure();
    assert!(server.requests().iter().all(|request| request.method == "GET"), "nothing was uploaded");
}

#[test]
fn what_is_uploaded_names_other_registries_by_their_url() {
    let world = World::new(&["a.example", "b.example"]);
    let b = super::Index::new(&world, "b.example");
    b.publish("deep", "1.0.0", &[]);
    let server = registry(&world, "a.example", None);
    let project = hello(&world, &format!("token = \"t\"\n[registries.b_example]\nindex = \"{}\"\n", b.url()))
        .library("hello", "1.0.0", "deep = { version = \"1\", registry = \"b_example\" }\n");
    run(world
        .cargo()
        .args(["publish", "--registry", "a_example", "--no-verify", "--allow-dirty"])
        .current_dir(project.path()))
    .success();
    let requests = server.requests();
    let upload = requests.iter().find(|request| request.method == "PUT").expect("something was uploaded");
    assert_eq!(parts(upload).0["deps"][0]["registry"], json!(b.url()));
}
