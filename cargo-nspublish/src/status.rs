//! `cargo nspublish status`: what stands between the user and a publish, changed by nothing.

use cargo_namespaces::api::CheckState;
use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::{Namespace, QualifiedName};
use cargo_namespaces::token::{Scope, Token};
use cargo_namespaces_cli::shell::{CliError, ExitCode};
use cargo_namespaces_net::client::HttpClient;
use serde_json::json;

use crate::args::StatusArgs;
use crate::guide::{self, Asking, Case, Permission, Place, look, seen_lines};
use crate::key::public_side;
use crate::publish::{self, Basis, Located};
use crate::registry::{self, Registry};
use crate::session::Session;
use crate::setup;

/// Of a namespace, so many crates are asked about one after the other; of a larger one, a crate is better named.
const MOST_CRATES: usize = 50;

/// What is asked about, and what was seen of it from here.
struct Subject {
    namespace: Namespace,
    name: Option<QualifiedName>,
    located: Located,
    is_decided: bool,
    key: PublicKey,
    label: String,
    places: Vec<serde_json::Value>,
}

/// Shows the state of a namespace, or of one crate.
///
/// # Errors
/// No namespace is named, there is no key, or the registry does not answer.
pub fn run(session: &Session<'_>, args: &StatusArgs) -> Result<ExitCode, CliError> {
    let (namespace, name) = match &args.name {
        Some(Scope::Crate(name)) => (name.namespace.clone(), Some(name.clone())),
        Some(Scope::Namespace(namespace)) => (namespace.clone(), None),
        None => setup::crate_here(session)?,
    };
    session.check(&namespace)?;
    let located = publish::locate(session, &namespace)?;
    let Located { index, basis } = &located;
    let keys = session.keys(None);
    let book = session.store.book()?;
    let source = keys.source(&book, args.signing.key.as_deref(), Some(&namespace))?;
    let (key, label) = public_side(session, &args.signing, &source)?;
    let shell = session.shell;
    shell.print(format!("namespace  {}", namespace.display_both()));
    // The default is a fact once somebody answers there.
    let is_decided = !basis.is_undecided() || *basis == Basis::Default && registry::is_there(session, index);
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
    let registry = Registry::find_any(session, &namespace, index, open)?;
    let subject = Subject { namespace, name, located, is_decided, key, label, places };
    match registry {
        Some(registry) => at_registry(session, &subject, &registry),
        None => Ok(without_registry(session, &subject)),
    }
}

fn without_registry(session: &Session<'_>, subject: &Subject) -> ExitCode {
    let Subject { namespace, located, is_decided, key, places, .. } = subject;
    session.shell.print(match is_decided {
        true => "registry   none: the index is a static site, published to with `--site DIR`",
        false => "registry   not decided",
    });
    session.shell.json(
        "status",
        &json!({
            "namespace": namespace, "index": located.index, "index_from": located.basis, "index_decided": is_decided,
            "key": key.to_string(), "registry": null, "places": places,
        }),
    );
    if *is_decided {
        return ExitCode::Ok;
    }
    session.shell.hint(publish::how_to_decide("cargo nspublish"));
    ExitCode::ActionRequired
}

fn at_registry(session: &Session<'_>, subject: &Subject, registry: &Registry) -> Result<ExitCode, CliError> {
    let Subject { namespace, name, located, is_decided, key, label, places } = subject;
    let shell = session.shell;
    let asking = Asking::at(session, registry);
    let Permission { answer, listed } = asking.ask(key, name.as_ref())?;
    let may = answer.state == CheckState::MayPublish;
    shell.print(format!("registry   {}", registry.host()));
    for line in seen_lines(&answer) {
        shell.print(format!("           {line}"));
    }
    shell.print(format!("publish    {}", if may { "yes" } else { "not yet" }));
    shell.print(&answer.message);
    let owned = if may || name.is_some() { Vec::new() } else { owned(registry, key)? };
    for name in &owned {
        shell.print(format!("publish    further versions of {name}: yes, as an owner"));
        if asking.is_listed(key, name)? == Some(false) {
            guide::warn_of_unlisted(session, key, name);
        }
    }
    if let (Some(false), Some(name)) = (listed, name) {
        guide::warn_of_unlisted(session, key, name);
    }
    let case =
        Case { session, registry, key: *key, label: label.clone(), names: name.iter().cloned().collect() };
    let put_up = match shell.is_json() && guide::is_for_the_domain(answer.state) {
        true => case.places(answer.state)?,
        false => Vec::new(),
    };
    shell.json(
        "status",
        &json!({
            "namespace": namespace, "crate": name.as_ref().map(|name| &name.krate), "index": located.index,
            "index_from": located.basis, "index_decided": is_decided, "key": key.to_string(), "registry": registry.base,
            "state": answer.state, "message": answer.message, "seen": answer.places, "places": places,
            "put_up": put_up, "listed": listed, "owned": owned.iter().map(ToString::to_string).collect::<Vec<_>>(),
        }),
    );
    if may {
        return Ok(ExitCode::Ok);
    }
    shell.hint("`cargo nspublish` in the package guides from here");
    Ok(ExitCode::ActionRequired)
}

/// The crates that a key owns, whose further versions it may publish whatever the domain says.
fn owned(registry: &Registry, key: &PublicKey) -> Result<Vec<QualifiedName>, CliError> {
    let Some(info) = registry.namespace_info()? else { return Ok(Vec::new()) };
    let mut owned = Vec::new();
    for krate in info.crates.into_iter().take(MOST_CRATES) {
        let name = QualifiedName { namespace: info.namespace.clone(), krate };
        // As a publish would ask: an owner alone is not enough where the registry asks the domain each time.
        if registry.check(key, Some(&name.krate))?.state == CheckState::MayPublish {
            owned.push(name);
        }
    }
    Ok(owned)
}

/// What stands at the places, as seen from here.
fn places(session: &Session<'_>, namespace: &Namespace, tokens: &[Token]) -> Vec<serde_json::Value> {
    let client = HttpClient::new(session.settings.http.clone());
    let resolver = session.settings.resolver();
    let shown = Place::ALL.map(|place| {
        let seen = look(place, namespace, tokens, &client, &resolver);
        let address = place.address(namespace, resolver.dev_registry());
        session.shell.print(format!("from here  {address}: {}", seen.text));
        json!({ "place": place, "address": address, "found": seen.found, "seen": seen.text })
    });
    shown.to_vec()
}
