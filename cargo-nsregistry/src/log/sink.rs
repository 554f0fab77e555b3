//! Standard error, written to by a thread of its own, and by nothing else while requests are served: whoever reads it may stop
//! reading, and then a write does not come back.

use std::io::Write as _;
use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Format, Level, lines};

/// Most bytes that wait to be written: a second of the most requests that a machine of this kind answers.
const MOST: usize = 4 * 1024 * 1024;
/// Room beyond [`MOST`] for the registry's own failures, which lines about requests do not take from them.
const MOST_FAILURES: usize = 256 * 1024;
/// How long lines are gathered for one write, which costs more than all else about a line.
const GATHER: Duration = Duration::from_millis(20);

#[derive(Debug)]
struct Waiting {
    lines: String,
    left_out: u64,
    format: Format,
    /// Whether the thread is there.
    has_writer: bool,
    /// Whether it writes just now what waited before.
    writing: bool,
}

static WAITING: Mutex<Waiting> = Mutex::new(Waiting::NOTHING);
static SOME: Condvar = Condvar::new();
static WRITTEN: Condvar = Condvar::new();

fn waiting() -> MutexGuard<'static, Waiting> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes a line a moment later; without a wait for anything.
pub(super) fn write(line: &str, is_failure: bool) {
    add(line, if is_failure { MOST + MOST_FAILURES } else { MOST });
}

/// Sets the form of the line that says how many were left out.
pub(super) fn set_format(format: Format) {
    waiting().format = format;
}

fn add(line: &str, most: usize) {
    let mut waiting = waiting();
    if !waiting.has_writer {
        // Where there can be none now, the next line tries again.
        let writer = std::thread::Builder::new().name("log".to_owned()).spawn(write_on);
        waiting.has_writer = writer.is_ok();
    }
    if waiting.add(line, most) {
        SOME.notify_one();
    }
}

/// Lets what waits be written, for so long at most.
pub fn flush(most: Duration) {
    let is_some =
        |waiting: &mut Waiting| waiting.has_writer && (waiting.writing || !waiting.lines.is_empty());
    drop(WRITTEN.wait_timeout_while(waiting(), most, is_some));
}

fn write_on() {
    loop {
        drop(SOME.wait_while(waiting(), |waiting| waiting.lines.is_empty()));
        std::thread::sleep(GATHER);
        let text = waiting().take();
        // Nobody may be reading any more.
        let _ = std::io::stderr().write_all(text.as_bytes());
        waiting().writing = false;
        WRITTEN.notify_all();
    }
}

impl Waiting {
    const NOTHING: Self =
        Self { lines: String::new(), left_out: 0, format: Format::Text, has_writer: false, writing: false };

    /// Adds a line, if there is room. Whether it is the first.
    fn add(&mut self, line: &str, most: usize) -> bool {
        if self.lines.len() + line.len() > most {
            self.left_out += 1;
            return false;
        }
        let first = self.lines.is_empty();
        self.lines.push_str(line);
        first
    }

    /// What is to be written now.
    fn take(&mut self) -> String {
        self.writing = true;
        let mut text = mem::take(&mut self.lines);
        let left_out = mem::take(&mut self.left_out);
        if left_out > 0 {
            let message = format!("{left_out} more lines than could be written are left out here");
            text += &lines::note(Level::Warn, message, self.format);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_reads_takes_bounded_memory_and_is_counted() {
        let mut waiting = Waiting::NOTHING;
        let line = "x".repeat(1023) + "\n";
        let added: Vec<bool> = (0..5000).map(|_| waiting.add(&line, MOST)).collect();
        assert_eq!(added.iter().filter(|first| **first).count(), 1);
        assert!(waiting.lines.len() <= MOST);
        waiting.add("a failure\n", MOST + MOST_FAILURES);
        let text = waiting.take();
        assert!(text.contains("\na failure\n"), "lines about requests leave room for it");
        let left_out = 5000 - MOST / 1024;
        assert!(
            text.ends_with(&format!(
                " warn: {left_out} more lines than could be written are left out here\n"
            )),
            "{left_out}"
        );
        assert!(waiting.take().is_empty());
    }
}
