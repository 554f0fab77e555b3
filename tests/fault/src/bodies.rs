//! Bodies of 2 GiB.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use namespace_world::Archive;
use namespace_world::Stage;
use namespace_world::figures::Numbers;
use namespace_world::plain_http::Answer;

const TWO_GIB: u64 = 2 << 30;

/// With a length, without one, and where a few bytes of JSON are expected.
pub(super) fn huge() -> Numbers {
    let stage = Stage::set("", &[]);
    stage.publishes("1.0.0");
    let before = stage.registry.memory_mib("VmHWM");
    let archive = Archive::package("hello", "9.0.0").build();
    let token = stage.author.publish_token("hello", "9.0.0", &archive);
    let publish = format!("PUT /ns/hello.example/api/v1/crates/new HTTP/1.1\r\nAuthorization: {token}\r\n");
    let length = format!("Content-Length: {TWO_GIB}\r\n");
    let chunked = "Transfer-Encoding: chunked\r\n";
    let owners = "POST /api/v1/owners HTTP/1.1\r\n";
    let mut numbers = Numbers::default();
    for (name, head, framing, status, says) in [
        ("length", publish.as_str(), length.as_str(), 413, "larger than 64 MiB"),
        ("chunked", &publish, chunked, 411, "has no `Content-Length`"),
        ("json_length", owners, &length, 413, "longer than"),
        ("json_chunked", owners, chunked, 413, "longer than"),
    ] {
        let begin = Instant::now();
        let (answer, sent) = pour(stage.address(), &format!("{head}{framing}"), framing == chunked);
        let answer = answer.unwrap_or_else(|| panic!("{name}: no answer after {sent} bytes"));
        assert_eq!(answer.status, status, "{name}: {}", answer.text());
        assert!(answer.text().contains(says), "{name}: {}", answer.text());
        #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
        let mebibytes = sent as f64 / f64::from(1 << 20);
        numbers.put(&format!("huge_{name}_sent_mib"), mebibytes);
        numbers.put(&format!("huge_{name}_ms"), begin.elapsed().as_secs_f64() * 1000.0);
        assert!(mebibytes < 32.0, "{name}: {mebibytes} MiB were taken");
    }
    let grown = stage.registry.memory_mib("VmHWM") - before;
    numbers.put("huge_memory_grown_mib", grown);
    assert!(grown < 32.0, "{grown} MiB");
    stage.publishes("1.0.1");
    numbers
}

/// Sends zeros until the other side does not want more, and then reads what it said.
fn pour(address: SocketAddr, head: &str, chunked: bool) -> (Option<Answer>, u64) {
    let mut stream = TcpStream::connect(address).expect("connect");
    stream.set_write_timeout(Some(Duration::from_secs(5))).expect("set a deadline");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("set a deadline");
    write!(stream, "{head}Host: crates.example\r\nExpect: 100-continue\r\n\r\n").expect("send the head");
    let mut reader = stream.try_clone().expect("share the socket");
    let answer = std::thread::spawn(move || {
        let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
        while let Ok(length @ 1..) = reader.read(&mut buffer) {
            bytes.extend(&buffer[..length]);
        }
        let rest = bytes.strip_prefix(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap_or(&bytes);
        Answer::parse(rest)
    });
    let block = [&b"10000\r\n"[..], &[0; 1 << 16], b"\r\n"].concat();
    let block = if chunked { &block[..] } else { &block[7..7 + (1 << 16)] };
    let mut sent = 0;
    while sent < TWO_GIB && !answer.is_finished() {
        match stream.write(block) {
            Ok(length) => sent += length as u64,
            Err(_) => break,
        }
    }
    let _ = stream.shutdown(Shutdown::Write);
    (answer.join().expect("the reader does not panic"), sent)
}
