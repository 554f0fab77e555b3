//! The way at a terminal: what stands in the way, which record, which place, then waiting.

use std::time::Duration;

use cargo_namespaces::api::CheckState;
use cargo_namespaces::token::{Scope, Token};
use cargo_namespaces_cli::shell::{CliError, ExitCode};

use super::memory::{self, Choice};
use super::place::whole_for;
use super::records::say_unknown;
use super::{Blocked, Case, Outcome, Place, resume_command, seen_lines, wait};
use crate::publisher::Served;

/// Guides a person until the registry agrees.
///
/// # Errors
/// Ctrl-C, or something else than the domain stands in the way.
pub fn guide(case: &Case<'_>, blocked: &Blocked, limit: Option<Duration>) -> Result<Outcome, CliError> {
    let shell = case.session.shell;
    say_what_is_missing(case, blocked);
    let choice = match recalled(case)? {
        Some(choice) => choice,
        None => choose(case, blocked)?,
    };
    memory::keep(case.session, &case.registry.namespace, &choice)?;
    let served = Served::by(case.session, &case.registry.namespace)?;
    let whole = whole_for(case, blocked.answer.state, &choice.scope, &served)?;
    let content = choice.place.content(case.session, &whole, &choice.scope, &served)?;
    shell.say(format!(
        "\nPut {} at {}:\n",
        content.what,
        choice.place.address(&case.registry.namespace, case.session.settings.namespaces.dev)
    ));
    shell.say(content.shown());
    say_unknown(case.session, &case.registry.namespace, &served);
    if choice.place == Place::Txt {
        shell.say(
            "The zone should be signed (DNSSEC): people who add the crate believe TXT records only then.",
        );
    }
    shell.say(
        "This goes on by itself as soon as the registry finds it. Ctrl-C stops waiting; nothing is lost.\n",
    );
    let tokens = tokens(case);
    if wait::until_allowed(case, &[choice.place], &tokens, limit)? {
        memory::forget(case.session, &case.registry.namespace)?;
        let host = case.registry.host();
        shell.status("Proven", format!("{host} lets `{}` publish for {}", case.label, choice.scope));
        return Ok(Outcome::MayPublish);
    }
    shell.warn(format!("{} does not find the record yet", case.registry.host()));
    shell.hint(format!("go on at any time with `{}`", resume_command()));
    Ok(Outcome::ActionRequired)
}

/// Every token that would do.
pub fn tokens(case: &Case<'_>) -> Vec<Token> {
    case.scopes().iter().map(|scope| Token::compute(scope, &case.key)).collect()
}

fn say_what_is_missing(case: &Case<'_>, blocked: &Blocked) {
    let (shell, namespace) = (case.session.shell, &case.registry.namespace);
    let host = case.registry.host();
    shell.say(match blocked.answer.state {
        CheckState::Stranger => format!(
            "\nOthers publish for {} at {host}, and no record of the key `{}` stands there. Whoever owns the domain can put \
             one up for you.",
            namespace.display_both(),
            case.label
        ),
        _ => format!(
            "\n{host} does not know yet that the key `{}` may publish for {}: a record at the domain proves it.",
            case.label,
            namespace.display_both()
        ),
    });
    for line in seen_lines(&blocked.answer) {
        shell.say(format!("  {line}"));
    }
}

fn recalled(case: &Case<'_>) -> Result<Option<Choice>, CliError> {
    let namespace = &case.registry.namespace;
    let Some(choice) = memory::recall(case.session, namespace, &case.key, &case.scopes()) else {
        return Ok(None);
    };
    let go_on = format!(
        "go on waiting for the record at {}",
        choice.place.address(namespace, case.session.settings.namespaces.dev)
    );
    let picked = case.session.shell.select("Before", &[&go_on, "choose again"], 0)?;
    Ok((picked == Some(0)).then_some(choice))
}

fn choose(case: &Case<'_>, blocked: &Blocked) -> Result<Choice, CliError> {
    let (shell, namespace) = (case.session.shell, &case.registry.namespace);
    let scopes = case.scopes();
    let shown: Vec<String> = scopes
        .iter()
        .map(|scope| match scope {
            Scope::Namespace(_) => format!("any crate of {namespace}"),
            Scope::Crate(name) => format!("{name} and nothing else"),
        })
        .collect();
    // A guest asks for no more than is needed.
    let default = if blocked.answer.state == CheckState::Stranger { scopes.len() - 1 } else { 0 };
    let scope = match scopes.len() {
        1 => 0,
        _ => picked(shell.select("What shall the key publish?", &strs(&shown), default)?)?,
    };
    let places = Place::ALL.map(|place| place.address(namespace, case.session.settings.namespaces.dev));
    let place = picked(shell.select("Where will you put the record?", &strs(&places), 0)?)?;
    Ok(Choice { key: case.key, scope: scopes[scope].clone(), place: Place::ALL[place] })
}

fn strs(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

/// A choice that was left with Escape ends the guide.
fn picked(choice: Option<usize>) -> Result<usize, CliError> {
    choice.ok_or_else(|| {
        CliError::new(ExitCode::ActionRequired, "nothing was chosen")
            .hint(format!("go on at any time with `{}`", resume_command()))
    })
}
