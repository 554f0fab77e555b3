//! The adapter: requests on reqwest. Nothing is set up before the first request.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::lookup::{Lookup, Pinned};
use super::retry::{Retry, wait_before_next};
use super::{Body, Fetch, Method, Outcome, Redirects, Request, Response, Sink};
use super::{TransportError, TransportErrorKind as Kind};
use cargo_namespaces::digest::Hasher;
use cargo_namespaces::limits;
use cargo_namespaces::name::is_local_http;

/// Most requests under way at once: enough to fill a line, few enough for a small host.
const MAX_PARALLEL: usize = 32;
/// What the name of a download that is under way begins with.
pub const PART: &str = ".part-";
/// What never goes through a proxy, as `NO_PROXY` is written: the names of this machine.
pub const LOCALHOST: &str = "localhost,.localhost";

/// A proxy for every request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// Its URL; `http://` when no scheme is written.
    pub url: String,
    /// Hosts that are reached directly, comma-separated, as curl reads `NO_PROXY`.
    pub except: Option<String>,
}

/// How connections are made; the settings of a command read these from Cargo's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientOptions {
    /// Every request fails at once.
    pub offline: bool,
    /// The proxy, if any.
    pub proxy: Option<Proxy>,
    /// A file of PEM certificates that replaces the system's authorities, as in Cargo.
    pub cainfo: Option<PathBuf>,
    /// Time to connect.
    pub connect_timeout: Duration,
    /// How long nothing may arrive, and how long a download may be slower than `low_speed_limit`.
    pub stall_timeout: Duration,
    /// Bytes a second.
    pub low_speed_limit: u64,
    /// Many requests on one connection, by HTTP/2.
    pub multiplexing: bool,
    /// What the requests say they come from; our own name otherwise.
    pub user_agent: Option<String>,
    /// How often a GET is repeated after a passing failure.
    pub retries: u32,
    /// Whether a connection stays open for the next request to its host.
    pub keep_connections: bool,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            offline: false,
            proxy: None,
            cainfo: None,
            connect_timeout: limits::CONNECT_TIMEOUT,
            stall_timeout: limits::STALL_TIMEOUT,
            low_speed_limit: limits::LOW_SPEED,
            multiplexing: true,
            user_agent: None,
            retries: 3,
            keep_connections: true,
        }
    }
}

/// The client of a process. A clone is the same client. Cheap to make: the TLS authorities are loaded at the first request.
#[derive(Clone, Debug)]
pub struct Client(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: ClientOptions,
    /// Which URL schemes are carried; `https` alone, beside `http` to this machine itself.
    schemes: &'static [&'static str],
    lookup: Arc<Lookup>,
    ready: OnceLock<Result<Arc<Carrier>, SetUpError>>,
}

/// Why a client cannot be made. It is told to everyone who asks for something with it, so it is a value that is copied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetUpError {
    /// The CA file cannot be read.
    #[error("the CA file `{}` cannot be read: {problem}", path.display())]
    Unreadable {
        path: PathBuf,
        /// What the system says.
        problem: String,
    },
    /// The CA file is not PEM.
    #[error("the CA file `{}` is not PEM: {problem}", path.display())]
    NotPem {
        path: PathBuf,
        /// What the parser says.
        problem: String,
    },
    /// The CA file holds nothing.
    #[error("the CA file `{}` holds no certificate", path.display())]
    Empty { path: PathBuf },
    /// The proxy's address cannot be used. It may hold a password: it is not repeated.
    #[error("the proxy's address is not a URL")]
    Proxy,
    /// reqwest refuses.
    #[error("{0}")]
    Client(String),
}

/// The certificates of a CA file, which replace the system's authorities.
///
/// # Errors
/// It cannot be used: the file, and why.
pub fn authorities(path: &Path) -> Result<Vec<reqwest::Certificate>, SetUpError> {
    let path = path.to_owned();
    let pem = match crate::fs::read(&path) {
        Ok(pem) => pem,
        Err(error) => return Err(SetUpError::Unreadable { path, problem: error.source.to_string() }),
    };
    match reqwest::Certificate::from_pem_bundle(&pem) {
        Ok(certificates) if certificates.is_empty() => Err(SetUpError::Empty { path }),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(SetUpError::NotPem { path, problem: error.to_string() }),
    }
}

