//! `cargo nsregistry`: runs a registry, and what its operator does beside that.

mod args;

use std::path::Path;
use std::time::Duration;

use cargo_namespaces::api::Event;
use cargo_namespaces::discovery::DevRegistry;
use cargo_namespaces::escape::escape_line;
use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::QualifiedName;
use cargo_namespaces_cli::cli::{CommonArgs, HasCommon as _};
use cargo_namespaces_cli::env::Environment;
use cargo_namespaces_cli::interrupt;
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode, Shell};
use nsregistry::admin::{self, AdminError, Freeze};
use nsregistry::config::{self, Config, Overrides};
use nsregistry::db::{Database, DbError};
use nsregistry::dev::instructions::{self, KEY_FILE, Programs};
use nsregistry::log;
use nsregistry::registry;

use crate::args::{Args, Command};

/// How often a request to stop is looked for.
const POLL: Duration = Duration::from_millis(100);
/// How long work that cannot be interrupted, such as a lookup by the system's resolver, may hold up the end.
const LAST_WORK: Duration = Duration::from_secs(1);

fn main() -> std::process::ExitCode {
    cargo_namespaces_cli::cli::main("nsregistry", |shell, args: Args| run(shell, &args))
}

fn run(shell: &Shell, args: &Args) -> Result<ExitCode, CliError> {
    check_common(args.common())?;
    let directory = args.common().working_directory()?;
    // Nothing else runs yet, and every path, of a flag or by default, is relative to it.
    std::env::set_current_dir(&directory)
        .context(ExitCode::Failure, format!("failed to change to `{}`", directory.display()))?;
    let mut flags = Overrides { data: args.data.clone(), ..Overrides::default() };
    if let Command::Serve { url, listen, dev } = &args.command {
        flags = Overrides { url: url.clone(), listen: listen.clone(), dev: *dev, ..flags };
    }
    let config = config::load(args.file.as_deref(), &Environment::of_process(), &flags)
        .context(ExitCode::InvalidInput, "failed to read the registry's configuration")?;
    match &args.command {
        Command::Serve { .. } => return in_runtime(serve(shell, config, &directory)),
        Command::CheckConfig => {
            registry::check(&config).context(ExitCode::InvalidInput, "the configuration cannot be used")?;
            shell.print(config.summary());
        }
        Command::Freeze { namespace, reason: Some(reason), unknown, .. } => {
            in_runtime(operate(&config, async |db| admin::freeze(db, namespace, reason, *unknown).await))?;
            shell.status("Froze", namespace.display_both());
        }
        Command::Freeze { namespace, reason: None, .. } => {
            in_runtime(operate(&config, async |db| admin::lift(db, namespace).await))?;
            shell.status("Lifted", namespace.display_both());
        }
        Command::Freezes => {
            in_runtime(operate(&config, admin::freezes))?
                .iter()
                .for_each(|freeze| show_freeze(shell, freeze));
        }
        Command::ResetOwner { name, to, reason } => {
            let owners = in_runtime(operate(&config, async |db| admin::owners(db, name).await))?;
            confirm_reset(shell, name, &owners, to)?;
            in_runtime(operate(&config, async |db| admin::reset_owner(db, name, to, reason).await))?;
            shell.status("Reset", format!("{}: its only owner is {to}", name.display_both()));
        }
        Command::Audit { subject, most } => {
            let work = async |db: &Database| admin::audit(db, subject.as_deref(), *most).await;
            in_runtime(operate(&config, work))?.iter().for_each(|event| show_event(shell, event));
        }
    }
    Ok(ExitCode::Ok)
}

fn show_freeze(shell: &Shell, freeze: &Freeze) {
    if shell.is_json() {
        return shell.json("freeze", freeze);
    }
    let since = freeze.since.map_or_else(|| "-".to_owned(), |since| since.to_string());
    shell.print(escape_line(&format!("{} {since} {}", freeze.namespace, freeze.reason)));
}

fn show_event(shell: &Shell, event: &Event) {
    if shell.is_json() {
        return shell.json("audit", event);
    }
    let Event { at, actor, action, subject, detail } = event;
    shell.print(escape_line(format!("{at} {actor} {action} {subject} {detail}").trim_end()));
}

