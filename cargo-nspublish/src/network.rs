//! The HTTP client and the resolver of the process. `run` makes them once, as does the credential provider, which is another
//! process; everything else borrows them.

use cargo_namespaces::discovery::DevRegistry;
use cargo_namespaces::domain_view::DomainView;
use cargo_namespaces::name::Namespace;
use cargo_namespaces_cli::settings::Settings;
use cargo_namespaces_net::client::{HttpClient, Request, Response, Transport as _, TransportError};
use cargo_namespaces_net::domain;
use cargo_namespaces_net::interrupt::Interrupted;
use cargo_namespaces_net::resolver::{Resolver, ZoneCheck};

/// The HTTP client and the resolver of the process.
#[derive(Debug)]
pub struct Network {
    http: HttpClient,
    resolver: Resolver,
}

/// Why the servers of a zone could not be asked.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ZoneError(String);

impl Network {
    /// Makes both from the configuration. Nothing is loaded before the first request.
    pub fn new(settings: &Settings) -> Self {
        Self { http: HttpClient::new(settings.http.clone()), resolver: settings.resolver() }
    }

    /// Sends one request.
    pub fn fetch(&self, request: Request) -> Result<Response, TransportError> {
        self.http.fetch_one(request)
    }

    /// Sends requests in parallel. The answers are in the order of the requests.
    pub fn fetch_all(&self, requests: Vec<Request>) -> Vec<Result<Response, TransportError>> {
        self.http.fetch(requests)
    }

    /// Asks a domain about its namespace, in all four places.
    pub fn ask_domain(&self, namespace: &Namespace) -> Result<DomainView, Interrupted> {
        domain::gather(namespace, &self.http, &self.resolver)
    }

    /// Asks the servers of a zone themselves for the TXT records at a name.
    pub fn ask_zone(&self, name: &str) -> Result<ZoneCheck, ZoneError> {
        self.resolver.check_zone(name, &self.http).map_err(ZoneError)
    }

    /// Returns the development registry, which answers for names below `localhost`.
    pub fn dev_registry(&self) -> Option<DevRegistry> {
        self.resolver.dev_registry()
    }
}

/// The status of an answer that is not what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("HTTP status {0}")]
pub struct HttpStatus(pub u16);

impl HttpStatus {
    /// Whether the server failed, and may answer later.
    pub fn is_of_server(self) -> bool {
        self.0 >= 500
    }
}
