//! Rewrites every manifest of the workspace from namespace notation into Cargo's form.
//!
//! Dependencies on other namespaces are found, locked and verified as if they were added. The namespaces of the workspace's
//! own packages need not be published yet, and a dependency with a `path` is on this machine: for neither does a domain have
//! to answer.

mod registries;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use cargo_namespaces::index::IndexLine;
use cargo_namespaces::manifest::{
    QualifiedDependency, Rewrite, RewriteContext, RewriteError, rewrite as rewrite_text,
};
use cargo_namespaces::name::{Namespace, QualifiedName, RegistryName};
use cargo_namespaces_cli::shell::CliError;
use cargo_namespaces_cli::verify::Report;
use semver::VersionReq;

use crate::files::CargoDirFiles;
use crate::namespace_registry::NamespaceRegistry;
use crate::preflight::{self, IndexLookup};
use crate::report;
use crate::session::Session;
use crate::transaction::{GuardedWriter, guarded};
use crate::verify_lock::WantedCrate;
use crate::workspace::Manifest;

/// Rewrites the manifests.
///
/// # Errors
/// What went wrong; then no file has changed.
pub fn run(session: &Session<'_>) -> Result<(), CliError> {
    let (shell, dry_run) = (session.shell, session.options.dry_run);
    let manifests = &session.project.workspace.manifests;
    if !manifests.iter().any(|manifest| manifest.info.has_notation()) {
        shell.note("no manifest is in namespace notation; to add a crate: `cargo nsadd NAMESPACE/CRATE`");
        report::finished(shell, dry_run);
        return Ok(());
    }
    let draft = RewrittenManifests::new(session, &BTreeMap::new())?;
    let (registries, notes) = registries::find(session, &draft)?;
    let names = registries.iter().map(|found| (found.namespace.clone(), found.name.clone())).collect();
    let run = RewriteRun { session, rewritten: RewrittenManifests::new(session, &names)?, registries };
    run.announce();
    guarded(shell, session.project.files(), dry_run, |writer| run.execute(writer))?;
    notes.iter().for_each(|note| shell.note(note));
    report::finished(shell, dry_run);
    Ok(())
}

/// The rewritten manifests.
struct RewrittenManifests {
    manifests: Vec<(PathBuf, Rewrite)>,
    /// The namespaces of the workspace's own packages.
    own: BTreeSet<Namespace>,
}

impl RewrittenManifests {
    /// Rewrites in memory, the root first: its members inherit the keys of its dependencies. `registries` are the names to
    /// write; a namespace that is not among them gets its default name.
    fn new(
        session: &Session<'_>,
        registries: &BTreeMap<Namespace, RegistryName>,
    ) -> Result<Self, RewriteManifestError> {
        let workspace = &session.project.workspace;
        let own: BTreeSet<Namespace> = workspace
            .manifests
            .iter()
            .filter_map(|manifest| manifest.info.package.as_ref()?.namespace.clone())
            .collect();
        let mut rules = RewriteContext {
            registries: registries.clone(),
            own: own.clone(),
            workspace_keys: BTreeMap::new(),
        };
        let mut manifests = Vec::new();
        for (at, manifest) in workspace.manifests.iter().enumerate() {
            let rewritten = rewrite_text(&manifest.text, &rules)
                .map_err(|source| RewriteManifestError { shown: workspace.shown(&manifest.path), source })?;
            if at == 0 {
                rules.workspace_keys.clone_from(&rewritten.workspace_keys);
            }
            manifests.push((manifest.path.clone(), rewritten));
        }
        Ok(Self { manifests, own })
    }

    /// The dependencies that were in notation.
    fn needs(&self) -> impl Iterator<Item = &QualifiedDependency> {
        self.manifests.iter().flat_map(|(_, rewritten)| &rewritten.needs)
    }

    /// Those on other namespaces that a registry has to serve.
    fn foreign(&self) -> impl Iterator<Item = &QualifiedDependency> {
        self.needs().filter(|need| !need.is_own_namespace && needs_registry(need))
    }
}

/// Whether a dependency comes from a registry, by its own entry: it has no path, no repository, and inherits nothing.
fn needs_registry(need: &QualifiedDependency) -> bool {
    !need.has_path && !need.has_git && !need.inherited
}

/// A manifest cannot be rewritten.
#[derive(Debug, thiserror::Error)]
#[error("`{shown}` cannot be rewritten")]
pub struct RewriteManifestError {
    shown: String,
    #[source]
    source: RewriteError,
}

impl RewriteManifestError {
    pub fn hint(&self) -> String {
        let usual = || "correct the line and run the command again; nothing was changed".to_owned();
        self.source.hint().unwrap_or_else(usual)
    }
}

