//! Talking to the registry that hosts a namespace: where it is, and its interface (`cargo_namespaces::api`).
//!
//! The index's `config.json` names the namespace's web API, `<registry>/ns/<namespace>`; the registry's own interface is
//! beside it. A static site has no API: it is published to with `--site`.

mod static_site;

use cargo_namespaces::api::{
    CheckRequest, CheckResponse, CrateInfo, DocumentsRequest, Done, ErrorBody, NamespaceInfo, ResignRequest,
    SignedRequest, path,
};
use cargo_namespaces::digest::Digest;
use cargo_namespaces::discovery::{CargoTxt, cargo_txt_url};
use cargo_namespaces::index::{IndexConfig, index_path, parse_index_file};
use cargo_namespaces::key::{PublicKey, SecretKey};
use cargo_namespaces::limits;
use cargo_namespaces::name::{CrateName, IndexUrl, Namespace, QualifiedName, is_local_http};
use cargo_namespaces::statement::{Envelope, Predicate as _, Read};
use cargo_namespaces_cli::clock;
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode};
use cargo_namespaces_net::client::{HttpClient, Request, Response, Transport as _};
use semver::Version;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use self::static_site::check_is_static;
use crate::session::Session;

/// How long a private index may be read with the statement that a command makes for itself: it may wait for a record meanwhile.
const READ_SECONDS: u64 = 3600;

/// The registry of one namespace.
pub struct Registry {
    /// The namespace.
    pub namespace: Namespace,
    /// Its canonical index.
    pub index: IndexUrl,
    /// Where the registry is, with a final slash.
    pub base: String,
    config: IndexConfig,
    client: HttpClient,
    /// For reading a private namespace.
    authorization: Option<String>,
}

impl Registry {
    /// The registry that hosts `index`. A private one is shown a statement by `key`, which is opened only then.
    ///
    /// # Errors
    /// The index does not answer, or is not on such a registry.
    pub fn find(
        session: &Session<'_>,
        namespace: &Namespace,
        index: &IndexUrl,
        key: impl FnOnce() -> Result<SecretKey, CliError>,
    ) -> Result<Self, CliError> {
        match look_for(session, namespace, index, key)? {
            Found::Registry(registry) => Ok(*registry),
            Found::Nothing(status) => Err(no_index(namespace, index, status)),
            Found::Other(config) => Err(no_registry(namespace, index, &config)),
            Found::Closed(why) => Err(closed(namespace, why)),
        }
    }

    /// As [`Registry::find`]; `None` when the index is a static site, or not there yet.
    ///
    /// # Errors
    /// The index does not answer.
    pub fn find_any(
        session: &Session<'_>,
        namespace: &Namespace,
        index: &IndexUrl,
        key: impl FnOnce() -> Result<SecretKey, CliError>,
    ) -> Result<Option<Self>, CliError> {
        match look_for(session, namespace, index, key)? {
            Found::Registry(registry) => Ok(Some(*registry)),
            Found::Nothing(status) if status >= 500 => Err(no_index(namespace, index, status)),
            Found::Nothing(_) | Found::Other(_) => Ok(None),
            Found::Closed(why) => Err(closed(namespace, why)),
        }
    }

    /// The host, for messages.
    pub fn host(&self) -> &str {
        let base = self.base.split_once("://").map_or(self.base.as_str(), |(_, rest)| rest);
        base.trim_end_matches('/')
    }

    /// The authorization that reads a private namespace for a while; none for one that everybody reads.
    pub fn reading(&self) -> Option<&str> {
        self.authorization.as_deref()
    }

    /// Whether a key may publish a crate, or any crate.
    ///
    /// # Errors
    /// The registry does not answer, or refuses.
    pub fn check(&self, key: &PublicKey, krate: Option<&CrateName>) -> Result<CheckResponse, CliError> {
        self.post(&path::check(&self.namespace), &CheckRequest { key: *key, krate: krate.cloned() })
    }

    /// What it knows of a crate; `None` when there is none.
    ///
    /// # Errors
    /// The registry does not answer.
    pub fn krate(&self, name: &QualifiedName) -> Result<Option<CrateInfo>, CliError> {
        self.get(&path::krate(name))
    }

    /// What it knows of the namespace.
    ///
    /// # Errors
    /// The registry does not answer.
    pub fn namespace_info(&self) -> Result<Option<NamespaceInfo>, CliError> {
        self.get(&path::namespace(&self.namespace))
    }

