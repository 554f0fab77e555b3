//! Running the cargo of the project, with the flags of the command line and the registries that it needs.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use cargo_namespaces::name::{QualifiedName, RegistryName};
use cargo_namespaces_cli::cargo::{Cargo, CargoError};
use cargo_namespaces_cli::registry_client::SignIn;
use cargo_namespaces_cli::settings::Replacement;
use cargo_namespaces_net::fs;

use crate::cargo_output::{self, CargoFailure, FullNames, OutputReader};
use crate::namespace_registry::NamespaceRegistry;
use crate::session::Session;

impl Session<'_> {
    /// Runs cargo with the flags of this run. `crates` are the full names of the crates that the subcommand is about.
    ///
    /// # Errors
    /// Cargo fails or cannot be started, or Ctrl-C.
    pub fn run_cargo(
        &self,
        subcommand: &[OsString],
        manifest: &Path,
        registries: &[NamespaceRegistry],
        crates: &BTreeMap<String, QualifiedName>,
    ) -> Result<(), CargoRunError> {
        let namespaces = registries.iter().map(|found| (found.name.to_string(), found.namespace.clone()));
        let names = FullNames { crates: crates.clone(), registries: namespaces.collect() };
        let mut args = subcommand.to_vec();
        let (cargo, manifest_flag) = self.cargo(&args, registries).for_manifest(Some(manifest));
        args.extend(manifest_flag);
        args.extend(self.cargo_flags(registries));
        let _spinner = self.shell.spinner("Waiting", "for cargo");
        let mut reader = OutputReader::new(self.shell, &names);
        match cargo.run_lines(args, &mut |line| reader.line(line)) {
            Ok(()) => Ok(()),
            Err(CargoError::Failed { status, .. }) => Err(CargoRunError::Failed {
                code: status.code().and_then(|code| u8::try_from(code).ok()),
                said: reader.failure(),
                vendored: self.vendored(registries),
            }),
            Err(error) => Err(error.into()),
        }
    }

    /// Lets Cargo lock what the manifests say now, and changes nothing else in the lock file. `packages` are unlocked for
    /// it.
    ///
    /// # Errors
    /// As [`Session::run_cargo`].
    pub fn update_lock(
        &self,
        registries: &[NamespaceRegistry],
        packages: &[&str],
    ) -> Result<(), CargoRunError> {
        let mut args: Vec<OsString> = vec!["update".into()];
        args.extend(packages.iter().map(OsString::from));
        if packages.is_empty() {
            args.push("--workspace".into());
        }
        self.run_cargo(&args, &self.project.workspace.root_manifest().path, registries, &BTreeMap::new())
    }

    /// The flags after the subcommand: those of the command line, and the registries that Cargo would not find in its
    /// configuration.
    fn cargo_flags(&self, registries: &[NamespaceRegistry]) -> Vec<OsString> {
        let mut flags = self.options.cargo_flags.clone();
        // Its lines go through the command's own shell, which colours them.
        flags.push("--color=never".into());
        let known = &self.project.settings.registries;
        for registry in registries {
            let name = registry.name.as_str();
            if known.get(name).is_none_or(|known| known.index != registry.index.as_str()) {
                flags.extend(cargo_output::registry_flag(&registry.name, registry.index.as_str()));
            }
        }
        // If the command runs outside of the workspace, Cargo does not read the workspace's configuration.
        for (name, configured) in &self.project.config.parsed.registries {
            let is_told =
                known.contains_key(name) || registries.iter().any(|found| found.name.as_str() == name);
            if let (false, Some(index)) = (is_told, &configured.index)
                && let Ok(name) = RegistryName::parse(name)
            {
                flags.extend(cargo_output::registry_flag(&name, index));
            }
        }
        flags
    }

    /// The cargo for these arguments, signed in to the private registries among those that it may ask.
    fn cargo(&self, args: &[OsString], registries: &[NamespaceRegistry]) -> Cargo {
        let manifests = self.project.workspace.manifests.iter();
        let root = &self.project.workspace.root_manifest().path;
        let lock = fs::read_to_string(&root.with_file_name("Cargo.lock")).unwrap_or_default();
        let texts = manifests.map(|manifest| manifest.text.as_str()).chain([lock.as_str()]);
        let indexes = registries.iter().map(|registry| registry.index.as_str());
        let sign_in = SignIn::new(self.project.settings, Some(texts.clone().chain(indexes)), None);
        let cargo = Cargo::new(self.project.directory).signing_in(sign_in);
        // A repository may name submodules and dependencies over `http`.
        if args.iter().any(|arg| arg.to_string_lossy().starts_with("--git")) {
            return cargo;
        }
        cargo.https_only(self.project.settings, texts)
    }

    /// The directory of vendored sources that Cargo's configuration puts in the place of one of the registries.
    fn vendored(&self, registries: &[NamespaceRegistry]) -> Option<PathBuf> {
        registries.iter().find_map(|registry| match self.project.settings.replacement_of(&registry.index) {
            Ok(Replacement::Directory(directory)) => Some(directory),
            _ => None,
        })
    }
}

/// A run of cargo went wrong.
#[derive(Debug, thiserror::Error)]
pub enum CargoRunError {
    /// Cargo ended with an error of its own.
    #[error("cargo failed")]
    Failed {
        /// Its exit code, if it has one.
        code: Option<u8>,
        /// What it printed.
        #[source]
        said: CargoFailure,
        /// The directory of vendored sources in the place of a registry: Cargo sees nothing else of that registry.
        vendored: Option<PathBuf>,
    },
    /// Cargo could not be started, was ended because it took too much, or Ctrl-C.
    #[error(transparent)]
    Cargo(#[from] CargoError),
}

impl CargoRunError {
    /// Whether the user stopped it.
    pub fn is_interrupted(&self) -> bool {
        matches!(self, Self::Cargo(CargoError::Interrupted(_)))
    }

    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Failed { vendored: Some(directory), .. } => Some(format!(
                "Cargo's configuration replaces the registry with `{}`: remove the `[source]` entries, add the crate, and \
                 vendor again with `cargo nsvendor --write-config`",
                directory.display()
            )),
            Self::Failed { vendored: None, .. } | Self::Cargo(_) => None,
        }
    }
}
