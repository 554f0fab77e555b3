//! Standard error, written to by a thread of its own.

use std::io::Write as _;
use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;

use super::{Level, event};

/// Most bytes that wait to be written: a second of the most requests that a machine of this kind answers.
const MOST: usize = 4 * 1024 * 1024;
/// How long lines are gathered for one write, which costs more than all else about a line.
const GATHER: Duration = Duration::from_millis(20);

#[derive(Debug)]
struct Waiting {
    lines: String,
    left_out: u64,
}

static WAITING: Mutex<Waiting> = Mutex::new(Waiting { lines: String::new(), left_out: 0 });
static SOME: Condvar = Condvar::new();
/// Held while lines are written, so that they come in order.
static WRITING: Mutex<()> = Mutex::new(());

fn waiting() -> MutexGuard<'static, Waiting> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes a line a moment later; without a wait for anything.
pub(super) fn later(line: &str) {
    static WRITER: Once = Once::new();
    WRITER.call_once(|| {
        // Without it, what waits is written with the next failure, and at the end.
        let _ = std::thread::Builder::new().name("log".to_owned()).spawn(write_on);
    });
    if waiting().add(line) {
        SOME.notify_one();
    }
}

/// Writes a line, and what waits, now.
pub(super) fn now(line: &str) {
    let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let text = waiting().take() + line;
    // Nobody may be reading any more.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Writes what waits.
pub fn flush() {
    now("");
}

fn write_on() {
    loop {
        drop(SOME.wait_while(waiting(), |waiting| waiting.lines.is_empty()));
        std::thread::sleep(GATHER);
        flush();
    }
}

impl Waiting {
    /// Adds a line, if there is room. Whether it is the first.
    fn add(&mut self, line: &str) -> bool {
        if self.lines.len() + line.len() > MOST {
            self.left_out += 1;
            return false;
        }
        let first = self.lines.is_empty();
        self.lines.push_str(line);
        first
    }

    fn take(&mut self) -> String {
        let mut text = mem::take(&mut self.lines);
        let left_out = mem::take(&mut self.left_out);
        if left_out > 0 {
            text += &event(
                Level::Warn,
                &format!("{left_out} more lines than could be written are left out here"),
            );
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_reads_takes_bounded_memory_and_is_counted() {
        let mut waiting = Waiting { lines: String::new(), left_out: 0 };
        let line = "x".repeat(1023) + "\n";
        let added: Vec<bool> = (0..5000).map(|_| waiting.add(&line)).collect();
        assert_eq!(added.iter().filter(|first| **first).count(), 1);
        assert!(waiting.lines.len() <= MOST);
        let text = waiting.take();
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
