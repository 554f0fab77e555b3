//! What the user configured: Cargo's own configuration, read as Cargo reads it, and our `[namespaces]` table in it.
//!
//! ```toml
//! # $CARGO_HOME/config.toml; also as CARGO_NAMESPACES_INSTANCE and so on, and with --config
//! [namespaces]
//! instance = "https://crates.corp.example"  # the registry instance to go through
//! resolver = "127.0.0.1:5353"               # a DNS server, or a DoH service: "https://dns.corp.example/dns-query"
//! trust-anchor = "dns/root.key"             # DS or DNSKEY records in place of the DNS root's
//! special-use = true                        # accept .test, .example and localhost as namespaces
//! ```
//!
//! The last three are what a company with a DNS root and an authority of its own sets; `http.proxy` and `http.cainfo`
//! are Cargo's and serve our requests too. A project's own `.cargo/config.toml` may set Cargo's keys, but not this table:
//! a clone must not say whom its user believes. Relative paths are relative to the directory that holds `.cargo`, as in Cargo.

mod credentials;
mod layers;
mod sources;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::env::{EnvError, Environment, Var};
use crate::shell::TermSettings;
use cargo_namespaces::discovery::DevRegistry;
use cargo_namespaces::name::{
    CRATES_IO_INDEX, IndexUrl, Namespace, RegistryName, SpecialUseNames, is_local_http,
};
use cargo_namespaces_net::client::{ClientOptions, Proxy};
use cargo_namespaces_net::fs::FsError;
use cargo_namespaces_net::resolver::{Resolver, ResolverSetting};

pub use credentials::{Access, Credentials, NoToken, Provider, TokenAsked};
use layers::Layers;
pub use sources::{Replacement, Source, SourceError};

/// The configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FsError),
    /// A file or a `--config` is not TOML.
    #[error("the configuration {origin} cannot be parsed: {problem}")]
    Syntax {
        /// Where it stands.
        origin: String,
        /// What the parser says.
        problem: String,
    },
    /// A key holds something else than it must.
    #[error("`{key}` in {origin} must be {expected}")]
    WrongType {
        /// The dotted key.
        key: String,
        /// Where it stands.
        origin: String,
        /// What it must be.
        expected: &'static str,
    },
    /// A key's text means nothing.
    #[error("`{key}` is `{value}`, which is not {expected}")]
    Value {
        /// The dotted key, or the variable.
        key: &'static str,
        /// What it holds.
        value: String,
        /// What it must be.
        expected: &'static str,
    },
    /// An environment variable means nothing.
    #[error(transparent)]
    Environment(#[from] EnvError),
    /// Neither `CARGO_HOME` nor a home directory is known.
    #[error("the home directory is not known: neither `CARGO_HOME` nor `HOME` is set")]
    NoHome,
}

/// The `[namespaces]` table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamespaceSettings {
    /// The user's registry instance, an `https://` URL without a trailing slash; `http://` only to this machine.
    pub instance: Option<String>,
    /// Who answers for DNS.
    pub resolver: ResolverSetting,
    /// A file of DS or DNSKEY records in place of the DNS root's keys.
    pub trust_anchor: Option<PathBuf>,
    /// Which special-use names may be namespaces.
    pub special_use: SpecialUseNames,
    /// The development registry of this machine.
    pub dev: Option<DevRegistry>,
}

impl NamespaceSettings {
    /// The registry instance for a namespace: the user's, or below `localhost` the development registry.
    pub fn instance_for(&self, namespace: &Namespace) -> Option<String> {
        match self.dev.filter(|_| namespace.is_local()) {
            Some(dev) => Some(dev.url()),
            None => self.instance.clone(),
        }
    }
}

/// One entry of `[registries]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registry {
    /// Its index as it is written.
    pub index: String,
    /// The file that names it; `None` for `--config` and the environment.
    pub file: Option<PathBuf>,
}

