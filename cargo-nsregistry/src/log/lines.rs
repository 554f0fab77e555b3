//! From events to lines.
//!
//! An event with a `message` becomes a line with that message. The event of a request has these fields, and no message:
//! `client`, `method`, `path`, `status`, `ms`, and for a refusal `code` and `detail`.

use std::fmt::{Debug, Write as _};
use std::time::{Duration, Instant};

use cargo_namespaces::escape::escape_line;
use cargo_namespaces_cli::clock;
use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::rate::Rate;
use super::{Format, Level, Settings};

/// The events of this program: those of its dependencies are for their own developers.
const OWN: &str = env!("CARGO_CRATE_NAME");
/// What fails at the same time has a few causes.
const FAILURES: (u32, Duration) = (20, Duration::from_secs(10));

/// Where a line goes, and whether it is about a failure of the registry's own.
pub(super) type Write = fn(line: &str, is_failure: bool);

/// Writes the events of this program as lines.
pub(super) struct Lines {
    settings: Settings,
    write: Write,
    failures: Rate,
}

impl Lines {
    pub(super) fn new(settings: Settings, write: Write) -> Self {
        let (most, during) = FAILURES;
        Self { settings, write, failures: Rate::new(most, during) }
    }

    fn has(&self, metadata: &Metadata<'_>) -> bool {
        let is_own = metadata.target().split("::").next() == Some(OWN);
        is_own && Level::from(*metadata.level()) <= self.settings.level
    }
}

impl<S: Subscriber> Layer<S> for Lines {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.has(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.has(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.settings.level.into())
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let level = Level::from(*event.metadata().level());
        let is_failure = level == Level::Error;
        let left_out = if is_failure { self.failures.admit(Instant::now()) } else { Some(0) };
        let Some(left_out) = left_out else { return };
        if left_out > 0 {
            let message = format!("{left_out} more failures before this one are not in the log");
            (self.write)(&Line { message, ..Line::default() }.written(level, self.settings.format), true);
        }
        let mut line = Line::default();
        event.record(&mut line);
        (self.write)(&line.written(level, self.settings.format), is_failure);
    }
}

/// A line about the log itself.
pub(super) fn note(level: Level, message: String, format: Format) -> String {
    Line { message, ..Line::default() }.written(level, format)
}

/// The fields of an event.
#[derive(Debug, Default)]
struct Line {
    message: String,
    client: String,
    method: String,
    path: String,
    status: u64,
    ms: f64,
    code: String,
    detail: String,
}

