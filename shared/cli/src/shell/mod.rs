//! What the user sees: Cargo's look, colours, verbosity, prompts, progress, errors and exit codes.
//!
//! Everything for people goes to standard error; standard output carries only what was asked for (a table, a record,
//! a config to paste, or JSON lines with `--message-format json`). Text is escaped on its way out, so that a name or an
//! answer from elsewhere cannot move the cursor, forge a colour or turn the writing direction around.

mod error;
mod exit;
mod names;
#[cfg(feature = "commands")]
mod progress;
#[cfg(not(feature = "commands"))]
#[path = "no_progress.rs"]
mod progress;
#[cfg(feature = "commands")]
mod prompt;
#[cfg(not(feature = "commands"))]
#[path = "line_prompt.rs"]
mod prompt;

use std::fmt::Display;
use std::io::{IsTerminal as _, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};

use clap::builder::styling::{AnsiColor, Effects, Style};
use serde::Serialize;

pub use error::{CliError, Context};
pub use exit::ExitCode;
#[cfg(feature = "commands")]
pub use progress::Progress;

use self::names::Names;
use crate::env::{Environment, Var};
use crate::labels::Labels;
use cargo_namespaces::escape::escape;

const GREEN: Style = bold(AnsiColor::BrightGreen);
const CYAN: Style = bold(AnsiColor::BrightCyan);
const YELLOW: Style = bold(AnsiColor::BrightYellow);
const RED: Style = bold(AnsiColor::BrightRed);
const BOLD: Style = Style::new().effects(Effects::BOLD);

const fn bold(color: AnsiColor) -> Style {
    color.on_default().effects(Effects::BOLD)
}

/// How much is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Errors only.
    Quiet,
    /// What happens, and warnings.
    #[default]
    Normal,
    /// Also what is fetched and run.
    Verbose,
}

/// When something that only suits a terminal is used: colours, the progress bar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum When {
    /// On a terminal.
    #[default]
    Auto,
    /// Also elsewhere.
    Always,
    /// Not even there.
    Never,
}

/// A text is no [`When`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected `auto`, `always` or `never`, not `{0}`")]
pub struct NotAWhen(String);

impl std::str::FromStr for When {
    type Err = NotAWhen;

    fn from_str(text: &str) -> Result<Self, NotAWhen> {
        match text {
            "auto" => Ok(Self::Auto),
            "always" => Ok(Self::Always),
            "never" => Ok(Self::Never),
            _ => Err(NotAWhen(text.to_owned())),
        }
    }
}

/// The form of what is written to standard output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum MessageFormat {
    /// For people.
    #[default]
    Human,
    /// One JSON object a line, each with a `reason`.
    Json,
}

/// How the terminal is used, by the `[term]` table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TermSettings {
    /// `term.color`.
    pub color: Option<When>,
    /// `term.quiet`.
    pub quiet: Option<bool>,
    /// `term.verbose`.
    pub verbose: Option<bool>,
    /// `term.progress.when`.
    pub progress: Option<When>,
    /// `term.progress.width`.
    pub progress_width: Option<u16>,
}

/// What a shell is made from; the flags are laid over the environment by [`crate::cli`].
#[derive(Clone, Debug, Default)]
pub struct ShellOptions {
    /// How much is said.
    pub verbosity: Verbosity,
    /// When colours are used.
    pub color: When,
    /// When the progress bar is drawn.
    pub progress: When,
    /// The bar's width in columns, where the user fixed it.
    pub progress_width: Option<u16>,
    /// The form of standard output.
    pub format: MessageFormat,
    /// `--yes`: nothing is asked, what would be asked is affirmed.
    pub assume_yes: bool,
    /// True in a build service (`CI` is set).
    pub ci: bool,
    /// True when `NO_COLOR` is set.
    pub no_color: bool,
    /// True when the terminal can draw (`TERM` is not `dumb`).
    pub dumb: bool,
}

impl ShellOptions {
    /// What the environment says, before any flag. Values that cannot be used count as unset here: the settings
    /// report them.
    pub fn from_environment(env: &Environment) -> Self {
        let when = |var| env.get(var).and_then(|text| text.parse().ok());
        let on = |var| env.flag(var).ok().flatten().unwrap_or(false);
        let verbosity = match (on(Var::CargoTermQuiet), on(Var::CargoTermVerbose)) {
            (true, _) => Verbosity::Quiet,
            (_, true) => Verbosity::Verbose,
            _ => Verbosity::Normal,
        };
        Self {
            verbosity,
            color: when(Var::CargoTermColor).unwrap_or_default(),
            progress: when(Var::CargoTermProgressWhen).unwrap_or_default(),
            progress_width: env.get(Var::CargoTermProgressWidth).and_then(|text| text.parse().ok()),
            format: MessageFormat::Human,
            assume_yes: false,
            ci: env.get(Var::Ci).is_some(),
            no_color: env.get(Var::NoColor).is_some(),
            dumb: env.get(Var::Term).is_some_and(|term| term == "dumb"),
        }
    }
}

