//! Adding crates: `cargo nsadd NAMESPACE/CRATE …`.
//!
//! ```text
//! find each namespace ─ read its crates' index lines ─ look for what is in the way ─ plan
//!   ─ under the snapshot: move entries ─ cargo add ─ read back ─ verify the lock file ─ write .cargo ─ keep
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;

use cargo_namespaces::manifest::{ManifestInfo, edit};
use cargo_namespaces::name::{QualifiedName, QualifiedSpec};
use cargo_namespaces::registry_client::RegistryError;
use cargo_namespaces::shell::{CliError, ExitCode};
use semver::Version;

use crate::args::Args;
use crate::contact::{self, Contact};
use crate::existing::{self, Found, Taken};
use crate::plan::{self, Add, Choice, Plan, Request};
use crate::run::Context;
use crate::scout::{self, Step};
use crate::spec::{self, Wanted};
use crate::transaction::{Changes, guarded};
use crate::workspace::Manifest;
use crate::{files, report};

/// Adds crates.
///
/// # Errors
/// What went wrong; then no file has changed.
pub fn run(context: &Context<'_>, wanted: &[Wanted]) -> Result<(), CliError> {
    let (specs, plain) = sort(wanted);
    check_flags(context.args, &specs)?;
    let package = context.project.workspace.package(context.args.dependency.package.as_deref())?;
    let namespaces = specs.iter().map(|spec| spec.name.namespace.clone()).collect();
    let contacts = contact::find(context.project, context.args, context.net, &namespaces)?;
    let mut requests = context.requests(&specs, &contacts, package)?;
    for request in &mut requests {
        request.choice = context.choose(request)?;
    }
    let plan = plan::plan(&requests, &plain, context.args)?;
    scout::scout(context.net, requests.iter().map(step).collect())?;
    let job = Job { context, package, contacts: &contacts, requests: &requests, plan: &plan };
    if context.args.dry_run {
        job.announce()?;
    } else {
        guarded(context.shell, context.project.files(), |changes| job.execute(changes))?;
    }
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
        for ((spec, contact), lines) in with_contacts.into_iter().zip(self.net.lines(&questions)) {
            let lines = lines.map_err(|error| self.not_had(&spec.name, &contact, error))?;
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

    /// Why a crate's index file was not had, with what may have been meant.
    fn not_had(&self, name: &QualifiedName, contact: &Contact, error: RegistryError) -> CliError {
        if !matches!(error, RegistryError::UnknownCrate { .. }) {
            return CliError::from(error).within(format!("failed to look up {}", name.display_both()));
        }
        if let Err(error) = self.net.config(&contact.index) {
            let domain = contact.namespace.display_both();
            return CliError::from(error).within(format!("failed to reach the index of {domain}"));
        }
        let made = CliError::new(ExitCode::Failure, format!("{} does not exist", name.display_both()))
            .because(format!("{} has no crate `{}`", contact.index, name.krate));
        let twins = spec::twins(name);
        let questions: Vec<_> =
            twins.iter().map(|twin| (contact.index.clone(), twin.krate.clone())).collect();
        let found = twins.iter().zip(self.net.lines(&questions)).find(|(_, lines)| lines.is_ok());
        match found {
            Some((twin, _)) => made.hint(format!("did you mean `{twin}`?")),
            None => made.hint("check the spelling; a namespaced crate is looked for in its namespace only"),
        }
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
            "`{}` is a dependency already, from {}. Add {name} how?",
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

/// An add whose plan is made.
struct Job<'a> {
    context: &'a Context<'a>,
    package: &'a Manifest,
    contacts: &'a [Contact],
    requests: &'a [Request],
    plan: &'a Plan,
}

impl Job<'_> {
    fn execute(&self, changes: &Changes) -> Result<(), CliError> {
        let (shell, project) = (self.context.shell, self.context.project);
        for (path, text) in self.moved()? {
            changes.write(&path, &text)?;
        }
        for add in &self.plan.adds {
            let args = self.cargo_args(add);
            self.context.run_cargo(&args, self.contacts, &self.names(add))?;
        }
        if self.plan.adds.is_empty() {
            self.context.update_lock(self.contacts, &[])?;
        }
        self.read_back()?;
        let named = self.named();
        let accepted = self.context.verify_lock(self.contacts, &named)?;
        self.say_locked()?;
        report::accepted(shell, &accepted, &named);
        let config = files::with_registries(project, self.contacts)?;
        let mut trust = project.trust.clone();
        accepted.apply(&mut trust);
        files::write(shell, changes, project, &config, &trust)
    }

    /// As [`Job::execute`], changing nothing: Cargo runs dry, and the releases that it would probably lock are verified.
    fn announce(&self) -> Result<(), CliError> {
        let (shell, project) = (self.context.shell, self.context.project);
        self.moved()?;
        for add in self.plan.adds.iter().filter(|add| !self.follows_a_move(add)) {
            let mut args = self.cargo_args(add);
            args.push("--dry-run".into());
            self.context.run_cargo(&args, self.contacts, &self.names(add))?;
        }
        let wanted: Vec<_> = self
            .requests
            .iter()
            .map(|request| (request.spec.name.clone(), request.spec.req.clone(), request.contact.clone()))
            .collect();
        let packages = self.context.candidates(&wanted)?;
        let named = self.named();
        let accepted = self.context.verify(&packages, self.contacts, &named)?;
        report::accepted(shell, &accepted, &named);
        let config = files::with_registries(project, self.contacts)?;
        let mut trust = project.trust.clone();
        accepted.apply(&mut trust);
        files::announce(shell, project, &config, &trust);
        Ok(())
    }

    /// The manifests with their moved entries; says what moves.
    fn moved(&self) -> Result<Vec<(std::path::PathBuf, String)>, CliError> {
        let workspace = &self.context.project.workspace;
        let mut texts: Vec<(std::path::PathBuf, String)> = Vec::new();
        for switch in &self.plan.switches {
            let manifest = if switch.in_root { workspace.root_manifest() } else { self.package };
            let at = texts.iter().position(|(path, _)| *path == manifest.path);
            let text = at.map_or(&manifest.text, |at| &texts[at].1);
            let krate = switch.name.krate.as_str();
            let edited = edit::switch_dependency(text, krate, &switch.registry, switch.req.as_deref())
                .map_err(|error| {
                    let path = workspace.shown(&manifest.path);
                    CliError::new(ExitCode::InvalidInput, format!("failed to edit `{path}`"))
                        .caused_by(&error)
                })?;
            let shell = self.context.shell;
            shell.status("Moving", format!("`{krate}` to {}", switch.name.display_both()));
            report::changes(shell, &workspace.shown(&manifest.path), &edited.changes);
            match at {
                Some(at) => texts[at].1 = edited.text,
                None => texts.push((manifest.path.clone(), edited.text)),
            }
        }
        Ok(texts)
    }

    fn follows_a_move(&self, add: &Add) -> bool {
        self.plan.switches.iter().any(|switch| {
            let krate = switch.name.krate.as_str();
            add.specs.iter().any(|spec| spec.split('@').next() == Some(krate))
        })
    }

    fn cargo_args(&self, add: &Add) -> Vec<OsString> {
        let flags = &self.context.args.dependency;
        let mut args: Vec<OsString> = vec!["add".into()];
        args.extend(add.specs.iter().map(OsString::from));
        args.extend(["--manifest-path".into(), self.package.path.clone().into()]);
        match &add.registry {
            Some(_) if add.inherited => {}
            Some(registry) => args.extend(["--registry".into(), registry.to_string().into()]),
            None => args.extend(flags.source_flags()),
        }
        if let Some(rename) = &add.rename {
            args.extend(["--rename".into(), rename.into()]);
        }
        args.extend(add.section.clone().unwrap_or_else(|| flags.section_flags()));
        args.extend(flags.kind_flags());
        if flags.ignore_rust_version {
            args.push("--ignore-rust-version".into());
        }
        for feature in &add.features {
            args.extend(["--features".into(), feature.into()]);
        }
        args
    }

    /// The whole names of what a run of `cargo add` speaks of.
    fn names(&self, add: &Add) -> BTreeMap<String, QualifiedName> {
        let of_run =
            self.requests.iter().filter(|request| Some(&request.contact.registry) == add.registry.as_ref());
        of_run.map(|request| (request.spec.name.krate.to_string(), request.spec.name.clone())).collect()
    }

    fn named(&self) -> BTreeSet<QualifiedName> {
        self.requests.iter().map(|request| request.spec.name.clone()).collect()
    }

    /// Reads the manifest again: `cargo add` merges with what it finds, inherits, and prefers workspace members, so what it
    /// made is looked at and not assumed.
    fn read_back(&self) -> Result<(), CliError> {
        let workspace = &self.context.project.workspace;
        let read = |manifest: &Manifest| Manifest::read(&manifest.path, &workspace.shown(&manifest.path));
        let package = read(self.package)?.info;
        let root = read(workspace.root_manifest())?.info;
        for (name, key) in &self.plan.keys {
            let request = self.requests.iter().find(|request| request.spec.name == *name);
            let Some(contact) = request.map(|request| &request.contact) else { continue };
            self.entry_is_right(&package, &root, name, key, contact)?;
        }
        Ok(())
    }

    fn entry_is_right(
        &self,
        package: &ManifestInfo,
        root: &ManifestInfo,
        name: &QualifiedName,
        key: &str,
        contact: &Contact,
    ) -> Result<(), CliError> {
        let found =
            existing::look(package, root, name, key, &|registry| self.context.means(registry, contact));
        let path = self.context.project.workspace.shown(&self.package.path);
        let because = match found {
            Found::Ours | Found::Inherited => return Ok(()),
            Found::Taken(taken) => {
                format!(
                    "`{}` in {} comes from {}",
                    taken.dependency.key,
                    taken.dependency.table,
                    taken.origin()
                )
            }
            Found::Free => format!("there is no dependency `{key}`"),
        };
        Err(CliError::new(
            ExitCode::Failure,
            format!("`{path}` does not name {} after `cargo add`", name.display_both()),
        )
        .because(because)
        .hint("rename that dependency or member, or add this crate under another key with `--rename NAME`"))
    }

    /// Says where the lock file holds another release than the newest one that `cargo add` spoke of.
    fn say_locked(&self) -> Result<(), CliError> {
        let Some(lock) = self.context.project.read_lock()? else { return Ok(()) };
        for request in self.requests {
            let newest = request
                .versions
                .iter()
                .filter(|version| version.pre.is_empty())
                .filter(|version| request.spec.req.as_ref().is_none_or(|req| req.matches(version)))
                .max();
            let index = &request.contact.index;
            let locked = lock
                .from_registries()
                .filter(|(package, from)| *from == index && package.name == request.spec.name.krate.as_str())
                .map(|(package, _)| &package.version);
            let (Some(newest), Some(locked)) = (newest, locked.max()) else { continue };
            if locked < newest {
                let name = request.spec.name.display_both();
                self.context.shell.note(format!("{name} is locked at v{locked}; v{newest} is the newest"));
            }
        }
        Ok(())
    }
}
