//! Moments, as the formats write them: RFC 3339 in UTC with whole seconds, `2026-11-20T12:00:00Z`.
//!
//! One moment has one text, because texts are signed: no offsets, no fractions, no lower-case letters, no leap second.
//! What the clock says is asked in `cargo_namespaces_cli::clock`; nothing here does.

use std::fmt;

use crate::text::{excerpt, string_form};

/// A moment between 1970 and 9999, in whole seconds of UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

/// Why a text is no moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a time of the form 2026-11-20T12:00:00Z")]
pub struct TimestampError(String);

/// 9999-12-31T23:59:59Z: the last moment whose year has four digits.
const LAST: u64 = 253_402_300_799;
const DAY: u64 = 86_400;

impl Timestamp {
    /// `seconds` after 1970-01-01T00:00:00Z; what lies after the year 9999 becomes its last second.
    pub fn from_unix(seconds: u64) -> Self {
        Self(seconds.min(LAST))
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    pub fn unix(self) -> u64 {
        self.0
    }

    /// The moment `seconds` later.
    #[must_use]
    pub fn plus_seconds(self, seconds: u64) -> Self {
        Self::from_unix(self.0.saturating_add(seconds))
    }

    /// How many seconds lie between the two, whichever came first.
    pub fn distance(self, other: Self) -> u64 {
        self.0.abs_diff(other.0)
    }

    /// Reads `2026-11-20T12:00:00Z`.
    ///
    /// # Errors
    /// Any other form, and days and hours that do not exist.
    pub fn parse(text: &str) -> Result<Self, TimestampError> {
        parse(text.as_bytes()).ok_or_else(|| TimestampError(excerpt(text)))
    }
}

fn parse(text: &[u8]) -> Option<Timestamp> {
    if text.len() != 20 {
        return None;
    }
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'Z')];
    if separators.iter().any(|&(at, byte)| text[at] != byte) {
        return None;
    }
    let (year, month, day) = (number(&text[..4])?, number(&text[5..7])?, number(&text[8..10])?);
    let (hour, minute, second) = (number(&text[11..13])?, number(&text[14..16])?, number(&text[17..19])?);
    let valid_day =
        year >= 1970 && (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day);
    if !valid_day || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let months: u64 = (1..month).map(|m| days_in_month(year, m)).sum();
    let days = days_before_year(year) - days_before_year(1970) + months + day - 1;
    Some(Timestamp(days * DAY + hour * 3600 + minute * 60 + second))
}

fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |n, digit| digit.is_ascii_digit().then(|| n * 10 + u64::from(digit - b'0')))
}

/// Days from the start of the (proleptic Gregorian) year 1 to the start of `year`.
fn days_before_year(year: u64) -> u64 {
    let y = year - 1;
    y * 365 + y / 4 - y / 100 + y / 400
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_in_month(year: u64, month: u64) -> u64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.0 / DAY + days_before_year(1970);
        // An estimate that is never too late, then at most twenty steps up.
        let mut year = days / 366 + 1;
        while days_before_year(year + 1) <= days {
            year += 1;
        }
        let mut day = days - days_before_year(year);
        let mut month = 1;
        while day >= days_in_month(year, month) {
            day -= days_in_month(year, month);
            month += 1;
        }
        let (hour, minute, second) = (self.0 / 3600 % 24, self.0 / 60 % 60, self.0 % 60);
        write!(f, "{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", day + 1)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timestamp({self})")
    }
}

string_form!(Timestamp, TimestampError);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_moments() {
        for (unix, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_795_176_000, "2026-11-20T12:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (LAST, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(Timestamp::from_unix(unix).to_string(), text);
            assert_eq!(Timestamp::parse(text).unwrap().unix(), unix);
        }
        assert_eq!(Timestamp::from_unix(u64::MAX).unix(), LAST);
    }

    #[test]
    fn only_real_moments_in_the_one_form() {
        for wrong in [
            "",
            "2026-11-20",
            "2026-11-20T12:00:00",
            "2026-11-20t12:00:00z",
            "2026-11-20T12:00:00+00:00",
            "2026-11-20T12:00:00.0Z",
            "2026-11-20 12:00:00Z",
            "2026-02-29T00:00:00Z",
            "2100-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-04-31T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:60:00Z",
            "2016-12-31T23:59:60Z",
            "1969-12-31T23:59:59Z",
            "+026-01-01T00:00:00Z",
            "２026-01-01T00:00:0Z",
        ] {
            assert!(Timestamp::parse(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn text_and_moment_are_one_to_one(unix in 0..=LAST) {
            let moment = Timestamp::from_unix(unix);
            prop_assert_eq!(Timestamp::parse(&moment.to_string()).unwrap(), moment);
        }

        #[test]
        fn any_text_is_answered(text in ".{0,24}") {
            if let Ok(moment) = Timestamp::parse(&text) {
                prop_assert_eq!(moment.to_string(), text);
            }
        }
    }
}
