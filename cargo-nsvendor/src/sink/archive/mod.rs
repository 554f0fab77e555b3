//! `--format tar.zst`: what the directory would hold and the configuration for it, in one file.
//!
//! ```text
//! .cargo/config.toml                           the project's own, with the source replacements
//! vendor/crates.io/itoa-1.0.15/Cargo.toml      …
//! ```
//!
//! Unpacked where the project's Cargo.toml is, the project builds offline. The same lock file gives the same bytes: names in
//! order, one time (that of every file that `cargo package` packs, or `SOURCE_DATE_EPOCH`), nobody's files, two modes,
//! and one way to compress, whatever number of cores there is.

pub mod compare;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;

use cargo_namespaces::cargo_config::upsert_source_replacements;
use cargo_namespaces::digest::Digest;
use cargo_namespaces::limits::MAX_MANIFEST;
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode};
use cargo_namespaces_net::fs::{FsError, directory_of, files_below, read_to_string_if_exists};
use cargo_namespaces_net::interrupt;
use tempfile::{NamedTempFile, TempDir};

use crate::cargo_run::without_secrets;
use crate::checksum_list::{CHECKSUMS, Checksums};
use crate::compare::digest_of_file;
use crate::content::{RefusedPackage, for_each_file};
use crate::context::Context;
use crate::crate_files::{CrateCaches, download};
use crate::extract::{self, MODIFIED};
use crate::filter::{Filters, RECORD};
use crate::form::Form;
use crate::git;
use crate::odd_crates::OddCrates;
use crate::options::Options;
use crate::output_file::{self, NewDirectories};
use crate::plan::{Package, Plan, PlannedPackage, SourceDir};
use crate::project::Project;
use crate::resolve::early::PendingAnswer;
use crate::resolve::lock_freshness::LockFreshness;
use crate::resolve::question::ResolveQuestion;
use crate::sbom;
use crate::sink::{Attempt, Published, Sink, Vendored};
use crate::source_config::{config_path, sources_of};
use crate::temporary;
use crate::verify::VerifiedLocks;
use compare::{ArchiveDifference, StreamComparison};

/// zstd's own default: higher levels take much longer and save little.
const LEVEL: i32 = 3;
/// How everything that zstd compressed begins (RFC 8878, section 3.1.1).
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Packages that wait for being compressed, and so are in memory.
const WAITING: usize = 2;

/// More threads than this wait for the one that unpacks.
const MAX_WORKERS: usize = 16;

/// One file of the archive.
struct ArchiveEntry {
    path: String,
    executable: bool,
    content: EntryContent,
}

/// What a file of the archive holds.
enum EntryContent {
    Bytes(Vec<u8>),
    /// It is read when it is packed. The directory that it lies in is removed when nothing of it is left to pack.
    File {
        path: PathBuf,
        _directory: Option<Arc<TempDir>>,
    },
}

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
        sbom::files::refuse(project, &options.sbom)?;
        let output = output(project, options);
        output_file::refuse(project, &output, "archive of zstd", |head| head.starts_with(&MAGIC))?;
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

/// In what the archive differs from what would be packed now; compared unpacked, since another zstd may compress differently.
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
    ArchiveWriter { context, plan, filters, current: &current, odd: &odd }.tar(&mut compare)?;
    Ok(compare.finish())
}

/// What was left out of an archive when it was made, by its record. None too where it cannot be read: whoever compares it
/// says so.
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

/// `--output`, or beside where the directory would be.
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

/// One archive.
struct ArchiveWriter<'a> {
    context: &'a Context<'a>,
    plan: &'a Plan,
    filters: &'a Filters,
    /// The path of the file that is being packed.
    current: &'a Mutex<String>,
    odd: &'a OddCrates,
}

