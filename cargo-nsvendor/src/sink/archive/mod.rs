//! `--format tar.zst`: what the directory would hold and the configuration for it, in one file.
//!
//! ```text
//! .cargo/config.toml                           the project's own, with the source replacements
//! vendor/crates.io/itoa-1.0.15/Cargo.toml      …
//! ```
//!
//! Unpacked beside the project's Cargo.toml, it lets the project build offline. The same lock file gives the same bytes: files are
//! sorted, have one time (that of all files that `cargo package` packs, or `SOURCE_DATE_EPOCH`), no owner and one of two modes, and
//! the compression does not depend on the number of cores.

pub mod compare;
mod writer;

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use cargo_namespaces::limits::MAX_MANIFEST;
use cargo_namespaces_cli::interrupt;
use cargo_namespaces_cli::shell::CliError;
use cargo_namespaces_net::fs::FsError;

use crate::context::Context;
use crate::crate_files::download;
use crate::filter::{Filters, RECORD};
use crate::form::Form;
use crate::odd_crates::OddCrates;
use crate::options::Options;
use crate::output_file;
use crate::plan::{Plan, PlannedPackage};
use crate::project::Project;
use crate::resolve::early::PendingAnswer;
use crate::resolve::lock_freshness::LockFreshness;
use crate::resolve::question::ResolveQuestion;
use crate::sbom;
use crate::sink::{Attempt, Published, Sink, Vendored};
use crate::verify::VerifiedLocks;
use compare::{ArchiveDifference, StreamComparison};
use writer::ArchiveWriter;

/// The first bytes of everything that zstd compresses (RFC 8878, section 3.1.1).
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// The archive that is written.
pub struct Archive<'a> {
    context: &'a Context<'a>,
    filters: Filters,
    output: PathBuf,
}

impl<'a> Archive<'a> {
    /// # Errors
    /// An option does not go with an archive, or a file that is to be written belongs to something else.
    pub fn open(context: &'a Context<'a>) -> Result<Self, CliError> {
        let Context { options, project, .. } = context;
        if options.write_config || options.no_delete {
            let message = "`--write-config` and `--no-delete` are for directories: the archive is made anew, and holds the configuration";
            return Err(CliError::usage(message));
        }
        let filters = context.filters()?;
        sbom::files::require_writable(project, &options.sbom)?;
        let output = output(project, options);
        output_file::require_writable(project, &output, "archive of zstd", |head| head.starts_with(&MAGIC))?;
        Ok(Self { context, filters, output })
    }

    /// Downloads what no cache has, and asks Cargo whether it will resolve from the packages what is locked.
    fn prepare(&self, verified: &VerifiedLocks) -> Result<(), CliError> {
        let packages: Vec<PlannedPackage<'_>> = verified.plan.packed_packages().collect();
        download::fetch_missing(self.context, &packages)?;
        ResolveQuestion::new(self.context, verified)
            .resolved_in_crates()?
            .map_or(Ok(()), |differs| Err(differs.into()))
    }
}

impl Sink for Archive<'_> {
    fn form(&self) -> Option<Form> {
        Some(Form::TarZst)
    }

    fn filters(&self) -> &Filters {
        &self.filters
    }

    fn needs_fetch(&self, verified: &VerifiedLocks) -> bool {
        download::needs_cargo(&self.context.project.settings, &verified.locks, &verified.plan)
    }

    fn write(
        &mut self,
        verified: &VerifiedLocks,
        freshness: LockFreshness,
        _early: Option<PendingAnswer<'_>>,
    ) -> Result<Attempt, CliError> {
        if freshness.is_resolution_known() {
            return Ok(Attempt::Written);
        }
        let prepared = self.prepare(verified);
        interrupt::check()?;
        Ok(prepared.map_or_else(Attempt::Failed, |()| Attempt::Written))
    }

    /// The archive is written here, as a whole: only its last step puts it in its place.
    fn publish(&mut self, verified: &VerifiedLocks) -> Result<Published, CliError> {
        let (plan, odd, current) = (&verified.plan, OddCrates::default(), Mutex::default());
        let Self { context, filters, output } = self;
        let is_new = ArchiveWriter { context, plan, filters, current: &current, odd: &odd }.write(output)?;
        if is_new {
            odd.report(context.shell, plan);
        }
        let written = if is_new { plan.packages().count() } else { 0 };
        let archive = Some((output.clone(), is_new));
        Ok(Published::Vendored(Vendored { written, archive, ..Vendored::default() }))
    }
}

/// Where the archive differs from what would be packed now. Both are compared unpacked, since another zstd may compress differently.
///
/// # Errors
/// It cannot be read, or something that it should hold cannot be had.
pub fn difference(
    context: &Context<'_>,
    plan: &Plan,
    filters: &Filters,
) -> Result<Option<ArchiveDifference>, CliError> {
    let path = output(context.project, context.options);
    let failed = |source| FsError { action: "read", path: path.clone(), source };
    let file = fs::File::open(&path).map_err(failed)?;
    let unpacked = zstd::stream::read::Decoder::new(file).map_err(failed)?;
    let current = Mutex::default();
    let mut compare = StreamComparison::new(unpacked, &current);
    let odd = OddCrates::default();
    ArchiveWriter { context, plan, filters, current: &current, odd: &odd }.write_tar(&mut compare)?;
    Ok(compare.finish())
}

/// What was left out of an archive when it was made, by its record. Returns `None` also if it cannot be read, which is reported
/// when it is compared.
pub fn recorded(project: &Project, file: &Path) -> Option<Filters> {
    let record = format!("{}/{RECORD}", prefix(project));
    let unpacked = zstd::stream::read::Decoder::new(fs::File::open(file).ok()?).ok()?;
    let mut archive = tar::Archive::new(unpacked);
    // It is one of the first two files.
    for entry in archive.entries().ok()?.take(2) {
        let entry = entry.ok()?;
        if entry.path_bytes() == record.as_bytes() {
            let mut text = String::new();
            entry.take(MAX_MANIFEST).read_to_string(&mut text).ok()?;
            return Filters::of_record(&text).ok();
        }
    }
    None
}

/// The archive's path: `--output`, or beside the vendored directory.
pub fn output(project: &Project, options: &Options) -> PathBuf {
    match &options.output {
        Some(file) => cargo_namespaces_net::fs::clean(&project.settings.directory.join(file)),
        None => {
            let mut name = project.target.file_name().unwrap_or_default().to_owned();
            name.push(".tar.zst");
            project.target.with_file_name(name)
        }
    }
}

/// The directory's name in the archive: relative to the project.
fn prefix(project: &Project) -> String {
    let target = project.configured_target();
    if Path::new(&target).is_absolute() {
        return project.target.file_name().unwrap_or_default().to_string_lossy().into_owned();
    }
    target
}
