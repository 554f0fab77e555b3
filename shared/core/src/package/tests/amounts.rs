//! Too much of everything.

use std::io::{BufReader, Write};

use super::*;
use crate::limits::{MAX_ENTRIES, MAX_MANIFEST};

/// Deflate data that stands for itself: it refers to nothing before it, and more may follow.
fn deflate_piece(content: &[u8]) -> Vec<u8> {
    let mut compress = flate2::Compress::new(flate2::Compression::best(), false);
    let mut piece = Vec::with_capacity(content.len() + 1024);
    compress.compress_vec(content, &mut piece, flate2::FlushCompress::Full).unwrap();
    piece
}

const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

#[test]
fn decompression_bomb() {
    let header = Archive::demo()
        .edited(EntryType::Regular, b"demo-1.0.0/bomb", b"", |header| header.set_size(4 << 30))
        .tar();
    let header = &header[..header.len() - 1024];
    let zeros = deflate_piece(&vec![0; 1 << 20]);
    let bomb = [&GZIP_HEADER[..], &deflate_piece(header), &zeros.repeat(600)].concat();
    assert!(bomb.len() < 4 << 20);
    assert!(matches!(demo(&bomb[..]), Err(PackageError::UnpackedTooLarge(_))));
}

#[test]
fn endless_stream_that_yields_nothing() {
    // Empty stored blocks, for ever.
    struct EmptyBlocks(usize);
    impl Read for EmptyBlocks {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            for byte in buffer.iter_mut() {
                *byte = [0, 0, 0, 0xff, 0xff][self.0 % 5];
                self.0 += 1;
            }
            Ok(buffer.len())
        }
    }
    let endless = GZIP_HEADER.chain(EmptyBlocks(0));
    let endless = BufReader::with_capacity(1 << 20, endless);
    let version = Version::new(1, 0, 0);
    let refused =
        for_each_entry(Rules::Publish, endless, 0, "demo", &version, |_| Ok::<(), PackageError>(()));
    assert!(matches!(refused, Err(PackageError::PackedTooLarge(_))), "{refused:?}");
}

#[test]
fn very_many_entries() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for number in 0..=MAX_ENTRIES {
        let entry = Archive::empty().file(&format!("demo-1.0.0/{number}"), b"").tar();
        encoder.write_all(&entry[..512]).unwrap();
    }
    let refused = demo(&encoder.finish().unwrap()[..]);
    assert!(matches!(refused, Err(PackageError::TooManyEntries)), "{refused:?}");
}

#[test]
fn huge_manifest() {
    let manifest = MANIFEST.to_owned() + &"#".repeat(usize::try_from(MAX_MANIFEST).unwrap());
    assert!(matches!(refused(Archive::with_manifest(&manifest)), PackageError::ManifestTooLarge));
}
