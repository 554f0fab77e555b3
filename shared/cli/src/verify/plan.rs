//! From a lock file to what has to be checked: pure grouping.

use std::collections::BTreeMap;

use semver::Version;

use super::{Before, Problem, ProblemKind, Request};
use cargo_namespaces::digest::Digest;
use cargo_namespaces::lockfile::{LockSource, LockedDependency, LockedPackage};
use cargo_namespaces::name::{CrateName, IndexUrl, Namespace, RegistryName};
use cargo_namespaces::trust::{Entering, Note};

/// What has to be checked.
#[derive(Debug, Default)]
pub struct Plan {
    /// One group a registry.
    pub groups: Vec<Group>,
    /// What is wrong already.
    pub problems: Vec<Problem>,
    /// What is passed over.
    pub notes: Vec<Note>,
}

/// One registry of the lock file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its index, as the lock file names it.
    pub index: IndexUrl,
    /// Whose it is.
    pub claim: Claim,
    /// What is locked from it, by name and version.
    pub releases: Vec<Wanted>,
}

/// Which namespace a registry is said to belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// This one, by the trust file or the configuration.
    Of(Namespace),
    /// Its `config.json` has to be asked; `configured` says whether the user configured it.
    Ask {
        /// Whether a registry with that index stands in the configuration.
        configured: bool,
    },
}

/// A release to check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub krate: CrateName,
    pub version: Version,
    /// The lock file's checksum.
    pub checksum: Option<Digest>,
    /// What it is to the project.
    pub entering: Entering,
    /// What the lock file makes it depend on.
    pub dependencies: Vec<LockedDependency>,
}

/// Groups the packages of the lock file by registry. Path and git packages and those of crates.io are not looked at.
pub fn plan(request: &Request<'_>) -> Plan {
    let mut plan = Plan::default();
    let mut groups: BTreeMap<&IndexUrl, Vec<Wanted>> = BTreeMap::new();
    let mut others: BTreeMap<&str, usize> = BTreeMap::new();
    for package in request.packages {
        match &package.source {
            LockSource::Path | LockSource::CratesIo | LockSource::Git(_) => {}
            LockSource::OtherRegistry(url) => *others.entry(url).or_default() += 1,
            LockSource::Registry(index) => match CrateName::parse(&package.name) {
                Ok(krate) => groups.entry(index).or_default().push(Wanted {
                    krate,
                    version: package.version.clone(),
                    checksum: package.checksum,
                    entering: entering(package, request.before),
                    dependencies: package.dependencies.clone(),
                }),
                Err(error) => plan.problems.push(Problem {
                    subject: format!("{} v{} of {index}", package.name, package.version),
                    what: ProblemKind::Name(error),
                }),
            },
        }
    }
    for (url, count) in others {
        plan.other_registry(url, count, request);
    }
    for (index, mut releases) in groups {
        releases.sort_by(|a, b| (&a.krate, &a.version).cmp(&(&b.krate, &b.version)));
        plan.groups.push(Group { index: index.clone(), claim: claim(index, request), releases });
    }
    plan
}

impl Plan {
    /// A registry that cannot be a namespace's: a git index, plain http, or another spelling of an index, under which a
    /// namespace's own crates would come in without a look. One that is configured is taken as Cargo takes it, unless a
    /// namespace is meant.
    fn other_registry(&mut self, url: &str, count: usize, request: &Request<'_>) {
        let plain = url.strip_prefix("registry+").unwrap_or(url);
        // Cargo writes the URL of a git index as URLs are written, whatever the configuration does.
        let as_written = |known: &str| url::Url::parse(known).is_ok_and(|known| known.as_str() == plain);
        let configured =
            request.configured.iter().any(|(_, known)| known == url || known == plain || as_written(known));
        let refused = match IndexUrl::parse(url) {
            Ok(normal) => Some(format!("it is another spelling of {normal}")),
            Err(_) if configured && !means_a_namespace(plain, request) => None,
            Err(error) if url.starts_with("sparse+") => Some(error.to_string()),
            Err(_) if plain.starts_with("http://") => {
                Some("it is read over http, so anybody on the way can change it".to_owned())
            }
            Err(_) => Some("it cannot be the index of a namespace".to_owned()),
        };
        match refused {
            None => self.notes.push(passed_over(url, count)),
            Some(reason) => {
                let what = ProblemKind::UnknownRegistry { count, reason };
                self.problems.push(Problem { subject: url.to_owned(), what });
            }
        }
    }
}

/// Whether the URL leads to the index of a namespace that the project knows, but for the scheme, a user name, a query, or the
/// spelling of its path.
fn means_a_namespace(plain: &str, request: &Request<'_>) -> bool {
    let Ok(url) = url::Url::parse(plain.strip_prefix("sparse+").unwrap_or(plain)) else { return false };
    let Some(host) = url.host_str() else { return false };
    let port = match url.port() {
        Some(port) if port != 80 => format!(":{port}"),
        _ => String::new(),
    };
    let path = url.path().trim_end_matches('/').trim_end_matches(".git");
    let index = IndexUrl::parse(&format!("sparse+https://{host}{port}{path}/"));
    index.is_ok_and(|index| {
        request.trust_file.namespace_of(&index).is_some() || request.known.contains_key(&index)
    })
}

/// The note about a registry that is no namespace's.
pub(super) fn passed_over(url: &str, count: usize) -> Note {
    let crates = if count == 1 { "1 crate".to_owned() } else { format!("{count} crates") };
    let text = format!("{crates} from {url} not checked: a configured registry without a namespace");
    Note { code: "registry-without-namespace", warning: false, trusted: None, text }
}

/// What a package is to the project. A locked release with another checksum is another release.
fn entering(package: &LockedPackage, before: Before<'_>) -> Entering {
    let Before::Packages(before) = before else { return Entering::Locked };
    let mut same =
        before.iter().filter(|old| old.name == package.name && old.source == package.source).peekable();
    if same.peek().is_none() {
        return Entering::NewCrate;
    }
    let locked = same.any(|old| old.version == package.version && old.checksum == package.checksum);
    if locked { Entering::Locked } else { Entering::NewRelease }
}

/// Whose registry it is said to be: by the trust file, by the caller, by the name that the configuration gives it. The
/// last catches a configuration that leads a pinned namespace elsewhere: the trust table then sees the wrong index.
fn claim(index: &IndexUrl, request: &Request<'_>) -> Claim {
    if let Some(namespace) = request.trust_file.namespace_of(index).or_else(|| request.known.get(index)) {
        return Claim::Of(namespace.clone());
    }
    let mut configured = false;
    for (name, url) in request.configured {
        if IndexUrl::parse(url).is_ok_and(|url| url == *index) {
            configured = true;
            let mut namespaces = request.trust_file.namespaces.keys();
            if let Some(namespace) =
                namespaces.find(|namespace| RegistryName::from_namespace(namespace).as_str() == name)
            {
                return Claim::Of(namespace.clone());
            }
        }
    }
    Claim::Ask { configured }
}