impl ArchiveWriter<'_> {
    /// Writes the archive in one step; false when it is there already.
    fn write(&self, output: &Path) -> Result<bool, CliError> {
        let above = directory_of(output);
        let directories = NewDirectories::make(above)?;
        let failed = |source| FsError { action: "write", path: output.to_owned(), source };
        let mut temporary = new_file(above).map_err(failed)?;
        let workers = thread::available_parallelism().map_or(1, usize::from).min(MAX_WORKERS);
        let mut encoder = encoder(&mut temporary, u32::try_from(workers).unwrap_or(1)).map_err(failed)?;
        self.tar(&mut encoder)?;
        encoder.finish().map_err(failed)?;
        temporary.flush().map_err(failed)?;
        if same_files(temporary.path(), output) {
            return Ok(false);
        }
        interrupt::check()?;
        temporary.as_file().sync_all().map_err(failed)?;
        temporary.persist(output).map_err(|error| failed(error.error))?;
        directories.keep();
        Ok(true)
    }

    /// The archive before it is compressed.
    fn tar(&self, out: &mut dyn Write) -> Result<(), CliError> {
        download::fetch_missing(self.context, &self.plan.packed_packages().collect::<Vec<_>>())?;
        let git = git::vendor_to_temporary(self.context, self.plan)?;
        let caches = CrateCaches::new(&self.context.project.settings);
        let prefix = prefix(self.context.project);
        let time = sbom::gather::source_date()
            .exit_with(ExitCode::InvalidInput)?
            .map_or(MODIFIED.as_secs(), |time| time.unix());
        let mut tar = tar::Builder::new(out);
        let mut first = vec![ArchiveEntry::text(".cargo/config.toml", self.configuration()?)];
        if !self.filters.is_none() {
            first.push(ArchiveEntry::text(&format!("{prefix}/{RECORD}"), self.filters.to_record()));
        }
        first.sort_by(|a, b| a.path.cmp(&b.path));
        self.append(&mut tar, &first, time)?;
        let mut packages: Vec<PlannedPackage<'_>> = self.plan.packages().collect();
        // As the paths of their files are sorted.
        packages.sort_by_key(|(source, package)| format!("{}/", source.path_of(package)));
        let progress = self.context.shell.progress("Packing", packages.len() as u64);
        // One thread unpacks ahead of those that compress.
        let (send, ready) = mpsc::sync_channel(WAITING);
        thread::scope(|scope| {
            let unpacking = scope.spawn(|| {
                let send = send;
                for (source, package) in packages {
                    interrupt::check()?;
                    let files = self.files(&caches, &git, source, package, &prefix)?;
                    // Nobody listens after an error of the other side, which says why.
                    if send.send(files).is_err() {
                        break;
                    }
                }
                Ok::<(), CliError>(())
            });
            let packed = ready.into_iter().try_for_each(|files: Vec<ArchiveEntry>| {
                progress.step();
                self.append(&mut tar, &files, time)
            });
            unpacking.join().expect("unpacking does not panic").and(packed)
        })?;
        tar.into_inner().map(|_| ()).context(ExitCode::Failure, "failed to end the archive")
    }

    /// Appends files; what they are called is noted as they go by.
    fn append(
        &self,
        tar: &mut tar::Builder<&mut dyn Write>,
        files: &[ArchiveEntry],
        time: u64,
    ) -> Result<(), CliError> {
        for file in files {
            self.current.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&file.path);
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(tar::EntryType::Regular);
            header.set_mode(if file.executable { 0o755 } else { 0o644 });
            header.set_uid(0);
            header.set_gid(0);
            header.set_mtime(time);
            let failed = |source| FsError { action: "pack", path: file.path.as_str().into(), source };
            match &file.content {
                EntryContent::Bytes(bytes) => {
                    header.set_size(bytes.len() as u64);
                    tar.append_data(&mut header, &file.path, bytes.as_slice()).map_err(failed)?;
                }
                EntryContent::File { path, .. } => {
                    let content = fs::File::open(path).map_err(failed)?;
                    header.set_size(content.metadata().map_err(failed)?.len());
                    tar.append_data(&mut header, &file.path, content).map_err(failed)?;
                }
            }
        }
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clear();
        Ok(())
    }

    /// The files of a package, sorted.
    fn files(
        &self,
        caches: &CrateCaches<'_>,
        git: &TempDir,
        source: &SourceDir,
        package: &Package,
        prefix: &str,
    ) -> Result<Vec<ArchiveEntry>, CliError> {
        let root = format!("{prefix}/{}", source.path_of(package));
        let mut files = Vec::new();
        if source.is_git() {
            add_files(&mut files, &root, &git.path().join(source.path_of(package)), None)?;
            files.sort_by(|a, b| a.path.cmp(&b.path));
            return Ok(files);
        }
        let archive = download::require(self.context, caches, (source, package))?;
        if archive.is_large() {
            let directory = Arc::new(temporary::directory()?);
            let unpacked = directory.path().join(package.dir());
            let extracted = extract::unpack(&archive, package, &unpacked)
                .map_err(|error| RefusedPackage::new(source, package, error))?;
            self.odd.add(source, package, extracted.odd);
            add_files(&mut files, &root, &unpacked, Some(&directory))?;
        } else {
            let mut checksums = Checksums { files: BTreeMap::new(), package: package.checksum };
            let odd = for_each_file(&archive, package, &mut |path, executable, content| {
                let mut bytes = Vec::new();
                content.read_to_end(&mut bytes).map_err(|source| FsError {
                    action: "unpack",
                    path: path.into(),
                    source,
                })?;
                checksums.files.insert(path.to_owned(), Digest::of(&bytes));
                let content = EntryContent::Bytes(bytes);
                files.push(ArchiveEntry { path: format!("{root}/{path}"), executable, content });
                Ok(())
            })
            .map_err(|error| RefusedPackage::new(source, package, error))?;
            self.odd.add(source, package, odd);
            files.push(ArchiveEntry::text(&format!("{root}/{CHECKSUMS}"), checksums.to_json()));
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    /// The project's configuration with the source replacements, without secrets.
    fn configuration(&self) -> Result<String, CliError> {
        let path = config_path(self.context.project.root())?;
        let text = without_secrets(&read_to_string_if_exists(&path)?.unwrap_or_default(), &path)?;
        let sources = sources_of(&prefix(self.context.project), self.plan, Form::TarZst);
        let edited = upsert_source_replacements(&text, &sources)
            .with_context(ExitCode::InvalidInput, || format!("failed to edit `{}`", path.display()))?;
        Ok(edited.text)
    }
}

/// Adds what lies in a directory.
fn add_files(
    files: &mut Vec<ArchiveEntry>,
    root: &str,
    directory: &Path,
    until_packed: Option<&Arc<TempDir>>,
) -> Result<(), CliError> {
    for path in files_below(directory)? {
        let file = directory.join(&path);
        let executable = is_executable(&file);
        let content = EntryContent::File { path: file, _directory: until_packed.map(Arc::clone) };
        files.push(ArchiveEntry { path: format!("{root}/{path}"), executable, content });
    }
    Ok(())
}

/// The directory's name in the archive: relative to the project.
fn prefix(project: &Project) -> String {
    let target = project.configured_target();
    if Path::new(&target).is_absolute() {
        return project.target.file_name().unwrap_or_default().to_string_lossy().into_owned();
    }
    target
}

impl ArchiveEntry {
    fn text(path: &str, text: String) -> Self {
        Self { path: path.to_owned(), executable: false, content: EntryContent::Bytes(text.into_bytes()) }
    }
}

/// Compresses on `workers` threads: at least one, since with none zstd cuts its input elsewhere, and the bytes would depend
/// on the number of cores.
fn encoder<W: Write>(out: W, workers: u32) -> io::Result<zstd::stream::write::Encoder<'static, W>> {
    let mut encoder = zstd::stream::write::Encoder::new(out, LEVEL)?;
    encoder.multithread(workers.max(1))?;
    encoder.include_checksum(true)?;
    Ok(encoder)
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(_: &Path) -> bool {
    false
}

/// A temporary file that everybody may read once it has its name, as far as the umask lets them.
fn new_file(above: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.prefix(".nsvendor-").tempfile_in(above)
}

fn same_files(one: &Path, other: &Path) -> bool {
    let sizes: BTreeSet<u64> =
        [one, other].iter().filter_map(|path| fs::metadata(path).ok()).map(|found| found.len()).collect();
    sizes.len() == 1 && digest_of_file(other).is_some_and(|digest| digest_of_file(one) == Some(digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_do_not_depend_on_the_number_of_cores() {
        // Several of the pieces that zstd gives to its threads.
        let mut state = 1_u32;
        let content: Vec<u8> = (0..20_000_000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                b"aaaabbbccde\n"[(state >> 24) as usize % 12]
            })
            .collect();
        let compressed = |workers: u32| {
            let mut encoder = encoder(Vec::new(), workers).unwrap();
            encoder.write_all(&content).unwrap();
            encoder.finish().unwrap()
        };
        let one = compressed(1);
        assert!(compressed(3) == one && compressed(0) == one);
        let mut without = zstd::stream::write::Encoder::new(Vec::new(), LEVEL).unwrap();
        without.include_checksum(true).unwrap();
        without.write_all(&content).unwrap();
        assert!(without.finish().unwrap() != one, "the workers make no difference any more");
    }
}
