//! Finding .crate files: in the caches by their hash, else by download.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use semver::Version;

use super::arriving::Arriving;
use super::told::Told;
use super::{RegistryClient, RegistryError, WrongChecksum};
use crate::interrupt;
use crate::settings::{Replacement, TokenAsked};
use cargo_namespaces::digest::Digest;
use cargo_namespaces::index::IndexConfig;
use cargo_namespaces::index::tree::crate_file_name;
use cargo_namespaces::name::{CrateName, IndexUrl};
use cargo_namespaces_net::client::{Body, Outcome, Request, TransportError, TransportErrorKind};

/// Where a .crate comes from when no cache has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CrateOrigin {
    /// crates.io.
    CratesIo,
    /// The index of a namespace, or what replaces it.
    Index(IndexUrl),
    /// Nowhere: Cargo has fetched it, or it is missing.
    Cache,
}

/// The URL of a .crate, and its index where that is private.
type Download = (String, Option<IndexUrl>);

/// A .crate that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrateRef {
    /// Where it comes from.
    pub origin: CrateOrigin,
    pub name: CrateName,
    pub version: Version,
    /// The SHA-256 of the file.
    pub cksum: Digest,
}

impl CrateRef {
    fn file_name(&self) -> String {
        crate_file_name(&self.name, &self.version)
    }

    fn mismatch(&self, from: &str, found: Digest) -> RegistryError {
        RegistryError::Checksum(Box::new(WrongChecksum {
            name: self.name.clone(),
            version: self.version.clone(),
            from: from.to_owned(),
            expected: self.cksum,
            found,
        }))
    }

    /// The error for a file of Cargo's caches that has another hash, if there is one.
    fn altered_in(&self, caches: &[PathBuf]) -> Option<RegistryError> {
        caches.iter().map(|cache| cache.join(self.file_name())).find_map(|path| {
            let found = hash_of(&path).filter(|found| *found != self.cksum)?;
            Some(self.mismatch(&path.display().to_string(), found))
        })
    }

    fn missing(&self, from: &str) -> RegistryError {
        RegistryError::NoCrate {
            name: self.name.clone(),
            version: self.version.clone(),
            from: from.to_owned(),
        }
    }
}

impl RegistryClient<'_> {
    /// A file with the right hash.
    ///
    /// # Errors
    /// It is nowhere, or has another hash everywhere.
    pub fn crate_file(&self, wanted: &CrateRef) -> Result<PathBuf, RegistryError> {
        let mut found = self.crate_files(std::slice::from_ref(wanted), &mut |_| {});
        found.pop().unwrap_or_else(|| Err(wanted.missing("any place")))
    }

    /// As [`RegistryClient::crate_file`] for many, in their order; what must be downloaded is, in parallel. `each` is
    /// called with a position as its file is found or has failed.
    pub fn crate_files(
        &self,
        wanted: &[CrateRef],
        each: &mut dyn FnMut(usize),
    ) -> Vec<Result<PathBuf, RegistryError>> {
        let caches = self.cargo_caches();
        let mut results: Vec<Option<Result<PathBuf, RegistryError>>> = Vec::new();
        for (at, wanted) in wanted.iter().enumerate() {
            let found = self.cached_crate(wanted, &caches);
            if found.is_some() {
                each(at);
            }
            results.push(found.map(Ok));
            if interrupt::is_set() {
                break;
            }
        }
        results.resize_with(wanted.len(), || None);
        let missing: Vec<usize> = (0..wanted.len()).filter(|at| results[*at].is_none()).collect();
        let urls = self.download_urls(wanted, &missing);
        let mut requests = Vec::new();
        let mut downloading = Vec::new();
        let directory = self.settings.cache().join("crates");
        for (at, url) in urls {
            match url {
                Ok((url, private)) => {
                    downloading.push((at, url.clone(), private.is_some()));
                    let request = Request::download(url, directory.clone());
                    requests.push(match private {
                        Some(index) => self.authorize_download(&index, request),
                        None => request,
                    });
                }
                Err(error) => {
                    // A file that was altered says more than that no other can be fetched.
                    let error = wanted[at].altered_in(&caches).unwrap_or(error);
                    results[at] = Some(Err(error));
                    each(at);
                }
            }
        }
        let mut told = Told::begin(self.shell, requests.len());
        let mut arriving = None;
        if !requests.is_empty() {
            match Arriving::begin(&directory) {
                Ok(begun) => arriving = Some(begun),
                Err(error) => {
                    requests.clear();
                    let error = Arc::new(RegistryError::from(error));
                    for (at, ..) in &downloading {
                        results[*at] = Some(Err(RegistryError::Shared(Arc::clone(&error))));
                    }
                }
            }
        }
        self.transport.fetch_each(requests, &mut |number, outcome| {
            let (at, url, private) = &downloading[number];
            let (file, length) = received(&wanted[*at], url, *private, &directory, outcome);
            told.ended(&wanted[*at].file_name(), length.filter(|_| file.is_ok()));
            results[*at] = Some(file);
            each(*at);
        });
        drop(arriving);
        told.end();
        results
            .into_iter()
            .zip(wanted)
            .map(|(result, wanted)| result.unwrap_or_else(|| Err(wanted.missing("any cache"))))
            .collect()
    }

    /// The directories in which Cargo keeps .crate files, one a registry.
    fn cargo_caches(&self) -> Vec<PathBuf> {
        let cache = self.settings.cargo_home.join("registry").join("cache");
        let entries = std::fs::read_dir(cache).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect()
    }

    /// Our own cache first, then Cargo's, then a local registry. Only the right hash counts.
    fn cached_crate(&self, wanted: &CrateRef, caches: &[PathBuf]) -> Option<PathBuf> {
        let own = self.settings.cache().join("crates").join(format!("{}.crate", wanted.cksum));
        let cargos = caches.iter().map(|cache| cache.join(wanted.file_name()));
        let local = match &wanted.origin {
            CrateOrigin::Index(index) => match self.place_of(index) {
                Ok(Replacement::LocalRegistry(directory)) => Some(directory.join(wanted.file_name())),
                _ => None,
            },
            _ => None,
        };
        std::iter::once(own).chain(cargos).chain(local).find(|path| hash_is(path, &wanted.cksum))
    }

    /// The URL of each missing .crate, by the configuration of its index, and the index where that is private.
    fn download_urls(
        &self,
        wanted: &[CrateRef],
        missing: &[usize],
    ) -> Vec<(usize, Result<Download, RegistryError>)> {
        let places: Vec<_> = missing.iter().map(|at| (*at, self.origin_of(&wanted[*at]))).collect();
        let mut indexes: Vec<IndexUrl> =
            places.iter().filter_map(|(_, place)| place.as_ref().ok()?.clone()).collect();
        indexes.sort();
        indexes.dedup();
        let read = self.index_configs(&indexes);
        let configs: BTreeMap<IndexUrl, _> = indexes.into_iter().zip(read).collect();
        places
            .into_iter()
            .map(|(at, place)| {
                let wanted = &wanted[at];
                let url = match place {
                    Ok(Some(index)) => url_by(wanted, configs.get(&index), &index),
                    Ok(None) => Ok((crates_io_url(wanted), None)),
                    Err(error) => Err(error),
                };
                let offline = self.settings.offline();
                (
                    at,
                    url.and_then(|found| {
                        if offline { Err(RegistryError::NotCached { url: found.0 }) } else { Ok(found) }
                    }),
                )
            })
            .collect()
    }

    /// The index that a .crate is downloaded by; `None` for crates.io.
    fn origin_of(&self, wanted: &CrateRef) -> Result<Option<IndexUrl>, RegistryError> {
        let place = match &wanted.origin {
            CrateOrigin::Cache => return Err(wanted.missing("$CARGO_HOME/registry/cache")),
            CrateOrigin::CratesIo => match self.settings.crates_io_replacement()? {
                Some(place) => place,
                None => return Ok(None),
            },
            CrateOrigin::Index(index) => self.place_of(index)?,
        };
        match place {
            Replacement::Index(from) => Ok(Some(from)),
            Replacement::LocalRegistry(directory) | Replacement::Directory(directory) => {
                let path = directory.join(wanted.file_name());
                match hash_of(&path) {
                    Some(found) => Err(wanted.mismatch(&path.display().to_string(), found)),
                    None => Err(wanted.missing(&path.display().to_string())),
                }
            }
        }
    }
}

