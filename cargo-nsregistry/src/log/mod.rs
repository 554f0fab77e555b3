//! The registry's log, on standard error: a line for each request and each refusal, and its own failures.
//!
//! ```text
//! 2026-01-02T03:04:05Z info: 192.0.2.7 GET /index/serde.rs/se/rd/serde-abc 200 0.4 ms
//! 2026-01-02T03:04:05Z warn: 192.0.2.7 PUT /ns/serde.rs/api/v1/crates/new 403 1.2 ms stranger: You are not allowed to …
//! 2026-01-02T03:04:05Z error: the database is locked
//! ```
//!
//! As JSON each line is an object with the same parts. The operator decides on form and level (`[log]`). All of the registry
//! writes events of `tracing`; [`start`] lets this program's own become lines. Lines are gathered and written by a thread of
//! their own, so that neither a request nor the registry's end waits for whoever reads the log; if that takes too long, lines
//! are left out, and their number is written instead.
//!
//! No line holds a body, a signature or a token, and what strangers choose is escaped and cut.

mod lines;
pub mod rate;
mod sink;

use std::error::Error;
use std::fmt::{Display, Formatter, Write as _};

use serde::{Deserialize, Serialize};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;

pub use sink::flush;

/// What is written; each level has those above it, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// The registry's own failures.
    Error,
    /// Refusals.
    Warn,
    /// Every request.
    #[default]
    Info,
}

/// The form of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// A line to be read by people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// What an operator decides.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settings {
    /// The least grave of what is written.
    pub level: Level,
    /// The form of the lines.
    pub format: Format,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
        }
    }
}

impl Display for Level {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Display for Format {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(if *self == Self::Json { "json" } else { "text" })
    }
}

impl From<tracing::Level> for Level {
    fn from(level: tracing::Level) -> Self {
        match level {
            tracing::Level::ERROR => Self::Error,
            tracing::Level::WARN => Self::Warn,
            _ => Self::Info,
        }
    }
}

impl From<Level> for LevelFilter {
    fn from(level: Level) -> Self {
        match level {
            Level::Error => Self::ERROR,
            Level::Warn => Self::WARN,
            Level::Info => Self::INFO,
        }
    }
}

/// Lets events become lines from now on, in the operator's form. Standard error is the process's, so the first registry of a
/// process decides.
pub fn start(settings: Settings) {
    sink::set_format(settings.format);
    let lines = lines::Lines::new(settings, sink::write);
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(lines));
}

/// An error and its sources, on one line.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let _ = write!(text, ": {cause}");
        next = cause.source();
    }
    text
}
