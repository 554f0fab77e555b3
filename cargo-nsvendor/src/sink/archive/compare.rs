//! Comparing an archive with what would be packed now, as a stream.

use std::io::{self, Read, Write};
use std::sync::{Mutex, PoisonError};

/// A writer that compares what is written with what `other` yields.
pub struct StreamComparison<'a, R> {
    other: R,
    /// The path of the file that is being packed.
    at: &'a Mutex<String>,
    found: Option<ArchiveDifference>,
    buffer: Vec<u8>,
}

/// How the two differ.
#[derive(Debug)]
pub enum ArchiveDifference {
    /// The first difference is in this file, or before it. The empty name stands for the end.
    At(String),
    /// The archive was cut off or damaged.
    Unreadable(io::Error),
}

impl<'a, R: Read> StreamComparison<'a, R> {
    pub fn new(other: R, at: &'a Mutex<String>) -> Self {
        Self { other, at, found: None, buffer: Vec::new() }
    }

    /// The first difference, after everything was written.
    pub fn finish(mut self) -> Option<ArchiveDifference> {
        if self.found.is_none() {
            self.found = match self.other.read(&mut [0]) {
                Ok(0) => None,
                Ok(_) => Some(ArchiveDifference::At(String::new())),
                Err(error) => Some(ArchiveDifference::Unreadable(error)),
            };
        }
        self.found
    }
}

impl<R: Read> Write for StreamComparison<'_, R> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.found.is_none() {
            if self.buffer.len() < bytes.len() {
                self.buffer.resize(bytes.len(), 0);
            }
            let other = &mut self.buffer[..bytes.len()];
            self.found = match self.other.read_exact(other) {
                Err(error) => Some(ArchiveDifference::Unreadable(error)),
                Ok(()) if other == bytes => None,
                Ok(()) => Some(ArchiveDifference::At(
                    self.at.lock().unwrap_or_else(PoisonError::into_inner).clone(),
                )),
            };
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(other: &[u8], written: &[(&str, &[u8])]) -> Option<ArchiveDifference> {
        let at = Mutex::default();
        let mut compare = StreamComparison::new(other, &at);
        for (path, bytes) in written {
            *at.lock().unwrap() = (*path).to_owned();
            compare.write_all(bytes).unwrap();
        }
        compare.finish()
    }

    #[test]
    fn the_first_difference_is_named() {
        let written: [(&str, &[u8]); 2] = [("a", b"one"), ("b", b"two")];
        assert!(compared(b"onetwo", &written).is_none());
        assert!(matches!(compared(b"oneTwo", &written), Some(ArchiveDifference::At(path)) if path == "b"));
        assert!(
            matches!(compared(b"onetwo!", &written), Some(ArchiveDifference::At(path)) if path.is_empty())
        );
        assert!(matches!(compared(b"onet", &written), Some(ArchiveDifference::Unreadable(_))));
    }
}
