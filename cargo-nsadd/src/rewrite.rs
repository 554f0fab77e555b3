//! Rewriting: every manifest of the workspace from namespace notation into Cargo's form.
//!
//! Dependencies on other namespaces are found, locked and verified as if they were added. The package's own namespace may not
//! have published anything yet, and what has a `path` is here already: neither needs an answer from a domain.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use cargo_namespaces::cargo_config::is_assumed;
use cargo_namespaces::domain_view::DomainView;
use cargo_namespaces::index::IndexLine;
use cargo_namespaces::manifest::{
    QualifiedDependency, Rewrite, RewriteContext, RewriteError, rewrite as rewrite_text,
};
use cargo_namespaces::name::{IndexUrl, Namespace, QualifiedName, RegistryName};
use cargo_namespaces_cli::set_up;
use cargo_namespaces_cli::shell::{CliError, ExitCode};
use cargo_namespaces_cli::verify::Report;
use semver::VersionReq;

use crate::contact::{self, Contact};
use crate::project::Project;
use crate::run::Context;
use crate::scout::{self, Step};
use crate::transaction::{Changes, guarded};
use crate::workspace::Manifest;
use crate::{files, report};

/// Rewrites the manifests.
///
/// # Errors
/// What went wrong; then no file has changed.
pub fn run(context: &Context<'_>) -> Result<(), CliError> {
    let manifests = &context.project.workspace.manifests;
    if !manifests.iter().any(|manifest| manifest.info.has_notation()) {
        context
            .shell
            .note("no manifest is in namespace notation; to add a crate: `cargo nsadd NAMESPACE/CRATE`");
        report::finished(context.shell, context.args.dry_run);
        return Ok(());
    }
    let draft = Draft::of(context, &BTreeMap::new())?;
    let (contacts, notes) = draft.contacts(context)?;
    let names =
        contacts.iter().map(|contact| (contact.namespace.clone(), contact.registry.clone())).collect();
    let job = Job { context, draft: Draft::of(context, &names)?, contacts };
    job.say();
    let files = context.project.files();
    guarded(context.shell, files, context.args.dry_run, |changes| job.execute(changes))?;
    notes.iter().for_each(|note| context.shell.note(note));
    report::finished(context.shell, context.args.dry_run);
    Ok(())
}

/// The rewritten manifests.
struct Draft {
    manifests: Vec<(PathBuf, Rewrite)>,
    /// The namespaces of the workspace's own packages.
    own: BTreeSet<Namespace>,
}

type Names = BTreeMap<Namespace, RegistryName>;

