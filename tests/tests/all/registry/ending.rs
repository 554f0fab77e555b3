//! The end of a registry, as its operator's supervisor sees it: by a signal, with status 0, in time, and with nothing lost.

use std::io::{Read as _, Write as _};
use std::net::{TcpStream, UdpSocket};
use std::time::Duration;

use cargo_namespaces::api::{CheckRequest, path};
use namespace_world::LiveRegistry;
use namespace_world::plain_http::exchange;
use namespace_world::stage::{Stage, noise};

/// It ends within this time when nothing is under way.
const SOON: Duration = Duration::from_secs(4);
/// And within this one whatever clients do: container runtimes kill after ten seconds. A loaded machine has some more.
const IN_ALL: Duration = Duration::from_secs(14);

#[track_caller]
fn ends_well(registry: &mut LiveRegistry, signal: &str, most: Duration) {
    registry.signal(signal);
    let status = registry.ended(most);
    let log = registry.log();
    assert_eq!(status.map(|status| status.code()), Some(Some(0)), "{signal}: {log}");
    assert!(!log.contains("panicked") && !log.contains("error:"), "{signal}: {log}");
}

#[test]
fn a_signal_ends_it_well_also_after_a_domain_was_asked() {
    for signal in ["TERM", "INT", "HUP"] {
        let mut stage = Stage::set("", &[]);
        // The first publish asks the domain.
        stage.publishes("1.0.0");
        ends_well(&mut stage.registry, signal, SOON);
    }
    let mut untouched = Stage::set("", &[]);
    ends_well(&mut untouched.registry, "TERM", SOON);
}

#[test]
fn what_is_under_way_is_finished_and_what_never_ends_is_cut() {
    let mut stage = Stage::set("", &[]);
    let large = stage.publish("1.0.0", &noise(6 * 1024 * 1024)).expect("the registry answers");
    assert_eq!(large.status, 200, "{}", large.text());
    let begin = |text: &str| {
        let mut stream = TcpStream::connect(stage.address()).expect("connect");
        stream.write_all(text.as_bytes()).expect("send");
        stream
    };
    let host = "HTTP/1.1\r\nHost: crates.example\r\n";
    let path = "/index/hello.example/crates/hello/hello-1.0.0.crate";
    let _silent = [begin(""), begin("GET / HTT"), begin("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")];
    let _idle = begin(&format!("GET / {host}\r\n"));
    let mut reader = begin(&format!("GET {path} {host}Connection: close\r\n\r\n"));
    std::thread::sleep(Duration::from_millis(300));
    stage.registry.signal("TERM");
    std::thread::sleep(Duration::from_millis(300));
    let mut whole = Vec::new();
    reader.read_to_end(&mut whole).expect("the download ends");
    assert!(whole.len() > 6 * 1024 * 1024, "it was finished: {} bytes", whole.len());
    assert!(TcpStream::connect(stage.address()).is_err(), "nobody new is let in");
    let status = stage.registry.ended(SOON);
    assert_eq!(status.and_then(|status| status.code()), Some(0), "{}", stage.registry.log());
}

#[test]
fn neither_stuck_clients_nor_a_second_signal_keep_it_or_break_it() {
    let mut stage = Stage::set("", &[]);
    let large = stage.publish("1.0.0", &noise(24 * 1024 * 1024)).expect("the registry answers");
    assert_eq!(large.status, 200, "{}", large.text());
    let host = "HTTP/1.1\r\nHost: crates.example\r\n";
    let path = "/index/hello.example/crates/hello/hello-1.0.0.crate";
    let begin = |text: String| {
        let mut stream = TcpStream::connect(stage.address()).expect("connect");
        stream.write_all(text.as_bytes()).expect("send");
        stream
    };
    let _unread: Vec<TcpStream> = (0..20).map(|_| begin(format!("GET {path} {host}\r\n"))).collect();
    let post = format!("POST /api/v1/owners {host}Content-Length: 1000\r\n\r\n{{");
    let _unsent: Vec<TcpStream> = (0..20).map(|_| begin(post.clone())).collect();
    std::thread::sleep(Duration::from_millis(500));
    stage.registry.signal("TERM");
    std::thread::sleep(Duration::from_millis(500));
    stage.registry.signal("TERM");
    let status = stage.registry.ended(IN_ALL);
    let log = stage.registry.log();
    assert_eq!(status.map(|status| status.code()), Some(Some(0)), "{log}");
    assert!(log.contains("some connections did not end in time and were closed"), "{log}");
    assert!(!log.contains("panicked"), "{log}");
}

#[test]
fn a_domain_that_is_being_asked_does_not_keep_it() {
    let silent = UdpSocket::bind("127.0.0.1:0").expect("a socket that nobody reads");
    let resolver = silent.local_addr().expect("it has an address");
    let mut stage = Stage::set(&format!("[validation]\nresolvers = [\"{resolver}\"]\n"), &[]);
    let question = CheckRequest { key: stage.author.key.public(), krate: None };
    let question = serde_json::to_vec(&question).expect("a request serialises");
    let (address, head) =
        (stage.address(), format!("POST /{} HTTP/1.1", path::check(&stage.author.namespace)));
    let asking = std::thread::spawn(move || exchange(address, &head, &question));
    std::thread::sleep(Duration::from_secs(1));
    assert!(!asking.is_finished(), "the domain is being asked");
    ends_well(&mut stage.registry, "TERM", SOON);
    let _ = asking.join();
}
