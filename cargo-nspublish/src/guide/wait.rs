//! Asks again until the registry agrees.

use std::time::{Duration, Instant};

use cargo_namespaces::token::Token;
use cargo_namespaces_cli::interrupt;
use cargo_namespaces_cli::shell::CliError;

use super::permission::PermissionError;
use super::{LocationCheck, PermissionRequest, RecordLocation, check_location};
use crate::context::resume_command;

/// The first pause between two looks; each is half as long again, up to [`LONGEST`].
const FIRST: Duration = Duration::from_secs(2);
/// The longest pause. Asking more often would load the registry, and records do not spread faster.
const LONGEST: Duration = Duration::from_secs(15);
/// How often Ctrl-C is looked at.
const POLL: Duration = Duration::from_millis(100);

/// Waits until the registry lets the key publish, and returns whether it does within the limit. Without one, it waits for ever.
///
/// # Errors
/// Ctrl-C, or a record at the domain does not help any more.
pub fn until_allowed(
    request: &PermissionRequest<'_>,
    places: &[RecordLocation],
    tokens: &[Token],
    limit: Option<Duration>,
) -> Result<bool, CliError> {
    let shell = request.context.shell;
    let started = Instant::now();
    let spinner = shell.spinner("Waiting", &format!("for {} to find the record", request.registry.host()));
    let network = request.context.network;
    let mut last: Vec<Option<LocationCheck>> = vec![None; places.len()];
    let mut pause = FIRST;
    let see = |last: &mut Vec<Option<LocationCheck>>| -> Result<(), interrupt::Interrupted> {
        for (place, last) in places.iter().zip(last) {
            let namespace = &request.registry.namespace;
            let now = check_location(*place, namespace, tokens, network);
            interrupt::check().inspect_err(|_| say_how_to_resume(request))?;
            if last.as_ref() != Some(&now) {
                let verb = if now.found { "Found" } else { "Looking" };
                shell.status(
                    verb,
                    format!("{}: {}", place.address(namespace, network.dev_registry()), now.text),
                );
                *last = Some(now);
            }
        }
        Ok(())
    };
    loop {
        see(&mut last)?;
        match request.ask() {
            Ok(None) => {
                // The record may have appeared after it was looked for from here.
                if !last.iter().flatten().any(|look| look.found) {
                    see(&mut last)?;
                }
                return Ok(true);
            }
            Ok(Some(blocked)) if !blocked.is_for_the_domain() => return Err(request.other_obstacle(&blocked)),
            Ok(Some(_)) => spinner.message(&message(request, last.iter().flatten().any(|look| look.found))),
            // The registry may be restarting.
            Err(PermissionError::Registry(error)) if error.is_unreachable() => {
                spinner.message(&CliError::from(error).to_string());
            }
            Err(error) => return Err(error.into()),
        }
        if limit.is_some_and(|limit| started.elapsed() + pause > limit) {
            return Ok(false);
        }
        sleep(pause).inspect_err(|_| say_how_to_resume(request))?;
        pause = (pause * 3 / 2).min(LONGEST);
    }
}

fn message(request: &PermissionRequest<'_>, found_here: bool) -> String {
    let host = request.registry.host();
    if found_here {
        format!("for {host}, which does not see yet what is seen from here")
    } else {
        format!("for {host} to find the record")
    }
}

fn say_how_to_resume(request: &PermissionRequest<'_>) {
    request.context.shell.hint(format!("go on at any time with `{}`", resume_command()));
}

fn sleep(pause: Duration) -> Result<(), interrupt::Interrupted> {
    let end = Instant::now() + pause;
    while Instant::now() < end {
        interrupt::check()?;
        std::thread::sleep(POLL);
    }
    Ok(())
}
