//! On real sockets. The private field `schemes` lets these tests speak plain HTTP to a loopback server; the certificates
//! are tested in the test world, against a real TLS server.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::super::*;
use super::{ClientOptions, HttpClient, Proxy};

type Answer = dyn Fn(&str, &mut TcpStream) + Send + Sync;

/// A server that calls `answer` with each request's head; the requests are kept.
struct Server {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn new(answer: impl Fn(&str, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let (kept, answer): (_, Arc<Answer>) = (Arc::clone(&heads), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (kept, answer) = (Arc::clone(&kept), Arc::clone(&answer));
                std::thread::spawn(move || serve(stream, &kept, &*answer));
            }
        });
        Self { address, heads }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, kept: &Mutex<Vec<String>>, answer: &Answer) {
    let mut head = String::new();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).unwrap_or(0) == 0 {
            return;
        }
    }
    kept.lock().unwrap().push(head.clone());
    answer(&head, &mut stream);
}

fn say(stream: &mut TcpStream, status: &str, headers: &str, body: &[u8]) {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n");
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(body);
}

fn client(options: ClientOptions) -> HttpClient {
    HttpClient { schemes: &["https", "http"], ..HttpClient::new(options) }
}

fn get(request: Request) -> Outcome {
    client(ClientOptions { retries: 0, ..ClientOptions::default() }).fetch_one(request)
}

fn kind(request: Request) -> TransportErrorKind {
    get(request).unwrap_err().kind
}

#[test]
fn plain_http_is_refused() {
    let client = HttpClient::new(ClientOptions::default());
    let error = client.fetch_one(Request::document("http://serde.rs/x")).unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Url);
    assert_eq!(error.to_string(), "`http://serde.rs/x` is not an https URL");
}

#[test]
fn an_answer_is_an_answer_whatever_its_status() {
    let server = Server::new(|head, stream| match head.starts_with("GET /there ") {
        true => say(stream, "200 OK", "ETag: \"a1\"\r\n", b"hello"),
        false => say(stream, "404 Not Found", "", b"no"),
    });
    let response = get(Request::document(server.url("/there"))).unwrap();
    assert_eq!((response.status, response.bytes()), (200, &b"hello"[..]));
    assert_eq!(response.etag.as_deref(), Some("\"a1\""));
    assert_eq!(get(Request::document(server.url("/gone"))).unwrap().status, 404);
    let head = server.heads()[0].to_lowercase();
    assert!(head.contains("user-agent: cargo-namespaces/"), "{head}");
    assert!(!head.contains("cookie") && !head.contains("referer"), "{head}");
}

#[test]
fn an_endless_answer_is_cut() {
    let server = Server::new(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        while stream.write_all(b"400\r\n").is_ok() && stream.write_all(&[b'x'; 1024]).is_ok() {
            if stream.write_all(b"\r\n").is_err() {
                return;
            }
        }
    });
    assert_eq!(kind(Request::document(server.url("/"))), TransportErrorKind::TooLarge);
}

#[test]
fn a_declared_length_above_the_cap_is_refused_at_once() {
    let server = Server::new(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\nx");
        std::thread::sleep(Duration::from_secs(5));
    });
    let started = Instant::now();
    assert_eq!(kind(Request::document(server.url("/"))), TransportErrorKind::TooLarge);
    assert!(started.elapsed() < Duration::from_secs(3));
}

#[test]
fn an_answer_that_inflates_beyond_the_cap_is_refused() {
    let server = Server::new(|_, stream| {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packed.write_all(&vec![b'0'; limits::MAX_DOCUMENT * 4]).unwrap();
        say(stream, "200 OK", "Content-Encoding: gzip\r\n", &packed.finish().unwrap());
    });
    assert_eq!(kind(Request::document(server.url("/"))), TransportErrorKind::TooLarge);
    let response = get(Request::index_file(server.url("/"))).unwrap();
    assert_eq!(response.bytes().len(), limits::MAX_DOCUMENT * 4);
}

