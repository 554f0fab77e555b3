//! One crate's index file: releases, one a line.

use semver::Version;

use super::line::{IndexLine, LineError};
use crate::limits::{MAX_INDEX_FILE, MAX_INDEX_VERSIONS};

/// An index file that can be changed without touching the lines that do not change.
///
/// Lines of a later schema are carried along as they are, so that an older program does not lose what a newer one
/// wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IndexFile {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    text: String,
    line: Option<IndexLine>,
}

/// Why an index file was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexFileError {
    /// Larger than the cap.
    #[error("the index file is larger than {MAX_INDEX_FILE} bytes")]
    TooLarge,
    /// More versions than the cap.
    #[error("the index file lists more than {MAX_INDEX_VERSIONS} versions")]
    TooManyVersions,
    /// Not UTF-8.
    #[error("the index file is not UTF-8")]
    NotUtf8,
    /// One line is not understood.
    #[error("line {number} of the index file: {source}")]
    Line {
        /// Counted from 1.
        number: usize,
        /// What is wrong with it.
        source: LineError,
    },
    /// The same version stands there twice; Cargo would take either.
    #[error("line {number} of the index file lists version {version} again")]
    Duplicate {
        /// Counted from 1.
        number: usize,
        /// The version, build metadata included.
        version: Version,
    },
}

/// The releases in an index file, in file order. Lines of an unknown schema are skipped, as Cargo does.
///
/// # Errors
/// [`IndexFileError`] names the line.
pub fn parse_index_file(bytes: &[u8]) -> Result<Vec<IndexLine>, IndexFileError> {
    Ok(IndexFile::parse(bytes)?.entries.into_iter().filter_map(|entry| entry.line).collect())
}

impl IndexFile {
    /// Reads a whole file; an empty one is a crate without releases.
    ///
    /// # Errors
    /// [`IndexFileError`] names the line.
    pub fn parse(bytes: &[u8]) -> Result<Self, IndexFileError> {
        if bytes.len() as u64 > MAX_INDEX_FILE {
            return Err(IndexFileError::TooLarge);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| IndexFileError::NotUtf8)?;
        let mut file = Self::default();
        let mut seen = std::collections::HashSet::new();
        for (index, text) in text.split('\n').enumerate() {
            if text.trim().is_empty() {
                continue;
            }
            if file.entries.len() == MAX_INDEX_VERSIONS {
                return Err(IndexFileError::TooManyVersions);
            }
            let line = match IndexLine::parse(text) {
                Ok(line) => Some(line),
                Err(LineError::Schema(_)) => None,
                Err(source) => return Err(IndexFileError::Line { number: index + 1, source }),
            };
            if let Some(line) = &line
                && !seen.insert(line.vers.clone())
            {
                return Err(IndexFileError::Duplicate { number: index + 1, version: line.vers.clone() });
            }
            file.entries.push(Entry { text: text.to_owned(), line });
        }
        Ok(file)
    }

    /// How many releases there are, those of a later schema included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The releases, in file order.
    pub fn lines(&self) -> impl Iterator<Item = &IndexLine> {
        self.entries.iter().filter_map(|entry| entry.line.as_ref())
    }

    /// The release of exactly this version, build metadata included.
    #[must_use]
    pub fn get(&self, version: &Version) -> Option<&IndexLine> {
        self.lines().find(|line| line.vers == *version)
    }

    /// Puts a release in: in the place of the same version's line, or at the end. The other lines keep their bytes.
    pub fn put(&mut self, line: IndexLine) {
        let entry = Entry { text: line.to_line(), line: Some(line) };
        let version = entry.line.as_ref().map(|line| &line.vers);
        match self.entries.iter_mut().find(|old| old.line.as_ref().map(|line| &line.vers) == version) {
            Some(old) => *old = entry,
            None => self.entries.push(entry),
        }
    }
}

impl FromIterator<IndexLine> for IndexFile {
    fn from_iter<I: IntoIterator<Item = IndexLine>>(lines: I) -> Self {
        let mut file = Self::default();
        lines.into_iter().for_each(|line| file.put(line));
        file
    }
}

/// The bytes of the file: each line ended by a line break.
impl std::fmt::Display for IndexFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.entries.iter().try_for_each(|entry| writeln!(f, "{}", entry.text))
    }
}
