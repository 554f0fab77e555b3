//! Running the cargo of the project: with the flags of the command line, the registries that it needs, and the lock file.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use cargo_namespaces::cargo::Cargo;
use cargo_namespaces::fs;
use cargo_namespaces::name::QualifiedName;
use cargo_namespaces::registry_client::SignIn;
use cargo_namespaces::settings::Replacement;
use cargo_namespaces::shell::{CliError, ExitCode};

use crate::cargo_output::{self, FullNames};
use crate::context::Context;
use crate::namespace_registry::NamespaceRegistry;

impl Context<'_> {
    /// What every cargo of this run is told: Cargo's own flags, and the registries of `registries`.
    pub fn cargo_flags(&self, registries: &[NamespaceRegistry]) -> Vec<OsString> {
        let mut flags: Vec<OsString> = self.args.common.cargo_flags(self.shell);
        // Its lines go through our shell, which colours them.
        flags.retain(|flag| !flag.to_string_lossy().starts_with("--color"));
        flags.push("--color=never".into());
        let known = &self.project.settings.registries;
        for registry in registries {
            let name = registry.name.as_str();
            if known.get(name).is_none_or(|known| known.index != registry.index.as_str()) {
                flags.extend(cargo_output::registry_flag(&registry.name, registry.index.as_str()));
            }
        }
        // Where the command runs outside of the workspace, Cargo does not read the workspace's configuration.
        for (name, configured) in &self.project.config.parsed.registries {
            let here =
                known.contains_key(name) || registries.iter().any(|registry| registry.name.as_str() == name);
            if let (false, Some(index)) = (here, &configured.index)
                && let Ok(name) = cargo_namespaces::name::RegistryName::parse(name)
            {
                flags.extend(cargo_output::registry_flag(&name, index));
            }
        }
        flags
    }

    /// The cargo of this run, for these arguments and the registries of `registries`.
    fn cargo(&self, args: &[OsString], registries: &[NamespaceRegistry]) -> Cargo {
        let manifests = self.project.workspace.manifests.iter();
        let root = &self.project.workspace.root_manifest().path;
        let lock = fs::read_to_string(&root.with_file_name("Cargo.lock")).unwrap_or_default();
        let texts = manifests.map(|manifest| manifest.text.as_str()).chain([lock.as_str()]);
        let met = registries.iter().map(|registry| registry.index.as_str());
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
        registries: &[NamespaceRegistry],
        crates: &BTreeMap<String, QualifiedName>,
    ) -> Result<(), CliError> {
        let registry = |registry: &NamespaceRegistry| (registry.name.to_string(), registry.namespace.clone());
        let names =
            FullNames { crates: crates.clone(), registries: registries.iter().map(registry).collect() };
        let mut args = subcommand.to_vec();
        let (cargo, named) = self.cargo(&args, registries).for_manifest(Some(manifest));
        args.extend(named);
        args.extend(self.cargo_flags(registries));
        let _spinner = self.shell.spinner("Waiting", "for cargo");
        cargo_output::run(&cargo, self.shell, &args, &names)
            .map_err(|error| self.with_vendored(error, registries))
    }

    /// A project that is configured for its vendored sources shows Cargo nothing else.
    fn with_vendored(&self, error: CliError, registries: &[NamespaceRegistry]) -> CliError {
        let directory = registries.iter().find_map(|registry| {
            match self.project.settings.replacement_of(&registry.index) {
                Ok(Replacement::Directory(directory)) => Some(directory),
                _ => None,
            }
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
    pub fn update_lock(&self, registries: &[NamespaceRegistry], packages: &[&str]) -> Result<(), CliError> {
        let mut args: Vec<OsString> = vec!["update".into()];
        args.extend(packages.iter().map(OsString::from));
        if packages.is_empty() {
            args.push("--workspace".into());
        }
        self.run_cargo(&args, &self.project.workspace.root_manifest().path, registries, &BTreeMap::new())
    }
}
