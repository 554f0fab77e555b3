//! Writing bills of materials, and looking whether they are up to date.

use std::collections::BTreeMap;

use cargo_namespaces_cli::crate_file::CrateFile;
use cargo_namespaces_cli::shell::{CliError, ExitCode, Shell};
use cargo_namespaces_net::fs::{read_if_exists, read_to_string_if_exists, write_if_changed};

use super::gather::{Gathered, Gathering, ManifestOf};
use super::{Format, Wanted};
use crate::archives::{Archives, Cached, wrong_or_missing};
use crate::content;
use crate::fill::refuse_package;
use crate::filter::shape::MANIFEST;
use crate::form::local_registry::crate_path;
use crate::form::place;
use crate::git;
use crate::plan::{Package, Plan, Source, SourceDir};
use crate::project::Project;
use tempfile::TempDir;

/// Where the manifests of vendored packages are read.
#[derive(Debug)]
pub struct Manifests<'a> {
    project: &'a Project,
    archives: Archives<'a>,
    /// Whether packages lie unpacked in the target, and may be believed.
    unpacked: bool,
    /// What `cargo vendor` makes of the packages from git, where the target has none.
    git: Option<TempDir>,
}

impl<'a> Manifests<'a> {
    /// In the vendored directory, which was just filled, else in the archives.
    pub fn vendored(project: &'a Project) -> Self {
        Self { project, archives: Archives::new(&project.settings), unpacked: true, git: None }
    }

    /// In the archives, and for packages from git in what is vendored, where it `stands`: whoever checks it compares it.
    ///
    /// # Errors
    /// Cargo cannot vendor the packages from git anew.
    pub fn packed(shell: &Shell, project: &'a Project, plan: &Plan, stands: bool) -> Result<Self, CliError> {
        let has_git = plan.git().next().is_some();
        let git = if has_git && !stands { Some(git::fresh(shell, project, plan)?) } else { None };
        Ok(Self { project, archives: Archives::new(&project.settings), unpacked: false, git })
    }

    /// The text of a manifest.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(&self, source: &SourceDir, package: &Package) -> Result<String, CliError> {
        let is_git = matches!(source.source, Source::Git(_));
        if self.unpacked || is_git {
            let directory = self.git.as_ref().map_or(self.project.target.as_path(), TempDir::path);
            let path = directory.join(source.path_of(package)).join(MANIFEST);
            if let Some(text) = read_to_string_if_exists(&path)? {
                return Ok(text);
            }
        }
        if let Cached::Right(archive) = self.archives.read(source, package) {
            return content::manifest_of(&archive, package)
                .map_err(|error| refuse_package(source, package, error));
        }
        // A local registry needs no cache.
        let packed = CrateFile::read(&self.project.target.join(crate_path(source, package))).ok().flatten();
        match packed.filter(|archive| Some(archive.digest()) == package.checksum) {
            Some(archive) => content::manifest_of(&archive, package)
                .map_err(|error| refuse_package(source, package, error)),
            None => Err(wrong_or_missing(&self.archives, source, package)),
        }
    }
}

/// Refuses files in the vendored directory, and others in whose place somebody else's would be lost.
///
/// # Errors
/// One of them is refused.
pub fn refuse(project: &Project, wanted: &[Wanted]) -> Result<(), CliError> {
    for wanted in wanted {
        let path = wanted.path(&project.settings.directory, &project.target);
        place::refuse(project, &path, "bill of materials", is_one)?;
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
    gathering: &Gathering<'_>,
    wanted: &[Wanted],
    manifest_of: ManifestOf<'_>,
) -> Result<(), CliError> {
    if wanted.is_empty() {
        return Ok(());
    }
    let Gathered { bom, unknown } = gathering.bom(manifest_of)?;
    let Gathering { shell, project, .. } = gathering;
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
    gathering: &Gathering<'_>,
    wanted: &[Wanted],
    manifest_of: ManifestOf<'_>,
) -> Result<Vec<CliError>, CliError> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let Gathered { bom, unknown } = gathering.bom(manifest_of)?;
    let mut found = Vec::new();
    for wanted in wanted {
        let path = wanted.path(&gathering.project.settings.directory, &gathering.project.target);
        if read_if_exists(&path)?.as_deref() != Some(bom.write(wanted.format).as_bytes()) {
            // The document may say what nobody knows now.
            if let Some(unknown) = unknown.first() {
                let message = format!("it is not known {unknown}");
                return Err(CliError::new(ExitCode::Unreachable, message));
            }
            let message = format!("`{}` is not the bill of materials of what is locked", path.display());
            let hint = format!("write it anew: `cargo nsvendor --sbom {}`", wanted.format.name());
            found.push(CliError::new(ExitCode::Refused, message).hint(hint));
        }
    }
    Ok(found)
}
