//! Who may ask about a private namespace.
//!
//! A request whose path names a private namespace is checked before it is routed, and one whose body names it (there are four
//! kinds) before anything is looked up. So a stranger gets the same answer at every address and with every method, whether a crate
//! exists or not: the check knows nothing of crates. The answer does say that the namespace is private here, because Cargo sends a
//! token only after a 401.
//!
//! The token of a publish or a yank is the statement that it is about; that of any other request is a `read` statement. Its signer
//! is a reader if it was not revoked and is
//!
//! - one of the `readers` of the configuration,
//! - an owner of a crate of the namespace, or a key that a crate is offered to,
//! - a key that the domain lets publish in the namespace now, since it could make itself an owner. The domain is asked at most
//!   once a minute.

pub mod listed;

use cargo_namespaces::domain_view::RecordPlace;
use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::{Namespace, QualifiedName};
use percent_encoding::percent_decode_str;

use crate::client_address::ClientAddress;
use crate::config::Config;
use crate::db::{DbError, ownership};
use crate::permission::message::Asking;
use crate::permission::{self, PermissionError};
use crate::registry::Registry;
use crate::validate::queue::Asker;

/// A request may not go on. The text is the same for every stranger.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccessError {
    /// There is no token.
    #[error("{text}")]
    NoToken {
        /// What strangers read.
        text: String,
        /// Where people are told that they need no token.
        login_url: String,
    },
    /// The signer of the token is no reader.
    #[error("{0}")]
    NotReader(String),
    /// The domain cannot be asked.
    #[error(transparent)]
    Permission(#[from] PermissionError),
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Who signed the statement that a request shows, and the crate that it is about, if it is about one.
pub type Signer = Option<(PublicKey, Option<QualifiedName>)>;

/// Lets a request for a private namespace pass that comes from one of its readers.
///
/// # Errors
/// It comes from somebody else; the same for all of them.
pub async fn check(
    registry: &Registry,
    namespace: &Namespace,
    signer: Signer,
    client: ClientAddress,
) -> Result<(), AccessError> {
    let text = refusal(registry, namespace);
    let Some((key, name)) = signer else {
        return Err(AccessError::NoToken { text, login_url: registry.config.public.url().to_owned() });
    };
    if is_reader(registry, namespace, name.as_ref(), &key, client).await? {
        return Ok(());
    }
    Err(AccessError::NotReader(text))
}

/// The private namespace that a path names, in whichever of its segments and however that is spelled.
pub fn private(config: &Config, path: &str) -> Option<Namespace> {
    if !config.has_private() {
        return None;
    }
    let path = percent_decode_str(path).decode_utf8_lossy();
    let named = |segment: &str| {
        // Most segments have no dot, and `localhost` is the only namespace without one.
        let plain =
            !segment.contains('.') && segment.is_ascii() && !segment.eq_ignore_ascii_case("localhost");
        let namespace = if plain { None } else { Namespace::parse(segment).ok() };
        namespace.filter(|namespace| config.is_private(namespace))
    };
    path.split('/').find_map(named)
}

async fn is_reader(
    registry: &Registry,
    namespace: &Namespace,
    name: Option<&QualifiedName>,
    key: &PublicKey,
    client: ClientAddress,
) -> Result<bool, AccessError> {
    {
        let mut read = registry.db.read().await?;
        if ownership::revocation_of(read.connection(), namespace, key).await?.is_some() {
            return Ok(false);
        }
        let named = registry.config.readers(namespace).is_some_and(|readers| readers.contains(key));
        if named || ownership::takes_part(read.connection(), namespace, key).await? {
            return Ok(true);
        }
    }
    if registry.listed.knows(namespace, key) {
        return Ok(true);
    }
    let asker = Asker { client, key: Some(*key), claims: false };
    let may_publish = async |name| {
        let asking = Asking::new(&registry.config, namespace, name, key);
        permission::is_listed(registry, &asking, &asker).await
    };
    if may_publish(None).await? {
        // A development registry has the files of its domains itself, and an unclaimed domain may get an owner at any time.
        if registry.validator.domains().is_none() {
            registry.listed.add(namespace, key);
        }
        return Ok(true);
    }
    // A record for one crate lets the key publish that crate; it reads nothing before it owns the crate.
    Ok(name.is_some() && may_publish(name).await?)
}

/// Makes the text that every stranger gets. Cargo shows only the first 512 bytes of the answer to a request for an index, so what
/// to do comes first.
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
