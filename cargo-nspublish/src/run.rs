//! Makes the context, and calls the module of the subcommand.

use cargo_namespaces_cli::env::Environment;
use cargo_namespaces_cli::settings::Settings;
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode, Shell};

use crate::context::Context;
use crate::options::{Command, CommonOptions};
use crate::{key, owner, publish, setup, status, transfer};
use cargo_namespaces_cli::network::Network;

/// Does what the command line asks for.
///
/// # Errors
/// The configuration cannot be read; otherwise what the subcommand says.
pub fn run(shell: &Shell, common: &CommonOptions, command: &Command) -> Result<ExitCode, CliError> {
    let env = Environment::of_process();
    let settings =
        Settings::load(&common.directory, &env, &common.config).exit_with(ExitCode::InvalidInput)?;
    let network = Network::new(&settings);
    let context = Context::new(shell, common, env, settings, &network);
    match command {
        Command::Publish(options) => publish::run(&context, options),
        Command::Yank(options) => publish::yank(&context, options),
        Command::Setup(options) => setup::run(&context, options),
        Command::Key(command) => key::run(&context, command),
        Command::Status(options) => status::run(&context, options),
        Command::Owner(command) => owner::run(&context, command),
        Command::Transfer(options) => transfer::run(&context, options),
    }
}
