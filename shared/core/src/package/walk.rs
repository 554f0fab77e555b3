//! The walk through a .crate: every rule is applied here, for whoever reads one.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, BufRead, Cursor, Read};

use semver::Version;

use super::error::{EntryRule, PackageError};
use super::headers::{Header, Headers, padding};
use super::paths::{self, Seen};
use super::rules::{Judge, Odd, Rules};
use super::scratch::Scratch;
use super::stream::{Stream, Unpacked, Whole};
use crate::digest::Digest;
use crate::limits::{MAX_ENTRIES, MAX_MANIFEST};

/// Largest file at the top of a package whose content is kept during the walk, for the case that it comes again: a change log.
const MAX_KEPT_FILE: u64 = 256 * 1024;
/// Most files that are kept, which bounds the memory.
const MAX_KEPT_FILES: usize = 32;

/// What a walk found, once all of it was found good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// The text of `Cargo.toml`.
    pub manifest: String,
    /// How many files there are.
    pub files: usize,
    /// Bytes of the unpacked archive.
    pub unpacked: u64,
    /// What a publisher would not be let through with; nothing by [`Rules::Publish`].
    pub odd: Odd,
}

/// One regular file, while the walk stands at it. Read it or not; the walk goes on behind it.
pub struct Entry<'a> {
    path: &'a str,
    size: u64,
    executable: bool,
    body: &'a mut dyn BufRead,
}

impl Entry<'_> {
    /// The path below the package's folder, with `/`: safe to join to a directory.
    #[must_use]
    pub fn path(&self) -> &str {
        self.path
    }

    /// Bytes of content.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Whether any executable bit is set.
    #[must_use]
    pub fn is_executable(&self) -> bool {
        self.executable
    }

    /// SHA-256 of the content from here on.
    ///
    /// # Errors
    /// When the archive is damaged; the walk then reports the same.
    pub fn digest(&mut self) -> Result<Digest, PackageError> {
        let (digest, _) = Digest::of_reader(&mut *self.body)
            .map_err(|error| super::error::unwrap_io(error, PackageError::Io))?;
        Ok(digest)
    }
}

impl Read for Entry<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.body.read(buffer)
    }
}

/// The content as it lies in memory, without copying it.
impl BufRead for Entry<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.body.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.body.consume(count);
    }
}

/// The content of one entry. A failure of the archive is kept aside, since [`Read`] can only pass on an
/// [`io::Error`], which would look like a failure of the visitor's.
struct Body<'a, S: Unpacked> {
    stream: &'a mut S,
    left: u64,
    failure: Option<PackageError>,
}

impl<S: Unpacked> Read for Body<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(buffer.len());
        buffer[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl<S: Unpacked> BufRead for Body<'_, S> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        if left == 0 {
            return Ok(&[]);
        }
        let failure = match self.stream.available() {
            Ok([]) => PackageError::Truncated,
            Ok(available) => return Ok(&available[..available.len().min(left)]),
            Err(failure) => failure,
        };
        let told = io::Error::new(io::ErrorKind::InvalidData, failure.to_string());
        self.failure = Some(failure);
        Err(told)
    }

    fn consume(&mut self, count: usize) {
        self.left -= count as u64;
        self.stream.consume(count);
    }
}

