//! Whether a manifest has a dependency already under the key that a new one would get. Pure.
//!
//! `cargo add` merges with whatever it finds: it turns a crates.io dependency into a namespaced one without a message,
//! takes an inherited entry as it is, and prefers a workspace member of that name. So the entries are looked at before.

use cargo_namespaces::manifest::{Dependency, ManifestInfo};
use cargo_namespaces::name::QualifiedName;

/// What a package has under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyUse {
    /// Nothing.
    Free,
    /// The crate that is to be added, from the same registry.
    SameCrate,
    /// The same crate in `[workspace.dependencies]`: the package inherits it, or can.
    Inherited,
    /// Another crate.
    Taken(Box<ConflictingDependency>),
}

/// Another dependency under the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConflictingDependency {
    /// The entry that says where it comes from: the inherited one, for an entry that inherits.
    pub dependency: Dependency,
    /// Whether the package has entries under the key; otherwise only `[workspace.dependencies]` has.
    pub in_package: bool,
    /// The package's tables that have the key.
    pub tables: Vec<Dependency>,
}

impl ConflictingDependency {
    /// Where it comes from, for a sentence.
    pub fn origin(&self) -> String {
        origin(&self.dependency)
    }

    /// The entry in a sentence: `` `serde` in [dependencies] comes from crates.io ``.
    pub fn describe(&self) -> String {
        format!("`{}` in {} comes from {}", self.dependency.key, self.dependency.table, self.origin())
    }

    /// Whether its entry is the workspace's, which other members may inherit too.
    pub fn is_inherited(&self) -> bool {
        self.dependency.table.workspace
    }

    /// Whether the key is another package's: then the entry cannot be moved to the namespace.
    pub fn is_other_package(&self, name: &QualifiedName) -> bool {
        self.dependency.package != name.krate.as_str()
    }
}

/// Where a dependency comes from, for a sentence.
fn origin(dependency: &Dependency) -> String {
    if let Some(path) = &dependency.path {
        format!("the path `{path}`")
    } else if let Some(git) = &dependency.git {
        format!("git `{git}`")
    } else if let Some(index) = &dependency.registry_index {
        index.clone()
    } else {
        match dependency.registry.as_deref() {
            None | Some("crates-io") => "crates.io".to_owned(),
            Some(registry) => format!("the registry `{registry}`"),
        }
    }
}

/// Whether two keys give the same name in code.
pub fn same_key(one: &str, other: &str) -> bool {
    one.replace('-', "_") == other.replace('-', "_")
}

/// Whether an entry is for `name` from its namespace's registry, and from no path or repository.
fn is_same_crate(dependency: &Dependency, name: &QualifiedName, is_registry: &dyn Fn(&str) -> bool) -> bool {
    dependency.package == name.krate.as_str()
        && dependency.path.is_none()
        && dependency.git.is_none()
        && dependency.registry_index.is_none()
        && dependency.registry.as_deref().is_some_and(is_registry)
}

/// The entry of `[workspace.dependencies]` under `key`.
fn inherited<'m>(root: &'m ManifestInfo, key: &str) -> Option<&'m Dependency> {
    root.dependencies.iter().find(|dependency| dependency.table.workspace && same_key(&dependency.key, key))
}

