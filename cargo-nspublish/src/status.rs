//! `cargo nspublish status`: says whether a key may publish, and if not, why. It changes nothing.

use cargo_namespaces::api::CheckState;
use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::{Namespace, QualifiedName};
use cargo_namespaces::statement::{Predicate as _, Read};
use cargo_namespaces::token::{Scope, Token};
use cargo_namespaces_cli::shell::{CliError, ExitCode};
use serde_json::json;

use crate::context::Context;
use crate::guide::{
    self, Permission, PermissionCheck, PermissionRequest, RecordLocation, check_location, seen_lines,
};
use crate::index_location;
use crate::key::public_side;
use crate::located::{Basis, Located};
use crate::options::StatusOptions;
use crate::package_here;
use crate::registry::{self, RegistryClient};

/// The most crates of a namespace that are asked about, one after the other. In a larger namespace, the user names the crate.
const MOST_CRATES: usize = 50;

/// What is asked about, and what was found out here.
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
pub fn run(context: &Context<'_>, options: &StatusOptions) -> Result<ExitCode, CliError> {
    let (namespace, name) = match &options.name {
        Some(Scope::Crate(name)) => (name.namespace.clone(), Some(name.clone())),
        Some(Scope::Namespace(namespace)) => (namespace.clone(), None),
        None => package_here::crate_here(context)?,
    };
    context.check(&namespace)?;
    let located = index_location::locate(context, &namespace)?;
    let Located { index, basis } = &located;
    let keys = context.keys(None);
    let book = context.store.book()?;
    let source = keys.source(&book, options.signing.key.as_deref(), Some(&namespace))?;
    let (key, label) = public_side(context, &options.signing, &source)?;
    let shell = context.shell;
    shell.print(format!("namespace  {}", namespace.display_both()));
    // The default index is decided if something answers there.
    let is_decided =
        !basis.is_undecided() || *basis == Basis::Default && registry::is_there(context.network, index);
    shell.print(match is_decided {
        true => format!("index      {index}"),
        false => format!("index      not decided: {index} would be it ({basis})"),
    });
    let called = context.store.labels()?.get(&key).map(|label| format!(", {label}")).unwrap_or_default();
    shell.print(format!("key        {label} ({key}{called})"));
    let mut scopes = vec![Scope::Namespace(namespace.clone())];
    scopes.extend(name.clone().map(Scope::Crate));
    let tokens: Vec<Token> = scopes.iter().map(|scope| Token::compute(scope, &key)).collect();
    let places = places(context, &namespace, &tokens);
    let sign = |read: &Read| Ok(read.sign(&keys.open(&book, &source)?.secret));
    let registry = RegistryClient::find_any(context.network, &namespace, index, sign)?;
    let subject = Subject { namespace, name, located, is_decided, key, label, places };
    match registry {
        Some(registry) => at_registry(context, &subject, &registry),
        None => Ok(without_registry(context, &subject)),
    }
}

fn without_registry(context: &Context<'_>, subject: &Subject) -> ExitCode {
    let Subject { namespace, located, is_decided, key, places, .. } = subject;
    context.shell.print(match is_decided {
        true => "registry   none: the index is a static site, published to with `--site DIR`",
        false => "registry   not decided",
    });
    context.shell.json(
        "status",
        &json!({
            "namespace": namespace, "index": located.index, "index_from": located.basis, "index_decided": is_decided,
            "key": key.to_string(), "registry": null, "places": places,
        }),
    );
    if *is_decided {
        return ExitCode::Ok;
    }
    context.shell.hint(index_location::how_to_decide("cargo nspublish"));
    ExitCode::ActionRequired
}

fn at_registry(
    context: &Context<'_>,
    subject: &Subject,
    registry: &RegistryClient<'_>,
) -> Result<ExitCode, CliError> {
    let Subject { namespace, name, located, is_decided, key, label, places } = subject;
    let shell = context.shell;
    let asking = PermissionCheck::at(context, registry);
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
            guide::warn_of_unlisted(context, key, name);
        }
    }
    if let (Some(false), Some(name)) = (listed, name) {
        guide::warn_of_unlisted(context, key, name);
    }
    let request = PermissionRequest {
        context,
        registry,
        key: *key,
        label: label.clone(),
        names: name.iter().cloned().collect(),
    };
    let put_up = match shell.is_json() && guide::is_for_the_domain(answer.state) {
        true => request.places(answer.state)?,
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

/// Returns the crates that a key owns. It may publish further versions of them, even if the domain does not list it.
fn owned(registry: &RegistryClient<'_>, key: &PublicKey) -> Result<Vec<QualifiedName>, CliError> {
    let Some(info) = registry.namespace_info()? else { return Ok(Vec::new()) };
    let mut owned = Vec::new();
    for krate in info.crates.into_iter().take(MOST_CRATES) {
        let name = QualifiedName { namespace: info.namespace.clone(), krate };
        // Asked as a publish would, since some registries ask the domain each time.
        if registry.check(key, Some(&name.krate))?.state == CheckState::MayPublish {
            owned.push(name);
        }
    }
    Ok(owned)
}

/// Looks for the tokens at each location, and prints what is there.
fn places(context: &Context<'_>, namespace: &Namespace, tokens: &[Token]) -> Vec<serde_json::Value> {
    let network = context.network;
    let shown = RecordLocation::ALL.map(|place| {
        let seen = check_location(place, namespace, tokens, network);
        let address = place.address(namespace, network.dev_registry());
        context.shell.print(format!("from here  {address}: {}", seen.text));
        json!({ "place": place, "address": address, "found": seen.found, "seen": seen.text })
    });
    shown.to_vec()
}
