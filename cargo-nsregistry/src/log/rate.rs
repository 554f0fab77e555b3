//! How many lines there may be about the same thing.
//!
//! A failure is met by every request that runs into it, and anybody can send requests: so there are only so many lines in a
//! while, and then the number of those that were left out.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// So many lines in a while.
#[derive(Debug)]
pub struct Rate {
    most: u32,
    during: Duration,
    count: Mutex<Option<Count>>,
}

#[derive(Debug)]
struct Count {
    since: Instant,
    lines: u32,
    left_out: u64,
}

impl Rate {
    /// At most `most` lines within `during`.
    pub const fn new(most: u32, during: Duration) -> Self {
        Self { most, during, count: Mutex::new(None) }
    }

    /// Counts a line. Returns how many were left out before it, or `None` if it is left out itself.
    pub fn admit(&self, now: Instant) -> Option<u64> {
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        let count = count.get_or_insert(Count { since: now, lines: 0, left_out: 0 });
        if now.duration_since(count.since) >= self.during {
            (count.since, count.lines) = (now, 0);
        }
        if count.lines >= self.most {
            count.left_out += 1;
            return None;
        }
        count.lines += 1;
        Some(std::mem::take(&mut count.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_a_few_lines_and_a_number() {
        let (begin, rate) = (Instant::now(), Rate::new(20, Duration::from_secs(10)));
        let lines: Vec<_> = (0..1000).filter_map(|_| rate.admit(begin)).collect();
        assert_eq!(lines, [0; 20]);
        let after = begin + Duration::from_secs(10);
        assert_eq!(rate.admit(after), Some(980));
        assert_eq!(rate.admit(after), Some(0));
    }
}