/// Looks for `key` in a package and in its workspace. `is_registry` tells whether a registry's name in a manifest means the
/// registry of the crate's namespace.
pub fn key_use(
    package: &ManifestInfo,
    root: &ManifestInfo,
    name: &QualifiedName,
    key: &str,
    is_registry: &dyn Fn(&str) -> bool,
) -> KeyUse {
    let tables: Vec<Dependency> = package
        .dependencies
        .iter()
        .filter(|dependency| !dependency.table.workspace && same_key(&dependency.key, key))
        .cloned()
        .collect();
    let shared = inherited(root, key);
    let source = |dependency: &Dependency| match (dependency.workspace, shared) {
        (true, Some(shared)) => shared.clone(),
        _ => dependency.clone(),
    };
    let in_package = !tables.is_empty();
    let candidates: Vec<Dependency> =
        if in_package { tables.iter().map(source).collect() } else { shared.into_iter().cloned().collect() };
    if candidates.is_empty() {
        return KeyUse::Free;
    }
    match candidates.into_iter().find(|dependency| !is_same_crate(dependency, name, is_registry)) {
        Some(dependency) => KeyUse::Taken(Box::new(ConflictingDependency { dependency, in_package, tables })),
        None if tables.iter().all(|entry| entry.workspace) => KeyUse::Inherited,
        None => KeyUse::SameCrate,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(package: &str, root: &str) -> KeyUse {
        let name = QualifiedName::parse("serde.rs/serde-abc").unwrap();
        let (package, root) = (ManifestInfo::parse(package).unwrap(), ManifestInfo::parse(root).unwrap());
        key_use(&package, &root, &name, "serde-abc", &|registry| registry == "serde_rs")
    }

    fn origin_of(package: &str, root: &str) -> String {
        match found(package, root) {
            KeyUse::Taken(taken) => taken.origin(),
            other => panic!("{other:?}"),
        }
    }

    const OURS: &str = "serde-abc = { version = \"1\", registry = \"serde_rs\" }\n";

    #[test]
    fn nothing_and_the_crate_itself() {
        assert_eq!(found("[dependencies]\nserde = \"1\"\n", ""), KeyUse::Free);
        assert_eq!(found(&format!("[dev-dependencies]\n{OURS}"), ""), KeyUse::SameCrate);
        assert_eq!(
            found(
                "[dependencies]\nserde-abc.workspace = true\n",
                &format!("[workspace.dependencies]\n{OURS}")
            ),
            KeyUse::Inherited
        );
        assert_eq!(found("", &format!("[workspace.dependencies]\n{OURS}")), KeyUse::Inherited);
    }

    #[test]
    fn every_other_source_is_in_the_way() {
        assert_eq!(origin_of("[dependencies]\nserde-abc = \"1\"\n", ""), "crates.io");
        assert_eq!(origin_of("[dependencies]\nserde_abc = \"1\"\n", ""), "crates.io");
        assert_eq!(
            origin_of("[target.'cfg(unix)'.dependencies]\nserde-abc.path = \"../x\"\n", ""),
            "the path `../x`"
        );
        assert_eq!(
            origin_of("[dependencies]\nserde-abc = { version = \"1\", registry = \"corp\" }\n", ""),
            "the registry `corp`"
        );
        assert_eq!(
            origin_of("[build-dependencies]\nserde-abc = { git = \"https://git.example/x\" }\n", ""),
            "git `https://git.example/x`"
        );
        let with_path =
            "[dependencies]\nserde-abc = { version = \"1\", registry = \"serde_rs\", path = \"x\" }\n";
        assert_eq!(origin_of(with_path, ""), "the path `x`");
    }

    #[test]
    fn an_inherited_entry_is_judged_by_the_workspaces() {
        let root = "[workspace.dependencies]\nserde-abc = \"1\"\n";
        let KeyUse::Taken(taken) = found("[dependencies]\nserde-abc = { workspace = true }\n", root) else {
            panic!()
        };
        assert!(taken.is_inherited() && taken.in_package);
        let KeyUse::Taken(taken) = found("", root) else { panic!() };
        assert!(taken.is_inherited() && !taken.in_package);
    }

    #[test]
    fn another_package_under_the_key_cannot_be_moved() {
        let name = QualifiedName::parse("serde.rs/serde-abc").unwrap();
        let KeyUse::Taken(taken) =
            found("[dependencies]\nserde-abc = { package = \"x\", version = \"1\" }\n", "")
        else {
            panic!()
        };
        assert!(taken.is_other_package(&name));
    }
}
