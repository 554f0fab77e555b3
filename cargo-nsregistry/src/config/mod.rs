//! The registry's configuration: a TOML file, then the environment, then flags. Whatever it does not know is an error.
//!
//! ```toml
//! url = "https://crates.example/"        # public; part of every index URL, and so for ever
//! contact = "mailto:admin@crates.example"
//!
//! [server]
//! listen = "127.0.0.1:7979"
//! tls-certificate = "chain.pem"          # without these two, a proxy in front speaks TLS
//! tls-key = "key.pem"
//! max-connections = 16384
//! trusted-proxies = ["10.0.0.2"]         # whose `X-Forwarded-For` says who the client is; none unless it is set
//!
//! [storage]
//! data = "/var/lib/nsregistry"           # key file, database and objects, unless told otherwise
//! database = "sqlite:///var/lib/nsregistry/registry.db"
//!
//! [validation]
//! resolvers = ["system"]                 # several must agree: "9.9.9.9", "https://dns.example/dns-query"
//! trust-anchor = "root.key"              # in place of the DNS root's
//! ca-file = "company-ca.pem"             # in place of the system's authorities
//! allow = ["10.0.0.0/8"]                 # special-purpose addresses that may be asked after all
//! port = 443                             # where domains serve https, where that is another port in a closed network
//!
//! [policy]
//! revalidate = "creation"                # or "every-publish"
//! default-registry = "warn"              # new crates with dependencies that name no registry: "allow", "warn", "deny"
//! special-use = false                    # namespaces under .test, .example and localhost
//!
//! [log]
//! level = "info"                         # each request; "warn": refusals; "error": failures of its own
//! format = "text"                        # or "json"
//!
//! [namespaces."corp.example"]
//! auth-required = true                   # a private index
//! readers = ["ed25519:…"]                # beside the owners of its crates
//! ```
//!
//! Relative paths are relative to the file. One small struct a concern; what is here was checked.

mod development;
mod error;
mod file;
mod summary;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;

use cargo_namespaces::api::path;
use cargo_namespaces::discovery::DevRegistry;
use cargo_namespaces::index::IndexConfig;
use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::{IndexUrl, Namespace, SpecialUseNames};
use cargo_namespaces::release;
use cargo_namespaces_net::resolver::ResolverSetting;
use ipnet::IpNet;
use serde::Deserialize;

use crate::log;

pub use error::ConfigError;
pub use file::{Overrides, load};

/// Everything that an operator decides.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the registry is found.
    pub public: Public,
    /// How it is reached.
    pub server: Server,
    /// Where it keeps things.
    pub storage: Storage,
    /// How it asks domains.
    pub validation: Validation,
    /// What it lets happen.
    pub policy: Policy,
    /// What it writes down.
    pub log: log::Settings,
    /// Whether it is a development registry, and which.
    pub dev: Option<DevRegistry>,
    /// What is special about single namespaces.
    pub namespaces: BTreeMap<Namespace, NamespaceRules>,
}

/// Where the registry is found, and who runs it.
#[derive(Clone, Debug)]
pub struct Public {
    /// `https://host[:port]/path/`; of a development registry `http://localhost:port/`.
    url: String,
    /// Whom to ask; shown in refusals and in `cargo.txt`.
    pub contact: Option<String>,
    /// Whether `url` is only the default.
    pub is_default: bool,
}

/// Sockets.
#[derive(Clone, Debug)]
pub struct Server {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Certificate chain and key, PEM; without them plain HTTP is spoken.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Most connections at a time; see `crate::server::connections` for what becomes of more.
    pub max_connections: usize,
    /// Proxies that are believed when they say whom they speak for.
    pub trusted_proxies: Vec<IpNet>,
}

/// Where things are kept.
#[derive(Clone, Debug)]
pub struct Storage {
    /// The registry's own directory: key file, and what follows by default.
    pub data: PathBuf,
    /// The database, as a URL.
    pub database: String,
    /// The directory of the objects.
    pub objects: PathBuf,
}

/// How domains are asked.
#[derive(Clone, Debug)]
pub struct Validation {
    /// At least one; all must agree.
    pub resolvers: Vec<ResolverSetting>,
    /// DS or DNSKEY records in place of the DNS root's.
    pub trust_anchor: Option<PathBuf>,
    /// Certificate authorities in place of the system's.
    pub ca_file: Option<PathBuf>,
    /// Special-purpose addresses that may be asked.
    pub allow: Vec<IpNet>,
    /// The port of https.
    pub port: u16,
}

/// When a token must stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Revalidate {
    /// At the first release of a crate.
    #[default]
    Creation,
    /// At every release.
    EveryPublish,
}

/// What becomes of a new crate with dependencies that name no registry and no default for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DefaultRegistry {
    /// Nothing is said.
    Allow,
    /// A warning is printed.
    #[default]
    Warn,
    /// It is refused.
    Deny,
}

/// What may happen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Policy {
    /// When a token must stand.
    pub revalidate: Revalidate,
    /// Dependencies that name no registry.
    pub default_registry: DefaultRegistry,
    /// Which special-use names may be namespaces.
    pub special_use: SpecialUseNames,
}

/// What is special about one namespace.
#[derive(Clone, Debug, Default)]
pub struct NamespaceRules {
    /// Whether every read needs a token.
    pub auth_required: bool,
    /// Who may read, beside the owners of its crates.
    pub readers: BTreeSet<PublicKey>,
}

impl Public {
    /// The URL, with its slash.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its host and what follows, as a person calls it.
    pub fn host(&self) -> &str {
        let url = self.url.split_once("://").map_or(self.url.as_str(), |(_, rest)| rest);
        url.trim_end_matches('/')
    }

    /// A URL below it.
    pub fn join(&self, relative: &str) -> String {
        format!("{}{relative}", self.url)
    }

    /// The canonical index URL that a namespace has here.
    pub fn index_of(&self, namespace: &Namespace) -> IndexUrl {
        IndexUrl::parse(&format!("sparse+{}", self.join(&path::index(namespace))))
            .expect("the URL was checked with a namespace behind it, and every namespace is plain")
    }
}

impl Config {
    /// What stands in a namespace's `config.json`, whether anything is published in it or not: a first `cargo publish` must
    /// get as far as the text that says what to do.
    pub fn index_config(&self, namespace: &Namespace) -> IndexConfig {
        let (index, api) = (self.public.index_of(namespace), self.public.join(&path::web_api(namespace)));
        release::config(namespace, &index, Some(api), self.is_private(namespace))
    }

    /// Whether not everybody may read a namespace.
    pub fn is_private(&self, namespace: &Namespace) -> bool {
        self.namespaces.get(namespace).is_some_and(|rules| rules.auth_required)
    }

    /// Whether there is a namespace that not everybody may read.
    pub fn has_private(&self) -> bool {
        self.namespaces.values().any(|rules| rules.auth_required)
    }

    /// The keys that the operator lets read a private namespace.
    pub fn readers(&self, namespace: &Namespace) -> Option<&BTreeSet<PublicKey>> {
        self.namespaces.get(namespace).map(|rules| &rules.readers)
    }

    /// Whether an object's path lies in a namespace that not everybody may read.
    pub fn is_private_path(&self, path: &str) -> bool {
        let within = |namespace: &Namespace| {
            let below = path.strip_prefix("index/").and_then(|path| path.strip_prefix(namespace.as_str()));
            below.is_some_and(|below| below.starts_with('/'))
        };
        self.namespaces.iter().any(|(namespace, rules)| rules.auth_required && within(namespace))
    }
}
