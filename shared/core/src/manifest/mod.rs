//! `Cargo.toml`: what it says, and edits of its text.
//!
//! - [`read`]: [`ManifestInfo`], what the commands ask of a manifest;
//! - [`tables`]: where dependencies stand;
//! - [`notation`]: where *namespace notation* stands: `"serde.rs/serde-abc" = "1"`, `name = "example.com/hello"`,
//!   `organization = …` and their like, which stock Cargo refuses or ignores;
//! - [`patch`]: which packages `[patch]` replaces;
//! - [`rewrite`](mod@rewrite): turning namespace notation into Cargo's;
//! - [`packaging`]: what a package leaves out, and what it no longer remembers;
//! - [`edit`]: the other changes that the commands make.
//!
//! Everything is text in, text out. Comments, order, indentation and line endings stay as they are outside of what
//! changes.

pub mod edit;
pub mod notation;
pub mod packaging;
pub mod patch;
pub mod read;
pub mod rewrite;
pub mod tables;

pub use edit::EditError;
pub use notation::Notation;
pub use patch::{patched, patched_by};
pub use read::{Inherited, ManifestInfo, PackageInfo, Publish, WorkspaceInfo};
pub use rewrite::{Note, Problem, QualifiedDependency, Rewrite, RewriteContext, RewriteError, rewrite};
pub use tables::{Dependency, DependencyKind, DependencyTable};

pub use crate::toml_text::{Change, Edited, Position, SpliceError, SyntaxError};

use crate::name::NameError;

/// Why a manifest cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// Not TOML.
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    /// A namespace or a qualified name that is none.
    #[error("{position}: {source}")]
    Name {
        /// Where.
        position: Position,
        /// What is wrong with it.
        source: NameError,
    },
    /// A key with a value of another type.
    #[error("{position}: `{key}` must be {expected}")]
    WrongType {
        /// Where.
        position: Position,
        /// The key, from the root.
        key: String,
        /// What Cargo takes there.
        expected: &'static str,
    },
}
