//! Domain namespaces for Cargo: one namespace is one Cargo registry.
//!
//! The modules, in reading order. The pure ones take bytes and text and return values: no file, network, clock
//! or environment. The others do the input and output, and are the only ones that do.

// Pure.
mod text;
pub mod name;
pub mod limits;
pub mod digest;
pub mod time;
pub mod key;
pub mod token;
pub mod purl;
pub mod statement;
pub mod index;
pub mod package;
pub mod intact;
pub mod discovery;
pub mod verdict;
pub mod trust_file;
pub mod trust;
pub mod toml_text;
pub mod manifest;
pub mod source_id;
pub mod cargo_config;
pub mod lockfile;
pub mod api;

// Input and output.
pub mod env;
pub mod clock;
pub mod fs;
pub mod interrupt;
mod runtime;
pub mod shell;
pub mod cli;
pub mod settings;
pub mod client;
pub mod resolver;
pub mod domain;
pub mod registry_client;
pub mod cargo;
pub mod crate_file;
pub mod keystore;
pub mod set_up;
pub mod site;
pub mod verify;
