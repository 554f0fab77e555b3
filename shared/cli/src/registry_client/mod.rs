//! Reading registries: an index's configuration, its lines for some crates, and .crate files.
//!
//! A namespace *is* its canonical index; where its files come from may be replaced in Cargo's `[source]` table, and then
//! they come from there here too, under the same identity. What is fetched is kept in Cargo's home:
//!
//! ```text
//! $CARGO_HOME/namespaces/index/<host>-<hash>/config.json   with its ETag, see `cache`
//! $CARGO_HOME/namespaces/index/<host>-<hash>/se/rd/serde-abc
//! $CARGO_HOME/namespaces/crates/<sha256>.crate
//! ```
//!
//! An index file that was fetched before is asked for again only if it changed; offline, the kept one is the answer. A
//! .crate is taken from Cargo's own cache when its hash is the right one. Nothing is believed for being in a cache: lines
//! and crates are verified each time by who uses them.

mod access;
mod arriving;
mod cache;
mod crates;
mod error;
mod told;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::network::Transport;
use crate::settings::{Replacement, Settings};
use crate::shell::Shell;
use cargo_namespaces::index::{IndexConfig, IndexLine, parse_index_file, with_known_yanks};
use cargo_namespaces::name::{CrateName, IndexUrl};
use cargo_namespaces_net::client::Outcome;
use cargo_namespaces_net::fs;
use cargo_namespaces_net::sparse::{Answer, IndexFile};

pub use access::SignIn;
use cache::Cached;
pub use crates::{CrateOrigin, CrateRef};
pub use error::{RegistryError, WrongChecksum, needs_token};

/// Reads indexes and crates for one command.
pub struct RegistryClient<'a> {
    settings: &'a Settings,
    transport: &'a dyn Transport,
    /// The configurations read so far: one question a run.
    configs: Mutex<BTreeMap<IndexUrl, IndexConfig>>,
    /// The indexes that did not answer and whose kept files were taken; none where that is not allowed.
    stale: Option<Mutex<BTreeMap<IndexUrl, String>>>,
    /// Where downloads are told of.
    shell: Option<&'a Shell>,
}

impl std::fmt::Debug for RegistryClient<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RegistryClient").finish_non_exhaustive()
    }
}

impl<'a> RegistryClient<'a> {
    /// A client for these settings.
    pub fn new(settings: &'a Settings, transport: &'a dyn Transport) -> Self {
        Self { settings, transport, configs: Mutex::default(), stale: None, shell: None }
    }

    /// Tells on `shell` of downloads, in Cargo's words.
    #[must_use]
    pub fn telling(mut self, shell: &'a Shell) -> Self {
        self.shell = Some(shell);
        self
    }

    /// Takes the kept files of an index that does not answer. Only for releases that are locked already: what is new must be
    /// asked for.
    #[must_use]
    pub fn accept_kept(mut self) -> Self {
        self.stale = Some(Mutex::default());
        self
    }

    /// The indexes that did not answer and whose kept files were taken, each with why it did not.
    pub fn kept(&self) -> BTreeMap<IndexUrl, String> {
        let kept = self.stale.as_ref();
        kept.map(|kept| kept.lock().unwrap_or_else(PoisonError::into_inner).clone()).unwrap_or_default()
    }

    /// The `config.json` of an index.
    ///
    /// # Errors
    /// It cannot be read, or is not one.
    pub fn index_config(&self, index: &IndexUrl) -> Result<IndexConfig, RegistryError> {
        let mut found = self.index_configs(std::slice::from_ref(index));
        found.pop().unwrap_or_else(|| Err(RegistryError::NoIndex { index: index.clone() }))
    }

