//! The client of a request, by its address: limits per client count by it.
//!
//! Behind a proxy every connection comes from the proxy. The proxies that the operator trusts (`server.trusted-proxies`) name the
//! client in `X-Forwarded-For`. Anybody can send that header, so it counts from nobody else. It is read from its end, where each
//! proxy adds the address that it saw; the first address that does not belong to a trusted proxy is the client's. `Forwarded`
//! (RFC 7239) is not read: a proxy that sets one of the two headers passes on the other as the client sent it.

use std::fmt::{Display, Formatter};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;

/// The header in which a proxy names the client.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// The size of the network that one customer has at least: more addresses than could be counted one by one.
const IPV6_PREFIX: u32 = 64;

/// The other end of a connection; the server puts it into the extensions of each request.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// A client: an IPv4 address, or the IPv6 network of 64 bits that an address lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientAddress(IpAddr);

impl ClientAddress {
    /// The client with this address.
    pub fn new(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => {
                let network = address.to_bits() & (u128::MAX << (128 - IPV6_PREFIX));
                Self(Ipv6Addr::from_bits(network).into())
            }
            address => Self(address),
        }
    }

    /// The client of a request with these headers, which came over a connection from `peer`.
    pub fn of_request(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> Self {
        let is_proxy = |address: IpAddr| trusted.iter().any(|range| range.contains(&address));
        let mut client = peer.to_canonical();
        let lines: Vec<_> = headers.get_all(FORWARDED_FOR).iter().collect();
        let mut said = lines.iter().rev().flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
        while is_proxy(client)
            && let Some(address) = said.next().and_then(parse)
        {
            client = address;
        }
        Self::new(client)
    }
}

/// An address as proxies write it: some add the port, and then brackets around an IPv6 address.
fn parse(text: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(text).ok()?.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()))?;
    Some(IpAddr::to_canonical(&address))
}

impl Display for ClientAddress {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            IpAddr::V4(address) => address.fmt(f),
            IpAddr::V6(network) => write!(f, "{network}/{IPV6_PREFIX}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append(FORWARDED_FOR, line.parse().unwrap());
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|range| range.parse().unwrap()).collect();
        ClientAddress::of_request(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn the_header_counts_only_when_a_trusted_proxy_sends_it() {
        let proxies = ["10.0.0.0/8", "fd00::1/128"];
        assert_eq!(client("203.0.113.9", &["198.51.100.1"], &proxies), "203.0.113.9");
        assert_eq!(client("10.0.0.1", &["198.51.100.1"], &[]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["198.51.100.1"], &proxies), "198.51.100.1");
        assert_eq!(client("::ffff:10.0.0.1", &["198.51.100.1"], &proxies), "198.51.100.1");
        assert_eq!(client("fd00::1", &["198.51.100.1"], &proxies), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &[], &proxies), "10.0.0.1");
    }

    #[test]
    fn what_the_client_wrote_itself_does_not_count() {
        let proxies = ["10.0.0.0/8"];
        for forwarded in [
            &["192.0.2.1, 198.51.100.1"][..],
            &["192.0.2.1", "198.51.100.1"],
            &["192.0.2.1, 198.51.100.1, 10.0.0.2"],
            &["192.0.2.1,198.51.100.1", "10.0.0.3", "10.0.0.2"],
            &["10.9.9.9, 198.51.100.1"],
        ] {
            assert_eq!(client("10.0.0.1", forwarded, &proxies), "198.51.100.1", "{forwarded:?}");
        }
        for forwarded in ["198.51.100.1, unknown", "", ",", "198.51.100.1, \u{e9}"] {
            assert_eq!(client("10.0.0.1", &[forwarded], &proxies), "10.0.0.1", "{forwarded:?}");
        }
    }

    #[test]
    fn ports_and_brackets_are_left_out_and_ipv6_networks_are_one_client() {
        let proxies = ["10.0.0.0/8"];
        for (forwarded, expected) in [
            ("198.51.100.1:4711", "198.51.100.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("[2001:db8:1:2::9]", "2001:db8:1:2::/64"),
            ("[2001:db8:1:2::9]:4711", "2001:db8:1:2::/64"),
            ("::ffff:198.51.100.1", "198.51.100.1"),
        ] {
            assert_eq!(client("10.0.0.1", &[forwarded], &proxies), expected);
        }
        assert_ne!(client("2001:db8:1:2::1", &[], &[]), client("2001:db8:1:3::1", &[], &[]));
    }
}
