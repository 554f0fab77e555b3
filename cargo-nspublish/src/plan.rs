//! What a publish will do: which packages, in which order, into which site. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use cargo_namespaces::name::{CrateName, IndexUrl, Namespace, QualifiedName, RegistryName};
use semver::Version;

use crate::options::SiteFlag;

/// A workspace member that can be published to a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its full name.
    pub name: QualifiedName,
    pub version: Version,
    /// The members that must be published before it, by their package names. These are its dependencies by path, except
    /// dev-dependencies without a version, which Cargo leaves out of the package.
    pub after: BTreeSet<CrateName>,
    /// Its Cargo.toml.
    pub manifest_path: PathBuf,
}

/// Where a namespace is published to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The canonical index.
    pub index: IndexUrl,
    /// The name that the workspace's Cargo configuration has for it.
    pub registry: RegistryName,
    /// The site's directory, as the command line names it.
    pub dir: PathBuf,
}

/// The whole publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The packages, each after those that it needs.
    pub members: Vec<Member>,
    /// Where each namespace goes.
    pub targets: BTreeMap<Namespace, Target>,
}

/// Why there is no plan.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Packages that depend on one another.
    #[error("these packages depend on one another, so none can be published first: {}", .0.join(", "))]
    Circle(Vec<String>),
    /// One directory cannot be two hosts.
    #[error(
        "`{first}` and `{second}` have their indexes on different hosts, and `--site {dir}` is one directory"
    )]
    Hosts {
        /// A namespace.
        first: Namespace,
        /// Another, whose index has another host.
        second: Namespace,
        /// The directory given.
        dir: String,
    },
    /// A namespace for which no directory was given.
    #[error("no site was given for `{0}`")]
    NoSite(Namespace),
}

/// Sorts the members so that each comes after those that it needs, and by name otherwise.
///
/// # Errors
/// [`PlanError::Circle`] names the packages of a circle.
pub fn order(members: Vec<Member>) -> Result<Vec<Member>, PlanError> {
    let mut waiting: BTreeMap<CrateName, Member> =
        members.into_iter().map(|member| (member.name.krate.clone(), member)).collect();
    let mut ordered = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let free = |member: &&Member| {
            member.after.iter().all(|name| *name == member.name.krate || !waiting.contains_key(name))
        };
        let Some(next) = waiting.values().find(free).map(|member| member.name.krate.clone()) else {
            return Err(PlanError::Circle(waiting.keys().map(ToString::to_string).collect()));
        };
        ordered.extend(waiting.remove(&next));
    }
    Ok(ordered)
}

/// Groups neighbours of one namespace: one run of Cargo publishes to one registry.
pub fn runs(members: &[Member]) -> Vec<&[Member]> {
    members.chunk_by(|one, next| one.name.namespace == next.name.namespace).collect()
}

/// Assigns each namespace its directory.
///
/// # Errors
/// A namespace has none, or one directory would have to be two hosts.
pub fn assign_directories(
    indexes: &BTreeMap<Namespace, IndexUrl>,
    flags: &[SiteFlag],
) -> Result<BTreeMap<Namespace, PathBuf>, PlanError> {
    let shared = flags.iter().find(|flag| flag.namespace.is_none());
    let mut first_shared: Option<(&Namespace, &IndexUrl)> = None;
    let mut dirs = BTreeMap::new();
    for (namespace, index) in indexes {
        let own = flags.iter().find(|flag| flag.namespace.as_ref() == Some(namespace));
        let flag = own.or(shared).ok_or_else(|| PlanError::NoSite(namespace.clone()))?;
        if own.is_none() {
            match first_shared {
                Some((first, other)) if other.host() != index.host() => {
                    return Err(PlanError::Hosts {
                        first: first.clone(),
                        second: namespace.clone(),
                        dir: flag.dir.display().to_string(),
                    });
                }
                _ => first_shared = Some((namespace, index)),
            }
        }
        dirs.insert(namespace.clone(), flag.dir.clone());
    }
    Ok(dirs)
}

/// Describes a plan in one line a package, for `--verbose`, with which `--dry-run` shows the plan.
pub fn describe(plan: &Plan) -> Vec<String> {
    plan.members
        .iter()
        .map(|member| {
            let dir = plan.targets.get(&member.name.namespace).map(|target| target.dir.display());
            let dir = dir.map(|dir| dir.to_string()).unwrap_or_default();
            format!("{} v{} into {dir}", member.name, member.version)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, after: &[&str]) -> Member {
        Member {
            name: QualifiedName::parse(&format!("grep.example/{name}")).unwrap(),
            version: Version::new(1, 0, 0),
            after: after.iter().map(|name| CrateName::parse(name).unwrap()).collect(),
            manifest_path: PathBuf::new(),
        }
    }

    fn names(members: &[Member]) -> Vec<&str> {
        members.iter().map(|member| member.name.krate.as_str()).collect()
    }

    #[test]
    fn a_package_comes_after_what_it_needs() {
        let ordered =
            order(vec![member("a", &["c", "itoa"]), member("b", &[]), member("c", &["b"])]).unwrap();
        assert_eq!(names(&ordered), ["b", "c", "a"]);
    }

    #[test]
    fn a_package_may_test_itself_by_its_own_name() {
        assert_eq!(names(&order(vec![member("a", &["a"])]).unwrap()), ["a"]);
    }

    #[test]
    fn a_circle_is_named() {
        let error = order(vec![member("a", &["b"]), member("b", &["a"]), member("c", &[])]).unwrap_err();
        assert_eq!(error, PlanError::Circle(vec!["a".into(), "b".into()]));
    }

    fn indexes(of: &[(&str, &str)]) -> BTreeMap<Namespace, IndexUrl> {
        of.iter().map(|(n, i)| (Namespace::parse(n).unwrap(), IndexUrl::parse(i).unwrap())).collect()
    }

    #[test]
    fn one_directory_is_one_host() {
        let two = indexes(&[
            ("a.example", "sparse+https://a.example/cargo/index/"),
            ("b.example", "sparse+https://b.example/cargo/index/"),
        ]);
        let error = assign_directories(&two, &["dir".parse().unwrap()]).unwrap_err();
        assert!(matches!(error, PlanError::Hosts { .. }), "{error}");
        let flags = ["a.example=x".parse().unwrap(), "b.example=y".parse().unwrap()];
        let dirs = assign_directories(&two, &flags).unwrap();
        assert_eq!(dirs.values().map(|dir| dir.to_str().unwrap()).collect::<Vec<_>>(), ["x", "y"]);
    }

    #[test]
    fn one_host_may_hold_two_namespaces() {
        let two = indexes(&[
            ("a.example", "sparse+https://crates.example/a/"),
            ("b.example", "sparse+https://crates.example/b/"),
        ]);
        assert_eq!(assign_directories(&two, &["dir".parse().unwrap()]).unwrap().len(), 2);
    }

    #[test]
    fn neighbours_of_one_namespace_are_published_together() {
        let member = |name: &str| Member {
            name: name.parse().unwrap(),
            version: Version::new(1, 0, 0),
            after: BTreeSet::new(),
            manifest_path: "Cargo.toml".into(),
        };
        let members = ["a.example/x", "a.example/y", "b.example/z", "a.example/w"].map(member);
        let lengths: Vec<usize> = runs(&members).into_iter().map(<[Member]>::len).collect();
        assert_eq!(lengths, [2, 1, 1]);
    }
}
