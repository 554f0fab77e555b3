//! Writing bills of materials, and checking whether they are up to date.

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
use crate::output_file::{self, OutputFileError};
use crate::plan::{Package, Plan, SourceDir};
use crate::project::Project;
use tempfile::TempDir;

/// Reads the manifests of vendored packages.
#[derive(Debug)]
pub struct Manifests<'a> {
    project: &'a Project,
    caches: CrateCaches<'a>,
    /// Whether the target has unpacked packages that were checked.
    unpacked: bool,
    /// The packages from git, if the target has none.
    git: Option<TempDir>,
}

impl<'a> Manifests<'a> {
    /// Reads them in the vendored directory, which was just filled, else in the .crates.
    pub fn vendored(project: &'a Project) -> Self {
        Self { project, caches: CrateCaches::new(&project.settings), unpacked: true, git: None }
    }

    /// Reads them in the .crates; those of packages from git in the vendored directory, if it exists (`is_there`), where the check
    /// compares them.
    ///
    /// # Errors
    /// Cargo cannot vendor the packages from git.
    pub fn packed(context: &Context<'a>, plan: &Plan, is_there: bool) -> Result<Self, GitError> {
        let project = context.project;
        let has_git = plan.git().next().is_some();
        let git = if has_git && !is_there { Some(git::vendor_to_temporary(context, plan)?) } else { None };
        Ok(Self { project, caches: CrateCaches::new(&project.settings), unpacked: false, git })
    }

    /// The text of a manifest.
    pub fn read(&self, source: &SourceDir, package: &Package) -> Result<String, BomError> {
        let is_git = source.is_git();
        if self.unpacked || is_git {
            let directory = self.git.as_ref().map_or(self.project.target.as_path(), TempDir::path);
            let path = directory.join(source.path_of(package)).join(MANIFEST);
            if let Some(text) = read_to_string_if_exists(&path)? {
                return Ok(text);
            }
        }
        let manifest_of = |crate_file: &CrateFile| {
            content::manifest_of(crate_file, package)
                .map_err(|error| RefusedPackage::new(source, package, error))
        };
        if let CachedCrate::Matching(crate_file) = self.caches.read(source, package) {
            return Ok(manifest_of(&crate_file)?);
        }
        // A local registry needs no cache.
        let path = self.project.target.join(source.crate_path_of(package));
        let packed = CrateFile::read(&path).ok().flatten();
        match packed.filter(|crate_file| Some(crate_file.digest()) == package.checksum) {
            Some(crate_file) => Ok(manifest_of(&crate_file)?),
            None => Err(UnavailableCrate::new(&self.caches, source, package).into()),
        }
    }
}

/// Whether all bills of materials may be written.
///
/// # Errors
/// One of them would replace another file.
pub fn require_writable(project: &Project, wanted: &[SbomRequest]) -> Result<(), OutputFileError> {
    for wanted in wanted {
        let path = wanted.path(&project.settings.directory, &project.target);
        output_file::require_writable(project, &path, "bill of materials", is_one)?;
    }
    Ok(())
}

/// Whether a file begins like one of the two formats, whichever program wrote it.
fn is_one(head: &[u8]) -> bool {
    let head = String::from_utf8_lossy(head);
    head.trim_start().starts_with('{')
        && ["\"bomFormat\"", "\"spdxVersion\""].iter().any(|key| head.contains(key))
}

/// Writes the bills of materials.
///
/// # Errors
/// A manifest cannot be read, or a file cannot be written.
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
        report(shell, wanted.format, &shown, written);
    }
    Ok(())
}

fn report(shell: &Shell, format: Format, path: &str, written: bool) {
    let text = format!("the bill of materials `{path}`");
    shell.status("Wrote", if written { text } else { format!("{text}; nothing changed") });
    shell.json("sbom", &BTreeMap::from([("format", format.name()), ("file", path)]));
}

/// An error for each file that differs from what would be written now.
///
/// # Errors
/// A manifest cannot be read, or something that the document says is not known now.
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
            // The document may say what is not known now.
            if let Some(unknown) = unknown.first() {
                return Err(BomError::Unknown(unknown.clone()));
            }
            let message = format!("`{}` is not the bill of materials of what is locked", path.display());
            let hint = format!("regenerate it: `cargo nsvendor --sbom {}`", wanted.format.name());
            found.push(CliError::new(ExitCode::Refused, message).hint(hint));
        }
    }
    Ok(found)
}
