//! What is known of the namespaced releases: intact, trusted by which key, or not.

use std::collections::BTreeMap;

use cargo_namespaces::lockfile::{LockSource, LockedPackage};
use cargo_namespaces::name::{IndexUrl, Namespace};
use cargo_namespaces::trust;
use cargo_namespaces_cli::clock;
use cargo_namespaces_cli::registry_client::RegistryClient;
use cargo_namespaces_cli::shell::{CliError, Shell};
use cargo_namespaces_cli::verify::{self, Before, Network, Problem, Refused, Report, Request, Verified};
use cargo_namespaces_net::client::Transport;
use cargo_namespaces_net::interrupt;
use serde::Serialize;

use crate::plan::{Package, Source, SourceDir};
use crate::project::Project;

/// What accepts a key or an index that this command only reports: it writes no trust file.
const RESUME: &str = "cargo nsadd --sync";

/// The outcome.
#[derive(Debug)]
pub struct Verification {
    /// What is intact and trusted; empty when something is not.
    pub report: Report,
    /// What is not.
    pub problems: Vec<Problem>,
    /// Which index is whose, as far as that is known.
    pub namespaces: BTreeMap<IndexUrl, Namespace>,
}

/// A package, for machines.
#[derive(Clone, Debug, Serialize)]
pub struct Described {
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

/// What verification needs to reach.
#[derive(Clone, Copy)]
pub struct Reach<'a> {
    /// Indexes and archives.
    pub client: &'a RegistryClient<'a>,
    /// The web.
    pub transport: &'a dyn Transport,
}

/// Verifies every namespaced release among `packages`, all of which are locked.
///
/// # Errors
/// Ctrl-C.
pub fn verify(
    shell: &Shell,
    project: &Project,
    Reach { client, transport }: Reach<'_>,
    packages: &[LockedPackage],
    strict: bool,
) -> Result<Verification, CliError> {
    let mut namespaces: BTreeMap<IndexUrl, Namespace> = project
        .trust
        .file
        .namespaces
        .iter()
        .map(|(namespace, pins)| (pins.index.clone(), namespace.clone()))
        .collect();
    let registries =
        packages.iter().filter(|package| matches!(package.source, LockSource::Registry(_))).count();
    let options = trust::Options { strict, ..trust::Options::default() };
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
    let resolver = project.settings.resolver();
    let progress = (registries > 0).then(|| shell.spinner("Verifying", "the namespaced releases"));
    let outcome = verify::verify(&request, &Network { registries: client, transport, resolver: &resolver });
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
    for (index, why) in client.kept() {
        shell.warn(format!(
            "{index} does not answer: what it said before is taken for what is locked ({why})"
        ));
    }
    for release in &report.releases {
        namespaces.insert(release.index.clone(), release.name.namespace.clone());
    }
    Ok(Verification { report, problems, namespaces })
}

impl Verification {
    /// Everything must be intact and trusted.
    ///
    /// # Errors
    /// What is not: one error, or the last of several, the others reported.
    pub fn require(&self, shell: &Shell) -> Result<(), CliError> {
        let [problems @ .., last] = self.problems.as_slice() else { return Ok(()) };
        for problem in problems {
            shell.report(&described(problem));
        }
        Err(described(last))
    }

    /// What is known of a package.
    pub fn describe(&self, source: &SourceDir, package: &Package) -> Described {
        let verified = self.release(source, package);
        let namespace = match &source.source {
            Source::Namespace { namespace, .. } => Some(namespace.to_string()),
            _ => None,
        };
        Described {
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

    /// The verified release that a package is, if it is one.
    pub fn release(&self, source: &SourceDir, package: &Package) -> Option<&Verified> {
        let Source::Namespace { index, .. } = &source.source else { return None };
        self.report.releases.iter().find(|release| {
            release.index == *index
                && release.name.krate.as_str() == package.name
                && release.version == package.version
        })
    }
}

/// A problem as the command's error.
pub fn described(problem: &Problem) -> CliError {
    let mut error = CliError::new(problem.exit(), problem.to_string());
    if let Some(meaning) = problem.meaning() {
        error = error.because(meaning);
    }
    error.hint(problem.next(RESUME))
}
