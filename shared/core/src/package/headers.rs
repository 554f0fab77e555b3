//! tar headers. `cargo package` writes two flavours of them, with GNU's long names; whatever else they can say is brought before
//! the [`Judge`]. What is then taken is read as Cargo reads it, and only where all readers of tar agree on it.

use super::error::{EntryRule, PackageError};
use super::pax::Pax;
use super::rules::Judge;
use super::stream::Unpacked;
use crate::limits::{MAX_CONSUMED_PATH, MAX_PATH, MAX_PAX_HEADER};

const BLOCK: usize = 512;
/// The path of the entry that GNU tar puts a long name in.
const LONG_LINK: &[u8] = b"././@LongLink";

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
    /// Whether it has a prefix field; without one, a slash at the end of a path makes a directory.
    pub ustar: bool,
}

/// Reads headers; the caller reads the content between two calls, with its padding.
#[derive(Default)]
pub(super) struct Headers {
    count: usize,
}

/// What stands before an entry and says more about it.
#[derive(Default)]
struct Before {
    long_name: Option<Vec<u8>>,
    long_link: bool,
    pax: Option<Pax>,
}

impl Before {
    fn is_empty(&self) -> bool {
        self.long_name.is_none() && !self.long_link && self.pax.is_none()
    }
}

impl Headers {
    /// The next entry; none at the end of the archive.
    pub(super) fn next<S: Unpacked>(
        &mut self,
        stream: &mut S,
        judge: &mut Judge,
    ) -> Result<Option<Header>, PackageError> {
        let mut before = Before::default();
        loop {
            let Some(header) = self.raw(stream, judge)? else {
                let alone = || PackageError::entry("", EntryRule::LongName);
                return if before.is_empty() { Ok(None) } else { Err(alone()) };
            };
            let refuse = |rule| PackageError::entry(&String::from_utf8_lossy(&header.path), rule);
            match header.kind {
                b'L' if before.long_name.is_none() => {
                    before.long_name = Some(long_name(&header, stream, judge)?);
                }
                b'K' if !before.long_link => {
                    // Where a link leads; of a file it says nothing.
                    judge.entry(&header.path, EntryRule::OddLongName)?;
                    let size = header.size;
                    stream.skip(size.saturating_add(padding(size)))?;
                    before.long_link = true;
                }
                b'x' if before.pax.is_none() => {
                    judge.entry(&header.path, EntryRule::Pax)?;
                    let records = content(&header, stream, MAX_PAX_HEADER)
                        .ok_or_else(|| refuse(EntryRule::PaxAmbiguous("is too large")))??;
                    let pax = Pax::parse(&records).map_err(|what| refuse(EntryRule::PaxAmbiguous(what)))?;
                    before.pax = Some(pax);
                }
                b'L' | b'K' => return Err(refuse(EntryRule::LongName)),
                b'x' => return Err(refuse(EntryRule::PaxAmbiguous("follows another one"))),
                _ => return apply(header, before).map(Some),
            }
        }
    }

    /// One header block; none at the end, which is two zero blocks.
    fn raw<S: Unpacked>(
        &mut self,
        stream: &mut S,
        judge: &mut Judge,
    ) -> Result<Option<Header>, PackageError> {
        let mut block = [0; BLOCK];
        if !stream.read_block(&mut block)? {
            judge.archive(PackageError::NoEnd)?;
            return Ok(None);
        }
        self.count += 1;
        if block == [0; BLOCK] {
            match stream.read_block(&mut block) {
                Ok(true) if block == [0; BLOCK] => {}
                Ok(true) => judge.archive(PackageError::DataAfterArchive)?,
                Ok(false) => judge.archive(PackageError::NoEnd)?,
                Err(error) => judge.archive(error)?,
            }
            return Ok(None);
        }
        let number = self.count;
        let mut odd = Vec::new();
        let header = parse(&block, &mut odd).map_err(|what| PackageError::Header { number, what })?;
        for what in odd {
            judge.archive(PackageError::Header { number, what })?;
        }
        if has_bytes_after_nul(&block[..100]) || header.ustar && has_bytes_after_nul(&block[345..500]) {
            judge.entry(&header.path, EntryRule::BytesAfterNul)?;
        }
        Ok(Some(header))
    }
}

/// The header with what was said before it.
fn apply(mut header: Header, before: Before) -> Result<Header, PackageError> {
    let refuse = |path: &[u8], rule| PackageError::entry(&String::from_utf8_lossy(path), rule);
    if let Some(pax) = before.pax {
        if pax.size.is_some_and(|size| size != header.size) {
            return Err(refuse(&header.path, EntryRule::PaxAmbiguous("states another size")));
        }
        if pax.path.is_some() && before.long_name.is_some() {
            return Err(refuse(&header.path, EntryRule::PaxAmbiguous("states a second long path")));
        }
        header.path = pax.path.unwrap_or(header.path);
    }
    header.path = before.long_name.unwrap_or(header.path);
    Ok(header)
}

/// Zeros that fill the last block of content of `size` bytes.
pub(super) fn padding(size: u64) -> u64 {
    size.next_multiple_of(BLOCK as u64) - size
}