impl ShellOptions {
    /// Lays the `[term]` table under what the environment says.
    #[must_use]
    pub fn over(mut self, term: &TermSettings, env: &Environment) -> Self {
        let unset = |var| env.get(var).is_none();
        if unset(Var::CargoTermColor) {
            self.color = term.color.unwrap_or(self.color);
        }
        if unset(Var::CargoTermQuiet) && unset(Var::CargoTermVerbose) {
            self.verbosity = match (term.quiet, term.verbose) {
                (Some(true), _) => Verbosity::Quiet,
                (_, Some(true)) => Verbosity::Verbose,
                _ => self.verbosity,
            };
        }
        if unset(Var::CargoTermProgressWhen) {
            self.progress = term.progress.unwrap_or(self.progress);
        }
        self.progress_width = self.progress_width.or(term.progress_width);
        self
    }
}

/// The user's terminal, or what stands in for it. Shared by threads.
#[derive(Debug)]
pub struct Shell {
    options: ShellOptions,
    err_is_terminal: bool,
    in_is_terminal: bool,
    color_err: bool,
    color_out: bool,
    captured: Option<Mutex<String>>,
    names: Names,
}

impl Shell {
    /// A shell on this process's standard streams.
    pub fn new(options: ShellOptions) -> Self {
        let err_is_terminal = std::io::stderr().is_terminal();
        let out_is_terminal = std::io::stdout().is_terminal();
        let in_is_terminal = std::io::stdin().is_terminal();
        let color = |is_terminal: bool| match options.color {
            When::Always => true,
            When::Never => false,
            When::Auto => is_terminal && !options.no_color && !options.dumb,
        };
        Self {
            color_err: color(err_is_terminal),
            color_out: color(out_is_terminal),
            err_is_terminal,
            in_is_terminal,
            captured: None,
            names: Names::default(),
            options,
        }
    }

    /// A shell that keeps what it is told, for unit tests and for callers that print elsewhere. Never asks.
    pub fn captured(options: ShellOptions) -> Self {
        Self {
            color_err: options.color == When::Always,
            color_out: options.color == When::Always,
            err_is_terminal: false,
            in_is_terminal: false,
            captured: Some(Mutex::default()),
            names: Names::default(),
            options,
        }
    }

    /// The same, showing what the user calls keys beside them.
    #[must_use]
    pub fn with_labels(mut self, labels: &Labels) -> Self {
        self.names = Names::new(labels);
        self
    }

    /// What a captured shell was told so far, both streams in order.
    pub fn captured_text(&self) -> String {
        self.captured.as_ref().map(|text| lock(text).clone()).unwrap_or_default()
    }

    /// How much is said.
    pub fn verbosity(&self) -> Verbosity {
        self.options.verbosity
    }

    /// True with `--message-format json`.
    pub fn is_json(&self) -> bool {
        self.options.format == MessageFormat::Json
    }

    /// True with `--yes`.
    pub fn assume_yes(&self) -> bool {
        self.options.assume_yes
    }

    /// True when a question may be asked: standard input and standard error are terminals, and none of `CI`, `--yes`,
    /// `--quiet` and `--message-format json` says otherwise.
    pub fn can_prompt(&self) -> bool {
        self.in_is_terminal
            && self.err_is_terminal
            && !self.options.ci
            && !self.options.assume_yes
            && !self.is_json()
            && self.verbosity() != Verbosity::Quiet
    }

    /// True when standard error shows colours; children that are captured are asked for the same.
    pub fn colored(&self) -> bool {
        self.color_err
    }

    /// `      Adding serde.rs/serde-abc v1.0.3`: what happens, in Cargo's form.
    pub fn status(&self, verb: &str, message: impl Display) {
        self.status_in(GREEN, verb, &message);
    }

    /// As [`Shell::status`], in yellow: something is skipped or undone.
    pub fn status_warn(&self, verb: &str, message: impl Display) {
        self.status_in(YELLOW, verb, &message);
    }

    /// As [`Shell::status`], in cyan: something is waited for.
    pub fn status_wait(&self, verb: &str, message: impl Display) {
        self.status_in(CYAN, verb, &message);
    }

    /// As [`Shell::status`], only with `--verbose`.
    pub fn verbose(&self, verb: &str, message: impl Display) {
        if self.options.verbosity == Verbosity::Verbose {
            self.status_in(GREEN, verb, &message);
        }
    }

    /// Whether `--verbose` was given.
    pub fn is_verbose(&self) -> bool {
        self.options.verbosity == Verbosity::Verbose
    }

    fn status_in(&self, style: Style, verb: &str, message: &dyn Display) {
        if self.options.verbosity == Verbosity::Quiet {
            return;
        }
        let verb = self.paint(style, &format!("{verb:>12}"));
        self.to_stderr(&format!("{verb} {}\n", self.for_people(&message.to_string())));
    }

