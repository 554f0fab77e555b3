//! `--replace crates-io/serde NAMESPACE/serde`: a `[patch]`, so that the whole graph takes the namespace's crate for
//! that of crates.io.

use std::collections::BTreeSet;

use cargo_namespaces::lockfile::LockSource;
use cargo_namespaces::manifest::edit;
use cargo_namespaces::name::{CrateName, QualifiedSpec};
use cargo_namespaces_cli::shell::{CliError, ExitCode};

use crate::contact::{self, Contact};
use crate::run::Context;
use crate::scout::{self, Step};
use crate::spec::Wanted;
use crate::transaction::{Changes, guarded};
use crate::{files, report};

/// Writes the patch.
///
/// # Errors
/// What went wrong; then no file has changed.
pub fn run(context: &Context<'_>, replaced: &str, wanted: &[Wanted]) -> Result<(), CliError> {
    let [Wanted::Qualified(spec)] = wanted else {
        return Err(CliError::usage("`--replace` takes one crate of a namespace")
            .hint("cargo nsadd --replace crates-io/itoa example.com/itoa"));
    };
    let replaced = read_replaced(replaced)?;
    if replaced.as_str() != spec.name.krate.as_str() {
        return Err(CliError::usage(format!(
            "`{}` cannot stand in for `{replaced}`",
            spec.name.display_both()
        ))
        .because("Cargo replaces a crate only by one of the same name"));
    }
    let namespaces = BTreeSet::from([spec.name.namespace.clone()]);
    let contacts = contact::find(context, &namespaces)?;
    let Some(contact) = contacts.first() else { return Ok(()) };
    let req = context.requirement(spec, contact)?;
    let job = Job { context, spec, contacts: &contacts, req };
    let edited = job.edited(contact)?;
    let workspace = &context.project.workspace;
    let manifest = workspace.root_manifest();
    context.shell.status("Replacing", format!("crates.io's `{replaced}` by {}", spec.name.display_both()));
    report::changes(context.shell, &workspace.shown(&manifest.path), &edited.changes);
    guarded(context.shell, context.project.files(), context.args.dry_run, |changes| {
        changes.write(&manifest.path, &edited.text)?;
        job.settle(changes)
    })?;
    report::finished(context.shell, context.args.dry_run);
    Ok(())
}

fn read_replaced(text: &str) -> Result<CrateName, CliError> {
    let name = text.strip_prefix("crates-io/").or_else(|| text.strip_prefix("crates.io/")).unwrap_or(text);
    CrateName::parse(name).map_err(|error| {
        CliError::usage(format!("`--replace {text}`: {error}")).hint("write `--replace crates-io/CRATE`")
    })
}

impl Context<'_> {
    /// The requirement that the user gave, or the newest release.
    fn requirement(&self, spec: &QualifiedSpec, contact: &Contact) -> Result<String, CliError> {
        if let Some(req) = spec.req_text() {
            return Ok(req.to_owned());
        }
        let wanted = [(spec.name.clone(), None, contact.clone())];
        let found = self.candidates(&wanted)?;
        let newest = found.first().map(|package| package.version.clone());
        let newest = newest
            .ok_or_else(|| CliError::new(ExitCode::Failure, format!("{} has no release", spec.name)))?;
        Ok(semver::Version { build: semver::BuildMetadata::EMPTY, ..newest }.to_string())
    }
}

struct Job<'a> {
    context: &'a Context<'a>,
    spec: &'a QualifiedSpec,
    contacts: &'a [Contact],
    req: String,
}

impl Job<'_> {
    fn edited(&self, contact: &Contact) -> Result<cargo_namespaces::manifest::Edited, CliError> {
        let workspace = &self.context.project.workspace;
        let manifest = workspace.root_manifest();
        let krate = self.spec.name.krate.as_str();
        edit::add_patch(&manifest.text, krate, &self.req, &contact.registry).map_err(|error| {
            CliError::new(
                ExitCode::InvalidInput,
                format!("failed to edit `{}`", workspace.shown(&manifest.path)),
            )
            .caused_by(&error)
        })
    }

    fn settle(&self, changes: &Changes) -> Result<(), CliError> {
        let (context, krate) = (self.context, self.spec.name.krate.as_str());
        // A locked release of crates.io would hold on to its place.
        let locked = context
            .project
            .locked()
            .iter()
            .find(|package| package.name == krate && package.source == LockSource::CratesIo)
            .map(|package| format!("{krate}@{}", package.version));
        let packages: Vec<&str> = locked.as_deref().into_iter().collect();
        scout::scout(context.net, self.steps())?;
        context.update_lock(self.contacts, &packages)?;
        self.is_used()?;
        let named = BTreeSet::from([self.spec.name.clone()]);
        let accepted = context.verify_lock(self.contacts, &named)?;
        report::accepted(context.shell, &accepted, &named);
        let (config, trust) = files::after(context.project, self.contacts, &accepted)?;
        files::write(context.shell, changes, context.project, &config, &trust)
    }

    /// The crate as Cargo will look for it.
    fn steps(&self) -> Vec<Step> {
        let step = |contact: &Contact| Step {
            index: contact.index.clone(),
            krate: self.spec.name.krate.clone(),
            req: Some(self.req.clone()),
            optional: false,
        };
        self.contacts.iter().map(step).collect()
    }

    /// Cargo only warns of a patch that nothing uses; then crates.io's crate would still be built.
    fn is_used(&self) -> Result<(), CliError> {
        let Some(lock) = self.context.project.read_lock()? else { return Ok(()) };
        let krate = self.spec.name.krate.as_str();
        let is_ours = |source: &LockSource| matches!(source, LockSource::Registry(index) if self.contacts.iter().any(|contact| contact.index == *index));
        let mut packages = lock.named(krate);
        if packages.any(|package| is_ours(&package.source)) {
            return Ok(());
        }
        let versions: Vec<String> =
            lock.named(krate).map(|package| format!("v{}", package.version)).collect();
        let because = if versions.is_empty() {
            format!("nothing in the project depends on `{krate}`")
        } else {
            format!(
                "the graph needs `{krate}` {}, and the requirement is `{}`",
                versions.join(", "),
                self.req
            )
        };
        Err(CliError::new(ExitCode::Failure, format!("{} would not be used", self.spec.name.display_both()))
            .because(because)
            .hint(format!("give a requirement that fits: `{}@REQ`", self.spec.name)))
    }
}
