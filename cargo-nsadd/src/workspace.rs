//! The manifests of a workspace.
//!
//! Which they are is for Cargo to say, where it can: see [`members`]. A package that is alone is found without it, since
//! asking costs more than everything else that a warm run does.

mod members;

use std::path::{Component, Path, PathBuf};

use cargo_namespaces::manifest::{ManifestError, ManifestInfo};
use cargo_namespaces_cli::shell::{CliError, ExitCode};
use cargo_namespaces_net::fs;

const MANIFEST: &str = "Cargo.toml";

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
        let manifests = members::of(&current, &shown)?;
        let mut workspace = Self {
            root: manifests[0].directory().to_owned(),
            manifests,
            current: 0,
            base: directory.to_owned(),
        };
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

    /// Cargo reads these manifests, which name no namespace; the last of them it refuses.
    #[test]
    fn members_are_those_that_cargo_knows() {
        let package = |name: &str| format!("[package]\nname = \"{name}\"\nedition = \"2021\"\n");
        let outside = format!("{}workspace = \"../ws\"\n", package("outside"));
        let implicit = format!("{}workspace = \"../ws\"\n", package("implicit"));
        let root = |members: &str| format!("[workspace]\nmembers = [{members}]\nresolver = \"2\"\n");
        let by_path =
            format!("{}[dependencies]\nimplicit = {{ path = \"../../../implicit\" }}\n", package("a1"));
        let tree = Tree::new(&[
            ("ws/Cargo.toml", ""),
            ("ws/crates/a1/Cargo.toml", &by_path),
            ("ws/crates/b2/Cargo.toml", &package("b2")),
            ("ws/crates/c3/Cargo.toml", &package("c3")),
            ("ws/crates/.hidden/Cargo.toml", &package("hidden")),
            ("ws/deep/er/d/Cargo.toml", &package("d")),
            ("outside/Cargo.toml", &outside),
            ("implicit/Cargo.toml", &implicit),
            ("stranger/Cargo.toml", &package("stranger")),
        ]);
        for directory in [
            "ws/crates/a1",
            "ws/crates/b2",
            "ws/crates/c3",
            "ws/crates/.hidden",
            "ws/deep/er/d",
            "outside",
            "implicit",
        ] {
            fs::write_atomic(&tree.0.path().join(directory).join("src/lib.rs"), b"").unwrap();
        }
        for (members, expected) in [
            ("\"crates/[ab]*\"", &["a1", "b2", "implicit"][..]),
            ("\"crates/?1\", \"../outside\"", &["a1", "implicit", "outside"]),
            ("\"crates/[!a]*\"", &["b2", "c3", "hidden"]),
            ("\"crates/*\"", &["a1", "b2", "c3", "hidden", "implicit"]),
            ("\"./deep//*/d/\"", &["d"]),
            ("\"deep/**/d\"", &["d"]),
        ] {
            let path = tree.0.path().join("ws/Cargo.toml");
            let sorted = |workspace: &Workspace| {
                let mut names: Vec<String> = names(workspace).into_iter().map(str::to_owned).collect();
                names.sort();
                names
            };
            fs::write_atomic(&path, root(members).as_bytes()).unwrap();
            assert_eq!(sorted(&tree.load("ws")), expected, "{members}");
            // The same, where Cargo cannot say it.
            let notation = format!("{}[workspace.dependencies]\n\"x.example/y\" = \"1\"\n", root(members));
            fs::write_atomic(&path, notation.as_bytes()).unwrap();
            assert_eq!(sorted(&tree.load("ws")), expected, "{members}, without Cargo");
        }
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
}
