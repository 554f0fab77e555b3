//! A namespace's index: Cargo's sparse layout, with the signatures on each line.
//!
//! An index is a folder of plain files under the canonical index URL:
//!
//! ```text
//! config.json          where the .crate files are: [`IndexConfig`]
//! se/rd/serde-abc      one file a crate ([`index_path`]), one release a line: [`IndexLine`]
//! ```
//!
//! There is one definition of the line, used by whoever writes it (the site, a registry) and whoever reads it (a
//! client, a mirror). A line is *derived*: everything in it but the checksum, the signatures and the yank is computed
//! from the Cargo.toml inside the .crate by [`compute()`], by the publisher and again by everybody who checks. Cargo
//! itself trusts the line, so a line that says more than its package is an attack ([`FactMismatch`]).

mod compute;
mod compute_error;
mod config;
mod dep;
mod facts;
mod feature;
mod file;
mod known_yanks;
mod line;
mod manifest;
mod mismatch;
mod signed;
#[cfg(test)]
mod tests;
pub mod tree;

pub use compute::{compute, registry_url};
pub use compute_error::{ComputeError, RegistryUrlError};
pub use config::{ConfigError, IndexConfig};
pub use dep::{ArtifactDependency, DependencyKind, IndexDep};
pub use facts::{Facts, WildcardRequirement};
pub use file::{IndexFile, IndexFileError, parse_index_file};
pub use known_yanks::with_known_yanks;
pub use line::{IndexLine, LineError};
pub use manifest::source_keys;
pub use mismatch::FactMismatch;
pub use tree::{index_path, index_prefix};
