//! The progress bar, in Cargo's look, on a terminal only.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Shell, Verbosity, When};

/// A bar or a spinner while something runs; gone when dropped. Status lines printed meanwhile stand above it.
#[must_use = "the bar disappears when this is dropped"]
pub struct Progress<'a> {
    _shell: &'a Shell,
    bar: Option<ProgressBar>,
    /// How the bar looked that was drawn when this one began, in whose place it stands.
    outer: Option<Before>,
}

/// What a bar showed.
struct Before {
    style: ProgressStyle,
    message: String,
    position: u64,
    length: Option<u64>,
}

impl std::fmt::Debug for Progress<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Progress").field("bar", &self.bar).finish_non_exhaustive()
    }
}

impl Shell {
    /// `    Fetching [====>    ] 12/30: name`, for `total` steps.
    pub fn progress(&self, verb: &str, total: u64) -> Progress<'_> {
        let width = self.options.progress_width.unwrap_or(40).clamp(10, 80);
        let verb = self.paint(super::CYAN, &format!("{verb:>12}"));
        self.draw(|| {
            ProgressBar::new(total)
                .with_style(style(&format!("{verb} [{{bar:{width}}}] {{pos}}/{{len}}{{msg}}"), "=> "))
        })
    }

    /// A spinner for a wait of unknown length, with a message that can change.
    pub fn spinner(&self, verb: &str, message: &str) -> Progress<'_> {
        let verb = self.paint(super::CYAN, &format!("{verb:>12}"));
        let progress = self.draw(|| {
            ProgressBar::new_spinner().with_style(
                ProgressStyle::with_template(&format!("{verb} {{spinner}}{{msg}}"))
                    .unwrap_or_else(|_| ProgressStyle::default_spinner())
                    .tick_chars(r"|/-\ "),
            )
        });
        progress.message(message);
        if let Some(bar) = &progress.bar {
            bar.enable_steady_tick(Duration::from_millis(120));
        }
        progress
    }

    fn draw(&self, bar: impl FnOnce() -> ProgressBar) -> Progress<'_> {
        let wanted = match self.options.progress {
            When::Always => true,
            When::Never => false,
            When::Auto => self.err_is_terminal && !self.options.ci && !self.options.dumb,
        };
        if !wanted || self.options.verbosity == Verbosity::Quiet || self.captured.is_some() {
            return Progress { _shell: self, bar: None, outer: None };
        }
        let bar = bar();
        let mut drawn = drawn();
        if let Some(outer) = drawn.clone() {
            // Two at once would draw over one another: the inner one takes the outer one's place until it ends.
            let before = Before {
                style: outer.style(),
                message: outer.message(),
                position: outer.position(),
                length: outer.length(),
            };
            outer.set_style(bar.style());
            outer.set_message("");
            outer.set_position(0);
            set_length(&outer, bar.length());
            return Progress { _shell: self, bar: Some(outer), outer: Some(before) };
        }
        bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
        *drawn = Some(bar.clone());
        Progress { _shell: self, bar: Some(bar), outer: None }
    }
}

/// Calls `write`, the bar taken away meanwhile.
pub(super) fn above(write: impl FnOnce()) {
    match &*drawn() {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

/// Takes the bar away.
pub(super) fn clear() {
    if let Some(bar) = &*drawn() {
        bar.disable_steady_tick();
        bar.finish_and_clear();
    }
}

/// What is drawn now. There is one terminal, and a program that is started may want it.
fn drawn() -> MutexGuard<'static, Option<ProgressBar>> {
    static DRAWN: Mutex<Option<ProgressBar>> = Mutex::new(None);
    DRAWN.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Progress<'_> {
    /// One step is done.
    pub fn step(&self) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }

    /// There are more steps than was thought.
    pub fn add_total(&self, more: u64) {
        if let Some(bar) = &self.bar {
            bar.inc_length(more);
        }
    }

    /// What is being worked on.
    pub fn message(&self, message: &str) {
        if let Some(bar) = &self.bar {
            let lead = if bar.length().is_some() { ": " } else { " " };
            bar.set_message(format!("{lead}{}", cargo_namespaces::escape::escape_line(message)));
        }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.take() {
            if let Some(before) = self.outer.take() {
                set_length(&bar, before.length);
                bar.set_position(before.position);
                bar.set_style(before.style);
                bar.set_message(before.message);
                return;
            }
            bar.finish_and_clear();
            *drawn() = None;
        }
    }
}

fn set_length(bar: &ProgressBar, length: Option<u64>) {
    match length {
        Some(length) => bar.set_length(length),
        None => bar.unset_length(),
    }
}

fn style(template: &str, chars: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars(chars)
}
