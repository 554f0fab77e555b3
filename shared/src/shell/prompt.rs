//! Questions to the user, only where somebody can answer: every one of them has a flag that answers it.

use std::io::{self, ErrorKind};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use zeroize::Zeroizing;

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
    pub fn password(&self, question: &str, twice: bool) -> Result<Option<Zeroizing<String>>, CliError> {
        let question = escape(question);
        let read = move || {
            let prompt = dialoguer::Password::new().with_prompt(question);
            let prompt = if twice {
                prompt.with_confirmation("once more", "the two are not the same")
            } else {
                prompt
            };
            prompt.interact().map(Zeroizing::new)
        };
        self.ask(|| interruptible(read))
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

/// How often Ctrl-C is looked at while a line is read.
const TICK: Duration = Duration::from_millis(50);

/// Waits for a question that reads a whole line: unlike those that read single keys it does not notice Ctrl-C, which
/// only sets a flag, so it runs on a thread of its own and is left behind. The terminal then shows again what is typed.
fn interruptible<T: Send + 'static>(
    interact: impl FnOnce() -> dialoguer::Result<T> + Send + 'static,
) -> dialoguer::Result<T> {
    let terminal = Terminal::remember();
    let (sender, receiver) = sync_channel(1);
    std::thread::spawn(move || {
        let _ = sender.send(interact());
    });
    loop {
        match receiver.recv_timeout(TICK) {
            Ok(answer) => return answer,
            Err(RecvTimeoutError::Timeout) if !crate::interrupt::is_set() => {}
            Err(_) => {
                terminal.restore();
                return Err(io::Error::from(ErrorKind::Interrupted).into());
            }
        }
    }
}

/// How the terminal on standard input was set.
struct Terminal {
    #[cfg(unix)]
    settings: Option<rustix::termios::Termios>,
}

impl Terminal {
    fn remember() -> Self {
        Self {
            #[cfg(unix)]
            settings: rustix::termios::tcgetattr(io::stdin()).ok(),
        }
    }

    fn restore(self) {
        #[cfg(unix)]
        if let Some(settings) = self.settings {
            let _ = rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Now, &settings);
            // The cursor is still behind the question.
            let _ = io::Write::write_all(&mut io::stderr(), b"\n");
        }
    }
}
