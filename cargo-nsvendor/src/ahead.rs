//! Cargo's answer to whether it [resolves](crate::resolves) what is locked, before all packages are there.
//!
//! Cargo looks at nothing but the manifests. What is not there yet is stood for by a stub, made of what seems to be its
//! manifest; and the answer counts if the manifests are the ones that Cargo was asked about in the end.
//!
//! | asked | about |
//! |---|---|
//! | at once, while what stands is looked at | what stands in the target, where few packages are missing |
//! | when most is unpacked | what was made, and stubs for the largest packages |

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use cargo_namespaces::digest::Digest;
use cargo_namespaces::lockfile::LockFile;
use cargo_namespaces_cli::shell::Shell;

use crate::archives::Archives;
use crate::extract::CHECKSUMS;
use crate::filter::select::Id;
use crate::filter::shape::{MANIFEST, Shape};
use crate::filter::{small_file, write_stub};
use crate::form::Form;
use crate::plan::{Package, Plan, SourceDir};
use crate::project::Project;
use crate::resolves::{Asking, At, link, temporary};

/// More stubs take longer to make than the time that an early answer saves.
const MAX_STUBS: usize = 32;

/// Where packages stand, by their paths below the vendored directory.
pub type Places = HashMap<String, PathBuf>;

/// That Cargo resolves what is locked, as far as was known.
#[derive(Debug)]
pub struct Ahead {
    locks: Vec<LockFile>,
    manifests: BTreeMap<Id, Digest>,
    /// Whether the packages that are not among these were verified before.
    others_are_verified: bool,
}

impl Ahead {
    /// Asks about the packages of the plan that stand at `places`, and about stubs for the others. None where there is no
    /// answer, or it is no.
    pub fn ask(asking: Asking<'_>, places: &Places, are_verified: bool) -> Option<Self> {
        let Asking { project, plan, locks, .. } = asking;
        if plan.packages().any(|(_, package)| package.shape != Shape::Whole) {
            return None;
        }
        let directory = temporary(project).ok()?;
        let tree = directory.path().join("vendored");
        let archives = Archives::new(&project.settings);
        let mut manifests = BTreeMap::new();
        for (source, package) in plan.packages() {
            let path = source.path_of(package);
            std::fs::create_dir_all(tree.join(&source.dir)).ok()?;
            let text = match places.get(&path) {
                Some(place) => {
                    link(place, &tree.join(path)).ok()?;
                    if are_verified {
                        continue;
                    }
                    small_file(&place.join(MANIFEST))?
                }
                None => {
                    let text = archives.likely_manifest(source, package)?;
                    write_stub(&tree.join(path), package, &text).ok().filter(|written| *written)?;
                    text.into_bytes()
                }
            };
            manifests.insert(id(source, package), Digest::of(&text));
        }
        let at = |source: &SourceDir, package: &Package| tree.join(source.path_of(package));
        match asking.resolved_in_tree(&directory, &tree, Form::Directory, &at) {
            Ok(None) => Some(Self { locks: locks.to_vec(), manifests, others_are_verified: are_verified }),
            _ => None,
        }
    }

    /// Whether the answer is about the packages that stand where `at` says.
    pub fn holds(&self, asking: Asking<'_>, at: At<'_>) -> bool {
        self.locks == asking.locks
            && asking.plan.packages().all(|(source, package)| {
                match self.manifests.get(&id(source, package)) {
                    Some(asked) => std::fs::read(at(source, package).join(MANIFEST))
                        .is_ok_and(|text| Digest::of(&text) == *asked),
                    None => self.others_are_verified,
                }
            })
    }
}

fn id(source: &SourceDir, package: &Package) -> Id {
    (source.source.locked(), package.name.clone(), package.version.clone())
}

/// The question that can be put before anything was looked at.
pub struct Early {
    locks: Vec<LockFile>,
    plan: Plan,
    places: Places,
}

impl Early {
    /// The question about what stands in the target; none where too much is missing.
    pub fn of(project: &Project) -> Option<Self> {
        let locks = project.locks().ok()?;
        // Whose namespace an index is changes where a package stands, not what Cargo resolves.
        let plan = Plan::new(&locks, &BTreeMap::new()).ok()?;
        let standing = |(source, package): (&SourceDir, &Package)| {
            let path = source.path_of(package);
            let place = project.target.join(&path);
            // Nobody has looked yet at what Cargo will read of it.
            let is_plain = |name| small_file(&place.join(name)).is_some();
            (is_plain(MANIFEST) && is_plain(CHECKSUMS)).then_some((path, place))
        };
        let places: Places = plan.packages().filter_map(standing).collect();
        let missing = plan.packages().count() - places.len();
        (missing <= MAX_STUBS && !places.is_empty()).then_some(Self { locks, plan, places })
    }

    /// Puts it to Cargo; none where the answer is no.
    pub fn ask(&self, shell: &Shell, project: &Project) -> Option<Ahead> {
        let asking = Asking { shell, project, plan: &self.plan, locks: &self.locks };
        Ahead::ask(asking, &self.places, false)
    }
}
