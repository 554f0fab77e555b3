//! What reading, hashing, inflating and writing take alone, one after the other on one core, in CPU time.

use std::fs::{self, File};
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use cargo_namespaces::digest::Digest;
use cargo_namespaces::limits::MAX_INFLATED_WHOLE;

use super::project::Bench;
use namespace_world::figures::Numbers;

#[derive(Default)]
struct Floors {
    read: Duration,
    hash: Duration,
    inflate: Duration,
    hash_files: Duration,
    write: Duration,
    write_disk: Duration,
    archives: u32,
    files: u32,
}

/// Adds one field for each part, in milliseconds, and what was worked on; gives the sum, of which writing is that on tmpfs.
pub fn put(bench: &Bench, disk: &Bench, numbers: &mut Numbers) -> f64 {
    let floors = Floors::of(bench, disk);
    numbers.put("floor_write_disk_ms", floors.write_disk.as_secs_f64() * 1000.0);
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
    /// What the archives of `bench` take.
    fn of(bench: &Bench, disk: &Bench) -> Self {
        let mut floors = Self::default();
        let scratches = [bench.scratch(), disk.scratch()];
        let mut room = Vec::new();
        for archive in bench.archives() {
            floors.one(&archive, &scratches, &mut room);
            floors.archives += 1;
        }
        for scratch in scratches {
            let _ = fs::remove_dir_all(scratch);
        }
        floors
    }

    fn one(&mut self, archive: &Path, [memory, disk]: &[PathBuf; 2], room: &mut Vec<u8>) {
        let packed = clocked(&mut self.read, || fs::read(archive).expect("read an archive"));
        clocked(&mut self.hash, || Digest::of(&packed));
        let unpacked = clocked(&mut self.inflate, || inflate(&packed, room));
        let mut archive = tar::Archive::new(unpacked);
        for entry in archive.entries().expect("a tar archive") {
            let entry = entry.expect("an entry");
            let start = usize::try_from(entry.raw_file_position()).expect("it is in memory");
            let content = &unpacked[start..start + usize::try_from(entry.size()).expect("it is in memory")];
            clocked(&mut self.hash_files, || Digest::of(content));
            let path = entry.path().expect("a path");
            clocked(&mut self.write, || write(&memory.join(&path), content));
            clocked(&mut self.write_disk, || write(&disk.join(&path), content));
            self.files += 1;
        }
    }
}

fn write(target: &Path, content: &[u8]) {
    fs::create_dir_all(target.parent().expect("it is in a directory")).expect("make a directory");
    File::create(target).and_then(|mut file| file.write_all(content)).expect("write a file");
}

/// As our commands do: at once into room that is used again, or streaming what is large.
fn inflate<'r>(packed: &[u8], room: &'r mut Vec<u8>) -> &'r [u8] {
    let length = packed.last_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
    if u64::from(length) <= MAX_INFLATED_WHOLE {
        let length = usize::try_from(length).expect("it fits into memory");
        if room.len() < length {
            room.resize(length, 0);
        }
        let room = &mut room[..length];
        libdeflater::Decompressor::new().gzip_decompress(packed, room).expect("inflate an archive");
        room
    } else {
        room.clear();
        flate2::bufread::GzDecoder::new(packed).read_to_end(room).expect("inflate an archive");
        room
    }
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
