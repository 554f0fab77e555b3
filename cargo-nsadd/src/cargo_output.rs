//! What cargo prints, with the names that the user knows.
//!
//! Cargo says `Adding serde-abc v1.0.3 to dependencies`; the user asked for `serde.rs/serde-abc`. Cargo's lines go through
//! the command's own shell, which colours and escapes them and obeys `--quiet`. The lines from the first `error:` on
//! become a [`CargoFailure`].

use std::collections::BTreeMap;
use std::ffi::OsString;

use cargo_namespaces::name::{Namespace, QualifiedName, RegistryName};
use cargo_namespaces_cli::shell::Shell;

/// Cargo aligns its verbs in a column of this width.
const VERB_COLUMN: usize = 12;

/// The full names of what Cargo calls by shorter ones in one run.
#[derive(Clone, Debug, Default)]
pub struct FullNames {
    /// The crates that `cargo add` adds, by their bare names.
    pub crates: BTreeMap<String, QualifiedName>,
    /// The namespaces by the names of their registries.
    pub registries: BTreeMap<String, Namespace>,
}

/// A registry for one run: `--config registries.NAME.index="URL"`.
pub fn registry_flag(name: &RegistryName, index: &str) -> [OsString; 2] {
    ["--config".into(), format!("registries.{name}.index={}", toml_edit::Value::from(index)).into()]
}

/// Reads the lines of one run.
pub struct OutputReader<'a> {
    shell: &'a Shell,
    names: &'a FullNames,
    /// The lines from the first `error:` on.
    error: Vec<String>,
}

impl<'a> OutputReader<'a> {
    /// Nothing is read yet.
    pub fn new(shell: &'a Shell, names: &'a FullNames) -> Self {
        Self { shell, names, error: Vec::new() }
    }

    /// The error that the lines end with.
    pub fn failure(&self) -> CargoFailure {
        CargoFailure::parse(&self.error)
    }

    /// Shows a line, or keeps it as part of the error.
    pub fn line(&mut self, line: &str) {
        if !self.error.is_empty() || line.starts_with("error: ") {
            self.error.push(line.to_owned());
        } else if let Some(text) = line.strip_prefix("warning: ") {
            // The dry run of `nsadd` says so itself.
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
    let (verb, rest) = (line.get(..VERB_COLUMN)?.trim_start(), line.get(VERB_COLUMN..)?);
    let is_verb = verb.len() > 2 && verb.starts_with(|c: char| c.is_ascii_uppercase());
    let text = rest.strip_prefix(' ')?;
    (is_verb && verb.bytes().all(|b| b.is_ascii_alphabetic())).then_some((verb, text))
}

/// The line with the crate's whole name: `serde-abc v1.0.3 to dependencies` is about the crate that is added, and
/// ``serde-abc v1.0.3 (registry `serde_rs`)`` about what is locked. A bare name elsewhere may be another crate.
fn qualified(verb: &str, text: &str, names: &FullNames) -> String {
    let Some((name, rest)) = text.split_once(' ') else { return text.to_owned() };
    if verb == "Adding" && rest.contains(" to ") {
        return match names.crates.get(name) {
            Some(full) => format!("{} {rest}", full.display_both()),
            None => text.to_owned(),
        };
    }
    let registry = rest.split_once(" (registry `").and_then(|(before, rest)| {
        let (registry, after) = rest.split_once("`)")?;
        Some((before, names.registries.get(registry)?, after))
    });
    match registry {
        Some((before, namespace, after)) => format!("{namespace}/{name} {before}{after}"),
        None => text.to_owned(),
    }
}

/// The error that cargo printed before it failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CargoFailure {
    /// The text after `error: `, which may have several lines.
    pub message: String,
    /// The texts below each `Caused by:`.
    pub causes: Vec<String>,
}

impl CargoFailure {
    fn parse(lines: &[String]) -> Self {
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
            "" => "cargo failed without a message",
            text => text,
        };
        let causes = causes.iter().map(|cause| cause.trim_end().to_owned()).collect();
        Self { message: message.to_owned(), causes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cargo_namespaces_cli::shell::ShellOptions;

    #[test]
    fn cargos_lines_get_whole_names() {
        let shell = Shell::captured(ShellOptions::default());
        let full = QualifiedName::parse("serde.rs/serde-abc").unwrap();
        let names = FullNames {
            registries: BTreeMap::from([("serde_rs".to_owned(), full.namespace.clone())]),
            crates: BTreeMap::from([("serde-abc".to_owned(), full)]),
        };
        let mut reader = OutputReader::new(&shell, &names);
        for line in [
            "    Updating `serde_rs` index",
            "      Adding serde-abc v1.0.3 to dependencies",
            "             Features:",
            "             + std",
            "warning: aborting add due to dry run",
            "warning: something",
            "     Locking 2 packages to latest compatible versions",
            "      Adding serde-abc v0.9.0 (registry `serde_rs`) (available: v1.0.3)",
            "      Adding serde-abc v0.8.0",
        ] {
            reader.line(line);
        }
        assert_eq!(
            shell.captured_text(),
            "    Updating `serde_rs` index\n      Adding serde.rs/serde-abc v1.0.3 to dependencies\n             \
             Features:\n             + std\nwarning: something\n     Locking 2 packages to latest compatible versions\n      \
             Adding serde.rs/serde-abc v0.9.0 (available: v1.0.3)\n      Adding serde-abc v0.8.0\n"
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
        let failure = CargoFailure::parse(&lines);
        assert_eq!(failure.message, "failed to select\n    ... required by x");
        assert_eq!(failure.causes, ["first\nmore", "second"]);
    }

    #[test]
    fn a_registry_for_the_time_of_the_run() {
        let name = RegistryName::parse("a-b_example").unwrap();
        let [_, value] = registry_flag(&name, "sparse+https://a-b.example/i/");
        assert_eq!(value, "registries.a-b_example.index=\"sparse+https://a-b.example/i/\"");
    }
}
