//! The guide without a terminal: the same as text or JSON, and the command to run afterwards.

use std::time::Duration;

use cargo_namespaces::api::CheckResponse;
use cargo_namespaces::token::Scope;
use cargo_namespaces_cli::shell::CliError;
use serde_json::{Value, json};

use super::ask::tokens;
use super::location::{self, whole_for};
use super::records::say_unknown;
use super::{Blocked, GuideOutcome, PermissionRequest, RecordLocation, lookup, wait};
use crate::context::resume_command;
use crate::documents::Served;

/// Says what to do. With a limit, waits so long for it.
pub fn instruct(
    request: &PermissionRequest<'_>,
    blocked: &Blocked,
    limit: Option<Duration>,
) -> Result<GuideOutcome, CliError> {
    let shell = request.context.shell;
    let namespace = &request.registry.namespace;
    let mut places = Vec::new();
    let served = Served::by(request.context, namespace)?;
    let host = request.registry.host();
    shell.print(format!(
        "{host} does not let the key `{}` ({}) publish {}: no record lists it at {}.",
        request.label,
        request.key,
        blocked.name,
        namespace.display_both()
    ));
    for line in seen_lines(&blocked.answer) {
        shell.print(format!("  {line}"));
    }
    for scope in request.scopes() {
        shell.print(match &scope {
            Scope::Namespace(_) => format!(
                "\nTo let it publish any crate of {namespace}, put the record up in one of three places:"
            ),
            Scope::Crate(name) => format!("\nTo let it publish {name} and nothing else:"),
        });
        let whole = whole_for(request, blocked.answer.state, &scope, &served)?;
        for place in RecordLocation::ALL {
            let content = place.content(request.context, &whole, &scope, &served)?;
            let address = place.address(namespace, request.context.settings.namespaces.dev);
            shell.print(format!("\n{} at {address}:\n\n{}", content.what, content.shown()));
        }
        places.extend(location::as_json(request.context, &whole, &scope, &served)?);
    }
    say_unknown(request.context, namespace, &served);
    shell.json("action-required", &as_json(request, blocked, &places));
    if let Some(limit) = limit {
        shell.status(
            "Waiting",
            format!("for {host} to find the record, {} at most", lookup::spoken(limit.as_secs())),
        );
        if wait::until_allowed(request, &RecordLocation::ALL, &tokens(request), Some(limit))? {
            return Ok(GuideOutcome::MayPublish);
        }
    }
    shell.print(format!("Then run again: {}", resume_command()));
    shell.hint("`--wait 10m` waits for it; on a terminal, the command guides");
    Ok(GuideOutcome::ActionRequired)
}

/// The same for programs.
fn as_json(request: &PermissionRequest<'_>, blocked: &Blocked, places: &[Value]) -> Value {
    json!({
        "namespace": request.registry.namespace,
        "crate": blocked.name.to_string(),
        "registry": request.registry.base,
        "index": request.registry.index,
        "key": request.key.to_string(),
        "state": blocked.answer.state,
        "message": blocked.answer.message,
        "seen": blocked.answer.places,
        "records": request.records(),
        "places": places,
        "resume": resume_command(),
    })
}

/// Formats what the registry saw, one line a location.
pub fn seen_lines(answer: &CheckResponse) -> Vec<String> {
    answer.places.iter().map(|place| format!("{}: {}", place.at, place.seen)).collect()
}
