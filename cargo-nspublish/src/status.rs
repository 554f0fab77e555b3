//! `cargo nspublish status`: what stands between the user and a publish, changed by nothing.

use cargo_namespaces::api::CheckState;
use cargo_namespaces::client::HttpClient;
use cargo_namespaces::name::Namespace;
use cargo_namespaces::resolver::Resolver;
use cargo_namespaces::shell::{CliError, ExitCode};
use cargo_namespaces::token::{Scope, Token};
use serde_json::json;

use crate::args::StatusArgs;
use crate::guide::{Place, look, seen_lines};
use crate::key::public_side;
use crate::publish::{self, Basis, Located};
use crate::registry::{self, Registry};
use crate::session::Session;
use crate::setup;

/// Shows the state of a namespace, or of one crate.
///
/// # Errors
/// No namespace is named, there is no key, or the registry does not answer.
pub fn run(session: &Session<'_>, args: &StatusArgs) -> Result<ExitCode, CliError> {
    let (namespace, name) = match &args.name {
        Some(Scope::Crate(name)) => (name.namespace.clone(), Some(name.clone())),
        Some(Scope::Namespace(namespace)) => (namespace.clone(), None),
        None => (setup::namespace_here(session)?, None),
    };
    session.check(&namespace)?;
    let Located { index, basis } = publish::locate(session, &namespace)?;
    let keys = session.keys(None);
    let book = session.store.book()?;
    let source = keys.source(&book, args.signing.key.as_deref(), Some(&namespace))?;
    let (key, label) = public_side(session, &args.signing, &source)?;
    let shell = session.shell;
    shell.print(format!("namespace  {}", namespace.display_both()));
    // The default is a fact once somebody answers there.
    let is_decided = !basis.is_undecided() || basis == Basis::Default && registry::is_there(session, &index);
    shell.print(match is_decided {
        true => format!("index      {index}"),
        false => format!("index      not decided: {index} would be it ({basis})"),
    });
    let called = session.store.labels()?.get(&key).map(|label| format!(", {label}")).unwrap_or_default();
    shell.print(format!("key        {label} ({key}{called})"));
    let mut scopes = vec![Scope::Namespace(namespace.clone())];
    scopes.extend(name.clone().map(Scope::Crate));
    let tokens: Vec<Token> = scopes.iter().map(|scope| Token::compute(scope, &key)).collect();
    let places = places(session, &namespace, &tokens);
    let open = || keys.open(&book, &source).map(|open| open.secret);
    let Some(registry) = Registry::find_any(session, &namespace, &index, open)? else {
        shell.print(match is_decided {
            true => "registry   none: the index is a static site, published to with `--site DIR`",
            false => "registry   not decided",
        });
        shell.json(
            "status",
            &json!({
                "namespace": namespace, "index": index, "index_from": basis, "index_decided": is_decided,
                "key": key.to_string(), "registry": null, "places": places,
            }),
        );
        if is_decided {
            return Ok(ExitCode::Ok);
        }
        shell.hint(publish::how_to_decide("cargo nspublish"));
        return Ok(ExitCode::ActionRequired);
    };
    let answer = registry.check(&key, name.as_ref().map(|name| &name.krate))?;
    let may = answer.state == CheckState::MayPublish;
    shell.print(format!("registry   {}", registry.host()));
    for line in seen_lines(&answer) {
        shell.print(format!("           {line}"));
    }
    shell.print(format!("publish    {}", if may { "yes" } else { "not yet" }));
    shell.print(&answer.message);
    shell.json(
        "status",
        &json!({
            "namespace": namespace, "crate": name.map(|name| name.krate), "index": index,
            "index_from": basis, "index_decided": is_decided, "key": key.to_string(), "registry": registry.base, "state": answer.state, "message": answer.message, "seen": answer.places,
            "places": places,
        }),
    );
    if may {
        return Ok(ExitCode::Ok);
    }
    shell.hint("`cargo nspublish` in the package guides from here");
    Ok(ExitCode::ActionRequired)
}

/// What stands at the places, as seen from here.
fn places(session: &Session<'_>, namespace: &Namespace, tokens: &[Token]) -> Vec<serde_json::Value> {
    let client = HttpClient::new(session.settings.http.clone());
    let resolver = Resolver::new(&session.settings);
    let shown = Place::ALL.map(|place| {
        let seen = look(place, namespace, tokens, &client, &resolver);
        let address = place.address(namespace, resolver.dev_registry());
        session.shell.print(format!("from here  {address}: {}", seen.text));
        json!({ "place": place, "address": address, "found": seen.found, "seen": seen.text })
    });
    shown.to_vec()
}
