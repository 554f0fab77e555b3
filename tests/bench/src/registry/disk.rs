//! A directory on a real disk, and how fast that disk makes something durable.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::step;
use namespace_world::programs;

/// Not `/tmp`, which may be memory.
const ON_DISK: &str = "/var/tmp";
/// How long the disk is measured.
const MEASURED_FOR: Duration = Duration::from_secs(1);

/// A directory on a disk; removed when dropped.
pub struct Scratch(TempDir);

impl Scratch {
    /// Makes one, and says on which file system it is.
    pub fn new() -> Self {
        let directory = tempfile::Builder::new().prefix("nsregistry-bench-").tempdir_in(ON_DISK);
        let directory = directory.expect("create the measurement's directory");
        let found = programs::command("findmnt")
            .args(["--noheadings", "--output", "FSTYPE,SOURCE,OPTIONS", "--target"])
            .arg(directory.path())
            .output()
            .expect("ask for the file system");
        let found = String::from_utf8_lossy(&found.stdout).trim().to_owned();
        assert!(!found.starts_with("tmpfs"), "{ON_DISK} is in memory: nothing there is durable");
        step(&format!("{} is on {found}", directory.path().display()));
        Self(directory)
    }

    /// A directory in it, made on first use.
    pub fn directory(&self, name: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::create_dir_all(&path).expect("create a directory");
        path
    }

    /// How often a second so many threads, each with a file of its own, can append 4 KiB and have them on the disk.
    pub fn syncs_per_second(&self, threads: usize) -> f64 {
        let directory = self.directory("syncs");
        let syncs = AtomicUsize::new(0);
        let begin = Instant::now();
        std::thread::scope(|scope| {
            for thread in 0..threads {
                let path = directory.join(thread.to_string());
                let syncs = &syncs;
                scope.spawn(move || append(&path, begin, syncs));
            }
        });
        syncs.into_inner() as f64 / begin.elapsed().as_secs_f64()
    }
}

fn append(path: &Path, begin: Instant, syncs: &AtomicUsize) {
    let mut file = fs::File::create(path).expect("create a file");
    while begin.elapsed() < MEASURED_FOR {
        file.write_all(&[b'x'; 4096]).expect("append to a file");
        file.sync_data().expect("sync a file");
        syncs.fetch_add(1, Ordering::Relaxed);
    }
}
