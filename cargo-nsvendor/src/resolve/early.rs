//! Asking Cargo early whether it [resolves](crate::resolve::question) what is locked, before all packages are there.
//!
//! Cargo reads only manifests. A package that is not there yet is replaced by a stub, made of the manifest in a file that has the
//! right name. The answer counts only if the manifests in the end are those that Cargo was asked about.
//!
//! | when | about |
//! |---|---|
//! | at once, while the vendored directory is examined | the packages in it, if few are missing |
//! | when most packages are unpacked | these, and stubs for the largest packages |

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::thread::ScopedJoinHandle;

use cargo_namespaces::digest::Digest;
use cargo_namespaces::lockfile::LockFile;

use super::question::{LocationOf, ResolveQuestion};
use super::stand_in::{small_file, write_stub};
use crate::checksum_list::CHECKSUMS;
use crate::context::Context;
use crate::crate_files::CrateCaches;
use crate::filter::select::PackageKey;
use crate::filter::shape::{MANIFEST, Shape};
use crate::form::Form;
use crate::plan::{Package, Plan, SourceDir};
use crate::project::Project;
use crate::temporary::{self, link};

/// Making more stubs takes longer than an early answer saves.
const MAX_STUBS: usize = 32;

/// Where packages are, by their paths below the vendored directory.
pub type PackageLocations = HashMap<String, PathBuf>;

/// Cargo resolves what is locked, from these manifests.
#[derive(Debug)]
pub struct EarlyAnswer {
    locks: Vec<LockFile>,
    manifests: BTreeMap<PackageKey, Digest>,
    /// Whether the packages that are not among these were compared with their .crates.
    others_are_verified: bool,
}

impl EarlyAnswer {
    /// Asks about the packages of the plan that are at `locations`, and about stubs for the others. Returns `None` if there is no
    /// answer, or if it is no.
    pub fn ask(
        question: ResolveQuestion<'_>,
        locations: &PackageLocations,
        are_verified: bool,
    ) -> Option<Self> {
        let ResolveQuestion { context, plan, locks } = question;
        let project = context.project;
        if plan.packages().any(|(_, package)| package.shape != Shape::Whole) {
            return None;
        }
        let directory = temporary::directory_for_links(&project.settings).ok()?;
        let tree = directory.path().join("vendored");
        let caches = CrateCaches::new(&project.settings);
        let mut manifests = BTreeMap::new();
        for (source, package) in plan.packages() {
            let path = source.path_of(package);
            std::fs::create_dir_all(tree.join(&source.dir)).ok()?;
            let text = match locations.get(&path) {
                Some(place) => {
                    link(place, &tree.join(path)).ok()?;
                    if are_verified {
                        continue;
                    }
                    small_file(&place.join(MANIFEST))?
                }
                None => {
                    let text = caches.likely_manifest(source, package)?;
                    write_stub(&tree.join(path), package, &text).ok().filter(|written| *written)?;
                    text.into_bytes()
                }
            };
            manifests.insert(id(source, package), Digest::of(&text));
        }
        let at = |source: &SourceDir, package: &Package| tree.join(source.path_of(package));
        match question.resolved_in_tree(&directory, &tree, Form::Directory, &at) {
            Ok(None) => Some(Self { locks: locks.to_vec(), manifests, others_are_verified: are_verified }),
            _ => None,
        }
    }

    /// Whether the answer is about the packages that are where `at` says.
    pub fn holds(&self, question: ResolveQuestion<'_>, at: LocationOf<'_>) -> bool {
        self.locks == question.locks
            && question.plan.packages().all(|(source, package)| {
                match self.manifests.get(&id(source, package)) {
                    Some(asked) => std::fs::read(at(source, package).join(MANIFEST))
                        .is_ok_and(|text| Digest::of(&text) == *asked),
                    None => self.others_are_verified,
                }
            })
    }
}

fn id(source: &SourceDir, package: &Package) -> PackageKey {
    (source.source.locked(), package.name.clone(), package.version.clone())
}

/// The answer of a Cargo that is still running.
pub struct PendingAnswer<'scope>(ScopedJoinHandle<'scope, Option<EarlyAnswer>>);

impl<'scope> PendingAnswer<'scope> {
    pub fn new(asked: ScopedJoinHandle<'scope, Option<EarlyAnswer>>) -> Self {
        Self(asked)
    }

    /// Waits for the answer.
    pub fn wait(self) -> Option<EarlyAnswer> {
        self.0.join().expect("asking Cargo does not panic")
    }
}

/// A question that can be asked before anything was examined.
pub struct EarlyQuestion {
    locks: Vec<LockFile>,
    plan: Plan,
    places: PackageLocations,
}

impl EarlyQuestion {
    /// The question about the packages in the vendored directory. Returns `None` if too many are missing.
    pub fn of(project: &Project) -> Option<Self> {
        let locks = project.locks().ok()?;
        // To which namespace an index belongs changes directories only, not what Cargo resolves.
        let plan = Plan::new(&locks, &BTreeMap::new()).ok()?;
        let present = |(source, package): (&SourceDir, &Package)| {
            let path = source.path_of(package);
            let place = project.target.join(&path);
            // Not examined yet: Cargo must not be led to a link or a huge file.
            let is_plain = |name| small_file(&place.join(name)).is_some();
            (is_plain(MANIFEST) && is_plain(CHECKSUMS)).then_some((path, place))
        };
        let places: PackageLocations = plan.packages().filter_map(present).collect();
        let missing = plan.packages().count() - places.len();
        (missing <= MAX_STUBS && !places.is_empty()).then_some(Self { locks, plan, places })
    }

    /// Asks Cargo. Returns `None` if the answer is no.
    pub fn ask(&self, context: &Context<'_>) -> Option<EarlyAnswer> {
        let question = ResolveQuestion { context, plan: &self.plan, locks: &self.locks };
        EarlyAnswer::ask(question, &self.places, false)
    }
}
