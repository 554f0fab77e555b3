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

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;

use cargo_namespaces::cargo_config::upsert_source_replacements;
use cargo_namespaces::digest::Digest;
use cargo_namespaces::limits::MAX_MANIFEST;
use cargo_namespaces_cli::registry_client::RegistryClient;
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode, Shell};
use cargo_namespaces_cli::snapshot::Snapshot;
use cargo_namespaces_net::client::HttpClient;
use cargo_namespaces_net::fs::{FsError, directory_of, files_below, read_to_string_if_exists};
use cargo_namespaces_net::interrupt;
use tempfile::{NamedTempFile, TempDir};

use super::Form;
use super::compare::{Compare, Difference};
use super::place::{self, Directories};
use super::prepare::{archive_of, fetch_archives, packed};
use crate::archives::Archives;
use crate::cargo_run::without_secrets;
use crate::configure::{config_path, sources_of};
use crate::content::for_each_file;
use crate::extract::{self, CHECKSUMS, Checksums, MODIFIED};
use crate::fill::{Changed, refuse_package};
use crate::filter::{Filters, RECORD};
use crate::git;
use crate::odd::OddArchives;
use crate::plan::{Package, Plan, Source, SourceDir};
use crate::project::Project;
use crate::resolves::Asking;
use crate::run::{Options, Run, client};
use crate::sbom;
use crate::share;
use crate::verified::Reach;

/// zstd's own default: higher levels take much longer and save little.
const LEVEL: i32 = 3;
/// How everything that zstd compressed begins (RFC 8878, section 3.1.1).
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Packages that wait for being compressed, and so are in memory.
const WAITING: usize = 2;

/// More threads than this wait for the one that unpacks.
const MAX_WORKERS: usize = 16;

/// One file of the archive.
struct Packed {
    path: String,
    executable: bool,
    content: Content,
}

/// What a file of the archive holds.
enum Content {
    Bytes(Vec<u8>),
    /// It is read when it is packed. The directory that it lies in is removed when nothing of it is left to pack.
    File {
        path: PathBuf,
        _directory: Option<Arc<TempDir>>,
    },
}

/// Vendors into one file.
///
/// # Errors
/// Anything that keeps it from being whole; no file has then changed.
pub fn run(shell: &Shell, options: &Options) -> Result<ExitCode, CliError> {
    let project = Project::find(shell, options)?;
    if options.write_config || options.no_delete {
        let message = "`--write-config` and `--no-delete` are for directories: the archive is made anew, and holds the configuration";
        return Err(CliError::usage(message));
    }
    let filters = options.filters.over(project.filters()?);
    sbom::files::refuse(&project, &options.sbom)?;
    let output = output(&project, options);
    place::refuse(&project, &output, "archive of zstd", |head| head.starts_with(&MAGIC))?;
    let transport =
        cargo_namespaces_cli::telling::Telling::new(HttpClient::new(project.settings.http.clone()), shell);
    let client = client(shell, &project, &transport, options);
    let reach = Reach { client: &client, transport: &transport };
    let locks_before = Snapshot::take(project.lock_paths())?;
    let run = Run { shell, project: &project, reach, options, filters: &filters };
    let (locked, ()) = run.prepare(Form::TarZst, |locked, resolves| {
        let plan = &locked.plan;
        if resolves {
            return Ok(());
        }
        fetch_archives(shell, &project, &client, &packed(plan))?;
        let asking = Asking { shell, project: &project, plan, locks: &locked.locks };
        asking.resolved_in_archives()?.map_or(Ok(()), Err)
    })?;
    let (plan, at) = (&locked.plan, &Mutex::default());
    let odd = OddArchives::default();
    let packing =
        Packing { shell, project: &project, client: &client, plan, filters: &filters, at, odd: &odd };
    let written = packing.write(&output)?;
    if written {
        odd.tell(shell, plan);
    }
    locks_before.commit();
    let count = if written { locked.plan.packages().count() } else { 0 };
    run.report(&locked, Changed { written: count, removed: 0 });
    let shown = output.strip_prefix(&project.settings.directory).unwrap_or(&output).display().to_string();
    shell.status("Packed", format!("`{shown}`{}", if written { "" } else { "; nothing changed" }));
    shell.json("archive", &BTreeMap::from([("file", shown)]));
    run.bills(&locked)?;
    share::with_cargo(shell, &project.settings, &locked.plan);
    Ok(ExitCode::Ok)
}

/// In what the archive differs from what would be packed now; compared unpacked, since another zstd may compress differently.
///
/// # Errors
/// It cannot be read, or something that it should hold cannot be had.
pub fn difference(
    shell: &Shell,
    project: &Project,
    client: &RegistryClient<'_>,
    plan: &Plan,
    filters: &Filters,
    options: &Options,
) -> Result<Option<Difference>, CliError> {
    let path = output(project, options);
    let failed = |source| FsError { action: "read", path: path.clone(), source };
    let file = fs::File::open(&path).map_err(failed)?;
    let unpacked = zstd::stream::read::Decoder::new(file).map_err(failed)?;
    let at = Mutex::default();
    let mut compare = Compare::new(unpacked, &at);
    let odd = OddArchives::default();
    Packing { shell, project, client, plan, filters, at: &at, odd: &odd }.tar(&mut compare)?;
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
struct Packing<'a> {
    shell: &'a Shell,
    project: &'a Project,
    client: &'a RegistryClient<'a>,
    plan: &'a Plan,
    filters: &'a Filters,
    /// The file that is being packed.
    at: &'a Mutex<String>,
    /// What was odd about the archives.
    odd: &'a OddArchives,
}

