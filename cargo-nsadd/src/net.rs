//! The network of one run: indexes, .crates and domains, each asked once.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use cargo_namespaces::client::{HttpClient, Transport};
use cargo_namespaces::index::{IndexConfig, IndexLine};
use cargo_namespaces::name::{CrateName, IndexUrl, Namespace};
use cargo_namespaces::registry_client::{RegistryClient, RegistryError};
use cargo_namespaces::resolver::Resolver;
use cargo_namespaces::settings::Settings;
use cargo_namespaces::verdict::DomainView;
use cargo_namespaces::verify::{CrateWanted, Network, SourceError, Sources};

type Lines = Result<Vec<IndexLine>, SourceError>;

/// What the run asks; [`Sources`] for the verification.
pub struct Net<'a> {
    registries: RegistryClient<'a>,
    transport: &'a dyn Transport,
    resolver: &'a Resolver,
    /// What was read already.
    lines: Mutex<BTreeMap<(IndexUrl, CrateName), Vec<IndexLine>>>,
    /// Locked while domains are asked, so that who comes second waits for the answer and does not ask again.
    views: Mutex<BTreeMap<Namespace, DomainView>>,
}

impl<'a> Net<'a> {
    /// Over `client` and `resolver`, which are `settings`' own.
    pub fn new(settings: &'a Settings, client: &'a HttpClient, resolver: &'a Resolver) -> Self {
        Self {
            registries: RegistryClient::new(settings, client),
            transport: client,
            resolver,
            lines: Mutex::default(),
            views: Mutex::default(),
        }
    }

    /// The configuration of an index.
    ///
    /// # Errors
    /// It cannot be had or read.
    pub fn config(&self, index: &IndexUrl) -> Result<IndexConfig, RegistryError> {
        self.registries.index_config(index)
    }

    /// The lines of crates, with the full error; kept for the verification.
    ///
    /// # Errors
    /// For each: it cannot be had or read.
    pub fn lines(&self, wanted: &[(IndexUrl, CrateName)]) -> Vec<Result<Vec<IndexLine>, RegistryError>> {
        let mut kept = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let missing: Vec<_> =
            wanted.iter().filter(|question| !kept.contains_key(question)).cloned().collect();
        let mut asked = self.registries.index_lines(&missing).into_iter();
        let mut answers = Vec::new();
        for question in wanted {
            let answer = match kept.get(question) {
                Some(lines) => Ok(lines.clone()),
                None => asked.next().unwrap_or_else(|| {
                    let (index, name) = question.clone();
                    Err(RegistryError::UnknownCrate { name, index })
                }),
            };
            if let Ok(lines) = &answer {
                kept.insert(question.clone(), lines.clone());
            }
            answers.push(answer);
        }
        answers
    }

    fn network<T>(&self, ask: impl FnOnce(&Network<'_>) -> T) -> T {
        ask(&Network { registries: &self.registries, transport: self.transport, resolver: self.resolver })
    }
}

impl Sources for Net<'_> {
    fn configs(&self, indexes: &[IndexUrl]) -> Vec<Result<IndexConfig, SourceError>> {
        self.network(|network| network.configs(indexes))
    }

    fn index_files(&self, wanted: &[(IndexUrl, CrateName)]) -> Vec<Lines> {
        let known = self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let missing: Vec<_> =
            wanted.iter().filter(|question| !known.contains_key(question)).cloned().collect();
        let mut asked = self.network(|network| network.index_files(&missing)).into_iter();
        let lost = || Err(SourceError::Unreachable("it was not asked for".to_owned()));
        wanted
            .iter()
            .map(|question| match known.get(question) {
                Some(lines) => Ok(lines.clone()),
                None => asked.next().unwrap_or_else(lost),
            })
            .collect()
    }

    fn crate_files(&self, wanted: &[CrateWanted]) -> Vec<Result<PathBuf, SourceError>> {
        self.network(|network| network.crate_files(wanted))
    }

    fn domains(&self, namespaces: &[Namespace]) -> Vec<DomainView> {
        let mut known = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        let missing: Vec<Namespace> =
            namespaces.iter().filter(|namespace| !known.contains_key(namespace)).cloned().collect();
        if !missing.is_empty() {
            let views = self.network(|network| network.domains(&missing));
            known.extend(views.into_iter().map(|view| (view.namespace().clone(), view)));
        }
        namespaces.iter().filter_map(|namespace| known.get(namespace).cloned()).collect()
    }
}

impl std::fmt::Debug for Net<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Net").finish_non_exhaustive()
    }
}
