//! [`CrateName`]: crates.io's rules, so that a crate can move between there and a namespace.

use std::fmt;

use super::NameError;
use crate::limits::MAX_CRATE_NAME;
use crate::text::{excerpt, string_form};

/// A crate's name, spelled as its author spells it: `serde-abc`.
///
/// An ASCII letter, then letters, digits, `-` and `_`, at most 64; none of the names that crates.io reserves or that
/// Windows takes for devices. Equality is of the spelling; two spellings of one name have one [`CanonicalCrateName`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CrateName(String);

/// What a crate name is compared by: lower case, `_` for `-`. No registry holds two crates that agree in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CanonicalCrateName(String);

/// What is wrong with a would-be crate name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CrateNameProblem {
    /// Nothing there.
    #[error("it is empty")]
    Empty,
    /// More than 64 bytes.
    #[error("it is longer than {MAX_CRATE_NAME} characters")]
    TooLong,
    /// `0x`, `_a`.
    #[error("it does not start with an ASCII letter")]
    Start,
    /// Anything but ASCII letters, digits, `-`, `_`.
    #[error("only ASCII letters, digits, `-` and `_` are allowed")]
    Character,
    /// A name of the toolchain's own crates and tools.
    #[error("the name is reserved for Rust itself")]
    Reserved,
    /// `con`, `nul`, …
    #[error("Windows takes the name for a device")]
    WindowsDevice,
}

/// The names that crates.io has reserved since it opened, in canonical form, sorted.
const RESERVED: &[&str] = &[
    "alloc",
    "arena",
    "ast",
    "builtins",
    "collections",
    "compiler_builtins",
    "compiler_rt",
    "compiletest",
    "core",
    "coretest",
    "debug",
    "driver",
    "flate",
    "fmt_macros",
    "grammar",
    "graphviz",
    "macro",
    "macros",
    "proc_macro",
    "rbml",
    "rust_installer",
    "rustbook",
    "rustc",
    "rustc_back",
    "rustc_borrowck",
    "rustc_driver",
    "rustc_llvm",
    "rustc_resolve",
    "rustc_trans",
    "rustc_typeck",
    "rustdoc",
    "rustllvm",
    "rustuv",
    "serialize",
    "std",
    "syntax",
    "test",
    "unicode",
];

/// Names that open a device on Windows, whatever the directory, sorted.
const WINDOWS_DEVICES: &[&str] = &[
    "aux", "com0", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9", "con", "lpt0",
    "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9", "nul", "prn",
];

impl CrateName {
    /// Reads a crate name.
    ///
    /// # Errors
    /// [`NameError::CrateName`] with what is wrong.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        match check(text) {
            Ok(()) => Ok(Self(text.to_owned())),
            Err(problem) => Err(NameError::CrateName { text: excerpt(text), problem }),
        }
    }

    /// The name as spelled.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form to compare by.
    pub fn canonical(&self) -> CanonicalCrateName {
        CanonicalCrateName(canonical(&self.0))
    }
}

impl CanonicalCrateName {
    /// Lower case, `_` for `-`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn canonical(text: &str) -> String {
    text.to_ascii_lowercase().replace('-', "_")
}

fn check(text: &str) -> Result<(), CrateNameProblem> {
    if text.is_empty() {
        return Err(CrateNameProblem::Empty);
    }
    if text.len() > MAX_CRATE_NAME {
        return Err(CrateNameProblem::TooLong);
    }
    if !text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
        return Err(CrateNameProblem::Character);
    }
    if !text.as_bytes()[0].is_ascii_alphabetic() {
        return Err(CrateNameProblem::Start);
    }
    let canonical = canonical(text);
    if RESERVED.binary_search(&canonical.as_str()).is_ok() {
        return Err(CrateNameProblem::Reserved);
    }
    if WINDOWS_DEVICES.binary_search(&canonical.as_str()).is_ok() {
        return Err(CrateNameProblem::WindowsDevice);
    }
    Ok(())
}

impl fmt::Display for CrateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Display for CanonicalCrateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

string_form!(CrateName, NameError);

#[cfg(test)]
mod tests {
    use super::{RESERVED, WINDOWS_DEVICES};

    #[test]
    fn the_lists_are_sorted_for_the_binary_search() {
        assert!(RESERVED.is_sorted() && WINDOWS_DEVICES.is_sorted());
    }
}
