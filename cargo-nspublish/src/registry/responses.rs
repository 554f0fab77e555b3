//! What a registry and an index answer. Pure: nothing else in this crate reads the HTTP status of one of them.

use cargo_namespaces::api::{ErrorBody, path};
use cargo_namespaces::digest::Digest;
use cargo_namespaces::discovery::{CargoTxt, CargoTxtError};
use cargo_namespaces::index::{ConfigError, IndexConfig, IndexFileError, IndexLine, parse_index_file};
use cargo_namespaces::name::{IndexUrl, Namespace, is_local_http};
use cargo_namespaces_net::client::Response;
use serde::de::DeserializeOwned;

use crate::http_status::HttpStatus;

/// What an index answers to the question for its `config.json`.
#[derive(Debug)]
pub enum ConfigAnswer {
    Config(IndexConfig),
    /// It tells nobody anything who does not say who they are.
    Private(Refusal),
    /// It does not tell this reader.
    Forbidden(Refusal),
    /// There is none.
    Missing(HttpStatus),
}

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    status: HttpStatus,
    /// What the registry says, where the answer is one of a registry.
    pub text: Option<String>,
}

impl Refusal {
    fn of(response: &Response) -> Self {
        Self { status: HttpStatus(response.status), text: texts(response.bytes()) }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.text {
            Some(text) => f.write_str(text),
            None => self.status.fmt(f),
        }
    }
}

impl std::error::Error for Refusal {}

/// Whether the answer asks who is reading.
pub fn asks_who_reads(response: &Response) -> bool {
    response.status == 401
}

/// The answer to [`super::requests::index_config`].
pub fn index_config(response: &Response, index: &IndexUrl) -> Result<ConfigAnswer, ConfigError> {
    Ok(match response.status {
        200 => ConfigAnswer::Config(IndexConfig::parse(response.bytes(), index)?),
        401 => ConfigAnswer::Private(Refusal::of(response)),
        403 => ConfigAnswer::Forbidden(Refusal::of(response)),
        status => ConfigAnswer::Missing(HttpStatus(status)),
    })
}

/// Why there are no index lines.
#[derive(Debug, thiserror::Error)]
pub enum LinesError {
    /// The index answered something else.
    #[error(transparent)]
    Status(HttpStatus),
    /// The file cannot be used.
    #[error(transparent)]
    File(#[from] IndexFileError),
}

/// The answer to [`super::requests::index_file`]; `None` when the crate does not exist.
///
/// # Errors
/// The index does not answer with a file, or with one that cannot be used.
pub fn index_lines(response: &Response) -> Result<Option<Vec<IndexLine>>, LinesError> {
    match response.status {
        200 => Ok(Some(parse_index_file(response.bytes())?)),
        404 | 410 | 451 => Ok(None),
        status => Err(LinesError::Status(HttpStatus(status))),
    }
}

/// Why there is no .crate.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// The host answered something else.
    #[error("the download answered with {0}")]
    Status(HttpStatus),
    /// It is another file.
    #[error("what was downloaded is not what the index line says")]
    OtherFile,
}

/// The answer to [`super::requests::package`].
pub fn package(response: Response, cksum: &Digest) -> Result<Vec<u8>, PackageError> {
    match response.status {
        200 if Digest::of(response.bytes()) == *cksum => Ok(response.into_bytes()),
        200 => Err(PackageError::OtherFile),
        status => Err(PackageError::Status(HttpStatus(status))),
    }
}

/// Why a registry did not do what it was asked.
#[derive(Debug)]
pub enum ApiError {
    /// It cannot at present.
    Unavailable(HttpStatus, Refusal),
    /// It does not want to.
    Refused(Refusal),
    /// Its answer is not one of a registry.
    NotUnderstood(serde_json::Error),
}

/// An answer of the registry's interface.
pub fn api<T: DeserializeOwned>(response: &Response) -> Result<T, ApiError> {
    match response.status {
        200..300 => serde_json::from_slice(response.bytes()).map_err(ApiError::NotUnderstood),
        status @ 500.. => Err(ApiError::Unavailable(HttpStatus(status), Refusal::of(response))),
        _ => Err(ApiError::Refused(Refusal::of(response))),
    }
}

