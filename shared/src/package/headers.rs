//! tar headers, strictly: the two flavours that Cargo writes, and GNU's long names.

use super::error::{EntryRule, PackageError};
use super::stream::Unpacked;
use crate::limits::MAX_PATH;

const BLOCK: usize = 512;

/// One entry's header, long name applied.
pub(super) struct Header {
    /// The path as it stands there.
    pub path: Vec<u8>,
    /// Bytes of content.
    pub size: u64,
    /// The type flag.
    pub kind: u8,
    /// Permission bits.
    pub mode: u64,
}

/// Reads headers; the caller reads the content between two calls, with its padding.
#[derive(Default)]
pub(super) struct Headers {
    count: usize,
}

impl Headers {
    /// The next entry; none at the end of the archive.
    pub(super) fn next<S: Unpacked>(&mut self, stream: &mut S) -> Result<Option<Header>, PackageError> {
        let Some(header) = self.raw(stream)? else { return Ok(None) };
        if header.kind != b'L' {
            return Ok(Some(header));
        }
        let path = long_name(&header, stream)?;
        let shown = String::from_utf8_lossy(&path).into_owned();
        match self.raw(stream)? {
            Some(header) if header.kind != b'L' => Ok(Some(Header { path, ..header })),
            _ => Err(PackageError::entry(&shown, EntryRule::LongName)),
        }
    }

    /// One header block; none when it and the one after it are zero.
    fn raw<S: Unpacked>(&mut self, stream: &mut S) -> Result<Option<Header>, PackageError> {
        let mut block = [0; BLOCK];
        stream.read_exact(&mut block)?;
        self.count += 1;
        if block == [0; BLOCK] {
            stream.read_exact(&mut block)?;
            return if block == [0; BLOCK] { Ok(None) } else { Err(PackageError::DataAfterArchive) };
        }
        parse(&block).map(Some).map_err(|what| PackageError::Header { number: self.count, what })
    }
}

/// Zeros that fill the last block of content of `size` bytes.
pub(super) fn padding(size: u64) -> u64 {
    size.next_multiple_of(BLOCK as u64) - size
}

fn parse(block: &[u8; BLOCK]) -> Result<Header, &'static str> {
    let sum: u64 = block
        .iter()
        .enumerate()
        .map(|(at, &byte)| u64::from(if (148..156).contains(&at) { b' ' } else { byte }))
        .sum();
    if octal(&block[148..156]) != Some(sum) {
        return Err("its check sum is wrong");
    }
    let name = until_nul(&block[..100]);
    let path = match &block[257..265] {
        b"ustar  \0" => name.to_vec(),
        b"ustar\x0000" => match until_nul(&block[345..500]) {
            [] => name.to_vec(),
            prefix => [prefix, b"/", name].concat(),
        },
        _ => return Err("it is of neither the ustar nor the GNU form"),
    };
    let size = octal(&block[124..136]).ok_or("its size is not an octal number")?;
    let mode = octal(&block[100..108]).ok_or("its mode is not an octal number")?;
    Ok(Header { path, size, mode, kind: block[156] })
}

/// The content of a GNU long-name entry: the path of the entry that follows.
fn long_name<S: Unpacked>(header: &Header, stream: &mut S) -> Result<Vec<u8>, PackageError> {
    let shown = String::from_utf8_lossy(&header.path).into_owned();
    if header.path != b"././@LongLink" {
        return Err(PackageError::entry(&shown, EntryRule::LongName));
    }
    let size = usize::try_from(header.size).ok().filter(|size| *size <= MAX_PATH + 1);
    let size = size.ok_or_else(|| PackageError::entry(&shown, EntryRule::PathTooLong))?;
    let mut name = vec![0; size.next_multiple_of(BLOCK)];
    stream.read_exact(&mut name)?;
    name.truncate(size);
    // One NUL at the end, and none before: readers disagree on where such a name stops.
    if name.pop() != Some(0) || name.is_empty() || name.contains(&0) {
        return Err(PackageError::entry(&shown, EntryRule::LongName));
    }
    Ok(name)
}

fn until_nul(field: &[u8]) -> &[u8] {
    field.split(|&byte| byte == 0).next().unwrap_or_default()
}

/// Octal digits, then only spaces and NULs. Base-256, signs and leading spaces are not read: tar readers differ there.
fn octal(field: &[u8]) -> Option<u64> {
    let end = field.iter().position(|byte| !matches!(byte, b'0'..=b'7'))?;
    let (digits, rest) = field.split_at(end);
    if digits.is_empty() || rest.iter().any(|byte| !matches!(byte, 0 | b' ')) {
        return None;
    }
    Some(digits.iter().fold(0, |value, digit| value * 8 + u64::from(digit - b'0')))
}
