//! Refuses a site inside the package that it publishes. Cargo would package it, so that each release would contain the earlier
//! ones, and packaging the same sources again would give another package. `exclude` keeps it out; `setup` writes that, and a
//! publish checks that it works.

use std::path::{Path, PathBuf};

use cargo_namespaces::manifest::packaging;
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode};
use cargo_namespaces_net::fs;
use tempfile::NamedTempFile;

use super::package_files::packaged;
use crate::context::Context;
use crate::plan::{Member, Plan};
use crate::static_index::exclude::{below_package, pattern};
use crate::static_index::remembered::relative;

/// Refuses a site, or a directory of documents, that Cargo would pack into a member.
pub fn check_not_packaged(
    context: &Context<'_>,
    plan: &Plan,
    well_known: Option<&Path>,
) -> Result<(), CliError> {
    let sites = plan.targets.values().map(|target| target.dir.as_path());
    for dir in sites.chain(well_known) {
        let dir = context.path(dir);
        for member in &plan.members {
            check(context, member, &dir)?;
        }
    }
    Ok(())
}

fn check(context: &Context<'_>, member: &Member, dir: &Path) -> Result<(), CliError> {
    let Some(below) = below_package(&member.manifest_path, dir) else { return Ok(()) };
    let shown = relative(&context.directory, dir);
    let error = format!(
        "the directory `{}` lies in the package of {}, which would publish it",
        shown.display(),
        member.name
    );
    let error = CliError::new(ExitCode::InvalidInput, error).because(
        "each release would contain the earlier ones, so no package could be built again to the same bytes",
    );
    let Some(pattern) = pattern(&below) else {
        return Err(error.hint("name a directory outside of the package, such as `--site ../site`"));
    };
    let _marker = MarkerFile::below(dir)?;
    if !packaged(context, member)?.iter().any(|file| Path::new(file).starts_with(&below)) {
        return Ok(());
    }
    let manifest = relative(&context.directory, &member.manifest_path);
    let has_exclude = packaging::has_exclude(&fs::read_to_string(&member.manifest_path)?);
    let how = if has_exclude.exit_with(ExitCode::InvalidInput)? {
        format!("add `\"{pattern}\"` to `exclude` in {}", manifest.display())
    } else {
        format!("add `exclude = [\"{pattern}\"]` below `[package]` in {}", manifest.display())
    };
    Err(error.hint(format!("{how}; or name a directory outside of the package, such as `--site ../site`")))
}

/// A file in a directory, so that Cargo has something to list there. It is removed when dropped, with the directories that
/// were made for it.
struct MarkerFile {
    file: Option<NamedTempFile>,
    made: Vec<PathBuf>,
}

impl MarkerFile {
    fn below(dir: &Path) -> Result<Self, CliError> {
        let made: Vec<PathBuf> =
            dir.ancestors().take_while(|above| !above.exists()).map(Path::to_owned).collect();
        let failed = || format!("failed to look whether `{}` would be packaged", dir.display());
        std::fs::create_dir_all(dir).with_context(ExitCode::Failure, failed)?;
        let mut marker = Self { file: None, made };
        let file = tempfile::Builder::new().prefix("packaged-").tempfile_in(dir);
        marker.file = Some(file.with_context(ExitCode::Failure, failed)?);
        Ok(marker)
    }
}

impl Drop for MarkerFile {
    fn drop(&mut self) {
        drop(self.file.take());
        for dir in &self.made {
            // A directory that is not empty any more stays.
            let _ = std::fs::remove_dir(dir);
        }
    }
}
