//! What the commands share: the terminal, flags, Cargo's settings, keys, running Cargo, and a namespace as files.
//!
//! The default features are what only the commands need. The registry takes this crate without them.

pub mod env;
pub mod clock;
pub mod interrupt;
pub mod labels;
pub mod shell;
pub mod settings;
pub mod set_up;
pub mod cli;
#[cfg(feature = "commands")]
pub mod snapshot;
#[cfg(feature = "commands")]
pub mod network;
#[cfg(feature = "commands")]
pub mod registry_client;
#[cfg(feature = "commands")]
pub mod cargo;
#[cfg(feature = "commands")]
pub mod crate_file;
#[cfg(feature = "commands")]
pub mod keystore;
#[cfg(feature = "commands")]
pub mod static_index;
#[cfg(feature = "commands")]
pub mod verify;
#[cfg(test)]
#[cfg(feature = "commands")]
mod testing;
