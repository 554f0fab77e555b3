//! Running cargo, and showing what it says with the names that the user knows.
//!
//! Cargo says `Adding serde-abc v1.0.3 to dependencies`; the user asked for `serde.rs/serde-abc`. Its lines go through
//! our shell, so that colours, `--quiet` and escaping are the same as for ours; its error becomes ours.

use std::collections::BTreeMap;
use std::ffi::OsString;

use cargo_namespaces::cargo::{Cargo, CargoError};
use cargo_namespaces::name::{QualifiedName, RegistryName};
use cargo_namespaces::shell::{CliError, ExitCode, Shell};

/// How wide Cargo makes the column of its verbs.
const VERB: usize = 12;

/// Which crate of a namespace a bare name means in the run at hand.
pub type Names = BTreeMap<String, QualifiedName>;

/// A registry for the time of the run: `--config registries.NAME.index="URL"`.
pub fn registry_flag(name: &RegistryName, index: &str) -> [OsString; 2] {
    ["--config".into(), format!("registries.{name}.index={}", toml_edit::Value::from(index)).into()]
}

/// Runs cargo with these arguments.
///
/// # Errors
/// Cargo's own error, with its exit code.
pub fn run(cargo: &Cargo, shell: &Shell, args: &[OsString], names: &Names) -> Result<(), CliError> {
    let mut hearing = Hearing { shell, names, error: Vec::new() };
    let ended = cargo.run_lines(args, &mut |line| hearing.line(line));
    match ended {
        Err(CargoError::Failed { status, .. }) => {
            let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(101);
            Err(error(&hearing.error, ExitCode::Cargo(code)))
        }
        other => Ok(other?),
    }
}

struct Hearing<'a> {
    shell: &'a Shell,
    names: &'a Names,
    /// The lines from the first `error:` on.
    error: Vec<String>,
}

impl Hearing<'_> {
    fn line(&mut self, line: &str) {
        if !self.error.is_empty() || line.starts_with("error: ") {
            self.error.push(line.to_owned());
        } else if let Some(text) = line.strip_prefix("warning: ") {
            // Our own dry run says so itself.
            if !text.starts_with("aborting add due to dry run") {
                self.shell.warn(text);
            }
        } else if let Some(text) = line.strip_prefix("note: ") {
            self.shell.note(text);
        } else if let Some((verb, text)) = status(line) {
            self.shell.status(verb, qualified(verb, text, self.names));
        } else {
            self.shell.say(line);
        }
    }
}

/// `      Adding itoa v1.0.0 to dependencies` as its verb and the rest.
fn status(line: &str) -> Option<(&str, &str)> {
    let (verb, rest) = (line.get(..VERB)?.trim_start(), line.get(VERB..)?);
    let is_verb = verb.len() > 2 && verb.starts_with(|c: char| c.is_ascii_uppercase());
    let text = rest.strip_prefix(' ')?;
    (is_verb && verb.bytes().all(|b| b.is_ascii_alphabetic())).then_some((verb, text))
}

/// The line of `cargo add` about a crate, with the crate's whole name. Lines about the lock file stay: the same name may
/// be another crate there.
fn qualified(verb: &str, text: &str, names: &Names) -> String {
    let about_manifest = verb == "Adding" && text.contains(" to ");
    match text.split_once(' ') {
        Some((name, rest)) if about_manifest => match names.get(name) {
            Some(full) => format!("{} {rest}", full.display_both()),
            None => text.to_owned(),
        },
        _ => text.to_owned(),
    }
}

/// Cargo's error as ours: its first line, further lines below it, and its causes.
fn error(lines: &[String], exit: ExitCode) -> CliError {
    let mut message = String::new();
    let mut causes: Vec<String> = Vec::new();
    for line in lines {
        if line == "Caused by:" {
            causes.push(String::new());
        } else if let Some(cause) = causes.last_mut() {
            let text = line.strip_prefix("  ").unwrap_or(line);
            cause.push_str(text);
            cause.push('\n');
        } else {
            message.push_str(line.strip_prefix("error: ").unwrap_or(line));
            message.push('\n');
        }
    }
    let message = match message.trim_end() {
        "" => "cargo failed and said nothing",
        text => text,
    };
    causes.iter().fold(CliError::new(exit, message), |error, cause| error.because(cause.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cargo_namespaces::shell::ShellOptions;

    #[test]
    fn cargos_lines_get_whole_names() {
        let shell = Shell::captured(ShellOptions::default());
        let names =
            Names::from([("serde-abc".to_owned(), QualifiedName::parse("serde.rs/serde-abc").unwrap())]);
        let mut hearing = Hearing { shell: &shell, names: &names, error: Vec::new() };
        for line in [
            "    Updating `serde_rs` index",
            "      Adding serde-abc v1.0.3 to dependencies",
            "             Features:",
            "             + std",
            "warning: aborting add due to dry run",
            "warning: something",
            "     Locking 2 packages to latest compatible versions",
            "      Adding serde-abc v0.9.0 (available: v1.0.3)",
        ] {
            hearing.line(line);
        }
        assert_eq!(
            shell.captured_text(),
            "    Updating `serde_rs` index\n      Adding serde.rs/serde-abc v1.0.3 to dependencies\n             \
             Features:\n             + std\nwarning: something\n     Locking 2 packages to latest compatible versions\n      \
             Adding serde-abc v0.9.0 (available: v1.0.3)\n"
        );
    }

    #[test]
    fn cargos_error_is_taken_apart() {
        let lines: Vec<String> = [
            "error: failed to select",
            "    ... required by x",
            "",
            "Caused by:",
            "  first",
            "  more",
            "",
            "Caused by:",
            "  second",
        ]
        .map(str::to_owned)
        .into();
        let made = error(&lines, ExitCode::Cargo(101));
        assert_eq!(made.message(), "failed to select\n    ... required by x");
        assert_eq!(made.causes(), ["first\nmore", "second"]);
    }

    #[test]
    fn a_registry_for_the_time_of_the_run() {
        let name = RegistryName::parse("a-b_example").unwrap();
        let [_, value] = registry_flag(&name, "sparse+https://a-b.example/i/");
        assert_eq!(value, "registries.a-b_example.index=\"sparse+https://a-b.example/i/\"");
    }
}
