//! Packing: every file in a fixed order, with fixed times, owners and modes, compressed in one way.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;

use cargo_namespaces::cargo_config::upsert_source_replacements;
use cargo_namespaces::digest::Digest;
use cargo_namespaces_cli::interrupt;
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode};
use cargo_namespaces_net::fs::{FsError, directory_of, files_below, read_to_string_if_exists};
use tempfile::{NamedTempFile, TempDir};

use super::prefix;
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
use crate::output_file::NewDirectories;
use crate::plan::{Package, Plan, PlannedPackage, SourceDir};
use crate::sbom;
use crate::source_config::{config_path, sources_of};
use crate::temporary;

/// zstd's default. Higher levels take much longer and save little.
const LEVEL: i32 = 3;
/// How many unpacked packages may wait in memory to be compressed.
const WAITING: usize = 2;

/// More threads than this would wait for the one that unpacks.
const MAX_WORKERS: usize = 16;

/// One file of the archive.
struct ArchiveEntry {
    path: String,
    executable: bool,
    content: EntryContent,
}

/// The content of a file in the archive.
enum EntryContent {
    Bytes(Vec<u8>),
    /// A file that is read when it is packed. Its directory is removed after its last file was packed.
    File {
        path: PathBuf,
        _directory: Option<Arc<TempDir>>,
    },
}

/// Packs the packages of a plan.
pub struct ArchiveWriter<'a> {
    pub context: &'a Context<'a>,
    pub plan: &'a Plan,
    pub filters: &'a Filters,
    /// The path of the file that is being packed.
    pub current: &'a Mutex<String>,
    pub odd: &'a OddCrates,
}

impl ArchiveWriter<'_> {
    /// Writes the archive to `output` in one step. Returns false if it is there already.
    ///
    /// # Errors
    /// A package cannot be had, or a file cannot be written.
    pub fn write(&self, output: &Path) -> Result<bool, CliError> {
        let above = directory_of(output);
        let directories = NewDirectories::make(above)?;
        let failed = |source| FsError { action: "write", path: output.to_owned(), source };
        let mut temporary = new_file(above).map_err(failed)?;
        let workers = thread::available_parallelism().map_or(1, usize::from).min(MAX_WORKERS);
        let mut encoder = encoder(&mut temporary, u32::try_from(workers).unwrap_or(1)).map_err(failed)?;
        self.write_tar(&mut encoder)?;
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

    /// Writes the archive, not compressed, to `out`.
    pub fn write_tar(&self, out: &mut dyn Write) -> Result<(), CliError> {
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
        // In the order of the paths of their files.
        packages.sort_by_key(|(source, package)| format!("{}/", source.path_of(package)));
        let progress = self.context.shell.progress("Packing", packages.len() as u64);
        // One thread unpacks the next packages, while others compress.
        let (send, ready) = mpsc::sync_channel(WAITING);
        thread::scope(|scope| {
            let unpacking = scope.spawn(|| {
                let send = send;
                for (source, package) in packages {
                    interrupt::check()?;
                    let files = self.files(&caches, &git, source, package, &prefix)?;
                    // The receiver is gone only after an error, which is reported.
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

    /// Appends files, and keeps [`ArchiveWriter::current`] up to date.
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
        let crate_file = download::require(self.context, caches, (source, package))?;
        if crate_file.is_large() {
            let directory = Arc::new(temporary::directory()?);
            let unpacked = directory.path().join(package.dir());
            let extracted = extract::unpack(&crate_file, package, &unpacked)
                .map_err(|error| RefusedPackage::new(source, package, error))?;
            self.odd.add(source, package, extracted.odd);
            add_files(&mut files, &root, &unpacked, Some(&directory))?;
        } else {
            let mut checksums = Checksums { files: BTreeMap::new(), package: package.checksum };
            let odd = for_each_file(&crate_file, package, &mut |path, executable, content| {
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

/// Adds the files in a directory.
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

impl ArchiveEntry {
    fn text(path: &str, text: String) -> Self {
        Self { path: path.to_owned(), executable: false, content: EntryContent::Bytes(text.into_bytes()) }
    }
}

/// Compresses on `workers` threads, at least one. Without any, zstd cuts its input at other places, and the bytes would be different.
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

/// A temporary file with the mode that a new file normally has.
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
