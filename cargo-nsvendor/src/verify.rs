//! Step two: whether every namespaced release is verified and trusted.

use std::collections::BTreeMap;

use cargo_namespaces::lockfile::{LockFile, LockSource, LockedPackage};
use cargo_namespaces::name::{IndexUrl, Namespace};
use cargo_namespaces::trust;
use cargo_namespaces_cli::clock;
use cargo_namespaces_cli::interrupt;
use cargo_namespaces_cli::shell::{CliError, Shell};
use cargo_namespaces_cli::verify::{self, Before, Problem, Refused, Report, Request, Verified};
use serde::Serialize;

use crate::context::Context;
use crate::plan::{Package, Plan, PlannedSource, SourceDir};

/// The command that accepts a key or an index. This one writes no trust file.
const RESUME: &str = "cargo nsadd --sync";

/// What was found out.
#[derive(Debug)]
pub struct Verification {
    /// The releases that are verified and trusted. Empty if there are problems.
    pub report: Report,
    pub problems: Vec<Problem>,
    /// The namespaces of indexes, as far as they are known.
    pub namespaces: BTreeMap<IndexUrl, Namespace>,
}

/// A package, as JSON.
#[derive(Clone, Debug, Serialize)]
pub struct PackageReport {
    name: String,
    version: String,
    source: String,
    namespace: Option<String>,
    sha256: Option<String>,
    key: Option<String>,
    trusted: Option<&'static str>,
    /// What of it is vendored: `whole`, `without` some paths, or a `stub`.
    vendored: &'static str,
    directory: String,
}

/// Lock files, what is known of their namespaced releases, and what is vendored of them.
#[derive(Debug)]
pub struct VerifiedLocks {
    /// The lock files, in the order of the workspaces.
    pub locks: Vec<LockFile>,
    pub verification: Verification,
    pub plan: Plan,
}

/// Verifies every namespaced release among `packages`, all of which are locked.
///
/// # Errors
/// Ctrl-C, or a manifest cannot be read. What is wrong with a release is in the [`Verification`].
pub fn verify(context: &Context<'_>, packages: &[LockedPackage]) -> Result<Verification, CliError> {
    let Context { shell, options, project, registries, .. } = context;
    let mut namespaces: BTreeMap<IndexUrl, Namespace> = project
        .trust
        .file
        .namespaces
        .iter()
        .map(|(namespace, pins)| (pins.index.clone(), namespace.clone()))
        .collect();
    let has_registries = packages.iter().any(|package| matches!(package.source, LockSource::Registry(_)));
    let options = trust::Options { strict: options.strict, ..trust::Options::default() };
    let configured = project.configured_registries();
    let patched = project.patched()?;
    let request = Request {
        packages,
        before: Before::Everything,
        trust_file: &project.trust.file,
        configured: &configured,
        patched: &patched,
        known: BTreeMap::new(),
        views: Vec::new(),
        options: &options,
        special_use: project.settings.namespaces.special_use,
        offline: project.settings.offline(),
        now: clock::now(),
    };
    let network = verify::LiveSources { registries, network: context.network };
    let progress = has_registries.then(|| shell.spinner("Verifying", "the namespaced releases"));
    let outcome = verify::verify(&request, &network);
    drop(progress);
    interrupt::check()?;
    let (report, problems, notes) = match outcome {
        Ok(mut report) => {
            let notes = std::mem::take(&mut report.notes);
            (report, Vec::new(), notes)
        }
        Err(Refused { problems, notes }) => (Report::default(), problems, notes),
    };
    let of_releases = report.releases.iter().flat_map(|release| &release.notes);
    for note in of_releases.chain(&notes) {
        if note.warning {
            shell.warn(&note.text);
        } else {
            shell.note(&note.text);
        }
    }
    for (index, why) in registries.kept() {
        shell.warn(format!("{index} is unreachable: using cached index data for locked packages ({why})"));
    }
    for release in &report.releases {
        namespaces.insert(release.index.clone(), release.name.namespace.clone());
    }
    Ok(Verification { report, problems, namespaces })
}

impl Verification {
    /// Requires that there is no problem.
    ///
    /// # Errors
    /// The last problem. The others are reported.
    pub fn require(&self, shell: &Shell) -> Result<(), CliError> {
        let [problems @ .., last] = self.problems.as_slice() else { return Ok(()) };
        for problem in problems {
            shell.report(&described(problem));
        }
        Err(described(last))
    }

    /// Describes a package.
    pub fn describe(&self, source: &SourceDir, package: &Package) -> PackageReport {
        let verified = self.release(source, package);
        let namespace = match &source.source {
            PlannedSource::Namespace { namespace, .. } => Some(namespace.to_string()),
            _ => None,
        };
        PackageReport {
            name: package.name.clone(),
            version: package.version.to_string(),
            source: source.source.url(),
            namespace,
            sha256: package.checksum.map(|digest| digest.to_string()),
            key: verified.map(|release| release.key.to_string()),
            trusted: verified.map(|release| release.how.code()),
            vendored: package.shape.code(),
            directory: format!("{}/{}", source.dir, package.dir()),
        }
    }

    /// The verified release of a package, if it is in a namespace.
    pub fn release(&self, source: &SourceDir, package: &Package) -> Option<&Verified> {
        let PlannedSource::Namespace { index, .. } = &source.source else { return None };
        self.report.releases.iter().find(|release| {
            release.index == *index
                && release.name.krate.as_str() == package.name
                && release.version == package.version
        })
    }
}

/// A problem, as the error of the command.
pub fn described(problem: &Problem) -> CliError {
    let mut error = CliError::new(problem.exit(), problem.to_string());
    if let Some(meaning) = problem.meaning() {
        error = error.because(meaning);
    }
    error.hint(problem.next(RESUME))
}
