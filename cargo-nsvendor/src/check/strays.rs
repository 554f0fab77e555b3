//! What lies in the vendored directory beside the packages.

use std::collections::BTreeSet;
use std::path::Path;

use cargo_namespaces_net::fs::FsError;

use super::tree::{Finding, Kind, What, entries, list};
use crate::plan::Plan;

/// What lies in the vendored directory beside the packages of the plan; dot files at the top are the user's, and
/// Cargo does not look at them.
///
/// # Errors
/// A directory cannot be read.
pub fn strays(target: &Path, plan: &Plan) -> Result<Vec<Finding>, FsError> {
    let packages: Vec<String> =
        plan.packages().map(|(source, package)| format!("{}/{}", source.dir, package.dir())).collect();
    let mut findings = Vec::new();
    let mut pending = vec![String::new()];
    while let Some(above) = pending.pop() {
        for entry in entries(&target.join(&above))? {
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else {
                let path = format!("{above}{}", entry.file_name().to_string_lossy());
                findings.push(Finding { path, what: What::Stray });
                continue;
            };
            let path = format!("{above}{name}");
            let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let below = format!("{path}/");
            if is_directory && packages.contains(&path) {
                continue;
            }
            if is_directory && packages.iter().any(|package| package.starts_with(&below)) {
                pending.push(below);
            } else if !(above.is_empty() && name.starts_with('.') && !is_directory) {
                let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
                let what = if is_link { What::NotAFile } else { What::Stray };
                findings.push(Finding { path, what });
            }
        }
    }
    findings.sort();
    Ok(findings)
}

/// As [`strays`] for a local registry: what lies beside `files`, and beside the packages from git.
///
/// # Errors
/// A directory cannot be read.
pub fn strays_beside(target: &Path, plan: &Plan, files: &BTreeSet<&str>) -> Result<Vec<Finding>, FsError> {
    let git: Vec<String> = plan
        .packages()
        .filter(|(_, package)| package.checksum.is_none())
        .map(|(source, package)| format!("{}/", source.path_of(package)))
        .collect();
    let mut findings = Vec::new();
    for (path, kind) in list(target)? {
        let of_user = path.starts_with('.') && !path.contains('/') && kind == Kind::File;
        if of_user || git.iter().any(|package| path.starts_with(package)) {
            continue;
        }
        match kind {
            Kind::File if files.contains(path.as_str()) => {}
            Kind::File | Kind::Empty => findings.push(Finding { path, what: What::Stray }),
            Kind::Other => findings.push(Finding { path, what: What::NotAFile }),
        }
    }
    Ok(findings)
}
