//! Adding crates: `cargo nsadd NAMESPACE/CRATE …`.
//!
//! ```text
//! find each namespace ─ read its crates' index lines ─ look for what is in the way ─ plan
//!   ─ under the snapshot: move entries ─ cargo add ─ read back ─ verify the lock file ─ write .cargo ─ keep
//! ```

mod job;

use cargo_namespaces::index::IndexLine;
use cargo_namespaces::manifest::edit;
use cargo_namespaces::name::{QualifiedName, QualifiedSpec};
use cargo_namespaces_cli::registry_client::RegistryError;
use cargo_namespaces_cli::shell::{CliError, ExitCode};
use semver::Version;

use crate::args::Args;
use crate::contact::{self, Contact};
use crate::existing::{self, Found, Taken};
use crate::plan::{self, Choice, Request};
use crate::report;
use crate::run::Context;
use crate::scout::{self, Step};
use crate::spec::{self, Wanted};
use crate::transaction::guarded;
use crate::workspace::Manifest;

use job::Job;

/// Adds crates.
///
/// # Errors
/// What went wrong; then no file has changed.
pub fn run(context: &Context<'_>, wanted: &[Wanted]) -> Result<(), CliError> {
    let (specs, plain) = sort(wanted);
    check_flags(context.args, &specs)?;
    let package = context.project.workspace.package(context.args.dependency.package.as_deref())?;
    let namespaces = specs.iter().map(|spec| spec.name.namespace.clone()).collect();
    let contacts = contact::find(context, &namespaces)?;
    let mut requests = context.requests(&specs, &contacts, package)?;
    for request in &mut requests {
        request.choice = context.choose(request)?;
    }
    let plan = plan::plan(&requests, &plain, context.args)?;
    let spinner = context.shell.spinner("Reading", "the indexes of dependencies");
    scout::scout(context.net, requests.iter().map(step).collect())?;
    drop(spinner);
    let job = Job { context, package, contacts: &contacts, requests: &requests, plan: &plan };
    let files = context.project.files();
    guarded(context.shell, files, context.args.dry_run, |changes| job.execute(changes))?;
    report::finished(context.shell, context.args.dry_run);
    Ok(())
}

/// The crate as Cargo will look for it.
fn step(request: &Request) -> Step {
    Step {
        index: request.contact.index.clone(),
        krate: request.spec.name.krate.clone(),
        req: request.spec.req_text().map(str::to_owned),
        optional: false,
    }
}

fn sort(wanted: &[Wanted]) -> (Vec<QualifiedSpec>, Vec<String>) {
    let (mut specs, mut plain) = (Vec::<QualifiedSpec>::new(), Vec::new());
    for wanted in wanted {
        match wanted {
            Wanted::Qualified(spec) if specs.contains(spec) => {}
            Wanted::Qualified(spec) => specs.push(spec.clone()),
            Wanted::Plain(text) => plain.push(text.clone()),
        }
    }
    (specs, plain)
}

/// Flags that make no sense with what is added.
fn check_flags(args: &Args, specs: &[QualifiedSpec]) -> Result<(), CliError> {
    if let (Some(flag), Some(spec)) = (args.dependency.source_flag(), specs.first()) {
        let name = spec.name.display_both();
        let hint = match flag {
            "--registry" => "leave it out: the registry is that of the namespace".to_owned(),
            _ => format!("leave it out, or add a crate outside of any namespace with `cargo add {flag}`"),
        };
        return Err(CliError::usage(format!(
            "`{flag}` cannot be used with {name}, which comes from its namespace"
        ))
        .hint(hint));
    }
    if args.key().is_some() && args.crates.len() > 1 {
        return Err(CliError::usage("cannot specify multiple crates with `--rename NAME`")
            .hint("add them one by one, or give `--rename` without a name"));
    }
    let mut names: Vec<&str> = specs.iter().map(|spec| spec.name.krate.as_str()).collect();
    names.sort_unstable();
    if let Some(pair) = names.windows(2).find(|pair| existing::same_key(pair[0], pair[1])) {
        return Err(CliError::usage(format!("two of the crates are called `{}`", pair[0]))
            .hint("add them one by one, the second with `--rename NAME`"));
    }
    Ok(())
}

