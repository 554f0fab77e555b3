//! What a vendored directory looked like when it was last compared with the .crates.
//!
//! A package whose files have the same sizes, times and inodes as then is not read again. Among the times is the change time,
//! which programs cannot set: it differs after every write, whatever the modification time says. Evidence only saves work.
//! Without it contents are compared. `--verify` ignores it, and `--check` never reads it.
//!
//! ```text
//! $CARGO_HOME/namespaces/vendored/<hash of the directory's path>
//!
//!     cargo-nsvendor 1 /home/you/app/vendor
//!     fits <SHA-256 of manifests, lock files, configuration>     see `resolve::lock_freshness`
//!     <SHA-256 of the .crate> <SHA-256 of sizes, times, inodes> crates.io/itoa-1.0.15
//! ```

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

use cargo_namespaces::digest::{Digest, Hasher};
use cargo_namespaces_cli::interrupt::Interrupted;
use cargo_namespaces_cli::settings::Settings;
use cargo_namespaces_net::fs::write_cache;

use crate::work;

const HEADER: &str = "cargo-nsvendor 1 ";
const FITS: &str = "fits ";
/// How many states of the lock files are remembered: enough to change between a few branches.
const MAX_FITS: usize = 16;

/// What is known of one vendored directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// By path below the vendored directory, with `/`.
    pub packages: BTreeMap<String, PackageRecord>,
    fits: VecDeque<Digest>,
}

/// What is known of one package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackageRecord {
    /// [`crate::plan::SourceDir::identity`]
    pub identity: Digest,
    /// [`Fingerprint::finish`]
    pub fingerprint: Digest,
}

/// Packages in the directory that are as they were when they were compared, by their paths.
pub type UnchangedPackages = BTreeMap<String, PackageRecord>;

impl Evidence {
    /// What is known of `target`. It is empty if the file cannot be read.
    pub fn load(settings: &Settings, target: &Path) -> Self {
        let text = fs::read_to_string(file_of(settings, target)).unwrap_or_default();
        Self::parse(&text, target).unwrap_or_default()
    }

    /// Saves it. If it cannot be written, the next run is only slower.
    pub fn save(&self, settings: &Settings, target: &Path) {
        let _ = write_cache(&file_of(settings, target), self.to_text(target).as_bytes());
    }

    /// Whether lock files with these inputs are known to be up to date.
    pub fn is_known_fresh(&self, inputs: &Digest) -> bool {
        self.fits.contains(inputs)
    }

    /// Remembers that they are.
    pub fn note_fresh(&mut self, inputs: Digest) {
        self.fits.retain(|known| *known != inputs);
        self.fits.push_front(inputs);
        self.fits.truncate(MAX_FITS);
    }

    /// The known packages below `target` whose files have not changed.
    pub fn unchanged(&self, target: &Path) -> Result<UnchangedPackages, Interrupted> {
        let packages: Vec<(&String, &PackageRecord)> = self.packages.iter().collect();
        let found = work::for_each(&packages, |(path, seen)| {
            Ok::<_, Interrupted>(fingerprint_of(&target.join(path)) == Some(seen.fingerprint))
        })?;
        let standing = packages.into_iter().zip(found).filter(|(_, stands)| *stands);
        Ok(standing.map(|((path, seen), _)| (path.clone(), *seen)).collect())
    }

    fn parse(text: &str, target: &Path) -> Option<Self> {
        let mut lines = text.lines();
        if lines.next()?.strip_prefix(HEADER)? != target.to_str()? {
            return None;
        }
        let mut evidence = Self::default();
        for line in lines {
            if let Some(digest) = line.strip_prefix(FITS) {
                evidence.fits.push_back(Digest::parse(digest).ok()?);
                continue;
            }
            let (identity, rest) = line.split_once(' ')?;
            let (fingerprint, path) = rest.split_once(' ')?;
            let seen = PackageRecord {
                identity: Digest::parse(identity).ok()?,
                fingerprint: Digest::parse(fingerprint).ok()?,
            };
            evidence.packages.insert(path.to_owned(), seen);
        }
        Some(evidence)
    }

    fn to_text(&self, target: &Path) -> String {
        let mut text = format!("{HEADER}{}\n", target.display());
        for digest in &self.fits {
            text.push_str(&format!("{FITS}{digest}\n"));
        }
        for (path, seen) in &self.packages {
            text.push_str(&format!("{} {} {path}\n", seen.identity, seen.fingerprint));
        }
        text
    }
}

fn file_of(settings: &Settings, target: &Path) -> PathBuf {
    let name = Digest::of(target.as_os_str().as_encoded_bytes()).to_string();
    settings.cache().join("vendored").join(&name[..32])
}

/// The attributes of a package's files, without their contents.
#[derive(Clone, Debug, Default)]
pub struct Fingerprint {
    files: Vec<(String, [u64; 7])>,
}

impl Fingerprint {
    /// Adds a file by its path in the package.
    pub fn add(&mut self, path: String, metadata: &Metadata) {
        self.files.push((path, attributes(metadata)));
    }