fn crates_io_url(wanted: &CrateRef) -> String {
    let name = &wanted.name;
    format!("https://static.crates.io/crates/{name}/{}", wanted.file_name())
}

fn url_by(
    wanted: &CrateRef,
    config: Option<&Result<IndexConfig, RegistryError>>,
    index: &IndexUrl,
) -> Result<Download, RegistryError> {
    match config {
        Some(Ok(config)) => {
            let url = config.download_url(&wanted.name, &wanted.version, &wanted.cksum);
            Ok((url, config.auth_required.then(|| index.clone())))
        }
        Some(Err(RegistryError::Shared(error))) => Err(RegistryError::Shared(Arc::clone(error))),
        _ => Err(RegistryError::NoIndex { index: index.clone() }),
    }
}

/// The file that a download became, and how long its body was.
fn received(
    wanted: &CrateRef,
    url: &str,
    private: bool,
    directory: &Path,
    outcome: Outcome,
) -> (Result<PathBuf, RegistryError>, Option<u64>) {
    let response = match outcome {
        Ok(response) => response,
        Err(error) => return (Err(error.into()), None),
    };
    let failed = match (response.status, response.body) {
        (200, Body::File { path, digest, length }) => {
            return (kept(wanted, url, directory, path, digest), Some(length));
        }
        (404 | 410 | 451, _) => wanted.missing(url),
        (status @ (401 | 403), _) => match &wanted.origin {
            CrateOrigin::Index(index) if private => {
                let problem = format!("`{url}` answered with HTTP status {status}");
                RegistryError::NeedsToken { index: index.clone(), problem, asked: TokenAsked::Nobody }
            }
            _ => RegistryError::Status { url: url.to_owned(), status },
        },
        (status, _) => RegistryError::Status { url: url.to_owned(), status },
    };
    (Err(failed), None)
}

/// Gives a download its name, if it is what was wanted.
fn kept(
    wanted: &CrateRef,
    url: &str,
    directory: &Path,
    path: tempfile::TempPath,
    digest: Digest,
) -> Result<PathBuf, RegistryError> {
    if digest != wanted.cksum {
        return Err(wanted.mismatch(url, digest));
    }
    let kept = directory.join(format!("{digest}.crate"));
    path.persist(&kept)
        .map_err(|error| TransportError::new(TransportErrorKind::Disk, url, error.error.to_string()))?;
    Ok(kept)
}

fn hash_is(path: &Path, cksum: &Digest) -> bool {
    hash_of(path).is_some_and(|found| found == *cksum)
}

fn hash_of(path: &Path) -> Option<Digest> {
    let file = std::fs::File::open(path).ok()?;
    Digest::of_reader(std::io::BufReader::new(file)).ok().map(|(digest, _)| digest)
}
