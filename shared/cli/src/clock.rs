//! The wall clock, read here only.

use std::time::{SystemTime, UNIX_EPOCH};

use cargo_namespaces::time::Timestamp;

/// The present second. A clock set before 1970 reads as 1970.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Timestamp::from_unix(since.map_or(0, |since| since.as_secs()))
}