/// As [`api`], where `None` says that what was asked for does not exist.
pub fn api_if_exists<T: DeserializeOwned>(response: &Response) -> Result<Option<T>, ApiError> {
    if matches!(response.status, 404 | 410) { Ok(None) } else { api(response).map(Some) }
}

/// Why a host does not say what registry it is.
#[derive(Debug, thiserror::Error)]
pub enum CargoTxtAnswerError {
    /// It answered something else.
    #[error("{url} answered with {status}")]
    Status {
        /// What was asked for.
        url: String,
        status: HttpStatus,
    },
    /// The document cannot be used.
    #[error(transparent)]
    Document(#[from] CargoTxtError),
}

/// The answer to [`super::requests::cargo_txt`] at `url`.
pub fn cargo_txt(response: &Response, url: &str) -> Result<CargoTxt, CargoTxtAnswerError> {
    match response.status {
        200 => Ok(CargoTxt::parse(response.bytes())?),
        status => Err(CargoTxtAnswerError::Status { url: url.to_owned(), status: HttpStatus(status) }),
    }
}

/// The registry's URL, as the `config.json` of a namespace's index names it: its web API for the namespace is at
/// `ns/<namespace>` below it. `None` for the index of a static site or of another registry.
pub fn base_of(config: &IndexConfig, namespace: &Namespace) -> Option<String> {
    let api = config.api.as_deref()?.trim_end_matches('/');
    let base = api.strip_suffix(&path::web_api(namespace))?;
    let may_be = base.starts_with("https://") || namespace.is_local() && is_local_http(base);
    (may_be && base.ends_with('/')).then(|| base.to_owned())
}

/// The texts of an error body.
fn texts(body: &[u8]) -> Option<String> {
    let body: ErrorBody = serde_json::from_slice(body).ok()?;
    let texts: Vec<String> = body.errors.into_iter().map(|error| error.detail).collect();
    (!texts.is_empty()).then(|| texts.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(api: Option<&str>) -> IndexConfig {
        IndexConfig {
            dl: "https://crates.example/".to_owned(),
            api: api.map(str::to_owned),
            namespace: None,
            auth_required: false,
        }
    }

    #[test]
    fn the_registry_is_above_the_web_api_of_the_namespace() {
        let namespace = Namespace::parse("serde.rs").unwrap();
        let base = |api| base_of(&config(api), &namespace);
        assert_eq!(
            base(Some("https://crates.example/ns/serde.rs")).as_deref(),
            Some("https://crates.example/")
        );
        assert_eq!(base(Some("https://c.example/r/ns/serde.rs/")).as_deref(), Some("https://c.example/r/"));
        assert_eq!(base(Some("https://crates.example/ns/other.rs")), None);
        assert_eq!(base(Some("http://crates.example/ns/serde.rs")), None);
        assert_eq!(base(Some("https://crates.example")), None);
        assert_eq!(base(None), None);
    }

    #[test]
    fn the_words_of_a_refusal_are_kept() {
        assert_eq!(texts(br#"{"errors":[{"detail":"no\nnever"}]}"#).as_deref(), Some("no\nnever"));
        assert_eq!(texts(b"<html>"), None);
        let answer = |status, body: &str| api::<bool>(&Response::in_memory("", status, body));
        assert!(matches!(answer(200, "true"), Ok(true)));
        assert!(matches!(answer(200, "<html>"), Err(ApiError::NotUnderstood(_))));
        let Err(ApiError::Refused(refusal)) = answer(403, r#"{"errors":[{"detail":"no"}]}"#) else {
            panic!("a refusal is expected");
        };
        assert_eq!(refusal.to_string(), "no");
        let Err(ApiError::Unavailable(_, refusal)) = answer(502, "") else {
            panic!("an outage is expected");
        };
        assert_eq!(refusal.to_string(), "HTTP status 502");
    }

    #[test]
    fn a_crate_that_does_not_exist_is_no_error() {
        for status in [404, 410] {
            assert!(matches!(api_if_exists::<bool>(&Response::in_memory("", status, "")), Ok(None)));
            assert!(matches!(index_lines(&Response::in_memory("", status, "")), Ok(None)));
        }
        assert!(index_lines(&Response::in_memory("", 500, "")).is_err());
    }
}
