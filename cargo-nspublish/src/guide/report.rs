//! The way without a terminal: the same as text, or as JSON, and the command to resume with.

use std::time::Duration;

use cargo_namespaces::api::CheckResponse;
use cargo_namespaces::token::Scope;
use cargo_namespaces_cli::shell::CliError;
use serde_json::{Value, json};

use super::ask::tokens;
use super::place::{self, whole_for};
use super::records::say_unknown;
use super::{Blocked, Case, Outcome, Place, wait};
use crate::publisher::Served;

/// Says what is to be done; with a time to wait, waits for it.
///
/// # Errors
/// Ctrl-C, or something else than the domain stands in the way.
pub fn instruct(case: &Case<'_>, blocked: &Blocked, limit: Option<Duration>) -> Result<Outcome, CliError> {
    let shell = case.session.shell;
    let namespace = &case.registry.namespace;
    let mut places = Vec::new();
    let served = Served::by(case.session, namespace)?;
    let host = case.registry.host();
    shell.print(format!(
        "{host} does not let the key `{}` ({}) publish {}: no record of it stands at {}.",
        case.label,
        case.key,
        blocked.name,
        namespace.display_both()
    ));
    for line in seen_lines(&blocked.answer) {
        shell.print(format!("  {line}"));
    }
    for scope in case.scopes() {
        shell.print(match &scope {
            Scope::Namespace(_) => format!(
                "\nTo let it publish any crate of {namespace}, put the record up in one of three places:"
            ),
            Scope::Crate(name) => format!("\nTo let it publish {name} and nothing else:"),
        });
        let whole = whole_for(case, blocked.answer.state, &scope, &served)?;
        for place in Place::ALL {
            let content = place.content(case.session, &whole, &scope, &served)?;
            let address = place.address(namespace, case.session.settings.namespaces.dev);
            shell.print(format!("\n{} at {address}:\n\n{}", content.what, content.shown()));
        }
        places.extend(place::as_json(case.session, &whole, &scope, &served)?);
    }
    say_unknown(case.session, namespace, &served);
    shell.json("action-required", &as_json(case, blocked, &places));
    if let Some(limit) = limit {
        shell.status(
            "Waiting",
            format!("for {host} to find the record, {} at most", place::spoken(limit.as_secs())),
        );
        if wait::until_allowed(case, &Place::ALL, &tokens(case), Some(limit))? {
            return Ok(Outcome::MayPublish);
        }
    }
    shell.print(format!("Then run again: {}", resume_command()));
    shell.hint("`--wait 10m` waits for it; on a terminal, the command guides");
    Ok(Outcome::ActionRequired)
}

/// The same for programs.
fn as_json(case: &Case<'_>, blocked: &Blocked, places: &[Value]) -> Value {
    json!({
        "namespace": case.registry.namespace,
        "crate": blocked.name.to_string(),
        "registry": case.registry.base,
        "index": case.registry.index,
        "key": case.key.to_string(),
        "state": blocked.answer.state,
        "message": blocked.answer.message,
        "seen": blocked.answer.places,
        "records": case.records(),
        "places": places,
        "resume": resume_command(),
    })
}

/// What the registry saw, a line a place.
pub fn seen_lines(answer: &CheckResponse) -> Vec<String> {
    answer.places.iter().map(|place| format!("{}: {}", place.at, place.seen)).collect()
}

/// The command line that was run, to be run again.
pub fn resume_command() -> String {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|first| first == "nspublish") {
        args.remove(0);
    }
    let mut command = "cargo nspublish".to_owned();
    for arg in &args {
        command.push(' ');
        command.push_str(&quoted(arg));
    }
    command
}

/// An argument as a shell reads it.
pub fn quoted(arg: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:@+,".contains(c);
    if !arg.is_empty() && arg.chars().all(plain) {
        arg.to_owned()
    } else {
        format!("'{}'", arg.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_survive_a_shell() {
        assert_eq!(quoted("--wait=10m"), "--wait=10m");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's"), "'it'\\''s'");
        assert_eq!(quoted(""), "''");
    }
}
