//! Which packages are needed: those that are reached in Cargo's resolution by the wanted kinds of dependencies. Pure.

use std::collections::{BTreeSet, HashMap};

use cargo_metadata::{DependencyKind, Metadata, PackageId};
use cargo_namespaces::source_id::{LockSource, Spelling};
use semver::Version;

use crate::plan::{Package, Plan, SourceDir};
use crate::suggest::UnknownWord;

/// `--keep-dep-kinds`: which edges are followed, as `cargo tree --edges` follows them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DepKinds {
    #[default]
    All,
    /// Only this kind.
    Only(DepKind),
    /// All but this kind.
    Not(DepKind),
}

/// The kind of a dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DepKind {
    /// `[dependencies]`
    Normal,
    /// `[build-dependencies]`
    Build,
    /// `[dev-dependencies]`, which only the project's own packages have.
    Dev,
}

const KINDS: [(&str, DepKinds); 7] = [
    ("all", DepKinds::All),
    ("normal", DepKinds::Only(DepKind::Normal)),
    ("build", DepKinds::Only(DepKind::Build)),
    ("dev", DepKinds::Only(DepKind::Dev)),
    ("no-normal", DepKinds::Not(DepKind::Normal)),
    ("no-build", DepKinds::Not(DepKind::Build)),
    ("no-dev", DepKinds::Not(DepKind::Dev)),
];

impl DepKinds {
    /// Reads `all`, `no-dev`, ….
    pub fn parse(text: &str) -> Result<Self, UnknownWord> {
        let found = KINDS.iter().find(|(name, _)| *name == text).map(|(_, kinds)| *kinds);
        found.ok_or_else(|| {
            UnknownWord::new("kind of dependencies", text, KINDS.iter().map(|(name, _)| *name))
        })
    }

    /// The text that is parsed.
    pub fn text(self) -> &'static str {
        KINDS.iter().find(|(_, kinds)| *kinds == self).map_or("all", |(name, _)| name)
    }

    fn has(self, kind: DependencyKind) -> bool {
        let kind = match kind {
            DependencyKind::Build => DepKind::Build,
            DependencyKind::Development => DepKind::Dev,
            _ => DepKind::Normal,
        };
        match self {
            Self::All => true,
            Self::Only(only) => kind == only,
            Self::Not(not) => kind != not,
        }
    }
}

/// A package by source, name and version.
pub type PackageKey = (LockSource, String, Version);

/// The packages that the members of the workspace need, without path packages. `metadata` is Cargo's answer for the wanted
/// platforms and features.
pub fn needed(metadata: &Metadata, kinds: DepKinds) -> BTreeSet<PackageKey> {
    let packages: HashMap<&PackageId, &cargo_metadata::Package> =
        metadata.packages.iter().map(|package| (&package.id, package)).collect();
    let nodes: HashMap<&PackageId, &cargo_metadata::Node> =
        metadata.resolve.iter().flat_map(|resolve| &resolve.nodes).map(|node| (&node.id, node)).collect();
    let mut seen: BTreeSet<&PackageId> = metadata.workspace_members.iter().collect();
    let mut pending: Vec<&PackageId> = seen.iter().copied().collect();
    while let Some(id) = pending.pop() {
        let Some(node) = nodes.get(id) else { continue };
        for dependency in &node.deps {
            let wanted = dependency.dep_kinds.iter().any(|kind| kinds.has(kind.kind));
            if wanted && seen.insert(&dependency.pkg) {
                pending.push(&dependency.pkg);
            }
        }
    }
    let described = |id: &PackageId| {
        let package = packages.get(id)?;
        let source = LockSource::parse(&package.source.as_ref()?.repr, Spelling::Plain);
        Some((source, package.name.to_string(), package.version.clone()))
    };
    seen.into_iter().filter_map(described).collect()
}