/// Asks before owners lose a crate, which only they can give back.
fn confirm_reset(
    shell: &Shell,
    name: &QualifiedName,
    owners: &[PublicKey],
    to: &PublicKey,
) -> Result<(), CliError> {
    shell.say(format!("These keys lose {}, and {to} becomes its only owner:", name.display_both()));
    for owner in owners {
        shell.say(format!("  {owner}"));
    }
    let asked = shell.confirm("Reset the owner?", false)?;
    if asked == Some(true) {
        return Ok(());
    }
    let error = CliError::new(ExitCode::ActionRequired, "the owner was not reset");
    Err(if asked.is_none() { error.hint("add `--yes` to confirm it without a terminal") } else { error })
}

/// Refuses Cargo's flags that mean nothing here: whoever gives one believes that it does something.
fn check_common(common: &CommonArgs) -> Result<(), CliError> {
    let given = [
        ("--config", !common.config.is_empty()),
        ("--manifest-path", common.manifest_path.is_some()),
        ("--locked", common.locked),
        ("--offline", common.offline),
        ("--frozen", common.frozen),
    ];
    match given.iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((flag, _)) => Err(CliError::usage(format!("`{flag}` means nothing to a registry"))
            .hint("the registry's own configuration is named by `--file PATH`")),
    }
}

/// Opens the database for one act.
async fn operate<T>(
    config: &Config,
    act: impl AsyncFnOnce(&Database) -> Result<T, AdminError>,
) -> Result<T, CliError> {
    let failed = "failed to open the registry's database";
    // A registry that was never started has nothing to operate on; a mistyped path must not make one.
    let opened = Database::open_existing(&config.storage.database).await;
    let elsewhere = matches!(opened, Err(DbError::Closed { .. }))
        .then_some("name the registry's directory by `--data DIR`, or its configuration by `--file PATH`");
    let db = opened
        .context(ExitCode::Failure, failed)
        .map_err(|error| elsewhere.into_iter().fold(error, CliError::hint))?;
    let done = act(&db).await.map_err(|error| {
        let failed = CliError::from_error(ExitCode::Failure, &error);
        error.hint().into_iter().fold(failed, CliError::hint)
    });
    db.close().await;
    done
}

fn in_runtime<T>(work: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.context(ExitCode::Failure, "failed to start")?;
    let done = runtime.block_on(work);
    runtime.shutdown_timeout(LAST_WORK);
    done
}

async fn serve(shell: &Shell, config: Config, directory: &Path) -> Result<ExitCode, CliError> {
    let tls = config.server.tls.is_some();
    if config.public.is_default {
        shell.warn(format!(
            "no `url` is set, so this registry calls itself {}; set it before anything is published, \
             for it becomes part of every crate's identity",
            config.public.url()
        ));
    }
    let url = config.public.url().to_owned();
    let running = nsregistry::start(config).await.map_err(|error| {
        let hint = error.hint();
        log::flush(LAST_WORK);
        let failed = CliError::new(ExitCode::Failure, "failed to start the registry").caused_by(&error);
        hint.into_iter().fold(failed, CliError::hint)
    })?;
    shell
        .status("Serving", format!("{url} on {}{}", running.address, if tls { "" } else { " (plain HTTP)" }));
    shell.status("Signing", format!("as {}", running.registry().key.public()));
    if let Some(dev) = running.registry().config.dev {
        let data = directory.join(&running.registry().config.storage.data);
        introduce(shell, dev, &data)?;
    }
    while !interrupt::is_set() {
        tokio::time::sleep(POLL).await;
    }
    running.stop().await;
    interrupt::complied();
    Ok(ExitCode::Ok)
}

/// Shows that this is a development registry, and the commands with which to try it.
fn introduce(shell: &Shell, dev: DevRegistry, data: &Path) -> Result<(), CliError> {
    registry::own_key(&data.join(KEY_FILE)).exit_with(ExitCode::Failure)?;
    instructions::write_packages(data)?;
    shell.warn(format!(
        "this is a development registry: any program on this machine may use any name below `localhost`, and the registry \
         is reachable from this machine only. Its data is in {}",
        data.display()
    ));
    shell.say("\nPaste these commands into another terminal, to publish, add and build:\n");
    let commands = instructions::commands(dev, data, &Environment::of_process(), &Programs::of_process());
    shell.print_raw(&commands);
    shell.say("Ctrl-C here ends it.");
    Ok(())
}
