//! The adapter: requests on reqwest, a small runtime of its own, nothing set up before the first request.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, mpsc};
use std::time::{Duration, Instant};

use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use tokio::task::JoinSet;

use super::lookup::Lookup;
use super::retry::{Retry, wait_before_next};
use super::{Body, Method, Outcome, Redirects, Request, Response, Sink, Transport};
use super::{TransportError, TransportErrorKind as Kind};
use crate::interrupt;
use crate::runtime::OwnRuntime;
use cargo_namespaces::digest::Hasher;
use cargo_namespaces::limits;
use cargo_namespaces::name::is_local_http;

/// Most requests under way at once: enough to fill a line, few enough for a small host.
const MAX_PARALLEL: usize = 32;
/// What the name of a download that is under way begins with.
pub const PART: &str = ".part-";
/// What never goes through a proxy, as `NO_PROXY` is written: the names of this machine.
pub const LOCALHOST: &str = "localhost,.localhost";
/// How often Ctrl-C is looked at while waiting.
const INTERRUPT_POLL: Duration = Duration::from_millis(50);

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
        }
    }
}

/// The [`Transport`] of the commands. Cheap to make: the TLS authorities are loaded at the first request.
#[derive(Debug)]
pub struct HttpClient {
    options: ClientOptions,
    /// Which URL schemes are carried; `https` alone, beside `http` to this machine itself.
    schemes: &'static [&'static str],
    ready: OnceLock<Result<Ready, String>>,
}

/// The certificates of a CA file, which replace the system's authorities.
///
/// # Errors
/// It cannot be used: the file, and why.
pub fn authorities(path: &Path) -> Result<Vec<reqwest::Certificate>, String> {
    let shown = path.display();
    let pem = crate::fs::read(path)
        .map_err(|error| format!("the CA file `{shown}` cannot be read: {}", error.source))?;
    let certificates = reqwest::Certificate::from_pem_bundle(&pem)
        .map_err(|error| format!("the CA file `{shown}` is not PEM: {error}"))?;
    if certificates.is_empty() {
        return Err(format!("the CA file `{shown}` holds no certificate"));
    }
    Ok(certificates)
}

#[derive(Debug)]
struct Ready {
    runtime: OwnRuntime,
    client: Arc<Carrier>,
}

#[derive(Debug)]
struct Carrier {
    client: reqwest::Client,
    schemes: &'static [&'static str],
    retries: u32,
    stall_timeout: Duration,
    low_speed_limit: u64,
}

impl HttpClient {
    /// A client with these options; nothing is loaded yet.
    pub fn new(options: ClientOptions) -> Self {
        Self { options, schemes: &["https"], ready: OnceLock::new() }
    }

    fn ready(&self) -> Result<&Ready, &String> {
        self.ready.get_or_init(|| self.set_up()).as_ref()
    }

    fn set_up(&self) -> Result<Ready, String> {
        // Another part of the process may have installed a provider; any will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let own_name = concat!("cargo-namespaces/", env!("CARGO_PKG_VERSION"));
        let mut builder = reqwest::Client::builder()
            .user_agent(self.options.user_agent.as_deref().unwrap_or(own_name))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(self.options.connect_timeout)
            .read_timeout(self.options.stall_timeout)
            .dns_resolver(Arc::new(Lookup::default()))
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
        let client = builder.build().map_err(|error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            cause.unwrap_or_else(|| error.to_string())
        })?;
        let runtime = OwnRuntime::new()?;
        let client = Arc::new(Carrier {
            client,
            schemes: self.schemes,
            retries: self.options.retries,
            stall_timeout: self.options.stall_timeout,
            low_speed_limit: self.options.low_speed_limit,
        });
        Ok(Ready { runtime, client })
    }
}

