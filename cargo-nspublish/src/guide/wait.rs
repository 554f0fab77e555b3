//! Asking again until the registry agrees.

use std::time::{Duration, Instant};

use cargo_namespaces::token::Token;
use cargo_namespaces_cli::shell::{CliError, ExitCode};
use cargo_namespaces_net::client::HttpClient;
use cargo_namespaces_net::interrupt;

use super::{Case, Look, Place, look, resume_command};

/// The first pause between two looks; each is half as long again, up to [`LONGEST`].
const FIRST: Duration = Duration::from_secs(2);
/// The longest pause: a registry has better things to do, and DNS is not faster.
const LONGEST: Duration = Duration::from_secs(15);
/// How often Ctrl-C is looked at.
const POLL: Duration = Duration::from_millis(100);

/// Waits until the registry agrees: true. False when the time is over before that. Without a time, it waits for ever.
///
/// # Errors
/// Ctrl-C, or something else than the domain stands in the way now.
pub fn until_allowed(
    case: &Case<'_>,
    places: &[Place],
    tokens: &[Token],
    limit: Option<Duration>,
) -> Result<bool, CliError> {
    let shell = case.session.shell;
    let started = Instant::now();
    let spinner = shell.spinner("Waiting", &format!("for {} to find the record", case.registry.host()));
    let client = HttpClient::new(case.session.settings.http.clone());
    let resolver = case.session.settings.resolver();
    let mut last: Vec<Option<Look>> = vec![None; places.len()];
    let mut pause = FIRST;
    let see = |last: &mut Vec<Option<Look>>| -> Result<(), interrupt::Interrupted> {
        for (place, last) in places.iter().zip(last) {
            let namespace = &case.registry.namespace;
            let now = look(*place, namespace, tokens, &client, &resolver);
            interrupt::check().inspect_err(|_| say_how_to_resume(case))?;
            if last.as_ref() != Some(&now) {
                let verb = if now.found { "Found" } else { "Looking" };
                shell.status(
                    verb,
                    format!("{}: {}", place.address(namespace, resolver.dev_registry()), now.text),
                );
                *last = Some(now);
            }
        }
        Ok(())
    };
    loop {
        see(&mut last)?;
        match case.ask() {
            Ok(None) => {
                // What the registry saw may have come after the look from here.
                if !last.iter().flatten().any(|look| look.found) {
                    see(&mut last)?;
                }
                return Ok(true);
            }
            Ok(Some(blocked)) if !blocked.is_for_the_domain() => return Err(case.other_obstacle(&blocked)),
            Ok(Some(_)) => spinner.message(&message(case, last.iter().flatten().any(|look| look.found))),
            // It may be restarting; what was put up stays put up.
            Err(error) if error.exit() == ExitCode::Unreachable => spinner.message(&error.to_string()),
            Err(error) => return Err(error),
        }
        if limit.is_some_and(|limit| started.elapsed() + pause > limit) {
            return Ok(false);
        }
        sleep(pause).inspect_err(|_| say_how_to_resume(case))?;
        pause = (pause * 3 / 2).min(LONGEST);
    }
}

fn message(case: &Case<'_>, found_here: bool) -> String {
    let host = case.registry.host();
    if found_here {
        format!("for {host}, which does not see yet what is seen from here")
    } else {
        format!("for {host} to find the record")
    }
}

fn say_how_to_resume(case: &Case<'_>) {
    case.session.shell.hint(format!("go on at any time with `{}`", resume_command()));
}

fn sleep(pause: Duration) -> Result<(), interrupt::Interrupted> {
    let end = Instant::now() + pause;
    while Instant::now() < end {
        interrupt::check()?;
        std::thread::sleep(POLL);
    }
    Ok(())
}
