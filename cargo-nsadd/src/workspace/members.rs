//! Which manifests belong to a workspace.
//!
//! `cargo metadata` says it. Only where Cargo refuses a manifest, because it is in namespace notation for one, it is found
//! out here, by Cargo's rules: the first manifest above the package with `[workspace]` that does not exclude it is the
//! root, unless the package names another. Members are those of `members`, with the patterns of the crate `glob`, which
//! is Cargo's; and every path dependency below the root, or outside of it if that names the root itself.

use std::collections::{BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use cargo_namespaces_cli::cargo::Cargo;
use cargo_namespaces_cli::shell::CliError;
use cargo_namespaces_net::fs;
use toml_edit::DocumentMut;

use super::{MANIFEST, Manifest, normal};

/// How a path is shown.
type Shown<'a> = &'a dyn Fn(&Path) -> String;

/// The manifests of the workspace of `current`, the root's first.
///
/// # Errors
/// One cannot be read.
pub fn of(current: &Manifest, shown: Shown<'_>) -> Result<Vec<Manifest>, CliError> {
    let root = root_of(current)?;
    let has_members = current.info.workspace.as_ref().is_some_and(|workspace| {
        !workspace.members.is_empty() || current.info.dependencies.iter().any(|found| found.path.is_some())
    });
    if root.is_none() && !has_members {
        return Ok(vec![current.clone()]);
    }
    if let Some(paths) = by_cargo(&current.path) {
        return paths.iter().map(|path| Manifest::read(path, &shown(path))).collect();
    }
    let root = match root {
        Some(root) => Manifest::read(&root, &shown(&root))?,
        None => current.clone(),
    };
    read_here(&root, shown)
}

/// The manifests of the workspace, the root's first, if Cargo can say them.
fn by_cargo(manifest: &Path) -> Option<Vec<PathBuf>> {
    let cargo = Cargo::new(fs::directory_of(manifest));
    let metadata = cargo.metadata(Some(manifest), ["--no-deps", "--offline"]).ok()?;
    let root = metadata.workspace_root.as_std_path().join(MANIFEST);
    let members = metadata.workspace_packages().into_iter();
    let members = members.map(|package| package.manifest_path.as_std_path().to_owned());
    let others: Vec<PathBuf> = members.filter(|path| *path != root).collect();
    Some([vec![root], others].concat())
}

/// As Cargo finds them.
fn read_here(root: &Manifest, shown: Shown<'_>) -> Result<Vec<Manifest>, CliError> {
    let directory = root.directory().to_owned();
    let table = WorkspaceTable::of(root);
    let mut seen = BTreeSet::from([root.path.clone()]);
    // Each with whether `members` names it.
    let named = table.members.iter().flat_map(|pattern| expand(&directory, pattern));
    let by_path = path_dependencies(root, root);
    let mut waiting: VecDeque<(PathBuf, bool)> =
        named.map(|path| (path, true)).chain(by_path.into_iter().map(|path| (path, false))).collect();
    let mut manifests = vec![root.clone()];
    if root.info.workspace.is_none() {
        return Ok(manifests);
    }
    while let Some((at, is_named)) = waiting.pop_front() {
        let path = at.join(MANIFEST);
        if table.excludes(&directory, &at) || !path.is_file() || !seen.insert(path.clone()) {
            continue;
        }
        let below = at.starts_with(&directory);
        let manifest = match Manifest::read(&path, &shown(&path)) {
            Ok(manifest) => manifest,
            // A package elsewhere that is no member is no business of this workspace.
            Err(_) if !below && !is_named => continue,
            Err(error) => return Err(error),
        };
        let belongs = below || is_named || root_of(&manifest)?.as_ref() == Some(&root.path);
        // A package below the root with a workspace of its own is that one's.
        if !belongs || manifest.info.workspace.is_some() {
            continue;
        }
        waiting.extend(path_dependencies(&manifest, root).into_iter().map(|path| (path, false)));
        manifests.push(manifest);
    }
    Ok(manifests)
}

/// The root manifest of a package that is not one itself.
fn root_of(manifest: &Manifest) -> Result<Option<PathBuf>, CliError> {
    if manifest.info.workspace.is_some() {
        return Ok(None);
    }
    if let Some(named) = WorkspaceTable::of(manifest).named {
        return Ok(Some(normal(&manifest.directory().join(named).join(MANIFEST))));
    }
    for ancestor in manifest.directory().ancestors().skip(1) {
        let path = ancestor.join(MANIFEST);
        let Some(text) = fs::read_to_string_if_exists(&path)? else { continue };
        // A manifest further up that is broken may be no business of this package.
        let Ok(document) = text.parse::<DocumentMut>() else { continue };
        if document.contains_key("workspace") {
            let table = WorkspaceTable::read(&document);
            return Ok((!table.excludes(ancestor, manifest.directory())).then_some(path));
        }
    }
    Ok(None)
}

/// What decides whether a package belongs to a workspace.
#[derive(Debug, Default)]
struct WorkspaceTable {
    exclude: Vec<String>,
    members: Vec<String>,
    /// `package.workspace`
    named: Option<String>,
}

impl WorkspaceTable {
    fn of(manifest: &Manifest) -> Self {
        manifest.text.parse::<DocumentMut>().map(|document| Self::read(&document)).unwrap_or_default()
    }

    fn read(document: &DocumentMut) -> Self {
        let strings = |key: &str| -> Vec<String> {
            let list =
                document.get("workspace").and_then(|table| table.get(key)).and_then(|item| item.as_array());
            list.into_iter().flatten().filter_map(|value| value.as_str()).map(str::to_owned).collect()
        };
        let named = document
            .get("package")
            .or_else(|| document.get("project"))
            .and_then(|table| table.get("workspace"));
        let named = named.and_then(|item| item.as_str());
        Self { exclude: strings("exclude"), members: strings("members"), named: named.map(str::to_owned) }
    }

    /// As Cargo: below an excluded directory, unless a member is named more narrowly.
    fn excludes(&self, root: &Path, directory: &Path) -> bool {
        let below = |path: &String| directory.starts_with(normal(&root.join(path)));
        self.exclude.iter().any(below) && !self.members.iter().any(below)
    }
}

/// The directories of the path dependencies of a package of the workspace, inherited ones with them.
fn path_dependencies(manifest: &Manifest, root: &Manifest) -> Vec<PathBuf> {
    let inherited = |key: &str| {
        let mut found =
            root.info.dependencies.iter().filter(|found| found.table.workspace && found.key == key);
        found.find_map(|found| found.path.as_deref()).map(|path| normal(&root.directory().join(path)))
    };
    let own = manifest.info.dependencies.iter().filter(|dependency| !dependency.table.workspace);
    own.filter_map(|dependency| match &dependency.path {
        Some(path) => Some(normal(&manifest.directory().join(path))),
        None if dependency.workspace => inherited(&dependency.key),
        None => None,
    })
    .collect()
}

/// The directories that an entry of `members` means. A pattern that fits nothing is a directory of that name.
fn expand(root: &Path, pattern: &str) -> Vec<PathBuf> {
    let plain = || vec![normal(&root.join(pattern))];
    let Some(escaped) = root.to_str().map(glob::Pattern::escape) else { return plain() };
    let whole =
        if Path::new(pattern).is_absolute() { pattern.to_owned() } else { format!("{escaped}/{pattern}") };
    let found = glob::glob(&whole).into_iter().flatten().filter_map(Result::ok);
    let found: Vec<PathBuf> = found.filter(|path| path.is_dir()).map(|path| normal(&path)).collect();
    if found.is_empty() { plain() } else { found }
}
