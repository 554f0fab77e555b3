//! Clients that hold connections, streams and memory with as little as they can. All of it over sockets of this machine, bounded,
//! against the real command.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use namespace_world::http2::{
    self, CONTINUATION, END_HEADERS, HEADERS, PING, RST_STREAM, SETTINGS, WINDOW_UPDATE,
};
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

#[test]
fn one_client_that_is_busy_with_all_places_leaves_some_to_others() {
    let stage = Stage::set(TEN, &[]);
    publish(&stage, 24 * 1024 * 1024);
    let unread: Vec<TcpStream> = (0..10)
        .map(|_| answered(&stage, format!("GET {CRATE} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()))
        .collect();
    let post = "POST /api/v1/owners HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n{";
    let unsent: Vec<TcpStream> = (0..10).map(|_| said(&stage, post.as_bytes())).collect();
    another_is_served(&stage);
    // From the same address too, once they have not moved for a while.
    std::thread::sleep(Duration::from_secs(3));
    is_served(&stage, "the same client");
    drop((unread, unsent));
}

/// A connection from another address of this machine.
fn from(last: u8, stage: &Stage) -> TcpStream {
    use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
    bind(&socket, &SocketAddr::from(([127, 0, 0, last], 0))).expect("bind");
    connect(&socket, &stage.address()).expect("connect");
    TcpStream::from(socket)
}

/// Asks on a new connection, with a pause before as a handshake would take.
fn asks(mut stream: TcpStream) {
    std::thread::sleep(Duration::from_millis(200));
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").expect("the place is kept");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
}

#[test]
fn a_burst_of_clients_waits_for_its_places() {
    let stage = Stage::set(TEN, &[]);
    std::thread::scope(|scope| {
        for _ in 0..40 {
            scope.spawn(|| asks(said(&stage, b"")));
        }
    });
}

#[test]
fn a_crowd_that_comes_again_and_again_does_not_push_others_out() {
    let stage = Stage::set(TEN, &[]);
    publish(&stage, 24 * 1024 * 1024);
    let end = Instant::now() + Duration::from_secs(10);
    std::thread::scope(|scope| {
        for _ in 0..25 {
            scope.spawn(|| {
                let get = format!("GET {CRATE} HTTP/1.1\r\nHost: a\r\n\r\n");
                while Instant::now() < end {
                    let mut stream = said(&stage, b"");
                    stream.set_read_timeout(Some(Duration::from_secs(1))).expect("set");
                    let _ = stream.write_all(get.as_bytes());
                    // It moves, slowly.
                    while Instant::now() < end && stream.read(&mut [0; 2000]).is_ok_and(|read| read > 0) {
                        std::thread::sleep(Duration::from_millis(100));
                    }
                }
            });
        }
        std::thread::sleep(Duration::from_secs(2));
        while Instant::now() + Duration::from_secs(1) < end {
            asks(from(2, &stage));
        }
    });
}

#[test]
fn what_comes_of_a_body_after_the_answer_has_begun_does_not_hold_the_connection() {
    let stage = Stage::set(TEN, &[]);
    publish(&stage, 24 * 1024 * 1024);
    let begin = Instant::now();
    let get = format!("GET {CRATE} HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n");
    let mut plain: Vec<TcpStream> = (0..2).map(|_| answered(&stage, get.as_bytes())).collect();
    let mut streams = said(&stage, &http2::opening(&[(http2::INITIAL_WINDOW_SIZE, 0)]));
    let head = http2::frame(HEADERS, END_HEADERS, 1, &http2::get(HOST, CRATE));
    streams.write_all(&head).expect("a request with a body");
    for _ in 0..3 {
        std::thread::sleep(Duration::from_millis(300));
        plain.iter_mut().for_each(|stream| stream.write_all(b"x").expect("a byte of the body"));
        streams.write_all(&http2::frame(http2::DATA, 0, 1, b"x")).expect("a byte of the body");
    }
    // What is unread is not read here either: only sending shows that the other side is gone.
    std::thread::sleep(Duration::from_secs(42).saturating_sub(begin.elapsed()));
    for stream in plain.iter_mut().chain([&mut streams]) {
        let gone = (0..5).any(|_| {
            std::thread::sleep(Duration::from_millis(100));
            stream.write_all(b"x").is_err()
        });
        assert!(gone, "it is cut");
    }
}

#[test]
fn four_addresses_leave_requests_to_others() {
    let stage = Stage::set("[server]\nmax-connections = 20\n", &[]);
    publish(&stage, 8 * 1024 * 1024);
    let mut ask = http2::opening(&[(http2::INITIAL_WINDOW_SIZE, 0)]);
    for at in 0..100 {
        ask.extend(http2::frame(HEADERS, END_HEADERS | http2::ACK, 2 * at + 1, &http2::get(HOST, CRATE)));
    }
    // Three connections of each of four addresses ask for 300 of the 1024 requests: for more than a quarter.
    let crowd: Vec<TcpStream> = (0..12)
        .map(|at| {
            let mut stream = from(10 + at % 4, &stage);
            stream.write_all(&ask).expect("send");
            stream
        })
        .collect();
    std::thread::sleep(Duration::from_secs(2));
    (0..5).for_each(|_| another_is_served(&stage));
    drop(crowd);
}

fn publish(stage: &Stage, length: usize) {
    let published = stage.publish("1.0.0", &noise(length)).expect("the registry answers");
    assert_eq!(published.status, 200, "{}", published.text());
}

/// Begins so many requests for the large .crate, on a connection that gives no room for what it asks.
fn no_room(stage: &Stage, streams: u32) -> TcpStream {
    let mut bytes = http2::opening(&[(http2::INITIAL_WINDOW_SIZE, 0)]);
    for at in 0..streams {
        bytes.extend(http2::frame(HEADERS, END_HEADERS | http2::ACK, 2 * at + 1, &http2::get(HOST, CRATE)));
    }
    said(stage, &bytes)
}

#[test]
fn streams_without_room_hold_no_file_little_memory_and_no_time() {
    let stage = Stage::set("", &[]);
    publish(&stage, 8 * 1024 * 1024);
    let (files, memory) = (stage.registry.descriptors(), stage.registry.memory_mib("VmRSS"));
    let begin = Instant::now();
    let crowd: Vec<TcpStream> = (0..39).map(|_| no_room(&stage, 100)).collect();
    let pinging: Vec<_> = crowd
        .into_iter()
        .map(|mut stream| {
            std::thread::spawn(move || {
                let mut data = 0;
                stream.set_read_timeout(Some(Duration::from_secs(1))).expect("set");
                while begin.elapsed() < Duration::from_secs(80) {
                    match http2::read(&mut stream) {
                        Ok(frame) if frame.kind == http2::DATA => data += frame.payload.len(),
                        Ok(_) => {}
                        Err(error) if error.kind() == ErrorKind::WouldBlock => {
                            if stream.write_all(&http2::frame(PING, 0, 0, &[1; 8])).is_err() {
                                break;
                            }
                        }
                        Err(_) => break,
                    }
                }
                (begin.elapsed(), data)
            })
        })
        .collect();
    let mut held = 0;
    while begin.elapsed() < Duration::from_secs(8) {
        held = held.max(stage.registry.descriptors() - files);
        std::thread::sleep(Duration::from_millis(20));
    }
    let grown = stage.registry.memory_mib("VmRSS") - memory;
    eprintln!("3900 streams without room: {held} descriptors, {grown:.1} MiB");
    // Some files are open at any moment, while it reads.
    assert!(held < 39 + 100, "{held} descriptors for 39 connections");
    assert!(grown < 120.0, "{grown} MiB");
    is_served(&stage, "others");
    for client in pinging {
        let (ended, data) = client.join().expect("a client ends");
        assert_eq!(data, 0, "there was no room");
        assert!((25..60).contains(&ended.as_secs()), "cut after {ended:?}");
    }
    assert!(stage.registry.descriptors() <= files + 5, "nothing is left open");
}

#[test]
fn a_stream_that_stalls_does_not_take_the_others_with_it_at_once() {
    let stage = Stage::set("", &[]);
    publish(&stage, 8 * 1024 * 1024);
    let mut stream = no_room(&stage, 2);
    stream.set_read_timeout(Some(Duration::from_secs(1))).expect("set");
    let begin = Instant::now();
    let (mut data, mut told) = (0, None);
    // Room for the third stream alone, a little every few seconds: slow, and steady.
    while begin.elapsed() < Duration::from_secs(50) {
        let room = http2::frame(WINDOW_UPDATE, 0, 3, &4096_u32.to_be_bytes());
        stream.write_all(&room).expect("the connection stays");
        let until = Instant::now() + Duration::from_secs(4);
        while Instant::now() < until {
            match http2::read(&mut stream) {
                Ok(frame) if frame.kind == http2::DATA => data += frame.payload.len(),
                Ok(frame) if frame.kind == http2::GOAWAY => told = told.or(Some(begin.elapsed())),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => panic!("after {:?} and {data} bytes: {error}", begin.elapsed()),
            }
        }
    }
    assert!(data >= 9 * 4096, "{data}");
    let told = told.expect("it is told to ask elsewhere").as_secs();
    assert!((29..45).contains(&told), "after {told} s");
}

#[test]
fn a_slow_and_steady_download_is_finished() {
    let stage = Stage::set("", &[]);
    publish(&stage, 6 * 1024 * 1024);
    let mut stream =
        said(&stage, format!("GET {CRATE} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").as_bytes());
    let begin = Instant::now();
    let (mut buffer, mut whole) = (vec![0; 32 * 1024], 0_u32);
    loop {
        let read = stream.read(&mut buffer).expect("the download goes on");
        if read == 0 {
            break;
        }
        whole += u32::try_from(read).expect("a small number");
        // 128 KiB in a second.
        let ahead = Duration::from_secs_f64(f64::from(whole) / 131_072.0);
        std::thread::sleep(ahead.saturating_sub(begin.elapsed()));
    }
    assert!(whole > 6 * 1024 * 1024, "{whole} bytes");
    assert!(begin.elapsed() > Duration::from_secs(40), "it was slow");
}

#[test]
fn a_head_has_a_bound_and_costs_no_more() {
    const MANY: u32 = 400;
    let stage = Stage::set("", &[]);
    is_served(&stage, "warm");
    let before = stage.registry.memory_mib("VmRSS");
    let half = format!("GET / HTTP/1.1\r\nHost: crates.example\r\nx-large: {}", "x".repeat(31 * 1024));
    let held: Vec<TcpStream> = (0..MANY).map(|_| said(&stage, half.as_bytes())).collect();
    std::thread::sleep(Duration::from_secs(2));
    let each = (stage.registry.memory_mib("VmRSS") - before) * 1024.0 / f64::from(MANY);
    eprintln!("half a head of 31 KiB costs {each:.1} KiB");
    assert!(each < 80.0, "{each} KiB for half a head");
    drop(held);
    let larger = format!("GET / HTTP/1.1\r\nHost: crates.example\r\nx-large: {}", "x".repeat(378 * 1024));
    let mut stream = TcpStream::connect(stage.address()).expect("connect");
    let _ = stream.write_all(larger.as_bytes());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 431"), "{}", String::from_utf8_lossy(&answer));
    let many = format!("GET / HTTP/1.1\r\nHost: crates.example\r\n{}\r\n", "x: y\r\n".repeat(500));
    let mut answer = Vec::new();
    let _ = said(&stage, many.as_bytes()).read_to_end(&mut answer);
    assert!(answer.starts_with(b"HTTP/1.1 431"), "{}", String::from_utf8_lossy(&answer));
}

/// Sends as much of a flood as the registry takes within some seconds; whether it ended the connection.
fn flood(stage: &Stage, opening: &[u8], mut next: impl FnMut(u32) -> Vec<u8>) -> bool {
    let mut stream = said(stage, opening);
    let begin = Instant::now();
    for at in 0..200_000 {
        if begin.elapsed() > Duration::from_secs(4) {
            return false;
        }
        stream.set_nonblocking(false).expect("wait");
        stream.set_write_timeout(Some(Duration::from_secs(1))).expect("set");
        if stream.write_all(&next(at)).is_err() || (at % 64 == 0 && has_ended(&mut stream, false)) {
            return true;
        }
    }
    false
}

/// The frames of a flood, by their number.
type Next<'a> = &'a (dyn Fn(u32) -> Vec<u8> + Sync);

#[test]
fn floods_of_frames_take_no_memory_and_nobody_elses_time() {
    let stage = Stage::set("", &[]);
    stage.publishes("1.0.0");
    let before = stage.registry.memory_mib("VmRSS");
    let opening = http2::opening(&[]);
    let request = http2::get(HOST, "/index/hello.example/he/ll/hello");
    let begun = [&opening[..], &http2::frame(HEADERS, 0, 1, &request)].concat();
    let field = [&[0x00, 1, b'x', 100][..], &[b'y'; 100]].concat().repeat(40);
    let reset = |at: u32| {
        let stream = 2 * at + 1;
        let mut bytes = http2::frame(HEADERS, END_HEADERS | http2::ACK, stream, &request);
        bytes.extend(http2::frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
        bytes
    };
    let kinds: [(&str, bool, &[u8], Next); 6] = [
        ("endless headers", true, &begun, &|_| http2::frame(CONTINUATION, 0, 1, &field)),
        ("empty headers", true, &begun, &|_| http2::frame(CONTINUATION, 0, 1, &[])),
        ("streams that are reset at once", true, &opening, &reset),
        ("pings", false, &opening, &|_| http2::frame(PING, 0, 0, &[1; 8])),
        ("settings", false, &opening, &|_| http2::frame(SETTINGS, 0, 0, &[])),
        ("room", false, &opening, &|_| http2::frame(WINDOW_UPDATE, 0, 0, &1_u32.to_be_bytes())),
    ];
    for (what, cut, opening, next) in kinds {
        std::thread::scope(|scope| {
            let flooding = scope.spawn(|| flood(&stage, opening, next));
            std::thread::sleep(Duration::from_millis(300));
            is_served(&stage, what);
            let ended = flooding.join().expect("it ends");
            assert!(ended || !cut, "{what}: the connection is ended");
            let grown = stage.registry.memory_mib("VmRSS") - before;
            eprintln!("{what}: ended {ended}, {grown:.1} MiB");
            assert!(grown < 32.0, "{what}: {grown} MiB");
        });
    }
}

#[test]
fn that_there_is_no_place_is_a_line_in_the_log_and_not_thousands() {
    let stage = Stage::set("[server]\nmax-connections = 10\n[log]\nlevel = \"warn\"\n", &[]);
    // Ten have a place, 64 wait for one.
    let crowd: Vec<TcpStream> = (0..200).map(|_| said(&stage, b"G")).collect();
    let begin = Instant::now();
    let line = "warn: there was no place for a connection of 127.0.0.1";
    while !stage.registry.log().contains(line) {
        assert!(begin.elapsed() < SOON, "{}", stage.registry.log());
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(stage.registry.log().matches(line).count() <= 6, "one a second");
    drop(crowd);
}
