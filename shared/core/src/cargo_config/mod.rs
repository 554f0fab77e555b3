//! `.cargo/config.toml`: what it says about registries, sources and the network, and edits of its text.
//!
//! One value of [`CargoConfig`] is one file. Cargo reads a hierarchy of them (from the current directory upward, then
//! `$CARGO_HOME`); reading those is input and output and lives elsewhere, but [`CargoConfig::merge`] is the rule by which
//! a nearer file wins.
//!
//! Tokens are not read: `[registries.*.token]` and `credentials.toml` are Cargo's affair.
//!
//! Ours in there is `[namespaces]`, which Cargo ignores:
//!
//! ```toml
//! [namespaces]
//! instance = "https://crates.corp.example"   # fetch everything through this registry
//! resolver = "127.0.0.1:5353"                # or "https://…/dns-query" for DNS over HTTPS
//! trust-anchor = "root.key"                  # DNSSEC trust anchors, relative to the file's directory's parent
//! special-use = true                         # allow .test, .example, localhost
//! ```

mod assumed;
mod edit;
#[cfg(test)]
mod tests;

pub use assumed::{assume_registry, is_assumed, settle_registry};
pub use edit::{
    DirectorySource, SourceKind, add_registry, remove_registry, set_namespaces, set_registry_value,
    source_snippet, source_snippet_over, upsert_source_replacements,
};

use crate::limits::MAX_CARGO_CONFIG;
use crate::name::{CRATES_IO_INDEX, IndexUrl};
use crate::toml_text::{Position, SpliceError, SyntaxError};
use serde::Deserialize;
use std::collections::BTreeMap;

/// One configuration file, as far as it concerns namespaces. Paths are as written.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct CargoConfig {
    /// `[registries]` by name.
    pub registries: BTreeMap<String, Registry>,
    /// `[registry]`
    pub registry: DefaultRegistry,
    /// `[source]` by name or URL.
    pub source: BTreeMap<String, SourceEntry>,
    /// `[http]`
    pub http: Http,
    /// `[net]`
    pub net: Net,
    /// `[namespaces]`
    pub namespaces: Namespaces,
    /// `include`: other files that this one takes in, before its own values.
    #[serde(deserialize_with = "one_or_many")]
    pub include: Vec<Include>,
}

/// `[registries.NAME]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Registry {
    /// The index: `sparse+https://…/`, or a git URL.
    pub index: Option<String>,
    /// `credential-provider`: a command with its arguments, or an alias.
    #[serde(deserialize_with = "one_or_many")]
    pub credential_provider: Vec<String>,
}

/// `[registry]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct DefaultRegistry {
    /// `default`: the registry of a command without `--registry`.
    pub default: Option<String>,
    /// `global-credential-providers`
    pub global_credential_providers: Vec<String>,
}

/// `[source.NAME]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct SourceEntry {
    /// The index URL that this entry stands for.
    pub registry: Option<String>,
    /// The source, or the registry, to use instead.
    pub replace_with: Option<String>,
    /// A directory source.
    pub directory: Option<String>,
    /// A local registry.
    pub local_registry: Option<String>,
    /// A git repository.
    pub git: Option<String>,
    /// Its branch.
    pub branch: Option<String>,
    /// Its tag.
    pub tag: Option<String>,
    /// Its revision.
    pub rev: Option<String>,
}

/// `[http]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Http {
    /// `[protocol://]host[:port]`
    pub proxy: Option<String>,
    /// A file of CA certificates, PEM.
    pub cainfo: Option<String>,
    /// The same for the proxy.
    pub proxy_cainfo: Option<String>,
    /// Seconds without progress.
    pub timeout: Option<u64>,
    /// The user agent.
    pub user_agent: Option<String>,
    /// HTTP/2.
    pub multiplexing: Option<bool>,
}

/// `[net]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Net {
    /// No network.
    pub offline: Option<bool>,
    /// How often to try again.
    pub retry: Option<u32>,
}

