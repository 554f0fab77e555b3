//! Writing bills of materials, and looking whether they are up to date.

use std::collections::BTreeMap;

use cargo_namespaces_cli::crate_file::CrateFile;
use cargo_namespaces_cli::shell::{CliError, ExitCode, Shell};
use cargo_namespaces_net::fs::{read_if_exists, read_to_string_if_exists, write_if_changed};

use super::error::BomError;
use super::gather::{BomInputs, GatheredBom, ManifestOf};
use super::{Format, SbomRequest};
use crate::content;
use crate::content::RefusedPackage;
use crate::context::Context;
use crate::crate_files::{CachedCrate, CrateCaches, UnavailableCrate};
use crate::filter::shape::MANIFEST;
use crate::git::{self, GitError};
use crate::output_file;
use crate::plan::{Package, Plan, SourceDir};
use crate::project::Project;
use tempfile::TempDir;

/// Where the manifests of vendored packages are read.
#[derive(Debug)]
pub struct Manifests<'a> {
    project: &'a Project,
    caches: CrateCaches<'a>,
    /// Whether packages lie unpacked in the target, and may be believed.
    unpacked: bool,
    /// What `cargo vendor` makes of the packages from git, where the target has none.
    git: Option<TempDir>,
}

impl<'a> Manifests<'a> {
    /// In the vendored directory, which was just filled, else in the archives.
    pub fn vendored(project: &'a Project) -> Self {
        Self { project, caches: CrateCaches::new(&project.settings), unpacked: true, git: None }
    }

    /// In the archives, and for packages from git in what is vendored, where it `stands`: whoever checks it compares it.
    ///
    /// # Errors
    /// Cargo cannot vendor the packages from git anew.
    pub fn packed(context: &Context<'a>, plan: &Plan, is_there: bool) -> Result<Self, GitError> {
        let project = context.project;
        let has_git = plan.git().next().is_some();
        let git = if has_git && !is_there { Some(git::vendor_to_temporary(context, plan)?) } else { None };
        Ok(Self { project, caches: CrateCaches::new(&project.settings), unpacked: false, git })
    }

    /// The text of a manifest.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(&self, source: &SourceDir, package: &Package) -> Result<String, BomError> {
        let is_git = source.is_git();
        if self.unpacked || is_git {
            let directory = self.git.as_ref().map_or(self.project.target.as_path(), TempDir::path);
            let path = directory.join(source.path_of(package)).join(MANIFEST);
            if let Some(text) = read_to_string_if_exists(&path)? {
                return Ok(text);
            }
        }
        let manifest_of = |archive: &CrateFile| {
            content::manifest_of(archive, package)
                .map_err(|error| RefusedPackage::new(source, package, error))
        };
        if let CachedCrate::Matching(archive) = self.caches.read(source, package) {
            return Ok(manifest_of(&archive)?);
        }
        // A local registry needs no cache.
        let path = self.project.target.join(source.crate_path_of(package));
        let packed = CrateFile::read(&path).ok().flatten();
        match packed.filter(|archive| Some(archive.digest()) == package.checksum) {
            Some(archive) => Ok(manifest_of(&archive)?),
            None => Err(UnavailableCrate::new(&self.caches, source, package).into()),
        }
    }
}

/// Refuses files in the vendored directory, and others in whose place somebody else's would be lost.
///
/// # Errors
/// One of them is refused.
pub fn refuse(project: &Project, wanted: &[SbomRequest]) -> Result<(), CliError> {
    for wanted in wanted {
        let path = wanted.path(&project.settings.directory, &project.target);
        output_file::refuse(project, &path, "bill of materials", is_one)?;
    }
    Ok(())
}

/// Whether a file begins as one of the two formats does, whoever wrote it.
fn is_one(head: &[u8]) -> bool {
    let head = String::from_utf8_lossy(head);
    head.trim_start().starts_with('{')
        && ["\"bomFormat\"", "\"spdxVersion\""].iter().any(|key| head.contains(key))
}

/// Writes each that is wanted.
///
/// # Errors
/// A manifest cannot be read, or a file not be written.
pub fn write(
    inputs: &BomInputs<'_>,
    wanted: &[SbomRequest],
    manifest_of: ManifestOf<'_>,
) -> Result<(), CliError> {
    if wanted.is_empty() {
        return Ok(());
    }
    let GatheredBom { bom, unknown } = inputs.bom(manifest_of)?;
    let Context { shell, project, .. } = inputs.context;
    for unknown in unknown {
        shell.warn(format!("the bill of materials does not say {unknown}"));
    }
    for wanted in wanted {
        let path = wanted.path(&project.settings.directory, &project.target);
        let written = write_if_changed(&path, bom.write(wanted.format).as_bytes())?;
        let shown = path.strip_prefix(&project.settings.directory).unwrap_or(&path).display().to_string();
        tell(shell, wanted.format, &shown, written);
    }
    Ok(())
}

fn tell(shell: &Shell, format: Format, path: &str, written: bool) {
    let text = format!("the bill of materials `{path}`");
    shell.status("Wrote", if written { text } else { format!("{text}; nothing changed") });
    shell.json("sbom", &BTreeMap::from([("format", format.name()), ("file", path)]));
}

/// The error of each that is not what would be written now.
///
/// # Errors
/// A manifest cannot be read, or something else that the document says is not known now.
pub fn outdated(
    inputs: &BomInputs<'_>,
    wanted: &[SbomRequest],
    manifest_of: ManifestOf<'_>,
) -> Result<Vec<CliError>, BomError> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let GatheredBom { bom, unknown } = inputs.bom(manifest_of)?;
    let mut found = Vec::new();
    for wanted in wanted {
        let path = wanted.path(&inputs.context.project.settings.directory, &inputs.context.project.target);
        if read_if_exists(&path)?.as_deref() != Some(bom.write(wanted.format).as_bytes()) {
            // The document may say what nobody knows now.
            if let Some(unknown) = unknown.first() {
                return Err(BomError::Unknown(unknown.clone()));
            }
            let message = format!("`{}` is not the bill of materials of what is locked", path.display());
            let hint = format!("write it anew: `cargo nsvendor --sbom {}`", wanted.format.name());
            found.push(CliError::new(ExitCode::Refused, message).hint(hint));
        }
    }
    Ok(found)
}
