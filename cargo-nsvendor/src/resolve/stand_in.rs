//! Stubs that stand in for packages that Cargo cannot see: offline, with nothing in its home.
//!
//! To resolve, Cargo reads the manifest of every package. Each manifest is here all the same, in a .crate or in the vendored
//! directory. So Cargo is given a temporary directory of [stubs](crate::filter::shape) made of them, which it resolves as it would
//! resolve the packages:
//!
//! ```text
//! <temporary>/sources.toml                             --config: every source replaced by a directory below
//! <temporary>/vendored/crates.io/itoa-1.0.15/…         Cargo.toml, src/lib.rs, .cargo-checksum.json
//! ```
//!
//! | manifest | from |
//! |---|---|
//! | as published | the .crate, in a cache or in a vendored local registry |
//! | as it is there | the vendored directory; the caller compares it with the .crate, or reports that there is none |
//! | made of the index line | a vendored local registry, for packages that were left out |

use std::fs;
use std::path::{Path, PathBuf};

use cargo_namespaces::index::IndexLine;
use cargo_namespaces::limits::MAX_MANIFEST;
use cargo_namespaces_cli::crate_file::CrateFile;
use cargo_namespaces_net::fs::{FsError, read, write_cache};
use tempfile::TempDir;

use super::line_manifest;
use crate::cargo_run::CargoRun;
use crate::checksum_list::{CHECKSUMS, Checksums};
use crate::content;
use crate::crate_files::{CachedCrate, CrateCaches, UnavailableCrate};
use crate::filter::shape::{MANIFEST, Shape};
use crate::form::Form;
use crate::index_lines::path_of;
use crate::plan::{Package, Plan, PlannedSource, SourceDir};
use crate::project::Project;
use crate::source_config::sources_over;
use crate::temporary;

/// The stubs, while they are asked about.
#[derive(Debug)]
pub struct StandIn {
    directory: TempDir,
    /// A Cargo that sees them in the place of every source.
    pub cargo: CargoRun,
}

/// Why they could not be made.
#[derive(Debug, thiserror::Error)]
pub enum StandInError {
    /// The manifest of a package cannot be found.
    #[error(transparent)]
    Crate(#[from] UnavailableCrate),
    #[error(transparent)]
    File(#[from] FsError),
    /// Cargo's configuration is UTF-8.
    #[error("`{}` is not a path in UTF-8", .0.display())]
    NotUtf8(PathBuf),
}

impl StandIn {
    /// Makes them.
    ///
    /// # Errors
    /// The manifest of a package cannot be found, or a stub cannot be written.
    pub fn make(project: &Project, plan: &Plan) -> Result<Self, StandInError> {
        let directory = temporary::directory()?;
        let tree = directory.path().join("vendored");
        let caches = CrateCaches::new(&project.settings);
        for (source, package) in plan.packages() {
            let text = manifest(project, &caches, source, package);
            let at = tree.join(source.path_of(package));
            // A manifest that is not TOML is reported when it is compared.
            if !text.map_or(Ok(false), |text| write_stub(&at, package, &text))? {
                return Err(UnavailableCrate::new(&caches, source, package).into());
            }
        }
        let config = directory.path().join("sources.toml");
        let Some(tree) = tree.to_str() else {
            return Err(StandInError::NotUtf8(directory.path().to_owned()));
        };
        write_cache(&config, sources_over(project, tree, plan, Form::Directory).as_bytes())?;
        Ok(Self { cargo: project.cargo.configured_by(&config), directory })
    }

    /// Where the stub for a package is.
    pub fn place_of(&self, source: &SourceDir, package: &Package) -> PathBuf {
        self.directory.path().join("vendored").join(source.path_of(package))
    }
}

/// Writes the stub of a package with the manifest `text`. Returns false if that is not TOML.
pub fn write_stub(at: &Path, package: &Package, text: &str) -> Result<bool, FsError> {
    let Ok((text, files)) = Shape::Stub.manifest(text) else { return Ok(false) };
    for (path, text) in files.files.into_iter().chain([(MANIFEST, text.as_str())]) {
        write_cache(&at.join(path), text.as_bytes())?;
    }
    let checksums = Checksums { package: package.checksum, ..Checksums::default() };
    write_cache(&at.join(CHECKSUMS), checksums.to_json().as_bytes())?;
    Ok(true)
}

fn manifest(
    project: &Project,
    caches: &CrateCaches<'_>,
    source: &SourceDir,
    package: &Package,
) -> Option<String> {
    if let CachedCrate::Matching(crate_file) = caches.read(source, package) {
        return content::manifest_of(&crate_file, package).ok();
    }
    if let Some(bytes) = small_file(&project.target.join(source.path_of(package)).join(MANIFEST)) {
        return String::from_utf8(bytes).ok();
    }
    if let Ok(Some(crate_file)) = CrateFile::read(&project.target.join(source.crate_path_of(package)))
        && Some(crate_file.digest()) == package.checksum
    {
        return content::manifest_of(&crate_file, package).ok();
    }
    let lines = small_file(&project.target.join(source.index_path(&path_of(&package.name).ok()?)))?;
    let lines = String::from_utf8(lines).ok()?;
    let mut lines = lines.lines().filter_map(|line| IndexLine::parse(line).ok());
    let line = lines.find(|line| line.vers == package.version && Some(line.cksum) == package.checksum)?;
    let index = match &source.source {
        PlannedSource::Namespace { index, .. } => Some(index.as_str()),
        PlannedSource::Registry(url) => Some(url.as_str()),
        PlannedSource::CratesIo | PlannedSource::Git(_) => None,
    };
    Some(line_manifest::text(&line, index))
}

/// The content of a regular file that is not larger than a manifest may be.
pub fn small_file(path: &Path) -> Option<Vec<u8>> {
    let found = fs::symlink_metadata(path).ok()?;
    if found.is_file() && found.len() <= MAX_MANIFEST { read(&PathBuf::from(path)).ok() } else { None }
}