    /// `warning: …`; not with `--quiet`.
    pub fn warn(&self, message: impl Display) {
        self.labelled(Verbosity::Normal, YELLOW, "warning", &message);
    }

    /// `note: …`; not with `--quiet`.
    pub fn note(&self, message: impl Display) {
        self.labelled(Verbosity::Normal, GREEN, "note", &message);
    }

    /// `help: …`: what to do next; not with `--quiet`.
    pub fn hint(&self, message: impl Display) {
        self.labelled(Verbosity::Normal, CYAN, "help", &message);
    }

    /// `error: …`; always.
    pub fn error(&self, message: impl Display) {
        self.labelled(Verbosity::Quiet, RED, "error", &message);
    }

    fn labelled(&self, least: Verbosity, style: Style, label: &str, message: &dyn Display) {
        if self.options.verbosity < least {
            return;
        }
        let label = self.paint(style, label);
        let colon = self.paint(BOLD, ":");
        self.to_stderr(&format!("{label}{colon} {}\n", self.for_people(&message.to_string())));
    }

    /// Text as a person reads it: harmless, and with what they call the keys in it.
    fn for_people(&self, text: &str) -> String {
        escape(&self.names.beside(text))
    }

    /// Plain text for people on standard error, such as instructions; not with `--quiet`. Ends the line.
    pub fn say(&self, message: impl Display) {
        if self.options.verbosity > Verbosity::Quiet {
            self.to_stderr(&format!("{}\n", self.for_people(&message.to_string())));
        }
    }

    /// A result on standard output; always, but not among JSON lines. Ends the line.
    pub fn print(&self, result: impl Display) {
        if !self.is_json() {
            self.to_stdout(&format!("{}\n", escape(&result.to_string())));
        }
    }

    /// A result on standard output exactly as it is, such as a document to redirect into a file.
    pub fn print_raw(&self, result: &str) {
        self.to_stdout(result);
    }

    /// A heading on standard output: bold, where there are colours.
    pub fn heading(&self, text: impl Display) {
        if !self.is_json() {
            let text = escape(&text.to_string());
            let line = if self.color_out { format!("{BOLD}{text}{BOLD:#}\n") } else { format!("{text}\n") };
            self.to_stdout(&line);
        }
    }

    /// One JSON line on standard output, with `--message-format json` only: `{"reason": …, …message}`.
    pub fn json(&self, reason: &str, message: &impl Serialize) {
        if !self.is_json() {
            return;
        }
        let mut object = serde_json::Map::new();
        object.insert("reason".to_owned(), reason.into());
        match serde_json::to_value(message) {
            Ok(serde_json::Value::Object(fields)) => object.extend(fields),
            Ok(other) => {
                object.insert("message".to_owned(), other);
            }
            Err(error) => {
                object.insert("error".to_owned(), error.to_string().into());
            }
        }
        self.to_stdout(&format!("{}\n", serde_json::Value::Object(object)));
    }

    /// Says what went wrong, why, and what to do next.
    pub fn report(&self, error: &CliError) {
        if error.is_silent() {
            return;
        }
        self.error(error.message());
        let causes: Vec<String> = error.causes().iter().map(|cause| self.names.beside(cause)).collect();
        self.to_stderr(&error::blocks(&causes));
        for (at, hint) in error.hints().iter().enumerate() {
            let (label, colon) = (self.paint(CYAN, "help"), self.paint(BOLD, ":"));
            let gap = if at == 0 { "\n" } else { "" };
            self.to_stderr(&format!("{gap}{label}{colon} {}\n", self.for_people(hint)));
        }
        self.json("error", &error.to_json());
    }

    /// For destructors, which have no shell at hand: an error on standard error, without colour.
    pub fn last_resort(message: &str) {
        let _ = writeln!(std::io::stderr(), "error: {}", escape(message));
    }

    /// Takes away the bar that is drawn: one that redraws itself would cover a question, ours or that of a program.
    pub fn make_room() {
        progress::clear();
    }

    /// The same, for a warning.
    pub fn last_warning(message: &str) {
        let _ = writeln!(std::io::stderr(), "warning: {}", escape(message));
    }

    fn paint(&self, style: Style, text: &str) -> String {
        if self.color_err { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// A closed pipe is no reason to fail: what is said is for whom it may concern.
    fn to_stderr(&self, text: &str) {
        if let Some(captured) = &self.captured {
            lock(captured).push_str(text);
            return;
        }
        progress::above(|| {
            let _ = std::io::stderr().write_all(text.as_bytes());
        });
    }

    fn to_stdout(&self, text: &str) {
        if let Some(captured) = &self.captured {
            lock(captured).push_str(text);
            return;
        }
        progress::above(|| {
            let mut out = std::io::stdout().lock();
            let _ = out.write_all(text.as_bytes());
            let _ = out.flush();
        });
    }
}

/// A panic in another thread does not silence this one.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
