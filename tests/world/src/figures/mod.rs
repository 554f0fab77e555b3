//! Figures, for the programs that measure: named numbers, and the command line that asks for them.

mod command_line;
mod numbers;

pub use command_line::CommandLine;
pub use numbers::{Numbers, median, median_ms};
