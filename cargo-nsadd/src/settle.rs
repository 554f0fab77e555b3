//! The lock file: brought up to date by Cargo, then everything namespaced in it verified.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::Path;

use cargo_namespaces::lockfile::{LockSource, LockedPackage};
use cargo_namespaces::manifest;
use cargo_namespaces::name::QualifiedName;
use cargo_namespaces::trust::Options;
use cargo_namespaces_cli::cargo::Cargo;
use cargo_namespaces_cli::clock;
use cargo_namespaces_cli::registry_client::SignIn;
use cargo_namespaces_cli::settings::Replacement;
use cargo_namespaces_cli::shell::{CliError, ExitCode};
use cargo_namespaces_cli::verify::{self, Before, Report};
use cargo_namespaces_net::fs;
use semver::{Version, VersionReq};

use crate::cargo_add::{self, Names};
use crate::contact::Contact;
use crate::report;
use crate::run::Context;

impl Context<'_> {
    /// What every cargo of this run is told: Cargo's own flags, and the registries of `contacts`.
    pub fn cargo_flags(&self, contacts: &[Contact]) -> Vec<OsString> {
        let mut flags: Vec<OsString> = self.args.common.cargo_flags(self.shell);
        // Its lines go through our shell, which colours them.
        flags.retain(|flag| !flag.to_string_lossy().starts_with("--color"));
        flags.push("--color=never".into());
        let known = &self.project.settings.registries;
        for contact in contacts {
            let name = contact.registry.as_str();
            if known.get(name).is_none_or(|registry| registry.index != contact.index.as_str()) {
                flags.extend(cargo_add::registry_flag(&contact.registry, contact.index.as_str()));
            }
        }
        // Where the command runs outside of the workspace, Cargo does not read the workspace's configuration.
        for (name, registry) in &self.project.config.parsed.registries {
            let here =
                known.contains_key(name) || contacts.iter().any(|contact| contact.registry.as_str() == name);
            if let (false, Some(index)) = (here, &registry.index)
                && let Ok(name) = cargo_namespaces::name::RegistryName::parse(name)
            {
                flags.extend(cargo_add::registry_flag(&name, index));
            }
        }
        flags
    }

    /// The cargo of this run, for these arguments and the registries of `contacts`.
    fn cargo(&self, args: &[OsString], contacts: &[Contact]) -> Cargo {
        let manifests = self.project.workspace.manifests.iter();
        let root = &self.project.workspace.root_manifest().path;
        let lock = fs::read_to_string(&root.with_file_name("Cargo.lock")).unwrap_or_default();
        let texts = manifests.map(|manifest| manifest.text.as_str()).chain([lock.as_str()]);
        let met = contacts.iter().map(|contact| contact.index.as_str());
        let sign_in = SignIn::new(&self.project.settings, Some(texts.clone().chain(met)), None);
        let cargo = Cargo::new(&self.project.directory).signing_in(sign_in);
        // What a repository leads to is not known.
        if args.iter().any(|arg| arg.to_string_lossy().starts_with("--git")) {
            return cargo;
        }
        cargo.https_only(&self.project.settings, texts)
    }

    /// Runs cargo with the flags of this run.
    ///
    /// # Errors
    /// Cargo's.
    pub fn run_cargo(
        &self,
        subcommand: &[OsString],
        manifest: &Path,
        contacts: &[Contact],
        crates: &BTreeMap<String, QualifiedName>,
    ) -> Result<(), CliError> {
        let registry = |contact: &Contact| (contact.registry.to_string(), contact.namespace.clone());
        let names = Names { crates: crates.clone(), registries: contacts.iter().map(registry).collect() };
        let mut args = subcommand.to_vec();
        let (cargo, named) = self.cargo(&args, contacts).for_manifest(Some(manifest));
        args.extend(named);
        args.extend(self.cargo_flags(contacts));
        let _spinner = self.shell.spinner("Waiting", "for cargo");
        cargo_add::run(&cargo, self.shell, &args, &names).map_err(|error| self.with_vendored(error, contacts))
    }

    /// A project that is configured for its vendored sources shows Cargo nothing else.
    fn with_vendored(&self, error: CliError, contacts: &[Contact]) -> CliError {
        let directory =
            contacts.iter().find_map(|contact| match self.project.settings.replacement_of(&contact.index) {
                Ok(Replacement::Directory(directory)) => Some(directory),
                _ => None,
            });
        match directory {
            Some(directory) if error.hint_text().is_none() && error.exit() != ExitCode::Interrupted => {
                error.hint(format!(
                    "Cargo's configuration puts `{}` in the place of the registry, and nothing else is seen: take the \
                     `[source]` entries out, add the crate, and vendor again with `cargo nsvendor --write-config`",
                    directory.display()
                ))
            }
            _ => error,
        }
    }

    /// Lets Cargo lock what the manifests say now, and nothing beyond. `packages` are unlocked for it.
    ///
    /// # Errors
    /// Cargo's.
    pub fn update_lock(&self, contacts: &[Contact], packages: &[&str]) -> Result<(), CliError> {
        let mut args: Vec<OsString> = vec!["update".into()];
        args.extend(packages.iter().map(OsString::from));
        if packages.is_empty() {
            args.push("--workspace".into());
        }
        self.run_cargo(&args, &self.project.workspace.root_manifest().path, contacts, &BTreeMap::new())
    }

    /// Verifies everything namespaced in the lock file as it is now.
    ///
    /// # Errors
    /// Something is not intact or not trusted, or the lock file cannot be read.
    pub fn verify_lock(
        &self,
        contacts: &[Contact],
        named: &BTreeSet<QualifiedName>,
    ) -> Result<Report, CliError> {
        let lock = self.project.read_lock()?;
        let packages = lock.as_ref().map_or(&[][..], |lock| &lock.packages);
        self.verify(packages, contacts, named)
    }

    /// Verifies `packages` as if they were the lock file.
    ///
    /// # Errors
    /// Something is not intact or not trusted.
    pub fn verify(
        &self,
        packages: &[LockedPackage],
        contacts: &[Contact],
        named: &BTreeSet<QualifiedName>,
    ) -> Result<Report, CliError> {
        self.net.settle(self.project.locked(), packages);
        let before = self.known_before(named);
        let mut configured = self.project.registries();
        configured
            .extend(contacts.iter().map(|contact| (contact.registry.to_string(), contact.index.to_string())));
        let mut patched = self.project.settings.patched.clone();
        let root = &self.project.workspace.root_manifest().path;
        patched.extend(manifest::patched_by(&fs::read_to_string(root)?));
        patched.extend(manifest::patched_by(&self.project.config.text));
        let mut options = Options {
            strict: self.args.strict,
            trust: self.args.trust.clone(),
            trust_index: self.args.trust_index,
        };
        let known: BTreeMap<_, _> =
            contacts.iter().map(|contact| (contact.index.clone(), contact.namespace.clone())).collect();
        let verified = |options: &Options| {
            let request = verify::Request {
                packages,
                before: Before::Packages(&before),
                trust_file: &self.project.trust,
                configured: &configured,
                patched: &patched,
                known: known.clone(),
                views: Vec::new(),
                options,
                special_use: self.project.settings.namespaces.special_use,
                offline: self.project.settings.offline(),
                now: clock::now(),
            };
            let _spinner = self.shell.spinner("Verifying", "the lock file");
            verify::verify(&request, self.net)
        };
        let refused = match verified(&options) {
            Ok(report) => return Ok(report),
            Err(refused) => refused,
        };
        let Some(keys) = report::ask_about_keys(self.shell, &refused)? else {
            return Err(report::refused(self.shell, &refused));
        };
        options.trust.extend(keys);
        verified(&options).map_err(|refused| report::refused(self.shell, &refused))
    }

    /// What counts as locked before. A release of a namespace that nobody pinned was put into the lock file by hand:
    /// it is new to the project, and needs the word of its domain like every other.
    fn known_before(&self, named: &BTreeSet<QualifiedName>) -> Vec<LockedPackage> {
        let trust = &self.project.trust;
        let is_known = |package: &&LockedPackage| {
            let LockSource::Registry(index) = &package.source else { return true };
            let Some(namespace) = trust.namespace_of(index) else { return false };
            let name = QualifiedName::parse(&format!("{namespace}/{}", package.name));
            let covered = |name: &QualifiedName| {
                trust
                    .pins(namespace)
                    .is_some_and(|pins| pins.trusted.iter().any(|(_, scope)| scope.covers(name)))
            };
            // Asked for by name, a crate that no pin covers is a first contact.
            name.is_ok_and(|name| !named.contains(&name) || covered(&name))
        };
        self.project.locked().iter().filter(is_known).cloned().collect()
    }

    /// The releases that a resolver would probably take for these requirements, as packages to verify before there is
    /// a lock file: the newest that fits.
    ///
    /// # Errors
    /// An index file cannot be had, or has no release that fits.
    pub fn candidates(
        &self,
        wanted: &[(QualifiedName, Option<VersionReq>, Contact)],
    ) -> Result<Vec<LockedPackage>, CliError> {
        let questions: Vec<_> =
            wanted.iter().map(|(name, _, contact)| (contact.index.clone(), name.krate.clone())).collect();
        let mut found = BTreeMap::new();
        for ((name, req, contact), lines) in wanted.iter().zip(self.net.lines(&questions)) {
            let lines = lines?;
            let fits = |version: &Version| req.as_ref().is_none_or(|req| req.matches(version));
            let fitting = lines.iter().filter(|line| !line.yanked && fits(&line.vers)).map(|line| &line.vers);
            let version =
                fitting.max_by_key(|version| (version.pre.is_empty(), *version)).ok_or_else(|| {
                    let req = req.as_ref().map(|req| format!(" for `{req}`")).unwrap_or_default();
                    CliError::new(ExitCode::Failure, format!("{} has no release{req}", name.display_both()))
                })?;
            found.insert(
                (name.clone(), version.clone()),
                LockedPackage {
                    name: name.krate.to_string(),
                    version: version.clone(),
                    source: LockSource::Registry(contact.index.clone()),
                    checksum: None,
                    dependencies: Vec::new(),
                },
            );
        }
        Ok(found.into_values().collect())
    }
}
