//! `--generate man|bash|zsh|fish|elvish|powershell`: the manual page and the completions, from the same definition as the
//! help. Packagers run it at build time; everybody else can redirect it into place.
//!
//! In bash, zsh and fish the completion is a short script that asks the command itself (`--complete`), and that works for
//! `cargo nsadd` as it does for `cargo-nsadd`. Each of these shells has a completion for `cargo` already, which goes on
//! serving everything else:
//!
//! | | how ours comes in |
//! |---|---|
//! | bash | ours is registered for `cargo`, and hands on what is not ours to the one before it, or to the toolchain's |
//! | zsh | the toolchain's `_cargo` calls `_cargo-nsadd` for a subcommand that it does not know |
//! | fish | completions of one command add up, from `conf.d` as well as from `completions` |

use std::ffi::OsString;
use std::io::Write as _;

use clap::{Arg, Command};

use crate::shell::ExitCode;

const KINDS: [&str; 6] = ["man", "bash", "zsh", "fish", "elvish", "powershell"];

/// The flag, for the help and for typing errors; [`asked_for`] finds it before clap asks for the command's arguments.
pub(super) fn argument() -> Arg {
    Arg::new("generate")
        .long("generate")
        .value_name("WHAT")
        .value_parser(KINDS)
        .exclusive(true)
        .help("Print the manual page or the completions of a shell")
        .help_heading("Common Options")
}

/// What `--generate` names, when it is the first argument and known.
pub(super) fn asked_for(args: &[OsString]) -> Option<String> {
    let first = args.get(1)?.to_str()?;
    let what = match first.strip_prefix("--generate")? {
        "" => args.get(2)?.to_str()?,
        rest => rest.strip_prefix('=')?,
    };
    KINDS.contains(&what).then(|| what.to_owned())
}

/// Prints it.
pub(super) fn generate(what: &str, command: Command, name: &str) -> ExitCode {
    let mut text = Vec::new();
    match what {
        "man" => {
            if man_pages(command, &mut text).is_err() {
                return ExitCode::Failure;
            }
        }
        "bash" => text.extend(script(include_str!("complete.bash"), name)),
        "zsh" => text.extend(script(include_str!("complete.zsh"), name)),
        "fish" => text.extend(script(include_str!("complete.fish"), name)),
        shell => {
            let Ok(shell) = shell.parse::<clap_complete::Shell>() else {
                return ExitCode::Usage;
            };
            let mut command = command;
            clap_complete::generate(shell, &mut command, format!("cargo-{name}"), &mut text);
        }
    }
    match std::io::stdout().write_all(&text) {
        Ok(()) => ExitCode::Ok,
        Err(_) => ExitCode::Failure,
    }
}

/// A script for the command of that name.
fn script(template: &str, name: &str) -> Vec<u8> {
    template.replace("NAME", name).into_bytes()
}

/// The command's page, then one for each of its subcommands.
fn man_pages(mut command: Command, text: &mut Vec<u8>) -> std::io::Result<()> {
    command.build();
    let mut pending = vec![command];
    while let Some(next) = pending.pop() {
        let nested: Vec<Command> = next
            .get_subcommands()
            .filter(|sub| sub.get_name() != "help" && !sub.is_hide_set())
            .cloned()
            .collect();
        pending.extend(nested.into_iter().rev());
        clap_mangen::Man::new(next).render(text)?;
    }
    Ok(())
}
