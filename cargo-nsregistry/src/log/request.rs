//! The line of a request.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use cargo_namespaces::escape::escape_line;
use cargo_namespaces::time::Timestamp;
use cargo_namespaces_cli::clock;
use serde_json::json;

use super::{Format, Level, Settings, sink};
use crate::app::Registry;
use crate::client_address::{ClientAddress, Peer};

/// Most characters of what a stranger chooses, a path or the text of a refusal, that come into a line.
const MOST: usize = 300;

/// Why a request was refused, as the answer carries it from where it is decided to where it is logged.
#[derive(Clone, Debug)]
pub struct Refused {
    /// What a client's program tells refusals apart by.
    pub code: &'static str,
    /// What Cargo shows: what is wrong and, on further lines, what to do.
    pub detail: String,
}

/// Lets every request have its line; where no request has one, nothing is put around them.
pub fn router(router: Router, registry: Arc<Registry>) -> Router {
    if registry.config.log.level < Level::Warn {
        return router;
    }
    router.layer(from_fn_with_state(registry, log))
}

async fn log(State(registry): State<Arc<Registry>>, request: Request, next: Next) -> Response {
    let begin = Instant::now();
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let client = request.extensions().get::<Peer>().map(|Peer(peer)| {
        ClientAddress::of_request(*peer, request.headers(), &registry.config.server.trusted_proxies)
    });
    let response = next.run(request).await;
    let client = client.map(|client| client.to_string()).unwrap_or_default();
    answered(registry.config.log, client, &method, &uri, &response, begin);
    response
}

/// Writes down an answer to a request that came at `begin`.
pub fn answered(
    settings: Settings,
    client: String,
    method: &Method,
    uri: &Uri,
    response: &Response,
    begin: Instant,
) {
    let level = level(method, response.status());
    if level <= settings.level {
        let line = Line {
            at: clock::now(),
            level,
            client,
            method,
            uri,
            status: response.status(),
            took: begin.elapsed(),
            refused: response.extensions().get::<Refused>(),
        };
        sink::later(&line.written(settings.format));
    }
}

/// Writes down a request that was turned away before it was looked at.
pub fn turned_away(settings: Settings, client: ClientAddress, method: &Method, uri: &Uri, detail: &str) {
    if settings.level < Level::Warn {
        return;
    }
    let refused = Refused { code: "busy", detail: detail.to_owned() };
    let line = Line {
        at: clock::now(),
        level: Level::Warn,
        client: client.to_string(),
        method,
        uri,
        status: StatusCode::SERVICE_UNAVAILABLE,
        took: Duration::ZERO,
        refused: Some(&refused),
    };
    sink::later(&line.written(settings.format));
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

struct Line<'a> {
    at: Timestamp,
    level: Level,
    client: String,
    method: &'a Method,
    uri: &'a Uri,
    status: StatusCode,
    took: Duration,
    refused: Option<&'a Refused>,
}

impl Line<'_> {
    fn written(&self, format: Format) -> String {
        let path = cut(self.uri.path_and_query().map_or("", |path| path.as_str()));
        let took = self.took.as_secs_f64() * 1000.0;
        let Self { at, level, client, method, status, .. } = self;
        let status = status.as_u16();
        // What to do follows on further lines of a refusal, for whoever was refused; and where it is what Cargo does all day,
        // the code says it all.
        let refused = self.refused.map(|refused| {
            let detail = if *level == Level::Info { "" } else { &refused.detail };
            (refused.code, cut(detail.lines().next().unwrap_or_default()))
        });
        if format == Format::Json {
            let mut line = json!({
                "at": at, "level": level, "client": client, "method": method.as_str(), "path": path, "status": status,
                "ms": (took * 10.0).round() / 10.0,
            });
            if let Some((code, detail)) = refused {
                line["code"] = code.into();
                if !detail.is_empty() {
                    line["detail"] = detail.into();
                }
            }
            return format!("{line}\n");
        }
        let client = if client.is_empty() { "-" } else { client };
        let refused = match refused {
            None => String::new(),
            Some((code, "")) => format!(" {code}"),
            Some((code, detail)) => format!(" {code}: {}", escape_line(detail)),
        };
        format!("{at} {level}: {client} {method} {} {status} {took:.1} ms{refused}\n", escape_line(path))
    }
}

fn cut(text: &str) -> &str {
    text.char_indices().nth(MOST).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(uri: &str, refused: Option<&Refused>, format: Format) -> String {
        let line = Line {
            at: Timestamp::from_unix(0),
            level: Level::Warn,
            client: "192.0.2.7".to_owned(),
            method: &Method::PUT,
            uri: &uri.parse().unwrap(),
            status: StatusCode::FORBIDDEN,
            took: Duration::from_micros(1260),
            refused,
        };
        line.written(format)
    }

    #[test]
    fn a_line_is_one_line_whatever_strangers_write() {
        let detail = "no crate \u{1b}[31m\u{202e}x\rforged\nWhat to do: …".to_owned();
        let refused = Refused { code: "stranger", detail };
        let text = line("/ns/x?q=%0a", Some(&refused), Format::Text);
        assert!(text.starts_with(
            "1970-01-01T00:00:00Z warn: 192.0.2.7 PUT /ns/x?q=%0a 403 1.3 ms stranger: no crate "
        ));
        assert_eq!(text.matches('\n').count(), 1);
        assert!(!text.contains(['\u{1b}', '\r', '\u{202e}']), "{text:?}");
        let text = line("/ns/x", Some(&refused), Format::Json);
        assert_eq!(text.matches('\n').count(), 1);
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["status"], 403);
        assert_eq!((&read["code"], &read["client"]), (&"stranger".into(), &"192.0.2.7".into()));
        assert_eq!(read["ms"], 1.3);
    }

    #[test]
    fn what_cargo_does_all_day_is_a_short_line() {
        let refused = Refused { code: "token-needed", detail: "advice ".repeat(40) };
        let line = |format| {
            let line = Line {
                at: Timestamp::from_unix(0),
                level: Level::Info,
                client: "192.0.2.7".to_owned(),
                method: &Method::GET,
                uri: &"/index/corp.rs/config.json".parse().unwrap(),
                status: StatusCode::UNAUTHORIZED,
                took: Duration::ZERO,
                refused: Some(&refused),
            };
            line.written(format)
        };
        assert!(line(Format::Text).ends_with(" 401 0.0 ms token-needed\n"));
        assert!(!line(Format::Json).contains("detail"));
    }

    #[test]
    fn a_long_path_is_cut() {
        let text = line(&format!("/{}", "x".repeat(10_000)), None, Format::Text);
        assert!(text.len() < MOST + 100, "{}", text.len());
        assert_eq!(cut(&"ü".repeat(MOST + 1)).chars().count(), MOST);
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
