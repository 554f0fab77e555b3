//! What keeps cargo from doing its work, and what that means to a command.

use std::io;
use std::process::ExitStatus;

use super::watch::Excess;
use crate::interrupt;
use crate::shell::{CliError, ExitCode};

/// What kept cargo from doing its work.
#[derive(Debug, thiserror::Error)]
pub enum CargoError {
    /// It cannot be started.
    #[error("failed to run `{program}`")]
    Start {
        /// The program.
        program: String,
        #[source]
        source: io::Error,
    },
    /// It ended with another code than 0. `stderr` is empty when it inherited the terminal.
    #[error("`{command}` failed with {status}")]
    Failed {
        /// What was run.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// What it said.
        stderr: String,
    },
    /// What it answered is not understood.
    #[error("`{command}` answered something unexpected: {problem}")]
    Answer {
        /// What was run.
        command: String,
        /// What is wrong with it.
        problem: String,
    },
    /// There is no manifest where one is needed, or it cannot be read: what Cargo says of it.
    #[error("{0}")]
    Manifest(String),
    /// It took more than any project needs, and was ended.
    #[error("`{command}` was stopped: {excess}")]
    Excess {
        /// What was run.
        command: String,
        /// Of what it took too much.
        excess: Excess,
    },
    /// Ctrl-C.
    #[error(transparent)]
    Interrupted(#[from] interrupt::Interrupted),
}

impl From<CargoError> for CliError {
    /// A cargo that printed its own error ends the command with its exit code, silently; what was captured is shown.
    fn from(error: CargoError) -> Self {
        match error {
            CargoError::Interrupted(interrupted) => interrupted.into(),
            CargoError::Failed { status, ref stderr, .. } => {
                let code = status.code().and_then(|code| u8::try_from(code).ok());
                let exit = ExitCode::Cargo(code.unwrap_or(101));
                if stderr.is_empty() {
                    return Self::already_reported(exit);
                }
                let said = stderr.trim_end();
                Self::new(exit, error.to_string()).because(said)
            }
            CargoError::Start { .. } => {
                Self::from_error(ExitCode::Failure, &error).hint("install Cargo, or set `CARGO` to its path")
            }
            CargoError::Manifest(ref said) => {
                let hint = if said.contains("could not find `Cargo.toml`") {
                    "run the command in a package, or give `--manifest-path`"
                } else if said.contains("Unicode") || said.contains("UTF-8") {
                    "run the command in the root of the workspace, or give the directory a name in UTF-8"
                } else {
                    "correct the manifest, and run the command again"
                };
                Self::from_error(ExitCode::InvalidInput, &error).hint(hint)
            }
            CargoError::Excess { .. } => Self::from_error(ExitCode::Unreachable, &error).hint(
                "a registry that never stops answering does this: look at the last `Updating` or `Downloading` line, and \
                 tell the owner of that registry",
            ),
            CargoError::Answer { .. } => Self::from_error(ExitCode::Failure, &error),
        }
    }
}
