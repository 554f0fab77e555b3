//! Who may ask about a private namespace.
//!
//! Every request whose path names one comes through [`gate`] before it is routed, and each of the four whose body names one
//! through [`check`] before anything is looked up. So a stranger gets the same answer at every address, with every method, for
//! what is there and for what is not: there is one place that could tell, and it knows nothing of crates. What it does tell is
//! that the namespace is private here, since Cargo must be asked for a token (401) to send one.
//!
//! A publish and a yank show the statement that they are about; everything else a `read` statement. Who signed it is a reader
//! when it is
//!
//! - among the `readers` of the configuration,
//! - an owner of a crate of the namespace, or a key that one is offered to,
//! - a key that a record at the domain lets publish in the namespace now (it could make itself an owner), which is asked for
//!   at most once a minute,
//!
//! and was not revoked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use cargo_namespaces::api::CheckState;
use cargo_namespaces::domain_view::RecordPlace;
use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::{Namespace, QualifiedName};
use percent_encoding::percent_decode_str;

use crate::app::Registry;
use crate::auth::{self, Shown};
use crate::client_address::ClientAddress;
use crate::config::Config;
use crate::db::people;
use crate::error::ApiError;
use crate::publish::permission;
use crate::validate::queue::Asker;

/// How long a domain's word that a key may publish lets the key read: a build fetches hundreds of files.
const LISTED: Duration = Duration::from_secs(60);
/// Most keys that are remembered as listed: an attacker has no say in it, since only keys that a domain lists get in.
const MOST_LISTED: usize = 10_000;

/// Keys that a domain was seen to list, and when.
#[derive(Debug, Default)]
pub struct Listed(Mutex<HashMap<(Namespace, PublicKey), Instant>>);

impl Listed {
    fn knows(&self, namespace: &Namespace, key: &PublicKey) -> bool {
        let keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.get(&(namespace.clone(), *key)).is_some_and(|since| since.elapsed() < LISTED)
    }

    fn add(&self, namespace: &Namespace, key: &PublicKey) {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= MOST_LISTED {
            keys.clear();
        }
        keys.insert((namespace.clone(), *key), Instant::now());
    }
}

/// Lets a request pass that names no private namespace, or comes from a reader of the one that it names.
///
/// # Errors
/// It comes from somebody else; the same for all of them.
pub async fn gate(
    State(registry): State<Arc<Registry>>,
    client: ClientAddress,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    if let Some(namespace) = private(&registry.config, request.uri().path()) {
        let shown = Shown::of(request.headers()).ok();
        let signed = shown.as_ref().and_then(|shown| signed(&registry, &namespace, &request, shown));
        admit(&registry, &namespace, signed, client).await?;
        if let Some(shown) = shown {
            request.extensions_mut().insert(shown);
        }
    }
    Ok(next.run(request).await)
}

/// Whether a request whose body names the namespace may go on: the namespace is public, or a reader asks.
///
/// # Errors
/// As [`gate`].
pub async fn check(
    registry: &Registry,
    namespace: &Namespace,
    headers: &HeaderMap,
    client: ClientAddress,
) -> Result<(), ApiError> {
    if !registry.config.is_private(namespace) {
        return Ok(());
    }
    let signed = Shown::of(headers).ok().and_then(|shown| reads(registry, namespace, &shown));
    admit(registry, namespace, signed, client).await
}

/// The private namespace that a path names, in whichever of its segments and however that is spelled.
fn private(config: &Config, path: &str) -> Option<Namespace> {
    if !config.has_private() {
        return None;
    }
    let path = percent_decode_str(path).decode_utf8_lossy();
    let named = |segment: &str| {
        // ASCII without a dot is no domain but one; most segments are that.
        let plain =
            !segment.contains('.') && segment.is_ascii() && !segment.eq_ignore_ascii_case("localhost");
        let namespace = if plain { None } else { Namespace::parse(segment).ok() };
        namespace.filter(|namespace| config.is_private(namespace))
    };
    path.split('/').find_map(named)
}

/// Whose statement a request shows, and the crate that it is about, if it is about one.
type Signed = Option<(PublicKey, Option<QualifiedName>)>;

fn signed(registry: &Registry, namespace: &Namespace, request: &Request, shown: &Shown) -> Signed {
    let path = request.uri().path();
    let publishes = *request.method() == Method::PUT && path.ends_with("/crates/new");
    if publishes {
        let release = auth::release(registry, namespace, shown).ok()?;
        return Some((release.key(), Some(release.into_facts().name)));
    }
    if path.ends_with("/yank") || path.ends_with("/unyank") {
        let yank = auth::yank(registry, namespace, shown).ok()?;
        return Some((yank.key(), Some(yank.into_facts().name)));
    }
    reads(registry, namespace, shown)
}

