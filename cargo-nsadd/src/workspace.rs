//! The manifests of a workspace, found without Cargo: a manifest in namespace notation is one that Cargo refuses to read,
//! and asking `cargo metadata` costs more than everything else that a warm run does.
//!
//! Cargo's rules: the nearest `Cargo.toml` upward is the package; the first one above it with `[workspace]` that does
//! not exclude it is the root. Members are those of `members`, with wildcards, and every path dependency below the root.

use std::collections::{BTreeSet, VecDeque};
use std::path::{Component, Path, PathBuf};

use cargo_namespaces::fs;
use cargo_namespaces::manifest::{ManifestError, ManifestInfo};
use cargo_namespaces::shell::{CliError, ExitCode};
use toml_edit::DocumentMut;

const MANIFEST: &str = "Cargo.toml";
/// How deep a `**` in `members` looks; Cargo's own packages nest three or four deep.
const MAX_DEPTH: usize = 16;

/// One `Cargo.toml` as it was read.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The file, absolute.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    /// What it says.
    pub info: ManifestInfo,
}

impl Manifest {
    /// Reads and parses a manifest.
    ///
    /// # Errors
    /// It cannot be read, or is invalid: then with line and column.
    pub fn read(path: &Path, shown: &str) -> Result<Self, CliError> {
        let text = fs::read_to_string(path)?;
        let info = ManifestInfo::parse(&text).map_err(|error| invalid(shown, &error))?;
        Ok(Self { path: path.to_owned(), text, info })
    }

    /// The directory of the package.
    pub fn directory(&self) -> &Path {
        fs::directory_of(&self.path)
    }

    /// The package's name.
    pub fn name(&self) -> Option<&str> {
        self.info.package.as_ref().map(|package| package.name.as_str())
    }
}

/// A workspace, or a package that is alone.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// The directory of the root manifest: `Cargo.lock` and `.cargo` stand there.
    pub root: PathBuf,
    /// The manifests, the root's first.
    pub manifests: Vec<Manifest>,
    /// The manifest that was asked for, by its place in `manifests`.
    pub current: usize,
    /// What paths are shown relative to.
    base: PathBuf,
}

impl Workspace {
    /// Finds the workspace of `--manifest-path`, or of the nearest manifest from `directory` upward.
    ///
    /// # Errors
    /// There is none, or one of its manifests cannot be read.
    pub fn load(directory: &Path, manifest_path: Option<&Path>) -> Result<Self, CliError> {
        let path = match manifest_path {
            Some(given) => given_manifest(directory, given)?,
            None => nearest(directory).ok_or_else(|| {
                CliError::new(
                    ExitCode::InvalidInput,
                    format!(
                        "could not find `{MANIFEST}` in `{}` or any parent directory",
                        directory.display()
                    ),
                )
                .hint("run the command in a package, or give `--manifest-path`")
            })?,
        };
        let shown = |path: &Path| shown_from(directory, path);
        let current = Manifest::read(&path, &shown(&path))?;
        let root = match root_of(&current)? {
            Some(root) => Manifest::read(&root, &shown(&root))?,
            None => current.clone(),
        };
        let mut workspace = Self {
            root: root.directory().to_owned(),
            manifests: vec![root],
            current: 0,
            base: directory.to_owned(),
        };
        workspace.read_members()?;
        workspace.current = match workspace.position(&path) {
            Some(at) => at,
            None => {
                workspace.manifests.push(current);
                workspace.manifests.len() - 1
            }
        };
        Ok(workspace)
    }

    /// The root manifest.
    pub fn root_manifest(&self) -> &Manifest {
        &self.manifests[0]
    }

    /// A path as it is shown: relative to where the command runs, if it is below.
    pub fn shown(&self, path: &Path) -> String {
        shown_from(&self.base, path)
    }

