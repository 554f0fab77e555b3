//! Requests that are odd in their address, their headers or their body: refused in Cargo's JSON, by nobody's fault but the
//! client's, and without a line in the log.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use namespace_world::registry::{Answer, exchange};
use namespace_world::stage::Stage;
use serde_json::Value;

const INDEX: &str = "/index/hello.example/he/ll/hello";

/// What comes back for these bytes, until the connection ends.
fn raw(stage: &Stage, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(stage.address()).expect("connect");
    stream.write_all(bytes).expect("send");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    answer
}

fn send(stage: &Stage, head: &str) -> Answer {
    let bytes = format!("{head}\r\nConnection: close\r\n\r\n");
    let answer = raw(stage, bytes.as_bytes());
    Answer::parse(&answer).unwrap_or_else(|| panic!("{head}: {}", String::from_utf8_lossy(&answer)))
}

/// Refused with one of these, in the form that Cargo reads.
#[track_caller]
fn refused(answer: &Answer, statuses: &[u16], what: &str) {
    assert!(statuses.contains(&answer.status), "{what}: {}\n{}", answer.head, answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json"), "{what}: {}", answer.text());
    let body: Value =
        serde_json::from_slice(&answer.body).unwrap_or_else(|_| panic!("{what}: {}", answer.text()));
    assert!(body["errors"][0]["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{what}: {body}");
}

#[test]
fn no_address_is_a_fault_of_the_registrys_or_a_line_in_its_log() {
    let stage = Stage::set("", &[]);
    stage.publishes("1.0.0");
    let quiet = stage.registry.log();
    let long = "a".repeat(300);
    let mut segments: Vec<String> = [
        "%00",
        "a%00b",
        "%FF",
        "%C3%28",
        "%ed%a0%80",
        "..",
        "%2e%2e",
        "%2E%2E%2F%2E%2E",
        ".",
        "",
        "%2F",
        "%2f%2fetc",
        "a%5Cb",
        "%0d%0aX:%201",
        "%20",
        "~",
        "*",
        "%",
        "%zz",
        "%25",
        "con",
        "CARGO~1.TOM",
        "-",
        "%E2%80%AE",
        "a:b",
        "@",
    ]
    .map(str::to_owned)
    .into();
    segments.extend([
        long.clone(),
        "a".repeat(5000),
        format!("hello-1.0.0-{long}.crate"),
        format!("{long}.crate"),
        format!("{long}.dsse.json"),
    ]);
    let routes = [
        "/@",
        "/@/hello",
        "/hello.example/@",
        "/crates/@",
        "/crates/hello.example%2F@",
        "/index/@/config.json",
        "/index/hello.example/@",
        "/index/hello.example/he/ll/@",
        "/index/hello.example/@/@/@",
        "/index/hello.example/crates/@",
        "/index/hello.example/crates/@/hello-1.0.0.crate",
        "/index/hello.example/crates/hello/@",
        "/index/hello.example/crates/hello/@.crate",
        "/index/hello.example/crates/hello/hello-@.crate",
        "/index/hello.example/crates/hello/hello-1.0.0.crate/@",
        "/ns/@/api/v1/crates",
        "/ns/hello.example/api/v1/crates/@/owners",
        "/ns/@/api/v1/crates/hello/owners",
        "/api/v1/namespace/@",
        "/api/v1/crate/@",
        "/api/v1/crate/@/hello",
        "/api/v1/crate/hello.example/@",
        "/.well-known/@",
        "/ns/@/elsewhere",
        "//@",
        "/index//@",
    ];
    for route in routes {
        for segment in &segments {
            let path = route.replace('@', segment);
            let what = if path.len() > 200 { format!("{}…", &path[..200]) } else { path.clone() };
            let answer = send(&stage, &format!("GET {path} HTTP/1.1\r\nHost: crates.example"));
            if answer.status != 200 || answer.header("content-type") == Some("application/json") {
                assert!(answer.status < 500, "{what}: {}", answer.text());
            }
            if answer.status >= 400 {
                // What is no request at all, hyper refuses without a body.
                if !answer.body.is_empty() {
                    refused(&answer, &[400, 404, 405], &what);
                }
            }
        }
    }
    assert_eq!(stage.registry.log(), quiet, "strangers write nothing into the log");
}

#[test]
fn a_file_name_longer_than_the_disk_takes_is_not_found() {
    let stage = Stage::set("", &[]);
    stage.publishes("1.0.0");
    let quiet = stage.registry.log();
    let name = "a".repeat(288);
    for path in [
        format!("/index/hello.example/crates/hello/{name}.crate"),
        format!("/index/hello.example/crates/hello/hello-1.0.0-{name}.crate"),
        format!("/index/hello.example/crates/hello/hello-1.0.0-{name}.dsse.json"),
    ] {
        refused(&stage.get(&path), &[404], &path);
    }
    assert_eq!(stage.registry.log(), quiet);
    for path in ["hello-1.0.0.crate", "hello-1.0.0.dsse.json"] {
        assert_eq!(stage.get(&format!("/index/hello.example/crates/hello/{path}")).status, 200);
    }
}

#[test]
fn every_refusal_is_json() {
    let stage = Stage::set("", &[]);
    let crates = "/ns/hello.example/api/v1/crates";
    let long = "_".repeat(28_000);
    for (head, statuses) in [
        (format!("GET {crates}?per_page=many HTTP/1.1"), &[400][..]),
        (format!("GET {crates}?per_page=99999999999999999999 HTTP/1.1"), &[400]),
        (format!("GET {crates}?q=a&q=b HTTP/1.1"), &[400]),
        (format!("GET {crates}?q={long} HTTP/1.1"), &[400]),
        ("GET /api/v1/namespace/%FF HTTP/1.1".to_owned(), &[400]),
        ("GET /nothing HTTP/1.1".to_owned(), &[404]),
        (format!("POST {crates} HTTP/1.1\r\nContent-Length: 0"), &[405]),
        ("DELETE / HTTP/1.1".to_owned(), &[405]),
        ("BREW / HTTP/1.1".to_owned(), &[405]),
        ("OPTIONS * HTTP/1.1".to_owned(), &[400, 404]),
        (format!("PUT {crates}/new HTTP/1.1\r\nContent-Length: 3000000000"), &[403, 413]),
        ("POST /api/v1/owners HTTP/1.1\r\nContent-Length: 3000000".to_owned(), &[400, 413]),
        ("POST /api/v1/owners HTTP/1.1\r\nContent-Length: 0".to_owned(), &[400]),
        (format!("PUT {crates}/hello/1.0.0/unyank HTTP/1.1\r\nContent-Length: 0"), &[400, 403]),
        (format!("PUT {crates}/hello/one/unyank HTTP/1.1\r\nContent-Length: 0"), &[400]),
    ] {
        let body_follows = head.contains(": 3000000");
        let what = head.chars().take(120).collect::<String>();
        let mut stream = TcpStream::connect(stage.address()).expect("connect");
        let text = format!("{head}\r\nHost: crates.example\r\nConnection: close\r\n\r\n");
        stream.write_all(text.as_bytes()).expect("send");
        if body_follows {
            let _ = stream.write_all(&vec![b'x'; 3_000_000]);
        }
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        if let Some(answer) = Answer::parse(&answer) {
            refused(&answer, statuses, &what);
        } else {
            assert!(body_follows, "{what}: no answer");
        }
    }
    let allowed = send(&stage, "DELETE / HTTP/1.1\r\nHost: crates.example");
    assert!(allowed.header("allow").is_some_and(|methods| methods.contains("GET")), "{}", allowed.head);
}

#[test]
fn a_request_names_one_host_and_one_sender() {
    let stage = Stage::set("", &[]);
    for head in [
        "GET / HTTP/1.1",
        "GET / HTTP/1.1\r\nHost: crates.example\r\nHost: crates.example",
        "GET / HTTP/1.1\r\nHost: crates.example\r\nHost: other.example",
        "GET / HTTP/1.1\r\nHost: crates.example/elsewhere",
        "GET / HTTP/1.1\r\nHost: crates.example\r\nAuthorization: one\r\nAuthorization: two",
    ] {
        refused(&send(&stage, head), &[400], head);
    }
    for head in [
        "GET / HTTP/1.0",
        "GET / HTTP/1.1\r\nHost: crates.example",
        "GET http://crates.example/ HTTP/1.1\r\nHost: crates.example",
    ] {
        assert_eq!(send(&stage, head).status, 200, "{head}");
    }
    // What is behind a body of two lengths is never taken for a request.
    let smuggled = "GET /.well-known/cargo.txt HTTP/1.1\r\nHost: crates.example\r\n\r\n";
    let body = format!("0\r\n\r\n{smuggled}");
    for lengths in [
        format!("Content-Length: {}\r\nTransfer-Encoding: chunked", body.len()),
        format!("Transfer-Encoding: chunked\r\nContent-Length: {}", body.len()),
        format!("Content-Length: 5\r\nContent-Length: {}", body.len()),
        "Transfer-Encoding: chunked, identity".to_owned(),
    ] {
        let request =
            format!("POST /api/v1/owners HTTP/1.1\r\nHost: crates.example\r\n{lengths}\r\n\r\n{body}");
        let answer = String::from_utf8_lossy(&raw(&stage, request.as_bytes())).into_owned();
        assert!(
            answer.starts_with("HTTP/1.1 400") && answer.matches("HTTP/1.1").count() == 1,
            "{lengths}: {answer}"
        );
    }
}

#[test]
fn what_the_client_has_is_not_sent_again_and_a_quoted_star_is_a_tag() {
    let stage = Stage::set("", &[]);
    stage.publishes("1.0.0");
    let ask = |method: &str, path: &str, header: &str| {
        exchange(stage.address(), &format!("{method} {path} HTTP/1.1\r\n{header}"), b"").expect("an answer")
    };
    for path in [
        INDEX,
        "/index/hello.example/config.json",
        "/index/nobody.example/config.json",
        "/index/hello.example/crates/hello/hello-1.0.0.crate",
        "/index/hello.example/crates/hello/hello-1.0.0.dsse.json",
        "/.well-known/cargo.txt",
        "/api/v1/namespace/hello.example",
        "/api/v1/crate/hello.example/hello",
        "/hello.example/hello",
    ] {
        let whole = ask("GET", path, "x: y");
        let tag = whole.header("etag").unwrap_or_else(|| panic!("{path} has a tag")).to_owned();
        for known in [
            tag.clone(),
            format!("W/{tag}"),
            format!("\"a,b\", {tag}"),
            format!("\"a\"\r\nIf-None-Match: {tag}"),
            "*".to_owned(),
        ] {
            for method in ["GET", "HEAD"] {
                let answer = ask(method, path, &format!("If-None-Match: {known}"));
                assert_eq!((answer.status, answer.body.len()), (304, 0), "{method} {path} {known}");
                assert_eq!(answer.header("etag"), Some(tag.as_str()), "{path}");
                assert_eq!(answer.header("cache-control"), whole.header("cache-control"), "{path}");
            }
        }
        let inner = tag.trim_matches('"');
        for other in ["\"*\"", "W/\"*\"", "*, \"a\"", "\"other\"", inner, &format!("\"a,{inner}\""), ""] {
            let answer = ask("GET", path, &format!("If-None-Match: {other}"));
            assert_eq!((answer.status, &answer.body), (200, &whole.body), "{path} {other:?}");
        }
        let head = ask("HEAD", path, "x: y");
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        for name in ["etag", "content-type", "cache-control", "content-length"] {
            assert_eq!(head.header(name), whole.header(name), "{path} {name}");
        }
    }
}
