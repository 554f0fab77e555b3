//! The registry's dialler: which addresses a stranger's domain may lead to, and that no other is dialled.

use std::net::{IpAddr, SocketAddr};

use cargo_namespaces::name::Namespace;
use cargo_namespaces_net::client::{Client, Pinned};
use cargo_namespaces_net::domain::{DialError, Dialler};
use cargo_namespaces_net::resolver::Resolver;
use ipnet::IpNet;

use super::ranges;

/// Looks up the addresses of a domain by the first resolver, and lets the client dial those and no others.
#[derive(Debug)]
pub(super) struct PublicHosts<'a> {
    pub(super) client: &'a Client,
    pub(super) resolver: &'a Resolver,
    pub(super) rules: &'a DialRules,
}

/// What the operator allows.
#[derive(Debug)]
pub(super) struct DialRules {
    /// Special-purpose ranges that may be dialled all the same.
    pub(super) allow: Vec<IpNet>,
    /// The port in place of 443.
    pub(super) port: u16,
}

impl DialRules {
    /// Returns the addresses to dial, if every one of them may be: one bad address spoils the answer, it is an attempt.
    fn admit(&self, namespace: &Namespace, found: &[IpAddr]) -> Result<Vec<SocketAddr>, DialError> {
        if found.is_empty() {
            return Err(DialError(format!("`{namespace}` has no address")));
        }
        let refused = |address: &&IpAddr| {
            ranges::is_special(**address) && !self.allow.iter().any(|range| range.contains(*address))
        };
        match found.iter().find(refused) {
            Some(address) => Err(DialError(format!(
                "`{namespace}` resolves to {address}, which is not a public address; this registry does not connect to it"
            ))),
            None => Ok(found.iter().map(|address| SocketAddr::new(*address, self.port)).collect()),
        }
    }
}

impl Dialler for PublicHosts<'_> {
    async fn admit(&self, namespace: &Namespace) -> Result<Option<Pinned>, DialError> {
        let found = self.resolver.lookup_addresses(namespace.as_str(), self.client).await;
        let found = found.map_err(|error| DialError(error.to_string()))?;
        let addresses = self.rules.admit(namespace, &found)?;
        Ok(Some(self.client.pin(namespace.as_str(), addresses)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialler(allow: &[&str]) -> DialRules {
        let allow = allow.iter().map(|range| range.parse().unwrap()).collect();
        DialRules { allow, port: 443 }
    }

    fn admit(dialler: &DialRules, addresses: &[&str]) -> Result<Vec<SocketAddr>, DialError> {
        let addresses: Vec<IpAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
        dialler.admit(&Namespace::parse("serde.rs").unwrap(), &addresses)
    }

    #[test]
    fn a_domain_that_leads_inside_is_not_followed() {
        let strict = dialler(&[]);
        assert!(admit(&strict, &["93.184.215.14"]).is_ok());
        for inside in ["127.0.0.1", "169.254.169.254", "::ffff:10.0.0.1", "fd00::1"] {
            assert!(admit(&strict, &[inside]).unwrap_err().0.contains("not a public address"), "{inside}");
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
