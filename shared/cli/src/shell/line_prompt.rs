//! The one question that a program without prompts asks: yes or no, answered by a line.

use std::io::{BufRead as _, Write as _};

use super::{CliError, ExitCode, Shell};

impl Shell {
    /// A yes or no. With `--yes` it is yes; where nobody can answer it is `None`.
    ///
    /// # Errors
    /// The terminal fails.
    pub fn confirm(&self, question: &str, default: bool) -> Result<Option<bool>, CliError> {
        if self.assume_yes() {
            return Ok(Some(true));
        }
        if !self.can_prompt() {
            return Ok(None);
        }
        let failed =
            |error| CliError::new(ExitCode::Failure, "failed to ask on the terminal").caused_by(&error);
        let mut stderr = std::io::stderr();
        write!(stderr, "{question} {} ", if default { "[Y/n]" } else { "[y/N]" }).map_err(failed)?;
        stderr.flush().map_err(failed)?;
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer).map_err(failed)?;
        Ok(Some(match answer.trim().to_lowercase().as_str() {
            "" => default,
            answer => matches!(answer, "y" | "yes"),
        }))
    }
}
