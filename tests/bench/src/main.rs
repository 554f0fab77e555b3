//! Measures; `cargo xtask bench` builds what it needs in release mode and runs it.

use std::process::ExitCode;

use namespace_bench::{add, registry, vendor};
use namespace_world::figures::{CommandLine, Numbers};

/// A name, and what measures.
type Bench = (&'static str, fn() -> Numbers);

/// The measurements.
const BENCHES: [Bench; 3] = [("add", add), ("registry", registry), ("vendor", vendor)];

const USAGE: &str = "usage: bench [NAME] [--json FILE]";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let asked = CommandLine::parse(std::env::args().skip(1), USAGE)?;
    let chosen: Vec<_> = BENCHES.iter().filter(|(bench, _)| asked.wants(bench)).collect();
    if chosen.is_empty() {
        let known: Vec<&str> = BENCHES.iter().map(|(name, _)| *name).collect();
        return Err(format!("no such measurement; there is: {}", known.join(", ")));
    }
    let mut numbers = Numbers::default();
    for (_, bench) in chosen {
        numbers.extend(bench());
    }
    print!("{numbers}");
    asked.write(&numbers)
}
