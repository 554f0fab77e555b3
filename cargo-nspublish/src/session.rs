//! What every subcommand starts from.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::{IndexUrl, Namespace};
use cargo_namespaces_cli::cargo::Cargo;
use cargo_namespaces_cli::cli::CommonArgs;
use cargo_namespaces_cli::env::Environment;
use cargo_namespaces_cli::keystore::{KeyAccess, Keystore};
use cargo_namespaces_cli::registry_client::SignIn;
use cargo_namespaces_cli::settings::Settings;
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode, Shell};
use cargo_namespaces_net::fs;

use crate::publisher::Publisher;

/// Shell, settings and keys.
pub struct Session<'a> {
    /// The user's terminal.
    pub shell: &'a Shell,
    /// The flags of all commands.
    pub common: &'a CommonArgs,
    /// The variables.
    pub env: Environment,
    /// Cargo's configuration.
    pub settings: Settings,
    /// The keys.
    pub store: Keystore,
    /// What relative paths are relative to: the current directory, or `-C`.
    pub directory: PathBuf,
    /// What domains were asked for, so that each is asked once.
    pub asked: RefCell<BTreeMap<Namespace, Option<Publisher>>>,
}

impl<'a> Session<'a> {
    /// Reads the configuration.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn start(shell: &'a Shell, common: &'a CommonArgs) -> Result<Self, CliError> {
        let env = Environment::of_process();
        let directory = common.working_directory()?;
        let settings = Settings::load(&directory, &env, &common.config).exit_with(ExitCode::InvalidInput)?;
        let store = Keystore::at(&settings.cargo_home);
        Ok(Self { shell, common, env, settings, store, directory, asked: RefCell::default() })
    }

    /// The keys, to be opened with this passphrase file.
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

    /// The cargo that packages these manifests for an index: it reads what they depend on in other private ones.
    ///
    /// # Errors
    /// A manifest cannot be read.
    pub fn packaging<'m>(
        &self,
        manifests: impl IntoIterator<Item = &'m Path>,
        index: &IndexUrl,
    ) -> Result<Cargo, CliError> {
        let texts = manifests.into_iter().map(fs::read_to_string).collect::<Result<Vec<String>, _>>()?;
        let sign_in = SignIn::new(&self.settings, Some(texts.iter().map(String::as_str)), Some(index));
        Ok(Cargo::new(&self.directory).signing_in(sign_in))
    }

    /// What the user calls a key: its label, or the name of a key that is here.
    ///
    /// # Errors
    /// The files cannot be read.
    pub fn called(&self, key: &PublicKey) -> Result<Option<String>, CliError> {
        if let Some(label) = self.store.labels()?.get(key) {
            return Ok(Some(label.to_owned()));
        }
        Ok(self.store.book()?.get(key).map(|entry| format!("`{}` here", entry.name)))
    }

    /// A key as a person reads it on standard output.
    ///
    /// # Errors
    /// As [`Session::called`].
    pub fn shown(&self, key: &PublicKey) -> Result<String, CliError> {
        let called = self.called(key)?.map(|name| format!("  ({name})")).unwrap_or_default();
        Ok(format!("{key}{called}"))
    }

    /// A path of the command line, absolute and clean. `-` stays.
    pub fn path(&self, path: &Path) -> PathBuf {
        if path == Path::new("-") { path.to_owned() } else { fs::clean(&self.directory.join(path)) }
    }

    /// Refuses a name that nobody can own, unless the configuration allows it, and warns of mixed scripts.
    ///
    /// # Errors
    /// A special-use name.
    pub fn check(&self, namespace: &Namespace) -> Result<(), CliError> {
        if let Err(error) = namespace.check_special_use(self.settings.namespaces.special_use) {
            let made = CliError::from_error(ExitCode::InvalidInput, &error);
            return Err(match error.hint() {
                Some(hint) => made.hint(hint),
                None => made,
            });
        }
        if namespace.is_mixed_script() {
            self.shell.warn(format!(
                "{} mixes letters of several scripts: people may take it for another domain",
                namespace.display_both()
            ));
        }
        Ok(())
    }
}
