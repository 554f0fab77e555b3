//! Clients that hold connections, streams and memory with as little as they can. All of it over sockets of this machine, bounded,
//! against the real command.

mod crowds;
mod streams;

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use namespace_world::http2::{self, HEADERS, PING};
use namespace_world::registry::HOST;
use namespace_world::stage::{Stage, noise};
use namespace_world::{LiveRegistry, programs, run};
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::world;

const CRATE: &str = "/index/hello.example/crates/hello/hello-1.0.0.crate";
const ROOT: &str = "GET / HTTP/1.1\r\nHost: crates.example\r\n\r\n";
/// Few places, so that few connections take all.
const TEN: &str = "[server]\nmax-connections = 10\n";
/// What a client that asks something waits at most, whatever others do.
const SOON: Duration = Duration::from_secs(5);

/// A connection on which something was said.
fn said(stage: &Stage, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(stage.address()).expect("connect");
    stream.write_all(bytes).expect("send the beginning");
    stream
}

/// As [`said`], and the first of the answer has come.
fn answered(stage: &Stage, bytes: &[u8]) -> TcpStream {
    let mut stream = said(stage, bytes);
    let read = stream.read(&mut [0; 16 * 1024]).expect("an answer");
    assert!(read > 0, "an answer");
    stream
}

/// The ways to hold a connection and ask for nothing.
fn silences() -> Vec<(&'static str, Vec<u8>)> {
    let settings = http2::opening(&[]);
    let half = http2::frame(HEADERS, 0, 1, &http2::get(HOST, "/"));
    vec![
        ("nothing", Vec::new()),
        ("a first byte", b"G".to_vec()),
        ("half a head", b"GET / HTTP/1.1\r\nHost: crates.example\r\nx-slow: ".to_vec()),
        ("half a preface", http2::PREFACE[..10].to_vec()),
        ("a preface", http2::PREFACE.to_vec()),
        ("settings", settings.clone()),
        ("half the headers of a stream", [settings, half].concat()),
        ("a request, and then nothing", ROOT.as_bytes().to_vec()),
    ]
}

/// Whether the other side has ended the connection; pings of HTTP/2 are sent meanwhile.
fn has_ended(stream: &mut TcpStream, pings: bool) -> bool {
    stream.set_nonblocking(true).expect("do not wait");
    if pings && stream.write_all(&http2::frame(PING, 0, 0, &[7; 8])).is_err() {
        return true;
    }
    loop {
        match stream.read(&mut [0; 16 * 1024]) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() != ErrorKind::WouldBlock,
        }
    }
}

#[track_caller]
fn is_served(stage: &Stage, what: &str) {
    let begin = Instant::now();
    assert_eq!(stage.get("/").status, 200, "{what}");
    assert!(begin.elapsed() < SOON, "{what}: {:?}", begin.elapsed());
}

fn publish(stage: &Stage, length: usize) {
    let published = stage.publish("1.0.0", &noise(length)).expect("the registry answers");
    assert_eq!(published.status, 200, "{}", published.text());
}

/// As [`is_served`], of somebody at another address.
#[track_caller]
fn another_is_served(stage: &Stage) {
    let mut curl = stage.world.command(programs::find("curl"));
    curl.args(["--silent", "--show-error", "--noproxy", "*", "--max-time", "5", "--interface", "127.0.0.2"]);
    run(curl.arg(format!("http://{}/", stage.address()))).success().stdout_has("A registry of Rust crates");
}

#[test]
fn connections_that_ask_for_nothing_give_way() {
    let stage = Stage::set(TEN, &[]);
    for (what, bytes) in silences() {
        let crowd: Vec<TcpStream> = (0..30).map(|_| said(&stage, &bytes)).collect();
        std::thread::sleep(Duration::from_millis(200));
        (0..5).for_each(|_| another_is_served(&stage));
        assert!(stage.registry.descriptors() < 60, "{what}");
        drop(crowd);
        is_served(&stage, what);
    }
    assert_eq!(stage.registry.log().matches("error").count(), 0, "{}", stage.registry.log());
}

#[test]
fn connections_that_ask_for_nothing_are_cut() {
    let stage = Stage::set("", &[]);
    let before = stage.registry.descriptors();
    let begin = Instant::now();
    let mut open: Vec<(&str, TcpStream, Option<Duration>)> = silences()
        .into_iter()
        .chain([("pings", http2::opening(&[]))])
        .flat_map(|(what, bytes)| (0..3).map(move |_| (what, bytes.clone())))
        .map(|(what, bytes)| (what, said(&stage, &bytes), None))
        .collect();
    while begin.elapsed() < Duration::from_secs(95) && open.iter().any(|(_, _, ended)| ended.is_none()) {
        for (what, stream, ended) in &mut open {
            if ended.is_none() && has_ended(stream, *what == "pings") {
                *ended = Some(begin.elapsed());
            }
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    for (what, _, ended) in &open {
        let ended = ended.unwrap_or(Duration::MAX).as_secs();
        // Between two requests it is longer than the minute after which proxies close.
        let expected = if *what == "a request, and then nothing" { 65..90 } else { 8..20 };
        assert!(expected.contains(&ended), "{what}: after {ended} s");
    }
    assert!(stage.registry.descriptors() <= before + 2, "nothing is left open");
}

/// A TLS client that is believed by nobody but the world's registry.
fn tls(world: &namespace_world::World) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let bundle = rustls::pki_types::CertificateDer::pem_file_iter(world.authority().bundle()).expect("PEM");
    roots.add_parsable_certificates(bundle.flatten());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

#[test]
fn connections_that_are_silent_within_or_after_the_handshake_give_way_and_are_cut() {
    let (world, _) = world();
    let registry = LiveRegistry::start(&world, TEN);
    let config = tls(&world);
    let shake = |protocol: Option<&[u8]>| {
        let mut config = ClientConfig::clone(&config);
        config.alpn_protocols = protocol.into_iter().map(<[u8]>::to_vec).collect();
        let host = HOST.to_owned().try_into().expect("a name");
        let connection = ClientConnection::new(Arc::new(config), host).expect("a client");
        let mut stream =
            StreamOwned::new(connection, TcpStream::connect(registry.address()).expect("connect"));
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).expect("the handshake");
        }
        stream.sock
    };
    // The first record of a handshake says that much follows.
    let half = |bytes: &[u8]| {
        let mut stream = TcpStream::connect(registry.address()).expect("connect");
        stream.write_all(bytes).expect("send");
        stream
    };
    let ask = || {
        let begin = Instant::now();
        assert_eq!(super::get(&world, "").status, 200);
        assert!(begin.elapsed() < SOON, "{:?}", begin.elapsed());
    };
    let begin = Instant::now();
    let mut open: Vec<TcpStream> = Vec::new();
    for _ in 0..3 {
        open.push(half(b""));
        open.push(half(&[22, 3, 1, 2, 0, 1, 0, 1]));
        open.push(shake(None));
        open.push(shake(Some(b"h2")));
    }
    (0..5).for_each(|_| ask());
    while open.iter_mut().any(|stream| !has_ended(stream, false)) {
        assert!(begin.elapsed() < Duration::from_secs(25), "they are cut");
        std::thread::sleep(Duration::from_millis(200));
    }
}
