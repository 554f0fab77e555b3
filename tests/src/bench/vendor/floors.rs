//! What reading, hashing, inflating and writing take alone, one after the other on one core.

use std::fs::{self, File};
use std::io::{Read, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use cargo_namespaces::digest::Digest;

use super::super::Numbers;
use super::project::Bench;

#[derive(Default)]
struct Floors {
    read: Duration,
    hash: Duration,
    inflate: Duration,
    hash_files: Duration,
    write: Duration,
    files: u32,
}

/// Adds one field for each part, in milliseconds, and what was worked on.
pub fn put(bench: &Bench, numbers: &mut Numbers) {
    let scratch = bench.scratch();
    let mut floors = Floors::default();
    let archives = bench.archives();
    for archive in &archives {
        floors.one(archive, &scratch);
    }
    let _ = fs::remove_dir_all(&scratch);
    for (name, time) in [
        ("floor_read_ms", floors.read),
        ("floor_hash_packed_ms", floors.hash),
        ("floor_inflate_ms", floors.inflate),
        ("floor_hash_files_ms", floors.hash_files),
        ("floor_write_ms", floors.write),
    ] {
        numbers.put(name, time.as_secs_f64() * 1000.0);
    }
    numbers.put("archives", f64::from(u32::try_from(archives.len()).unwrap_or(u32::MAX)));
    numbers.put("files", f64::from(floors.files));
}

impl Floors {
    fn one(&mut self, archive: &Path, scratch: &Path) {
        let packed = clocked(&mut self.read, || fs::read(archive).expect("read an archive"));
        clocked(&mut self.hash, || Digest::of(&packed));
        let unpacked = clocked(&mut self.inflate, || {
            let mut bytes = Vec::with_capacity(packed.len() * 8);
            flate2::bufread::GzDecoder::new(&packed[..]).read_to_end(&mut bytes).expect("inflate an archive");
            bytes
        });
        let mut archive = tar::Archive::new(&unpacked[..]);
        for entry in archive.entries().expect("a tar archive") {
            let entry = entry.expect("an entry");
            let start = usize::try_from(entry.raw_file_position()).expect("it is in memory");
            let content = &unpacked[start..start + usize::try_from(entry.size()).expect("it is in memory")];
            clocked(&mut self.hash_files, || Digest::of(content));
            let target = scratch.join(entry.path().expect("a path"));
            clocked(&mut self.write, || {
                fs::create_dir_all(target.parent().expect("it is in a directory")).expect("make a directory");
                File::create(&target).and_then(|mut file| file.write_all(content)).expect("write a file");
            });
            self.files += 1;
        }
    }
}

fn clocked<T>(total: &mut Duration, work: impl FnOnce() -> T) -> T {
    let begin = Instant::now();
    let result = work();
    *total += begin.elapsed();
    result
}