/// All settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The directory that the settings were read for.
    pub directory: PathBuf,
    /// Cargo's home.
    pub cargo_home: PathBuf,
    /// How requests are carried.
    pub http: ClientOptions,
    /// Whether `http.proxy` stands in a file or in `--config`, where it counts for Cargo whatever the environment says.
    pub proxy_in_file: bool,
    /// The registries by name.
    pub registries: BTreeMap<String, Registry>,
    /// The sources by their key in `[source]`.
    pub sources: BTreeMap<String, Source>,
    /// The packages that `[patch]` tables replace, by name.
    pub patched: BTreeSet<String>,
    /// The directories of `paths`, whose packages Cargo builds in place of those of the same name.
    pub paths: Vec<PathBuf>,
    /// Our own table.
    pub namespaces: NamespaceSettings,
    /// The `[term]` table.
    pub term: TermSettings,
    /// Who signs in to private registries.
    pub credentials: Credentials,
}

impl Settings {
    /// Reads the configuration that Cargo would use in `directory` (absolute). `overrides` are the values of `--config`.
    ///
    /// # Errors
    /// A file, a flag or a variable cannot be read or holds something else than it must.
    pub fn load(directory: &Path, env: &Environment, overrides: &[String]) -> Result<Self, SettingsError> {
        let cargo_home = cargo_home(directory, env)?;
        let layers = Layers::load(directory, &cargo_home, overrides)?;
        let reader = Reader { layers: &layers, env, directory };
        let registries = registries(&layers, env)?;
        Ok(Self {
            http: reader.http()?,
            proxy_in_file: layers.find(&["http", "proxy"]).is_some(),
            credentials: credentials::read(&layers, &registries, env, &cargo_home)?,
            registries,
            sources: sources::read(&layers)?,
            patched: layers.patched(),
            paths: layers.override_paths(),
            namespaces: reader.namespaces()?,
            term: term(&layers)?,
            directory: directory.to_owned(),
            cargo_home,
        })
    }

    /// True when nothing may be fetched.
    pub fn offline(&self) -> bool {
        self.http.offline
    }

    /// Whether all that is configured is crates.io and sparse indexes over `https`: no repository, which may lead on to others, and
    /// no packages in the place of others.
    pub fn is_https_only(&self) -> bool {
        let is_https = |url: &str| url.starts_with("sparse+https://") || url == CRATES_IO_INDEX;
        let registries = self.registries.values().map(|registry| registry.index.as_str());
        let sources = self.sources.iter().flat_map(|(key, source)| {
            let key = Some(key.as_str()).filter(|key| key.contains("://"));
            [key, source.registry.as_deref()].into_iter().flatten()
        });
        registries.chain(sources).all(is_https)
            && self.sources.values().all(|source| source.git.is_none())
            && self.patched.is_empty()
            && self.paths.is_empty()
    }

    /// The name that the user already has for this index, if any.
    pub fn registry_name_of(&self, index: &IndexUrl) -> Option<RegistryName> {
        self.registries
            .iter()
            .find(|(_, registry)| same_index(&registry.index, index))
            .and_then(|(name, _)| RegistryName::parse(name).ok())
    }

    /// Who signs in to the index.
    pub fn access(&self, index: &IndexUrl) -> Access<'_> {
        self.credentials.access(&self.registries, index)
    }

    /// The index that a registry's name stands for.
    pub fn index_of(&self, name: &RegistryName) -> Option<IndexUrl> {
        IndexUrl::parse(&self.registries.get(name.as_str())?.index).ok()
    }

    /// The resolver that these settings ask for.
    pub fn resolver(&self) -> Resolver {
        let NamespaceSettings { resolver, trust_anchor, dev, .. } = &self.namespaces;
        Resolver::with(resolver.clone(), trust_anchor.clone()).dev(*dev).offline(self.offline())
    }

    /// Our own directory in Cargo's home: caches, which can be removed at any time, and what an author keeps (the key
    /// book `keys.toml`, and `publisher/`), which is to stay.
    pub fn cache(&self) -> PathBuf {
        self.cargo_home.join("namespaces")
    }
}

/// True when `text` names `index`, in whatever spelling.
fn same_index(text: &str, index: &IndexUrl) -> bool {
    text == index.as_str() || IndexUrl::parse(text).is_ok_and(|parsed| parsed == *index)
}

