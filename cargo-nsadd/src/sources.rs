//! What a run reads: index files, .crates and the documents of domains, each asked once.
//!
//! What is locked already is not asked for again: its index line is signed, and its checksum is in the lock file, so
//! an index file from a cache is as good as a fresh one. For what enters the lock file, the index itself is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cargo_namespaces::domain_view::DomainView;
use cargo_namespaces::index::{IndexConfig, IndexLine};
use cargo_namespaces::lockfile::{LockSource, LockedPackage};
use cargo_namespaces::name::{CrateName, IndexUrl, Namespace};
use cargo_namespaces_cli::network::Network;
use cargo_namespaces_cli::registry_client::{RegistryClient, RegistryError};
use cargo_namespaces_cli::verify::{self, CrateWanted, SourceError, Sources};
use semver::Version;

use crate::context::Context;

/// A crate of an index.
pub type IndexedCrate = (IndexUrl, CrateName);

type IndexFile = Result<Vec<IndexLine>, RegistryError>;

/// What domains publish, each asked once.
#[derive(Debug)]
pub struct Domains {
    network: Arc<Network<'static>>,
    /// Locked while domains are asked: a second thread that needs the same answer waits for it and does not ask again.
    views: Mutex<BTreeMap<Namespace, DomainView>>,
}

impl Domains {
    /// Nothing is asked yet.
    pub fn new(network: &Arc<Network<'static>>) -> Self {
        Self { network: Arc::clone(network), views: Mutex::default() }
    }

    /// What each domain publishes, in the order of `namespaces`. After Ctrl-C, a domain that was not asked before counts
    /// as one that did not answer; the caller stops when it next looks at the flag.
    pub fn views(&self, namespaces: &[Namespace]) -> Vec<DomainView> {
        let mut known = lock(&self.views);
        let missing: Vec<Namespace> =
            namespaces.iter().filter(|namespace| !known.contains_key(namespace)).cloned().collect();
        if !missing.is_empty() {
            let views = self.network.views(&missing).unwrap_or_else(|_interrupted| {
                missing.iter().map(|missing| DomainView::from_observations(missing, Vec::new())).collect()
            });
            known.extend(views.into_iter().map(|view| (view.namespace().clone(), view)));
        }
        namespaces.iter().filter_map(|namespace| known.get(namespace).cloned()).collect()
    }
}

/// What a run on a project reads; [`Sources`] for the verification.
pub struct ProjectSources<'a> {
    registries: RegistryClient<'a>,
    caches: RegistryClient<'a>,
    network: &'a Network<'static>,
    /// What domains publish; shared with the thread that asks ahead.
    pub domains: Arc<Domains>,
    /// The index files that were read.
    lines: Mutex<BTreeMap<IndexedCrate, Vec<IndexLine>>>,
    /// The crates of which only locked releases are wanted, and which releases.
    locked_only: Mutex<BTreeMap<IndexedCrate, BTreeSet<Version>>>,
}

impl<'a> ProjectSources<'a> {
    /// Nothing is read yet.
    pub fn new(context: &'a Context<'_>, domains: &Arc<Domains>) -> Self {
        let network = &*context.network;
        Self {
            registries: RegistryClient::new(&context.settings, network),
            caches: RegistryClient::new(&context.cache_settings, network),
            network,
            domains: Arc::clone(domains),
            lines: Mutex::default(),
            locked_only: Mutex::default(),
        }
    }

    /// Notes which packages were locked `before` and which are wanted `now`. A crate of which nothing new is wanted is
    /// read from the caches.
    pub fn set_wanted(&self, before: &[LockedPackage], now: &[LockedPackage]) {
        let mut locked_only: BTreeMap<IndexedCrate, BTreeSet<Version>> = BTreeMap::new();
        let mut new: BTreeSet<IndexedCrate> = BTreeSet::new();
        for package in now {
            let LockSource::Registry(index) = &package.source else { continue };
            let Ok(name) = CrateName::parse(&package.name) else { continue };
            let krate = (index.clone(), name);
            let is_same = |old: &LockedPackage| {
                old.name == package.name
                    && old.version == package.version
                    && old.source == package.source
                    && old.checksum == package.checksum
            };
            if before.iter().any(is_same) {
                locked_only.entry(krate).or_default().insert(package.version.clone());
            } else {
                new.insert(krate);
            }
        }
        locked_only.retain(|krate, _| !new.contains(krate));
        *lock(&self.locked_only) = locked_only;
    }

