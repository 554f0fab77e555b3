//! Archives that are passed on packed are looked into as well: whoever unpacks them later may follow links, and trust paths.
//!
//! That takes several times as long as making a local registry of them, and the same bytes always come out the same. So what
//! passed is noted, by the hash that the lock file demands of it and by the name that its folder must have:
//!
//! ```text
//! $CARGO_HOME/namespaces/inspected
//!
//!     cargo-nsvendor 0.1.0                                the rules may change with the program
//!     <SHA-256 of the .crate> itoa-1.0.15
//! ```
//!
//! `--check` never looks at it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use cargo_namespaces::digest::Digest;
use cargo_namespaces::package::PackageError;
use cargo_namespaces_cli::crate_file::CrateFile;
use cargo_namespaces_cli::settings::Settings;
use cargo_namespaces_cli::shell::CliError;
use cargo_namespaces_net::fs::{read_to_string_if_exists, write_cache};

use crate::fill::refuse_package;
use crate::odd::OddArchives;
use crate::plan::{Package, Source, SourceDir};
use crate::work;

const HEADER: &str = concat!("cargo-nsvendor ", env!("CARGO_PKG_VERSION"));
/// Archives that are remembered: a hundred times those of a large project, in a file that is read in a few milliseconds.
const MAX_NOTED: usize = 50_000;

/// What passed before, and what passes now.
#[derive(Debug)]
pub struct Inspected {
    file: PathBuf,
    before: BTreeSet<String>,
    now: Mutex<Vec<String>>,
    /// Archives that passed and are odd.
    pub odd: OddArchives,
}

impl Inspected {
    /// What was noted; nothing when that cannot be read.
    pub fn load(settings: &Settings) -> Self {
        let file = settings.cache().join("inspected");
        let text = read_to_string_if_exists(&file).ok().flatten().unwrap_or_default();
        let mut lines = text.lines();
        let before = match lines.next() {
            Some(HEADER) => lines.map(str::to_owned).collect(),
            _ => BTreeSet::new(),
        };
        Self { file, before, now: Mutex::default(), odd: OddArchives::default() }
    }

    /// Whether nobody needs to look into the archive of a package: it passed before, or when its namespace was verified.
    pub fn knows(&self, source: &SourceDir, package: &Package) -> bool {
        matches!(source.source, Source::Namespace { .. })
            || package.checksum.is_some_and(|digest| self.before.contains(&line(package, &digest)))
    }

    /// Looks into an archive with the locked hash, unless it passed before.
    ///
    /// # Errors
    /// It breaks a rule.
    pub fn require(
        &self,
        source: &SourceDir,
        package: &Package,
        archive: &CrateFile,
    ) -> Result<(), CliError> {
        if self.knows(source, package) {
            return Ok(());
        }
        let walked = work::with_scratch(|scratch| {
            archive.for_each_entry(Some(scratch), &package.name, &package.version, |_| {
                Ok::<(), PackageError>(())
            })
        })
        .map_err(|error| refuse_package(source, package, error.into()))?;
        self.odd.add(source, package, walked.odd);
        if let Some(digest) = &package.checksum {
            self.now.lock().unwrap_or_else(PoisonError::into_inner).push(line(package, digest));
        }
        Ok(())
    }

    /// Notes what passed. Where it cannot be written, the next run is slower.
    pub fn save(self) {
        let now = self.now.into_inner().unwrap_or_else(PoisonError::into_inner);
        if now.is_empty() {
            return;
        }
        let mut all = self.before;
        if all.len() + now.len() > MAX_NOTED {
            all.clear();
        }
        all.extend(now);
        let mut text = format!("{HEADER}\n");
        for line in all {
            text.push_str(&line);
            text.push('\n');
        }
        let _ = write_cache(&self.file, text.as_bytes());
    }
}

fn line(package: &Package, digest: &Digest) -> String {
    format!("{digest} {}", package.dir())
}