#[derive(Debug)]
struct Carrier {
    client: reqwest::Client,
    schemes: &'static [&'static str],
    retries: u32,
    stall_timeout: Duration,
    low_speed_limit: u64,
}

impl Client {
    /// A client with these options; nothing is loaded yet.
    pub fn new(options: ClientOptions) -> Self {
        Self::of_schemes(options, &["https"])
    }

    fn of_schemes(options: ClientOptions, schemes: &'static [&'static str]) -> Self {
        Self(Arc::new(Inner { options, schemes, lookup: Arc::default(), ready: OnceLock::new() }))
    }

    /// Sets the client up now, for a program that wants to know at its start.
    ///
    /// # Errors
    /// It cannot be used: a CA file, a proxy address.
    pub fn set_up(&self) -> Result<(), SetUpError> {
        self.ready().map(drop)
    }

    /// Dials `host` at these addresses, and asks nobody for others, until the answer is dropped.
    pub fn pin(&self, host: &str, addresses: Vec<SocketAddr>) -> Pinned {
        Lookup::pin(&self.0.lookup, host, addresses)
    }

    /// Carries all requests, at most [`MAX_PARALLEL`] at once. `done` is called as each ends, with its position; `tell` hears of
    /// what is tried again.
    pub async fn fetch_each(
        &self,
        requests: Vec<Request>,
        done: &mut dyn FnMut(usize, Outcome),
        tell: &mut dyn FnMut(Retry),
    ) {
        if requests.is_empty() {
            return;
        }
        let (retrying, mut retried) = mpsc::unbounded_channel();
        let mut waiting = requests.into_iter().enumerate();
        let mut running = JoinSet::new();
        loop {
            while running.len() < MAX_PARALLEL
                && let Some((at, request)) = waiting.next()
            {
                let (client, retrying) = (self.clone(), retrying.clone());
                running.spawn(async move { (at, client.carry(&request, Some(&retrying)).await) });
            }
            tokio::select! {
                Some(retry) = retried.recv() => tell(retry),
                ended = running.join_next() => match ended {
                    None => break,
                    Some(Ok((at, outcome))) => done(at, outcome),
                    // A task that panicked: its panic was printed, and nobody hears of its request.
                    Some(Err(_)) => {}
                },
            }
        }
    }

    async fn carry(&self, request: &Request, retrying: Option<&Retrying>) -> Outcome {
        let fails = |kind, detail: String| Err(TransportError::new(kind, &request.url, detail));
        if self.0.options.offline {
            return fails(Kind::Offline, String::new());
        }
        match self.ready() {
            Ok(carrier) => carrier.carry_in_time(request, retrying).await,
            Err(problem) => fails(Kind::SetUp, problem.to_string()),
        }
    }

    fn ready(&self) -> Result<Arc<Carrier>, SetUpError> {
        self.0.ready.get_or_init(|| self.0.make().map(Arc::new)).clone()
    }
}

impl Fetch for Client {
    async fn fetch(&self, request: Request) -> Outcome {
        self.carry(&request, None).await
    }
}

/// Where it is said what is tried again.
type Retrying = mpsc::UnboundedSender<Retry>;

impl Inner {
    fn make(&self) -> Result<Carrier, SetUpError> {
        // Another part of the process may have installed a provider; any will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let own_name = concat!("cargo-namespaces/", env!("CARGO_PKG_VERSION"));
        let mut builder = reqwest::Client::builder()
            .user_agent(self.options.user_agent.as_deref().unwrap_or(own_name))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(self.options.connect_timeout)
            .read_timeout(self.options.stall_timeout)
            .dns_resolver(Arc::clone(&self.lookup))
            .no_proxy();
        if let Some(proxy) = &self.options.proxy {
            builder = builder.proxy(proxy.to_reqwest()?);
        }
        if let Some(path) = &self.options.cainfo {
            builder = builder.tls_certs_only(authorities(path)?);
        }
        if !self.options.multiplexing {
            builder = builder.http1_only();
        }
        if !self.options.keep_connections {
            builder = builder.pool_max_idle_per_host(0);
        }
        let client = builder.build().map_err(|error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            SetUpError::Client(cause.unwrap_or_else(|| error.to_string()))
        })?;
        Ok(Carrier {
            client,
            schemes: self.schemes,
            retries: self.options.retries,
            stall_timeout: self.options.stall_timeout,
            low_speed_limit: self.options.low_speed_limit,
        })
    }
}

