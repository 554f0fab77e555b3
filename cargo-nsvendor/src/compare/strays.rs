//! Finding what is in the vendored directory besides the packages.

use std::collections::BTreeSet;
use std::path::Path;

use cargo_namespaces_net::fs::FsError;

use super::{EntryKind, Finding, FindingKind, entries, list};
use crate::plan::Plan;

/// What is in the vendored directory besides the packages of the plan. Dot files at its top belong to the user, and Cargo does not
/// read them.
pub fn strays(target: &Path, plan: &Plan) -> Result<Vec<Finding>, FsError> {
    let packages: Vec<String> =
        plan.packages().map(|(source, package)| format!("{}/{}", source.dir, package.dir())).collect();
    let mut findings = Vec::new();
    let mut pending = vec![String::new()];
    while let Some(above) = pending.pop() {
        for entry in entries(&target.join(&above))? {
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else {
                let path = format!("{above}{}", entry.file_name().to_string_lossy());
                findings.push(Finding { path, kind: FindingKind::Stray });
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
                let what = if is_link { FindingKind::NotAFile } else { FindingKind::Stray };
                findings.push(Finding { path, kind: what });
            }
        }
    }
    findings.sort();
    Ok(findings)
}

/// As [`strays`] for a local registry: what is there besides `files` and the packages from git.
pub fn strays_beside(target: &Path, plan: &Plan, files: &BTreeSet<&str>) -> Result<Vec<Finding>, FsError> {
    let git: Vec<String> = plan
        .packages()
        .filter(|(_, package)| package.checksum.is_none())
        .map(|(source, package)| format!("{}/", source.path_of(package)))
        .collect();
    let mut findings = Vec::new();
    for (path, kind) in list(target)? {
        let of_user = path.starts_with('.') && !path.contains('/') && kind == EntryKind::File;
        if of_user || git.iter().any(|package| path.starts_with(package)) {
            continue;
        }
        match kind {
            EntryKind::File if files.contains(path.as_str()) => {}
            EntryKind::File | EntryKind::Empty => findings.push(Finding { path, kind: FindingKind::Stray }),
            EntryKind::Other => findings.push(Finding { path, kind: FindingKind::NotAFile }),
        }
    }
    Ok(findings)
}