    /// One digest of all; the order in which they were added makes no difference.
    pub fn finish(mut self) -> Digest {
        self.files.sort_unstable();
        let mut hasher = Hasher::new();
        for (path, numbers) in &self.files {
            hasher.update(path.as_bytes());
            hasher.update(&[0]);
            let mut bytes = [0; 56];
            for (place, number) in bytes.chunks_exact_mut(8).zip(numbers) {
                place.copy_from_slice(&number.to_le_bytes());
            }
            hasher.update(&bytes);
        }
        hasher.finish().0
    }
}

/// Size, mode, modification time, inode and change time.
#[cfg(unix)]
fn attributes(metadata: &Metadata) -> [u64; 7] {
    use std::os::unix::fs::MetadataExt as _;
    [
        metadata.len(),
        u64::from(metadata.mode()),
        metadata.ino(),
        metadata.mtime().cast_unsigned(),
        metadata.mtime_nsec().cast_unsigned(),
        metadata.ctime().cast_unsigned(),
        metadata.ctime_nsec().cast_unsigned(),
    ]
}

#[cfg(not(unix))]
fn attributes(metadata: &Metadata) -> [u64; 7] {
    let since = |time: std::io::Result<std::time::SystemTime>| {
        let time =
            time.ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok()).unwrap_or_default();
        (time.as_secs(), u64::from(time.subsec_nanos()))
    };
    let (modified, created) = (since(metadata.modified()), since(metadata.created()));
    [
        metadata.len(),
        u64::from(metadata.permissions().readonly()),
        0,
        modified.0,
        modified.1,
        created.0,
        created.1,
    ]
}

/// The fingerprint of the package at `directory`. Returns `None` if it does not exist, or holds a link, a special file or an empty
/// directory.
pub fn fingerprint_of(directory: &Path) -> Option<Digest> {
    if !fs::symlink_metadata(directory).ok()?.is_dir() {
        return None;
    }
    let mut fingerprint = Fingerprint::default();
    let mut pending = vec![(directory.to_owned(), String::new())];
    while let Some((directory, below)) = pending.pop() {
        let mut empty = true;
        for entry in fs::read_dir(&directory).ok()? {
            let entry = entry.ok()?;
            empty = false;
            let name = entry.file_name();
            let path = format!("{below}{}", name.to_str()?);
            let kind = entry.file_type().ok()?;
            if kind.is_dir() {
                pending.push((entry.path(), path + "/"));
            } else if kind.is_file() {
                fingerprint.add(path, &entry.metadata().ok()?);
            } else {
                return None;
            }
        }
        if empty {
            return None;
        }
    }
    Some(fingerprint.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use cargo_namespaces_net::fs::write_atomic;

    #[test]
    fn it_is_read_as_it_was_written_and_only_for_its_own_directory() {
        let mut evidence = Evidence::default();
        let seen = PackageRecord { identity: Digest::of(b"a"), fingerprint: Digest::of(b"b") };
        evidence.packages.insert("crates.io/a b-1.0.0".to_owned(), seen);
        evidence.note_fresh(Digest::of(b"one"));
        evidence.note_fresh(Digest::of(b"two"));
        evidence.note_fresh(Digest::of(b"one"));
        let text = evidence.to_text(Path::new("/p/vendor"));
        assert_eq!(Evidence::parse(&text, Path::new("/p/vendor")), Some(evidence));
        assert_eq!(Evidence::parse(&text, Path::new("/p/other")), None);
        assert_eq!(Evidence::parse(&text[..text.len() - 30], Path::new("/p/vendor")), None);
    }

    #[test]
    fn few_lock_files_are_remembered() {
        let mut evidence = Evidence::default();
        for number in 0..=u8::try_from(MAX_FITS).unwrap() {
            evidence.note_fresh(Digest::of(&[number]));
        }
        assert!(!evidence.is_known_fresh(&Digest::of(&[0])) && evidence.is_known_fresh(&Digest::of(&[1])));
    }

    #[cfg(unix)]
    #[test]
    fn every_way_to_change_a_package_shows() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("a-1.0.0");
        let put = |path: &str, text: &str| write_atomic(&root.join(path), text.as_bytes()).unwrap();
        assert_eq!(fingerprint_of(&root), None);
        put("Cargo.toml", "a");
        put("src/lib.rs", "b");
        let first = fingerprint_of(&root).unwrap();
        assert_eq!(fingerprint_of(&root), Some(first));
        put("build.rs", "");
        assert_ne!(fingerprint_of(&root), Some(first));
        fs::remove_file(root.join("build.rs")).unwrap();
        assert_eq!(fingerprint_of(&root), Some(first));
        fs::create_dir(root.join("benches")).unwrap();
        assert_eq!(fingerprint_of(&root), None);
        fs::remove_dir(root.join("benches")).unwrap();
        // Same size, and the modification time put back: the change time tells.
        let modified = fs::metadata(root.join("src/lib.rs")).unwrap().modified().unwrap();
        let file = fs::File::options().write(true).open(root.join("src/lib.rs")).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20));
        std::io::Write::write_all(&mut &file, b"x").unwrap();
        file.set_modified(modified).unwrap();
        assert_ne!(fingerprint_of(&root), Some(first));
        std::os::unix::fs::symlink("lib.rs", root.join("src/link.rs")).unwrap();
        assert_eq!(fingerprint_of(&root), None);
    }
}
