//! What this process asks over the network, with one HTTP client and one resolver. `run` makes them once, the credential
//! provider makes its own, and everything else borrows them.

use cargo_namespaces::discovery::DevRegistry;
use cargo_namespaces::name::Namespace;
use cargo_namespaces::verdict::DomainView;
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
    /// As the configuration says. Nothing is loaded before the first request.
    pub fn new(settings: &Settings) -> Self {
        Self { http: HttpClient::new(settings.http.clone()), resolver: settings.resolver() }
    }

    /// Carries one request.
    ///
    /// # Errors
    /// No whole answer arrived.
    pub fn fetch(&self, request: Request) -> Result<Response, TransportError> {
        self.http.fetch_one(request)
    }

    /// Carries requests in parallel; the outcomes are in their order.
    pub fn fetch_all(&self, requests: Vec<Request>) -> Vec<Result<Response, TransportError>> {
        self.http.fetch(requests)
    }

    /// What a domain says of its namespace, in all four places.
    ///
    /// # Errors
    /// Ctrl-C.
    pub fn ask_domain(&self, namespace: &Namespace) -> Result<DomainView, Interrupted> {
        domain::gather(namespace, &self.http, &self.resolver)
    }

    /// What the servers of a zone themselves say of the TXT records at a name.
    ///
    /// # Errors
    /// They cannot be found.
    pub fn ask_zone(&self, name: &str) -> Result<ZoneCheck, ZoneError> {
        self.resolver.check_zone(name, &self.http).map_err(ZoneError)
    }

    /// The development registry, which answers for names below `localhost`.
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
