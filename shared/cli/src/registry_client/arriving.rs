//! The directory that downloads arrive in, shared by all runs of a user.
//!
//! A file is written under a name of its own (`.part-…`) and gets the one of its hash when it is whole and right, so what is
//! called by a hash can be used. A run that is killed leaves its part behind. Whoever downloads holds a lock together
//! with all others who do; the first who has it alone knows that no part is being written, and removes them.

use std::fs::File;
use std::path::Path;

use cargo_namespaces_net::client::PART;
use cargo_namespaces_net::fs::{FsError, create_dir_all, open_lock, remove_file};

/// Held while files arrive.
#[derive(Debug)]
pub(super) struct Arriving {
    _lock: Option<File>,
}

impl Arriving {
    /// Makes the directory, or clears it of what killed runs left.
    pub(super) fn begin(directory: &Path) -> Result<Self, FsError> {
        create_dir_all(directory)?;
        let lock = open_lock(&directory.with_extension("lock"))?;
        if lock.try_lock().is_ok() {
            clear(directory);
            // Between the two somebody else may clear: nothing of ours is there yet.
            let _ = lock.unlock();
        }
        // Where the system has no locks, parts of killed runs stay.
        Ok(Self { _lock: lock.lock_shared().is_ok().then_some(lock) })
    }
}

fn clear(directory: &Path) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_name().to_str().is_some_and(|name| name.starts_with(PART)) {
            let _ = remove_file(&entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cargo_namespaces_net::fs::write_cache;

    #[test]
    fn parts_of_killed_runs_go_and_those_of_living_ones_stay() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("crates");
        let (part, whole) = (directory.join(".part-abc"), directory.join("0123.crate"));
        write_cache(&part, b"half").unwrap();
        write_cache(&whole, b"whole").unwrap();
        let first = Arriving::begin(&directory).unwrap();
        assert!(!part.exists() && whole.exists());
        write_cache(&part, b"half").unwrap();
        let second = Arriving::begin(&directory).unwrap();
        assert!(part.exists(), "the first is still writing it");
        drop((first, second));
        let _third = Arriving::begin(&directory).unwrap();
        assert!(!part.exists() && whole.exists());
    }
}
