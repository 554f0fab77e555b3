//! `cargo xtask bench [NAME] [--json FILE]`: measurements, each a flat object of numbers.

use std::path::PathBuf;

use crate::Failure;

/// A measurement writes its fields into this, in order.
pub type Numbers = Vec<(String, f64)>;

/// What makes a measurement.
type Bench = fn() -> Result<Numbers, Failure>;

/// The measurements by name.
const BENCHES: [(&str, Bench); 0] = [];

/// Runs the named measurement, or all.
pub fn run(arguments: &[String]) -> Result<(), Failure> {
    let (name, file) = parse(arguments)?;
    let chosen: Vec<_> =
        BENCHES.iter().filter(|(bench, _)| name.as_deref().is_none_or(|name| name == *bench)).collect();
    if chosen.is_empty() {
        return Err(match name {
            Some(name) => format!("no measurement is called `{name}`"),
            None => "there is no measurement yet".to_owned(),
        });
    }
    let mut numbers = Numbers::new();
    for (_, bench) in chosen {
        numbers.extend(bench()?);
    }
    for (field, value) in &numbers {
        println!("{field:<40} {value:>12.3}");
    }
    match file {
        Some(file) => std::fs::write(&file, json(&numbers))
            .map_err(|error| format!("cannot write {}: {error}", file.display())),
        None => Ok(()),
    }
}

fn parse(arguments: &[String]) -> Result<(Option<String>, Option<PathBuf>), Failure> {
    let (mut name, mut file) = (None, None);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--json" => file = Some(PathBuf::from(rest.next().ok_or("`--json` needs a file")?)),
            flag if flag.starts_with('-') => return Err(format!("unexpected flag `{flag}`")),
            _ if name.is_none() => name = Some(argument.clone()),
            _ => return Err(format!("unexpected argument `{argument}`")),
        }
    }
    Ok((name, file))
}

/// One flat object. Field names are ours and need no escaping.
fn json(numbers: &[(String, f64)]) -> String {
    let fields: Vec<String> =
        numbers.iter().map(|(field, value)| format!("  \"{field}\": {value}")).collect();
    format!("{{\n{}\n}}\n", fields.join(",\n"))
}
