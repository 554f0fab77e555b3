//! The registry of one namespace, and what is asked of it.

use cargo_namespaces::api::{CheckResponse, CrateInfo, Done, NamespaceInfo, ResignRequest};
use cargo_namespaces::index::IndexConfig;
use cargo_namespaces::key::{PublicKey, SecretKey};
use cargo_namespaces::name::{CrateName, IndexUrl, Namespace, QualifiedName};
use cargo_namespaces::statement::{Envelope, Nonce, OwnersChange, OwnersOperation, Predicate as _, Read};
use cargo_namespaces_cli::clock;
use cargo_namespaces_cli::shell::CliError;
use cargo_namespaces_net::client::{Request, Response};
use semver::Version;
use serde::de::DeserializeOwned;

use super::access::{AskError, SignedAnswer, ask_signing};
use super::error::{NotARegistry, RegistryError};
use super::responses::{ConfigAnswer, LinesError};
use super::{requests, responses};
use crate::http_status::HttpStatus;
use cargo_namespaces_cli::network::{Network, Transport as _};

/// The registry of one namespace.
pub struct RegistryClient<'a> {
    network: &'a Network<'a>,
    pub namespace: Namespace,
    /// Its canonical index.
    pub index: IndexUrl,
    /// Where the registry is, with a final slash.
    pub base: String,
    config: IndexConfig,
    /// For reading a private namespace.
    authorization: Option<String>,
}

impl<'a> RegistryClient<'a> {
    /// The registry that hosts `index`. A private one is shown a statement that `sign` signs, which is called only then.
    ///
    /// # Errors
    /// The index does not answer, or is not on such a registry.
    pub fn find(
        network: &'a Network<'a>,
        namespace: &Namespace,
        index: &IndexUrl,
        sign: impl FnOnce(&Read) -> Result<Envelope, CliError>,
    ) -> Result<Self, RegistryError> {
        match look_for(network, namespace, index, sign)? {
            Found::Registry(registry) => Ok(registry),
            Found::Nothing(status) => Err(no_index(namespace, index, status)),
            Found::Other(config) => {
                let source = match config.api {
                    None => NotARegistry::StaticSite,
                    Some(api) => NotARegistry::OtherRegistry { api, namespace: namespace.clone() },
                };
                Err(RegistryError::NotARegistry { index: index.clone(), source })
            }
        }
    }

