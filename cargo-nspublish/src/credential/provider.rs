//! Answers one request of Cargo: finds the key, and signs the statement that authorizes the operation.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use cargo_credential::CacheControl;
use cargo_namespaces::name::{CrateName, IndexUrl, Namespace, QualifiedName};
use cargo_namespaces::statement::{Envelope, Predicate as _, YankOperation};
use cargo_namespaces_cli::clock;
use cargo_namespaces_cli::env::Environment;
use cargo_namespaces_cli::keystore::{KeyAccess, Keystore};
use cargo_namespaces_cli::settings::Settings;
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode, Shell, ShellOptions};
use cargo_namespaces_net::fs;
use semver::Version;

use super::known::KnownIndexes;
use super::{install, statements};
use crate::registry::access::read_statement;
use crate::registry::is_private;
use cargo_namespaces_cli::network::Network;

/// The answer for an index that does not look at the authorization.
const NOT_NEEDED: &str = "not-needed";
/// The index that Cargo asks about, and what is needed to answer.
pub struct CredentialProvider<'a> {
    index: IndexUrl,
    namespace: Namespace,
    env: Environment,
    store: Keystore,
    shell: Shell,
    network: &'a Network<'a>,
    arguments: Arguments,
}

impl<'a> CredentialProvider<'a> {
    /// The provider for an index; `None` for one that was not registered.
    ///
    /// # Errors
    /// The configuration or the arguments cannot be used.
    pub fn open(
        index: IndexUrl,
        args: &[&str],
        network: &'a OnceCell<Network<'static>>,
    ) -> Result<Option<Self>, CliError> {
        let env = Environment::of_process();
        // Cargo starts a provider in the directory that it was started in itself.
        let directory = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
        let settings = Settings::load(&directory, &env, &[]).exit_with(ExitCode::InvalidInput)?;
        let Some(namespace) = KnownIndexes::load(&settings.cargo_home)?.namespace_of(&index).cloned() else {
            return Ok(None);
        };
        let store = Keystore::at(&settings.cargo_home);
        // Standard input is the terminal by now, if there is one: a passphrase can be asked for.
        let shell = Shell::new(ShellOptions::from_environment(&env));
        let network = network.get_or_init(|| Network::new(&settings));
        Ok(Some(Self { index, namespace, env, store, shell, network, arguments: Arguments::parse(args)? }))
    }

    fn access(&self) -> KeyAccess<'_> {
        KeyAccess {
            store: &self.store,
            shell: &self.shell,
            env: &self.env,
            passphrase_file: self.arguments.passphrase_file.clone(),
            new_passphrase_file: None,
        }
    }

    fn name(&self, krate: &str) -> Result<QualifiedName, CliError> {
        let krate = CrateName::parse(krate).exit_with(ExitCode::InvalidInput)?;
        Ok(QualifiedName { namespace: self.namespace.clone(), krate })
    }

    /// The authorization of a publish.
    pub fn publish(&self, name: &str, version: &str, cksum: &str) -> Result<Envelope, CliError> {
        let name = self.name(name)?;
        let version = parse_version(version)?;
        let cksum = cksum.parse().exit_with(ExitCode::InvalidInput)?;
        let key = self.access().signing_key(self.arguments.key.as_deref(), &self.namespace)?;
        let index = self.index.clone();
        Ok(statements::release(name, version, cksum, index, clock::now(), &key.secret))
    }

    /// The authorization of a yank, or of taking one back.
    ///
    /// # Errors
    /// There is no key, or the index does not have the release.
    pub fn yank(&self, name: &str, version: &str, operation: YankOperation) -> Result<Envelope, CliError> {
        let name = self.name(name)?;
        let version = parse_version(version)?;
        let key = self.access().signing_key(self.arguments.key.as_deref(), &self.namespace)?;
        let cksum = statements::checksum(self.network, &self.index, &name, &version, &key.secret)?;
        statements::yank(name, version, cksum, self.index.clone(), operation, &key.secret)
    }

    /// What reads the index, and how long Cargo keeps it.
    ///
    /// Cargo asks for this before every publish, of a public index too: there no key is opened for it, since that may
    /// mean a passphrase. To list owners, it asks for the same as to change them.
    pub fn read(&self) -> Result<(String, CacheControl), CliError> {
        if let Some(file) = &self.arguments.read_statement {
            return Ok((fs::read_to_string(file)?.trim().to_owned(), CacheControl::Session));
        }
        let is_private = is_private(self.network, &self.index)
            .context(ExitCode::Unreachable, "failed to read the index's config.json")?;
        if !is_private {
            return Ok((NOT_NEEDED.to_owned(), CacheControl::Session));
        }
        let key = self.access().signing_key(self.arguments.key.as_deref(), &self.namespace)?;
        let read = read_statement(&self.index, clock::now());
        let end = i64::try_from(read.expires_at.unix()).unwrap_or(i64::MAX);
        let end = time::OffsetDateTime::from_unix_timestamp(end).exit_with(ExitCode::Failure)?;
        // Cargo must stop using it before the registry refuses it.
        let expiration = end - time::Duration::seconds(60);
        Ok((read.sign(&key.secret).to_header(), CacheControl::Expires { expiration }))
    }
}

/// The provider's arguments in Cargo's configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Arguments {
    /// `--key KEY`
    key: Option<String>,
    /// `--passphrase-file FILE`
    passphrase_file: Option<PathBuf>,
    /// `--read-statement FILE`: made by `cargo nspublish` for the run of Cargo that it starts.
    read_statement: Option<PathBuf>,
}

impl Arguments {
    /// Cargo joins the lists that stand in several places of its configuration: then the program's own name is among the
    /// arguments, and of two keys the one from the stronger place comes last.
    fn parse(args: &[&str]) -> Result<Self, CliError> {
        let is_program = |arg: &str| Path::new(arg).file_stem().is_some_and(|stem| stem == install::PROVIDER);
        let mut found = Self::default();
        let mut args = args.iter().filter(|arg| !is_program(arg));
        while let Some(arg) = args.next() {
            match (*arg, args.next()) {
                ("--key", Some(key)) => found.key = Some((*key).to_owned()),
                ("--passphrase-file", Some(file)) => found.passphrase_file = Some(file.into()),
                ("--read-statement", Some(file)) => found.read_statement = Some(file.into()),
                _ => {
                    return Err(CliError::usage(format!("the credential provider does not understand `{arg}`")).hint(
                        "`credential-provider = [\"cargo-nspublish\"]`, with `\"--key\", \"NAME\"` after it where one key is meant",
                    ));
                }
            }
        }
        Ok(found)
    }
}

fn parse_version(text: &str) -> Result<Version, CliError> {
    Version::parse(text).exit_with(ExitCode::InvalidInput)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_may_name_a_key() {
        assert_eq!(Arguments::parse(&[]).unwrap(), Arguments::default());
        let arguments = Arguments::parse(&["--key", "laptop", "--passphrase-file", "/p"]).unwrap();
        assert_eq!(
            arguments,
            Arguments {
                key: Some("laptop".into()),
                passphrase_file: Some("/p".into()),
                read_statement: None,
            }
        );
        let joined = ["--key", "ci", "/usr/bin/cargo-nspublish", "--key", "laptop"];
        assert_eq!(Arguments::parse(&joined).unwrap().key.as_deref(), Some("laptop"));
        assert!(Arguments::parse(&["--kye", "laptop"]).is_err());
        assert!(Arguments::parse(&["--key"]).is_err());
    }
}
