//! Hosts that are polite to our client, and not to the Cargo that is started afterwards.

use std::path::Path;
use std::time::{Duration, Instant};

use namespace_world::server::{Request, Response};
use namespace_world::{HostileHost, Server, World};

use super::Small;

/// Nobody waits longer for it than this, on a machine that does other things besides.
const PATIENCE: Duration = Duration::from_secs(120);

fn answer(root: &Path, request: &Request) -> Response {
    std::fs::read(root.join(&request.path[1..])).map_or_else(|_| Response::not_found(), Response::ok)
}

#[track_caller]
fn ends(path: &'static str) {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let _host = HostileHost::endless_for_cargo(&world, "a.example", path);
    let began = Instant::now();
    small
        .refused(5, &["a.example/hello"])
        .stderr_has("was stopped: it took more than 2048 MiB of memory")
        .stderr_has("help: a registry that never stops answering does this");
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
}

#[test]
fn a_config_json_without_end_for_cargo_alone() {
    ends("/config.json");
}

#[test]
fn an_index_file_without_end_for_cargo_alone() {
    ends("/he/ll/hello");
}

#[test]
fn a_config_json_without_end_is_read_by_our_client_first() {
    let world = World::new(&["a.example"]);
    let small = Small::added(&world);
    small.site.release("other", "1.0.0").publish();
    let root = world.web_root("a.example");
    let _host = Server::raw(&world, "a.example", "a.example", move |request, stream| {
        if request.path.ends_with("/config.json") {
            return HostileHost::zeros(stream);
        }
        answer(&root, request).write(stream)
    });
    small.refused(5, &["a.example/other"]).stderr_has("config.json").stderr_lacks("was stopped");
}

#[test]
fn a_redirect_to_http_is_not_followed() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let root = world.web_root("a.example");
    let _host = Server::start(&world, "a.example", move |request| {
        if request.is_from_cargo() && request.path.ends_with("/he/ll/hello") {
            return Response::redirect(&format!("http://a.example{}", request.path));
        }
        answer(&root, request)
    });
    world.set_env("CARGO_NET_RETRY", "0");
    world.forget_contacts();
    small.refused(101, &["a.example/hello"]).stderr_has("redirects-to-http-are-not-followed");
    assert!(world.contacted().iter().all(|target| target == "a.example:443"), "{:?}", world.contacted());
}
