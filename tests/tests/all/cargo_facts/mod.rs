//! Facts about stock Cargo that the design rests on, each a test with its name.
//!
//! When one of these fails on a new Cargo, something that the commands rely on has changed: read what uses it before
//! changing the test. None of them runs our commands, and none leaves this machine: where crates.io matters, the world
//! plays it.

mod commands;
mod credentials;
mod index;
mod names;
mod packaged_manifests;
pub mod publishing;
mod redirects;
mod replacing;
mod resolving;
mod sources;
mod vendoring;

pub use index::{Dependency, Index, locked};
