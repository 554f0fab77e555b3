//! What reading, hashing, inflating and writing take alone, one after the other on one core, in CPU time.

use std::fs::{self, File};
use std::io::{Read, Write as _};
use std::path::Path;
use std::time::Duration;

use cargo_namespaces::digest::Digest;
use cargo_namespaces::limits::MAX_INFLATED_WHOLE;

use super::super::Numbers;
use super::project::Bench;

#[derive(Default)]
struct Floors {
    read: Duration,
    hash: Duration,
    inflate: Duration,
    hash_files: Duration,
    write: Duration,
    archives: u32,
    files: u32,
}

/// Adds one field for each part, in milliseconds, and what was worked on; gives the sum, of which writing is that on tmpfs.
pub fn put(bench: &Bench, disk: &Bench, numbers: &mut Numbers) -> f64 {
    let floors = Floors::of(bench, &bench.scratch());
    let on_disk = Floors::of(bench, &disk.scratch());
    numbers.put("floor_write_disk_ms", on_disk.write.as_secs_f64() * 1000.0);
    let parts = [
        ("floor_read_ms", floors.read),
        ("floor_hash_packed_ms", floors.hash),
        ("floor_inflate_ms", floors.inflate),
        ("floor_hash_files_ms", floors.hash_files),
        ("floor_write_ms", floors.write),
    ];
    let mut sum = 0.0;
    for (name, time) in parts {
        let time = time.as_secs_f64() * 1000.0;
        numbers.put(name, time);
        sum += time;
    }
    numbers.put("floor_ms", sum);
    numbers.put("archives", f64::from(floors.archives));
    numbers.put("files", f64::from(floors.files));
    sum
}

impl Floors {
    /// What the archives of `bench` take, when they are written below `scratch`.
    fn of(bench: &Bench, scratch: &Path) -> Self {
        let mut floors = Self::default();
        for archive in bench.archives() {
            floors.one(&archive, scratch);
            floors.archives += 1;
        }
        let _ = fs::remove_dir_all(scratch);
        floors
    }

    fn one(&mut self, archive: &Path, scratch: &Path) {
        let packed = clocked(&mut self.read, || fs::read(archive).expect("read an archive"));
        clocked(&mut self.hash, || Digest::of(&packed));
        let unpacked = clocked(&mut self.inflate, || inflate(&packed));
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

/// As our commands do: at once, or streaming what is large.
fn inflate(packed: &[u8]) -> Vec<u8> {
    let length = packed.last_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
    let mut bytes = Vec::new();
    if u64::from(length) <= MAX_INFLATED_WHOLE {
        bytes.resize(usize::try_from(length).expect("it fits into memory"), 0);
        libdeflater::Decompressor::new().gzip_decompress(packed, &mut bytes).expect("inflate an archive");
    } else {
        flate2::bufread::GzDecoder::new(packed).read_to_end(&mut bytes).expect("inflate an archive");
    }
    bytes
}

fn clocked<T>(total: &mut Duration, work: impl FnOnce() -> T) -> T {
    let begin = cpu_of_thread();
    let result = work();
    *total += cpu_of_thread().saturating_sub(begin);
    result
}

/// CPU time, since another process on the machine is no part of a floor. Linux adds to it a tick at a time: right over
/// thousands of pieces.
fn cpu_of_thread() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").expect("this is Linux");
    let nanoseconds = text.split(' ').next().and_then(|word| word.parse().ok());
    Duration::from_nanos(nanoseconds.expect("a number"))
}
