//! Redirects, tokens, and private indexes.

use namespace_world::server::{Request, Response};
use namespace_world::{Home, Output, Project, Server, World, run};
use serde_json::json;

use super::{Index, locked};

fn app(world: &Home) -> Project {
    world
        .project("app")
        .binary("app", "hello = { version = \"1\", registry = \"old_example\" }\n", "fn main() { println!(\"{}\", hello::who()); }\n")
        .file(
            ".cargo/config.toml",
            "[registries.old_example]\nindex = \"sparse+https://old.example/cargo/index/\"\ncredential-provider = \"cargo:token\"\n",
        )
}

#[test]
fn redirects_are_followed_for_index_files_and_downloads() {
    let world = World::new(&["old.example", "new.example"]);
    let index = Index::new(&world, "new.example");
    index.publish("hello", "1.0.0", &[]);
    index.config(&json!({ "dl": "https://old.example/crates" }));
    let old = Server::start(&world, "old.example", |request| {
        Response::redirect(&format!("https://new.example{}", request.path))
    });
    let project = app(&world);
    run(world.cargo().arg("run").current_dir(project.path())).success().stdout_has("from new.example");
    // The lock keeps the URL that the project names.
    assert_eq!(locked(&project), ["hello 1.0.0 sparse+https://old.example/cargo/index/"]);
    let asked: Vec<String> = old.requests().into_iter().map(|request| request.path).collect();
    assert!(asked.contains(&"/crates/hello/1.0.0/download".to_owned()), "{asked:?}");
}

#[test]
fn a_redirect_to_another_host_drops_the_token() {
    let world = World::new(&["old.example", "new.example"]);
    let old = Server::start(&world, "old.example", |request| match request.path.as_str() {
        "/cargo/index/config.json" => {
            Response::ok(r#"{"dl":"https://old.example/crates","auth-required":true}"#)
        }
        path => Response::redirect(&format!("https://new.example{path}")),
    });
    let new = Server::start(&world, "new.example", |_| Response::not_found());
    let project = app(&world);
    run(world
        .cargo()
        .arg("check")
        .env("CARGO_REGISTRIES_OLD_EXAMPLE_TOKEN", "secret")
        .current_dir(project.path()))
    .failure();
    let sent = |requests: Vec<Request>| -> Vec<(String, bool)> {
        requests
            .into_iter()
            .map(|request| (request.path.clone(), request.header("authorization") == Some("secret")))
            .collect()
    };
    assert!(
        sent(old.requests()).contains(&("/cargo/index/he/ll/hello".to_owned(), true)),
        "{:?}",
        old.requests()
    );
    assert_eq!(sent(new.requests()), [("/cargo/index/he/ll/hello".to_owned(), false)]);
    assert!(new.requests().iter().all(|request| request.header("authorization").is_none()));
}

/// An index that shows nothing without the token and answers `status` then.
fn private_index(status: u16) -> Output {
    let world = World::new(&["old.example", "new.example"]);
    let index = Index::new(&world, "new.example");
    index.publish("hello", "1.0.0", &[]);
    let files = world.web_root("new.example");
    let _old = Server::start(&world, "old.example", move |request| {
        if request.header("authorization") != Some("secret") {
            return Response::new(status, "");
        }
        match request.path.as_str() {
            "/cargo/index/config.json" => {
                Response::ok(r#"{"dl":"https://old.example/crates","auth-required":true}"#)
            }
            path => {
                std::fs::read(files.join(&path[1..])).map_or_else(|_| Response::not_found(), Response::ok)
            }
        }
    });
    let project = app(&world);
    run(world
        .cargo()
        .arg("run")
        .env("CARGO_REGISTRIES_OLD_EXAMPLE_TOKEN", "secret")
        .current_dir(project.path()))
}

#[test]
fn a_private_index_must_answer_401_to_a_request_without_a_token() {
    private_index(401).success().stdout_has("hello 1.0.0 from new.example");
}

#[test]
fn a_private_index_that_answers_403_or_404_is_never_asked_with_the_token() {
    private_index(403).failure().stderr_has("403");
    private_index(404).failure().stderr_has("config.json");
}
