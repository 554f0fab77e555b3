//! What every subcommand starts from: the shell, the settings, the environment, the keys.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cargo_namespaces::discovery::PackageNamespaceDoc;
use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::{IndexUrl, Namespace};
use cargo_namespaces_cli::cargo::Cargo;
use cargo_namespaces_cli::cli::{check_special_use, command_line};
use cargo_namespaces_cli::env::Environment;
use cargo_namespaces_cli::keystore::{KeyAccess, Keystore};
use cargo_namespaces_cli::registry_client::SignIn;
use cargo_namespaces_cli::settings::Settings;
use cargo_namespaces_cli::shell::{CliError, Shell};
use cargo_namespaces_net::fs;

use crate::options::CommonOptions;
use cargo_namespaces_cli::network::Network;

/// The command line that was run, to be run again.
pub fn resume_command() -> String {
    command_line("nspublish")
}

/// Shell, settings, keys and network of one run. `run` makes it, and every subcommand takes it.
#[derive(Clone)]
pub struct Context<'a> {
    /// The user's terminal.
    pub shell: &'a Shell,
    /// The flags of all commands.
    pub common: &'a CommonOptions,
    /// The environment variables.
    pub env: Environment,
    /// Cargo's configuration.
    pub settings: Settings,
    /// The HTTP client and the resolver.
    pub network: &'a Network<'a>,
    pub store: Keystore,
    /// The directory that relative paths start from: the current one, or that of `-C`.
    pub directory: PathBuf,
    /// What the domains that were asked answered; each is asked once.
    pub asked: RefCell<BTreeMap<Namespace, Option<PackageNamespaceDoc>>>,
}

impl<'a> Context<'a> {
    /// The context of a command that was started with these flags.
    pub fn new(
        shell: &'a Shell,
        common: &'a CommonOptions,
        env: Environment,
        settings: Settings,
        network: &'a Network<'a>,
    ) -> Self {
        let store = Keystore::at(&settings.cargo_home);
        let directory = common.directory.clone();
        Self { shell, common, env, settings, network, store, directory, asked: RefCell::default() }
    }

    /// Whether nothing is to be asked over the network, by a flag or by Cargo's configuration.
    pub fn is_offline(&self) -> bool {
        self.settings.offline() || self.common.offline
    }

    /// Returns access to the keys; key files are opened with this passphrase file.
    pub fn keys(&self, passphrase_file: Option<&Path>) -> KeyAccess<'_> {
        let passphrase_file = passphrase_file.map(|file| self.path(file));
        KeyAccess {
            store: &self.store,
            shell: self.shell,
            env: &self.env,
            passphrase_file,
            new_passphrase_file: None,
        }
    }

    /// Returns the Cargo that packages these manifests for an index. It may read their dependencies in other private indexes.
    pub fn packaging<'m>(
        &self,
        manifests: impl IntoIterator<Item = &'m Path>,
        index: &IndexUrl,
    ) -> Result<Cargo, CliError> {
        let texts = manifests.into_iter().map(fs::read_to_string).collect::<Result<Vec<String>, _>>()?;
        let sign_in = SignIn::new(&self.settings, Some(texts.iter().map(String::as_str)), Some(index));
        Ok(Cargo::new(&self.directory).signing_in(sign_in))
    }

    /// Returns what the user calls a key: its label, or its name in the key book.
    pub fn called(&self, key: &PublicKey) -> Result<Option<String>, CliError> {
        if let Some(label) = self.store.labels()?.get(key) {
            return Ok(Some(label.to_owned()));
        }
        Ok(self.store.book()?.get(key).map(|entry| format!("`{}` here", entry.name)))
    }

    /// Returns a key with what the user calls it, for standard output.
    pub fn shown(&self, key: &PublicKey) -> Result<String, CliError> {
        let called = self.called(key)?.map(|name| format!("  ({name})")).unwrap_or_default();
        Ok(format!("{key}{called}"))
    }

    /// Makes a path of the command line absolute and removes `..` from it. `-` stays as it is.
    pub fn path(&self, path: &Path) -> PathBuf {
        if path == Path::new("-") { path.to_owned() } else { fs::clean(&self.directory.join(path)) }
    }

    /// Refuses a special-use name, unless the configuration allows it, and warns about mixed scripts.
    pub fn check(&self, namespace: &Namespace) -> Result<(), CliError> {
        check_special_use(&self.settings, namespace)?;
        if namespace.is_mixed_script() {
            self.shell.warn(format!(
                "{} mixes letters of several scripts: people may take it for another domain",
                namespace.display_both()
            ));
        }
        Ok(())
    }
}
