//! Trying again: what is worth it, and how long to wait.
//!
//! As Cargo: a host that answers 429 or 5xx, does not answer, or hangs up in the middle is asked again, `net.retry` times,
//! after waits that grow. What will not change by waiting (a 404, a 403, a bad certificate, a wrong hash) is not.
//! `Retry-After` in seconds is waited for; a host that wants more than a minute is left.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use super::{Outcome, Redirects, Request};
use super::{TransportError, TransportErrorKind as Kind};

/// The wait before the first repetition; it doubles each time.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// The same for a document of a domain: it stands elsewhere, too, and many a domain has no web server.
const FIRST_WAIT_FOR_DOMAIN: Duration = Duration::from_millis(200);
/// Cargo's longest wait: whoever sits before it should see that something happens.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// Most that a host may ask for with `Retry-After`: longer, and the user decides better than we do.
const LONGEST_ASKED: Duration = Duration::from_secs(60);

/// A request that is about to be tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// The host that was asked.
    pub host: String,
    /// How often it can still be tried.
    pub remaining: u32,
    pub why: String,
}

impl Retry {
    pub(super) fn of(outcome: &Outcome, remaining: u32) -> Self {
        let (host, why) = match outcome {
            Ok(response) => (
                TransportError::new(Kind::Broken, &response.url, "").host().to_owned(),
                format!("`{}` answered with HTTP status {}", response.url, response.status),
            ),
            Err(error) => (error.host().to_owned(), error.to_string()),
        };
        Self { host, remaining, why }
    }
}

impl std::fmt::Display for Retry {
    /// As Cargo says it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let tries = if self.remaining == 1 { "try" } else { "tries" };
        write!(f, "spurious network error ({} {tries} remaining): {}", self.remaining, self.why)
    }
}

/// How long to wait before the request is tried again; `None` when that would not help. `attempt` counts from 0.
pub(super) fn wait_before_next(request: &Request, outcome: &Outcome, attempt: u32) -> Option<Duration> {
    match outcome {
        Ok(response) if matches!(response.status, 429 | 500..=599) => match response.retry_after {
            Some(asked) => (asked <= longest_asked(request)).then_some(asked),
            None => Some(grown(request, attempt)),
        },
        Ok(_) => None,
        Err(error) => is_passing(request, error.kind).then(|| grown(request, attempt)),
    }
}

/// Whether a domain is asked who owns it, and not a registry for a file.
fn asks_domain(request: &Request) -> bool {
    request.redirects != Redirects::Https
}

fn longest_asked(request: &Request) -> Duration {
    // For one document, no longer than for an answer.
    if asks_domain(request) { request.timeout.min(LONGEST_ASKED) } else { LONGEST_ASKED }
}

fn is_passing(request: &Request, kind: Kind) -> bool {
    match kind {
        Kind::Connect | Kind::Broken => true,
        // A domain may well not exist.
        Kind::Dns | Kind::Timeout => !asks_domain(request),
        _ => false,
    }
}

/// Up to half as long again, by chance: those who were turned away together do not come back together.
fn grown(request: &Request, attempt: u32) -> Duration {
    let first = if asks_domain(request) { FIRST_WAIT_FOR_DOMAIN } else { FIRST_WAIT };
    let wait = first.saturating_mul(1 << attempt.min(10)).min(LONGEST_WAIT);
    let chance = RandomState::new().hash_one(attempt) % 1000;
    wait + wait.mul_f64(chance as f64 / 2000.0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::Response;
    use super::*;

    fn answered(status: u16, retry_after: Option<u64>) -> Outcome {
        let response = Response::in_memory("https://a.example/x", status, "");
        Ok(Response { retry_after: retry_after.map(Duration::from_secs), ..response })
    }

    #[test]
    fn waits_grow_up_to_a_limit_and_differ() {
        let file = Request::index_file("https://a.example/x");
        for (attempt, least) in [(0, 500), (1, 1000), (2, 2000), (4, 8000), (5, 10_000), (4_000_000, 10_000)]
        {
            let wait = grown(&file, attempt);
            let least = Duration::from_millis(least);
            assert!(wait >= least && wait <= least.mul_f64(1.5), "{attempt}: {wait:?}");
        }
        let waits: BTreeSet<Duration> = (0..50).map(|_| grown(&file, 3)).collect();
        assert!(waits.len() > 1);
    }

    #[test]
    fn what_will_not_change_by_waiting_is_not_tried_again() {
        let (file, document) =
            (Request::index_file("https://a.example/x"), Request::document("https://a.example/x"));
        for status in [429, 500, 502, 503, 504] {
            assert!(wait_before_next(&file, &answered(status, None), 0).is_some(), "{status}");
        }
        for status in [200, 304, 401, 403, 404, 410, 451] {
            assert_eq!(wait_before_next(&file, &answered(status, None), 0), None, "{status}");
        }
        let failed = |kind| Err(TransportError::new(kind, "https://a.example/x", ""));
        for kind in [Kind::Tls, Kind::TooLarge, Kind::Redirect, Kind::Disk, Kind::Url, Kind::Proxy] {
            assert_eq!(wait_before_next(&file, &failed(kind), 0), None, "{kind:?}");
        }
        assert!(wait_before_next(&file, &failed(Kind::Timeout), 0).is_some());
        assert_eq!(wait_before_next(&document, &failed(Kind::Timeout), 0), None);
    }

    #[test]
    fn a_host_is_waited_for_as_long_as_it_asks_within_reason() {
        let file = Request::index_file("https://a.example/x");
        assert_eq!(wait_before_next(&file, &answered(429, Some(7)), 0), Some(Duration::from_secs(7)));
        assert_eq!(wait_before_next(&file, &answered(429, Some(3600)), 0), None);
    }

    #[test]
    fn a_domain_without_a_web_server_holds_nobody_up() {
        let document = Request::document("https://a.example/x");
        let refused = Err(TransportError::new(Kind::Connect, "https://a.example/x", ""));
        let waits = (0..3).map(|attempt| wait_before_next(&document, &refused, attempt).unwrap());
        assert!(waits.sum::<Duration>() < Duration::from_secs(3));
        assert_eq!(wait_before_next(&document, &answered(503, Some(60)), 0), None);
    }

    #[test]
    fn it_is_said_as_cargo_says_it() {
        let retry = Retry::of(&answered(503, None), 1);
        assert_eq!(retry.host, "a.example");
        assert_eq!(
            retry.to_string(),
            "spurious network error (1 try remaining): `https://a.example/x` answered with HTTP status 503"
        );
        assert!(Retry { remaining: 3, ..retry }.to_string().contains("(3 tries remaining)"));
    }
}
