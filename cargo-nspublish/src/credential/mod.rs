//! The Cargo credential provider: what makes plain `cargo publish` and `cargo yank` sign.
//!
//! Cargo starts us with `--cargo-plugin` and asks, in JSON over the standard streams, for the `Authorization` header of one
//! operation. The answer is a signed statement about exactly that operation:
//!
//! | Cargo asks for | answer | Cargo keeps it |
//! |---|---|---|
//! | `publish` | the release statement itself: a replay can only publish the same bytes again | no |
//! | `yank`, `unyank` | a yank statement with a nonce; the registry takes it for five minutes | no |
//! | `read` | a read statement for this index; for one that everybody reads, a word without any meaning | until it expires |
//! | `owners` | as for `read`, which is enough for `cargo owner --list`; Cargo does not say which owner is added or removed, so nothing is signed that would do it, and the registry says what to use instead | until it expires |
//!
//! It answers only for indexes that `setup` registered ([`known`]); about any other it says nothing, so that a hostile
//! clone cannot learn by a registry of its own who builds it. Keys come from where [`KeyAccess`] finds them: `--key KEY`
//! among the provider's arguments in the configuration names one; a passphrase may be asked for on the terminal.

pub mod install;
pub mod known;
mod statements;

use std::path::{Path, PathBuf};

use cargo_credential::{
    Action, CacheControl, Credential, CredentialResponse, Error, Operation, RegistryInfo,
};
use cargo_namespaces::name::{CrateName, IndexUrl, Namespace, QualifiedName};
use cargo_namespaces::statement::{Envelope, Predicate as _, YankOperation};
use cargo_namespaces_cli::clock;
use cargo_namespaces_cli::env::Environment;
use cargo_namespaces_cli::keystore::{KeyAccess, Keystore};
use cargo_namespaces_cli::settings::Settings;
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode, Shell, ShellOptions};
use cargo_namespaces_net::fs;
use cargo_namespaces_net::interrupt;
use semver::Version;

/// What is answered where no authorization is looked at.
const NOT_NEEDED: &str = "not-needed";
/// The argument that Cargo gives a credential provider.
const PLUGIN: &str = "--cargo-plugin";

/// Whether Cargo runs us as a credential provider.
pub fn is_asked_for() -> bool {
    std::env::args_os().nth(1).is_some_and(|first| first == PLUGIN)
}

/// Serves Cargo until it closes standard input.
pub fn main() -> std::process::ExitCode {
    // Ctrl-C kills Cargo; a question for a passphrase still puts the terminal back.
    interrupt::install();
    cargo_credential::main(Provider);
    std::process::ExitCode::SUCCESS
}

struct Provider;

impl Credential for Provider {
    #[expect(clippy::disallowed_methods, reason = "the library that called us would wait for standard input")]
    fn perform(
        &self,
        registry: &RegistryInfo<'_>,
        action: &Action<'_>,
        args: &[&str],
    ) -> Result<CredentialResponse, Error> {
        match action {
            Action::Get(operation) => {
                let answer = get(registry, operation, args);
                if interrupt::is_set() {
                    // The question that was left still reads standard input, for which the next request would wait.
                    std::process::exit(i32::from(ExitCode::Interrupted.code()));
                }
                answer
            }
            Action::Login(_) => Err(other(
                "there is no login: the keys are the account; `cargo nspublish setup NAMESPACE` makes them and registers \
                 this index",
            )),
            Action::Logout => {
                Err(other("there is no login to end; `cargo nspublish key delete` removes a key for good"))
            }
            _ => Err(Error::OperationNotSupported),
        }
    }
}

fn get(
    registry: &RegistryInfo<'_>,
    operation: &Operation<'_>,
    args: &[&str],
) -> Result<CredentialResponse, Error> {
    // Whatever is not a known index is none of our business, whoever asks.
    let Ok(index) = IndexUrl::parse(registry.index_url) else { return Err(Error::UrlNotSupported) };
    let desk = Desk::open(index, args).map_err(|error| told(&error))?;
    let Some(desk) = desk else { return Err(Error::UrlNotSupported) };
    let once = |envelope: Envelope| (envelope.to_header(), CacheControl::Never);
    let answer = match operation {
        Operation::Publish { name, vers, cksum } => desk.publish(name, vers, cksum).map(once),
        Operation::Yank { name, vers } => desk.yank(name, vers, YankOperation::Yank).map(once),
        Operation::Unyank { name, vers } => desk.yank(name, vers, YankOperation::Unyank).map(once),
        Operation::Read | Operation::Owners { .. } => desk.read(),
        _ => return Err(Error::OperationNotSupported),
    };
    let (token, cache) = answer.map_err(|error| told(&error))?;
    Ok(CredentialResponse::Get {
        token: token.into(),
        cache,
        // A statement is about one operation and nothing else.
        operation_independent: false,
    })
}

