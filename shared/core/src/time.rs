//! Moments, as the formats write them: RFC 3339 in UTC with whole seconds, `2026-11-20T12:00:00Z`.
//!
//! One moment has one text, because texts are signed: no offsets, no fractions, no lower-case letters, no leap second.
//! What the clock says is asked in `cargo_namespaces_cli::clock`; nothing here does.

use std::fmt;

use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

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
/// Of all the forms of RFC 3339, the one that is written.
const FORM: &[BorrowedFormatItem<'static>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");

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
        parse(text).ok_or_else(|| TimestampError(excerpt(text)))
    }
}

fn parse(text: &str) -> Option<Timestamp> {
    let seconds = PrimitiveDateTime::parse(text, FORM).ok()?.assume_utc().unix_timestamp();
    let moment = Timestamp(u64::try_from(seconds).ok()?);
    // The library takes a sign before the year, and a leap second: other texts of a moment that has one.
    (moment.to_string() == text).then_some(moment)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = i64::try_from(self.0).map_err(|_| fmt::Error)?;
        let moment = OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| fmt::Error)?;
        f.write_str(&moment.format(FORM).map_err(|_| fmt::Error)?)
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
