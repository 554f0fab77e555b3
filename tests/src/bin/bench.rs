//! Measures; `cargo xtask bench` builds what it needs in release mode and runs it.

use std::process::ExitCode;

use namespace_tests::bench::{Numbers, add, registry, vendor};

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
    let (mut name, mut file) = (None, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--json" => file = Some(arguments.next().ok_or("`--json` needs a file")?),
            _ if name.is_none() && !argument.starts_with('-') => name = Some(argument),
            _ => return Err(format!("unexpected argument `{argument}`; {USAGE}")),
        }
    }
    let chosen: Vec<_> =
        BENCHES.iter().filter(|(bench, _)| name.as_deref().is_none_or(|name| name == *bench)).collect();
    if chosen.is_empty() {
        let known: Vec<&str> = BENCHES.iter().map(|(name, _)| *name).collect();
        return Err(format!("no such measurement; there is: {}", known.join(", ")));
    }
    let mut numbers = Numbers::default();
    for (_, bench) in chosen {
        numbers.extend(bench());
    }
    print!("{numbers}");
    match file {
        Some(file) => write(&file, &numbers.to_json()),
        None => Ok(()),
    }
}

#[expect(clippy::disallowed_methods, reason = "a report is written again when it is lost")]
fn write(file: &str, text: &str) -> Result<(), String> {
    std::fs::write(file, text).map_err(|error| format!("cannot write {file}: {error}"))
}
