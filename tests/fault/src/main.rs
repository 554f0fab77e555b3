//! Does harm to a registry; `cargo xtask fault` builds what it needs and runs it.

use std::panic::catch_unwind;
use std::process::ExitCode;
use std::time::Instant;

use namespace_fault::FAULTS;
use namespace_world::figures::{CommandLine, Numbers};

const USAGE: &str = "usage: fault [run] [NAME] [--json FILE]";

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
    let mut arguments = std::env::args().skip(1).peekable();
    arguments.next_if(|argument| argument == "run");
    let asked = CommandLine::parse(arguments, USAGE)?;
    let chosen: Vec<_> = FAULTS.iter().filter(|fault| asked.wants(fault.name)).collect();
    if chosen.is_empty() {
        let known: Vec<&str> = FAULTS.iter().map(|fault| fault.name).collect();
        return Err(format!("no such fault; there is: {}", known.join(", ")));
    }
    let (mut numbers, mut failed) = (Numbers::default(), Vec::new());
    for fault in chosen {
        println!("\n# {}: {}", fault.name, fault.about);
        let begin = Instant::now();
        match catch_unwind(fault.run) {
            Ok(figures) if figures.is_empty() => println!("not tried"),
            Ok(figures) => {
                print!("{figures}");
                println!("stood, in {:.1} s", begin.elapsed().as_secs_f64());
                numbers.extend(figures);
            }
            Err(_) => failed.push(fault.name),
        }
    }
    asked.write(&numbers)?;
    if failed.is_empty() {
        Ok(())
    } else {
        Err(format!("the registry does not stand: {}", failed.join(", ")))
    }
}
