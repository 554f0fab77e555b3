//! The registry's own failures, and clients for whom there is no place.
//!
//! A failure is met by every request that runs into it, and anybody can send requests: so there are only so many lines in a
//! while, and then the number of those that were left out.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{Level, Settings, event, sink};
use crate::client_address::ClientAddress;

/// How many lines there may be in a while.
#[derive(Clone, Copy, Debug)]
struct Rate {
    most: u32,
    during: Duration,
}

/// What fails at the same time has a few causes.
const FAILURES: Rate = Rate { most: 20, during: Duration::from_secs(10) };
/// Clients for whom there is no place come by the thousand; that there are some is what an operator must know.
const NO_PLACE: Rate = Rate { most: 1, during: Duration::from_secs(1) };

/// Writes down a failure.
pub fn failure(text: &str) {
    static COUNT: Mutex<Option<Count>> = Mutex::new(None);
    let mut count = COUNT.lock().unwrap_or_else(PoisonError::into_inner);
    let said = Count::admit(&mut count, FAILURES, Instant::now());
    drop(count);
    if let Some(left_out) = said {
        if left_out > 0 {
            sink::failure(&event(
                Level::Error,
                &format!("{left_out} more failures before this one are not in the log"),
            ));
        }
        sink::failure(&event(Level::Error, text));
    }
}

/// Writes down that a client was sent away before it could ask for anything.
pub fn no_place(settings: Settings, client: ClientAddress) {
    static COUNT: Mutex<Option<Count>> = Mutex::new(None);
    if settings.level < Level::Warn {
        return;
    }
    let mut count = COUNT.lock().unwrap_or_else(PoisonError::into_inner);
    let said = Count::admit(&mut count, NO_PLACE, Instant::now());
    drop(count);
    if let Some(left_out) = said {
        let more = if left_out == 0 { String::new() } else { format!(", nor for {left_out} more before it") };
        sink::later(&event(Level::Warn, &format!("there was no place for a connection of {client}{more}")));
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
    fn admit(count: &mut Option<Self>, rate: Rate, now: Instant) -> Option<u64> {
        let current = count.get_or_insert(Self { since: now, lines: 0, left_out: 0 });
        if now.duration_since(current.since) >= rate.during {
            (current.since, current.lines) = (now, 0);
        }
        if current.lines >= rate.most {
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
        let lines: Vec<_> = (0..1000).filter_map(|_| Count::admit(&mut count, FAILURES, begin)).collect();
        assert_eq!(lines, [0; FAILURES.most as usize]);
        let after = begin + FAILURES.during;
        assert_eq!(Count::admit(&mut count, FAILURES, after), Some(1000 - u64::from(FAILURES.most)));
        assert_eq!(Count::admit(&mut count, FAILURES, after), Some(0));
    }
}
