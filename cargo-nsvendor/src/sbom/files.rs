//! Writing bills of materials, and looking whether they are up to date.

use std::collections::BTreeMap;

use cargo_namespaces::fs::{read_if_exists, read_to_string_if_exists, write_if_changed};
use cargo_namespaces::settings::Settings;
use cargo_namespaces::shell::{CliError, ExitCode, Shell};

use super::gather::{Gathering, ManifestOf};
use super::{Format, Wanted};
use crate::archives::{Archives, Cached, wrong_or_missing};
use crate::content;
use crate::fill::refuse_package;
use crate::filter::shape::MANIFEST;
use crate::plan::{Package, SourceDir};
use crate::project::{Project, plain};

/// Where the manifests of vendored packages are read.
#[derive(Debug)]
pub struct Manifests<'a> {
    archives: Archives<'a>,
    /// The directory in which packages lie unpacked, where that may be believed.
    unpacked: Option<std::path::PathBuf>,
}

impl<'a> Manifests<'a> {
    /// In the vendored directory, which was just filled, else in the archives.
    pub fn vendored(project: &'a Project) -> Self {
        Self { archives: Archives::new(&project.settings), unpacked: Some(project.target.clone()) }
    }

    /// In the archives only.
    pub fn packed(settings: &'a Settings) -> Self {
        Self { archives: Archives::new(settings), unpacked: None }
    }

    /// The text of a manifest.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(&self, source: &SourceDir, package: &Package) -> Result<String, CliError> {
        if let Some(unpacked) = &self.unpacked {
            let path = unpacked.join(source.path_of(package)).join(MANIFEST);
            if let Some(text) = read_to_string_if_exists(&path)? {
                return Ok(text);
            }
        }
        match self.archives.read(source, package) {
            Cached::Right(archive) => content::manifest_of(&archive, package)
                .map_err(|error| refuse_package(source, package, error)),
            _ => Err(wrong_or_missing(&self.archives, source, package)),
        }
    }
}

/// A file in the vendored directory would be nobody's in the next run.
///
/// # Errors
/// One of the files lies there.
pub fn refuse_inside(project: &Project, wanted: &[Wanted]) -> Result<(), CliError> {
    for wanted in wanted {
        let path = plain(&wanted.path(&project.settings.directory, &project.target));
        if path.starts_with(&project.target) {
            let message = format!("`{}` lies in the vendored directory", path.display());
            return Err(CliError::usage(message).hint("name a file beside it"));
        }
    }
    Ok(())
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
    let bom = gathering.bom(manifest_of)?;
    let Gathering { shell, project, .. } = gathering;
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
/// A manifest cannot be read.
pub fn outdated(
    gathering: &Gathering<'_>,
    wanted: &[Wanted],
    manifest_of: ManifestOf<'_>,
) -> Result<Vec<CliError>, CliError> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let bom = gathering.bom(manifest_of)?;
    let mut found = Vec::new();
    for wanted in wanted {
        let path = wanted.path(&gathering.project.settings.directory, &gathering.project.target);
        if read_if_exists(&path)?.as_deref() != Some(bom.write(wanted.format).as_bytes()) {
            let message = format!("`{}` is not the bill of materials of what is locked", path.display());
            let hint = format!("write it anew: `cargo nsvendor --sbom {}`", wanted.format.name());
            found.push(CliError::new(ExitCode::Refused, message).hint(hint));
        }
    }
    Ok(found)
}
