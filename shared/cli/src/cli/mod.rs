//! What the commands' command lines have in common.
//!
//! A command is a clap struct that flattens [`CommonArgs`], and a `main` of one line:
//!
//! ```ignore
//! fn main() -> std::process::ExitCode {
//!     cargo_namespaces::cli::main("nsadd", |shell, args: Args| run(shell, &args))
//! }
//! ```
//!
//! Run as `cargo nsadd …` (Cargo then passes `nsadd` as the first argument) and as `cargo-nsadd …`. Cargo drops its own
//! flags when they stand before an external subcommand (`cargo --offline nsadd`), and tells nobody: the help says so.

mod complete;
mod generate;
mod known;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Effects, Styles};
use clap::{ArgAction, Args, ColorChoice, Command, CommandFactory, FromArgMatches};

use cargo_namespaces_net::fs;

use crate::env::{Environment, Var};
use crate::labels::{Labels, labels_path};
use crate::settings::Settings;
use crate::shell::{CliError, Context as _, ExitCode, MessageFormat, Shell, ShellOptions, Verbosity, When};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::BrightGreen.on_default().effects(Effects::BOLD))
    .usage(AnsiColor::BrightGreen.on_default().effects(Effects::BOLD))
    .literal(AnsiColor::BrightCyan.on_default().effects(Effects::BOLD))
    .placeholder(AnsiColor::Cyan.on_default())
    .error(AnsiColor::BrightRed.on_default().effects(Effects::BOLD))
    .valid(AnsiColor::BrightCyan.on_default().effects(Effects::BOLD))
    .invalid(AnsiColor::Yellow.on_default().effects(Effects::BOLD));

/// The flags that every command takes, with Cargo's names and meanings.
#[derive(Args, Clone, Debug, Default)]
pub struct CommonArgs {
    /// Path to Cargo.toml
    #[arg(long, value_name = "PATH", global = true, help_heading = "Manifest Options")]
    pub manifest_path: Option<PathBuf>,

    /// Assert that `Cargo.lock` will remain unchanged
    #[arg(long, global = true, help_heading = "Manifest Options")]
    pub locked: bool,

    /// Run without accessing the network
    #[arg(long, global = true, help_heading = "Manifest Options")]
    pub offline: bool,

    /// Equivalent to specifying both --locked and --offline
    #[arg(long, global = true, help_heading = "Manifest Options")]
    pub frozen: bool,

    /// Use verbose output
    #[arg(short, long, action = ArgAction::Count, global = true, help_heading = "Output Options")]
    pub verbose: u8,

    /// Do not print status messages
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Output Options")]
    pub quiet: bool,

    /// Coloring [possible values: auto, always, never]
    #[arg(long, value_name = "WHEN", global = true, help_heading = "Output Options")]
    pub color: Option<When>,

    /// The form of what goes to standard output; with json nothing is asked
    #[arg(long, value_name = "FMT", value_enum, global = true, help_heading = "Output Options")]
    pub message_format: Option<MessageFormat>,

    /// Ask nothing: what would be asked is affirmed
    #[arg(short = 'y', long, global = true, help_heading = "Output Options")]
    pub yes: bool,

    /// Override a configuration value [`KEY=VALUE` or a file]
    #[arg(long, value_name = "KEY=VALUE|PATH", global = true, help_heading = "Common Options")]
    pub config: Vec<String>,

    /// Change to DIRECTORY before doing anything
    #[arg(short = 'C', value_name = "DIRECTORY", global = true, help_heading = "Common Options")]
    pub directory: Option<PathBuf>,
}

impl CommonArgs {
    /// True with `--offline` or `--frozen`.
    pub fn is_offline(&self) -> bool {
        self.offline || self.frozen
    }

    /// True with `--locked` or `--frozen`.
    pub fn is_locked(&self) -> bool {
        self.locked || self.frozen
    }

