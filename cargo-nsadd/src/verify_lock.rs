//! Verifies everything namespaced in the lock file, and asks about the keys that a person has to accept.

use std::collections::{BTreeMap, BTreeSet};

use cargo_namespaces::lockfile::{LockSource, LockedPackage};
use cargo_namespaces::manifest;
use cargo_namespaces::name::QualifiedName;
use cargo_namespaces::trust::Options;
use cargo_namespaces_cli::clock;
use cargo_namespaces_cli::registry_client::RegistryError;
use cargo_namespaces_cli::shell::CliError;
use cargo_namespaces_cli::verify::{self, Before, Report};
use cargo_namespaces_net::fs;
use semver::VersionReq;

use crate::namespace_registry::NamespaceRegistry;
use crate::newest::newest;
use crate::report;
use crate::session::Session;

/// A crate to look up, with its requirement.
pub type WantedCrate = (QualifiedName, Option<VersionReq>, NamespaceRegistry);

impl Session<'_> {
    /// Verifies everything namespaced in the lock file as it is now. `named` are the crates that the user asked for.
    ///
    /// # Errors
    /// A release is not verified or not trusted, or the lock file cannot be read.
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
    /// A release is not verified or not trusted.
    pub fn verify(
        &self,
        packages: &[LockedPackage],
        registries: &[NamespaceRegistry],
        named: &BTreeSet<QualifiedName>,
    ) -> Result<Report, CliError> {
        let project = self.project;
        self.sources.set_wanted(project.locked(), packages);
        let before = self.locked_before(named);
        let mut configured = project.registries();
        configured.extend(registries.iter().map(|found| (found.name.to_string(), found.index.to_string())));
        let mut patched = project.settings.patched.clone();
        patched.extend(manifest::patched_by(&fs::read_to_string(&project.workspace.root_manifest().path)?));
        patched.extend(manifest::patched_by(&project.config.text));
        let known: BTreeMap<_, _> =
            registries.iter().map(|found| (found.index.clone(), found.namespace.clone())).collect();
        let verified = |options: &Options| {
            let request = verify::Request {
                packages,
                before: Before::Packages(&before),
                trust_file: &project.trust,
                configured: &configured,
                patched: &patched,
                known: known.clone(),
                views: Vec::new(),
                options,
                special_use: project.settings.namespaces.special_use,
                offline: project.settings.offline(),
                now: clock::now(),
            };
            let _spinner = self.shell.spinner("Verifying", "the lock file");
            verify::verify(&request, self.sources)
        };
        let refused = match verified(&self.options.trust) {
            Ok(report) => return Ok(report),
            Err(refused) => refused,
        };
        let Some(keys) = report::ask_about_keys(self.shell, &refused)? else {
            return Err(report::refused(self.shell, &refused));
        };
        let mut options = self.options.trust.clone();
        options.trust.extend(keys);
        verified(&options).map_err(|refused| report::refused(self.shell, &refused))
    }

    /// What counts as locked before. A release of a namespace that is not pinned was put into the lock file by hand: it is
    /// new to the project, and its domain has to list its key as for every other new release.
    fn locked_before(&self, named: &BTreeSet<QualifiedName>) -> Vec<LockedPackage> {
        let trust = &self.project.trust;
        let is_known = |package: &&LockedPackage| {
            let LockSource::Registry(index) = &package.source else { return true };
            let Some(namespace) = trust.namespace_of(index) else { return false };
            let name = QualifiedName::parse(&format!("{namespace}/{}", package.name));
            let is_pinned = |name: &QualifiedName| {
                let pins = trust.pins(namespace);
                pins.is_some_and(|pins| pins.trusted.iter().any(|(_, scope)| scope.covers(name)))
            };
            // A crate that the user names and that no pin covers is on first contact.
            name.is_ok_and(|name| !named.contains(&name) || is_pinned(&name))
        };
        self.project.locked().iter().filter(is_known).cloned().collect()
    }

    /// The releases that the resolver would probably take, as packages to verify before there is a lock file: the newest
    /// that fits each requirement.
    ///
    /// # Errors
    /// An index file cannot be read, or has no release that fits.
    pub fn candidates(&self, wanted: &[WantedCrate]) -> Result<Vec<LockedPackage>, CandidateError> {
        let crates: Vec<_> =
            wanted.iter().map(|(name, _, found)| (found.index.clone(), name.krate.clone())).collect();
        let mut packages = BTreeMap::new();
        for ((name, req, found), lines) in wanted.iter().zip(self.sources.lines(&crates)) {
            let lines = lines?;
            let available = lines.iter().filter(|line| !line.yanked).map(|line| &line.vers);
            let version = newest(available, |version| version, req.as_ref())
                .ok_or_else(|| CandidateError::NoRelease { name: name.clone(), req: req.clone() })?;
            packages.insert(
                (name.clone(), version.clone()),
                LockedPackage {
                    name: name.krate.to_string(),
                    version: version.clone(),
                    source: LockSource::Registry(found.index.clone()),
                    checksum: None,
                    dependencies: Vec::new(),
                },
            );
        }
        Ok(packages.into_values().collect())
    }
}

/// There is no release to verify.
#[derive(Debug, thiserror::Error)]
pub enum CandidateError {
    /// No release fits.
    #[error("{} has no release{}", name.display_both(), for_requirement(req.as_ref()))]
    NoRelease { name: QualifiedName, req: Option<VersionReq> },
    #[error(transparent)]
    Index(#[from] RegistryError),
}

fn for_requirement(req: Option<&VersionReq>) -> String {
    req.map(|req| format!(" for `{req}`")).unwrap_or_default()
}