impl Packing<'_> {
    /// Writes the archive in one step; false when it is there already.
    fn write(&self, output: &Path) -> Result<bool, CliError> {
        let above = directory_of(output);
        let directories = Directories::make(above)?;
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
        fetch_archives(self.shell, self.project, self.client, &packed(self.plan))?;
        let git = git::fresh(self.shell, self.project, self.plan)?;
        let archives = Archives::new(&self.project.settings);
        let prefix = prefix(self.project);
        let time = sbom::gather::source_date()?.map_or(MODIFIED.as_secs(), |time| time.unix());
        let mut tar = tar::Builder::new(out);
        let mut first = vec![Packed::text(".cargo/config.toml", self.configuration()?)];
        if !self.filters.is_none() {
            first.push(Packed::text(&format!("{prefix}/{RECORD}"), self.filters.to_record()));
        }
        first.sort_by(|a, b| a.path.cmp(&b.path));
        self.append(&mut tar, &first, time)?;
        let mut packages: Vec<(&SourceDir, &Package)> = self.plan.packages().collect();
        // As the paths of their files are sorted.
        packages.sort_by_key(|(source, package)| format!("{}/", source.path_of(package)));
        let progress = self.shell.progress("Packing", packages.len() as u64);
        // One thread unpacks ahead of those that compress.
        let (send, ready) = mpsc::sync_channel(WAITING);
        thread::scope(|scope| {
            let unpacking = scope.spawn(|| {
                let send = send;
                for (source, package) in packages {
                    interrupt::check()?;
                    let files = self.files(&archives, &git, source, package, &prefix)?;
                    // Nobody listens after an error of the other side, which says why.
                    if send.send(files).is_err() {
                        break;
                    }
                }
                Ok::<(), CliError>(())
            });
            let packed = ready.into_iter().try_for_each(|files: Vec<Packed>| {
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
        files: &[Packed],
        time: u64,
    ) -> Result<(), CliError> {
        for file in files {
            self.at.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&file.path);
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(tar::EntryType::Regular);
            header.set_mode(if file.executable { 0o755 } else { 0o644 });
            header.set_uid(0);
            header.set_gid(0);
            header.set_mtime(time);
            let failed = |source| FsError { action: "pack", path: file.path.as_str().into(), source };
            match &file.content {
                Content::Bytes(bytes) => {
                    header.set_size(bytes.len() as u64);
                    tar.append_data(&mut header, &file.path, bytes.as_slice()).map_err(failed)?;
                }
                Content::File { path, .. } => {
                    let content = fs::File::open(path).map_err(failed)?;
                    header.set_size(content.metadata().map_err(failed)?.len());
                    tar.append_data(&mut header, &file.path, content).map_err(failed)?;
                }
            }
        }
        self.at.lock().unwrap_or_else(PoisonError::into_inner).clear();
        Ok(())
    }

    /// The files of a package, sorted.
    fn files(
        &self,
        archives: &Archives<'_>,
        git: &TempDir,
        source: &SourceDir,
        package: &Package,
        prefix: &str,
    ) -> Result<Vec<Packed>, CliError> {
        let root = format!("{prefix}/{}", source.path_of(package));
        let mut files = Vec::new();
        if matches!(source.source, Source::Git(_)) {
            add_files(&mut files, &root, &git.path().join(source.path_of(package)), None)?;
            files.sort_by(|a, b| a.path.cmp(&b.path));
            return Ok(files);
        }
        let archive = archive_of(self.project, self.client, archives, (source, package))?;
        if archive.is_large() {
            let directory = Arc::new(
                tempfile::tempdir().context(ExitCode::Failure, "cannot make a temporary directory")?,
            );
            let unpacked = directory.path().join(package.dir());
            let extracted = extract::unpack(&archive, package, &unpacked)
                .map_err(|error| refuse_package(source, package, error))?;
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
                let content = Content::Bytes(bytes);
                files.push(Packed { path: format!("{root}/{path}"), executable, content });
                Ok(())
            })
            .map_err(|error| refuse_package(source, package, error))?;
            self.odd.add(source, package, odd);
            files.push(Packed::text(&format!("{root}/{CHECKSUMS}"), checksums.to_json()));
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    /// The project's configuration with the source replacements, without secrets.
    fn configuration(&self) -> Result<String, CliError> {
        let path = config_path(self.project.root())?;
        let text = without_secrets(&read_to_string_if_exists(&path)?.unwrap_or_default(), &path)?;
        let sources = sources_of(&prefix(self.project), self.plan, Form::TarZst);
        let edited = upsert_source_replacements(&text, &sources)
            .with_context(ExitCode::InvalidInput, || format!("failed to edit `{}`", path.display()))?;
        Ok(edited.text)
    }
}

/// Adds what lies in a directory.
fn add_files(
    files: &mut Vec<Packed>,
    root: &str,
    directory: &Path,
    until_packed: Option<&Arc<TempDir>>,
) -> Result<(), CliError> {
    for path in files_below(directory)? {
        let file = directory.join(&path);
        let executable = is_executable(&file);
        let content = Content::File { path: file, _directory: until_packed.map(Arc::clone) };
        files.push(Packed { path: format!("{root}/{path}"), executable, content });
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

impl Packed {
    fn text(path: &str, text: String) -> Self {
        Self { path: path.to_owned(), executable: false, content: Content::Bytes(text.into_bytes()) }
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
    let hash = super::local_registry::hash_of;
    sizes.len() == 1 && hash(other).is_some() && hash(one) == hash(other)
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
