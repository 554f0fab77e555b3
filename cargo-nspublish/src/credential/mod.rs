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
//! It answers only for indexes that `setup` registered ([`known`]); about any other it answers that it does not support the URL, so that a
//! hostile project cannot learn from a registry of its own who builds it. Keys come from where `KeyAccess` finds them: `--key KEY`
//! among the provider's arguments in the configuration names one; a passphrase may be asked for on the terminal.

pub mod install;
pub mod known;
mod provider;
mod statements;

use std::cell::OnceCell;

use cargo_credential::{
    Action, CacheControl, Credential, CredentialResponse, Error, Operation, RegistryInfo,
};
use cargo_namespaces::name::IndexUrl;
use cargo_namespaces::statement::{Envelope, YankOperation};
use cargo_namespaces_cli::interrupt;
use cargo_namespaces_cli::shell::{CliError, ExitCode};

use self::provider::CredentialProvider;
use cargo_namespaces_cli::network::Network;

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
    cargo_credential::main(Plugin::default());
    std::process::ExitCode::SUCCESS
}

/// Answers the requests of one run of Cargo.
#[derive(Default)]
struct Plugin {
    /// Made with the settings of the first request that needs it.
    network: OnceCell<Network<'static>>,
}

impl Credential for Plugin {
    #[expect(clippy::disallowed_methods, reason = "the library that called us would wait for standard input")]
    fn perform(
        &self,
        registry: &RegistryInfo<'_>,
        action: &Action<'_>,
        args: &[&str],
    ) -> Result<CredentialResponse, Error> {
        match action {
            Action::Get(operation) => {
                let answer = self.get(registry, operation, args);
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

impl Plugin {
    fn get(
        &self,
        registry: &RegistryInfo<'_>,
        operation: &Operation<'_>,
        args: &[&str],
    ) -> Result<CredentialResponse, Error> {
        // Nothing is said about an index that was not registered.
        let Ok(index) = IndexUrl::parse(registry.index_url) else { return Err(Error::UrlNotSupported) };
        let provider = CredentialProvider::open(index, args, &self.network).map_err(|error| told(&error))?;
        let Some(provider) = provider else { return Err(Error::UrlNotSupported) };
        let once = |envelope: Envelope| (envelope.to_header(), CacheControl::Never);
        let answer = match operation {
            Operation::Publish { name, vers, cksum } => provider.publish(name, vers, cksum).map(once),
            Operation::Yank { name, vers } => provider.yank(name, vers, YankOperation::Yank).map(once),
            Operation::Unyank { name, vers } => provider.yank(name, vers, YankOperation::Unyank).map(once),
            Operation::Read | Operation::Owners { .. } => provider.read(),
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
}

/// The error as Cargo prints it: Cargo knows no causes and hints, so they are part of the text.
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
    fn there_is_no_login() {
        let info: RegistryInfo<'_> =
            serde_json::from_str(r#"{"index-url":"sparse+https://crates.example/index/serde.rs/"}"#).unwrap();
        let error = Plugin::default().perform(&info, &Action::Logout, &[]).unwrap_err();
        assert!(error.to_string().contains("no login"), "{error}");
    }
}
