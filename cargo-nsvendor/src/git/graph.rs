//! The graph that `cargo vendor` is given for one repository; texts in, texts out.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use cargo_metadata::{Metadata, PackageId};
use cargo_namespaces::name::CRATES_IO_INDEX;
use cargo_namespaces::source_id::{GitSource, Spelling};
use cargo_namespaces_cli::settings::Settings;
use semver::Version;
use toml_edit::{DocumentMut, InlineTable, Item, Table, Value};

use crate::git_url::GitUrl;
use crate::plan::Package;

/// The empty directory that stands for every source.
pub const NOTHING: &str = "nothing";

/// The package that depends on those of the repository.
const ROOT: &str = "cargo-nsvendor-git";

/// Where the stub with this number lies.
pub fn stub_path(number: usize) -> String {
    format!("stub/{number}")
}

/// An empty package in place of a dependency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stub {
    name: String,
    version: Version,
    features: BTreeSet<String>,
    /// The source as the dependency declares it: `registry+…`, `sparse+…`, `git+…`.
    source: String,
}

/// What is vendored, and what its dependencies are patched with.
#[derive(Debug)]
pub struct Graph<'a> {
    url: &'a GitUrl,
    packages: &'a [Package],
    /// By name, version and source.
    pub stubs: Vec<Stub>,
    /// What each package depends on: by its name and version, names and versions.
    locked: BTreeMap<Release, BTreeSet<Release>>,
}

type Release = (String, Version);

impl<'a> Graph<'a> {
    /// The packages of `url` and the direct dependencies that they have in the project's graph.
    pub fn new(metadata: &Metadata, url: &'a GitUrl, packages: &'a [Package]) -> Self {
        let by_id: HashMap<&PackageId, &cargo_metadata::Package> =
            metadata.packages.iter().map(|package| (&package.id, package)).collect();
        let of_repository = |package: &cargo_metadata::Package| {
            package.source.as_ref().is_some_and(|source| is_same(&source.repr, url))
        };
        let mut stubs: BTreeMap<(String, Version, String), BTreeSet<String>> = BTreeMap::new();
        let mut locked: BTreeMap<Release, BTreeSet<Release>> = BTreeMap::new();
        let mut depend: Vec<(Release, (String, Version, String))> = Vec::new();
        let nodes = metadata.resolve.iter().flat_map(|resolve| &resolve.nodes);
        for node in nodes {
            let Some(package) = by_id.get(&node.id).filter(|package| of_repository(package)) else {
                continue;
            };
            let own = locked.entry(release(package)).or_default();
            for dependency in node.deps.iter().filter_map(|dep| by_id.get(&dep.pkg)) {
                if of_repository(dependency) {
                    own.insert(release(dependency));
                    continue;
                }
                for declared in &package.dependencies {
                    let named = declared.name == dependency.name.as_str()
                        && declared.req.matches(&dependency.version);
                    let Some(source) = declared.source.as_ref().filter(|_| named) else { continue };
                    let key = (declared.name.clone(), dependency.version.clone(), source.repr.clone());
                    depend.push((release(package), key.clone()));
                    stubs.entry(key).or_default().extend(declared.features.iter().cloned());
                }
            }
        }
        let mut made: Vec<Stub> = Vec::new();
        for (number, ((name, version, source), features)) in stubs.into_iter().enumerate() {
            let as_locked = (name.clone(), version.clone());
            // A lock file tells packages without a source apart by name and version only. No requirement sees the build part.
            let taken = locked.contains_key(&as_locked)
                || made.iter().any(|stub| (&stub.name, &stub.version) == (&name, &version));
            let mut own = version.clone();
            if taken && let Ok(build) = semver::BuildMetadata::new(&format!("s{number}")) {
                own.build = build;
            }
            let key = (name.clone(), version, source.clone());
            for (package, _) in depend.iter().filter(|(_, wanted)| *wanted == key) {
                locked.entry(package.clone()).or_default().insert((name.clone(), own.clone()));
            }
            made.push(Stub { name, version: own, features, source });
        }
        Self { url, packages, stubs: made, locked }
    }

