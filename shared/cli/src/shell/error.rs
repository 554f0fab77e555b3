//! The error that a command ends with: what went wrong, why, what to do next, and the exit code.
//!
//! The operations have small typed errors of their own; they become a [`CliError`] at the command's edge, where the exit
//! code and the hint are chosen: `index(…).context(ExitCode::Unreachable, "failed to read the index")?`.

use std::error::Error;
use std::fmt::Display;

use serde_json::{Value, json};

use super::ExitCode;
use crate::interrupt::Interrupted;
use cargo_namespaces::error::texts;
use cargo_namespaces::escape::escape;
use cargo_namespaces_net::fs::FsError;

/// An error for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CliError {
    message: String,
    causes: Vec<String>,
    hints: Vec<String>,
    exit: ExitCode,
    silent: bool,
}

impl CliError {
    /// An error with no cause behind it. `message` is a lower-case fragment that names the thing.
    pub fn new(exit: ExitCode, message: impl Into<String>) -> Self {
        Self { message: message.into(), causes: Vec::new(), hints: Vec::new(), exit, silent: false }
    }

    /// `error` and its sources, the error's own text as the message.
    pub fn from_error(exit: ExitCode, error: &(dyn Error + 'static)) -> Self {
        let mut made = Self::new(exit, error.to_string());
        if let Some(source) = error.source() {
            made = made.caused_by(source);
        }
        made
    }

    /// A command line that cannot be understood.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ExitCode::Usage, message)
    }

    /// Something else has told the user already, such as cargo on its own standard error: only the code is left.
    pub fn already_reported(exit: ExitCode) -> Self {
        Self { silent: true, ..Self::new(exit, "") }
    }

    /// Adds `error` and its sources as the causes.
    #[must_use]
    pub fn caused_by(mut self, error: &(dyn Error + 'static)) -> Self {
        for text in texts(error) {
            // Some errors repeat their source in their own text.
            if self.causes.last().unwrap_or(&self.message) != &text {
                self.causes.push(text);
            }
        }
        self
    }

    /// Adds one cause in words.
    #[must_use]
    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    /// Says what to do next, in place of what was said before.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints = vec![hint.into()];
        self
    }

    /// Says what else can be done.
    #[must_use]
    pub fn and_hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Puts a step above: its message becomes the error's, the former message its first cause. An interruption and
    /// an error that was reported already stay as they are.
    #[must_use]
    pub fn within(mut self, message: impl Into<String>) -> Self {
        if self.silent || self.exit == ExitCode::Interrupted {
            return self;
        }
        let former = std::mem::replace(&mut self.message, message.into());
        self.causes.insert(0, former);
        self
    }

    /// What went wrong.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Why, the nearest cause first.
    pub fn causes(&self) -> &[String] {
        &self.causes
    }

    /// What to do next.
    pub fn hints(&self) -> &[String] {
        &self.hints
    }

    /// The hints as one text; `None` if there are none.
    pub fn hint_text(&self) -> Option<String> {
        (!self.hints.is_empty()).then(|| self.hints.join("\n"))
    }

    /// The exit code.
    pub fn exit(&self) -> ExitCode {
        self.exit
    }

    /// True when the user was told already.
    pub fn is_silent(&self) -> bool {
        self.silent
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "message": self.message,
            "causes": self.causes,
            "hint": self.hint_text(),
            "exit_code": self.exit.code(),
        })
    }
}

impl Display for CliError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)?;
        self.causes.iter().try_for_each(|cause| write!(f, ": {cause}"))
    }
}

impl From<Interrupted> for CliError {
    fn from(_: Interrupted) -> Self {
        Self { message: "interrupted".to_owned(), ..Self::already_reported(ExitCode::Interrupted) }
    }
}

impl From<FsError> for CliError {
    fn from(error: FsError) -> Self {
        let made = Self::from_error(ExitCode::Failure, &error);
        match error.hint() {
            Some(hint) => made.hint(hint),
            None => made,
        }
    }
}

/// Turns the error of an operation into the command's.
pub trait Context<T> {
    /// Names the step that failed and the exit code; the operation's error becomes the cause.
    ///
    /// # Errors
    /// The error, with the step above it.
    fn context(self, exit: ExitCode, step: impl Into<String>) -> Result<T, CliError>;

    /// As [`Context::context`], the step named only when it failed.
    ///
    /// # Errors
    /// The error, with the step above it.
    fn with_context(self, exit: ExitCode, step: impl FnOnce() -> String) -> Result<T, CliError>;

    /// The operation's error speaks for itself.
    ///
    /// # Errors
    /// The error with the exit code.
    fn exit_with(self, exit: ExitCode) -> Result<T, CliError>;
}

impl<T, E: Error + 'static> Context<T> for Result<T, E> {
    fn context(self, exit: ExitCode, step: impl Into<String>) -> Result<T, CliError> {
        self.map_err(|error| CliError::new(exit, step).caused_by(&error))
    }

    fn with_context(self, exit: ExitCode, step: impl FnOnce() -> String) -> Result<T, CliError> {
        self.map_err(|error| CliError::new(exit, step()).caused_by(&error))
    }

    fn exit_with(self, exit: ExitCode) -> Result<T, CliError> {
        self.map_err(|error| CliError::from_error(exit, &error))
    }
}

/// The causes as Cargo prints them: a block each, indented by two spaces.
pub(super) fn blocks(causes: &[String]) -> String {
    let mut text = String::new();
    for cause in causes {
        text.push_str("\nCaused by:\n");
        for line in escape(cause).lines() {
            text.push_str(format!("  {line}").trim_end());
            text.push('\n');
        }
    }
    text
}
