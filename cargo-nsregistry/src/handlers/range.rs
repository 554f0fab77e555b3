//! Parts of a .crate, for whoever goes on with a download that broke off (RFC 9110, section 14). Pure.

use std::ops::Range;

use axum::http::{HeaderMap, header};

/// What of an object is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it.
    Whole,
    /// These bytes, at least one, all within it.
    Bytes(Range<u64>),
    /// Bytes that it does not have.
    None,
}

/// What these headers ask for, of an object of `size` bytes with this strong tag (without quotes). One range is served;
/// whoever asks for several, or for what is no range, gets the whole, as the standard allows. So does whoever names another
/// object in `If-Range`, in a weak tag or by a date.
pub(super) fn part(headers: &HeaderMap, tag: &str, size: u64) -> Part {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    if headers.contains_key(header::IF_RANGE) && text(header::IF_RANGE) != Some(format!("\"{tag}\"").as_str())
    {
        return Part::Whole;
    }
    text(header::RANGE).and_then(|range| parse(range, size)).unwrap_or(Part::Whole)
}

fn parse(range: &str, size: u64) -> Option<Part> {
    let (unit, spec) = range.split_once('=')?;
    let (first, last) = spec.trim().split_once('-')?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    let range = match (first, last) {
        ("", count) => size.saturating_sub(number(count)?)..size,
        (first, "") => number(first)?..size,
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if first > last {
                return None;
            }
            first..last.saturating_add(1).min(size)
        }
    };
    Some(if range.start < range.end { Part::Bytes(range) } else { Part::None })
}

/// Digits, and nothing else: no sign. A number that no object can have is the largest there is.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(range: &str, if_range: Option<&str>, size: u64) -> Part {
        let mut headers = HeaderMap::from_iter([(header::RANGE, range.parse().unwrap())]);
        if let Some(tag) = if_range {
            headers.insert(header::IF_RANGE, tag.parse().unwrap());
        }
        part(&headers, "abc", size)
    }

    #[test]
    fn one_range_is_served() {
        for (range, bytes) in [
            ("bytes=0-0", 0..1),
            ("bytes=2-4", 2..5),
            ("Bytes=5-", 5..10),
            ("bytes=5-999", 5..10),
            ("bytes=0-99999999999999999999999", 0..10),
            ("bytes=-3", 7..10),
            ("bytes=-30", 0..10),
        ] {
            assert_eq!(asked(range, None, 10), Part::Bytes(bytes), "{range}");
        }
        for range in ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=99999999999999999999999-"] {
            assert_eq!(asked(range, None, 10), Part::None, "{range}");
        }
        assert_eq!(asked("bytes=0-", None, 0), Part::None);
    }

    #[test]
    fn whatever_else_is_asked_for_is_the_whole() {
        for range in
            ["bytes=4-2", "bytes=0-1,3-4", "bytes=+1-2", "bytes=-", "bytes=a-b", "lines=1-2", "bytes", ""]
        {
            assert_eq!(asked(range, None, 10), Part::Whole, "{range}");
        }
        assert_eq!(part(&HeaderMap::new(), "abc", 10), Part::Whole);
    }

    #[test]
    fn a_part_of_another_object_is_the_whole() {
        assert_eq!(asked("bytes=2-", Some("\"abc\""), 10), Part::Bytes(2..10));
        for other in ["\"abd\"", "W/\"abc\"", "abc", "Sat, 21 Nov 2026 03:00:00 GMT"] {
            assert_eq!(asked("bytes=2-", Some(other), 10), Part::Whole, "{other}");
        }
    }
}
