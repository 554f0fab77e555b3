//! The network of one run: indexes, .crates and domains, each asked once.
//!
//! What is locked already is not asked for again: its index line is signed, and its checksum stands in the lock file, so
//! a kept index file is as good as a fresh one. For what enters, the index itself is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cargo_namespaces::domain_view::DomainView;
use cargo_namespaces::index::{IndexConfig, IndexLine};
use cargo_namespaces::lockfile::{LockSource, LockedPackage};
use cargo_namespaces::name::{CrateName, IndexUrl, Namespace};
use cargo_namespaces_cli::registry_client::{RegistryClient, RegistryError};
use cargo_namespaces_cli::settings::Settings;
use cargo_namespaces_cli::verify::{CrateWanted, Network, SourceError, Sources};
use cargo_namespaces_net::client::{HttpClient, Transport};
use cargo_namespaces_net::resolver::Resolver;
use semver::Version;

/// A crate in a registry.
pub type Place = (IndexUrl, CrateName);

type Lines = Result<Vec<IndexLine>, SourceError>;

/// What a run asks with. Made before [`Net`], which borrows it.
#[derive(Debug)]
pub struct Means {
    client: HttpClient,
    resolver: Resolver,
    settings: Settings,
    /// The same, with the caches only.
    offline: Settings,
}

impl Means {
    /// As the user configured.
    pub fn new(settings: &Settings) -> Self {
        let mut offline = settings.clone();
        offline.http.offline = true;
        Self {
            client: HttpClient::new(settings.http.clone()),
            resolver: settings.resolver(),
            settings: settings.clone(),
            offline,
        }
    }
}

/// What the run asks; [`Sources`] for the verification.
pub struct Net<'a> {
    registries: RegistryClient<'a>,
    caches: RegistryClient<'a>,
    transport: &'a dyn Transport,
    resolver: &'a Resolver,
    /// What was read already.
    lines: Mutex<BTreeMap<Place, Vec<IndexLine>>>,
    /// The crates of which only locked releases are wanted, and which.
    settled: Mutex<BTreeMap<Place, BTreeSet<Version>>>,
    /// Locked while domains are asked, so that who comes second waits for the answer and does not ask again.
    views: Mutex<BTreeMap<Namespace, DomainView>>,
}

impl<'a> Net<'a> {
    /// With these means.
    pub fn new(means: &'a Means) -> Self {
        Self {
            registries: RegistryClient::new(&means.settings, &means.client),
            caches: RegistryClient::new(&means.offline, &means.client),
            transport: &means.client,
            resolver: &means.resolver,
            lines: Mutex::default(),
            settled: Mutex::default(),
            views: Mutex::default(),
        }
    }

    /// Says which packages were locked before and which are wanted now: a crate of which nothing new is wanted is read
    /// from the caches.
    pub fn settle(&self, before: &[LockedPackage], now: &[LockedPackage]) {
        let mut settled: BTreeMap<Place, BTreeSet<Version>> = BTreeMap::new();
        let mut new: BTreeSet<Place> = BTreeSet::new();
        for package in now {
            let LockSource::Registry(index) = &package.source else { continue };
            let Ok(krate) = CrateName::parse(&package.name) else { continue };
            let place = (index.clone(), krate);
            let is_same = |old: &LockedPackage| {
                old.name == package.name
                    && old.version == package.version
                    && old.source == package.source
                    && old.checksum == package.checksum
            };
            if before.iter().any(is_same) {
                settled.entry(place).or_default().insert(package.version.clone());
            } else {
                new.insert(place);
            }
        }
        settled.retain(|place, _| !new.contains(place));
        *lock(&self.settled) = settled;
    }

    /// The configuration of an index.
    ///
    /// # Errors
    /// It cannot be had or read.
    pub fn config(&self, index: &IndexUrl) -> Result<IndexConfig, RegistryError> {
        self.registries.index_config(index)
    }