/// Reads a header block. An error is what no reader could read, or several would read differently; what is merely not as
/// `cargo package` writes it is added to `odd`.
fn parse(block: &[u8; BLOCK], odd: &mut Vec<&'static str>) -> Result<Header, &'static str> {
    let sum: u64 = block
        .iter()
        .enumerate()
        .map(|(at, &byte)| u64::from(if (148..156).contains(&at) { b' ' } else { byte }))
        .sum();
    let mut number = |field: &[u8], what| {
        octal(field).or_else(|| {
            odd.push(what);
            lenient_number(field)
        })
    };
    if number(&block[148..156], "its check sum is not an octal number") != Some(sum) {
        return Err("its check sum is wrong");
    }
    let size = number(&block[124..136], "its size is not an octal number");
    let size = size.filter(|size| *size <= MAX_SIZE).ok_or("its size is not an octal number")?;
    // Cargo leaves the mode alone that it cannot read.
    let mode = number(&block[100..108], "its mode is not an octal number").unwrap_or(0);
    let name = until_nul(&block[..100]);
    let prefix = until_nul(&block[345..500]);
    let (path, ustar) = match &block[257..265] {
        b"ustar  \0" => (name.to_vec(), false),
        b"ustar\x0000" if prefix.is_empty() => (name.to_vec(), true),
        b"ustar\x0000" => ([prefix, b"/", name].concat(), true),
        // Some take it for ustar, and its prefix for part of the path.
        magic if magic.starts_with(b"ustar") && !prefix.is_empty() => {
            return Err("it is of neither the ustar nor the GNU form");
        }
        _ => {
            odd.push("it is of neither the ustar nor the GNU form");
            (name.to_vec(), false)
        }
    };
    Ok(Header { path, size, mode, kind: block[156], ustar })
}

/// Sizes are added up in 64 bits.
const MAX_SIZE: u64 = 1 << 48;

/// The content of a GNU long-name entry: the path of the entry that follows.
fn long_name<S: Unpacked>(
    header: &Header,
    stream: &mut S,
    judge: &mut Judge,
) -> Result<Vec<u8>, PackageError> {
    if header.path != LONG_LINK {
        judge.entry(&header.path, EntryRule::OddLongName)?;
    }
    let size = usize::try_from(header.size).unwrap_or(usize::MAX);
    if size > MAX_PATH + 1 {
        judge.entry(&header.path, EntryRule::PathTooLong)?;
    }
    let refuse = |rule| PackageError::entry(&String::from_utf8_lossy(&header.path), rule);
    let mut name = content(header, stream, MAX_CONSUMED_PATH + 1)
        .ok_or_else(|| refuse(EntryRule::PathFarTooLong(size)))??;
    // One NUL at the end, and none before: readers disagree on where such a name stops.
    if name.last() == Some(&0) {
        name.pop();
    } else {
        judge.entry(&header.path, EntryRule::OddLongName)?;
    }
    if name.is_empty() || name.contains(&0) { Err(refuse(EntryRule::LongName)) } else { Ok(name) }
}

/// The content of an entry that is not longer than `most`, read with its padding.
fn content<S: Unpacked>(
    header: &Header,
    stream: &mut S,
    most: usize,
) -> Option<Result<Vec<u8>, PackageError>> {
    let size = usize::try_from(header.size).ok().filter(|size| *size <= most)?;
    let mut content = vec![0; size.next_multiple_of(BLOCK)];
    Some(stream.read_exact(&mut content).map(|()| {
        content.truncate(size);
        content
    }))
}

fn until_nul(field: &[u8]) -> &[u8] {
    field.split(|&byte| byte == 0).next().unwrap_or_default()
}

fn has_bytes_after_nul(field: &[u8]) -> bool {
    field[until_nul(field).len()..].iter().any(|&byte| byte != 0)
}

/// Octal digits, then only spaces and NULs, as `cargo package` writes them.
fn octal(field: &[u8]) -> Option<u64> {
    let end = field.iter().position(|byte| !matches!(byte, b'0'..=b'7'))?;
    let (digits, rest) = field.split_at(end);
    if digits.is_empty() || rest.iter().any(|byte| !matches!(byte, 0 | b' ')) {
        return None;
    }
    Some(value(digits))
}

/// What older and other tars write: octal digits between spaces, up to a NUL or the field's end; or base 256, for numbers that
/// are not negative and fit.
fn lenient_number(field: &[u8]) -> Option<u64> {
    if field[0] == 0x80 {
        let (high, low) = field[1..].split_at((field.len() - 1).saturating_sub(7));
        let fits = high.iter().all(|&byte| byte == 0);
        return fits.then(|| low.iter().fold(0, |value, &byte| value << 8 | u64::from(byte)));
    }
    let digits = until_nul(field).trim_ascii();
    (!digits.is_empty() && digits.iter().all(|byte| matches!(byte, b'0'..=b'7'))).then(|| value(digits))
}

fn value(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |value, digit| value * 8 + u64::from(digit - b'0'))
}
