//! The registry's own failures.
//!
//! A failure is met by every request that runs into it, and anybody can send requests: so there are only so many lines in a
//! while, and then the number of those that were left out.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{Level, event, sink};

/// Most lines in one [`WHILE`]: what fails at the same time has a few causes.
const MOST: u32 = 20;
/// How long lines are counted together.
const WHILE: Duration = Duration::from_secs(10);

/// Writes down a failure.
pub fn failure(text: &str) {
    static COUNT: Mutex<Option<Count>> = Mutex::new(None);
    let mut count = COUNT.lock().unwrap_or_else(PoisonError::into_inner);
    let said = Count::admit(&mut count, Instant::now());
    drop(count);
    if let Some(left_out) = said {
        if left_out > 0 {
            sink::now(&event(
                Level::Error,
                &format!("{left_out} more failures before this one are not in the log"),
            ));
        }
        sink::now(&event(Level::Error, text));
    }
}

#[derive(Debug)]
struct Count {
    since: Instant,
    lines: u32,
    left_out: u64,
}

impl Count {
    /// Whether there may be one more line; then how many were left out before it.
    fn admit(count: &mut Option<Self>, now: Instant) -> Option<u64> {
        let current = count.get_or_insert(Self { since: now, lines: 0, left_out: 0 });
        if now.duration_since(current.since) >= WHILE {
            (current.since, current.lines) = (now, 0);
        }
        if current.lines >= MOST {
            current.left_out += 1;
            return None;
        }
        current.lines += 1;
        Some(std::mem::take(&mut current.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_a_few_lines_and_a_number() {
        let (begin, mut count) = (Instant::now(), None);
        let lines: Vec<_> = (0..1000).filter_map(|_| Count::admit(&mut count, begin)).collect();
        assert_eq!(lines, [0; MOST as usize]);
        assert_eq!(Count::admit(&mut count, begin + WHILE), Some(1000 - u64::from(MOST)));
        assert_eq!(Count::admit(&mut count, begin + WHILE), Some(0));
    }
}
