//! Step four: where what is vendored goes.

pub mod archive;
pub mod check;
pub mod directory;
pub mod local_registry;
