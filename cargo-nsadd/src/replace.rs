//! `--replace crates-io/serde NAMESPACE/serde`: writes a `[patch]`, so that the whole graph takes the namespace's crate
//! for that of crates.io.

use std::collections::BTreeSet;

use cargo_namespaces::lockfile::LockSource;
use cargo_namespaces::manifest::Edited;
use cargo_namespaces::manifest::edit::{self, EditError};
use cargo_namespaces::name::{QualifiedName, QualifiedSpec};
use cargo_namespaces_cli::shell::CliError;

use crate::files::CargoDirFiles;
use crate::namespace_registry::{self, NamespaceRegistry};
use crate::preflight::{self, IndexLookup};
use crate::project::ProjectError;
use crate::report;
use crate::session::Session;
use crate::transaction::{GuardedWriter, guarded};
use crate::verify_lock::CandidateError;

/// Writes the patch.
///
/// # Errors
/// What went wrong; then no file has changed.
pub fn run(session: &Session<'_>, by: &QualifiedSpec) -> Result<(), CliError> {
    let (shell, project) = (session.shell, session.project);
    let registries = namespace_registry::find(session, &BTreeSet::from([by.name.namespace.clone()]))?;
    let Some(registry) = registries.first() else { return Ok(()) };
    let run = ReplaceRun { session, by, registry, req: requirement(session, by, registry)? };
    let edited = run.edited()?;
    let manifest = project.workspace.root_manifest();
    shell.status("Replacing", format!("crates.io's `{}` by {}", by.name.krate, by.name.display_both()));
    report::changes(shell, &project.workspace.shown(&manifest.path), &edited.changes);
    guarded(shell, project.files(), session.options.dry_run, |writer| {
        writer.write(&manifest.path, &edited.text)?;
        run.lock_and_verify(writer)
    })?;
    report::finished(shell, session.options.dry_run);
    Ok(())
}

/// The requirement that the user gave, or the newest release.
fn requirement(
    session: &Session<'_>,
    by: &QualifiedSpec,
    registry: &NamespaceRegistry,
) -> Result<String, CandidateError> {
    if let Some(req) = by.req_text() {
        return Ok(req.to_owned());
    }
    let found = session.candidates(&[(by.name.clone(), None, registry.clone())])?;
    let newest = found.first().map(|package| package.version.clone());
    let newest = newest.ok_or_else(|| CandidateError::NoRelease { name: by.name.clone(), req: None })?;
    Ok(semver::Version { build: semver::BuildMetadata::EMPTY, ..newest }.to_string())
}

struct ReplaceRun<'a> {
    session: &'a Session<'a>,
    by: &'a QualifiedSpec,
    registry: &'a NamespaceRegistry,
    req: String,
}

impl ReplaceRun<'_> {
    /// The root manifest with the patch.
    fn edited(&self) -> Result<Edited, ReplaceError> {
        let workspace = &self.session.project.workspace;
        let manifest = workspace.root_manifest();
        edit::add_patch(&manifest.text, self.by.name.krate.as_str(), &self.req, &self.registry.name)
            .map_err(|source| ReplaceError::Edit { shown: workspace.shown(&manifest.path), source })
    }

    fn lock_and_verify(&self, writer: &GuardedWriter) -> Result<(), CliError> {
        let (session, krate) = (self.session, self.by.name.krate.as_str());
        let registries = std::slice::from_ref(self.registry);
        // Cargo keeps a release of crates.io that is locked, unless it is told to look for another.
        let locked = session
            .project
            .locked()
            .iter()
            .find(|package| package.name == krate && package.source == LockSource::CratesIo)
            .map(|package| format!("{krate}@{}", package.version));
        let packages: Vec<&str> = locked.as_deref().into_iter().collect();
        preflight::read_indexes(session.sources, vec![self.lookup()])?;
        session.update_lock(registries, &packages)?;
        self.check_used()?;
        let named = BTreeSet::from([self.by.name.clone()]);
        let accepted = session.verify_lock(registries, &named)?;
        report::accepted(session.shell, &accepted, &named);
        let files = CargoDirFiles::after(session.project, registries, &accepted)?;
        files.write(session.shell, writer, session.project)
    }

    /// The crate as Cargo will look it up.
    fn lookup(&self) -> IndexLookup {
        IndexLookup {
            index: self.registry.index.clone(),
            krate: self.by.name.krate.clone(),
            req: Some(self.req.clone()),
            optional: false,
        }
    }

    /// Looks whether the lock file has the namespace's crate. Cargo only warns of a patch that nothing uses, and would
    /// build the crate of crates.io.
    fn check_used(&self) -> Result<(), ReplaceError> {
        let Some(lock) = self.session.project.read_lock()? else { return Ok(()) };
        let krate = self.by.name.krate.as_str();
        let is_used = lock.named(krate).any(
            |package| matches!(&package.source, LockSource::Registry(index) if *index == self.registry.index),
        );
        if is_used {
            return Ok(());
        }
        let versions: Vec<String> =
            lock.named(krate).map(|package| format!("v{}", package.version)).collect();
        let cause = if versions.is_empty() {
            format!("nothing in the project depends on `{krate}`")
        } else {
            let versions = versions.join(", ");
            format!("the graph needs `{krate}` {versions}, and the requirement is `{}`", self.req)
        };
        Err(ReplaceError::Unused { name: self.by.name.clone(), cause })
    }
}

/// The patch cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ReplaceError {
    #[error("failed to edit `{shown}`")]
    Edit {
        shown: String,
        #[source]
        source: EditError,
    },
    /// Nothing would use it.
    #[error("{} would not be used", name.display_both())]
    Unused { name: QualifiedName, cause: String },
    #[error(transparent)]
    Project(#[from] ProjectError),
}