impl Draft {
    /// Rewrites in memory, the root first: its members inherit the keys of its dependencies.
    fn of(context: &Context<'_>, names: &Names) -> Result<Self, CliError> {
        let workspace = &context.project.workspace;
        let own: BTreeSet<Namespace> = workspace
            .manifests
            .iter()
            .filter_map(|manifest| manifest.info.package.as_ref()?.namespace.clone())
            .collect();
        let mut rules =
            RewriteContext { registries: names.clone(), own: own.clone(), workspace_keys: BTreeMap::new() };
        let mut manifests = Vec::new();
        for (at, manifest) in workspace.manifests.iter().enumerate() {
            let rewritten = rewrite_text(&manifest.text, &rules)
                .map_err(|error| invalid(&workspace.shown(&manifest.path), &error))?;
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

    /// Those that must come from their namespace now.
    fn foreign(&self) -> impl Iterator<Item = &QualifiedDependency> {
        self.needs().filter(|need| !need.is_own_namespace && !is_elsewhere(need) && !need.inherited)
    }

    /// The registry of every namespace that a manifest names now, and what is to be said about those that are not known.
    fn contacts(&self, context: &Context<'_>) -> Result<(Vec<Contact>, Vec<String>), CliError> {
        let foreign: BTreeSet<Namespace> = self.foreign().map(|need| need.name.namespace.clone()).collect();
        let all: BTreeSet<Namespace> =
            self.needs().map(|need| need.name.namespace.clone()).chain(self.own.iter().cloned()).collect();
        let lenient: BTreeSet<Namespace> = all.difference(&foreign).cloned().collect();
        let mut contacts = contact::find(context, &foreign)?;
        let is_named = |namespace: &Namespace| {
            let mut of = self.needs().filter(|need| need.name.namespace == *namespace);
            of.any(|need| !need.has_git && !need.inherited)
        };
        let (unasked, notes) = unasked(context, &lenient, is_named)?;
        contacts.extend(unasked);
        Ok((contacts, notes))
    }
}

/// A need that is satisfied without a registry.
fn is_elsewhere(need: &QualifiedDependency) -> bool {
    need.has_path || need.has_git
}

fn invalid(path: &str, error: &RewriteError) -> CliError {
    let made =
        CliError::new(ExitCode::InvalidInput, format!("`{path}` cannot be rewritten")).caused_by(error);
    made.hint(
        error
            .hint()
            .unwrap_or_else(|| "correct the line and run the command again; nothing was changed".to_owned()),
    )
}

/// Namespaces whose domain need not answer. Where the index of one is not known from anywhere, nothing is written of it,
/// unless a manifest names its registry: Cargo reads such a manifest only with an index.
fn unasked(
    context: &Context<'_>,
    namespaces: &BTreeSet<Namespace>,
    is_named: impl Fn(&Namespace) -> bool,
) -> Result<(Vec<Contact>, Vec<String>), CliError> {
    let project = context.project;
    let unknown: Vec<Namespace> =
        namespaces.iter().filter(|namespace| project.trust.index(namespace).is_none()).cloned().collect();
    let views =
        if unknown.is_empty() || project.settings.offline() { Vec::new() } else { context.ask(&unknown) };
    let (mut contacts, mut notes) = (Vec::new(), Vec::new());
    for namespace in namespaces {
        contact::check(&project.settings, namespace)?;
        let view = views.iter().find(|view| view.namespace() == namespace);
        if let Some(index) = known_index(project, namespace, view)? {
            contacts.push(contact::named(project, namespace, index)?);
            continue;
        }
        let domain = namespace.display_both();
        let decides = "the first publish decides it: `cargo nspublish --site DIR` for any static host, or \
                       `cargo nspublish --instance https://REGISTRY`";
        if !is_named(namespace) {
            notes.push(format!("where the index of {domain} will be is not known yet; {decides}"));
            continue;
        }
        let contact = contact::assumed(project, namespace)?;
        notes.push(format!(
            "where the index of {domain} will be is not known yet. {} is assumed, since Cargo reads no manifest that names \
             a registry without an index; {decides}",
            contact.index
        ));
        contacts.push(contact);
    }
    Ok((contacts, notes))
}

/// Where the index of a namespace is, as far as the project, the domain or this machine's set-up knows it.
fn known_index(
    project: &Project,
    namespace: &Namespace,
    view: Option<&DomainView>,
) -> Result<Option<IndexUrl>, CliError> {
    if let Some(pinned) = project.trust.index(namespace) {
        return Ok(Some(pinned.clone()));
    }
    let declared = view.map(DomainView::index_in_use).transpose().map_err(|error| {
        let domain = namespace.display_both();
        CliError::new(ExitCode::Refused, format!("{domain} contradicts itself about its index"))
            .because(error.to_string())
            .hint("a namespace has one index: correct the records")
    })?;
    if let Some(declared) = declared.flatten() {
        return Ok(Some(declared));
    }
    if let Some(recorded) = set_up::index(&project.settings.cargo_home, namespace)? {
        return Ok(Some(recorded));
    }
    let name = RegistryName::from_namespace(namespace);
    let configured = project.index_of(name.as_str()).filter(|_| !is_assumed(&project.config.text, &name));
    Ok(configured.and_then(|text| IndexUrl::parse(&text).ok()))
}

struct Job<'a> {
    context: &'a Context<'a>,
    draft: Draft,
    contacts: Vec<Contact>,
}

impl Job<'_> {
    /// Says line by line what changes.
    fn say(&self) {
        let (shell, workspace) = (self.context.shell, &self.context.project.workspace);
        for (path, rewritten) in &self.draft.manifests {
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

    fn execute(&self, changes: &Changes) -> Result<(), CliError> {
        let (shell, project) = (self.context.shell, self.context.project);
        for (path, rewritten) in &self.draft.manifests {
            changes.write(path, &rewritten.text)?;
        }
        // What the rewriting left must be a manifest that says the same to us.
        for manifest in &project.workspace.manifests {
            Manifest::read(&manifest.path, &project.workspace.shown(&manifest.path))?;
        }
        scout::scout(self.context.net, self.steps())?;
        let accepted = match self.context.update_lock(&self.contacts, &[]) {
            Ok(()) => self.context.verify_lock(&self.contacts, &self.foreign_names())?,
            Err(error) if error.exit() == ExitCode::Interrupted => return Err(error),
            Err(error) => {
                let unpublished = self.unpublished();
                if unpublished.is_empty() {
                    return Err(error);
                }
                shell.note(format!(
                    "Cargo.lock cannot be written before the namespace's own crates are published: {}",
                    unpublished.join(", ")
                ));
                self.verify_each()?
            }
        };
        self.report(&accepted);
        let (config, trust) = files::after(project, &self.contacts, &accepted)?;
        files::write(shell, changes, project, &config, &trust)
    }

    /// The crates of other namespaces as Cargo will look for them.
    fn steps(&self) -> Vec<Step> {
        let step = |need: &QualifiedDependency| {
            let contact = self.contacts.iter().find(|contact| contact.namespace == need.name.namespace)?;
            let (index, krate) = (contact.index.clone(), need.name.krate.clone());
            Some(Step { index, krate, req: need.req.clone(), optional: false })
        };
        self.draft.foreign().filter_map(step).collect()
    }

    /// Crates of the workspace's own namespaces that are needed from there and that no index has yet.
    fn unpublished(&self) -> Vec<String> {
        let own =
            self.draft.needs().filter(|need| need.is_own_namespace && !is_elsewhere(need) && !need.inherited);
        let own: BTreeMap<(&QualifiedName, Option<&str>), &Contact> = own
            .filter_map(|need| {
                let contact =
                    self.contacts.iter().find(|contact| contact.namespace == need.name.namespace)?;
                Some(((&need.name, need.req.as_deref()), contact))
            })
            .collect();
        let questions: Vec<_> =
            own.iter().map(|((name, _), contact)| (contact.index.clone(), name.krate.clone())).collect();
        let answers = self.context.net.lines(&questions);
        let missing = own.into_keys().zip(answers).filter(|((_, req), lines)| {
            let req = req.and_then(|req| VersionReq::parse(req).ok());
            let fits = |line: &IndexLine| req.as_ref().is_none_or(|req| req.matches(&line.vers));
            !lines.as_ref().is_ok_and(|lines| lines.iter().any(fits))
        });
        let names: BTreeSet<String> = missing.map(|((name, _), _)| name.display_both()).collect();
        names.into_iter().collect()
    }

    fn foreign_names(&self) -> BTreeSet<QualifiedName> {
        self.draft.foreign().map(|need| need.name.clone()).collect()
    }

    /// Verifies the releases that the dependencies on other namespaces would probably be locked at.
    fn verify_each(&self) -> Result<Report, CliError> {
        let mut wanted = Vec::new();
        for need in self.draft.foreign() {
            let contact = self.contacts.iter().find(|contact| contact.namespace == need.name.namespace);
            let Some(contact) = contact else { continue };
            let req = need.req.as_deref().and_then(|req| VersionReq::parse(req).ok());
            wanted.push((need.name.clone(), req, contact.clone()));
        }
        let packages = self.context.candidates(&wanted)?;
        self.context.verify(&packages, &self.contacts, &self.foreign_names())
    }

    fn report(&self, accepted: &Report) {
        report::accepted(self.context.shell, accepted, &self.foreign_names());
    }
}
