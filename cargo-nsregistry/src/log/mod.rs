//! The registry's log, on standard error: a line for each request and each refusal, and its own failures.
//!
//! ```text
//! 2026-01-02T03:04:05Z info: 192.0.2.7 GET /index/serde.rs/se/rd/serde-abc 200 0.4 ms
//! 2026-01-02T03:04:05Z warn: 192.0.2.7 PUT /ns/serde.rs/api/v1/crates/new 403 1.2 ms stranger: You are not allowed to …
//! 2026-01-02T03:04:05Z error: the database is locked
//! ```
//!
//! As JSON each line is an object with the same parts. The operator decides on form and level (`[log]`); what is below the level
//! is not even put together ([`request::router`]). Lines are gathered and written by a thread of their own, so that neither a
//! request nor the registry's end waits for whoever reads the log; if that takes too long, lines are left out, and their number is written instead.
//!
//! No line holds a body, a signature or a token, and what strangers choose is escaped and cut.

mod failure;
pub mod request;
mod sink;

use std::fmt::{Display, Formatter};
use std::sync::atomic::{AtomicBool, Ordering};

use cargo_namespaces::escape::escape_line;
use cargo_namespaces_cli::clock;
use serde::{Deserialize, Serialize};
use serde_json::json;

pub use failure::{failure, no_place};
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

/// Whether lines are JSON: a failure may come from anywhere in the process, and standard error is the process's.
static IS_JSON: AtomicBool = AtomicBool::new(false);

/// Puts the operator's form in force.
pub fn configure(settings: Settings) {
    IS_JSON.store(settings.format == Format::Json, Ordering::Relaxed);
}

/// Writes down what the operator did, where every request is written down, too.
pub fn info(settings: Settings, text: &str) {
    if settings.level >= Level::Info {
        sink::later(&event(Level::Info, text));
    }
}

/// A line that is no request's.
fn event(level: Level, text: &str) -> String {
    let at = clock::now();
    if IS_JSON.load(Ordering::Relaxed) {
        format!("{}\n", json!({ "at": at, "level": level, "message": text }))
    } else {
        format!("{at} {level}: {}\n", escape_line(text))
    }
}