/// `[namespaces]`, ours.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Namespaces {
    /// The registry to fetch everything through.
    pub instance: Option<String>,
    /// `host:port` of a resolver, or the URL of a DNS-over-HTTPS service.
    pub resolver: Option<String>,
    /// A file of DNSSEC trust anchors (DS or DNSKEY records).
    pub trust_anchor: Option<String>,
    /// Whether special-use names are allowed.
    pub special_use: Option<bool>,
    /// Keys that are none of the above, for a warning.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, serde::de::IgnoredAny>,
}

/// An entry of `include`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "RawInclude")]
pub struct Include {
    /// The file, relative to the including one's directory.
    pub path: String,
    /// Whether it may be missing.
    pub optional: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawInclude {
    Path(String),
    Table {
        path: String,
        #[serde(default)]
        optional: bool,
    },
}

impl From<RawInclude> for Include {
    fn from(raw: RawInclude) -> Self {
        match raw {
            RawInclude::Path(path) => Self { path, optional: false },
            RawInclude::Table { path, optional } => Self { path, optional },
        }
    }
}

/// `"a"` or `["a", "b"]`, as Cargo takes many of its lists.
fn one_or_many<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany<T> {
        Many(Vec<T>),
        One(T),
    }
    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::Many(items) => items,
        OneOrMany::One(item) => vec![item],
    })
}

/// Why a configuration file cannot be read or edited. The text stays as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CargoConfigError {
    /// Bigger than the limit.
    #[error("the configuration file is larger than {MAX_CARGO_CONFIG} bytes")]
    TooLarge,
    /// Not TOML, or a value of the wrong type.
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    /// The registry's name is in use for another index.
    #[error("{position}: the registry `{name}` has the index {existing} already")]
    RegistryTaken {
        /// Where.
        position: Position,
        /// The name.
        name: String,
        /// Its index.
        existing: String,
    },
    /// `replace-with` leads in a circle, or nowhere.
    #[error("the source `{0}` is replaced by `{1}`, which leads nowhere")]
    Replacement(String, String),
    /// The edits do not fit together.
    #[error(transparent)]
    Splice(#[from] SpliceError),
}