/// The packages of the plan that are needed. If Cargo names a source that the plan does not have, every package of that name and
/// version is kept: a stub in the place of a needed package would break the build.
pub fn kept(needed: &BTreeSet<PackageKey>, plan: &Plan) -> BTreeSet<PackageKey> {
    let ids = |source: &SourceDir| -> Vec<PackageKey> {
        let locked = source.source.locked();
        let id = |package: &Package| (locked.clone(), package.name.clone(), package.version.clone());
        source.packages.iter().map(id).collect()
    };
    let planned: BTreeSet<PackageKey> = plan.sources.iter().flat_map(ids).collect();
    let unknown: BTreeSet<(&str, &Version)> =
        needed.difference(&planned).map(|(_, name, version)| (name.as_str(), version)).collect();
    let is_kept = |id: &&PackageKey| needed.contains(*id) || unknown.contains(&(id.1.as_str(), &id.2));
    planned.iter().filter(is_kept).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use cargo_namespaces::lockfile::LockFile;

    /// app ─normal→ a ─build→ b, app ─dev→ d ─normal→ e, app ─normal and dev→ f
    fn metadata() -> Metadata {
        let package = |name: &str, source: &str| {
            format!(
                r#"{{"name":"{name}","version":"1.0.0","id":"{name}","source":{source},"dependencies":[],"targets":[],
                    "features":{{}},"manifest_path":"/x/Cargo.toml"}}"#
            )
        };
        let dep =
            |name: &str, kinds: &str| format!(r#"{{"name":"{name}","pkg":"{name}","dep_kinds":[{kinds}]}}"#);
        let node = |name: &str, deps: &[String]| {
            format!(r#"{{"id":"{name}","dependencies":[],"deps":[{}],"features":[]}}"#, deps.join(","))
        };
        let (normal, build, dev) = (
            r#"{"kind":null,"target":null}"#,
            r#"{"kind":"build","target":null}"#,
            r#"{"kind":"dev","target":null}"#,
        );
        let both = format!("{normal},{dev}");
        let crates = ["a", "b", "d", "e", "f"].map(|name| package(name, "\"registry+x\""));
        let text = format!(
            r#"{{"packages":[{},{}],"workspace_members":["app"],"workspace_root":"/x","target_directory":"/x/t","version":1,
                "resolve":{{"root":"app","nodes":[{},{},{},{},{},{}]}}}}"#,
            package("app", "null"),
            crates.join(","),
            node("app", &[dep("a", normal), dep("d", dev), dep("f", &both)]),
            node("a", &[dep("b", build)]),
            node("b", &[]),
            node("d", &[dep("e", normal)]),
            node("e", &[]),
            node("f", &[]),
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn edges_are_followed_by_their_kind() {
        let metadata = metadata();
        for (kinds, expected) in [
            ("all", "abdef"),
            ("normal", "af"),
            ("build", ""),
            ("dev", "df"),
            ("no-normal", "df"),
            ("no-build", "adef"),
            ("no-dev", "abf"),
        ] {
            let found: String = needed(&metadata, DepKinds::parse(kinds).unwrap())
                .into_iter()
                .map(|(_, name, _)| name)
                .collect();
            assert_eq!(found, expected, "{kinds}");
            assert_eq!(DepKinds::parse(kinds).unwrap().text(), kinds);
        }
    }

    /// Cargo's answer has the plain spelling, a lock file of version 4 the other.
    #[test]
    fn a_package_is_kept_under_either_spelling_and_under_one_that_is_not_known() {
        const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
        let text = format!(
            "version = 4\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"git+https://h/r?branch=x%2Fy#{COMMIT}\"\n\
             [[package]]\nname = \"b\"\nversion = \"1.0.0\"\nsource = \"git+https://h/other#{COMMIT}\"\n"
        );
        let plan = Plan::new(&[LockFile::parse(&text).unwrap()], &std::collections::BTreeMap::new()).unwrap();
        let found = |source: &str| -> Vec<String> {
            let id = (LockSource::parse(source, Spelling::Plain), "a".to_owned(), Version::new(1, 0, 0));
            kept(&[id].into(), &plan).into_iter().map(|(_, name, _)| name).collect()
        };
        assert_eq!(found(&format!("git+https://h/r?branch=x/y#{COMMIT}")), ["a"]);
        assert_eq!(found("future+https://h/r"), ["a"]);
    }

    #[test]
    fn a_kind_that_is_none_is_refused_with_what_was_meant() {
        assert!(DepKinds::parse("nodev").unwrap_err().to_string().contains("did you mean `no-dev`"));
    }
}