/// Reads a .crate from beginning to end and calls `visit` for every regular file, in archive order. `length` is that of the
/// .crate.
///
/// All rules hold for what was visited so far, and for the whole archive only once the walk has returned: whoever
/// unpacks does so into a place that nobody looks at before that. Directories are checked, not visited.
///
/// # Errors
/// The first broken rule as [`PackageError`], or the visitor's own error.
pub fn for_each_entry<R: BufRead, E: From<PackageError>>(
    rules: Rules,
    archive: R,
    length: u64,
    name: &str,
    version: &Version,
    visit: impl FnMut(&mut Entry<'_>) -> Result<(), E>,
) -> Result<Package, E> {
    walk(rules, Stream::new(rules, archive, length), name, version, visit)
}

/// As [`for_each_entry`] for an archive in memory, about twice as fast: where it is not too large, it is inflated in one
/// go into `scratch`, which is used again for the next one. The rules are the same, and so are the errors.
///
/// # Errors
/// As [`for_each_entry`].
pub fn for_each_entry_of<E: From<PackageError>>(
    rules: Rules,
    archive: &[u8],
    scratch: &mut Scratch,
    name: &str,
    version: &Version,
    visit: impl FnMut(&mut Entry<'_>) -> Result<(), E>,
) -> Result<Package, E> {
    match scratch.inflate(archive) {
        Some(unpacked) => walk(rules, Whole::new(unpacked), name, version, visit),
        None => for_each_entry(rules, archive, archive.len() as u64, name, version, visit),
    }
}

fn walk<S: Unpacked, E: From<PackageError>>(
    rules: Rules,
    mut stream: S,
    name: &str,
    version: &Version,
    mut visit: impl FnMut(&mut Entry<'_>) -> Result<(), E>,
) -> Result<Package, E> {
    let top = format!("{name}-{version}");
    let mut judge = Judge::new(rules);
    let mut headers = Headers::default();
    let mut seen = Seen::default();
    let mut manifest = None;
    let mut kept: HashMap<String, Vec<u8>> = HashMap::new();
    let (mut entries, mut files) = (0, 0);
    while let Some(header) = headers.next(&mut stream, &mut judge)? {
        entries += 1;
        if entries > MAX_ENTRIES {
            return Err(PackageError::TooManyEntries.into());
        }
        let Some((path, again)) = admit(&header, &top, &mut seen, &mut judge)? else {
            stream.skip(header.size + padding(header.size))?;
            continue;
        };
        if again {
            let same = match kept.get(path.as_ref()) {
                Some(known) if known.len() as u64 == header.size => {
                    let mut content = vec![0; known.len()];
                    stream.read_exact(&mut content)?;
                    stream.skip(padding(header.size))?;
                    content == *known
                }
                _ => false,
            };
            judge.entry(&header.path, if same { EntryRule::SameTwice } else { EntryRule::Duplicate })?;
            continue;
        }
        files += 1;
        let mut body = Body { stream: &mut stream, left: header.size, failure: None };
        let executable = header.mode & 0o111 != 0;
        if path == "Cargo.toml" {
            let text = read_manifest(&mut body)?;
            let mut content = Cursor::new(text.as_bytes());
            visit(&mut Entry { path: &path, size: header.size, executable, body: &mut content })?;
            kept.insert(path.clone().into_owned(), text.clone().into_bytes());
            manifest = Some(text);
        } else if !path.contains('/') && header.size <= MAX_KEPT_FILE && kept.len() < MAX_KEPT_FILES {
            let bytes = read_whole(&mut body)?;
            let mut content = Cursor::new(bytes.as_slice());
            visit(&mut Entry { path: &path, size: header.size, executable, body: &mut content })?;
            kept.insert(path.clone().into_owned(), bytes);
        } else {
            let visited = visit(&mut Entry { path: &path, size: header.size, executable, body: &mut body });
            if let Some(failure) = body.failure.take() {
                return Err(failure.into());
            }
            visited?;
        }
        let rest = body.left + padding(header.size);
        stream.skip(rest)?;
    }
    if let Err(error) = stream.finish() {
        judge.archive(error)?;
    }
    let manifest = manifest.ok_or(PackageError::NoManifest)?;
    check_identity(&manifest, name, version)?;
    Ok(Package { manifest, files, unpacked: stream.unpacked(), odd: judge.finish() })
}

/// Applies the rules for one entry, and says whether its path was there before; none for a directory, and for what Cargo does not unpack.
fn admit<'a>(
    header: &'a Header,
    top: &str,
    seen: &mut Seen,
    judge: &mut Judge,
) -> Result<Option<(Cow<'a, str>, bool)>, PackageError> {
    let refuse = |rule| PackageError::entry(&String::from_utf8_lossy(&header.path), rule);
    let directory = match header.kind {
        // The older way to write a file, and to write a directory.
        b'0' | 0 => !header.ustar && header.path.ends_with(b"/"),
        b'5' => true,
        b'1' => return Err(refuse(EntryRule::HardLink)),
        b'2' => return Err(refuse(EntryRule::Symlink)),
        b'3' | b'4' => return Err(refuse(EntryRule::Device)),
        b'6' => return Err(refuse(EntryRule::Fifo)),
        b'S' => return Err(refuse(EntryRule::Sparse)),
        b'g' => return Err(refuse(EntryRule::PaxAmbiguous("is for all entries"))),
        other @ b'A'..=b'Z' => return Err(refuse(EntryRule::UnknownType(other))),
        other => {
            judge.entry(&header.path, EntryRule::OddType(other))?;
            false
        }
    };
    if directory && header.kind != b'5' {
        judge.entry(&header.path, EntryRule::OddDirectory)?;
    } else if header.path.ends_with(b"/") && !directory {
        return Err(refuse(EntryRule::Traversal));
    }
    if directory && header.size != 0 {
        return Err(refuse(EntryRule::DirectoryWithContent));
    }
    let Some(path) = paths::check(&header.path, top, directory, judge)? else { return Ok(None) };
    let again = seen.add(&header.path, &path, directory, judge)?;
    Ok((!directory).then_some((path, again)))
}

fn read_manifest<S: Unpacked>(body: &mut Body<'_, S>) -> Result<String, PackageError> {
    if body.left > MAX_MANIFEST {
        return Err(PackageError::ManifestTooLarge);
    }
    String::from_utf8(read_whole(body)?).map_err(|_| PackageError::ManifestNotUtf8)
}

fn read_whole<S: Unpacked>(body: &mut Body<'_, S>) -> Result<Vec<u8>, PackageError> {
    let mut bytes = Vec::new();
    match body.read_to_end(&mut bytes) {
        Ok(_) => Ok(bytes),
        Err(error) => Err(body.failure.take().unwrap_or(PackageError::Io(error))),
    }
}

/// The name and version inside must be those outside: Cargo reads the inner ones, everybody else the outer.
fn check_identity(manifest: &str, name: &str, version: &Version) -> Result<(), PackageError> {
    let document =
        toml_edit::Document::parse(manifest).map_err(|error| PackageError::Manifest(error.to_string()))?;
    // What the table was called before Cargo 1.0; it still reads that.
    let package = document.get("package").or_else(|| document.get("project"));
    let field = |key: &str| {
        let item = package.and_then(|package| package.get(key));
        item.and_then(|item| item.as_str())
            .ok_or_else(|| PackageError::Manifest(format!("it has no `package.{key}`")))
    };
    let found = field("name")?;
    if found != name {
        return Err(PackageError::OtherName { found: found.to_owned(), expected: name.to_owned() });
    }
    let found = field("version")?;
    // Cargo takes spaces around it.
    if Version::parse(found.trim()).ok().as_ref() != Some(version) {
        return Err(PackageError::OtherVersion { found: found.to_owned(), expected: version.clone() });
    }
    Ok(())
}
