//! A client that costs little: one connection that stays open, requests that were made before.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use namespace_world::registry::HOST;

/// An open connection.
pub struct Connection(BufReader<TcpStream>);

/// What came back.
pub struct Answer {
    pub status: u16,
    /// `ETag`, as it stands.
    pub etag: Option<String>,
    pub body: Vec<u8>,
}

/// The bytes of a request; `head` is its first line without the protocol, and further lines.
pub fn request(head: &str, body: &[u8]) -> Vec<u8> {
    let (first, rest) = head.split_once("\r\n").unwrap_or((head, ""));
    let rest = if rest.is_empty() { String::new() } else { format!("{rest}\r\n") };
    let length = body.len();
    let head = format!("{first} HTTP/1.1\r\nHost: {HOST}\r\n{rest}Content-Length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

impl Connection {
    /// Connects.
    pub fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("connect");
        stream.set_nodelay(true).expect("set an option of a socket");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("set an option of a socket");
        Self(BufReader::new(stream))
    }

    /// Sends a request and waits for the whole answer, which must state its length.
    pub fn send(&mut self, request: &[u8]) -> Answer {
        self.0.get_mut().write_all(request).expect("send a request");
        let mut answer = Answer { status: 0, etag: None, body: Vec::new() };
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).expect("read an answer");
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            let Some((name, value)) = line.split_once(": ") else {
                answer.status = line.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
                continue;
            };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse().expect("a length is a number"),
                "etag" => answer.etag = Some(value.to_owned()),
                _ => {}
            }
        }
        if answer.status != 304 {
            answer.body = vec![0; length];
            self.0.read_exact(&mut answer.body).expect("read the body of an answer");
        }
        answer
    }

    /// `GET`, which must be answered with 200.
    pub fn get(&mut self, path: &str) -> Answer {
        let answer = self.send(&request(&format!("GET {path}"), b""));
        assert_eq!(answer.status, 200, "{path}: {}", String::from_utf8_lossy(&answer.body));
        answer
    }
}
