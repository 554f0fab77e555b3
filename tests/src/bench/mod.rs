//! Measurements of whole processes in a world; `cargo xtask bench` builds in release mode and runs them.

mod add;
mod numbers;
mod vendor;

pub use add::add;
pub use numbers::Numbers;
pub use vendor::vendor;
