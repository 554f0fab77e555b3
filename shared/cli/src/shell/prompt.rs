//! Questions to the user, only where somebody can answer: every one of them has a flag that answers it.
//!
//! The last line of a question is the prompt; what stands above it is said as text. A prompt that is wider than the
//! terminal is redrawn wrongly, so such a one is said as text too, and a short one stands in its place.

use std::io::{self, ErrorKind};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use dialoguer::console::{Term, measure_text_width, truncate_str};
use zeroize::Zeroizing;

use super::{CliError, ExitCode, Shell};
use cargo_namespaces::escape::escape;

/// The width of a terminal that does not say how wide it is.
const USUAL_WIDTH: usize = 80;

impl Shell {
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
        let prompt = self.prompt(question, " [Y/n] ", "Yes or no?");
        let read = move || dialoguer::Confirm::new().with_prompt(prompt).default(default).interact_opt();
        // Escape is no.
        Ok(self.ask(read)?.map(|answer| answer.unwrap_or(false)))
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
        if !self.can_prompt() {
            return Ok(None);
        }
        let prompt = self.prompt(question, ":", "Choose");
        let choices: Vec<String> = choices.iter().map(|choice| escape(choice)).collect();
        let (shown, cut) = fitting(&choices, width());
        if cut {
            choices.iter().enumerate().for_each(|(at, choice)| self.say(format!("{}. {choice}", at + 1)));
        }
        // What was chosen is repeated behind the question, on one line.
        let longest = shown.iter().map(|choice| measure_text_width(choice)).max().unwrap_or(0);
        let report = measure_text_width(&prompt) + 2 + longest < width();
        let said = prompt.clone();
        let read = move || {
            dialoguer::Select::new()
                .with_prompt(prompt)
                .items(&shown)
                .default(default)
                .report(report)
                .interact_opt()
        };
        let picked = self.ask(read)?.flatten();
        if let (Some(at), false) = (picked, report) {
            self.say(format!("{said}:\n  {}", choices[at]));
        }
        Ok(picked)
    }

    /// A line of text, `default` when it is left empty. Where nobody can answer it is `None`.
    ///
    /// # Errors
    /// Ctrl-C, or the terminal fails.
    pub fn input(&self, question: &str, default: &str) -> Result<Option<String>, CliError> {
        if !self.can_prompt() {
            return Ok(None);
        }
        let (default, shown) = (default.to_owned(), format!(" [{}]: ", escape(default)));
        let prompt = self.prompt(question, &shown, "Answer");
        let fits = measure_text_width(&prompt) + measure_text_width(&shown) < width();
        if !fits {
            self.say(format!("(when left empty: {default})"));
        }
        let read = move || {
            let mut input = dialoguer::Input::<String>::new().with_prompt(prompt).allow_empty(true);
            if !default.is_empty() {
                input = input.default(default).show_default(fits);
            }
            input.interact_text()
        };
        self.ask(read)
    }

    /// A passphrase, not echoed; asked twice when `twice`. Where nobody can answer it is `None`.
    ///
    /// # Errors
    /// Ctrl-C, or the terminal fails.
    pub fn password(&self, question: &str, twice: bool) -> Result<Option<Zeroizing<String>>, CliError> {
        if !self.can_prompt() {
            return Ok(None);
        }
        let prompt = self.prompt(question, ": ", "Passphrase");
        let read = move || {
            let prompt = dialoguer::Password::new().with_prompt(prompt);
            let prompt = if twice {
                prompt.with_confirmation("once more", "the two are not the same")
            } else {
                prompt
            };
            prompt.interact().map(Zeroizing::new)
        };
        self.ask(read)
    }

    /// The last line of a question, the others said; or `instead`, where that line and `after` do not fit.
    fn prompt(&self, question: &str, after: &str, instead: &str) -> String {
        let (about, prompt) = split(question);
        if let Some(about) = about {
            self.say(about);
        }
        let prompt = self.for_people(prompt);
        if measure_text_width(&prompt) + measure_text_width(after) < width() {
            return prompt;
        }
        self.say(&prompt);
        instead.to_owned()
    }

    /// Asks on a thread of its own: a question that reads a whole line does not notice Ctrl-C, which only sets a flag,
    /// and is left behind. However it ends, the terminal is as before: it shows the cursor, and what is typed.
    fn ask<T: Send + 'static>(
        &self,
        interact: impl FnOnce() -> dialoguer::Result<T> + Send + 'static,
    ) -> Result<Option<T>, CliError> {
        Shell::make_room();
        let terminal = Terminal::remember();
        let (sender, receiver) = sync_channel(1);
        std::thread::spawn(move || {
            let _ = sender.send(interact());
        });
        let answer = loop {
            match receiver.recv_timeout(TICK) {
                Ok(answer) => break answer,
                Err(RecvTimeoutError::Timeout) if !cargo_namespaces_net::interrupt::is_set() => {}
                Err(_) => break Err(io::Error::from(ErrorKind::Interrupted).into()),
            }
        };
        match answer {
            Ok(answer) if !cargo_namespaces_net::interrupt::is_set() => Ok(Some(answer)),
            Ok(_) => {
                terminal.restore();
                Err(cargo_namespaces_net::interrupt::Interrupted.into())
            }
            Err(dialoguer::Error::IO(error)) => {
                terminal.restore();
                match error.kind() {
                    ErrorKind::Interrupted => Err(cargo_namespaces_net::interrupt::Interrupted.into()),
                    _ => Err(CliError::new(ExitCode::Failure, "failed to read the answer").caused_by(&error)),
                }
            }
        }
    }
}