#[test]
fn a_slow_answer_times_out() {
    let server = Server::new(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
        while stream.write_all(b".").is_ok() {
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    let request = Request { timeout: Duration::from_millis(300), ..Request::document(server.url("/")) };
    let started = Instant::now();
    assert_eq!(kind(request), TransportErrorKind::Timeout);
    assert!(started.elapsed() < Duration::from_secs(3));
}

#[test]
fn a_well_known_document_is_not_redirected_but_an_index_file_is() {
    let server = Server::new(|head, stream| match head.split(' ').nth(1) {
        Some("/to") => say(stream, "200 OK", "", b"arrived"),
        Some("/loop") => say(stream, "302 Found", "Location: /loop\r\n", b""),
        Some("/out") => say(stream, "302 Found", "Location: ftp://serde.rs/x\r\n", b""),
        _ => say(stream, "301 Moved Permanently", "Location: /to\r\n", b""),
    });
    let response = get(Request::document(server.url("/from"))).unwrap();
    assert_eq!((response.status, response.location.as_deref()), (301, Some("/to")));
    let response = get(Request::index_file(server.url("/from"))).unwrap();
    assert_eq!(response.bytes(), b"arrived");
    assert_eq!(response.url, server.url("/to"));
    assert_eq!(kind(Request::index_file(server.url("/loop"))), TransportErrorKind::Redirect);
    assert_eq!(kind(Request::index_file(server.url("/out"))), TransportErrorKind::Redirect);
}

#[test]
fn https_is_not_redirected_to_http() {
    let carried = HttpClient::new(ClientOptions::default());
    assert_eq!(carried.schemes, ["https"]);
}

/// The client as commands have it, without the tests' leave to speak http.
fn strict(proxy: Option<Proxy>) -> HttpClient {
    HttpClient::new(ClientOptions { retries: 0, proxy, ..ClientOptions::default() })
}

#[test]
fn this_machine_is_reached_over_http_by_its_names_and_past_proxies() {
    let server = Server::new(|head, stream| match head.split(' ').nth(1).unwrap() {
        "/on" => say(stream, "302 Found", "Location: /there\r\n", b""),
        _ => say(stream, "200 OK", "", b"here"),
    });
    let port = server.address.port();
    let nowhere = Proxy { url: "http://127.0.0.1:1".to_owned(), except: None };
    for proxy in [None, Some(nowhere)] {
        let client = strict(proxy);
        for host in ["localhost", "hello.localhost", "a.b.localhost"] {
            let got = client.fetch_one(Request::index_file(format!("http://{host}:{port}/on"))).unwrap();
            assert_eq!(
                (got.bytes(), got.url.as_str()),
                (&b"here"[..], &*format!("http://{host}:{port}/there"))
            );
        }
    }
    for url in [server.url("/"), format!("http://notlocalhost:{port}/"), "http://a.example/".to_owned()] {
        let refused = strict(None).fetch_one(Request::document(url)).unwrap_err();
        assert_eq!(refused.kind, TransportErrorKind::Url);
    }
}

#[test]
fn what_begins_on_this_machine_is_sent_on_to_no_other_over_http() {
    let out = Server::new(|_, stream| say(stream, "302 Found", "Location: http://127.0.0.1:1/\r\n", b""));
    let began = format!("http://localhost:{}/", out.address.port());
    let refused = strict(None).fetch_one(Request::index_file(began)).unwrap_err();
    assert_eq!(refused.kind, TransportErrorKind::Redirect);
}

#[test]
fn the_token_stays_with_its_host() {
    let other = Server::new(|_, stream| say(stream, "200 OK", "", b""));
    let target = format!("http://localhost:{}/x", other.address.port());
    let server = Server::new(move |_, stream| {
        say(stream, "302 Found", &format!("Location: {target}\r\n"), b"");
    });
    let request = Request::index_file(server.url("/")).header("authorization", "secret");
    assert_eq!(get(request).unwrap().status, 200);
    assert!(server.heads()[0].contains("secret"));
    assert!(!other.heads()[0].contains("secret"), "{}", other.heads()[0]);
}

#[test]
fn a_passing_failure_is_tried_again_and_a_post_is_not() {
    let count = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&count);
    let server = Server::new(move |head, stream| {
        match seen.fetch_add(1, Ordering::SeqCst) {
            0 if head.starts_with("GET") => say(stream, "503 Service Unavailable", "", b""),
            _ if head.starts_with("GET") => say(stream, "200 OK", "", b"up"),
            _ => say(stream, "503 Service Unavailable", "", b""),
        };
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let _ = stream.read(&mut [0; 64]);
    });
    let client = client(ClientOptions::default());
    assert_eq!(client.fetch_one(Request::document(server.url("/"))).unwrap().bytes(), b"up");
    assert_eq!(count.load(Ordering::SeqCst), 2);
    let post = Request::post(server.url("/"), "application/dns-message", vec![1]);
    assert_eq!(client.fetch_one(post).unwrap().status, 503);
    assert_eq!(count.load(Ordering::SeqCst), 3);
}

#[test]
fn a_download_is_hashed_on_its_way() {
    let server = Server::new(|_, stream| say(stream, "200 OK", "", b"crate bytes"));
    let directory = tempfile::tempdir().unwrap();
    let response = get(Request::download(server.url("/"), directory.path().to_owned())).unwrap();
    let Body::File { path, digest, length } = response.body else { panic!("not a file") };
    assert_eq!((digest, length), (Digest::of(b"crate bytes"), 11));
    assert_eq!(std::fs::read(&path).unwrap(), b"crate bytes");
    drop(path);
    assert_eq!(directory.path().read_dir().unwrap().count(), 0);
    assert!(!server.heads()[0].to_lowercase().contains("accept-encoding: gzip"));
}

#[test]
fn what_cannot_be_reached_is_said_plainly() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = get(Request::document(format!("http://{closed}/"))).unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Connect);
    assert_eq!(error.host(), closed.to_string());
    let nowhere = get(Request::document("https://nowhere.invalid/")).unwrap_err();
    assert_eq!(nowhere.kind, TransportErrorKind::Dns);
    assert!(nowhere.to_string().starts_with("failed to find the address of `nowhere.invalid`"));
    let offline = client(ClientOptions { offline: true, ..ClientOptions::default() });
    assert_eq!(
        offline.fetch_one(Request::document("https://serde.rs/")).unwrap_err().kind,
        TransportErrorKind::Offline
    );
}

