//! Looks whether consumers take every .crate that Cargo unpacks; `cargo xtask survey` builds and runs it.

use std::path::PathBuf;
use std::process::ExitCode;

use namespace_bench::survey::{self, Findings};
use namespace_world::figures::Numbers;

const USAGE: &str = "usage: survey [--no-fetch] [--json FILE] [HOME]";

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Whether nothing is refused that Cargo unpacks.
fn run() -> Result<bool, String> {
    let (mut fetch, mut json, mut home) = (true, None, PathBuf::from("target/survey"));
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--no-fetch" => fetch = false,
            "--json" => json = Some(PathBuf::from(arguments.next().ok_or(USAGE)?)),
            flag if flag.starts_with('-') => return Err(USAGE.to_owned()),
            path => home = PathBuf::from(path),
        }
    }
    let home = std::path::absolute(home).map_err(|error| error.to_string())?;
    let findings = survey::run(&home, fetch).map_err(|error| error.to_string())?;
    print(&findings);
    if let Some(file) = json {
        survey::write(&file, &numbers(&findings).to_json()).map_err(|error| error.to_string())?;
    }
    Ok(findings.differ.is_empty() && findings.refused.values().all(|(_, by_cargo)| !by_cargo))
}

fn print(findings: &Findings) {
    for (package, said) in &findings.not_fetched {
        println!("not fetched: {package}: {said}");
    }
    for (package, what) in &findings.odd {
        println!("odd: {package}: {what}");
    }
    for (package, (why, by_cargo)) in &findings.refused {
        println!("refused{}: {package}: {why}", if *by_cargo { ", but unpacked by Cargo" } else { "" });
    }
    for (package, path) in &findings.differ {
        println!("unpacked otherwise than by Cargo: {package}: {path}");
    }
    print!("{}", numbers(findings));
}

fn numbers(findings: &Findings) -> Numbers {
    let mut numbers = Numbers::default();
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX).into();
    numbers.put("survey.crates", count(findings.crates));
    numbers.put("survey.unpacked_by_cargo", count(findings.unpacked));
    numbers.put("survey.odd", count(findings.odd.len()));
    numbers.put("survey.refused", count(findings.refused.len()));
    numbers.put("survey.differ", count(findings.differ.len()));
    numbers.put("survey.not_fetched", count(findings.not_fetched.len()));
    numbers.put("survey.largest_mib", count(usize::try_from(findings.largest >> 20).unwrap_or(0)));
    numbers
}