    /// The lock file: with it Cargo takes the stubs without looking into the sources that they stand for, which it could not
    /// do for a repository that is replaced by nothing.
    pub fn lock(&self) -> String {
        let mut entries: BTreeMap<Release, String> = BTreeMap::new();
        let list = |names: &mut dyn Iterator<Item = &Release>| {
            let names: String = names.map(|(name, version)| format!(" \"{name} {version}\",\n")).collect();
            if names.is_empty() { names } else { format!("dependencies = [\n{names}]\n") }
        };
        let wanted: Vec<Release> =
            self.packages.iter().map(|package| (package.name.clone(), package.version.clone())).collect();
        entries.insert((ROOT.to_owned(), Version::new(0, 0, 0)), list(&mut wanted.iter()));
        for stub in &self.stubs {
            entries.insert((stub.name.clone(), stub.version.clone()), String::new());
        }
        let (url, commit) = (self.url.url(), self.url.commit());
        for (package, dependencies) in &self.locked {
            let rest =
                format!("source = \"git+{url}?rev={commit}#{commit}\"\n{}", list(&mut dependencies.iter()));
            entries.insert(package.clone(), rest);
        }
        let entry = |((name, version), rest): (&Release, &String)| {
            format!("\n[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n{rest}")
        };
        format!("version = 3\n{}", entries.iter().map(entry).collect::<String>())
    }

    /// The manifest of the package that depends on the repository's.
    pub fn manifest(&self) -> String {
        let mut document = DocumentMut::new();
        document["package"] = package_table(ROOT, &Version::new(0, 0, 0));
        document["workspace"] = Item::Table(Table::new());
        let mut dependencies = Table::new();
        for (number, package) in self.packages.iter().enumerate() {
            let mut dependency = InlineTable::new();
            dependency.insert("git", self.url.url().into());
            dependency.insert("rev", self.url.commit().into());
            dependency.insert("package", package.name.as_str().into());
            dependency.insert("version", format!("={}", package.version).into());
            dependency.insert("default-features", false.into());
            dependencies.insert(&format!("p{number}"), Item::Value(dependency.into()));
        }
        document["dependencies"] = Item::Table(dependencies);
        let mut patches: BTreeMap<String, Table> = BTreeMap::new();
        for (number, stub) in self.stubs.iter().enumerate() {
            let mut patch = InlineTable::new();
            patch.insert("path", stub_path(number).into());
            patch.insert("package", stub.name.as_str().into());
            let table = patches.entry(patch_key(&stub.source)).or_default();
            table.insert(&format!("s{number}"), Item::Value(patch.into()));
        }
        if !patches.is_empty() {
            let mut table = Table::new();
            table.set_implicit(true);
            for (key, patches) in patches {
                table.insert(&key, Item::Table(patches));
            }
            document["patch"] = Item::Table(table);
        }
        document.to_string()
    }

    /// The configuration: the user's registries by name, and every source of a stub replaced by nothing.
    pub fn config(&self, settings: &Settings) -> String {
        let mut document = DocumentMut::new();
        let mut registries = Table::new();
        registries.set_implicit(true);
        for (name, registry) in &settings.registries {
            registries.insert(name, entry(&[("index", &registry.index)]));
        }
        document["registries"] = Item::Table(registries);
        let mut sources = Table::new();
        sources.set_implicit(true);
        let mut repositories: BTreeSet<GitSource> = BTreeSet::new();
        sources.insert("crates-io", entry(&[("replace-with", NOTHING)]));
        sources.insert(NOTHING, entry(&[("directory", NOTHING)]));
        for stub in &self.stubs {
            let source = &stub.source;
            if let Some(git) = GitSource::parse(source, Spelling::Plain) {
                // Cargo takes no two entries for one source, however each is spelled.
                if !repositories.insert(git.clone()) {
                    continue;
                }
                let mut fields = vec![("git", git.url())];
                fields.extend(git.reference().map(|(kind, value)| (kind.key(), value)));
                fields.push(("replace-with", NOTHING));
                sources.insert(source, entry(&fields));
            } else if patch_key(source) != "crates-io" {
                let url = registry_url(source);
                sources.insert(url, entry(&[("registry", url), ("replace-with", NOTHING)]));
            }
        }
        document["source"] = Item::Table(sources);
        document.to_string()
    }
}

