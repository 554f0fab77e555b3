//! Keys that read a private namespace because its domain lets them publish there.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::Namespace;

/// How long a domain's word that a key may publish lets the key read: a build fetches hundreds of files.
const LISTED: Duration = Duration::from_secs(60);
/// Most keys that are remembered as listed: an attacker has no say in it, since only keys that a domain lists get in.
const MOST_LISTED: usize = 10_000;

/// Keys that a domain was seen to list, and when.
#[derive(Debug, Default)]
pub struct Listed(Mutex<HashMap<(Namespace, PublicKey), Instant>>);

impl Listed {
    pub(super) fn knows(&self, namespace: &Namespace, key: &PublicKey) -> bool {
        let keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.get(&(namespace.clone(), *key)).is_some_and(|since| since.elapsed() < LISTED)
    }

    pub(super) fn add(&self, namespace: &Namespace, key: &PublicKey) {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= MOST_LISTED {
            keys.clear();
        }
        keys.insert((namespace.clone(), *key), Instant::now());
    }
}
