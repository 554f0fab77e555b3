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

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn a_name_and_a_file_are_taken_in_any_order() {
        let expected = (Some("add".to_owned()), Some(PathBuf::from("out.json")));
        assert_eq!(parse(&words("add --json out.json")), Ok(expected.clone()));
        assert_eq!(parse(&words("--json out.json add")), Ok(expected));
        assert_eq!(parse(&[]), Ok((None, None)));
    }

    #[test]
    fn a_missing_file_and_unknown_arguments_are_refused() {
        for line in ["--json", "--jsno out.json", "add vendor"] {
            assert!(parse(&words(line)).is_err(), "{line}");
        }
    }

    #[test]
    fn numbers_become_one_flat_object() {
        let numbers = [("add_seconds".to_owned(), 0.25), ("ratio".to_owned(), 1.0)];
        assert_eq!(json(&numbers), "{\n  \"add_seconds\": 0.25,\n  \"ratio\": 1\n}\n");
    }
}