impl Proxy {
    fn to_reqwest(&self) -> Result<reqwest::Proxy, String> {
        let url = if self.url.contains("://") { self.url.clone() } else { format!("http://{}", self.url) };
        // The URL may hold a password: it is not repeated.
        let proxy = reqwest::Proxy::all(&url).map_err(|_| "the proxy's address is not a URL".to_owned())?;
        // No proxy knows this machine by its own name.
        let except = format!("{},{LOCALHOST}", self.except.as_deref().unwrap_or_default());
        Ok(proxy.no_proxy(reqwest::NoProxy::from_string(&except)))
    }
}

impl Transport for HttpClient {
    fn fetch_each(&self, requests: Vec<Request>, done: &mut dyn FnMut(usize, Outcome)) {
        self.fetch_each_telling(requests, done, &mut |_| {});
    }
}

impl HttpClient {
    /// As [`Transport::fetch_each`]; `tell` hears on this thread of what is tried again.
    pub fn fetch_each_telling(
        &self,
        requests: Vec<Request>,
        done: &mut dyn FnMut(usize, Outcome),
        tell: &mut dyn FnMut(Retry),
    ) {
        if requests.is_empty() {
            return;
        }
        let refuse = |kind, detail: &str, done: &mut dyn FnMut(usize, Outcome)| {
            for (at, request) in requests.iter().enumerate() {
                done(at, Err(TransportError::new(kind, &request.url, detail)));
            }
        };
        if self.options.offline {
            return refuse(Kind::Offline, "", done);
        }
        match self.ready() {
            Ok(ready) => ready.runtime.block_on(carry_all(&ready.client, requests, done, tell)),
            Err(problem) => refuse(Kind::SetUp, problem, done),
        }
    }
}

async fn carry_all(
    carrier: &Arc<Carrier>,
    requests: Vec<Request>,
    done: &mut dyn FnMut(usize, Outcome),
    tell: &mut dyn FnMut(Retry),
) {
    let (retrying, retried) = mpsc::channel();
    let urls: Vec<String> = requests.iter().map(|request| request.url.clone()).collect();
    let mut waiting = requests.into_iter().enumerate();
    let mut running = JoinSet::new();
    let mut reported = vec![false; urls.len()];
    loop {
        while running.len() < MAX_PARALLEL
            && let Some((at, request)) = waiting.next()
        {
            let (carrier, retrying) = (Arc::clone(carrier), retrying.clone());
            running.spawn(async move { (at, carrier.carry_in_time(&request, &retrying).await) });
        }
        let ended = tokio::time::timeout(INTERRUPT_POLL, running.join_next()).await;
        retried.try_iter().for_each(&mut *tell);
        match ended {
            Err(_) if interrupt::is_set() => break,
            Err(_) => {}
            Ok(None) => break,
            Ok(Some(Ok((at, outcome)))) => {
                reported[at] = true;
                done(at, outcome);
            }
            // A task that panicked is reported below as interrupted; its panic was printed.
            Ok(Some(Err(_))) => {}
        }
    }
    running.abort_all();
    for (at, url) in urls.iter().enumerate().filter(|(at, _)| !reported[*at]) {
        done(at, Err(TransportError::new(Kind::Interrupted, url, "")));
    }
}

impl Carrier {
    async fn carry_in_time(&self, request: &Request, retrying: &mpsc::Sender<Retry>) -> Outcome {
        match tokio::time::timeout(request.timeout, self.carry(request, retrying)).await {
            Ok(outcome) => outcome,
            Err(_) => {
                let within = format!("nothing whole within {} seconds", request.timeout.as_secs());
                Err(TransportError::new(Kind::Timeout, &request.url, within))
            }
        }
    }

    /// With repetitions; a body that was posted is not posted again.
    async fn carry(&self, request: &Request, retrying: &mpsc::Sender<Retry>) -> Outcome {
        let retries = if request.method == Method::Get { self.retries } else { 0 };
        for attempt in 0..retries {
            let outcome = self.follow(request).await;
            let Some(wait) = wait_before_next(request, &outcome, attempt) else { return outcome };
            // Where nobody listens any more, the run is being given up.
            let _ = retrying.send(Retry::of(&outcome, retries - attempt));
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
