//! The guide at a terminal: says what is missing, asks which record to put where, then waits for it.

use std::time::Duration;

use cargo_namespaces::api::CheckState;
use cargo_namespaces::token::{Scope, Token};
use cargo_namespaces_cli::shell::{CliError, ExitCode};

use super::location::whole_for;
use super::memory::{self, GuideChoice};
use super::records::say_unknown;
use super::{Blocked, GuideOutcome, PermissionRequest, RecordLocation, seen_lines, wait};
use crate::context::resume_command;
use crate::documents::Served;

/// Guides a person until the registry agrees.
pub fn guide(
    request: &PermissionRequest<'_>,
    blocked: &Blocked,
    limit: Option<Duration>,
) -> Result<GuideOutcome, CliError> {
    let shell = request.context.shell;
    say_what_is_missing(request, blocked);
    let choice = match recalled(request)? {
        Some(choice) => choice,
        None => choose(request, blocked)?,
    };
    memory::keep(request.context, &request.registry.namespace, &choice)?;
    let served = Served::by(request.context, &request.registry.namespace)?;
    let whole = whole_for(request, blocked.answer.state, &choice.scope, &served)?;
    let content = choice.place.content(request.context, &whole, &choice.scope, &served)?;
    shell.say(format!(
        "\nPut {} at {}:\n",
        content.what,
        choice.place.address(&request.registry.namespace, request.context.settings.namespaces.dev)
    ));
    shell.say(content.shown());
    say_unknown(request.context, &request.registry.namespace, &served);
    if choice.place == RecordLocation::Txt {
        shell.say("Sign the zone with DNSSEC: clients accept TXT records only from signed zones.");
    }
    shell.say(
        "The command continues when the registry finds the record. Ctrl-C stops waiting; nothing is lost.\n",
    );
    let tokens = tokens(request);
    if wait::until_allowed(request, &[choice.place], &tokens, limit)? {
        memory::forget(request.context, &request.registry.namespace)?;
        let host = request.registry.host();
        shell.status("Proven", format!("{host} lets `{}` publish for {}", request.label, choice.scope));
        return Ok(GuideOutcome::MayPublish);
    }
    shell.warn(format!("{} does not find the record yet", request.registry.host()));
    shell.hint(format!("go on at any time with `{}`", resume_command()));
    Ok(GuideOutcome::ActionRequired)
}

/// Returns every token that would let the key publish.
pub fn tokens(request: &PermissionRequest<'_>) -> Vec<Token> {
    request.scopes().iter().map(|scope| Token::compute(scope, &request.key)).collect()
}

fn say_what_is_missing(request: &PermissionRequest<'_>, blocked: &Blocked) {
    let (shell, namespace) = (request.context.shell, &request.registry.namespace);
    let host = request.registry.host();
    shell.say(match blocked.answer.state {
        CheckState::Stranger => format!(
            "\nOther keys publish for {} at {host}, and no record lists the key `{}`. The owner of the domain can add one.",
            namespace.display_both(),
            request.label
        ),
        _ => format!(
            "\n{host} has not verified yet that the key `{}` may publish for {}: a record at the domain proves it.",
            request.label,
            namespace.display_both()
        ),
    });
    for line in seen_lines(&blocked.answer) {
        shell.say(format!("  {line}"));
    }
}

fn recalled(request: &PermissionRequest<'_>) -> Result<Option<GuideChoice>, CliError> {
    let namespace = &request.registry.namespace;
    let Some(choice) = memory::recall(request.context, namespace, &request.key, &request.scopes()) else {
        return Ok(None);
    };
    let go_on = format!(
        "go on waiting for the record at {}",
        choice.place.address(namespace, request.context.settings.namespaces.dev)
    );
    let picked = request.context.shell.select("Before", &[&go_on, "choose again"], 0)?;
    Ok((picked == Some(0)).then_some(choice))
}

fn choose(request: &PermissionRequest<'_>, blocked: &Blocked) -> Result<GuideChoice, CliError> {
    let (shell, namespace) = (request.context.shell, &request.registry.namespace);
    let scopes = request.scopes();
    let shown: Vec<String> = scopes
        .iter()
        .map(|scope| match scope {
            Scope::Namespace(_) => format!("any crate of {namespace}"),
            Scope::Crate(name) => format!("{name} and nothing else"),
        })
        .collect();
    // A namespace of others: by default, ask for no more than is needed.
    let default = if blocked.answer.state == CheckState::Stranger { scopes.len() - 1 } else { 0 };
    let scope = match scopes.len() {
        1 => 0,
        _ => picked(shell.select("What shall the key publish?", &strs(&shown), default)?)?,
    };
    let places =
        RecordLocation::ALL.map(|place| place.address(namespace, request.context.settings.namespaces.dev));
    let place = picked(shell.select("Where will you put the record?", &strs(&places), 0)?)?;
    Ok(GuideChoice { key: request.key, scope: scopes[scope].clone(), place: RecordLocation::ALL[place] })
}

fn strs(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

/// Escape ends the guide.
fn picked(choice: Option<usize>) -> Result<usize, CliError> {
    choice.ok_or_else(|| {
        CliError::new(ExitCode::ActionRequired, "nothing was chosen")
            .hint(format!("go on at any time with `{}`", resume_command()))
    })
}
