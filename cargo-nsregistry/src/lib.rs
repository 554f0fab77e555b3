//! A Cargo registry whose namespaces are domains.
//!
//! A library with a thin `main.rs`, so that a test can [`start`] it in its own process. Reads are plain objects in the tree
//! of a static host; writes go: parse, check, store, commit, publish the index file.
//!
//! | folder | holds |
//! |---|---|
//! | [`config`] | what an operator decides |
//! | [`registry`] | the running registry: what every request may use |
//! | [`server`] | sockets, TLS, connections, the end |
//! | [`handlers`] | HTTP: routes, requests, responses and errors |
//! | [`auth`], [`access`] | signed requests; who may ask about a private namespace |
//! | [`permission`], [`validate`] | who may publish; asking domains |
//! | [`admission`] | whether a release is taken: one pure decision |
//! | [`mod@publish`], [`files`] | a release's way in |
//! | [`ownership`], [`yank`] | what other signed requests change |
//! | [`db`] and [`storage`] | rows and objects |
//! | [`upload_budget`], [`client_address`] | memory for bodies; whose request it is, for limits per client |
//! | [`upkeep`] | work beside the requests |
//! | [`dev`] | the registry to try things out with |
//! | [`admin`] | what an operator does from the command line |
//! | [`log`] | log lines |

pub mod access;
pub mod admin;
pub mod admission;
pub mod auth;
pub mod client_address;
pub mod config;
pub mod db;
pub mod dev;
pub mod files;
pub mod handlers;
pub mod log;
pub mod ownership;
pub mod permission;
pub mod publish;
pub mod registry;
pub mod refused_release;
pub mod server;
pub mod storage;
pub mod upkeep;
pub mod upload_budget;
pub mod validate;
pub mod yank;

#[cfg(test)]
mod tests;

pub use registry::{Registry, StartError};
pub use server::{Running, start};
