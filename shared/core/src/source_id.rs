//! Cargo's source ids, read into a form that compares: where a package comes from, whoever wrote it down.
//!
//! One git source is spelled in two ways. A lock file of version 4 and a package id escape the reference as a form does;
//! a lock file up to version 3 and the `source` of `cargo metadata` write it as it is:
//!
//! | | |
//! |---|---|
//! | [`Spelling::Escaped`] | `git+https://git.example/g?branch=feature%2Fx#<commit>` |
//! | [`Spelling::Plain`] | `git+https://git.example/g?branch=feature/x#<commit>` |
//!
//! Neither can be told by looking: `?tag=a%2Fb` is the tag `a/b` in the one and `a%2Fb` in the other. So whoever reads says
//! which it is. URLs of repositories compare as Cargo compares them, see [`GitSource`]. `source` in a lock file is
//!
//! | in the file | here |
//! |---|---|
//! | none | [`LockSource::Path`]: a workspace member or a path dependency |
//! | `registry+https://github.com/rust-lang/crates.io-index` | [`LockSource::CratesIo`] |
//! | `sparse+https://serde.rs/cargo/index/` | [`LockSource::Registry`]: may be a namespace's |
//! | another `registry+…` or `sparse+…` | [`LockSource::OtherRegistry`], with the text |
//! | `git+https://…?rev=…#commit` | [`LockSource::Git`] |
//!
//! A mirror that replaces a source does not show here: Cargo writes the canonical URL.

mod git;

use std::fmt;

use crate::name::{CRATES_IO_INDEX, IndexUrl};

pub use git::{GitReference, GitSource};

/// crates.io's sparse index, which Cargo itself writes as the git one; other tools may not.
const CRATES_IO_SPARSE: &str = "sparse+https://index.crates.io/";

/// How the reference of a git source is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// Escaped as in a form: lock files of version 4, package ids.
    Escaped,
    /// As it is: lock files up to version 3, `source` in `cargo metadata`.
    Plain,
}

/// Where a package comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LockSource {
    /// On this disk; the lock file does not say where.
    Path,
    /// crates.io.
    CratesIo,
    /// A sparse index over https: what a namespace has.
    Registry(IndexUrl),
    /// A registry that cannot be a namespace's (a git index, plain http); the text as written.
    OtherRegistry(String),
    /// A git repository.
    Git(GitSource),
}

impl LockSource {
    /// Reads a source id.
    pub fn parse(text: &str, spelling: Spelling) -> Self {
        if let Some(url) = text.strip_prefix("registry+") {
            return if url == CRATES_IO_INDEX {
                Self::CratesIo
            } else {
                Self::OtherRegistry(text.to_owned())
            };
        }
        if text == CRATES_IO_SPARSE {
            return Self::CratesIo;
        }
        if let Some(git) = GitSource::parse(text, spelling) {
            return Self::Git(git);
        }
        match IndexUrl::parse(text) {
            // Another spelling of the same URL is another source to Cargo.
            Ok(index) if index.as_str() == text => Self::Registry(index),
            _ => Self::OtherRegistry(text.to_owned()),
        }
    }

    /// Equal, but for the commit that a git source has beside a package and lacks in a dependency entry.
    pub fn same_place(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Git(one), Self::Git(two)) => one.same_place(two),
            _ => self == other,
        }
    }
}

impl fmt::Display for LockSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path => f.write_str("a path"),
            Self::CratesIo => f.write_str("crates.io"),
            Self::Registry(index) => f.write_str(index.as_str()),
            Self::OtherRegistry(text) => f.write_str(text),
            Self::Git(git) => git.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_that_no_namespace_can_have_is_no_namespace() {
        for text in [
            "sparse+http://serde.rs/cargo/index/",
            "sparse+https://SERDE.rs/cargo/index/",
            "sparse+https://serde.rs/cargo/index",
            "registry+https://github.com/rust-lang/crates.io-index.git",
            "registry+file:///srv/index",
        ] {
            let read = LockSource::parse(text, Spelling::Escaped);
            assert_eq!(read, LockSource::OtherRegistry(text.to_owned()));
        }
        let sparse = LockSource::parse("sparse+https://index.crates.io/", Spelling::Plain);
        assert_eq!(sparse, LockSource::CratesIo);
    }
}