fn cargo_home(directory: &Path, env: &Environment) -> Result<PathBuf, SettingsError> {
    if let Some(home) = env.path(Var::CargoHome) {
        return Ok(directory.join(home));
    }
    let user = env.path(Var::Home).or_else(|| env.path(Var::UserProfile));
    Ok(user.ok_or(SettingsError::NoHome)?.join(".cargo"))
}

fn registries(layers: &Layers, env: &Environment) -> Result<BTreeMap<String, Registry>, SettingsError> {
    let mut found = BTreeMap::new();
    let mut names = layers.names("registries");
    let known = |name: &String| names.iter().any(|known| known.replace('-', "_").to_lowercase() == *name);
    let by_variable: Vec<String> = env.registries().filter(|name| !known(name)).collect();
    names.extend(by_variable);
    for name in names {
        let in_file = layers.string(&["registries", &name, "index"])?;
        // `--config` wins over the environment, the environment over the files.
        let (index, file) = match (in_file, env.registry_index(&name)) {
            (Some((layer, index)), by_variable) if layer.overriding || by_variable.is_none() => {
                (index.to_owned(), layer.file.clone())
            }
            (_, Some(index)) => (index, None),
            (_, None) => continue,
        };
        found.insert(name, Registry { index, file });
    }
    Ok(found)
}

/// The form of an instance, from the configuration or from `--instance`.
///
/// # Errors
/// It is not an https URL.
pub fn parse_instance(value: String) -> Result<String, SettingsError> {
    let trimmed = value.trim_end_matches('/');
    match url::Url::parse(trimmed) {
        Ok(url)
            if (url.scheme() == "https" || is_local_http(url.as_str()))
                && url.has_host()
                && url.username().is_empty()
                && url.query().is_none()
                && url.fragment().is_none() =>
        {
            Ok(url.as_str().trim_end_matches('/').to_owned())
        }
        _ => Err(SettingsError::Value { key: "namespaces.instance", value, expected: "an https URL" }),
    }
}

fn parse_resolver(value: String) -> Result<ResolverSetting, SettingsError> {
    if value.is_empty() || value == "system" {
        return Ok(ResolverSetting::System);
    }
    if value.starts_with("https://") && url::Url::parse(&value).is_ok() {
        return Ok(ResolverSetting::Doh(value));
    }
    if let Ok(address) = value.parse::<SocketAddr>() {
        return Ok(ResolverSetting::Server(address));
    }
    match value.parse::<IpAddr>() {
        Ok(ip) => Ok(ResolverSetting::Server(SocketAddr::new(ip, 53))),
        Err(_) => Err(SettingsError::Value {
            key: "namespaces.resolver",
            value,
            expected: "an IP address, IP:port, or the https URL of a DoH service",
        }),
    }
}

fn term(layers: &Layers) -> Result<TermSettings, SettingsError> {
    let when = |path: &[&str], key: &'static str| match layers.string(path)? {
        None => Ok(None),
        Some((_, text)) => text.parse().map(Some).map_err(|_| SettingsError::Value {
            key,
            value: text.to_owned(),
            expected: "`auto`, `always` or `never`",
        }),
    };
    let width = layers.number(&["term", "progress", "width"])?;
    Ok(TermSettings {
        color: when(&["term", "color"], "term.color")?,
        quiet: layers.flag(&["term", "quiet"])?,
        verbose: layers.flag(&["term", "verbose"])?,
        progress: when(&["term", "progress", "when"], "term.progress.when")?,
        progress_width: width.and_then(|width| u16::try_from(width).ok()),
    })
}

/// The files and the environment together: `--config` wins over the environment, the environment over the files.
struct Reader<'a> {
    layers: &'a Layers,
    env: &'a Environment,
    directory: &'a Path,
}