impl Visit for Line {
    fn record_f64(&mut self, field: &Field, value: f64) {
        if field.name() == "ms" {
            self.ms = value;
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "status" {
            self.status = value;
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if let Some(text) = self.text(field) {
            value.clone_into(text);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if let Some(text) = self.text(field) {
            let _ = write!(text, "{value:?}");
        }
    }
}

impl Line {
    fn text(&mut self, field: &Field) -> Option<&mut String> {
        Some(match field.name() {
            "message" => &mut self.message,
            "client" => &mut self.client,
            "method" => &mut self.method,
            "path" => &mut self.path,
            "code" => &mut self.code,
            "detail" => &mut self.detail,
            _ => return None,
        })
    }

    fn written(&self, level: Level, format: Format) -> String {
        match format {
            Format::Text => self.as_text(level),
            Format::Json => format!("{}\n", self.as_json(level)),
        }
    }

    fn as_text(&self, level: Level) -> String {
        let Self { message, client, method, path, status, ms, code, detail } = self;
        let at = clock::now();
        if method.is_empty() {
            return format!("{at} {level}: {}\n", escape_line(message));
        }
        let client = if client.is_empty() { "-" } else { client };
        let mut line = format!("{at} {level}: {client} {method} {} {status} {ms:.1} ms", escape_line(path));
        if !code.is_empty() {
            let _ = write!(line, " {code}");
        }
        if !detail.is_empty() {
            let _ = write!(line, ": {}", escape_line(detail));
        }
        line.push('\n');
        line
    }

    fn as_json(&self, level: Level) -> Value {
        let Self { message, client, method, path, status, ms, code, detail } = self;
        let mut line = Map::new();
        line.insert("at".to_owned(), json!(clock::now()));
        line.insert("level".to_owned(), json!(level));
        if method.is_empty() {
            line.insert("message".to_owned(), json!(message));
            return line.into();
        }
        for (name, text) in [("client", client), ("method", method), ("path", path)] {
            line.insert(name.to_owned(), json!(text));
        }
        line.insert("status".to_owned(), json!(status));
        line.insert("ms".to_owned(), json!((ms * 10.0).round() / 10.0));
        for (name, text) in [("code", code), ("detail", detail)] {
            if !text.is_empty() {
                line.insert(name.to_owned(), json!(text));
            }
        }
        line.into()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    thread_local! {
        static WRITTEN: RefCell<Vec<(String, bool)>> = const { RefCell::new(Vec::new()) };
    }

    /// The lines that `work` writes, each with whether it is about a failure.
    fn lines(level: Level, format: Format, work: impl FnOnce()) -> Vec<(String, bool)> {
        let write: Write =
            |line, is_failure| WRITTEN.with_borrow_mut(|lines| lines.push((line.to_owned(), is_failure)));
        let layer = Lines::new(Settings { level, format }, write);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
        WRITTEN.take()
    }

    fn refusal(format: Format) -> String {
        let mut found = lines(Level::Info, format, || {
            tracing::warn!(
                client = %"192.0.2.7", method = "PUT", path = "/ns/x?q=%0a", status = 403_u64, ms = 1.26,
                code = "stranger", detail = "no crate \u{1b}[31m\u{202e}x\rforged"
            );
        });
        assert_eq!(found.len(), 1);
        found.remove(0).0
    }

    #[test]
    fn a_line_is_one_line_whatever_strangers_write() {
        let text = refusal(Format::Text);
        assert!(text.contains("Z warn: 192.0.2.7 PUT /ns/x?q=%0a 403 1.3 ms stranger: no crate "), "{text}");
        assert_eq!(text.matches('\n').count(), 1);
        assert!(!text.contains(['\u{1b}', '\r', '\u{202e}']), "{text:?}");
        let text = refusal(Format::Json);
        assert_eq!(text.matches('\n').count(), 1);
        let read: Value = serde_json::from_str(&text).unwrap();
        let keys: Vec<&String> = read.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["at", "level", "client", "method", "path", "status", "ms", "code", "detail"]);
        assert_eq!((&read["status"], &read["ms"]), (&json!(403), &json!(1.3)));
        assert_eq!((&read["code"], &read["client"]), (&json!("stranger"), &json!("192.0.2.7")));
    }

    #[test]
    fn a_level_has_those_above_it_and_nothing_of_other_programs() {
        for (level, expected) in [(Level::Info, 3), (Level::Warn, 2), (Level::Error, 1)] {
            let found = lines(level, Format::Text, || {
                tracing::info!("one");
                tracing::warn!("two");
                tracing::error!("three");
                tracing::error!(target: "hyper::server", "not ours");
                tracing::debug!("not at all");
            });
            assert_eq!(found.len(), expected, "{level}: {found:?}");
            assert!(
                found[expected - 1].1 && found[expected - 1].0.ends_with("Z error: three\n"),
                "{found:?}"
            );
        }
    }

    #[test]
    fn failures_are_few_and_their_number_is_told() {
        let found = lines(Level::Error, Format::Json, || {
            for number in 0..100 {
                tracing::error!("failure {number}");
            }
        });
        assert_eq!(found.len(), 20);
        let read: Value = serde_json::from_str(&found[0].0).unwrap();
        assert_eq!((&read["level"], &read["message"]), (&json!("error"), &json!("failure 0")));
    }
}