impl Proxy {
    fn to_reqwest(&self) -> Result<reqwest::Proxy, SetUpError> {
        let url = if self.url.contains("://") { self.url.clone() } else { format!("http://{}", self.url) };
        let proxy = reqwest::Proxy::all(&url).map_err(|_| SetUpError::Proxy)?;
        // No proxy knows this machine by its own name.
        let except = format!("{},{LOCALHOST}", self.except.as_deref().unwrap_or_default());
        Ok(proxy.no_proxy(reqwest::NoProxy::from_string(&except)))
    }
}

impl Carrier {
    async fn carry_in_time(&self, request: &Request, retrying: Option<&Retrying>) -> Outcome {
        match tokio::time::timeout(request.timeout, self.carry(request, retrying)).await {
            Ok(outcome) => outcome,
            Err(_) => {
                let within = format!("no complete answer within {} seconds", request.timeout.as_secs());
                Err(TransportError::new(Kind::Timeout, &request.url, within))
            }
        }
    }

    /// With repetitions; a body that was posted is not posted again.
    async fn carry(&self, request: &Request, retrying: Option<&Retrying>) -> Outcome {
        let retries = if request.retry && request.method == Method::Get { self.retries } else { 0 };
        for attempt in 0..retries {
            let outcome = self.follow(request).await;
            let Some(wait) = wait_before_next(request, &outcome, attempt) else { return outcome };
            if let Some(retrying) = retrying {
                // Where nobody listens any more, the run is being given up.
                let _ = retrying.send(Retry::of(&outcome, retries - attempt));
            }
            tokio::time::sleep(wait).await;
        }
        self.follow(request).await
    }

    async fn follow(&self, request: &Request) -> Outcome {
        // What begins on this machine may stay there; nobody else sends us to it.
        let local = is_local_http(&request.url);
        let mut url = parse_url(&request.url, self.schemes, local)?;
        let first = url.origin();
        for _ in 0..=limits::MAX_REDIRECTS {
            let at_home = url.origin() == first;
            let response = self.send(request, url.clone(), at_home).await?;
            let Some(location) = sent_on(&response).filter(|_| request.redirects == Redirects::Https) else {
                return self.receive(request, url.as_str(), response).await;
            };
            let next = url.join(&location).map_err(|_| {
                TransportError::new(Kind::Redirect, &request.url, format!("`{location}` is not a URL"))
            })?;
            url = parse_url(next.as_str(), self.schemes, local).map_err(|_| {
                TransportError::new(Kind::Redirect, &request.url, format!("`{next}` is not https"))
            })?;
        }
        let often = format!("more than {} times", limits::MAX_REDIRECTS);
        Err(TransportError::new(Kind::Redirect, &request.url, often))
    }

    async fn send(
        &self,
        request: &Request,
        url: reqwest::Url,
        at_home: bool,
    ) -> Result<reqwest::Response, TransportError> {
        let builder = match &request.method {
            Method::Get => self.client.get(url),
            Method::Post { content_type, body } => {
                self.client.post(url).header(header::CONTENT_TYPE, *content_type).body(body.clone())
            }
        };
        let headers = headers_of(request, at_home)?;
        builder
            .headers(headers)
            .send()
            .await
            .map_err(|error| TransportError::from_reqwest(&request.url, &error))
    }

