//! The registry, with stock Cargo, real DNS and real TLS around it.

mod abuse;
mod cargo;
mod connections;
mod dev;
mod domains;
mod downloads;
mod ending;
mod faults;
mod http;
mod operator;
mod requests;
mod validation;
mod wire;

use cargo_namespaces::api::{CheckRequest, CheckResponse, path};
use cargo_namespaces_net::client::{Request, Response, Transport as _};
use namespace_world::registry::HOST;
use namespace_world::{Author, Home, Output, Project, World, run};

use crate::network::client;

/// A world with one host, which resolves to loopback, and somebody who wants to publish under it.
fn world() -> (World, Author) {
    let world = World::new(&["hello.example"]);
    world.dns_records("hello.example", "A", &["127.0.0.1"]);
    (world, Author::new("hello.example"))
}

/// Puts the author's record where `cargo-publishers` is.
fn authorize(world: &World, author: &Author) {
    let record = format!("{}\n", author.record("hello.example"));
    world.serve("hello.example", ".well-known/cargo-publishers", record);
}

/// A project that can be published.
fn project(world: &Home, author: &Author, name: &str, version: &str) -> Project {
    let project = world.project(&format!("{name}-{version}")).library(name, version, "");
    project.file(".cargo/config.toml", &author.cargo_config())
}

/// The .crate that `cargo publish` will send; it is the same each time.
fn packaged(world: &Home, project: &Project, name: &str, version: &str) -> Vec<u8> {
    run(world.cargo().args(["package", "--no-verify", "--quiet"]).current_dir(project.path())).success();
    let path = world.target_dir().join(format!("package/{name}-{version}.crate"));
    std::fs::read(path).expect("cargo made the .crate")
}

/// `cargo publish` of a project, signed by the author through a plain token.
fn publish(world: &Home, author: &Author, name: &str, version: &str) -> Output {
    let project = project(world, author, name, version);
    let archive = packaged(world, &project, name, version);
    let token = author.publish_token(name, version, &archive);
    let variable = format!("CARGO_REGISTRIES_{}_TOKEN", author.registry_name().to_uppercase());
    run(world
        .cargo()
        .args(["publish", "--no-verify", "--registry", &author.registry_name()])
        .env(variable, token)
        .current_dir(project.path()))
}

fn get(world: &World, path: &str) -> Response {
    client(world)
        .fetch_one(Request::index_file(format!("https://{HOST}/{path}")))
        .expect("the registry answers")
}

fn check(world: &World, author: &Author, krate: Option<&str>) -> CheckResponse {
    let request = CheckRequest {
        key: author.key.public(),
        krate: krate.map(|name| name.parse().expect("a crate name")),
    };
    let body = serde_json::to_vec(&request).expect("a request serialises");
    let url = format!("https://{HOST}/{}", path::check(&author.namespace));
    let response =
        client(world).fetch_one(Request::post(url, "application/json", body)).expect("the registry answers");
    serde_json::from_slice(response.bytes())
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(response.bytes())))
}
