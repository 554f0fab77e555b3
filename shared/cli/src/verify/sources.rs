//! Where [`verify`](super::verify) gets its material from.
//!
//! [`Sources`] is what it asks; [`LiveSources`] is the real thing, over Cargo's caches, the registry client and the domains.
//! Each call asks for everything at once and answers in the order of the questions, so that one slow host costs one
//! wait and not one a crate.

use std::path::PathBuf;

use semver::Version;

use crate::network::Network;
use crate::registry_client::{CrateOrigin, CrateRef, RegistryClient, RegistryError};
use crate::settings::{Settings, TokenAsked};
use cargo_namespaces::digest::Digest;
use cargo_namespaces::domain_view::DomainView;
use cargo_namespaces::error::one_line;
use cargo_namespaces::index::{IndexConfig, IndexLine};
use cargo_namespaces::name::{CrateName, IndexUrl, Namespace};

/// What verification asks from the world.
pub trait Sources: Sync {
    /// The `config.json` of each index.
    fn configs(&self, indexes: &[IndexUrl]) -> Vec<Result<IndexConfig, SourceError>>;

    /// The index file of each crate.
    fn index_files(&self, wanted: &[(IndexUrl, CrateName)]) -> Vec<Result<Vec<IndexLine>, SourceError>>;

    /// Each .crate as a file, from a cache or downloaded. Nothing about it is believed.
    fn crate_files(&self, wanted: &[CrateWanted]) -> Vec<Result<PathBuf, SourceError>>;

    /// What each domain says now. One that does not answer gives a view of an unreachable domain.
    fn domains(&self, namespaces: &[Namespace]) -> Vec<DomainView>;
}

/// A .crate that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrateWanted {
    pub index: IndexUrl,
    pub name: CrateName,
    pub version: Version,
    /// The SHA-256 that it should have: the index line's.
    pub digest: Digest,
}

/// Why something was not had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The server says that there is no such thing.
    #[error("there is no such file")]
    Absent,
    /// The server wants a token first: a private index. A fragment that says why there is none.
    #[error("{reason}")]
    NeedsToken {
        /// Why there is none.
        reason: String,
        /// Whether a provider was asked for one.
        asked: TokenAsked,
    },
    /// There is such a file, with another SHA-256; a fragment that says both.
    #[error("{0}")]
    Checksum(String),
    /// No answer, or not cached with `--offline`; a fragment.
    #[error("{0}")]
    Unreachable(String),
    /// An answer that cannot be read; a fragment.
    #[error("{0}")]
    Unreadable(String),
}

/// The real world: caches and indexes through the registry client, domains over HTTPS and DNS.
#[derive(Clone, Copy)]
pub struct LiveSources<'a> {
    /// Reads indexes and .crates.
    pub registries: &'a RegistryClient<'a>,
    /// Asks the domains.
    pub network: &'a Network<'a>,
}

/// The configured registries, as [`Request::configured`](super::Request::configured) wants them.
pub fn configured(settings: &Settings) -> Vec<(String, String)> {
    settings.registries.iter().map(|(name, registry)| (name.clone(), registry.index.clone())).collect()
}

impl Sources for LiveSources<'_> {
    fn configs(&self, indexes: &[IndexUrl]) -> Vec<Result<IndexConfig, SourceError>> {
        self.registries.index_configs(indexes).into_iter().map(plain).collect()
    }

    fn index_files(&self, wanted: &[(IndexUrl, CrateName)]) -> Vec<Result<Vec<IndexLine>, SourceError>> {
        self.registries.index_lines(wanted).into_iter().map(plain).collect()
    }

    fn crate_files(&self, wanted: &[CrateWanted]) -> Vec<Result<PathBuf, SourceError>> {
        let wanted: Vec<CrateRef> = wanted
            .iter()
            .map(|wanted| CrateRef {
                origin: CrateOrigin::Index(wanted.index.clone()),
                name: wanted.name.clone(),
                version: wanted.version.clone(),
                cksum: wanted.digest,
            })
            .collect();
        self.registries.crate_files(&wanted, &mut |_| {}).into_iter().map(plain).collect()
    }

    fn domains(&self, namespaces: &[Namespace]) -> Vec<DomainView> {
        // Interrupted, nobody was heard; `verify` then stops by itself.
        self.network.views(namespaces).unwrap_or_else(|_| {
            namespaces.iter().map(|namespace| DomainView::from_observations(namespace, Vec::new())).collect()
        })
    }
}

impl std::fmt::Debug for LiveSources<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LiveSources").finish_non_exhaustive()
    }
}

fn plain<T>(answer: Result<T, RegistryError>) -> Result<T, SourceError> {
    answer.map_err(|error| source_error(&error))
}

fn source_error(error: &RegistryError) -> SourceError {
    let text = || one_line(error);
    match error {
        RegistryError::Shared(error) => source_error(error),
        RegistryError::NoIndex { .. } | RegistryError::UnknownCrate { .. } => SourceError::Absent,
        RegistryError::NeedsToken { asked, .. } => SourceError::NeedsToken { reason: text(), asked: *asked },
        RegistryError::Checksum(_) => SourceError::Checksum(text()),
        RegistryError::Config { .. } | RegistryError::IndexFile { .. } | RegistryError::Source(_) => {
            SourceError::Unreadable(text())
        }
        RegistryError::Status { .. }
        | RegistryError::Transport(_)
        | RegistryError::NotCached { .. }
        | RegistryError::NoCrate { .. }
        | RegistryError::File(_) => SourceError::Unreachable(text()),
    }
}