impl Stub {
    /// Its manifest.
    pub fn manifest(&self) -> String {
        let mut document = DocumentMut::new();
        document["package"] = package_table(&self.name, &self.version);
        let mut features = Table::new();
        for feature in &self.features {
            features.insert(feature, Item::Value(Value::Array(toml_edit::Array::new())));
        }
        document["features"] = Item::Table(features);
        document.to_string()
    }
}

fn package_table(name: &str, version: &Version) -> Item {
    entry(&[("name", name), ("version", &version.to_string()), ("edition", "2021")])
}

fn entry(fields: &[(&str, &str)]) -> Item {
    let mut table = Table::new();
    for (key, value) in fields {
        table.insert(key, toml_edit::value(*value));
    }
    Item::Table(table)
}

fn release(package: &cargo_metadata::Package) -> Release {
    (package.name.to_string(), package.version.clone())
}

/// Whether a locked source, as `cargo metadata` spells it, is this one.
fn is_same(repr: &str, url: &GitUrl) -> bool {
    GitSource::parse(repr, Spelling::Plain).is_some_and(|found| found == *url.source())
}

/// The key under `[patch]` for a source.
fn patch_key(source: &str) -> String {
    if let Some(git) = GitSource::parse(source, Spelling::Plain) {
        return git.url().to_owned();
    }
    match registry_url(source) {
        CRATES_IO_INDEX => "crates-io".to_owned(),
        other => other.to_owned(),
    }
}

fn registry_url(source: &str) -> &str {
    source.strip_prefix("registry+").unwrap_or(source)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::shape::Shape;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    fn stub(name: &str, source: &str) -> Stub {
        Stub {
            name: name.to_owned(),
            version: Version::new(1, 2, 3),
            features: ["std".to_owned()].into(),
            source: source.to_owned(),
        }
    }

    #[test]
    fn the_graph_has_the_packages_and_nothing_else_to_look_up() {
        let url = format!("git+https://host/r?branch=main#{COMMIT}");
        let url = GitUrl::new(&GitSource::parse(&url, Spelling::Plain).unwrap()).unwrap();
        let packages = [Package {
            name: "a".to_owned(),
            version: Version::new(0, 3, 0),
            checksum: None,
            shape: Shape::Whole,
        }];
        let graph = Graph {
            url: &url,
            packages: &packages,
            stubs: vec![
                stub("memchr", "registry+https://github.com/rust-lang/crates.io-index"),
                stub("regex", "sparse+https://regex.example/cargo/index/"),
                stub("other", "git+https://host/other?tag=v1"),
            ],
            locked: BTreeMap::from([(
                ("a".to_owned(), Version::new(0, 3, 0)),
                BTreeSet::from([("memchr".to_owned(), Version::new(1, 2, 3))]),
            )]),
        };
        assert_eq!(
            graph.manifest(),
            r#"[package]
name = "cargo-nsvendor-git"
version = "0.0.0"
edition = "2021"

[workspace]

[dependencies]
p0 = { git = "https://host/r", rev = "0123456789abcdef0123456789abcdef01234567", package = "a", version = "=0.3.0", default-features = false }

[patch.crates-io]
s0 = { path = "stub/0", package = "memchr" }

[patch."https://host/other"]
s2 = { path = "stub/2", package = "other" }

[patch."sparse+https://regex.example/cargo/index/"]
s1 = { path = "stub/1", package = "regex" }
"#
        );
        assert_eq!(
            graph.stubs[0].manifest(),
            "[package]\nname = \"memchr\"\nversion = \"1.2.3\"\nedition = \"2021\"\n\n[features]\nstd = []\n"
        );
        let locked = format!(
            "\n[[package]]\nname = \"a\"\nversion = \"0.3.0\"\nsource = \"git+https://host/r?rev={COMMIT}#{COMMIT}\"\n\
             dependencies = [\n \"memchr 1.2.3\",\n]\n"
        );
        assert!(graph.lock().contains(&locked), "{}", graph.lock());
        assert!(graph.lock().contains("\n[[package]]\nname = \"other\"\nversion = \"1.2.3\"\n"));
    }
}