    /// The package that a command changes: `-p`, or the manifest that was asked for.
    ///
    /// # Errors
    /// No such package, or several and none chosen.
    pub fn package(&self, spec: Option<&str>) -> Result<&Manifest, CliError> {
        let packages: Vec<&Manifest> =
            self.manifests.iter().filter(|manifest| manifest.name().is_some()).collect();
        let names = || packages.iter().filter_map(|manifest| manifest.name()).collect::<Vec<_>>().join(", ");
        if let Some(spec) = spec {
            // A package id: `name`, `name@1.0.0`, `path+file:///…#name@1.0.0`.
            let name = spec.rsplit_once('#').map_or(spec, |(_, name)| name);
            let name = name.split_once('@').map_or(name, |(name, _)| name);
            return packages.iter().copied().find(|manifest| manifest.name() == Some(name)).ok_or_else(
                || {
                    CliError::usage(format!("package `{spec}` is not a member of the workspace"))
                        .hint(format!("the packages of the workspace are {}", names()))
                },
            );
        }
        let current = &self.manifests[self.current];
        if current.name().is_some() {
            return Ok(current);
        }
        match packages.as_slice() {
            [only] => Ok(only),
            [] => Err(CliError::usage("the workspace has no package to add to")),
            _ => Err(CliError::usage("could not determine which package to modify")
                .hint(format!("use `--package` with one of {}", names()))),
        }
    }

    fn position(&self, path: &Path) -> Option<usize> {
        self.manifests.iter().position(|manifest| manifest.path == *path)
    }

    fn read_members(&mut self) -> Result<(), CliError> {
        let root = self.root_manifest().clone();
        let table = WorkspaceTable::of(&root);
        let mut seen = BTreeSet::from([root.path.clone()]);
        let mut waiting: VecDeque<PathBuf> = path_dependencies(&root).into();
        if let Some(workspace) = &root.info.workspace {
            for pattern in &workspace.members {
                waiting.extend(expand(&self.root, pattern));
            }
        }
        while let Some(directory) = waiting.pop_front() {
            let path = directory.join(MANIFEST);
            let outside = !directory.starts_with(&self.root) || table.excludes(&self.root, &directory);
            if outside || !path.is_file() || !seen.insert(path.clone()) {
                continue;
            }
            let manifest = Manifest::read(&path, &self.shown(&path))?;
            // A package below the root with a workspace of its own is that one's.
            if root.info.workspace.is_none() || manifest.info.workspace.is_some() {
                continue;
            }
            waiting.extend(path_dependencies(&manifest));
            self.manifests.push(manifest);
        }
        Ok(())
    }
}

fn invalid(shown: &str, error: &ManifestError) -> CliError {
    let made = CliError::new(ExitCode::InvalidInput, format!("the manifest `{shown}` is invalid"))
        .because(error.to_string());
    let hint = match error {
        ManifestError::Name { source, .. } => source.hint(),
        _ => None,
    };
    made.hint(hint.unwrap_or("correct the manifest and run the command again; it was left as it is"))
}

fn given_manifest(directory: &Path, given: &Path) -> Result<PathBuf, CliError> {
    let path = normal(&directory.join(given));
    if path.file_name().is_none_or(|name| name != MANIFEST) {
        return Err(CliError::usage("the manifest-path must be a path to a Cargo.toml file"));
    }
    if !path.is_file() {
        return Err(CliError::new(
            ExitCode::InvalidInput,
            format!("manifest path `{}` does not exist", given.display()),
        ));
    }
    Ok(path)
}

fn nearest(directory: &Path) -> Option<PathBuf> {
    directory.ancestors().map(|ancestor| ancestor.join(MANIFEST)).find(|path| path.is_file())
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
        let named =
            document.get("package").and_then(|table| table.get("workspace")).and_then(|item| item.as_str());
        Self { exclude: strings("exclude"), members: strings("members"), named: named.map(str::to_owned) }
    }

    /// As Cargo: below an excluded directory, unless a member is named more narrowly.
    fn excludes(&self, root: &Path, directory: &Path) -> bool {
        let below = |path: &String| directory.starts_with(normal(&root.join(path)));
        self.exclude.iter().any(below) && !self.members.iter().any(below)
    }
}

fn path_dependencies(manifest: &Manifest) -> Vec<PathBuf> {
    let paths = manifest.info.dependencies.iter().filter_map(|dependency| dependency.path.as_deref());
    paths.map(|path| normal(&manifest.directory().join(path))).collect()
}

/// The directories that an entry of `members` means.
fn expand(root: &Path, pattern: &str) -> Vec<PathBuf> {
    let mut found = vec![root.to_owned()];
    for part in pattern.split('/').filter(|part| !part.is_empty() && *part != ".") {
        found = match part {
            "**" => found.iter().flat_map(|directory| descendants(directory, MAX_DEPTH)).collect(),
            _ if part.contains(['*', '?']) => found
                .iter()
                .flat_map(|directory| children(directory))
                .filter(|path| {
                    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| fits(part, name))
                })
                .collect(),
            _ => found.iter().map(|directory| normal(&directory.join(part))).collect(),
        };
    }
    found
}

