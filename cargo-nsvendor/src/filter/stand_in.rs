//! Cargo's answer where Cargo cannot see the packages: offline, with nothing in its home.
//!
//! To say what is needed Cargo reads the manifest of every package. Each is here all the same, in its .crate or in the
//! vendored directory. So Cargo is given a temporary directory of [stubs](super::shape) made of them, which it resolves as it
//! would the packages themselves:
//!
//! ```text
//! <temporary>/sources.toml                             --config: every source replaced by a directory below
//! <temporary>/vendored/crates.io/itoa-1.0.15/…         Cargo.toml, src/lib.rs, .cargo-checksum.json
//! ```
//!
//! | manifest | from |
//! |---|---|
//! | as published | the .crate, in a cache or in a vendored local registry |
//! | as it stands | the vendored directory; whoever asks compares it with the .crate, or says that there is none |
//! | made of the index line | a vendored local registry, which has no .crate of what was left out |

use std::fs;
use std::path::{Path, PathBuf};

use cargo_namespaces::index::IndexLine;
use cargo_namespaces::limits::MAX_MANIFEST;
use cargo_namespaces_cli::crate_file::CrateFile;
use cargo_namespaces_cli::shell::{CliError, ExitCode};
use cargo_namespaces_net::fs::{FsError, read, write_cache};
use tempfile::TempDir;

use super::line_manifest;
use super::shape::{MANIFEST, Shape};
use crate::archives::{Archives, Cached, wrong_or_missing};
use crate::cargo_run::{CargoRun, empty_directory};
use crate::configure::sources_over;
use crate::content;
use crate::extract::{CHECKSUMS, Checksums};
use crate::form::Form;
use crate::form::index_lines::path_of;
use crate::form::local_registry::{crate_path, index_path};
use crate::plan::{Package, Plan, Source, SourceDir};
use crate::project::Project;

/// The stubs, while they are asked about.
#[derive(Debug)]
pub struct StandIn {
    directory: TempDir,
    /// A cargo that sees them in the place of every source.
    pub cargo: CargoRun,
}

impl StandIn {
    /// Makes them.
    ///
    /// # Errors
    /// The manifest of a package is nowhere, or a stub cannot be written.
    pub fn make(project: &Project, plan: &Plan) -> Result<Self, CliError> {
        let directory = empty_directory()?;
        let tree = directory.path().join("vendored");
        let archives = Archives::new(&project.settings);
        for (source, package) in plan.packages() {
            let text = manifest(project, &archives, source, package);
            let at = tree.join(source.path_of(package));
            // What is no manifest is told by whoever compares it.
            if !text.map_or(Ok(false), |text| write_stub(&at, package, &text))? {
                return Err(wrong_or_missing(&archives, source, package));
            }
        }
        let config = directory.path().join("sources.toml");
        let Some(tree) = tree.to_str() else {
            let message = format!("`{}` is not a path in UTF-8", directory.path().display());
            return Err(CliError::new(ExitCode::Failure, message));
        };
        write_cache(&config, sources_over(project, tree, plan, Form::Directory).as_bytes())?;
        Ok(Self { cargo: project.cargo.configured_by(&config), directory })
    }

    /// Where what stands in for a package lies.
    pub fn place_of(&self, source: &SourceDir, package: &Package) -> PathBuf {
        self.directory.path().join("vendored").join(source.path_of(package))
    }
}

/// Writes the stub of a package with the manifest `text`. False where that is none.
///
/// # Errors
/// It cannot be written.
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
    archives: &Archives<'_>,
    source: &SourceDir,
    package: &Package,
) -> Option<String> {
    if let Cached::Right(archive) = archives.read(source, package) {
        return content::manifest_of(&archive, package).ok();
    }
    if let Some(bytes) = small_file(&project.target.join(source.path_of(package)).join(MANIFEST)) {
        return String::from_utf8(bytes).ok();
    }
    if let Ok(Some(archive)) = CrateFile::read(&project.target.join(crate_path(source, package)))
        && Some(archive.digest()) == package.checksum
    {
        return content::manifest_of(&archive, package).ok();
    }
    let lines = small_file(&project.target.join(index_path(source, &path_of(&package.name).ok()?)))?;
    let lines = String::from_utf8(lines).ok()?;
    let mut lines = lines.lines().filter_map(|line| IndexLine::parse(line).ok());
    let line = lines.find(|line| line.vers == package.version && Some(line.cksum) == package.checksum)?;
    let index = match &source.source {
        Source::Namespace { index, .. } => Some(index.as_str()),
        Source::Registry(url) => Some(url.as_str()),
        Source::CratesIo | Source::Git(_) => None,
    };
    Some(line_manifest::text(&line, index))
}

/// The content of a file that is one, no link, and not larger than any manifest.
pub fn small_file(path: &Path) -> Option<Vec<u8>> {
    let found = fs::symlink_metadata(path).ok()?;
    if found.is_file() && found.len() <= MAX_MANIFEST { read(&PathBuf::from(path)).ok() } else { None }
}
