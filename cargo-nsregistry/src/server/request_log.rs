//! The line of a request.

use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode, Uri};
use axum::response::Response;

use crate::client_address::ClientAddress;
use crate::log::Level;

/// Most characters of what a stranger chooses, a path or the text of a refusal, that come into a line.
const MOST: usize = 300;

/// Why a request was refused, as the answer carries it from where it is decided to where it is logged.
#[derive(Clone, Debug)]
pub struct LoggedRefusal {
    /// What a client's program tells refusals apart by.
    pub code: &'static str,
    /// What Cargo shows: what is wrong and, on further lines, what to do.
    pub detail: String,
}

/// A request, as far as its line tells of it.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Whose it is, if it came over a connection.
    pub client: Option<ClientAddress>,
    pub method: &'a Method,
    pub uri: &'a Uri,
}

/// Whether any request has a line.
pub fn is_on() -> bool {
    tracing::enabled!(tracing::Level::WARN)
}

/// Writes down an answer to a request that came at `begin`.
pub fn answered(asked: Asked<'_>, response: &Response, begin: Instant) {
    let level = level(asked.method, response.status());
    write(level, asked, response.status(), begin.elapsed(), response.extensions().get::<LoggedRefusal>());
}

/// Writes down a request that was turned away before it was looked at.
pub fn turned_away(asked: Asked<'_>, detail: &str) {
    let refused = LoggedRefusal { code: "busy", detail: detail.to_owned() };
    write(Level::Warn, asked, StatusCode::SERVICE_UNAVAILABLE, Duration::ZERO, Some(&refused));
}

fn write(
    level: Level,
    asked: Asked<'_>,
    status: StatusCode,
    took: Duration,
    refused: Option<&LoggedRefusal>,
) {
    let Asked { client, method, uri } = asked;
    let client = client.as_ref().map(tracing::field::display);
    let (method, status) = (method.as_str(), u64::from(status.as_u16()));
    let path = cut(uri.path_and_query().map_or("", |path| path.as_str()));
    let ms = took.as_secs_f64() * 1000.0;
    let code = refused.map(|refused| refused.code);
    let detail = refused.and_then(|refused| detail(level, refused));
    if level == Level::Info {
        tracing::info!(client, method, path, status, ms, code, detail);
    } else {
        tracing::warn!(client, method, path, status, ms, code, detail);
    }
}

/// What of a refusal comes into the line. What to do follows on further lines of it, for whoever was refused; and where it is
/// what Cargo does all day, the code says it all.
fn detail(level: Level, refused: &LoggedRefusal) -> Option<&str> {
    (level != Level::Info).then(|| cut(refused.detail.lines().next().unwrap_or_default()))
}

/// What is refused is a warning. Not what Cargo does all day: it asks for crates that there may be (404), and without a token first
/// where one may be needed (401).
fn level(method: &Method, status: StatusCode) -> Level {
    let reads = matches!(*method, Method::GET | Method::HEAD);
    match status {
        StatusCode::NOT_FOUND | StatusCode::UNAUTHORIZED if reads => Level::Info,
        _ if status.is_client_error() || status.is_server_error() => Level::Warn,
        _ => Level::Info,
    }
}

fn cut(text: &str) -> &str {
    text.char_indices().nth(MOST).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_path_is_cut() {
        assert_eq!(cut(&"ü".repeat(MOST + 1)).chars().count(), MOST);
    }

    #[test]
    fn what_cargo_does_all_day_is_a_short_line() {
        let refused = LoggedRefusal { code: "token-needed", detail: "private\nWhat to do: …".to_owned() };
        assert_eq!(detail(Level::Info, &refused), None);
        assert_eq!(detail(Level::Warn, &refused), Some("private"));
    }

    #[test]
    fn what_cargo_does_all_day_is_no_warning() {
        for (method, status, expected) in [
            (Method::GET, 200, Level::Info),
            (Method::GET, 304, Level::Info),
            (Method::GET, 404, Level::Info),
            (Method::GET, 401, Level::Info),
            (Method::PUT, 200, Level::Info),
            (Method::PUT, 401, Level::Warn),
            (Method::POST, 404, Level::Warn),
            (Method::GET, 403, Level::Warn),
            (Method::GET, 429, Level::Warn),
            (Method::GET, 503, Level::Warn),
        ] {
            assert_eq!(level(&method, StatusCode::from_u16(status).unwrap()), expected, "{method} {status}");
        }
    }
}
