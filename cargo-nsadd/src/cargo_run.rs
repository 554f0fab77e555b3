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

use crate::cargo_output::{self, Names};
use crate::context::Context;
use crate::namespace_registry::Contact;

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
                flags.extend(cargo_output::registry_flag(&contact.registry, contact.index.as_str()));
            }
        }
        // Where the command runs outside of the workspace, Cargo does not read the workspace's configuration.
        for (name, registry) in &self.project.config.parsed.registries {
            let here =
                known.contains_key(name) || contacts.iter().any(|contact| contact.registry.as_str() == name);
            if let (false, Some(index)) = (here, &registry.index)
                && let Ok(name) = cargo_namespaces::name::RegistryName::parse(name)
            {
                flags.extend(cargo_output::registry_flag(&name, index));
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
        cargo_output::run(&cargo, self.shell, &args, &names)
            .map_err(|error| self.with_vendored(error, contacts))
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
}
