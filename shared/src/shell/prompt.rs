//! Questions to the user, only where somebody can answer: every one of them has a flag that answers it.

use std::io::ErrorKind;

use super::{CliError, ExitCode, Shell, escape, lock};

impl Shell {
    /// True when a question may be asked: standard input and standard error are terminals, and none of `CI`, `--yes`,
    /// `--quiet` and `--message-format json` says otherwise.
    pub fn can_prompt(&self) -> bool {
        self.in_is_terminal
            && self.err_is_terminal
            && !self.options.ci
            && !self.options.assume_yes
            && !self.is_json()
            && self.verbosity() != super::Verbosity::Quiet
    }

    /// A yes or no. With `--yes` it is yes; where nobody can answer it is `None`.
    ///
    /// # Errors
    /// Ctrl-C, or the terminal fails.
    pub fn confirm(&self, question: &str, default: bool) -> Result<Option<bool>, CliError> {
        if self.assume_yes() {
            return Ok(Some(true));
        }
        if !self.can_prompt() {
            return Ok(None);
        }
        let prompt = dialoguer::Confirm::new().with_prompt(escape(question)).default(default);
        self.ask(|| prompt.interact_opt()).map(Option::flatten)
    }

    /// One of `choices` by its position. Where nobody can answer, also with `--yes`, it is `None`.
    ///
    /// # Errors
    /// Ctrl-C, or the terminal fails.
    pub fn select(
        &self,
        question: &str,
        choices: &[&str],
        default: usize,
    ) -> Result<Option<usize>, CliError> {
        let shown: Vec<String> = choices.iter().map(|choice| escape(choice)).collect();
        let prompt = dialoguer::Select::new().with_prompt(escape(question)).items(&shown).default(default);
        self.ask(|| prompt.interact_opt()).map(Option::flatten)
    }

    /// A line of text, `default` when it is left empty. Where nobody can answer it is `None`.
    ///
    /// # Errors
    /// Ctrl-C, or the terminal fails.
    pub fn input(&self, question: &str, default: &str) -> Result<Option<String>, CliError> {
        let mut prompt = dialoguer::Input::<String>::new().with_prompt(escape(question)).allow_empty(true);
        if !default.is_empty() {
            prompt = prompt.default(default.to_owned());
        }
        self.ask(|| prompt.interact_text())
    }

    /// A passphrase, not echoed; asked twice when `twice`. Where nobody can answer it is `None`.
    ///
    /// # Errors
    /// Ctrl-C, or the terminal fails.
    pub fn password(
        &self,
        question: &str,
        twice: bool,
    ) -> Result<Option<zeroize::Zeroizing<String>>, CliError> {
        let mut prompt = dialoguer::Password::new().with_prompt(escape(question));
        if twice {
            prompt = prompt.with_confirmation("once more", "the two are not the same");
        }
        let answer = self.ask(|| prompt.interact())?;
        Ok(answer.map(zeroize::Zeroizing::new))
    }

    fn ask<T>(&self, interact: impl FnOnce() -> dialoguer::Result<T>) -> Result<Option<T>, CliError> {
        if !self.can_prompt() {
            return Ok(None);
        }
        // A bar that redraws itself would cover the question.
        if let Some(bar) = &*lock(&self.drawn) {
            bar.disable_steady_tick();
            bar.finish_and_clear();
        }
        match interact() {
            Ok(answer) => {
                crate::interrupt::check()?;
                Ok(Some(answer))
            }
            Err(dialoguer::Error::IO(error)) if error.kind() == ErrorKind::Interrupted => {
                Err(crate::interrupt::Interrupted.into())
            }
            Err(error) => {
                Err(CliError::new(ExitCode::Failure, "failed to read the answer").caused_by(&error))
            }
        }
    }
}