/// What a source is in the end, replacements followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolved<'c> {
    /// An index, by its URL as written (crates.io's is [`CRATES_IO_INDEX`] where nothing replaces it).
    Index(&'c str),
    /// A directory source.
    Directory(&'c str),
    /// A local registry.
    LocalRegistry(&'c str),
    /// A git repository.
    Git(&'c str),
}

impl CargoConfig {
    /// Reads a configuration file. What concerns other parts of Cargo is not looked at.
    ///
    /// # Errors
    /// [`CargoConfigError::TooLarge`], [`CargoConfigError::Syntax`].
    pub fn parse(text: &str) -> Result<Self, CargoConfigError> {
        if text.len() as u64 > MAX_CARGO_CONFIG {
            return Err(CargoConfigError::TooLarge);
        }
        Ok(toml_edit::de::from_str(text).map_err(|error| SyntaxError::from_de(text, &error))?)
    }

    /// Fills what this file leaves open from one of lower precedence, key by key as Cargo does.
    pub fn merge(&mut self, lower: Self) {
        for (name, registry) in lower.registries {
            let mine = self.registries.entry(name).or_default();
            fill(&mut mine.index, registry.index);
            if mine.credential_provider.is_empty() {
                mine.credential_provider = registry.credential_provider;
            }
        }
        fill(&mut self.registry.default, lower.registry.default);
        // Cargo joins lists, the nearer file's entries last, where they count most.
        self.registry.global_credential_providers.splice(0..0, lower.registry.global_credential_providers);
        for (name, source) in lower.source {
            let mine = self.source.entry(name).or_default();
            fill(&mut mine.registry, source.registry);
            fill(&mut mine.replace_with, source.replace_with);
            fill(&mut mine.directory, source.directory);
            fill(&mut mine.local_registry, source.local_registry);
            fill(&mut mine.git, source.git);
            fill(&mut mine.branch, source.branch);
            fill(&mut mine.tag, source.tag);
            fill(&mut mine.rev, source.rev);
        }
        fill(&mut self.http.proxy, lower.http.proxy);
        fill(&mut self.http.cainfo, lower.http.cainfo);
        fill(&mut self.http.proxy_cainfo, lower.http.proxy_cainfo);
        fill(&mut self.http.timeout, lower.http.timeout);
        fill(&mut self.http.user_agent, lower.http.user_agent);
        fill(&mut self.http.multiplexing, lower.http.multiplexing);
        fill(&mut self.net.offline, lower.net.offline);
        fill(&mut self.net.retry, lower.net.retry);
        fill(&mut self.namespaces.instance, lower.namespaces.instance);
        fill(&mut self.namespaces.resolver, lower.namespaces.resolver);
        fill(&mut self.namespaces.trust_anchor, lower.namespaces.trust_anchor);
        fill(&mut self.namespaces.special_use, lower.namespaces.special_use);
        self.namespaces.unknown.extend(lower.namespaces.unknown);
    }

    /// The index of a registry, if it is one that a namespace can have.
    pub fn registry_index(&self, name: &str) -> Option<IndexUrl> {
        IndexUrl::parse(self.registries.get(name)?.index.as_deref()?).ok()
    }

    /// The name under which the user already has an index; the first one in the order of names.
    pub fn registry_name(&self, index: &IndexUrl) -> Option<&str> {
        let same = |registry: &Registry| {
            registry.index.as_deref().and_then(|text| IndexUrl::parse(text).ok()).as_ref() == Some(index)
        };
        self.registries.iter().find(|(_, registry)| same(registry)).map(|(name, _)| name.as_str())
    }

    /// What stands in for an index (crates.io: [`CRATES_IO_INDEX`]), following `replace-with` to its end.
    ///
    /// # Errors
    /// [`CargoConfigError::Replacement`].
    pub fn resolve_source<'c>(&'c self, index: &'c str) -> Result<Resolved<'c>, CargoConfigError> {
        let Some(mut key) = self.source_key(index) else { return Ok(Resolved::Index(index)) };
        // Every step leads to another key, or the chain is a circle.
        for _ in 0..=self.source.len() {
            let Some(source) = self.source.get(key) else { break };
            let Some(next) = source.replace_with.as_deref() else { return Ok(source.resolved(key, index)) };
            if !self.source.contains_key(next) {
                if next == "crates-io" {
                    return Ok(Resolved::Index(CRATES_IO_INDEX));
                }
                // Cargo lets `replace-with` name a registry too.
                let registry = self.registries.get(next).and_then(|registry| registry.index.as_deref());
                let nowhere = || CargoConfigError::Replacement(key.to_owned(), next.to_owned());
                return registry.map(Resolved::Index).ok_or_else(nowhere);
            }
            key = next;
        }
        Err(CargoConfigError::Replacement(index.to_owned(), key.to_owned()))
    }

    /// The key of the `[source]` entry for an index.
    fn source_key(&self, index: &str) -> Option<&str> {
        let is_crates_io = index == CRATES_IO_INDEX;
        let fits = |key: &str, source: &SourceEntry| {
            key == index || source.registry.as_deref() == Some(index) || (is_crates_io && key == "crates-io")
        };
        self.source.iter().find(|(key, source)| fits(key, source)).map(|(key, _)| key.as_str())
    }
}

impl SourceEntry {
    fn resolved<'c>(&'c self, key: &'c str, index: &'c str) -> Resolved<'c> {
        let directory = self.directory.as_deref().map(Resolved::Directory);
        directory
            .or_else(|| self.local_registry.as_deref().map(Resolved::LocalRegistry))
            .or_else(|| self.git.as_deref().map(Resolved::Git))
            .or_else(|| self.registry.as_deref().map(Resolved::Index))
            .unwrap_or(if key == "crates-io" {
                Resolved::Index(CRATES_IO_INDEX)
            } else {
                Resolved::Index(index)
            })
    }
}

fn fill<T>(mine: &mut Option<T>, lower: Option<T>) {
    if mine.is_none() {
        *mine = lower;
    }
}
