//! Reads the index files that Cargo will ask for before Cargo does, with limits.
//!
//! Cargo limits neither how long nor how much an index may answer: a host that never stops answering would keep Cargo
//! waiting and fill the memory. So the crates to add are followed through the dependencies of their newest releases, as the
//! resolver would follow them, and a host that cannot be read is reported before Cargo runs. The verification takes the
//! files that were read here, so no file is fetched twice.

use std::collections::BTreeSet;

use cargo_namespaces::index::{DependencyKind, IndexLine};
use cargo_namespaces::name::{CRATES_IO_INDEX, CrateName, IndexUrl};
use cargo_namespaces_cli::interrupt::{self, Interrupted};
use cargo_namespaces_cli::registry_client::RegistryError;
use cargo_namespaces_net::client::TransportErrorKind;
use semver::VersionReq;

use crate::newest::newest;
use crate::sources::ProjectSources;

/// At most so many index files are read ahead, so that the preflight ends. Cargo reads the others itself, and is ended if it
/// takes too much memory or makes no progress.
const MAX_FILES: usize = 2000;

/// One crate that Cargo will look up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IndexLookup {
    pub index: IndexUrl,
    pub krate: CrateName,
    /// The requirement, as written.
    pub req: Option<String>,
    /// Whether Cargo looks it up only if a feature asks for it.
    pub optional: bool,
}

/// A host could not be read.
#[derive(Debug, thiserror::Error)]
pub enum PreflightError {
    /// The `config.json` of an index.
    #[error("failed to look up `{krate}`")]
    Config {
        krate: CrateName,
        #[source]
        source: RegistryError,
    },
    #[error("failed to look up the dependency `{krate}`")]
    IndexFile {
        krate: CrateName,
        #[source]
        source: RegistryError,
    },
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

/// Follows `lookups` through the indexes; the dependencies of one level are read in parallel.
///
/// # Errors
/// A host does not answer, or does not stop answering. What an index lacks is left for Cargo to report.
pub fn read_indexes(
    sources: &ProjectSources<'_>,
    mut lookups: Vec<IndexLookup>,
) -> Result<(), PreflightError> {
    let mut seen: BTreeSet<IndexLookup> = BTreeSet::new();
    let mut configured: BTreeSet<IndexUrl> = BTreeSet::new();
    while !lookups.is_empty() && seen.len() < MAX_FILES {
        lookups.retain(|lookup| seen.insert(lookup.clone()));
        for lookup in &lookups {
            // Cargo reads `config.json` before any other file of an index.
            if configured.insert(lookup.index.clone())
                && let Err(source) = sources.config(&lookup.index)
                && must_stop(lookup, &source)
            {
                return Err(PreflightError::Config { krate: lookup.krate.clone(), source });
            }
        }
        let crates: Vec<_> =
            lookups.iter().map(|lookup| (lookup.index.clone(), lookup.krate.clone())).collect();
        let mut next = Vec::new();
        for (lookup, lines) in lookups.iter().zip(sources.lines_or_cached(&crates)) {
            match lines {
                Ok(lines) => next.extend(dependencies_of(lookup, &lines)),
                Err(source) if must_stop(lookup, &source) => {
                    return Err(PreflightError::IndexFile { krate: lookup.krate.clone(), source });
                }
                Err(_) => {}
            }
        }
        interrupt::check()?;
        lookups = next;
    }
    Ok(())
}

/// Whether Cargo must not ask the host that this error came from. Cargo may never look up an optional dependency: there,
/// only a host stops the run that would keep Cargo waiting.
fn must_stop(lookup: &IndexLookup, error: &RegistryError) -> bool {
    let error = match error {
        RegistryError::Shared(shared) => return must_stop(lookup, shared),
        RegistryError::Transport(error) => error,
        _ => return false,
    };
    match error.kind {
        TransportErrorKind::TooLarge | TransportErrorKind::Timeout | TransportErrorKind::Interrupted => true,
        TransportErrorKind::Offline => false,
        _ => !lookup.optional,
    }
}

/// The dependencies of the newest release that fits, without those on crates.io.
fn dependencies_of(lookup: &IndexLookup, lines: &[IndexLine]) -> Vec<IndexLookup> {
    let req = lookup.req.as_deref().and_then(|req| VersionReq::parse(req).ok());
    let available = lines.iter().filter(|line| !line.yanked);
    let release = newest(available, |line| &line.vers, req.as_ref());
    let dependencies = release.into_iter().flat_map(|line| &line.deps);
    let built = dependencies.filter(|dependency| dependency.kind != DependencyKind::Dev);
    built
        .filter_map(|dependency| {
            let index = match dependency.registry.as_deref() {
                None => lookup.index.clone(),
                Some(CRATES_IO_INDEX) => return None,
                Some(url) => IndexUrl::parse(url).ok()?,
            };
            let krate = CrateName::parse(dependency.package.as_deref().unwrap_or(&dependency.name)).ok()?;
            let optional = dependency.optional || lookup.optional;
            Some(IndexLookup { index, krate, req: Some(dependency.req.clone()), optional })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(version: &str, deps: &[serde_json::Value]) -> IndexLine {
        let zeros = "0".repeat(64);
        let line = serde_json::json!({
            "name": "a", "vers": version, "deps": deps, "cksum": zeros, "features": {}, "yanked": false,
        });
        serde_json::from_value(line).unwrap()
    }

    fn dependency(name: &str, registry: Option<&str>, kind: &str) -> serde_json::Value {
        serde_json::json!({
            "name": name, "req": "^1", "features": [], "optional": false, "default_features": true, "target": null,
            "kind": kind, "registry": registry,
        })
    }

    #[test]
    fn the_newest_release_is_followed_into_namespaces_only() {
        let index = IndexUrl::parse("sparse+https://a.example/i/").unwrap();
        let lookup = IndexLookup {
            index,
            krate: CrateName::parse("a").unwrap(),
            req: Some("^1".to_owned()),
            optional: false,
        };
        let lines = [
            line("1.0.0", &[dependency("old", None, "normal")]),
            line(
                "1.1.0",
                &[
                    dependency("own", None, "normal"),
                    dependency("io", Some(CRATES_IO_INDEX), "normal"),
                    dependency("dev", None, "dev"),
                    dependency("other", Some("sparse+https://b.example/i/"), "build"),
                ],
            ),
            line("2.0.0", &[]),
        ];
        let found: Vec<String> = dependencies_of(&lookup, &lines)
            .iter()
            .map(|lookup| format!("{} {}", lookup.krate, lookup.index.host()))
            .collect();
        assert_eq!(found, ["own a.example", "other b.example"]);
    }
}
