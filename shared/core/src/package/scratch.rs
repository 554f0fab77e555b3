//! Inflating a whole .crate at once, for whoever reads many.
//!
//! libdeflate takes about half the time of a decoder that streams, but it wants input and output whole, and it does not say
//! where the input ended. So it has the first word only: what it does not take, what is large, and what might have
//! something behind its end is left to the stream, which knows all rules and names the one that is broken.

use libdeflater::Decompressor;

use crate::limits::{MAX_HELD_PACKED, MAX_INFLATED_WHOLE};

/// Room for an unpacked .crate; one a thread.
pub struct Scratch {
    decompressor: Decompressor,
    bytes: Vec<u8>,
}

/// CRC-32 and length of what is unpacked.
const FOOTER: usize = 8;
/// gzip, deflate; then flags of which only a file name is known, as `cargo package` writes it.
const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];
const FILE_NAME: u8 = 8;

impl Scratch {
    /// Nothing is allocated before the first use.
    #[must_use]
    pub fn new() -> Self {
        Self { decompressor: Decompressor::new(), bytes: Vec::new() }
    }

    /// The unpacked bytes of a gzip of one member, with nothing behind it; none where that is not certain.
    pub(super) fn inflate(&mut self, packed: &[u8]) -> Option<&[u8]> {
        if packed.len() as u64 > MAX_HELD_PACKED {
            return None;
        }
        let (_, footer) = packed.split_last_chunk::<FOOTER>()?;
        let flags = *packed.strip_prefix(&MAGIC)?.first()?;
        let length = u32::from_le_bytes([footer[4], footer[5], footer[6], footer[7]]);
        if flags & !FILE_NAME != 0 || u64::from(length) > MAX_INFLATED_WHOLE {
            return None;
        }
        let length = usize::try_from(length).ok()?;
        if self.bytes.len() < length {
            // Not resized, which would copy what was in it.
            self.bytes = vec![0; length];
        }
        let room = &mut self.bytes[..length];
        // Check sum and length are right, somewhere: libdeflate looks at them where the compressed stream ends, and does not
        // say where. That place ends with the length; where the length stands nowhere but at the end of the file, it is
        // there. Of the check sum at the end of the file nobody has said that it is the right one.
        let found = self.decompressor.gzip_decompress(packed, room).ok()?;
        let length_bytes = &footer[FOOTER / 2..];
        let only_there =
            memchr::memmem::find(packed, length_bytes) == Some(packed.len() - length_bytes.len());
        (found == length && only_there).then_some(&self.bytes[..length])
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Scratch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scratch").field("bytes", &self.bytes.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Archive, gzip};
    use super::*;

    #[test]
    fn an_honest_crate_is_inflated() {
        let mut scratch = Scratch::new();
        for text in ["//! One.\n".repeat(5000), String::new()] {
            let tar = Archive::demo().file("demo-1.0.0/src/more.rs", text.as_bytes()).tar();
            assert_eq!(scratch.inflate(&gzip(&tar)).unwrap(), tar);
        }
    }

    /// Each is left to the stream, which refuses it.
    #[test]
    fn what_has_something_behind_its_end_is_not_taken() {
        let mut scratch = Scratch::new();
        let packed = Archive::demo().gz();
        let footer = packed[packed.len() - FOOTER..].to_vec();
        assert!(scratch.inflate(&packed).is_some());
        assert_eq!(scratch.inflate(&[packed.clone(), packed.clone()].concat()), None);
        assert_eq!(scratch.inflate(&[packed.clone(), b"junk".to_vec(), footer.clone()].concat()), None);
        assert_eq!(scratch.inflate(&[packed.clone(), footer.clone()].concat()), None);
        // The length alone, behind anything: only that is said at the end, the check sum is not.
        assert!(
            scratch.inflate(&[packed.clone(), b"evil".to_vec(), footer[4..].to_vec()].concat()).is_none()
        );
        assert_eq!(scratch.inflate(&packed[..packed.len() - 1]), None);
    }

    /// One walk, whichever way the bytes come: no rule is lost on the short way.
    #[test]
    fn both_ways_refuse_the_same_with_the_same_words() {
        use super::super::{Rules, for_each_entry_of, inspect};
        let version = semver::Version::new(1, 0, 0);
        let mut scratch = Scratch::new();
        let packed = Archive::demo().gz();
        let archives = [
            Archive::demo().entry(tar::EntryType::Symlink, b"demo-1.0.0/link", b"").gz(),
            Archive::demo().entry(tar::EntryType::Link, b"demo-1.0.0/link", b"").gz(),
            Archive::demo().file("demo-1.0.0/../other/x", b"").gz(),
            Archive::demo().file("demo-1.0.0/cargo.toml", b"").gz(),
            Archive::demo().file("demo-1.0.0/.cargo-ok", b"").gz(),
            Archive::demo().gz_without_end(),
            Archive::empty().gz(),
            gzip(&[Archive::demo().tar(), b"more".to_vec()].concat()),
            [packed.clone(), packed.clone()].concat(),
            [packed.clone(), b"evil".to_vec(), packed[packed.len() - 4..].to_vec()].concat(),
            packed[..packed.len() - 20].to_vec(),
            b"no archive".to_vec(),
        ];
        for archive in archives {
            for rules in [Rules::Publish, Rules::Consume] {
                let streamed = inspect(rules, &archive, "demo", &version);
                let whole = for_each_entry_of(rules, &archive, &mut scratch, "demo", &version, |_| {
                    Ok::<(), super::super::PackageError>(())
                });
                match (whole, streamed) {
                    (Ok(whole), Ok(streamed)) if rules == Rules::Consume => assert_eq!(whole, streamed),
                    (whole, streamed) => {
                        assert_eq!(whole.unwrap_err().to_string(), streamed.unwrap_err().to_string());
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_damaged_large_or_unknown_is_not_taken() {
        let mut scratch = Scratch::new();
        let packed = Archive::demo().gz();
        let with = |at: usize, byte: u8| {
            let mut packed = packed.clone();
            packed[at] = byte;
            packed
        };
        let end = packed.len() - 1;
        for (at, byte) in [(0, 0), (2, 7), (3, 2), (3, 0x80), (end, 0x7f), (end - 4, !packed[end - 4])] {
            assert_eq!(scratch.inflate(&with(at, byte)), None, "{at}");
        }
        assert_eq!(scratch.inflate(b""), None);
    }
}