impl Context<'_> {
    /// Finds out everything about the crates that a plan needs.
    fn requests(
        &self,
        specs: &[QualifiedSpec],
        contacts: &[Contact],
        package: &Manifest,
    ) -> Result<Vec<Request>, CliError> {
        let contact_of = |spec: &QualifiedSpec| {
            let mut found = contacts.iter().filter(|contact| contact.namespace == spec.name.namespace);
            found
                .next()
                .cloned()
                .ok_or_else(|| CliError::new(ExitCode::Failure, format!("{} was lost", spec.name)))
        };
        let with_contacts: Vec<(QualifiedSpec, Contact)> = specs
            .iter()
            .map(|spec| Ok((spec.clone(), contact_of(spec)?)))
            .collect::<Result<_, CliError>>()?;
        let questions: Vec<_> = with_contacts
            .iter()
            .map(|(spec, contact)| (contact.index.clone(), spec.name.krate.clone()))
            .collect();
        let root = &self.project.workspace.root_manifest().info;
        let mut requests = Vec::new();
        for ((mut spec, contact), lines) in with_contacts.into_iter().zip(self.net.lines(&questions)) {
            let lines = match lines {
                Err(RegistryError::UnknownCrate { .. }) => self.other_spelling(&spec.name, &contact),
                lines => lines,
            };
            let lines = lines.map_err(|error| self.not_had(&spec.name, &contact, error))?;
            self.take_published_name(&mut spec.name, &lines);
            let versions: Vec<Version> =
                lines.iter().filter(|line| !line.yanked).map(|line| line.vers.clone()).collect();
            let key = self.args.key().unwrap_or(spec.name.krate.as_str());
            let is_registry = |name: &str| self.means(name, &contact);
            let free_key = edit::free_key(&package.text, &spec.name).unwrap_or_default();
            let members = &self.project.workspace.manifests;
            requests.push(Request {
                found: existing::look(&package.info, root, &spec.name, key, &is_registry),
                choice: None,
                is_member: members.iter().any(|member| member.name() == Some(spec.name.krate.as_str())),
                versions,
                free_key,
                spec,
                contact,
            });
        }
        Ok(requests)
    }

    /// Whether a registry's name in a manifest means the namespace's own index.
    fn means(&self, name: &str, contact: &Contact) -> bool {
        name == contact.registry.as_str()
            || self.project.index_of(name).is_some_and(|index| index == contact.index.as_str())
    }

    /// The lines of a crate that the index has with another of `-` and `_`, as `cargo add` looks for it.
    fn other_spelling(
        &self,
        name: &QualifiedName,
        contact: &Contact,
    ) -> Result<Vec<IndexLine>, RegistryError> {
        let twins = spec::twins(&name.krate);
        let questions: Vec<_> = twins.into_iter().map(|twin| (contact.index.clone(), twin)).collect();
        let found = self.net.lines(&questions).into_iter().find(Result::is_ok);
        let unknown = RegistryError::UnknownCrate { name: name.krate.clone(), index: contact.index.clone() };
        found.unwrap_or(Err(unknown))
    }

    /// Calls a crate what it is published as; Cargo knows it by no other spelling.
    fn take_published_name(&self, name: &mut QualifiedName, lines: &[IndexLine]) {
        let Some(published) = lines.last().map(|line| &line.name) else { return };
        if *published != name.krate && published.canonical() == name.krate.canonical() {
            self.shell.warn(format!("translating `{}` to `{published}`", name.krate));
            name.krate = published.clone();
        }
    }

    /// Why a crate's index file was not had.
    fn not_had(&self, name: &QualifiedName, contact: &Contact, error: RegistryError) -> CliError {
        if !matches!(error, RegistryError::UnknownCrate { .. }) {
            return CliError::from(error).within(format!("failed to look up {}", name.display_both()));
        }
        if let Err(error) = self.net.config(&contact.index) {
            let domain = contact.namespace.display_both();
            let made = CliError::from(error).within(format!("failed to reach the index of {domain}"));
            let mut known = self.project.trust.namespaces.keys();
            return match known.find(|known| known.looks_like(&contact.namespace)) {
                Some(_) => made.hint(contact::check_spelling(self.project, &contact.namespace)),
                None => made,
            };
        }
        CliError::new(ExitCode::Failure, format!("{} does not exist", name.display_both()))
            .because(format!("{} has no crate `{}`", contact.index, name.krate))
            .hint("check the spelling; a namespaced crate is looked for in its namespace only")
    }

    /// What to do with a dependency that is in the way: as the flags say, else as the user says.
    fn choose(&self, request: &Request) -> Result<Option<Choice>, CliError> {
        let Found::Taken(taken) = &request.found else { return Ok(None) };
        let name = request.spec.name.display_both();
        if self.args.switch {
            return if taken.is_other_package(&request.spec.name) {
                Err(cannot_switch(taken))
            } else {
                Ok(Some(Choice::Switch))
            };
        }
        if self.args.keep_both() {
            return Ok(Some(Choice::KeepBoth));
        }
        if self.args.key().is_some() {
            let key = &taken.dependency.key;
            return Err(CliError::new(
                ExitCode::ActionRequired,
                format!("there is a dependency `{key}` already"),
            )
            .because(format!("`{key}` in {} comes from {}", taken.dependency.table, taken.origin()))
            .hint("choose another name for `--rename`"));
        }
        let question = format!(
            "`{}` is a dependency already, from {}.\nAdd {name} how?",
            taken.dependency.key,
            taken.origin()
        );
        let keep = format!("keep both, {name} as `{}`", request.free_key);
        let stop = "not at all";
        let (choices, meanings) = if taken.is_other_package(&request.spec.name) {
            (vec![keep.as_str(), stop], vec![Some(Choice::KeepBoth), None])
        } else {
            let switch = "move the dependency to the namespace";
            (vec![switch, keep.as_str(), stop], vec![Some(Choice::Switch), Some(Choice::KeepBoth), None])
        };
        let answer = self.shell.select(&question, &choices, 0)?;
        Ok(answer.and_then(|at| meanings[at]))
    }
}

fn cannot_switch(taken: &Taken) -> CliError {
    let (key, package) = (&taken.dependency.key, &taken.dependency.package);
    CliError::new(
        ExitCode::ActionRequired,
        format!("`{key}` cannot be moved: it is another package, `{package}`"),
    )
    .hint("keep both with `--rename`, or rename that dependency first")
}
