//! What was seen of a vendored directory when its content was last compared with the archives.
//!
//! A package whose files have the same sizes, times and inodes as then is not read again. The change time is among
//! them, which no program sets as it likes: a file that was written to has another one, whatever its modification time
//! says. Evidence only ever spares work; without it, or when it does not fit, contents are compared. `--verify` leaves
//! it aside, and `--check` never looks at it.
//!
//! ```text
//! $CARGO_HOME/namespaces/vendored/<hash of the directory's path>
//!
//!     cargo-nsvendor 1 /home/you/app/vendor
//!     fits <SHA-256 of manifests, lock files, configuration>     see `fits`
//!     <SHA-256 of the .crate> <SHA-256 of sizes, times, inodes> crates.io/itoa-1.0.15
//! ```

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

use cargo_namespaces::digest::{Digest, Hasher};
use cargo_namespaces_cli::settings::Settings;
use cargo_namespaces_cli::shell::CliError;
use cargo_namespaces_net::fs::write_cache;

use crate::work;

const HEADER: &str = "cargo-nsvendor 1 ";
const FITS: &str = "fits ";
/// Lock files that are remembered: those of a few branches that somebody goes back and forth between.
const MAX_FITS: usize = 16;

/// What is known of one vendored directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// By path below the vendored directory, with `/`.
    pub packages: BTreeMap<String, Seen>,
    fits: VecDeque<Digest>,
}

/// What is known of one package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// What it is: [`crate::plan::SourceDir::identity`].
    pub identity: Digest,
    /// How its files looked: [`Print::finish`].
    pub print: Digest,
}

/// The packages that stand as they were seen, with what they are.
pub type Standing = BTreeMap<String, Seen>;

impl Evidence {
    /// What is known of `target`; nothing when that cannot be read.
    pub fn load(settings: &Settings, target: &Path) -> Self {
        let text = fs::read_to_string(file_of(settings, target)).unwrap_or_default();
        Self::parse(&text, target).unwrap_or_default()
    }

    /// Keeps it. Where it cannot be written, the next run is slower.
    pub fn save(&self, settings: &Settings, target: &Path) {
        let _ = write_cache(&file_of(settings, target), self.to_text(target).as_bytes());
    }

    /// Whether lock files and manifests with this digest were found to fit.
    pub fn fits(&self, inputs: &Digest) -> bool {
        self.fits.contains(inputs)
    }

    /// Notes that they fit.
    pub fn note_fit(&mut self, inputs: Digest) {
        self.fits.retain(|known| *known != inputs);
        self.fits.push_front(inputs);
        self.fits.truncate(MAX_FITS);
    }

    /// Looks at every known package below `target`, on all cores.
    ///
    /// # Errors
    /// Ctrl-C.
    pub fn standing(&self, target: &Path) -> Result<Standing, CliError> {
        let packages: Vec<(&String, &Seen)> = self.packages.iter().collect();
        let found =
            work::for_each(&packages, |(path, seen)| Ok(look(&target.join(path)) == Some(seen.print)))?;
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
            let (print, path) = rest.split_once(' ')?;
            let seen = Seen { identity: Digest::parse(identity).ok()?, print: Digest::parse(print).ok()? };
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
            text.push_str(&format!("{} {} {path}\n", seen.identity, seen.print));
        }
        text
    }
}

fn file_of(settings: &Settings, target: &Path) -> PathBuf {
    let name = Digest::of(target.as_os_str().as_encoded_bytes()).to_string();
    settings.cache().join("vendored").join(&name[..32])
}

/// How the files of a package look from outside, without their contents.
#[derive(Clone, Debug, Default)]
pub struct Print {
    files: Vec<(String, [u64; 7])>,
}

impl Print {
    /// Adds a file by its path in the package.
    pub fn add(&mut self, path: String, metadata: &Metadata) {
        self.files.push((path, outside(metadata)));
    }

    /// The digest of all, whatever the order in which they were added.
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
fn outside(metadata: &Metadata) -> [u64; 7] {
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
fn outside(metadata: &Metadata) -> [u64; 7] {
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

/// The print of the package at `directory`; none when it is not there, or holds anything but files and directories with files
/// in them.
pub fn look(directory: &Path) -> Option<Digest> {
    if !fs::symlink_metadata(directory).ok()?.is_dir() {
        return None;
    }
    let mut print = Print::default();
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
                print.add(path, &entry.metadata().ok()?);
            } else {
                return None;
            }
        }
        if empty {
            return None;
        }
    }
    Some(print.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use cargo_namespaces_net::fs::write_atomic;

    #[test]
    fn it_is_read_as_it_was_written_and_only_for_its_own_directory() {
        let mut evidence = Evidence::default();
        let seen = Seen { identity: Digest::of(b"a"), print: Digest::of(b"b") };
        evidence.packages.insert("crates.io/a b-1.0.0".to_owned(), seen);
        evidence.note_fit(Digest::of(b"one"));
        evidence.note_fit(Digest::of(b"two"));
        evidence.note_fit(Digest::of(b"one"));
        let text = evidence.to_text(Path::new("/p/vendor"));
        assert_eq!(Evidence::parse(&text, Path::new("/p/vendor")), Some(evidence));
        assert_eq!(Evidence::parse(&text, Path::new("/p/other")), None);
        assert_eq!(Evidence::parse(&text[..text.len() - 30], Path::new("/p/vendor")), None);
    }

    #[test]
    fn few_lock_files_are_remembered() {
        let mut evidence = Evidence::default();
        for number in 0..=u8::try_from(MAX_FITS).unwrap() {
            evidence.note_fit(Digest::of(&[number]));
        }
        assert!(!evidence.fits(&Digest::of(&[0])) && evidence.fits(&Digest::of(&[1])));
    }

    #[cfg(unix)]
    #[test]
    fn every_way_to_change_a_package_shows() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("a-1.0.0");
        let put = |path: &str, text: &str| write_atomic(&root.join(path), text.as_bytes()).unwrap();
        assert_eq!(look(&root), None);
        put("Cargo.toml", "a");
        put("src/lib.rs", "b");
        let first = look(&root).unwrap();
        assert_eq!(look(&root), Some(first));
        put("build.rs", "");
        assert_ne!(look(&root), Some(first));
        fs::remove_file(root.join("build.rs")).unwrap();
        assert_eq!(look(&root), Some(first));
        fs::create_dir(root.join("benches")).unwrap();
        assert_eq!(look(&root), None);
        fs::remove_dir(root.join("benches")).unwrap();
        // Same size, and the modification time put back: the change time tells.
        let modified = fs::metadata(root.join("src/lib.rs")).unwrap().modified().unwrap();
        let file = fs::File::options().write(true).open(root.join("src/lib.rs")).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20));
        std::io::Write::write_all(&mut &file, b"x").unwrap();
        file.set_modified(modified).unwrap();
        assert_ne!(look(&root), Some(first));
        std::os::unix::fs::symlink("lib.rs", root.join("src/link.rs")).unwrap();
        assert_eq!(look(&root), None);
    }
}