struct RewriteRun<'a> {
    session: &'a Session<'a>,
    rewritten: RewrittenManifests,
    registries: Vec<NamespaceRegistry>,
}

impl RewriteRun<'_> {
    /// Reports line by line what changes.
    fn announce(&self) {
        let (shell, workspace) = (self.session.shell, &self.session.project.workspace);
        for (path, rewritten) in &self.rewritten.manifests {
            let shown = workspace.shown(path);
            if !rewritten.changes.is_empty() {
                shell.status("Rewriting", &shown);
                report::changes(shell, &shown, &rewritten.changes);
            }
            for note in &rewritten.notes {
                shell.note(format!("{shown}:{}: {}", note.position.line, note.text));
            }
        }
    }

    fn execute(&self, writer: &GuardedWriter) -> Result<(), CliError> {
        let (session, project) = (self.session, self.session.project);
        for (path, rewritten) in &self.rewritten.manifests {
            writer.write(path, &rewritten.text)?;
        }
        // What was written must parse as a manifest.
        for manifest in &project.workspace.manifests {
            Manifest::read(&manifest.path, &project.workspace.shown(&manifest.path))?;
        }
        preflight::read_indexes(session.sources, self.lookups())?;
        let named = self.foreign_names();
        let accepted = match session.update_lock(&self.registries, &[]) {
            Ok(()) => session.verify_lock(&self.registries, &named)?,
            Err(error) if error.is_interrupted() => return Err(error.into()),
            Err(error) => {
                let unpublished = self.unpublished();
                if unpublished.is_empty() {
                    return Err(error.into());
                }
                session.shell.note(format!(
                    "Cargo.lock cannot be written before the namespace's own crates are published: {}",
                    unpublished.join(", ")
                ));
                self.verify_candidates(&named)?
            }
        };
        report::accepted(session.shell, &accepted, &named);
        let files = CargoDirFiles::after(project, &self.registries, &accepted)?;
        files.write(session.shell, writer, project)
    }

    fn registry_of(&self, need: &QualifiedDependency) -> Option<&NamespaceRegistry> {
        self.registries.iter().find(|registry| registry.namespace == need.name.namespace)
    }

    /// The crates of other namespaces as Cargo will look them up.
    fn lookups(&self) -> Vec<IndexLookup> {
        let lookup = |need: &QualifiedDependency| {
            let index = self.registry_of(need)?.index.clone();
            let (krate, req) = (need.name.krate.clone(), need.req.clone());
            Some(IndexLookup { index, krate, req, optional: false })
        };
        self.rewritten.foreign().filter_map(lookup).collect()
    }

    /// The crates of the workspace's own namespaces that a registry has to serve and that are not published yet.
    fn unpublished(&self) -> Vec<String> {
        let own = self.rewritten.needs().filter(|need| need.is_own_namespace && needs_registry(need));
        let own: BTreeMap<(&QualifiedName, Option<&str>), &NamespaceRegistry> = own
            .filter_map(|need| Some(((&need.name, need.req.as_deref()), self.registry_of(need)?)))
            .collect();
        let crates: Vec<_> =
            own.iter().map(|((name, _), registry)| (registry.index.clone(), name.krate.clone())).collect();
        let answers = self.session.sources.lines(&crates);
        let missing = own.into_keys().zip(answers).filter(|((_, req), lines)| {
            let req = req.and_then(|req| VersionReq::parse(req).ok());
            let fits = |line: &IndexLine| req.as_ref().is_none_or(|req| req.matches(&line.vers));
            !lines.as_ref().is_ok_and(|lines| lines.iter().any(fits))
        });
        let names: BTreeSet<String> = missing.map(|((name, _), _)| name.display_both()).collect();
        names.into_iter().collect()
    }

    fn foreign_names(&self) -> BTreeSet<QualifiedName> {
        self.rewritten.foreign().map(|need| need.name.clone()).collect()
    }

    /// Verifies the releases at which the dependencies on other namespaces would probably be locked.
    fn verify_candidates(&self, named: &BTreeSet<QualifiedName>) -> Result<Report, CliError> {
        let wanted = |need: &QualifiedDependency| -> Option<WantedCrate> {
            let req = need.req.as_deref().and_then(|req| VersionReq::parse(req).ok());
            Some((need.name.clone(), req, self.registry_of(need)?.clone()))
        };
        let wanted: Vec<WantedCrate> = self.rewritten.foreign().filter_map(wanted).collect();
        let packages = self.session.candidates(&wanted)?;
        self.session.verify(&packages, &self.registries, named)
    }
}