    /// The .crate of a release, as its index line says; `None` when there is no such release.
    ///
    /// # Errors
    /// The registry does not answer, or something else is there.
    pub fn package(&self, name: &QualifiedName, version: &Version) -> Result<Option<Vec<u8>>, CliError> {
        let failed = |exit, what: String| {
            Err(CliError::new(exit, format!("failed to read {name} v{version}: {what}")))
        };
        let response = self.send(Request::index_file(self.index.join(&index_path(&name.krate))))?;
        match response.status {
            200 => {}
            404 | 410 | 451 => return Ok(None),
            status => {
                return failed(
                    ExitCode::Unreachable,
                    format!("its index answered with HTTP status {status}"),
                );
            }
        }
        let lines = parse_index_file(response.bytes()).exit_with(ExitCode::InvalidInput)?;
        let Some(line) = lines.iter().find(|line| line.vers == *version) else { return Ok(None) };
        let mut request = Request::index_file(self.config.download_url(&name.krate, version, &line.cksum));
        (request.max_bytes, request.timeout) = (limits::MAX_PACKED, limits::DOWNLOAD_TIMEOUT);
        // What opens a private index is for this registry's eyes, wherever the index sends readers.
        let response = match request.url.starts_with(&self.base) {
            true => self.send(request)?,
            false => self.client.fetch_one(request).exit_with(ExitCode::Unreachable)?,
        };
        match (response.status, Digest::of(response.bytes())) {
            (200, digest) if digest == line.cksum => Ok(Some(response.into_bytes())),
            (200, _) => {
                failed(ExitCode::Refused, "what was downloaded is not what the index line says".to_owned())
            }
            (status, _) => {
                failed(ExitCode::Unreachable, format!("the download answered with HTTP status {status}"))
            }
        }
    }

    /// Hands in a change of owners.
    ///
    /// # Errors
    /// The registry does not answer, or refuses.
    pub fn change_owners(&self, envelope: Envelope) -> Result<Done, CliError> {
        self.post(path::OWNERS, &SignedRequest { envelope })
    }

    /// Hands in a step of a transfer.
    ///
    /// # Errors
    /// The registry does not answer, or refuses.
    pub fn transfer(&self, envelope: Envelope) -> Result<Done, CliError> {
        self.post(path::TRANSFER, &SignedRequest { envelope })
    }

    /// Hands in further signatures for releases.
    ///
    /// # Errors
    /// The registry does not answer, or refuses.
    pub fn resign(&self, request: &ResignRequest) -> Result<Done, CliError> {
        self.post(path::ATTESTATIONS, request)
    }

    /// Hands in endorsements and revocations.
    ///
    /// # Errors
    /// The registry does not answer, or refuses.
    pub fn documents(&self, envelopes: Vec<Envelope>) -> Result<Done, CliError> {
        let namespace = self.namespace.clone();
        self.post(path::DOCUMENTS, &DocumentsRequest { namespace, envelopes })
    }

    fn get<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, CliError> {
        let request = Request::index_file(format!("{}{path}", self.base));
        let response = self.send(request)?;
        if matches!(response.status, 404 | 410) { Ok(None) } else { self.read(&response).map(Some) }
    }

    fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, CliError> {
        let body = serde_json::to_vec(body).exit_with(ExitCode::Failure)?;
        let mut request = Request::post(format!("{}{path}", self.base), "application/json", body);
        request.max_bytes = limits::MAX_INDEX_FILE;
        self.read(&self.send(request)?)
    }

    /// Sends a request, and with it what opens a private namespace.
    fn send(&self, mut request: Request) -> Result<Response, CliError> {
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization.clone());
        }
        self.client
            .fetch_one(request)
            .with_context(ExitCode::Unreachable, || format!("failed to ask the registry {}", self.host()))
    }

    fn read<T: DeserializeOwned>(&self, response: &Response) -> Result<T, CliError> {
        if (200..300).contains(&response.status) {
            return serde_json::from_slice(response.bytes()).with_context(ExitCode::Failure, || {
                format!("the registry {} answered something that is not understood", self.host())
            });
        }
        let exit = if response.status >= 500 { ExitCode::Unreachable } else { ExitCode::Failure };
        let error = match response.status {
            500.. => format!("the registry {} answered with HTTP status {}", self.host(), response.status),
            _ => format!("the registry {} refused", self.host()),
        };
        let error = CliError::new(exit, error);
        Err(match texts(response.bytes()) {
            Some(texts) => error.because(texts),
            None => error.because(format!("HTTP status {}", response.status)),
        })
    }
}

/// What is at an index.
enum Found {
    Registry(Box<Registry>),
    /// No index; the HTTP status.
    Nothing(u16),
    /// An index that is not on a registry of ours.
    Other(IndexConfig),
    /// An index that the key may not read, and why.
    Closed(String),
}

