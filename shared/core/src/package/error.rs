//! Why a .crate was refused: the entry, the rule, and what to do.

use std::io;

use semver::Version;

use crate::limits::{MAX_COMPONENT, MAX_ENTRIES, MAX_MANIFEST, MAX_PATH};

/// Why a .crate was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackageError {
    /// The file could not be read; says nothing about its content.
    #[error("the .crate could not be read: {0}")]
    Io(#[source] io::Error),
    /// Not gzip, or its check sum is wrong.
    #[error("the .crate is not a valid gzip file: {0}")]
    Gzip(#[source] io::Error),
    /// Ends before the archive does.
    #[error("the .crate ends in the middle of its archive")]
    Truncated,
    /// Larger than the cap, packed.
    #[error("the .crate is larger than {0} bytes")]
    PackedTooLarge(u64),
    /// Larger than the cap, unpacked: a decompression bomb, or far too much data.
    #[error("the .crate unpacks to more than {0} bytes")]
    UnpackedTooLarge(u64),
    /// More entries than the cap.
    #[error("the .crate holds more than {MAX_ENTRIES} entries")]
    TooManyEntries,
    /// Bytes after the compressed stream, or a second one: other programs would read other content.
    #[error("the .crate has data after the end of its gzip stream")]
    TrailingData,
    /// Bytes after the end of the archive, inside the compressed stream.
    #[error("the .crate holds data after the end of its archive")]
    DataAfterArchive,
    /// The two zero blocks that end an archive are missing, or one of them.
    #[error("the .crate lacks the end of its archive")]
    NoEnd,
    /// A tar header that is not one.
    #[error("tar header {number} of the .crate is malformed: {what}")]
    Header {
        /// Counted from 1.
        number: usize,
        /// The field or rule.
        what: &'static str,
    },
    /// One entry breaks a rule.
    #[error("the .crate holds {entry:?}, {rule}")]
    Entry {
        /// The path as it stands in the archive; shown escaped.
        entry: String,
        /// The rule.
        rule: EntryRule,
    },
    /// It is not the file any more that was hashed.
    #[error("the .crate changed while it was read")]
    Changed,
    /// No `Cargo.toml` at the top.
    #[error("the .crate has no Cargo.toml at its top")]
    NoManifest,
    /// The manifest's size is above the cap.
    #[error("Cargo.toml in the .crate is larger than {MAX_MANIFEST} bytes")]
    ManifestTooLarge,
    /// The manifest is not text.
    #[error("Cargo.toml in the .crate is not UTF-8")]
    ManifestNotUtf8,
    /// The manifest is not TOML, or has no name and version.
    #[error("Cargo.toml in the .crate: {0}")]
    Manifest(String),
    /// The manifest is another crate's.
    #[error("Cargo.toml in the .crate is of crate {found:?}, not of `{expected}`")]
    OtherName {
        /// `package.name`.
        found: String,
        /// The name that was asked for.
        expected: String,
    },
    /// The manifest is another version's.
    #[error("Cargo.toml in the .crate is of version {found:?}, not of {expected}")]
    OtherVersion {
        /// `package.version`.
        found: String,
        /// The version that was asked for.
        expected: Version,
    },
}

/// The rules for one entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EntryRule {
    /// Could overwrite files of other packages when unpacked.
    #[error("a symbolic link; only regular files are allowed")]
    Symlink,
    /// The same, by another way.
    #[error("a hard link; only regular files are allowed")]
    HardLink,
    /// Character and block devices.
    #[error("a device; only regular files are allowed")]
    Device,
    /// A named pipe: reading it would hang.
    #[error("a named pipe; only regular files are allowed")]
    Fifo,
    /// Has another size on disk than in the archive.
    #[error("a sparse file; only regular files are allowed")]
    Sparse,
    /// PAX records could state a second path or size, and tar readers disagree on which counts.
    #[error("an extended (PAX) header, which could state another path or size")]
    Pax,
    /// PAX records of which tar readers do make different things.
    #[error("an extended (PAX) header that {0}")]
    PaxAmbiguous(&'static str),
    /// A type that POSIX leaves to the makers of tars: what one takes for a file is something else to another.
    #[error("an entry of unknown type {0:#04x}; only regular files are allowed")]
    UnknownType(u8),
    /// Any other type, which every tar takes for a regular file.
    #[error("an entry of type {0:#04x}, which is read as a regular file")]
    OddType(u8),
    /// A directory that claims content.
    #[error("a directory with content")]
    DirectoryWithContent,
    /// A directory as it was written before directories had a type of their own.
    #[error("a directory in an old form, told by the slash at its end")]
    OddDirectory,
    /// GNU long names that come twice, alone or in a form in which readers end them at different places.
    #[error("a long file name in a form that tar does not write")]
    LongName,
    /// GNU long names in another form than tar writes them, which means the same to all.
    #[error("a long file name in an unusual form")]
    OddLongName,
    /// Bytes in the header's path field after the end of the path.
    #[error("whose path is followed by a NUL and other bytes")]
    BytesAfterNul,
    /// Outside the one folder of the package.
    #[error("which is not under the folder `{0}/`")]
    OutsideTop(String),
    /// A path that leads up or out.
    #[error("a path with a `..`, `.` or empty component, or an absolute path")]
    Traversal,
    /// A path that could be written shorter.
    #[error("a path with a `.` or an empty component")]
    NotNormal,
    /// A backslash: a separator on Windows.
    #[error("a path with a backslash")]
    Backslash,
    /// Control characters, and the invisible ones that reorder text on a screen.
    #[error("a path with a control character")]
    ControlCharacter,
    /// Not UTF-8.
    #[error("a path that is not UTF-8")]
    NotUtf8,
    /// A colon (drive or stream) or one of `<>"|?*`.
    #[error("a path with `{0}`, which Windows does not allow")]
    WindowsCharacter(char),
    /// `CON`, `nul.txt` and the like.
    #[error("a path with the Windows device name `{0}`")]
    WindowsDevice(String),
    /// A component that ends in a dot or a space: Windows drops them.
    #[error("a path with a component that ends in a dot or a space")]
    TrailingDotOrSpace,
    /// `CARGO~1.TOM` is `Cargo.toml`, or whatever file has that as its short name.
    #[error("a path with `{0}`, which can be the short name of another file on Windows")]
    WindowsShortName(String),
    /// `.cargo-ok` in a directory: Cargo does not unpack it.
    #[error("a file that Cargo does not unpack")]
    NotUnpacked,
    /// `.cargo-ok` marks a package as unpacked, `.cargo-checksum.json` as vendored: they are Cargo's to write.
    #[error("a name that Cargo reserves for itself")]
    Reserved,
    /// The whole path is longer than other systems can have it.
    #[error("a path longer than {MAX_PATH} bytes")]
    PathTooLong,
    /// One component is longer than other systems can have it.
    #[error("a path with a component longer than {MAX_COMPONENT} bytes")]
    ComponentTooLong,
    /// The whole path, or a component, is longer than any system can have it.
    #[error("a path that no file system can have: {0} bytes long")]
    PathFarTooLong(usize),
    /// The same path twice: the second would overwrite the first.
    #[error("which it already holds")]
    Duplicate,
    /// The same path twice with the same content, as Cargo packed files in 2015 that were included and were there anyway.
    #[error("which it already holds, with the same content")]
    SameTwice,
    /// A directory that has two entries.
    #[error("a directory which it already holds")]
    DirectoryTwice,
    /// The same but for case or Unicode form: one file on macOS and Windows.
    #[error("which is the same as {0:?} on systems that ignore case")]
    CaseTwin(String),
    /// A file where another entry needs a directory, or the other way round.
    #[error("which is a file and a directory at once")]
    FileAndDirectory,
}

impl EntryRule {
    /// Whether unpacking an entry that breaks the rule does harm: it leads elsewhere, replaces what is Cargo's or another
    /// file, or is another file to another reader. All others only do not work everywhere.
    pub(super) fn does_harm(&self, on_windows: bool) -> bool {
        match self {
            Self::Backslash
            | Self::WindowsCharacter(_)
            | Self::WindowsDevice(_)
            | Self::WindowsShortName(_)
            | Self::TrailingDotOrSpace => on_windows,
            // Cargo and whoever looks through the sources must see one manifest.
            Self::CaseTwin(other) => other.eq_ignore_ascii_case("Cargo.toml"),
            Self::Pax
            | Self::OddType(_)
            | Self::OddDirectory
            | Self::OddLongName
            | Self::BytesAfterNul
            | Self::NotNormal
            | Self::ControlCharacter
            | Self::NotUnpacked
            | Self::DirectoryTwice
            | Self::SameTwice
            | Self::PathTooLong
            | Self::ComponentTooLong => false,
            _ => true,
        }
    }

    /// Whether an honest author can run into the rule with `cargo package`.
    fn is_portability(&self) -> bool {
        matches!(
            self,
            Self::WindowsCharacter(_)
                | Self::WindowsDevice(_)
                | Self::WindowsShortName(_)
                | Self::TrailingDotOrSpace
                | Self::PathTooLong
                | Self::ComponentTooLong
                | Self::PathFarTooLong(_)
                | Self::CaseTwin(_)
                | Self::NotUtf8
                | Self::ControlCharacter
                | Self::Backslash
        )
    }
}

impl PackageError {
    /// What can be done about it, by the publisher or by whoever met such a package.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Io(_) | Self::Changed => "try again",
            Self::Truncated | Self::Gzip(_) => {
                "the download or the upload was cut short or altered; fetch it again"
            }
            Self::PackedTooLarge(_) | Self::UnpackedTooLarge(_) | Self::TooManyEntries => {
                "publisher: leave out what users do not need, with `package.exclude` or `package.include`"
            }
            Self::Entry { rule, .. } if rule.is_portability() => {
                "publisher: rename the file, or leave it out with `package.exclude`"
            }
            Self::OtherName { .. } | Self::OtherVersion { .. } => {
                "this is another package than its address says; do not use it, and tell the owner of the namespace"
            }
            Self::NoManifest | Self::Manifest(_) | Self::ManifestNotUtf8 | Self::ManifestTooLarge => {
                "publisher: make the .crate with `cargo package`"
            }
            _ => {
                "`cargo package` never writes this; do not unpack it by hand, and tell the owner of the namespace"
            }
        }
    }

    pub(super) fn entry(path: &str, rule: EntryRule) -> Self {
        // Long enough to recognise, short enough for a terminal.
        Self::Entry { entry: path.chars().take(300).collect(), rule }
    }
}

/// Back out of the [`io::Error`] in which a reader had to wrap it.
pub(super) fn unwrap_io(error: io::Error, otherwise: impl FnOnce(io::Error) -> PackageError) -> PackageError {
    match error.downcast::<PackageError>() {
        Ok(inner) => inner,
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => PackageError::Truncated,
        Err(error) => otherwise(error),
    }
}
