//! Keys that read a private namespace because its domain lets them publish there.

use std::time::Duration;

use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::Namespace;
use moka::sync::Cache;

/// How long a domain's word that a key may publish lets the key read: a build fetches hundreds of files.
const LISTED: Duration = Duration::from_secs(60);
/// Most keys that are remembered as listed: an attacker has no say in it, since only keys that a domain lists get in.
const MOST_LISTED: u64 = 10_000;

/// Keys that a domain was seen to list.
#[derive(Debug)]
pub struct Listed(Cache<(Namespace, PublicKey), ()>);

impl Default for Listed {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(MOST_LISTED).time_to_live(LISTED).build())
    }
}

impl Listed {
    pub(super) fn knows(&self, namespace: &Namespace, key: &PublicKey) -> bool {
        self.0.contains_key(&(namespace.clone(), *key))
    }

    pub(super) fn add(&self, namespace: &Namespace, key: &PublicKey) {
        self.0.insert((namespace.clone(), *key), ());
    }
}
