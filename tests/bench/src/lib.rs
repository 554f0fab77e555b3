//! Measurements of whole processes in a world; `cargo xtask bench` builds in release mode and runs them.

#![expect(
    clippy::disallowed_methods,
    reason = "throw-away files of a test world; what is banned guards user files"
)]

mod add;
mod registry;
pub mod survey;
mod vendor;

pub use add::add;
pub use registry::{Scale, registry, registry_at};
pub use vendor::vendor;