fn children(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let mut paths: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    paths.sort();
    paths
}

fn descendants(directory: &Path, depth: usize) -> Vec<PathBuf> {
    let mut found = vec![directory.to_owned()];
    if depth > 0 {
        found.extend(children(directory).iter().flat_map(|child| descendants(child, depth - 1)));
    }
    found
}

/// Whether a name fits a pattern with `*` and `?`.
fn fits(pattern: &str, name: &str) -> bool {
    match pattern.chars().next() {
        None => name.is_empty(),
        Some('*') => {
            let rest = &pattern[1..];
            fits(rest, name) || name.char_indices().any(|(at, c)| fits(rest, &name[at + c.len_utf8()..]))
        }
        Some(wanted) => match name.chars().next() {
            Some(c) if wanted == '?' || wanted == c => {
                fits(&pattern[wanted.len_utf8()..], &name[c.len_utf8()..])
            }
            _ => false,
        },
    }
}

/// The path without `.` and `..`, by its text: symbolic links stay as the user wrote them.
pub fn normal(path: &Path) -> PathBuf {
    let mut result = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                result.pop();
            }
            other => result.push(other),
        }
    }
    result
}

fn shown_from(base: &Path, path: &Path) -> String {
    path.strip_prefix(base).unwrap_or(path).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Tree(tempfile::TempDir);

    impl Tree {
        fn new(files: &[(&str, &str)]) -> Self {
            let tree = Self(tempfile::tempdir().unwrap());
            for (path, text) in files {
                fs::write_atomic(&tree.0.path().join(path), text.as_bytes()).unwrap();
            }
            tree
        }

        fn load(&self, directory: &str) -> Workspace {
            Workspace::load(&normal(&self.0.path().join(directory)), None).unwrap()
        }
    }

    fn names(workspace: &Workspace) -> Vec<&str> {
        workspace.manifests.iter().filter_map(Manifest::name).collect()
    }

    const A: &str = "[package]\nname = \"a\"\n[dependencies]\nd = { path = \"../../deep/d\" }\n";

    #[test]
    fn members_by_wildcard_and_by_path() {
        let tree = Tree::new(&[
            ("Cargo.toml", "[workspace]\nmembers = [\"crates/*\", \"one\"]\nexclude = [\"crates/out\"]\n"),
            ("crates/a/Cargo.toml", A),
            ("crates/out/Cargo.toml", "[package]\nname = \"out\"\n"),
            ("crates/empty/readme", ""),
            ("deep/d/Cargo.toml", "[package]\nname = \"x.example/d\"\n"),
            ("one/Cargo.toml", "[package]\nname = \"one\"\n"),
        ]);
        let workspace = tree.load("crates/a/");
        assert_eq!(names(&workspace), ["a", "one", "d"]);
        assert_eq!(workspace.package(None).unwrap().name(), Some("a"));
        assert_eq!(workspace.package(Some("one@1.0.0")).unwrap().name(), Some("one"));
        assert!(workspace.package(Some("none")).unwrap_err().hint_text().unwrap().contains("a, one, d"));
        assert!(tree.load(".").package(None).is_err(), "a virtual workspace with several packages");
        let out = tree.load("crates/out");
        assert_eq!((names(&out), out.root.ends_with("out")), (vec!["out"], true));
    }

    #[test]
    fn a_package_alone_has_its_own_root() {
        let tree = Tree::new(&[("Cargo.toml", "[package]\nname = \"a\"\n"), ("src/x/y", "")]);
        let workspace = tree.load("src/x");
        assert_eq!((names(&workspace), workspace.root.as_path()), (vec!["a"], tree.0.path()));
    }

    #[test]
    fn a_broken_manifest_is_told_with_its_place() {
        let tree = Tree::new(&[("Cargo.toml", "[package]\nname = \"a\"\n[dependencies\n")]);
        let error = Workspace::load(tree.0.path(), None).unwrap_err();
        assert_eq!(
            (error.exit(), error.message()),
            (ExitCode::InvalidInput, "the manifest `Cargo.toml` is invalid")
        );
        assert!(error.causes()[0].contains("line 3, column"), "{error}");
    }

    #[test]
    fn wildcards() {
        assert!(fits("a*c", "abbc") && fits("*", "") && fits("?b", "ab") && fits("a*", "a"));
        assert!(!fits("a*c", "ab") && !fits("?", "") && !fits("a", "ab"));
    }
}