#[test]
fn what_is_not_tls_is_a_tls_error() {
    let server = Server::new(|_, _| {});
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = stream.unwrap().write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    drop(server);
    assert_eq!(kind(Request::document(format!("https://{address}/"))), TransportErrorKind::Tls);
}

#[test]
fn a_bad_ca_file_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ca.pem");
    let fails = |path: &std::path::Path| {
        let options = ClientOptions { cainfo: Some(path.to_owned()), ..ClientOptions::default() };
        let error = HttpClient::new(options).fetch_one(Request::document("https://x.test/")).unwrap_err();
        assert_eq!(error.kind, TransportErrorKind::SetUp);
        error.to_string()
    };
    assert!(fails(&path).contains("ca.pem` cannot be read"));
    crate::fs::write_atomic(&path, b"not a certificate").unwrap();
    assert!(fails(&path).contains("ca.pem` holds no certificate"));
}

#[test]
fn a_proxy_carries_every_request_but_the_excepted() {
    let proxy = Server::new(|_, stream| say(stream, "403 Forbidden", "", b""));
    let through = |except: Option<&str>| {
        let settings = Proxy { url: proxy.address.to_string(), except: except.map(str::to_owned) };
        let options = ClientOptions { proxy: Some(settings), retries: 0, ..ClientOptions::default() };
        HttpClient::new(options).fetch_one(Request::document("https://nowhere.invalid/")).unwrap_err()
    };
    let error = through(None);
    assert_eq!(error.kind, TransportErrorKind::Proxy, "{error}");
    assert!(proxy.heads()[0].starts_with("CONNECT nowhere.invalid:443 "));
    assert_eq!(through(Some("nowhere.invalid")).kind, TransportErrorKind::Dns);
}

#[test]
fn many_requests_keep_their_order() {
    let server = Server::new(|head, stream| {
        let path = head.split(' ').nth(1).unwrap().to_owned();
        if path.ends_with('0') {
            std::thread::sleep(Duration::from_millis(100));
        }
        say(stream, "200 OK", "", path.as_bytes());
    });
    let requests = (0..50).map(|at| Request::document(server.url(&format!("/{at}")))).collect();
    let client = client(ClientOptions::default());
    for (at, outcome) in client.fetch(requests).into_iter().enumerate() {
        assert_eq!(outcome.unwrap().into_bytes(), format!("/{at}").into_bytes());
    }
}

#[test]
fn a_client_costs_nothing_before_the_first_request() {
    let client = HttpClient::new(ClientOptions::default());
    assert!(client.ready.get().is_none());
    client.fetch(Vec::new());
    assert!(client.ready.get().is_none());
}
