//! Measurements of whole processes in a world; `cargo xtask bench` builds in release mode and runs them.

mod add;
mod command_line;
mod numbers;
mod registry;
mod vendor;

pub use add::add;
pub use command_line::CommandLine;
pub use numbers::Numbers;
pub use registry::{Scale, registry, registry_at};
pub use vendor::vendor;
