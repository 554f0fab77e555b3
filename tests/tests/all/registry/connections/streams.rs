//! Requests and streams that take room, time or memory: bodies that are sent late, windows that stay closed, heads without end,
//! floods of frames.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use namespace_world::http2::{
    self, CONTINUATION, END_HEADERS, HEADERS, PING, RST_STREAM, SETTINGS, WINDOW_UPDATE,
};
use namespace_world::registry::HOST;
use namespace_world::stage::Stage;

use super::{CRATE, TEN, answered, has_ended, is_served, publish, said};

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