fn look_for(
    session: &Session<'_>,
    namespace: &Namespace,
    index: &IndexUrl,
    key: impl FnOnce() -> Result<SecretKey, CliError>,
) -> Result<Found, CliError> {
    let client = HttpClient::new(session.settings.http.clone());
    let unreachable = || format!("failed to ask the index of {}", namespace.display_both());
    let request = || Request::index_file(index.join("config.json"));
    let mut response = client.fetch_one(request()).with_context(ExitCode::Unreachable, unreachable)?;
    let mut authorization = None;
    if response.status == 401 {
        let at = clock::now();
        let read = Read { index: index.clone(), at, expires_at: at.plus_seconds(READ_SECONDS) };
        let header = read.sign(&key()?).to_header();
        let request = request().header("authorization", header.clone());
        response = client.fetch_one(request).with_context(ExitCode::Unreachable, unreachable)?;
        authorization = Some(header);
    }
    if matches!(response.status, 401 | 403) {
        let why = texts(response.bytes()).unwrap_or_else(|| format!("HTTP status {}", response.status));
        return Ok(Found::Closed(why));
    }
    if response.status != 200 {
        return Ok(Found::Nothing(response.status));
    }
    let config = IndexConfig::parse(response.bytes(), index).exit_with(ExitCode::InvalidInput)?;
    Ok(match base_of(&config, namespace) {
        Some(base) => Found::Registry(Box::new(Registry {
            namespace: namespace.clone(),
            index: index.clone(),
            base,
            config,
            client,
            authorization,
        })),
        None => Found::Other(config),
    })
}

/// Whether an index answers, be it one that tells nobody more than that it is private.
pub fn is_there(session: &Session<'_>, index: &IndexUrl) -> bool {
    let client = HttpClient::new(session.settings.http.clone());
    match client.fetch_one(Request::index_file(index.join("config.json"))) {
        Ok(response) if response.status == 200 => IndexConfig::parse(response.bytes(), index).is_ok(),
        Ok(response) => response.status == 401,
        Err(_) => false,
    }
}

/// The index that a registry gives a namespace, by what the registry says of itself.
///
/// # Errors
/// It does not answer, or says nothing of the kind.
pub fn index_at(session: &Session<'_>, instance: &str, namespace: &Namespace) -> Result<IndexUrl, CliError> {
    let url = cargo_txt_url(instance);
    let failed = || format!("failed to ask what the registry {instance} is");
    let response = HttpClient::new(session.settings.http.clone())
        .fetch_one(Request::document(&url))
        .with_context(ExitCode::Unreachable, failed)?;
    let none = |why: String| CliError::new(ExitCode::Unreachable, failed()).because(why);
    if response.status != 200 {
        return Err(none(format!("{url} answered with HTTP status {}", response.status)));
    }
    let txt = CargoTxt::parse(response.bytes()).with_context(ExitCode::InvalidInput, failed)?;
    let template = txt.index.ok_or_else(|| none("its cargo.txt names no `index`".to_owned()))?;
    let index = template.for_namespace(namespace).map_err(|error| none(error.to_string()))?;
    if index.may_serve(namespace) {
        return Ok(index);
    }
    let error =
        format!("the registry {instance} is a development registry, which serves names below `localhost`");
    let error = CliError::new(ExitCode::InvalidInput, error);
    Err(error.hint(format!(
        "publish {namespace} to a registry with a domain and https, or into a directory with `--site DIR`"
    )))
}

/// The registry's URL: its web API for a namespace is at `ns/<namespace>` below it.
fn base_of(config: &IndexConfig, namespace: &Namespace) -> Option<String> {
    let api = config.api.as_deref()?.trim_end_matches('/');
    let base = api.strip_suffix(&path::web_api(namespace))?;
    let may_be = base.starts_with("https://") || namespace.is_local() && is_local_http(base);
    (may_be && base.ends_with('/')).then(|| base.to_owned())
}

fn closed(namespace: &Namespace, why: String) -> CliError {
    let error = format!("your key may not read the index of {}", namespace.display_both());
    CliError::new(ExitCode::ActionRequired, error).because(why)
}

fn no_index(namespace: &Namespace, index: &IndexUrl, status: u16) -> CliError {
    let error = format!("there is no index of {} at {index}", namespace.display_both());
    let error = CliError::new(ExitCode::Unreachable, error).because(format!("HTTP status {status}"));
    error.hint(format!(
        "into a directory that becomes that index on any static host:\n    cargo nspublish --site DIR\nto a registry, \
         while nothing is published:\n    cargo nspublish setup {namespace} --instance https://REGISTRY --change-index"
    ))
}

fn no_registry(namespace: &Namespace, index: &IndexUrl, config: &IndexConfig) -> CliError {
    let error =
        CliError::new(ExitCode::Failure, format!("the index {index} is not on a registry for namespaces"));
    match &config.api {
        None => error
            .because("its config.json names no `api`: it is a static site")
            .hint("publish into the directory that it is served from: `cargo nspublish --site DIR`"),
        Some(api) => error
            .because(format!("its `api` is {api}, which does not end in `/{}`", path::web_api(namespace)))
            .hint("`cargo publish --registry NAME` publishes to other registries"),
    }
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
    }
}
