//! Are the releases verified? Index lines, .crates, and the registries that the lines name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::state::{Checked, Registry, Run, unavailable};
use super::{CrateWanted, ProblemKind, SourceError, Wanted, dependencies};
use crate::crate_file::CrateFile;
use cargo_namespaces::domain_view::DomainView;
use cargo_namespaces::index::IndexLine;
use cargo_namespaces::integrity::{IntegrityError, VerifiedRelease, check_integrity};
use cargo_namespaces::name::{CRATES_IO_INDEX, CrateName, IndexUrl, Namespace, QualifiedName};
use cargo_namespaces::trust::{Entering, Note};

/// A release whose index line was found.
struct Found {
    name: QualifiedName,
    wanted: Wanted,
    index: IndexUrl,
    line: IndexLine,
    /// The lines whose yanks matter: its own, and, where Cargo chose the release, those that it chose among.
    yanks: Vec<IndexLine>,
}

impl Found {
    fn crate_wanted(&self) -> CrateWanted {
        CrateWanted {
            index: self.index.clone(),
            name: self.wanted.krate.clone(),
            version: self.wanted.version.clone(),
            digest: self.line.cksum,
        }
    }
}

impl Run<'_> {
    /// Reads the index lines and the .crates, and checks that they are verified.
    pub(super) fn check(&mut self, registries: &[Registry]) -> Vec<Checked> {
        let mut files: BTreeSet<(IndexUrl, CrateName)> = BTreeSet::new();
        for registry in registries {
            files.extend(
                registry.releases.iter().map(|wanted| (registry.index.clone(), wanted.krate.clone())),
            );
        }
        let files: Vec<(IndexUrl, CrateName)> = files.into_iter().collect();
        let answers = if files.is_empty() { Vec::new() } else { self.sources.index_files(&files) };
        let lines: BTreeMap<&(IndexUrl, CrateName), _> = files.iter().zip(&answers).collect();
        let mut found = Vec::new();
        for registry in registries {
            for wanted in &registry.releases {
                let lines = lines.get(&(registry.index.clone(), wanted.krate.clone()));
                found.extend(self.find_line(registry, wanted, lines.expect("every file was asked for")));
            }
        }
        self.check_crates(found)
    }

    fn find_line(
        &mut self,
        registry: &Registry,
        wanted: &Wanted,
        lines: &Result<Vec<IndexLine>, SourceError>,
    ) -> Option<Found> {
        let name = QualifiedName { namespace: registry.namespace.clone(), krate: wanted.krate.clone() };
        let subject = format!("{name} v{}", wanted.version);
        let index = registry.index.clone();
        match lines {
            Ok(lines) => match lines.iter().find(|line| line.vers == wanted.version) {
                Some(line) => {
                    let matters = |other: &&IndexLine| {
                        (other.yanked || !other.yank_attestations.is_empty())
                            && (wanted.entering != Entering::Locked || other.vers == line.vers)
                    };
                    let yanks = lines.iter().filter(matters).cloned().collect();
                    return Some(Found { name, wanted: wanted.clone(), index, line: line.clone(), yanks });
                }
                None => self.problem(subject, ProblemKind::NotInIndex { index }),
            },
            Err(SourceError::Absent) => self.problem(subject, ProblemKind::NotInIndex { index }),
            Err(error) => self.problem(subject, unavailable("its index file", error.clone())),
        }
        None
    }

    /// Gets the .crates and checks each, on as many threads as there are processors: hashing and inflating is what a
    /// warm run consists of. At most one .crate a thread is in memory.
    fn check_crates(&self, found: Vec<Found>) -> Vec<Checked> {
        let wanted: Vec<CrateWanted> = found.iter().map(Found::crate_wanted).collect();
        let files = if wanted.is_empty() { Vec::new() } else { self.sources.crate_files(&wanted) };
        let next = AtomicUsize::new(0);
        let results = Mutex::new(BTreeMap::new());
        let work = || {
            while let Some(at) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|at| *at < found.len()) {
                let result = check_one(&found[at], &files[at], self.request.patched);
                results.lock().expect("no thread panics while it holds the lock").insert(at, result);
            }
        };
        let threads = thread::available_parallelism().map_or(1, usize::from).min(found.len());
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(work);
            }
        });
        let results = results.into_inner().expect("the threads have ended").into_values();
        let checked = |(found, verified)| {
            let Found { name, wanted, index, line, yanks } = found;
            Checked { name, wanted, index, line, yanks, verified }
        };
        found.into_iter().zip(results).map(checked).collect()
    }

    /// Checks the registries that index lines name and the lock file does not: those of optional dependencies, and of
    /// other platforms. What is locked has been vetted with them, so only what enters is looked at.
    pub(super) fn dependency_registries(&mut self, registries: &[Registry], checked: &[Checked]) {
        let mut named: BTreeMap<IndexUrl, Vec<(String, String)>> = BTreeMap::new();
        for release in checked.iter().filter(|release| release.wanted.entering != Entering::Locked) {
            for dependency in &release.line.deps {
                let Some(url) = dependency.registry.as_deref().filter(|url| *url != CRATES_IO_INDEX) else {
                    continue;
                };
                let Ok(url) = IndexUrl::parse(url) else { continue };
                let known = registries.iter().any(|registry| registry.index == url)
                    || self.request.trust_file.namespace_of(&url).is_some();
                if !known {
                    let subject = format!("{} v{}", release.name, release.wanted.version);
                    named.entry(url).or_default().push((subject, dependency.name.clone()));
                }
            }
        }
        let urls: Vec<IndexUrl> = named.keys().cloned().collect();
        let configs = if self.request.offline { Vec::new() } else { self.ask_configs(&urls) };
        let claims: Vec<Option<Namespace>> =
            configs.into_iter().map(|config| config.ok().and_then(|config| config.namespace)).collect();
        let to_ask = self.domains_to_ask(claims.iter().flatten());
        if !to_ask.is_empty() {
            let views = self.sources.domains(&to_ask);
            self.take_views(views);
        }
        let mut claims = claims.into_iter();
        for (found, users) in named {
            let namespace = claims.next().flatten();
            let view = namespace.as_ref().and_then(|namespace| self.views.get(namespace));
            match (namespace.clone(), view.map(DomainView::declared_index)) {
                (Some(_), Some(Ok(declared))) if declared == found => {}
                (Some(namespace), Some(Ok(declared))) => {
                    for (subject, dependency) in users {
                        let (found, namespace, declared) = (found.clone(), namespace.clone(), declared.clone());
                        self.problem(subject, ProblemKind::DependencyRegistry { dependency, found, namespace, declared });
                    }
                }
                _ => self.notes.push(Note {
                    code: "dependency-registry-unchecked",
                    warning: false,
                    trusted: None,
                    text: format!(
                        "{} names {found} for a dependency that is not in the lock file; whose that registry is was \
                         not found out",
                        users[0].0
                    ),
                }),
            }
        }
    }
}

