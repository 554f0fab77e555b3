//! A namespace as plain files: the directory that any web server can serve.
//!
//! With the canonical index `sparse+https://grep.example/cargo/index/` the directory of `https://grep.example/` holds
//!
//! ```text
//! .nojekyll                                              GitHub Pages then serves names that start with a dot
//! .well-known/cargo-publishers                           who may publish: one record a line
//! .well-known/rust-lang.org/package-namespace.json       the same, with index, endorsements, revocations
//! cargo/index/config.json                                Cargo's entry to the index
//! cargo/index/ig/no/ignore                               one release a line
//! cargo/index/crates/ignore/ignore-0.4.23.crate          what Cargo downloads
//! cargo/index/crates/ignore/ignore-0.4.23.dsse.json      the signed statement, for other tools
//! index.html                                             for people
//! ```
//!
//! The crates lie inside the tree of the index (no index path has a first part of six letters), so that one
//! directory is one namespace, whatever URL the index has.
//!
//! `layout` says where each file is, `edit` collects changes in memory and writes them in the order in which a
//! reader may see them, `page` makes the page, `staging` shows Cargo a site that is
//! not uploaded yet. `cargo nspublish` is the only writer; it
//! puts the `.well-known` files there too, which are the domain's and not the index's.

mod edit;
mod error;
mod layout;
mod page;
mod staging;
#[cfg(test)]
mod tests;

pub use edit::{Existing, Release, StaticIndexEdit};
pub use error::StaticIndexError;
pub use layout::{LayoutError, StaticIndexLayout};
pub use page::{index_page, is_index_page};
pub use staging::LocalRegistry;
