//! Many connections of one client, or of several addresses: others get their place.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use namespace_world::http2::{self, END_HEADERS, HEADERS};
use namespace_world::registry::HOST;
use namespace_world::stage::Stage;

use super::{CRATE, SOON, TEN, another_is_served, answered, is_served, publish, said};

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
