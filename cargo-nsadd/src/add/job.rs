//! Doing what was planned.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::PathBuf;

use cargo_namespaces::manifest::{ManifestInfo, edit};
use cargo_namespaces::name::QualifiedName;
use cargo_namespaces_cli::shell::{CliError, ExitCode};

use crate::contact::Contact;
use crate::existing::{self, Found};
use crate::plan::{Add, Plan, Request};
use crate::run::Context;
use crate::transaction::Changes;
use crate::workspace::Manifest;
use crate::{files, report};

/// An add whose plan is made.
pub(super) struct Job<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) package: &'a Manifest,
    pub(super) contacts: &'a [Contact],
    pub(super) requests: &'a [Request],
    pub(super) plan: &'a Plan,
}

impl Job<'_> {
    /// Changes the files.
    ///
    /// # Errors
    /// What went wrong; the caller puts the files back.
    pub(super) fn execute(&self, changes: &Changes) -> Result<(), CliError> {
        let (shell, project) = (self.context.shell, self.context.project);
        for (path, text) in self.moved()? {
            changes.write(&path, &text)?;
        }
        for add in &self.plan.adds {
            let args = self.cargo_args(add);
            self.context.run_cargo(&args, &self.package.path, self.contacts, &self.names(add))?;
        }
        if self.plan.adds.is_empty() {
            self.context.update_lock(self.contacts, &[])?;
        }
        self.read_back()?;
        let named = self.named();
        let accepted = self.context.verify_lock(self.contacts, &named)?;
        self.say_locked()?;
        report::accepted(shell, &accepted, &named);
        let (config, trust) = files::after(project, self.contacts, &accepted)?;
        files::write(shell, changes, project, &config, &trust)
    }

    /// The manifests with their moved entries; says what moves.
    fn moved(&self) -> Result<Vec<(PathBuf, String)>, CliError> {
        let workspace = &self.context.project.workspace;
        let mut texts: Vec<(PathBuf, String)> = Vec::new();
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

    fn cargo_args(&self, add: &Add) -> Vec<OsString> {
        let flags = &self.context.args.dependency;
        let mut args: Vec<OsString> = vec!["add".into()];
        args.extend(add.specs.iter().map(OsString::from));
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