    /// The lines of crates as the indexes have them now, with the full error; kept for the verification.
    ///
    /// # Errors
    /// For each: it cannot be had or read.
    pub fn lines(&self, wanted: &[Place]) -> Vec<Result<Vec<IndexLine>, RegistryError>> {
        let known = lock(&self.lines).clone();
        let missing: BTreeSet<&Place> = wanted.iter().filter(|place| !known.contains_key(place)).collect();
        let missing: Vec<Place> = missing.into_iter().cloned().collect();
        let mut asked: BTreeMap<Place, Result<Vec<IndexLine>, RegistryError>> =
            missing.iter().cloned().zip(self.registries.index_lines(&missing)).collect();
        let mut kept = lock(&self.lines);
        for (place, answer) in &asked {
            if let Ok(lines) = answer {
                kept.insert(place.clone(), lines.clone());
            }
        }
        let answer = |place: &Place| match kept.get(place) {
            Some(lines) => Ok(lines.clone()),
            // The same question twice, and failed: once is enough to tell.
            None => asked.remove(place).unwrap_or_else(|| {
                let (index, name) = place.clone();
                Err(RegistryError::UnknownCrate { name, index })
            }),
        };
        wanted.iter().map(answer).collect()
    }

    /// As [`Net::lines`]; settled crates from the caches.
    ///
    /// # Errors
    /// As [`Net::lines`].
    pub fn lines_ahead(&self, wanted: &[Place]) -> Vec<Result<Vec<IndexLine>, RegistryError>> {
        self.read_settled(wanted);
        self.lines(wanted)
    }

    /// Takes what is settled from the caches, where they have every wanted release.
    fn read_settled(&self, wanted: &[Place]) {
        let settled = lock(&self.settled).clone();
        let mut kept = lock(&self.lines);
        let places: Vec<Place> = wanted
            .iter()
            .filter(|place| settled.contains_key(place) && !kept.contains_key(place))
            .cloned()
            .collect();
        for (place, answer) in places.iter().zip(self.caches.index_lines(&places)) {
            let Ok(lines) = answer else { continue };
            let has = |version: &Version| lines.iter().any(|line| line.vers == *version);
            if settled.get(place).is_some_and(|versions| versions.iter().all(has)) {
                kept.insert(place.clone(), lines);
            }
        }
    }

    fn network<T>(&self, ask: impl FnOnce(&Network<'_>) -> T) -> T {
        ask(&Network { registries: &self.registries, transport: self.transport, resolver: self.resolver })
    }
}

impl Sources for Net<'_> {
    fn configs(&self, indexes: &[IndexUrl]) -> Vec<Result<IndexConfig, SourceError>> {
        self.network(|network| network.configs(indexes))
    }

    fn index_files(&self, wanted: &[Place]) -> Vec<Lines> {
        self.read_settled(wanted);
        let known = lock(&self.lines).clone();
        let missing: BTreeSet<&Place> = wanted.iter().filter(|place| !known.contains_key(place)).collect();
        let missing: Vec<Place> = missing.into_iter().cloned().collect();
        let asked: BTreeMap<Place, Lines> =
            missing.iter().cloned().zip(self.network(|network| network.index_files(&missing))).collect();
        let lost = || Err(SourceError::Unreachable("it was not asked for".to_owned()));
        wanted
            .iter()
            .map(|place| match known.get(place) {
                Some(lines) => Ok(lines.clone()),
                None => asked.get(place).cloned().unwrap_or_else(lost),
            })
            .collect()
    }

    fn crate_files(&self, wanted: &[CrateWanted]) -> Vec<Result<PathBuf, SourceError>> {
        self.network(|network| network.crate_files(wanted))
    }

    fn domains(&self, namespaces: &[Namespace]) -> Vec<DomainView> {
        let mut known = lock(&self.views);
        let missing: Vec<Namespace> =
            namespaces.iter().filter(|namespace| !known.contains_key(namespace)).cloned().collect();
        if !missing.is_empty() {
            let views = self.network(|network| network.domains(&missing));
            known.extend(views.into_iter().map(|view| (view.namespace().clone(), view)));
        }
        namespaces.iter().filter_map(|namespace| known.get(namespace).cloned()).collect()
    }
}

/// A panic elsewhere does not matter to what is kept here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for Net<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Net").finish_non_exhaustive()
    }
}