/// The lock file and the index line disagree: no .crate can be right.
fn check_lock(found: &Found) -> Result<(), ProblemKind> {
    match found.wanted.checksum {
        Some(lock) if lock != found.line.cksum => {
            let found = found.line.cksum;
            Err(ProblemKind::Integrity(Box::new(IntegrityError::LockChecksum { found, lock })))
        }
        _ => Ok(()),
    }
}

fn check_one(
    found: &Found,
    file: &Result<PathBuf, SourceError>,
    patched: &BTreeSet<String>,
) -> Result<VerifiedRelease, ProblemKind> {
    check_lock(found)?;
    let path = file.as_ref().map_err(|error| unavailable("its .crate", error.clone()))?;
    let unreadable = |reason: String| ProblemKind::Unreadable { what: path.display().to_string(), reason };
    let archive = CrateFile::read(path).map_err(|error| unreadable(error.to_string()))?;
    let archive = archive.ok_or_else(|| unreadable("it is no file, or larger than any .crate".to_owned()))?;
    let verified =
        check_integrity(&found.line, &archive, found.wanted.checksum.as_ref(), &found.name, &found.index)
            .map_err(|error| ProblemKind::Integrity(Box::new(error)))?;
    dependencies::check(&found.line, &found.index, &found.wanted.dependencies, patched)?;
    Ok(verified)
}
