//! Domain namespaces for Cargo: the pure library. One namespace is one Cargo registry.
//!
//! Every module takes bytes and text and returns values: no file, network, clock or environment. The one exception is
//! randomness, from the operating system: new keys and nonces. The modules stand in reading order.

#![warn(missing_docs)]

pub mod text;
pub mod escape;
pub mod error;
pub mod name;
pub mod limits;
pub mod digest;
pub mod time;
pub mod key;
pub mod token;
pub mod purl;
pub mod statement;
pub mod index;
pub mod release;
pub mod package;
pub mod integrity;
pub mod discovery;
pub mod domain_view;
pub mod trust_file;
pub mod trust;
pub mod toml_text;
pub mod manifest;
pub mod source_id;
pub mod cargo_config;
pub mod lockfile;
pub mod api;
