//! Hosts that are polite to our client, and not to the Cargo that is started afterwards.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use flate2::{Compress, Compression, FlushCompress};
use namespace_tests::server::{Request, Response, Stream};
use namespace_tests::{Server, World};

use super::Small;

/// Nobody waits longer for it than this, on a machine that does other things besides.
const PATIENCE: Duration = Duration::from_secs(120);

/// Whether this is Cargo, by its own word.
fn is_cargo(request: &Request) -> bool {
    request.header("user-agent").is_some_and(|agent| agent.starts_with("cargo/1."))
}

/// Serves the host's files, but to Cargo the answer of `hostile` for paths that end in `path`.
fn two_faced(
    world: &World,
    path: &'static str,
    hostile: impl Fn(&mut Stream) -> std::io::Result<()> + Send + Sync + 'static,
) -> Server {
    let root = world.web_root("a.example");
    Server::raw(world, "a.example", "a.example", move |request, stream| {
        if is_cargo(request) && request.path.ends_with(path) {
            return hostile(stream);
        }
        answer(&root, request).write(stream)
    })
}

fn answer(root: &PathBuf, request: &Request) -> Response {
    std::fs::read(root.join(&request.path[1..])).map_or_else(|_| Response::not_found(), Response::ok)
}

/// 1 MiB of zeros, compressed, that can be repeated without end.
fn zeros() -> Vec<u8> {
    let mut made = Vec::with_capacity(1 << 16);
    let mut compress = Compress::new(Compression::best(), false);
    compress.compress_vec(&vec![0; 1 << 20], &mut made, FlushCompress::Full).expect("zeros are compressed");
    made
}

/// A few kilobytes a mebibyte, without end.
fn bomb(stream: &mut Stream) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 x\r\nConnection: close\r\nContent-Encoding: gzip\r\n\r\n")?;
    stream.write_all(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3])?;
    let zeros = zeros();
    loop {
        stream.write_all(&zeros)?;
    }
}

#[track_caller]
fn ends(path: &'static str) {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let _host = two_faced(&world, path, bomb);
    let began = Instant::now();
    small
        .refused(5, &["a.example/hello"])
        .stderr_has("was ended: it took more than 2048 MiB of memory")
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
            return bomb(stream);
        }
        answer(&root, request).write(stream)
    });
    small.refused(5, &["a.example/other"]).stderr_has("config.json").stderr_lacks("was ended");
}

#[test]
fn a_redirect_to_http_is_not_followed() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let root = world.web_root("a.example");
    let _host = Server::start(&world, "a.example", move |request| {
        if is_cargo(request) && request.path.ends_with("/he/ll/hello") {
            return Response::redirect(&format!("http://a.example{}", request.path));
        }
        answer(&root, request)
    });
    world.set_env("CARGO_NET_RETRY", "0");
    world.forget_contacts();
    small.refused(101, &["a.example/hello"]).stderr_has("redirects-to-http-are-not-followed");
    assert!(world.contacted().iter().all(|target| target == "a.example:443"), "{:?}", world.contacted());
}
