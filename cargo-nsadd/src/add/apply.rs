//! Executes the plan of an add.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::PathBuf;

use cargo_namespaces::manifest::ManifestInfo;
use cargo_namespaces::manifest::edit::{self, EditError};
use cargo_namespaces::name::QualifiedName;
use cargo_namespaces_cli::shell::CliError;

use crate::existing::{self, KeyUse};
use crate::files::CargoDirFiles;
use crate::namespace_registry::NamespaceRegistry;
use crate::newest::newest;
use crate::options::AddOptions;
use crate::plan::{AddPlan, CargoAdd, CrateRequest};
use crate::project::ProjectError;
use crate::report;
use crate::session::Session;
use crate::transaction::GuardedWriter;
use crate::workspace::Manifest;

/// An add whose plan is made.
pub struct AddRun<'a> {
    pub session: &'a Session<'a>,
    pub options: &'a AddOptions,
    /// The package that gets the dependencies.
    pub package: &'a Manifest,
    pub registries: &'a [NamespaceRegistry],
    pub requests: &'a [CrateRequest],
    pub plan: &'a AddPlan,
}

impl AddRun<'_> {
    /// Changes the files.
    ///
    /// # Errors
    /// What went wrong; the caller puts the files back.
    pub fn execute(&self, writer: &GuardedWriter) -> Result<(), CliError> {
        let session = self.session;
        for (path, text) in self.moved_entries()? {
            writer.write(&path, &text)?;
        }
        for add in &self.plan.adds {
            let args = self.cargo_args(add);
            session.run_cargo(&args, &self.package.path, self.registries, &self.full_names(add))?;
        }
        if self.plan.adds.is_empty() {
            session.update_lock(self.registries, &[])?;
        }
        self.read_back()?;
        let named = self.requests.iter().map(|request| request.spec.name.clone()).collect::<BTreeSet<_>>();
        let accepted = session.verify_lock(self.registries, &named)?;
        self.report_older_locked()?;
        report::accepted(session.shell, &accepted, &named);
        let files = CargoDirFiles::after(session.project, self.registries, &accepted)?;
        files.write(session.shell, writer, session.project)
    }

    /// The manifests with their moved entries; reports each move.
    fn moved_entries(&self) -> Result<Vec<(PathBuf, String)>, ApplyError> {
        let (shell, workspace) = (self.session.shell, &self.session.project.workspace);
        let mut texts: Vec<(PathBuf, String)> = Vec::new();
        for switch in &self.plan.switches {
            let manifest = if switch.in_root { workspace.root_manifest() } else { self.package };
            let at = texts.iter().position(|(path, _)| *path == manifest.path);
            let text = at.map_or(&manifest.text, |at| &texts[at].1);
            let krate = switch.name.krate.as_str();
            let shown = workspace.shown(&manifest.path);
            let edited = edit::switch_dependency(text, krate, &switch.registry, switch.req.as_deref())
                .map_err(|source| ApplyError::Edit { shown: shown.clone(), source })?;
            shell.status("Moving", format!("`{krate}` to {}", switch.name.display_both()));
            report::changes(shell, &shown, &edited.changes);
            match at {
                Some(at) => texts[at].1 = edited.text,
                None => texts.push((manifest.path.clone(), edited.text)),
            }
        }
        Ok(texts)
    }

    fn cargo_args(&self, add: &CargoAdd) -> Vec<OsString> {
        let flags = &self.options.dependency;
        let mut args: Vec<OsString> = vec!["add".into()];
        args.extend(add.specs.iter().map(OsString::from));
        match &add.registry {
            Some(_) if add.inherited => {}
            Some(registry) => args.extend(["--registry".into(), registry.to_string().into()]),
            None => args.extend(flags.source.iter().flat_map(|source| source.flags.iter().cloned())),
        }
        if let Some(rename) = &add.rename {
            args.extend(["--rename".into(), rename.into()]);
        }
        args.extend(add.section.clone().unwrap_or_else(|| flags.section.clone()));
        args.extend(flags.kind.iter().cloned());
        if flags.ignore_rust_version {
            args.push("--ignore-rust-version".into());
        }
        for feature in &add.features {
            args.extend(["--features".into(), feature.into()]);
        }
        args
    }

    /// The full names of the crates that a run of `cargo add` is about.
    fn full_names(&self, add: &CargoAdd) -> BTreeMap<String, QualifiedName> {
        let of_run =
            self.requests.iter().filter(|request| Some(&request.registry.name) == add.registry.as_ref());
        of_run.map(|request| (request.spec.name.krate.to_string(), request.spec.name.clone())).collect()
    }

    /// Reads the manifests again and looks whether each entry names its registry: `cargo add` merges with what it finds,
    /// inherits, and prefers workspace members.
    fn read_back(&self) -> Result<(), ApplyError> {
        let workspace = &self.session.project.workspace;
        let read = |manifest: &Manifest| Manifest::read(&manifest.path, &workspace.shown(&manifest.path));
        let package = read(self.package).map_err(ProjectError::from)?.info;
        let root = read(workspace.root_manifest()).map_err(ProjectError::from)?.info;
        for (name, key) in &self.plan.keys {
            let request = self.requests.iter().find(|request| request.spec.name == *name);
            let Some(registry) = request.map(|request| &request.registry) else { continue };
            self.check_entry(&package, &root, name, key, registry)?;
        }
        Ok(())
    }

    fn check_entry(
        &self,
        package: &ManifestInfo,
        root: &ManifestInfo,
        name: &QualifiedName,
        key: &str,
        registry: &NamespaceRegistry,
    ) -> Result<(), ApplyError> {
        let is_registry = |found: &str| self.session.is_name_of(found, registry);
        let cause = match existing::key_use(package, root, name, key, &is_registry) {
            KeyUse::SameCrate | KeyUse::Inherited => return Ok(()),
            KeyUse::Taken(taken) => taken.describe(),
            KeyUse::Free => format!("there is no dependency `{key}`"),
        };
        let shown = self.session.project.workspace.shown(&self.package.path);
        Err(ApplyError::WrongEntry { shown, name: name.clone(), cause })
    }

    /// Reports crates that are locked at another release than the newest, which `cargo add` printed.
    fn report_older_locked(&self) -> Result<(), ProjectError> {
        let Some(lock) = self.session.project.read_lock()? else { return Ok(()) };
        for request in self.requests {
            let stable = request.versions.iter().filter(|version| version.pre.is_empty());
            let newest = newest(stable, |version| version, request.spec.req.as_ref());
            let index = &request.registry.index;
            let locked = lock
                .from_registries()
                .filter(|(package, from)| *from == index && package.name == request.spec.name.krate.as_str())
                .map(|(package, _)| &package.version);
            let (Some(newest), Some(locked)) = (newest, locked.max()) else { continue };
            if locked < newest {
                let name = request.spec.name.display_both();
                self.session.shell.note(format!("{name} is locked at v{locked}; v{newest} is the newest"));
            }
        }
        Ok(())
    }
}

/// The plan could not be executed.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    #[error("failed to edit `{shown}`")]
    Edit {
        shown: String,
        #[source]
        source: EditError,
    },
    /// `cargo add` made another entry than was planned.
    #[error("`{shown}` does not name {} after `cargo add`", name.display_both())]
    WrongEntry { shown: String, name: QualifiedName, cause: String },
    #[error(transparent)]
    Project(#[from] ProjectError),
}
