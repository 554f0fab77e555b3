//! Moving what was made into the directory.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use cargo_namespaces_cli::shell::CliError;
use cargo_namespaces_net::fs::{FsError, remove_dir_all};

use super::{Directory, StageState};
use crate::plan::Plan;
use crate::sink::Vendored;
use crate::stage::StageError;
use crate::stage::foreign_files::ExistingTarget;

/// Which packages are moved, by their paths below the vendored directory.
#[derive(Debug, PartialEq, Eq)]
struct Moves<'p> {
    /// Packages of the stage that go in.
    put: Vec<&'p str>,
    /// Packages that are not needed any more.
    gone: Vec<&'p str>,
    /// Local registries that stand where a directory of packages belongs. Each is replaced as a whole.
    registries: Vec<&'p str>,
    /// Whether anything in the directory stays.
    keeps_some: bool,
}

impl<'p> Moves<'p> {
    fn new(
        plan: &Plan,
        planned: &BTreeSet<String>,
        staged: impl Iterator<Item = &'p String>,
        present: &'p BTreeSet<String>,
        no_delete: bool,
    ) -> Self {
        let put: Vec<&str> = staged.filter(|path| planned.contains(*path)).map(String::as_str).collect();
        let others = present.iter().map(String::as_str).filter(|path| !planned.contains(*path));
        let (registries, others): (Vec<&str>, Vec<&str>) =
            others.partition(|path| plan.sources.iter().any(|source| source.dir == *path));
        let keeps_some = put.len() < planned.len() || (no_delete && !others.is_empty());
        Self { put, gone: if no_delete { Vec::new() } else { others }, registries, keeps_some }
    }

    fn are_none(&self) -> bool {
        self.put.is_empty() && self.gone.is_empty() && self.registries.is_empty()
    }

    /// What is moved one by one. A registry takes the packages below it with it.
    fn put_with_registries(&self) -> Vec<&'p str> {
        let is_below = |path: &str| self.registries.iter().any(|above| Path::new(path).starts_with(above));
        let alone = self.put.iter().copied().filter(|path| !is_below(path));
        self.registries.iter().copied().chain(alone).collect()
    }
}

impl Directory<'_> {
    /// Moves what was made into the directory, and what the plan does not have out of it, unless `--no-delete` was given.
    ///
    /// # Errors
    /// Something cannot be moved. The directory is then as before.
    pub(super) fn move_in(&mut self, plan: &Plan) -> Result<Vendored, CliError> {
        let no_delete = self.context.options.no_delete;
        let planned: BTreeSet<String> =
            plan.packages().map(|(source, package)| source.path_of(package)).collect();
        let (present, empty) = match &self.existing {
            ExistingTarget::There { packages, empty, .. } => (packages.clone(), empty.clone()),
            ExistingTarget::Missing => (BTreeSet::new(), Vec::new()),
        };
        let moves = Moves::new(plan, &planned, self.staged.keys(), &present, no_delete);
        if no_delete && !moves.registries.is_empty() {
            let message = "`--no-delete` cannot keep a local registry in a directory";
            return Err(CliError::usage(message).hint("leave the flag out, or vendor into another directory"));
        }
        if !moves.are_none() {
            self.make_moves(&planned, &moves)?;
        }
        if !no_delete {
            // Git leaves them, since it knows files only. One that has got a file meanwhile stays.
            empty.iter().for_each(|path| remove_empty(&self.context.project.target, Path::new(path)));
        }
        let (written, removed) = (moves.put.len(), moves.gone.len() + moves.registries.len());
        let mut packages = std::mem::take(&mut self.unchanged);
        let staged = std::mem::take(&mut self.staged);
        packages.extend(staged.into_iter().filter(|(path, _)| planned.contains(path)));
        packages.retain(|path, _| planned.contains(path) || (no_delete && present.contains(path)));
        Ok(Vendored { written, removed, packages: Some(packages), archive: None })
    }

    fn make_moves(&self, planned: &BTreeSet<String>, moves: &Moves<'_>) -> Result<(), StageError> {
        let tree = self.tree()?;
        let state = std::mem::replace(&mut *self.stage_state(), StageState::Gone);
        let StageState::Begun(stage) = state else { return Err(StageError::Gone) };
        // Made for a plan before Cargo updated the lock files.
        let outdated = self.staged.keys().filter(|path| !planned.contains(*path));
        outdated.into_iter().try_for_each(|path| remove_with_empty(&tree, path))?;
        if moves.keeps_some {
            stage.move_packages(&moves.put_with_registries(), &moves.gone)
        } else {
            stage.swap()
        }
    }
}

/// Removes a package from a tree, and the directory of its source if it was the last.
fn remove_with_empty(tree: &Path, path: &str) -> Result<(), FsError> {
    remove_dir_all(&tree.join(path))?;
    if let Some(above) = Path::new(path).parent() {
        remove_empty(tree, above);
    }
    Ok(())
}

/// Removes the directory at `path` below `root`, and those above it, as far as they are empty.
fn remove_empty(root: &Path, path: &Path) {
    for directory in path.ancestors().filter(|path| !path.as_os_str().is_empty()) {
        let _ = fs::remove_dir(root.join(directory));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cargo_namespaces::lockfile::LockFile;
    use std::collections::BTreeMap;

    #[test]
    fn what_stays_decides_between_single_moves_and_one_swap() {
        let text = "version = 4\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n\
                    source = \"git+https://h/r#0123456789abcdef0123456789abcdef01234567\"\n";
        let plan = Plan::new(&[LockFile::parse(text).unwrap()], &BTreeMap::new()).unwrap();
        let set =
            |paths: &[&str]| -> BTreeSet<String> { paths.iter().map(|path| (*path).to_owned()).collect() };
        let planned = set(&["git/r-0123456/a-1.0.0"]);
        let (staged, old) = (planned.clone(), set(&["crates.io/b-1.0.0"]));
        let moves = Moves::new(&plan, &planned, staged.iter(), &old, false);
        assert_eq!((moves.put.len(), moves.gone.as_slice()), (1, ["crates.io/b-1.0.0"].as_slice()));
        assert!(!moves.keeps_some && !moves.are_none());
        let kept = Moves::new(&plan, &planned, staged.iter(), &old, true);
        assert!(kept.keeps_some && kept.gone.is_empty());
        let registry = set(&["git/r-0123456"]);
        let replaced = Moves::new(&plan, &planned, staged.iter(), &registry, false);
        assert_eq!(replaced.put_with_registries(), ["git/r-0123456"]);
        assert!(Moves::new(&plan, &planned, set(&[]).iter(), &planned, false).are_none());
    }
}
