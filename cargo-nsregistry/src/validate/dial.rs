//! Fetching a domain's two documents from the address that was looked at, and no other.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use cargo_namespaces::discovery::{CARGO_PUBLISHERS_PATH, PACKAGE_NAMESPACE_PATH};
use cargo_namespaces::domain_view::ProbeOutcome;
use cargo_namespaces::limits::MAX_DOCUMENT;
use cargo_namespaces::name::Namespace;
use cargo_namespaces_net::client::authorities;

use super::ranges;
use crate::config::{Range, Validation};
use crate::log;

/// How long a document may take in whole, connection and handshake included.
const IN_ALL: Duration = Duration::from_secs(10);
/// How long the connection may take.
const CONNECT: Duration = Duration::from_secs(5);

/// Dials domains.
#[derive(Debug)]
pub(super) struct Dialler {
    ca_file: Option<PathBuf>,
    allow: Vec<Range>,
    port: u16,
}

impl Dialler {
    pub(super) fn new(settings: &Validation) -> Self {
        Self { ca_file: settings.ca_file.clone(), allow: settings.allow.clone(), port: settings.port }
    }

    /// The addresses of a domain, if every one of them may be dialled: one bad apple is an attempt.
    pub(super) fn admit(&self, namespace: &Namespace, found: &[IpAddr]) -> Result<Vec<SocketAddr>, String> {
        if found.is_empty() {
            return Err(format!("`{namespace}` has no address"));
        }
        let refused = |address: &&IpAddr| {
            ranges::is_special(**address) && !self.allow.iter().any(|range| range.contains(**address))
        };
        match found.iter().find(refused) {
            Some(address) => Err(format!(
                "`{namespace}` leads to {address}, which is not a public address; this registry does not go there"
            )),
            None => Ok(found.iter().map(|address| SocketAddr::new(*address, self.port)).collect()),
        }
    }

    /// The JSON document and the text document, at once.
    pub(super) async fn documents(
        &self,
        namespace: &Namespace,
        addresses: &[SocketAddr],
    ) -> [ProbeOutcome; 2] {
        match self.client(namespace, addresses) {
            Ok(client) => {
                let json = self.document(&client, namespace, PACKAGE_NAMESPACE_PATH);
                let publishers = self.document(&client, namespace, CARGO_PUBLISHERS_PATH);
                let (json, publishers) = tokio::join!(json, publishers);
                [json, publishers]
            }
            Err(problem) => [ProbeOutcome::Failed(problem.clone()), ProbeOutcome::Failed(problem)],
        }
    }

    /// A client that knows one host, at these addresses.
    fn client(&self, namespace: &Namespace, addresses: &[SocketAddr]) -> Result<reqwest::Client, String> {
        // Another part of the process may have installed a provider; any will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("cargo-nsregistry/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .https_only(true)
            .connect_timeout(CONNECT)
            .timeout(IN_ALL)
            .resolve_to_addrs(namespace.as_str(), addresses);
        if let Some(path) = &self.ca_file {
            // Where this registry keeps its files is nothing to a stranger, and was looked at when it started.
            let certificates = authorities(path).map_err(|problem| {
                log::failure(&problem);
                "this registry's CA file cannot be used; its operator finds why in its log".to_owned()
            })?;
            builder = builder.tls_certs_only(certificates);
        }
        builder.build().map_err(|error| error.to_string())
    }

    async fn document(&self, client: &reqwest::Client, namespace: &Namespace, path: &str) -> ProbeOutcome {
        let port = if self.port == 443 { String::new() } else { format!(":{}", self.port) };
        let url = format!("https://{namespace}{port}{path}");
        match tokio::time::timeout(IN_ALL, fetch(client, &url)).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => ProbeOutcome::Failed(chain(&error)),
            Err(_) => ProbeOutcome::Failed(format!("nothing whole within {} seconds", IN_ALL.as_secs())),
        }
    }
}

async fn fetch(client: &reqwest::Client, url: &str) -> Result<ProbeOutcome, reqwest::Error> {
    let mut response = client.get(url).send().await?;
    match response.status().as_u16() {
        200 => {}
        404 | 410 => return Ok(ProbeOutcome::Absent),
        300..=399 => {
            return Ok(ProbeOutcome::Failed("it redirects; the document must stand there itself".to_owned()));
        }
        status => return Ok(ProbeOutcome::Failed(format!("it answered with HTTP status {status}"))),
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MAX_DOCUMENT {
            return Ok(ProbeOutcome::Failed(format!("it is larger than {MAX_DOCUMENT} bytes")));
        }
    }
    Ok(ProbeOutcome::Document(bytes))
}

/// The innermost cause says what happened; the outer ones repeat the URL.
fn chain(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialler(allow: &[&str]) -> Dialler {
        let allow = allow.iter().map(|range| range.parse().unwrap()).collect();
        Dialler { ca_file: None, allow, port: 443 }
    }

    fn admit(dialler: &Dialler, addresses: &[&str]) -> Result<Vec<SocketAddr>, String> {
        let addresses: Vec<IpAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
        dialler.admit(&Namespace::parse("serde.rs").unwrap(), &addresses)
    }

    #[test]
    fn a_domain_that_leads_inside_is_not_followed() {
        let strict = dialler(&[]);
        assert!(admit(&strict, &["93.184.215.14"]).is_ok());
        for inside in ["127.0.0.1", "169.254.169.254", "::ffff:10.0.0.1", "fd00::1"] {
            assert!(admit(&strict, &[inside]).unwrap_err().contains("not a public address"), "{inside}");
            let mixed = ["93.184.215.14", inside];
            assert!(admit(&strict, &mixed).is_err(), "one bad address spoils the answer");
        }
        assert!(admit(&strict, &[]).is_err());
    }

    #[test]
    fn an_operator_may_allow_a_network_and_no_other() {
        let company = dialler(&["10.0.0.0/8"]);
        assert!(admit(&company, &["10.1.2.3"]).is_ok());
        assert!(admit(&company, &["10.1.2.3", "192.168.0.1"]).is_err());
    }
}