    /// The configuration of an index.
    ///
    /// # Errors
    /// It cannot be fetched or parsed.
    pub fn config(&self, index: &IndexUrl) -> Result<IndexConfig, RegistryError> {
        self.registries.index_config(index)
    }

    /// The index file of each crate as the index has it now; kept for the verification.
    pub fn lines(&self, wanted: &[IndexedCrate]) -> Vec<IndexFile> {
        let missing = self.missing(wanted);
        let mut asked: BTreeMap<IndexedCrate, IndexFile> =
            missing.iter().cloned().zip(self.registries.index_lines(&missing)).collect();
        let mut kept = lock(&self.lines);
        for (krate, answer) in &asked {
            if let Ok(lines) = answer {
                kept.insert(krate.clone(), lines.clone());
            }
        }
        let answer = |krate: &IndexedCrate| match kept.get(krate) {
            Some(lines) => Ok(lines.clone()),
            // A crate that is wanted twice and failed: the first answer says why.
            None => asked.remove(krate).unwrap_or_else(|| {
                let (index, name) = krate.clone();
                Err(RegistryError::UnknownCrate { name, index })
            }),
        };
        wanted.iter().map(answer).collect()
    }

    /// As [`ProjectSources::lines`], but a crate of which nothing new is wanted is read from the caches.
    pub fn lines_or_cached(&self, wanted: &[IndexedCrate]) -> Vec<IndexFile> {
        self.read_caches(wanted);
        self.lines(wanted)
    }

    /// Reads the crates of which nothing new is wanted, where the caches have every wanted release.
    fn read_caches(&self, wanted: &[IndexedCrate]) {
        let locked_only = lock(&self.locked_only).clone();
        let crates: Vec<IndexedCrate> =
            self.missing(wanted).into_iter().filter(|krate| locked_only.contains_key(krate)).collect();
        for (krate, answer) in crates.iter().zip(self.caches.index_lines(&crates)) {
            let Ok(lines) = answer else { continue };
            let has = |version: &Version| lines.iter().any(|line| line.vers == *version);
            if locked_only.get(krate).is_some_and(|versions| versions.iter().all(has)) {
                lock(&self.lines).insert(krate.clone(), lines);
            }
        }
    }

    /// The crates among `wanted` whose index file was not read yet, each once.
    fn missing(&self, wanted: &[IndexedCrate]) -> Vec<IndexedCrate> {
        let known = lock(&self.lines);
        let missing: BTreeSet<&IndexedCrate> =
            wanted.iter().filter(|krate| !known.contains_key(krate)).collect();
        missing.into_iter().cloned().collect()
    }

    fn library_sources(&self) -> verify::LiveSources<'_> {
        verify::LiveSources { registries: &self.registries, network: self.network }
    }
}

impl Sources for ProjectSources<'_> {
    fn configs(&self, indexes: &[IndexUrl]) -> Vec<Result<IndexConfig, SourceError>> {
        self.library_sources().configs(indexes)
    }

    fn index_files(&self, wanted: &[IndexedCrate]) -> Vec<Result<Vec<IndexLine>, SourceError>> {
        self.read_caches(wanted);
        let missing = self.missing(wanted);
        let asked: BTreeMap<IndexedCrate, Result<Vec<IndexLine>, SourceError>> =
            missing.iter().cloned().zip(self.library_sources().index_files(&missing)).collect();
        let known = lock(&self.lines);
        let lost = || Err(SourceError::Unreachable("it was not asked for".to_owned()));
        wanted
            .iter()
            .map(|krate| match known.get(krate) {
                Some(lines) => Ok(lines.clone()),
                None => asked.get(krate).cloned().unwrap_or_else(lost),
            })
            .collect()
    }

    fn crate_files(&self, wanted: &[CrateWanted]) -> Vec<Result<PathBuf, SourceError>> {
        self.library_sources().crate_files(wanted)
    }

    fn domains(&self, namespaces: &[Namespace]) -> Vec<DomainView> {
        self.domains.views(namespaces)
    }
}

/// A thread that panicked leaves the maps as they were.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for ProjectSources<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProjectSources").finish_non_exhaustive()
    }
}
