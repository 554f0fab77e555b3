//! HTTP/2 frame by frame (RFC 9113), for clients that do with it what no library would let them.

use std::io::{self, Read, Write};

/// What a client says first.
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The kinds of frames that are used here.
pub const DATA: u8 = 0;
/// Begins a request.
pub const HEADERS: u8 = 1;
/// Ends a stream.
pub const RST_STREAM: u8 = 3;
/// Settings, or their acknowledgement.
pub const SETTINGS: u8 = 4;
/// A ping, or its answer.
pub const PING: u8 = 6;
/// No more streams.
pub const GOAWAY: u8 = 7;
/// Room for more data.
pub const WINDOW_UPDATE: u8 = 8;
/// More of a head.
pub const CONTINUATION: u8 = 9;
/// The flag of an acknowledgement; of headers and data, that the stream ends.
pub const ACK: u8 = 1;
/// The flag of headers that are whole.
pub const END_HEADERS: u8 = 4;
/// The setting of how much may be sent on a stream at first.
pub const INITIAL_WINDOW_SIZE: u16 = 4;

/// A frame.
#[must_use]
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a frame is small").to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// Preface and settings.
#[must_use]
pub fn opening(settings: &[(u16, u32)]) -> Vec<u8> {
    let mut payload = Vec::new();
    for (name, value) in settings {
        payload.extend(name.to_be_bytes());
        payload.extend(value.to_be_bytes());
    }
    [PREFACE, &frame(SETTINGS, 0, 0, &payload)].concat()
}

/// The head of a GET of a path below 128 bytes, in HPACK without its tables.
#[must_use]
pub fn get(host: &str, path: &str) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).expect("a short text")], text.as_bytes()].concat();
    // `:method GET` and `:scheme http` from the static table; `:authority` and `:path` by the names of theirs.
    [vec![0x82, 0x86, 0x01], text(host), vec![0x04], text(path)].concat()
}

/// A frame that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub kind: u8,
    /// Its flags.
    pub flags: u8,
    /// Its stream.
    pub stream: u32,
    /// What it holds.
    pub payload: Vec<u8>,
}

/// Reads a frame; pings and settings are answered.
///
/// # Errors
/// The connection ends or breaks, or nothing comes within its read timeout.
pub fn read(connection: &mut (impl Read + Write)) -> io::Result<Frame> {
    let mut head = [0; 9];
    connection.read_exact(&mut head)?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let mut payload = vec![0; usize::try_from(length).expect("24 bits")];
    connection.read_exact(&mut payload)?;
    let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
    let found = Frame { kind: head[3], flags: head[4], stream, payload };
    if found.flags & ACK == 0 && (found.kind == PING || found.kind == SETTINGS) {
        let payload = if found.kind == PING { &found.payload[..] } else { &[] };
        connection.write_all(&frame(found.kind, ACK, 0, payload))?;
    }
    Ok(found)
}
