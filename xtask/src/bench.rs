//! `cargo xtask bench [NAME] [--json FILE]`: measurements of whole processes, each a flat object of numbers.
//!
//! The measuring program is `tests/bench`.

use std::path::PathBuf;

use crate::step::{Profile, Steps, build_with, built};
use crate::{Failure, tools};

/// Builds commands and program in release mode and runs it with the same arguments.
pub fn run(arguments: &[String]) -> Result<(), Failure> {
    let arguments = parse(arguments)?;
    let mut steps = Steps::default();
    tools::debian_packages(&mut steps)?;
    let names = arguments.iter().filter(|argument| !argument.starts_with(['-', '/']));
    if names.clone().count() == 0 || names.clone().any(|name| name == "vendor") {
        tools::local_registry(&mut steps)?;
    }
    build_with(&mut steps, Profile::Release, "bench")?;
    steps.run("measure", built(Profile::Release, "bench")?.args(arguments))
}

/// The arguments, checked before anything is built, with the file's path made absolute.
pub fn parse(arguments: &[String]) -> Result<Vec<String>, Failure> {
    let mut parsed = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--json" => {
                let file = rest.next().ok_or("`--json` needs a file")?;
                let file = std::path::absolute(PathBuf::from(file)).map_err(|error| error.to_string())?;
                parsed.extend(["--json".to_owned(), file.display().to_string()]);
            }
            flag if flag.starts_with('-') => return Err(format!("unexpected flag `{flag}`")),
            _ if parsed.iter().any(|word| !word.starts_with(['-', '/'])) => {
                return Err(format!("unexpected argument `{argument}`"));
            }
            name => parsed.push(name.to_owned()),
        }
    }
    Ok(parsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn a_name_and_a_file_are_taken_in_any_order() {
        assert_eq!(parse(&words("add --json /tmp/out.json")), Ok(words("add --json /tmp/out.json")));
        assert_eq!(parse(&words("--json /tmp/out.json add")), Ok(words("--json /tmp/out.json add")));
        assert_eq!(parse(&[]), Ok(Vec::new()));
    }

    #[test]
    fn a_file_is_relative_to_where_the_task_was_called() {
        let parsed = parse(&words("--json out.json")).unwrap();
        assert!(parsed[1].starts_with('/') && parsed[1].ends_with("/out.json"), "{parsed:?}");
    }

    #[test]
    fn a_missing_file_and_unknown_arguments_are_refused() {
        for line in ["--json", "--jsno out.json", "add vendor"] {
            assert!(parse(&words(line)).is_err(), "{line}");
        }
    }
}