impl Reader<'_> {
    fn http(&self) -> Result<ClientOptions, SettingsError> {
        let timeout = match self.number(Var::CargoHttpTimeout, &["http", "timeout"])? {
            Some(seconds) => Some(seconds),
            None => self.env.number(Var::HttpTimeout)?,
        };
        let retries = self.number(Var::CargoNetRetry, &["net", "retry"])?;
        let low_speed = self.number(Var::CargoHttpLowSpeedLimit, &["http", "low-speed-limit"])?;
        let multiplexing = self.flag(Var::CargoHttpMultiplexing, &["http", "multiplexing"])?;
        let defaults = ClientOptions::default();
        Ok(ClientOptions {
            offline: self.flag(Var::CargoNetOffline, &["net", "offline"])?.unwrap_or(false),
            proxy: self.proxy()?,
            cainfo: self.path(Var::CargoHttpCainfo, &["http", "cainfo"])?,
            connect_timeout: timeout.map_or(defaults.connect_timeout, Duration::from_secs),
            stall_timeout: timeout.map_or(defaults.stall_timeout, Duration::from_secs),
            low_speed_limit: low_speed.unwrap_or(defaults.low_speed_limit),
            multiplexing: multiplexing.unwrap_or(defaults.multiplexing),
            user_agent: self.text(Var::CargoHttpUserAgent, &["http", "user-agent"])?,
            keep_connections: defaults.keep_connections,
            retries: retries.map_or(defaults.retries, |often| u32::try_from(often).unwrap_or(u32::MAX)),
        })
    }

    /// Cargo's setting, else curl's variables; `NO_PROXY` counts for both, as in curl. An empty one means no proxy.
    fn proxy(&self) -> Result<Option<Proxy>, SettingsError> {
        let url = self.text(Var::CargoHttpProxy, &["http", "proxy"])?.or_else(|| {
            self.env.first(&[Var::HttpsProxyLower, Var::HttpsProxy, Var::AllProxyLower, Var::AllProxy])
        });
        let except = self.env.first(&[Var::NoProxyLower, Var::NoProxy]);
        Ok(url.filter(|url| !url.is_empty()).map(|url| Proxy { url, except }))
    }

    fn namespaces(&self) -> Result<NamespaceSettings, SettingsError> {
        let instance = self.text(Var::NamespacesInstance, &["namespaces", "instance"])?;
        let resolver = self.text(Var::NamespacesResolver, &["namespaces", "resolver"])?;
        let special_use = self.flag(Var::NamespacesSpecialUse, &["namespaces", "special-use"])?;
        let dev = self.env.get(Var::NamespacesDev).map(|value| {
            let key = Var::NamespacesDev.name();
            value.parse().map_err(|expected| SettingsError::Value { key, value, expected })
        });
        let dev: Option<DevRegistry> = dev.transpose()?;
        let special_use = match (special_use, dev) {
            (Some(true), _) => SpecialUseNames::All,
            (_, Some(_)) => SpecialUseNames::Localhost,
            (_, None) => SpecialUseNames::None,
        };
        Ok(NamespaceSettings {
            instance: instance.map(parse_instance).transpose()?,
            resolver: resolver.map_or(Ok(ResolverSetting::System), parse_resolver)?,
            trust_anchor: self.path(Var::NamespacesTrustAnchor, &["namespaces", "trust-anchor"])?,
            special_use,
            dev,
        })
    }

    fn file_wins(&self, var: Var, path: &[&str]) -> bool {
        match self.layers.find(path) {
            Some((layer, _)) => layer.overriding || self.env.get(var).is_none(),
            None => false,
        }
    }

    fn text(&self, var: Var, path: &[&str]) -> Result<Option<String>, SettingsError> {
        if self.file_wins(var, path) {
            return Ok(self.layers.string(path)?.map(|(_, text)| text.to_owned()));
        }
        Ok(self.env.get(var))
    }

    fn flag(&self, var: Var, path: &[&str]) -> Result<Option<bool>, SettingsError> {
        if self.file_wins(var, path) {
            return self.layers.flag(path);
        }
        Ok(self.env.flag(var)?)
    }

    fn number(&self, var: Var, path: &[&str]) -> Result<Option<u64>, SettingsError> {
        if self.file_wins(var, path) {
            return self.layers.number(path);
        }
        Ok(self.env.number(var)?)
    }

    fn path(&self, var: Var, path: &[&str]) -> Result<Option<PathBuf>, SettingsError> {
        if self.file_wins(var, path) {
            return self.layers.path(path);
        }
        Ok(self.env.path(var).map(|given| self.directory.join(given)))
    }
}

#[cfg(test)]
mod tests;