    /// As [`RegistryClient::index_config`] for several, in parallel and in their order.
    pub fn index_configs(&self, indexes: &[IndexUrl]) -> Vec<Result<IndexConfig, RegistryError>> {
        let known = |index: &IndexUrl| {
            let configs = self.configs.lock().unwrap_or_else(PoisonError::into_inner);
            configs.get(index).cloned()
        };
        let mut asked: Vec<IndexUrl> =
            indexes.iter().filter(|index| known(index).is_none()).cloned().collect();
        asked.sort();
        asked.dedup();
        let wanted: Vec<IndexFile> = asked.iter().map(IndexFile::config).collect();
        let mut failed = BTreeMap::new();
        for (index, file) in asked.into_iter().zip(self.index_files(&wanted)) {
            let config = file.and_then(|bytes| {
                let bytes = bytes.ok_or_else(|| RegistryError::NoIndex { index: index.clone() })?;
                IndexConfig::parse(&bytes, &index)
                    .map_err(|source| RegistryError::Config { index: index.clone(), source })
            });
            match config {
                Ok(config) => {
                    let mut configs = self.configs.lock().unwrap_or_else(PoisonError::into_inner);
                    configs.insert(index, config);
                }
                Err(error) => {
                    failed.insert(index, Arc::new(error));
                }
            }
        }
        indexes
            .iter()
            .map(|index| match (known(index), failed.get(index)) {
                (Some(config), _) => Ok(config),
                (None, Some(error)) => Err(RegistryError::Shared(Arc::clone(error))),
                (None, None) => Err(RegistryError::NoIndex { index: index.clone() }),
            })
            .collect()
    }

    /// All releases of each crate, in parallel and in the order asked. A crate that the index does not know is
    /// [`RegistryError::UnknownCrate`]: never looked for elsewhere.
    pub fn index_lines(
        &self,
        crates: &[(IndexUrl, CrateName)],
    ) -> Vec<Result<Vec<IndexLine>, RegistryError>> {
        let wanted = files_of(crates);
        let read = |file: Result<Option<Vec<u8>>, RegistryError>, index: &IndexUrl, name: &CrateName| {
            let Some(bytes) = file? else {
                return Err(RegistryError::UnknownCrate { name: name.clone(), index: index.clone() });
            };
            parse_index_file(&bytes).map_err(|source| RegistryError::IndexFile {
                name: name.clone(),
                index: index.clone(),
                source: Box::new(source),
            })
        };
        self.index_files(&wanted)
            .into_iter()
            .zip(crates)
            .map(|(file, (index, name))| read(file, index, name))
            .collect()
    }

    /// The index file of each crate as it was published, in parallel and in the order asked; its lines are not looked at.
    pub fn index_texts(&self, crates: &[(IndexUrl, CrateName)]) -> Vec<Result<Vec<u8>, RegistryError>> {
        let wanted = files_of(crates);
        let unknown = |(index, name): &(IndexUrl, CrateName)| RegistryError::UnknownCrate {
            name: name.clone(),
            index: index.clone(),
        };
        let files = self.index_files(&wanted).into_iter().zip(crates);
        files.map(|(file, asked)| file?.ok_or_else(|| unknown(asked))).collect()
    }

