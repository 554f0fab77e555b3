//! The command line that the measuring programs share: `[NAME] [--json FILE]`.

use super::Numbers;

/// What is asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct CommandLine {
    /// The one to run; all without it.
    pub name: Option<String>,
    /// Where the figures go, beside the standard output.
    pub json: Option<String>,
}

impl CommandLine {
    /// Reads the arguments, without the program's own name; `usage` ends an error.
    ///
    /// # Errors
    /// An argument too many, or `--json` without a file.
    pub fn parse(arguments: impl Iterator<Item = String>, usage: &str) -> Result<Self, String> {
        let mut found = Self::default();
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--json" => found.json = Some(arguments.next().ok_or("`--json` needs a file")?),
                _ if found.name.is_none() && !argument.starts_with('-') => found.name = Some(argument),
                _ => return Err(format!("unexpected argument `{argument}`; {usage}")),
            }
        }
        Ok(found)
    }

    /// Whether the one of this name is asked for.
    #[must_use]
    pub fn wants(&self, name: &str) -> bool {
        self.name.as_deref().is_none_or(|wanted| wanted == name)
    }

    /// Writes the figures where they are wanted.
    ///
    /// # Errors
    /// The file cannot be written.
    #[expect(clippy::disallowed_methods, reason = "a report is written again when it is lost")]
    pub fn write(&self, numbers: &Numbers) -> Result<(), String> {
        let Some(file) = &self.json else { return Ok(()) };
        std::fs::write(file, numbers.to_json()).map_err(|error| format!("cannot write {file}: {error}"))
    }
}