    /// The directory that everything is relative to: `-C`, or the current one.
    ///
    /// # Errors
    /// The current directory is gone.
    pub fn working_directory(&self) -> Result<PathBuf, CliError> {
        let current = std::env::current_dir().map_err(|error| {
            CliError::new(ExitCode::Failure, "failed to find the current directory").caused_by(&error)
        })?;
        let Some(directory) = &self.directory else { return Ok(current) };
        let wanted = fs::clean(&current.join(directory));
        if !wanted.is_dir() {
            let message = format!("there is no directory `{}`", directory.display());
            return Err(CliError::new(ExitCode::InvalidInput, message).hint("correct the value of `-C`"));
        }
        Ok(wanted)
    }

    /// What the user configured, as Cargo reads it, with these flags over it.
    ///
    /// # Errors
    /// The configuration cannot be used.
    pub fn settings(&self) -> Result<Settings, CliError> {
        let directory = self.working_directory()?;
        let mut settings = Settings::load(&directory, &Environment::of_process(), &self.config)
            .context(ExitCode::InvalidInput, "failed to read Cargo's configuration")?;
        settings.http.offline |= self.is_offline();
        Ok(settings)
    }

    /// These flags again, as arguments for the cargo that is run: the same meaning, after its subcommand.
    ///
    /// `--manifest-path` is not among them, nor is anything that Cargo does not know. The colour is told expressly,
    /// because a captured cargo would not see the terminal.
    pub fn cargo_flags(&self, shell: &Shell) -> Vec<OsString> {
        let mut flags = Vec::new();
        for (given, flag) in [
            (self.locked, "--locked"),
            (self.offline, "--offline"),
            (self.frozen, "--frozen"),
            (self.quiet, "--quiet"),
        ] {
            if given {
                flags.push(flag.into());
            }
        }
        flags.extend((0..self.verbose.min(2)).map(|_| "--verbose".into()));
        flags.push(if shell.colored() { "--color=always" } else { "--color=never" }.into());
        for config in &self.config {
            flags.push("--config".into());
            flags.push(config.into());
        }
        flags
    }

    /// The shell that these flags and the environment ask for.
    pub fn shell_options(&self, env: &Environment) -> ShellOptions {
        // A configuration that cannot be read is reported when the command reads it.
        let directory = self.working_directory().unwrap_or_default();
        let term = Settings::load(&directory, env, &self.config)
            .map_or_else(|_| Default::default(), |read| read.term);
        let mut options = ShellOptions::from_environment(env).over(&term, env);
        if self.quiet {
            options.verbosity = Verbosity::Quiet;
        } else if self.verbose > 0 {
            options.verbosity = Verbosity::Verbose;
        }
        options.color = self.color.unwrap_or(options.color);
        options.format = self.message_format.unwrap_or_default();
        options.assume_yes = self.yes;
        options
    }
}

/// Gives the flags that it flattens.
pub trait HasCommon {
    /// The common flags.
    fn common(&self) -> &CommonArgs;
}