    async fn receive(&self, request: &Request, url: &str, mut response: reqwest::Response) -> Outcome {
        let status = response.status().as_u16();
        let text = |name: HeaderName| {
            response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        let (etag, last_modified) = (text(header::ETAG), text(header::LAST_MODIFIED));
        let retry_after = text(header::RETRY_AFTER).and_then(|asked| asked.trim().parse().ok());
        let (location, encoding) = (text(header::LOCATION), text(header::CONTENT_ENCODING));
        let body = match &request.sink {
            Sink::Directory(directory) if status == 200 => {
                self.store(request, directory, &mut response).await?
            }
            _ => {
                let bytes = collect(request, &mut response).await?;
                Body::Memory(match encoding.as_deref() {
                    Some("gzip" | "x-gzip") => inflate(request, &bytes)?,
                    _ => bytes,
                })
            }
        };
        let retry_after = retry_after.map(Duration::from_secs);
        Ok(Response { status, url: url.to_owned(), etag, last_modified, location, retry_after, body })
    }

    /// Writes the body to a temporary file that is called `.part-…`, and hashes it meanwhile.
    async fn store(
        &self,
        request: &Request,
        directory: &Path,
        response: &mut reqwest::Response,
    ) -> Result<Body, TransportError> {
        let disk = |error: std::io::Error| {
            TransportError::new(Kind::Disk, &request.url, format!("{error} (in `{}`)", directory.display()))
        };
        let mut file = tempfile::Builder::new().prefix(PART).tempfile_in(directory).map_err(disk)?;
        let mut hasher = Hasher::new();
        let mut length = 0;
        let (mut since, mut counted) = (Instant::now(), 0);
        while let Some(piece) = next_piece(request, response, length).await? {
            length += piece.len() as u64;
            hasher.update(&piece);
            file.write_all(&piece).map_err(disk)?;
            if since.elapsed() >= self.stall_timeout {
                let seconds = self.stall_timeout.as_secs();
                if length - counted < self.low_speed_limit.saturating_mul(seconds) {
                    let slow = format!("less than {} bytes a second for {seconds} s", self.low_speed_limit);
                    return Err(TransportError::new(Kind::Timeout, &request.url, slow));
                }
                (since, counted) = (Instant::now(), length);
            }
        }
        let (digest, length) = hasher.finish();
        Ok(Body::File { path: file.into_temp_path(), digest, length })
    }
}

/// A URL of one of the schemes; with `local`, also `http` to this machine.
fn parse_url(text: &str, schemes: &[&str], local: bool) -> Result<reqwest::Url, TransportError> {
    match reqwest::Url::parse(text) {
        Ok(url) if schemes.contains(&url.scheme()) && url.has_host() => Ok(url),
        Ok(url) if local && is_local_http(url.as_str()) => Ok(url),
        _ => Err(TransportError::new(Kind::Url, text, "")),
    }
}

/// Where a redirect points to.
fn sent_on(response: &reqwest::Response) -> Option<String> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = response.headers().get(header::LOCATION)?;
    location.to_str().ok().map(str::to_owned)
}

fn headers_of(request: &Request, at_home: bool) -> Result<HeaderMap, TransportError> {
    let mut headers = HeaderMap::new();
    // A .crate is compressed already, and its hash is that of the bytes as they arrive.
    if request.sink == Sink::Memory {
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    }
    for (name, value) in &request.headers {
        let bad = |_| TransportError::new(Kind::Url, &request.url, format!("bad header `{name}`"));
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad(()))?;
        if name == header::AUTHORIZATION && !at_home {
            continue;
        }
        let mut value = HeaderValue::from_str(value).map_err(|_| bad(()))?;
        value.set_sensitive(name == header::AUTHORIZATION);
        headers.insert(name, value);
    }
    Ok(headers)
}

fn too_large(request: &Request) -> TransportError {
    let more = format!("more than {} bytes", request.max_bytes);
    TransportError::new(Kind::TooLarge, &request.url, more)
}

/// The next piece, if the body so far stays within its cap.
async fn next_piece(
    request: &Request,
    response: &mut reqwest::Response,
    so_far: u64,
) -> Result<Option<bytes::Bytes>, TransportError> {
    if response.content_length().is_some_and(|length| length > request.max_bytes) {
        return Err(too_large(request));
    }
    let piece = response.chunk().await.map_err(|error| TransportError::from_reqwest(&request.url, &error))?;
    match piece {
        Some(piece) if so_far + piece.len() as u64 > request.max_bytes => Err(too_large(request)),
        piece => Ok(piece),
    }
}

async fn collect(request: &Request, response: &mut reqwest::Response) -> Result<Vec<u8>, TransportError> {
    let mut bytes = Vec::new();
    while let Some(piece) = next_piece(request, response, bytes.len() as u64).await? {
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

fn inflate(request: &Request, bytes: &[u8]) -> Result<Vec<u8>, TransportError> {
    let mut inflated = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes)
        .take(request.max_bytes + 1)
        .read_to_end(&mut inflated)
        .map_err(|error| TransportError::new(Kind::Broken, &request.url, error.to_string()))?;
    if inflated.len() as u64 > request.max_bytes { Err(too_large(request)) } else { Ok(inflated) }
}

#[cfg(test)]
mod tests;