/// The columns of the terminal.
fn width() -> usize {
    match Term::stderr().size_checked() {
        Some((_, columns)) if columns > 0 => columns.into(),
        _ => USUAL_WIDTH,
    }
}

/// The text above the last line, if there is one, and the last line.
fn split(question: &str) -> (Option<&str>, &str) {
    match question.trim_end().rsplit_once('\n') {
        Some((about, prompt)) => (Some(about), prompt),
        None => (None, question),
    }
}

/// The choices as a list of this width shows them, and whether any had to be cut: then all are numbered.
fn fitting(choices: &[String], width: usize) -> (Vec<String>, bool) {
    // The list marks its line with `> `.
    let room = width.saturating_sub(3);
    if choices.iter().all(|choice| measure_text_width(choice) <= room) {
        return (choices.to_vec(), false);
    }
    let numbered = choices.iter().enumerate().map(|(at, choice)| format!("{}. {choice}", at + 1));
    (numbered.map(|choice| truncate_str(&choice, room, "…").into_owned()).collect(), true)
}

/// How often Ctrl-C is looked at while a question waits.
const TICK: Duration = Duration::from_millis(50);

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
        }
        // Lists and yes-or-no hide the cursor, and it is still behind the question.
        let terminal = Term::stderr();
        let _ = terminal.show_cursor();
        let _ = terminal.write_line("");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_the_prompt() {
        assert_eq!(split("Delete it?"), (None, "Delete it?"));
        assert_eq!(
            split("It is old.\nAnd gone.\nDelete it?\n"),
            (Some("It is old.\nAnd gone."), "Delete it?")
        );
    }

    #[test]
    fn choices_that_do_not_fit_are_numbered_and_cut() {
        let choices = ["short".to_owned(), "x".repeat(30)];
        assert_eq!(fitting(&choices, 80), (choices.to_vec(), false));
        let (shown, cut) = fitting(&choices, 20);
        assert!(cut && shown[0] == "1. short" && shown[1].starts_with("2. xxx"), "{shown:?}");
        assert!(shown.iter().all(|choice| measure_text_width(choice) + 2 < 20));
    }
}
