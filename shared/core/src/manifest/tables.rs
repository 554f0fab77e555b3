//! Where the dependencies of a manifest stand: every table that holds some, and every entry in it.
//!
//! `[dependencies]`, `[dev-dependencies]`, `[build-dependencies]` (and the spellings with `_`), the same three under
//! `[target.'…']`, and `[workspace.dependencies]`. Each entry may be a string, an inline table, a header, or dotted
//! keys; all are found by path.

use crate::toml_text::{Nodes, Position, ValueKind, join, path};
use std::fmt;

/// What a dependency is for, as Cargo's index and metadata say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DependencyKind {
    /// `[dependencies]`
    Normal,
    /// `[dev-dependencies]`
    Dev,
    /// `[build-dependencies]`
    Build,
}

/// One dependency table of a manifest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DependencyTable {
    /// The table's keys, from the root.
    pub path: Vec<String>,
    /// What its dependencies are for; `Normal` for `[workspace.dependencies]`.
    pub kind: DependencyKind,
    /// `cfg(…)` or a target triple, for a table under `[target]`.
    pub target: Option<String>,
    /// Whether it is `[workspace.dependencies]`, from which members inherit.
    pub workspace: bool,
}

impl fmt::Display for DependencyTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<String> = self
            .path
            .iter()
            .map(|key| match key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
                true => key.clone(),
                false => format!("'{key}'"),
            })
            .collect();
        write!(f, "[{}]", keys.join("."))
    }
}

const SPELLINGS: [(&str, DependencyKind); 5] = [
    ("dependencies", DependencyKind::Normal),
    ("dev-dependencies", DependencyKind::Dev),
    ("dev_dependencies", DependencyKind::Dev),
    ("build-dependencies", DependencyKind::Build),
    ("build_dependencies", DependencyKind::Build),
];

/// The dependency tables that a manifest has.
pub(crate) fn dependency_tables(nodes: &Nodes<'_, '_>) -> Vec<DependencyTable> {
    let mut tables = Vec::new();
    let mut add = |path: Vec<String>, kind, target: Option<&str>, workspace| {
        if nodes.has(&path) {
            tables.push(DependencyTable { path, kind, target: target.map(str::to_owned), workspace });
        }
    };
    add(path(["workspace", "dependencies"]), DependencyKind::Normal, None, true);
    for (name, kind) in SPELLINGS {
        add(path([name]), kind, None, false);
    }
    for target in nodes.children(&path(["target"])) {
        for (name, kind) in SPELLINGS {
            add(path(["target", target, name]), kind, Some(target), false);
        }
    }
    tables
}

/// One dependency as its manifest has it. Texts are as written: nothing is checked but their being strings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// The table that it stands in.
    pub table: DependencyTable,
    /// Its key there: what the code calls it.
    pub key: String,
    /// The package's name: `package`, else the key.
    pub package: String,
    /// Whether `package` is given.
    pub renamed: bool,
    /// The version requirement.
    pub req: Option<String>,
    /// `registry`, a name in Cargo's configuration.
    pub registry: Option<String>,
    /// `registry-index`, which Cargo keeps for itself.
    pub registry_index: Option<String>,
    /// `path`
    pub path: Option<String>,
    /// `git`
    pub git: Option<String>,
    /// `workspace = true`: the rest is inherited.
    pub workspace: bool,
    /// `optional = true`
    pub optional: bool,
    /// Where the key first stands.
    pub position: Position,
}

impl Dependency {
    /// The path of the entry from the manifest's root.
    pub(crate) fn entry_path(&self) -> Vec<String> {
        join(&self.table.path, &self.key)
    }

    /// Whether the entry is `"1"` and not a table.
    pub(crate) fn is_string(&self, nodes: &Nodes<'_, '_>) -> bool {
        nodes.string(&self.entry_path()).is_some()
    }
}

/// The dependency under `key` in `table`; nothing where what stands there is neither a string nor a table.
pub(crate) fn dependency(nodes: &Nodes<'_, '_>, table: &DependencyTable, key: &str) -> Option<Dependency> {
    let at = join(&table.path, key);
    let field = |name: &str| nodes.string(&join(&at, name)).map(str::to_owned);
    let flag = |name: &str| nodes.value(&join(&at, name)).and_then(|value| value.as_bool()).unwrap_or(false);
    let (req, is_table) = match nodes.value(&at).map(|value| &value.kind) {
        Some(ValueKind::String(req)) => (Some(req.clone()), false),
        Some(ValueKind::Table(_)) | None => (field("version"), true),
        Some(_) => return None,
    };
    let start = nodes.at(&at).first()?.span.start;
    let package = if is_table { field("package") } else { None };
    Some(Dependency {
        table: table.clone(),
        key: key.to_owned(),
        renamed: package.is_some(),
        package: package.unwrap_or_else(|| key.to_owned()),
        req,
        registry: field("registry"),
        registry_index: field("registry-index"),
        path: field("path"),
        git: field("git"),
        workspace: flag("workspace"),
        optional: flag("optional"),
        position: Position::of(nodes.toml.text, start),
    })
}

/// All dependencies of a manifest, table by table, each in the order of the text.
pub(crate) fn all_dependencies(nodes: &Nodes<'_, '_>) -> Vec<Dependency> {
    let mut found = Vec::new();
    for table in dependency_tables(nodes) {
        found
            .extend(nodes.children(&table.path).into_iter().filter_map(|key| dependency(nodes, &table, key)));
    }
    found
}