/// Everything that a request is answered from.
struct Desk {
    index: IndexUrl,
    namespace: Namespace,
    settings: Settings,
    env: Environment,
    store: Keystore,
    shell: Shell,
    arguments: Arguments,
}

impl Desk {
    /// `None` for an index that was not registered.
    fn open(index: IndexUrl, args: &[&str]) -> Result<Option<Self>, CliError> {
        let env = Environment::of_process();
        // Cargo starts a provider in the directory that it was started in itself.
        let directory = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
        let settings = Settings::load(&directory, &env, &[]).exit_with(ExitCode::InvalidInput)?;
        let Some(namespace) = known::Known::load(&settings.cargo_home)?.namespace_of(&index).cloned() else {
            return Ok(None);
        };
        let store = Keystore::at(&settings.cargo_home);
        // Standard input is the terminal by now, if there is one: a passphrase can be asked for.
        let shell = Shell::new(ShellOptions::from_environment(&env));
        Ok(Some(Self { index, namespace, settings, env, store, shell, arguments: Arguments::parse(args)? }))
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

    fn publish(&self, name: &str, version: &str, cksum: &str) -> Result<Envelope, CliError> {
        let name = self.name(name)?;
        let version = parse_version(version)?;
        let cksum = cksum.parse().exit_with(ExitCode::InvalidInput)?;
        let key = self.access().signing_key(self.arguments.key.as_deref(), &self.namespace)?;
        let index = self.index.clone();
        Ok(statements::release(name, version, cksum, index, clock::now(), &key.secret))
    }

    fn yank(&self, name: &str, version: &str, operation: YankOperation) -> Result<Envelope, CliError> {
        let name = self.name(name)?;
        let version = parse_version(version)?;
        let key = self.access().signing_key(self.arguments.key.as_deref(), &self.namespace)?;
        let cksum = statements::checksum(&self.settings, &self.index, &name, &version, &key.secret)?;
        statements::yank(name, version, cksum, self.index.clone(), operation, &key.secret)
    }

    /// Cargo asks for this before every publish, of a public index too: there no key is opened for it, since that may
    /// mean a passphrase. To list owners, it asks for the same as to change them.
    fn read(&self) -> Result<(String, CacheControl), CliError> {
        if let Some(file) = &self.arguments.read_statement {
            return Ok((fs::read_to_string(file)?.trim().to_owned(), CacheControl::Session));
        }
        if !statements::is_private(&self.settings, &self.index)? {
            return Ok((NOT_NEEDED.to_owned(), CacheControl::Session));
        }
        let key = self.access().signing_key(self.arguments.key.as_deref(), &self.namespace)?;
        let read = statements::read(&self.index, clock::now());
        let end = i64::try_from(read.expires_at.unix()).unwrap_or(i64::MAX);
        let end = time::OffsetDateTime::from_unix_timestamp(end).exit_with(ExitCode::Failure)?;
        // Cargo lets go of it a little before the registry does.
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

/// What Cargo prints of an error: the causes, and what to do, are part of the text.
fn told(error: &CliError) -> Error {
    other(match error.hint_text() {
        Some(hint) => format!("{error}\nhelp: {hint}"),
        None => error.to_string(),
    })
}

fn other(text: impl Into<String>) -> Error {
    Error::Other(text.into().into())
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

    #[test]
    fn there_is_no_login() {
        let info: RegistryInfo<'_> =
            serde_json::from_str(r#"{"index-url":"sparse+https://crates.example/index/serde.rs/"}"#).unwrap();
        let error = Provider.perform(&info, &Action::Logout, &[]).unwrap_err();
        assert!(error.to_string().contains("no login"), "{error}");
    }
}
