//! The packages on the project's own disk: its members, and what they depend on by path or are patched with, wherever that
//! lies. Cargo is asked for each manifest, without resolving anything: it knows what is inherited from which workspace.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cargo_namespaces_cli::shell::CliError;
use cargo_namespaces_net::fs::{directory_of, read_to_string};
use semver::Version;
use toml_edit::{DocumentMut, Item, TableLike};

use super::Facts;
use super::declared::{self, Declared};
use crate::project::{Project, plain};

/// One of them.
#[derive(Clone, Debug)]
pub struct Own {
    /// What its manifest says.
    pub facts: Facts,
    /// What it declares.
    pub declared: Vec<Declared>,
    /// Whether it belongs to a workspace that is vendored for; the others are dependencies.
    pub is_member: bool,
}

/// All of them, by name and version.
pub type OwnPackages = BTreeMap<(String, Version), Own>;

/// Finds them.
///
/// # Errors
/// Cargo cannot read the manifest of a workspace that is vendored for. What is wrong with others makes them unknown.
pub fn find(project: &Project) -> Result<OwnPackages, CliError> {
    let mut found = OwnPackages::new();
    let mut seen: BTreeSet<PathBuf> = BTreeSet::new();
    let mut pending: Vec<PathBuf> = Vec::new();
    for manifest in &project.manifests {
        let packages = project.cargo.members(manifest)?.packages;
        seen.extend(packages.iter().map(|package| package.manifest_path.clone().into_std_path_buf()));
        for package in packages {
            pending.extend(paths_of(&package));
            add(&mut found, &package, true);
        }
        pending.extend(patched_paths(&read_to_string(manifest)?, directory_of(manifest)));
    }
    while let Some(directory) = pending.pop() {
        let manifest = plain(&directory.join("Cargo.toml"));
        if seen.contains(&manifest) || !manifest.is_file() {
            continue;
        }
        seen.insert(manifest.clone());
        let Ok(metadata) = project.cargo.members(&manifest) else { continue };
        // Its workspace may have others, which nothing here needs.
        let here =
            metadata.packages.into_iter().find(|package| package.manifest_path.as_std_path() == manifest);
        if let Some(package) = here {
            pending.extend(paths_of(&package));
            add(&mut found, &package, false);
        }
    }
    Ok(found)
}

fn add(found: &mut OwnPackages, package: &cargo_metadata::Package, is_member: bool) {
    let own = Own { facts: Facts::of_package(package), declared: declared::of_package(package), is_member };
    found.entry((package.name.to_string(), package.version.clone())).or_insert(own);
}

fn paths_of(package: &cargo_metadata::Package) -> Vec<PathBuf> {
    let paths = package.dependencies.iter().filter_map(|dependency| dependency.path.clone());
    paths.map(cargo_metadata::camino::Utf8PathBuf::into_std_path_buf).collect()
}

/// The directories in the `[patch]` tables of a manifest in `directory`.
fn patched_paths(text: &str, directory: &Path) -> Vec<PathBuf> {
    let Ok(document) = text.parse::<DocumentMut>() else { return Vec::new() };
    let patches = document.get("patch").and_then(Item::as_table_like);
    let tables = patches.into_iter().flat_map(TableLike::iter).filter_map(|(_, item)| item.as_table_like());
    let packages = tables.flat_map(|table| table.iter());
    let paths = packages.filter_map(|(_, package)| package.get("path").and_then(Item::as_str));
    paths.map(|path| directory.join(path)).collect()
}
