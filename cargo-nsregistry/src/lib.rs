//! A Cargo registry whose namespaces are domains.
//!
//! A library with a thin `main.rs`, so that a test can [`start`] it in its own process. Reads are plain objects in the tree
//! of a static host; writes go: parse, check, store, commit, publish the index file.
//!
//! | module | holds |
//! |---|---|
//! | [`config`] | what an operator decides |
//! | [`app`] | the running registry: what every request may use |
//! | [`server`] | sockets, TLS, the end |
//! | [`connections`], [`mod@connection`] | who gets a place, and for how long |
//! | [`routes`] and `handlers` | HTTP: extract, call, respond |
//! | [`http`] | what holds at every address |
//! | [`mod@publish`], [`files`] | a release's way in |
//! | [`validate`], [`refusal`] | asking domains who may publish, and what a person is told |
//! | [`auth`], [`access`] | signed requests; who may ask about a private namespace |
//! | [`client_address`] | whose request it is, for limits per client |
//! | [`people`], [`yank`] | what signed requests change |
//! | [`dev`] | the registry to try things out with |
//! | [`admin`] | what an operator does from the command line |
//! | [`db`] and [`storage`] | rows and objects |
//! | [`log`] | what failed |

pub mod access;
pub mod admin;
pub mod app;
pub mod auth;
pub mod cache;
pub mod client_address;
pub mod config;
pub mod connection;
pub mod connections;
pub mod db;
pub mod dev;
pub mod error;
pub mod files;
pub mod handlers;
pub mod http;
pub mod limit;
pub mod linger;
pub mod log;
pub mod people;
pub mod publish;
pub mod refusal;
mod refused_release;
pub mod routes;
pub mod server;
pub mod storage;
pub mod tls;
pub mod upkeep;
pub mod validate;
pub mod yank;

#[cfg(test)]
mod tests;

pub use app::{Registry, StartError};
pub use server::{Running, start};
