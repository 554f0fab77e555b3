//! Everything namespaced in the lock file is verified, and what a person has to accept is asked.

use std::collections::{BTreeMap, BTreeSet};

use cargo_namespaces::lockfile::{LockSource, LockedPackage};
use cargo_namespaces::manifest;
use cargo_namespaces::name::QualifiedName;
use cargo_namespaces::shell::{CliError, ExitCode};
use cargo_namespaces::trust::Options;
use cargo_namespaces::verify::{self, Before, Report};
use cargo_namespaces::{clock, fs};
use semver::{Version, VersionReq};

use crate::context::Context;
use crate::namespace_registry::NamespaceRegistry;
use crate::report;

impl Context<'_> {
    /// Verifies everything namespaced in the lock file as it is now.
    ///
    /// # Errors
    /// Something is not intact or not trusted, or the lock file cannot be read.
    pub fn verify_lock(
        &self,
        registries: &[NamespaceRegistry],
        named: &BTreeSet<QualifiedName>,
    ) -> Result<Report, CliError> {
        let lock = self.project.read_lock()?;
        let packages = lock.as_ref().map_or(&[][..], |lock| &lock.packages);
        self.verify(packages, registries, named)
    }

    /// Verifies `packages` as if they were the lock file.
    ///
    /// # Errors
    /// Something is not intact or not trusted.
    pub fn verify(
        &self,
        packages: &[LockedPackage],
        registries: &[NamespaceRegistry],
        named: &BTreeSet<QualifiedName>,
    ) -> Result<Report, CliError> {
        self.sources.settle(self.project.locked(), packages);
        let before = self.known_before(named);
        let mut configured = self.project.registries();
        configured.extend(
            registries.iter().map(|registry| (registry.name.to_string(), registry.index.to_string())),
        );
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
            registries.iter().map(|registry| (registry.index.clone(), registry.namespace.clone())).collect();
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
            verify::verify(&request, self.sources)
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
            // Asked for by name, a crate that no pin covers is a first registry.
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
        wanted: &[(QualifiedName, Option<VersionReq>, NamespaceRegistry)],
    ) -> Result<Vec<LockedPackage>, CliError> {
        let questions: Vec<_> =
            wanted.iter().map(|(name, _, registry)| (registry.index.clone(), name.krate.clone())).collect();
        let mut found = BTreeMap::new();
        for ((name, req, registry), lines) in wanted.iter().zip(self.sources.lines(&questions)) {
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
                    source: LockSource::Registry(registry.index.clone()),
                    checksum: None,
                    dependencies: Vec::new(),
                },
            );
        }
        Ok(found.into_values().collect())
    }
}
