//! The name that Cargo gives the directory of a registry: `<host>-<hash>`, below `$CARGO_HOME/registry/index` and `…/cache`.
//!
//! Cargo 1.85 and later compute the hash from the source's kind and URL, in the same way on every platform. Cargo does not
//! promise this. So if Cargo has made a directory with another name for the host, that one is used ([`crate::cargo_cache`]), and
//! the tests compare with the names that the real Cargo makes.

use std::hash::{Hash as _, Hasher};

use cargo_namespaces::name::IndexUrl;
use rustc_stable_hash::StableSipHasher128;

/// The number of a sparse registry among Cargo's kinds of sources.
const SPARSE_REGISTRY: isize = 3;
/// crates.io's index as Cargo spells it.
pub const CRATES_IO: &str = "sparse+https://index.crates.io/";

/// The name for a sparse index.
pub fn of_index(index: &IndexUrl) -> String {
    format!("{}-{}", index.host(), hash_of(canonical(index.as_str())))
}

/// The name for crates.io.
pub fn of_crates_io() -> String {
    format!("index.crates.io-{}", hash_of(canonical(CRATES_IO)))
}

/// The URL as Cargo compares it: without a slash or `.git` at its end. The slash directly after the host stays.
fn canonical(url: &str) -> &str {
    let Some(trimmed) = url.strip_suffix('/') else { return url };
    let path = trimmed.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
    if path.is_none() { url } else { trimmed.strip_suffix(".git").unwrap_or(trimmed) }
}

fn hash_of(url: &str) -> String {
    let mut hasher = StableSipHasher128::new();
    SPARSE_REGISTRY.hash(&mut hasher);
    url.hash(&mut hasher);
    Hasher::finish(&hasher).to_le_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_io_is_called_as_cargo_calls_it() {
        assert_eq!(of_crates_io(), "index.crates.io-1949cf8c6b5b557f");
        let other = IndexUrl::parse("sparse+https://a.example/cargo/index/").unwrap();
        assert_eq!(of_index(&other), "a.example-8287b2418376c991");
    }

    #[test]
    fn two_indexes_of_one_host_are_kept_apart() {
        let name = |url: &str| of_index(&IndexUrl::parse(url).unwrap());
        let (a, b) = (name("sparse+https://x.example/a/"), name("sparse+https://x.example/b/"));
        assert!(a.starts_with("x.example-") && a != b);
        assert_eq!(a.len(), "x.example-".len() + 16);
    }
}
