//! Inspecting .crates that are passed on packed: a program that unpacks them later may follow links and trust paths.
//!
//! This takes several times as long as making a local registry of them, and the same bytes always give the same result. So it is
//! remembered which .crates passed, by their hashes and the names that their folders must have:
//!
//! ```text
//! $CARGO_HOME/namespaces/inspected
//!
//!     cargo-nsvendor 0.1.0                                the rules may differ in another version
//!     <SHA-256 of the .crate> itoa-1.0.15
//! ```
//!
//! `--check` never reads it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use cargo_namespaces::digest::Digest;
use cargo_namespaces::package::PackageError;
use cargo_namespaces_cli::crate_file::CrateFile;
use cargo_namespaces_cli::settings::Settings;
use cargo_namespaces_net::fs::{read_to_string_if_exists, write_cache};

use crate::content::RefusedPackage;
use crate::odd_crates::OddCrates;
use crate::plan::{Package, PlannedSource, SourceDir};
use crate::work;

const HEADER: &str = concat!("cargo-nsvendor ", env!("CARGO_PKG_VERSION"));
/// How many .crates are remembered: a hundred times those of a large project, in a file that is read in a few milliseconds.
const MAX_NOTED: usize = 50_000;

/// The .crates that passed before, and those that pass now.
#[derive(Debug)]
pub struct Inspected {
    file: PathBuf,
    before: BTreeSet<String>,
    now: Mutex<Vec<String>>,
    /// Those that passed and are odd.
    pub odd: OddCrates,
}

impl Inspected {
    /// Reads what is remembered. Nothing is, if the file cannot be read.
    pub fn load(settings: &Settings) -> Self {
        let file = settings.cache().join("inspected");
        let text = read_to_string_if_exists(&file).ok().flatten().unwrap_or_default();
        let mut lines = text.lines();
        let before = match lines.next() {
            Some(HEADER) => lines.map(str::to_owned).collect(),
            _ => BTreeSet::new(),
        };
        Self { file, before, now: Mutex::default(), odd: OddCrates::default() }
    }

    /// Whether the .crate of a package need not be inspected: it passed before, or when its namespace was verified.
    pub fn knows(&self, source: &SourceDir, package: &Package) -> bool {
        matches!(source.source, PlannedSource::Namespace { .. })
            || package.checksum.is_some_and(|digest| self.before.contains(&line(package, &digest)))
    }

    /// Inspects a .crate that has the locked hash, unless it passed before.
    ///
    /// # Errors
    /// It breaks a rule.
    pub fn require(
        &self,
        source: &SourceDir,
        package: &Package,
        crate_file: &CrateFile,
    ) -> Result<(), RefusedPackage> {
        if self.knows(source, package) {
            return Ok(());
        }
        let walked = work::with_scratch(|scratch| {
            crate_file.for_each_entry(Some(scratch), &package.name, &package.version, |_| {
                Ok::<(), PackageError>(())
            })
        })
        .map_err(|error: PackageError| RefusedPackage::new(source, package, error))?;
        self.odd.add(source, package, walked.odd);
        if let Some(digest) = &package.checksum {
            self.now.lock().unwrap_or_else(PoisonError::into_inner).push(line(package, digest));
        }
        Ok(())
    }

    /// Remembers what passed. If the file cannot be written, the next run is only slower.
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
