//! What is asked of a registry and of an index. Pure: a request is a value, and `client` sends it.

use cargo_namespaces::api::{CheckRequest, DocumentsRequest, ResignRequest, SignedRequest, path};
use cargo_namespaces::discovery::cargo_txt_url;
use cargo_namespaces::index::{IndexConfig, IndexLine};
use cargo_namespaces::key::PublicKey;
use cargo_namespaces::limits;
use cargo_namespaces::name::{CrateName, IndexUrl, Namespace, QualifiedName};
use cargo_namespaces::statement::Envelope;
use cargo_namespaces_net::client::Request;
use cargo_namespaces_net::sparse::IndexFile;
use serde::Serialize;

/// The `config.json` of an index.
pub fn index_config(index: &IndexUrl) -> Request {
    IndexFile::config(index).request(index, None)
}

/// The index file of a crate.
pub fn index_file(index: &IndexUrl, krate: &CrateName) -> Request {
    IndexFile::of_crate(index, krate).request(index, None)
}

/// The .crate of a release, held in memory.
pub fn package(config: &IndexConfig, name: &CrateName, line: &IndexLine) -> Request {
    let mut request = Request::index_file(config.download_url(name, &line.vers, &line.cksum));
    (request.max_bytes, request.timeout) = (limits::MAX_PACKED, limits::DOWNLOAD_TIMEOUT);
    request
}

/// What a registry says of itself.
pub fn cargo_txt(instance: &str) -> Request {
    Request::document(cargo_txt_url(instance))
}

/// What the registry at `base` knows of a crate.
pub fn krate(base: &str, name: &QualifiedName) -> Request {
    get(base, &path::krate(name))
}

/// What the registry at `base` knows of a namespace.
pub fn namespace(base: &str, namespace: &Namespace) -> Request {
    get(base, &path::namespace(namespace))
}

/// Whether a key may publish a crate, or any crate of the namespace.
pub fn check(
    base: &str,
    namespace: &Namespace,
    key: &PublicKey,
    krate: Option<&CrateName>,
) -> Result<Request, serde_json::Error> {
    post(base, &path::check(namespace), &CheckRequest { key: *key, krate: krate.cloned() })
}

/// A signed change of owners.
pub fn change_owners(base: &str, envelope: Envelope) -> Result<Request, serde_json::Error> {
    post(base, path::OWNERS, &SignedRequest { envelope })
}

/// A signed step of a transfer.
pub fn transfer(base: &str, envelope: Envelope) -> Result<Request, serde_json::Error> {
    post(base, path::TRANSFER, &SignedRequest { envelope })
}

/// Further signatures for releases.
pub fn resign(base: &str, request: &ResignRequest) -> Result<Request, serde_json::Error> {
    post(base, path::ATTESTATIONS, request)
}

/// Endorsements and revocations for the registry's copy of a namespace's documents.
pub fn documents(
    base: &str,
    namespace: &Namespace,
    envelopes: Vec<Envelope>,
) -> Result<Request, serde_json::Error> {
    post(base, path::DOCUMENTS, &DocumentsRequest { namespace: namespace.clone(), envelopes })
}

fn get(base: &str, path: &str) -> Request {
    Request::index_file(format!("{base}{path}"))
}

fn post(base: &str, path: &str, body: &impl Serialize) -> Result<Request, serde_json::Error> {
    let body = serde_json::to_vec(body)?;
    let mut request = Request::post(format!("{base}{path}"), "application/json", body);
    request.max_bytes = limits::MAX_INDEX_FILE;
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interface_is_beside_the_index() {
        let name = QualifiedName::parse("serde.rs/serde-abc").unwrap();
        let base = "https://crates.example/";
        let check = check(base, &name.namespace, &PublicKey::parse(KEY).unwrap(), Some(&name.krate)).unwrap();
        assert_eq!(check.url, "https://crates.example/api/v1/namespace/serde.rs/check");
        assert_eq!(krate(base, &name).url, "https://crates.example/api/v1/crate/serde.rs%2Fserde-abc");
    }

    const KEY: &str = "ed25519:3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=";
}