    /// The wanted files' bytes; `None` where the index says that there is none.
    fn index_files(&self, wanted: &[IndexFile]) -> Vec<Result<Option<Vec<u8>>, RegistryError>> {
        let mut results: Vec<Option<Result<Option<Vec<u8>>, RegistryError>>> = Vec::new();
        let mut requests = Vec::new();
        // For each request: which file it is for, from which place, and what is known of it.
        let mut pending: Vec<(usize, IndexUrl, PathBuf, Option<Cached>)> = Vec::new();
        for (at, file) in wanted.iter().enumerate() {
            results.push(match self.place_of(&file.index) {
                Ok(Replacement::LocalRegistry(directory)) => {
                    let path = directory.join("index").join(&file.path);
                    Some(fs::read_if_exists(&path).map_err(RegistryError::from))
                }
                Ok(Replacement::Index(from)) => {
                    let path = self.cached_path(&from, &file.path);
                    let cached = Cached::read(&path);
                    if self.settings.offline() {
                        let missing = || RegistryError::NotCached { url: from.join(&file.path) };
                        Some(cached.map(|cached| Some(cached.body)).ok_or_else(missing))
                    } else {
                        let known = cached.as_ref().map(|cached| &cached.validators);
                        requests.push((from.clone(), file.request(&from, known)));
                        pending.push((at, from, path, cached));
                        None
                    }
                }
                Ok(Replacement::Directory(_)) => None,
                Err(error) => Some(Err(error)),
            });
        }
        for ((at, from, path, cached), outcome) in pending.into_iter().zip(self.fetch_authorized(&requests)) {
            results[at] = Some(match self.kept_instead(&outcome, &from, cached.as_ref()) {
                Some(body) => Ok(Some(body)),
                None => self.answered(outcome, &from, &path, cached),
            });
        }
        let unanswered = |file: &IndexFile| RegistryError::NotCached { url: file.index.join(&file.path) };
        results
            .into_iter()
            .zip(wanted)
            .map(|(result, file)| result.unwrap_or_else(|| Err(unanswered(file))))
            .collect()
    }

    /// The kept file, where the host is down and that is allowed.
    fn kept_instead(&self, outcome: &Outcome, from: &IndexUrl, cached: Option<&Cached>) -> Option<Vec<u8>> {
        let kept = self.stale.as_ref()?;
        let why = match outcome {
            Ok(response) if response.status >= 500 => format!("it answered with status {}", response.status),
            Err(error) if error.is_silence() => error.to_string(),
            _ => return None,
        };
        let body = cached?.body.clone();
        kept.lock().unwrap_or_else(PoisonError::into_inner).entry(from.clone()).or_insert(why);
        Some(body)
    }

    /// Where an index's files come from. A directory of unpacked crates holds no index: the canonical one is read.
    fn place_of(&self, index: &IndexUrl) -> Result<Replacement, RegistryError> {
        Ok(match self.settings.replacement_of(index)? {
            Replacement::Directory(_) => Replacement::Index(index.clone()),
            place => place,
        })
    }

    fn answered(
        &self,
        outcome: Outcome,
        from: &IndexUrl,
        path: &Path,
        cached: Option<Cached>,
    ) -> Result<Option<Vec<u8>>, RegistryError> {
        let response = outcome?;
        let url = response.url.clone();
        match (Answer::of(response, cached.is_some()), cached) {
            (Answer::File { body, validators }, cached) => {
                let mut kept = Cached { validators, body };
                let old = cached.or_else(|| Cached::read(&left(path)));
                if let Some(complete) = old.and_then(|old| with_known_yanks(&kept.body, &old.body)) {
                    kept.body = complete;
                }
                // A cache that cannot be written makes the next run slower, not this one wrong.
                let _ = kept.write(path);
                Ok(Some(kept.body))
            }
            (Answer::Unchanged, cached) => Ok(cached.map(|cached| cached.body)),
            // It may come back without a yank that was known.
            (Answer::Absent, cached) => {
                if let Some(cached) = cached {
                    let _ = cached.write(&left(path));
                }
                let _ = fs::remove_file(path);
                Ok(None)
            }
            (Answer::Forbidden, _) => {
                let (problem, asked) = self.no_token(from);
                Err(RegistryError::NeedsToken { index: from.clone(), problem, asked })
            }
            (Answer::Other(status), _) => Err(RegistryError::Status { url, status }),
        }
    }

    fn cached_path(&self, index: &IndexUrl, path: &str) -> PathBuf {
        self.settings.cache().join("index").join(cache::directory_name(index)).join(Path::new(path))
    }
}

/// Where an index file is kept that its index does not have any more. No name in an index has a dot.
fn left(path: &Path) -> PathBuf {
    path.with_extension("left")
}

fn files_of(crates: &[(IndexUrl, CrateName)]) -> Vec<IndexFile> {
    crates.iter().map(|(index, name)| IndexFile::of_crate(index, name)).collect()
}

#[cfg(test)]
mod tests;