    /// As [`RegistryClient::find`]; `None` when the index is a static site, or not there yet.
    pub fn find_any(
        network: &'a Network<'a>,
        namespace: &Namespace,
        index: &IndexUrl,
        sign: impl FnOnce(&Read) -> Result<Envelope, CliError>,
    ) -> Result<Option<Self>, RegistryError> {
        match look_for(network, namespace, index, sign)? {
            Found::Registry(registry) => Ok(Some(registry)),
            Found::Nothing(status) if status.is_of_server() => Err(no_index(namespace, index, status)),
            Found::Nothing(_) | Found::Other(_) => Ok(None),
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
    pub fn check(&self, key: &PublicKey, krate: Option<&CrateName>) -> Result<CheckResponse, RegistryError> {
        self.post(requests::check(&self.base, &self.namespace, key, krate))
    }

    /// What it knows of a crate; `None` when there is none.
    pub fn krate(&self, name: &QualifiedName) -> Result<Option<CrateInfo>, RegistryError> {
        self.get(requests::krate(&self.base, name))
    }

    /// What it knows of the namespace.
    pub fn namespace_info(&self) -> Result<Option<NamespaceInfo>, RegistryError> {
        self.get(requests::namespace(&self.base, &self.namespace))
    }

    /// The .crate of a release, as its index line says; `None` when there is no such release.
    ///
    /// # Errors
    /// The registry does not answer, or something else is there.
    pub fn package(&self, name: &QualifiedName, version: &Version) -> Result<Option<Vec<u8>>, RegistryError> {
        let response = self.send(requests::index_file(&self.index, &name.krate))?;
        let lines = responses::index_lines(&response).map_err(|error| match error {
            LinesError::Status(status) => {
                RegistryError::IndexFile { name: name.clone(), version: version.clone(), status }
            }
            error @ LinesError::File(_) => RegistryError::Lines(error),
        })?;
        let line = lines.into_iter().flatten().find(|line| line.vers == *version);
        let Some(line) = line else { return Ok(None) };
        let request = requests::package(&self.config, &name.krate, &line);
        // What opens a private index is for this registry's eyes, wherever the index sends readers.
        let response = match request.url.starts_with(&self.base) {
            true => self.send(request)?,
            false => self.network.fetch_one(request).map_err(RegistryError::Download)?,
        };
        let package = responses::package(response, &line.cksum);
        package.map(Some).map_err(|problem| RegistryError::Package {
            name: name.clone(),
            version: version.clone(),
            problem,
        })
    }

    /// Signs a change of the owners of a crate, and sends it.
    pub fn change_owner(
        &self,
        name: &QualifiedName,
        operation: OwnersOperation,
        owner: PublicKey,
        signer: &SecretKey,
    ) -> Result<Done, RegistryError> {
        let statement = OwnersChange {
            name: name.clone(),
            index: self.index.clone(),
            operation,
            key: owner,
            at: clock::now(),
            nonce: Nonce::generate()?,
        };
        self.post(requests::change_owners(&self.base, statement.sign(signer)))
    }

    /// Sends a signed step of a transfer.
    pub fn transfer(&self, envelope: Envelope) -> Result<Done, RegistryError> {
        self.post(requests::transfer(&self.base, envelope))
    }

    /// Sends further signatures for releases.
    pub fn resign(&self, request: &ResignRequest) -> Result<Done, RegistryError> {
        self.post(requests::resign(&self.base, request))
    }

    /// Sends endorsements and revocations.
    pub fn documents(&self, envelopes: Vec<Envelope>) -> Result<Done, RegistryError> {
        self.post(requests::documents(&self.base, &self.namespace, envelopes))
    }

    fn get<T: DeserializeOwned>(&self, request: Request) -> Result<Option<T>, RegistryError> {
        responses::api_if_exists(&self.send(request)?)
            .map_err(|error| RegistryError::of_api(self.host(), error))
    }

    fn post<T: DeserializeOwned>(
        &self,
        request: Result<Request, serde_json::Error>,
    ) -> Result<T, RegistryError> {
        responses::api(&self.send(request.map_err(RegistryError::Body)?)?)
            .map_err(|error| RegistryError::of_api(self.host(), error))
    }

    /// Sends a request, and with it what opens a private namespace.
    fn send(&self, mut request: Request) -> Result<Response, RegistryError> {
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization.clone());
        }
        let host = || self.host().to_owned();
        self.network.fetch_one(request).map_err(|source| RegistryError::Unreachable { host: host(), source })
    }
}

/// What is at an index.
enum Found<'a> {
    Registry(RegistryClient<'a>),
    Nothing(HttpStatus),
    /// An index that is not on a registry for namespaces.
    Other(IndexConfig),
}

fn look_for<'a>(
    network: &'a Network<'a>,
    namespace: &Namespace,
    index: &IndexUrl,
    sign: impl FnOnce(&Read) -> Result<Envelope, CliError>,
) -> Result<Found<'a>, RegistryError> {
    let asked = ask_signing(network, index, requests::index_config(index), sign);
    let SignedAnswer { response, authorization } = asked.map_err(|error| match error {
        AskError::Transport(source) => {
            RegistryError::IndexUnreachable { namespace: namespace.clone(), source }
        }
        AskError::Key(error) => RegistryError::Key(error),
    })?;
    let config = match responses::index_config(&response, index)? {
        ConfigAnswer::Config(config) => config,
        ConfigAnswer::Private(source) | ConfigAnswer::Forbidden(source) => {
            return Err(RegistryError::Closed { namespace: namespace.clone(), source });
        }
        ConfigAnswer::Missing(status) => return Ok(Found::Nothing(status)),
    };
    Ok(match responses::base_of(&config, namespace) {
        Some(base) => Found::Registry(RegistryClient {
            network,
            namespace: namespace.clone(),
            index: index.clone(),
            base,
            config,
            authorization,
        }),
        None => Found::Other(config),
    })
}

fn no_index(namespace: &Namespace, index: &IndexUrl, status: HttpStatus) -> RegistryError {
    RegistryError::NoIndex { namespace: namespace.clone(), index: index.clone(), status }
}
