//! The unpacked bytes: of the compressed stream, counted on both sides, or as they lie in memory already.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

use super::error::{PackageError, unwrap_io};
use super::rules::Rules;

/// The packed bytes, refused above the cap. An endless gzip of empty blocks yields nothing, so the cap must be here and
/// not behind the decoder.
struct Packed<R> {
    inner: R,
    left: u64,
    cap: u64,
}

impl<R: BufRead> Read for Packed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(buffer.len());
        buffer[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Packed<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        let available = self.inner.fill_buf().map_err(|error| io::Error::other(PackageError::Io(error)))?;
        if left == 0 && !available.is_empty() {
            return Err(io::Error::other(PackageError::PackedTooLarge(self.cap)));
        }
        Ok(&available[..available.len().min(left)])
    }

    fn consume(&mut self, count: usize) {
        self.left -= count as u64;
        self.inner.consume(count);
    }
}

/// Where a walk takes the unpacked bytes of a .crate from.
pub(super) trait Unpacked: Sized {
    /// The next bytes, as they lie in memory; none at the end of the compressed stream, whose check sum is then right.
    fn available(&mut self) -> Result<&[u8], PackageError>;

    /// Takes the first of the available bytes.
    fn consume(&mut self, count: usize);

    /// Nothing may come behind the compressed stream.
    fn close(&mut self) -> Result<(), PackageError>;

    /// How many bytes were unpacked.
    fn unpacked(&self) -> u64;

    /// Fills the buffer.
    fn read_exact(&mut self, buffer: &mut [u8]) -> Result<(), PackageError> {
        if self.read_block(buffer)? || buffer.is_empty() { Ok(()) } else { Err(PackageError::Truncated) }
    }

    /// Fills the buffer, unless there is nothing more at all.
    fn read_block(&mut self, buffer: &mut [u8]) -> Result<bool, PackageError> {
        let mut filled = 0;
        while filled < buffer.len() {
            let available = self.available()?;
            if available.is_empty() && filled == 0 {
                return Ok(false);
            }
            if available.is_empty() {
                return Err(PackageError::Truncated);
            }
            let count = available.len().min(buffer.len() - filled);
            buffer[filled..filled + count].copy_from_slice(&available[..count]);
            self.consume(count);
            filled += count;
        }
        Ok(true)
    }

    /// Passes over some bytes.
    fn skip(&mut self, mut count: u64) -> Result<(), PackageError> {
        while count > 0 {
            let available = self.available()?.len();
            if available == 0 {
                return Err(PackageError::Truncated);
            }
            let passed = available.min(usize::try_from(count).unwrap_or(usize::MAX));
            self.consume(passed);
            count -= passed as u64;
        }
        Ok(())
    }

    /// Reads on behind the archive's end: zeros to the end of the stream, and nothing after that.
    fn finish(&mut self) -> Result<(), PackageError> {
        loop {
            let available = self.available()?;
            let count = available.len();
            if count == 0 {
                return self.close();
            }
            if available.iter().any(|&byte| byte != 0) {
                return Err(PackageError::DataAfterArchive);
            }
            self.consume(count);
        }
    }
}

/// Bytes that are inflated at once. Fewer cost more calls, each of which copies its last 32 KiB; more leave the core's cache
/// before they are hashed and written.
const PIECE: usize = 128 * 1024;

/// The unpacked bytes of a .crate.
pub(super) struct Stream<R: BufRead> {
    decoder: GzDecoder<Packed<R>>,
    unpacked: u64,
    cap: u64,
    piece: Vec<u8>,
    /// What of the piece is inflated and not yet read.
    left: std::ops::Range<usize>,
}

impl<R: BufRead> Stream<R> {
    /// `length` is that of the packed archive.
    pub(super) fn new(rules: Rules, archive: R, length: u64) -> Self {
        let packed = Packed { inner: archive, left: rules.max_packed(), cap: rules.max_packed() };
        Self {
            decoder: GzDecoder::new(packed),
            unpacked: 0,
            cap: rules.max_unpacked(length),
            piece: vec![0; PIECE],
            left: 0..0,
        }
    }
}

impl<R: BufRead> Unpacked for Stream<R> {
    fn available(&mut self) -> Result<&[u8], PackageError> {
        if self.left.is_empty() {
            let count =
                self.decoder.read(&mut self.piece).map_err(|error| unwrap_io(error, PackageError::Gzip))?;
            self.unpacked += count as u64;
            if self.unpacked > self.cap {
                return Err(PackageError::UnpackedTooLarge(self.cap));
            }
            self.left = 0..count;
        }
        Ok(&self.piece[self.left.clone()])
    }

    fn consume(&mut self, count: usize) {
        self.left.start = self.left.end.min(self.left.start + count);
    }

    fn close(&mut self) -> Result<(), PackageError> {
        let rest = self.decoder.get_mut().fill_buf().map_err(|error| unwrap_io(error, PackageError::Io))?;
        if rest.is_empty() { Ok(()) } else { Err(PackageError::TrailingData) }
    }

    fn unpacked(&self) -> u64 {
        self.unpacked
    }
}

/// All of the unpacked bytes, whose compressed stream is known to be whole, right and followed by nothing.
pub(super) struct Whole<'a> {
    left: &'a [u8],
    unpacked: u64,
}

impl<'a> Whole<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { left: bytes, unpacked: bytes.len() as u64 }
    }
}

impl Unpacked for Whole<'_> {
    fn available(&mut self) -> Result<&[u8], PackageError> {
        Ok(self.left)
    }

    fn consume(&mut self, count: usize) {
        self.left = &self.left[count.min(self.left.len())..];
    }

    fn close(&mut self) -> Result<(), PackageError> {
        Ok(())
    }

    fn unpacked(&self) -> u64 {
        self.unpacked
    }
}