/// Runs the command `cargo <name>`: parses its arguments, makes the shell, reports the error, gives the exit code.
pub fn main<A, F>(name: &'static str, run: F) -> std::process::ExitCode
where
    A: CommandFactory + FromArgMatches + HasCommon,
    F: FnOnce(&Shell, A) -> Result<ExitCode, CliError>,
{
    cargo_namespaces_net::interrupt::install();
    run_with(name, std::env::args_os().collect(), run).into()
}

/// As [`main`], with the arguments given: the first is the program's own name.
pub fn run_with<A, F>(name: &'static str, args: Vec<OsString>, run: F) -> ExitCode
where
    A: CommandFactory + FromArgMatches + HasCommon,
    F: FnOnce(&Shell, A) -> Result<ExitCode, CliError>,
{
    let env = Environment::of_process();
    let args = without_subcommand(name, args);
    let command = dressed::<A>(name).color(help_color(&args, &env));
    if let Some(words) = complete::asked_for(&args) {
        return complete::print(command, &words, &env);
    }
    if let Some(what) = generate::asked_for(&args) {
        return generate::generate(&what, command, name);
    }
    let parsed = command.clone().try_get_matches_from(&args).and_then(|matches| {
        A::from_arg_matches(&matches).map_err(|error| error.format(&mut command.clone()))
    });
    let parsed = match parsed {
        Ok(parsed) => parsed,
        Err(error) => {
            // Help and version are "errors" to clap as well; they go to standard output and end well.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::Usage } else { ExitCode::Ok };
        }
    };
    let shell = Shell::new(parsed.common().shell_options(&env)).with_labels(&labels(parsed.common(), &env));
    if env.get(Var::NamespacesDev).is_some()
        && let Some(except) = env.no_proxy_for_localhost()
    {
        shell.warn(format!(
            "a proxy is set, and Cargo by itself asks it also for the registry on this machine: set `no_proxy={except}`"
        ));
    }
    match run(&shell, parsed) {
        Ok(_) | Err(_) if cargo_namespaces_net::interrupt::is_set() => ExitCode::Interrupted,
        Ok(code) => code,
        Err(error) => {
            shell.report(&error);
            error.exit()
        }
    }
}

/// What the user calls keys. A file that cannot be read is reported by `key label`, and keeps nobody from building.
fn labels(common: &CommonArgs, env: &Environment) -> Labels {
    let directory = common.working_directory().unwrap_or_default();
    let settings = Settings::load(&directory, env, &common.config).ok();
    let text =
        settings.and_then(|read| fs::read_to_string_if_exists(&labels_path(&read.cargo_home)).ok().flatten());
    text.and_then(|text| Labels::parse(&text).ok()).unwrap_or_default()
}

/// The command as help, completions and manual pages show it.
fn dressed<A: CommandFactory>(name: &'static str) -> Command {
    let command = A::command();
    let about = command.get_after_help().map(ToString::to_string);
    let note = format!(
        "Flags go after `{name}`: cargo drops those before it (`cargo --offline {name}`) without a word.\n\n\
         Exit codes:\n{}",
        ExitCode::TABLE
    );
    let after = match about {
        Some(about) => format!("{about}\n\n{note}"),
        None => note,
    };
    command
        .name(format!("cargo-{name}"))
        .bin_name(format!("cargo {name}"))
        .styles(STYLES)
        .infer_long_args(false)
        .after_help(after)
        .arg(generate::argument())
}

/// The command line of this process, for somebody to type again: `cargo nsadd serde.rs/serde-abc`.
pub fn command_line(name: &str) -> String {
    let args = without_subcommand(name, std::env::args_os().collect());
    let words = args.iter().skip(1).map(|word| quoted(&word.to_string_lossy()));
    let mut line = format!("cargo {name}");
    for word in words {
        line.push(' ');
        line.push_str(&word);
    }
    line
}

/// A word as a shell reads it back.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./@=,:+^~".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// `cargo nsadd x` runs `cargo-nsadd nsadd x`.
fn without_subcommand(name: &str, mut args: Vec<OsString>) -> Vec<OsString> {
    if args.get(1).is_some_and(|first| first == name) {
        args.remove(1);
    }
    args
}

/// The colours of the help, which clap prints before the flags are parsed.
fn help_color(args: &[OsString], env: &Environment) -> ColorChoice {
    let mut asked = ShellOptions::from_environment(env).color;
    let mut args = args.iter().map(|arg| arg.to_string_lossy());
    while let Some(arg) = args.next() {
        let value = match arg.strip_prefix("--color") {
            Some("") => args.next().map(|value| value.into_owned()),
            Some(rest) => rest.strip_prefix('=').map(str::to_owned),
            None => continue,
        };
        asked = value.and_then(|value| value.parse().ok()).unwrap_or(asked);
    }
    match asked {
        When::Auto => ColorChoice::Auto,
        When::Always => ColorChoice::Always,
        When::Never => ColorChoice::Never,
    }
}

#[cfg(test)]
mod tests;