fn reads(registry: &Registry, namespace: &Namespace, shown: &Shown) -> Signed {
    auth::read(registry, namespace, shown).map(|key| (key, None))
}

async fn admit(
    registry: &Registry,
    namespace: &Namespace,
    signed: Signed,
    client: ClientAddress,
) -> Result<(), ApiError> {
    let text = refusal(registry, namespace);
    let Some((key, name)) = signed else {
        return Err(ApiError::unauthorized(text, registry.config.public.url()));
    };
    if is_reader(registry, namespace, name.as_ref(), &key, client).await? {
        return Ok(());
    }
    Err(ApiError::new(StatusCode::FORBIDDEN, "private", text))
}

async fn is_reader(
    registry: &Registry,
    namespace: &Namespace,
    name: Option<&QualifiedName>,
    key: &PublicKey,
    client: ClientAddress,
) -> Result<bool, ApiError> {
    {
        let mut read = registry.db.read().await?;
        if people::revocation_of(read.connection(), namespace, key).await?.is_some() {
            return Ok(false);
        }
        let named = registry.config.readers(namespace).is_some_and(|readers| readers.contains(key));
        if named || people::takes_part(read.connection(), namespace, key).await? {
            return Ok(true);
        }
    }
    if registry.listed.knows(namespace, key) {
        return Ok(true);
    }
    let asker = Asker { client, key: Some(*key), claims: false };
    let may_publish = async |name| -> Result<bool, ApiError> {
        let finding = permission::by_domain(registry, namespace, name, key, &asker).await?;
        Ok(finding.state == CheckState::MayPublish)
    };
    if may_publish(None).await? {
        // The files of a development registry's domains are at hand, and one that is nobody's may be another's in a moment.
        if registry.validator.domains().is_none() {
            registry.listed.add(namespace, key);
        }
        return Ok(true);
    }
    // A record for one crate lets the key publish that crate, and read nothing until it owns it.
    Ok(name.is_some() && may_publish(name).await?)
}

/// What every stranger reads, whoever it is and whatever was asked for. Cargo shows only the first half KiB of an answer to its
/// question for an index, so what to do comes first.
fn refusal(registry: &Registry, namespace: &Namespace) -> String {
    let contact = registry.config.public.contact.as_deref().map(|to| format!(" ({to})")).unwrap_or_default();
    let file =
        registry.validator.domains().and_then(|domains| domains.file(namespace, RecordPlace::Publishers));
    let place = file.map(|file| format!(", a line of {}", file.display())).unwrap_or_default();
    format!(
        "{shown} is private here, and the key of this request, if any, is not among its readers. Let the domain list the \
         key (`cargo nspublish setup {namespace}` prints the record{place}), or the registry's operator{contact} add it to `readers` \
         under `[namespaces.\"{namespace}\"]` (`cargo nspublish key list` shows it).\n\
         Owners of its crates are readers, too. Cargo needs `credential-provider = [\"cargo-nspublish\"]`, which `setup` \
         writes, and a clock that agrees with the registry's to a minute.",
        shown = namespace.display_both(),
    )
}

#[cfg(test)]
mod tests {
    use cargo_namespaces_cli::env::Environment;

    use super::*;
    use crate::config::{self, NamespaceRules, Overrides};

    #[test]
    fn a_private_namespace_is_known_however_it_is_spelled_and_wherever_it_stands() {
        let mut config = config::load(None, &Environment::default(), &Overrides::default()).unwrap();
        let paths = [
            "/index/corp.rs/config.json",
            "/index/CORP.rs/config.json",
            "/ns/corp%2Ers/api/v1/crates/new",
            "/api/v1/crate/corp.rs%2fhello",
            "/crates/%63orp.rs%2Fhello",
            "/corp\u{3002}rs/hello",
            "/no/such/route/corp.rs",
            "/LOCALHOST/hello",
        ];
        for path in paths {
            assert_eq!(private(&config, path), None, "nothing is private: {path}");
        }
        for name in ["corp.rs", "localhost"] {
            let rules = NamespaceRules { auth_required: true, ..NamespaceRules::default() };
            config.namespaces.insert(Namespace::parse(name).unwrap(), rules);
        }
        for path in paths {
            assert!(private(&config, path).is_some(), "{path}");
        }
        for path in ["/", "/index/open.rs/config.json", "/index/corp.rs.open.rs/config.json", "/%ff"] {
            assert_eq!(private(&config, path), None, "{path}");
        }
    }
}
