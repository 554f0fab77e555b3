//! Which addresses a stranger's domain may not lead to.
//!
//! The IANA registries of special-purpose addresses (RFC 6890 and later), multicast, and the ways to write an IPv4 address
//! inside an IPv6 one: those are looked at again as what they contain. What clouds serve credentials from (169.254.169.254,
//! fd00:ec2::254) lies in ranges that are listed anyway.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

const fn v4(a: u8, b: u8, c: u8, d: u8, bits: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), bits)
}

const fn v6(a: u16, b: u16, bits: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0), bits)
}

/// IPv4 ranges that are nobody's public host.
const V4: [Ipv4Net; 17] = [
    v4(0, 0, 0, 0, 8),       // "this network"; some systems take it for loopback
    v4(10, 0, 0, 0, 8),      // private
    v4(100, 64, 0, 0, 10),   // carrier-grade NAT
    v4(127, 0, 0, 0, 8),     // loopback
    v4(169, 254, 0, 0, 16),  // link-local, and the metadata services of clouds
    v4(172, 16, 0, 0, 12),   // private
    v4(192, 0, 0, 0, 24),    // protocol assignments
    v4(192, 0, 2, 0, 24),    // documentation
    v4(192, 31, 196, 0, 24), // AS112
    v4(192, 52, 193, 0, 24), // AMT
    v4(192, 88, 99, 0, 24),  // 6to4 relays
    v4(192, 168, 0, 0, 16),  // private
    v4(192, 175, 48, 0, 24), // AS112
    v4(198, 18, 0, 0, 15),   // benchmarking
    v4(198, 51, 100, 0, 24), // documentation
    v4(203, 0, 113, 0, 24),  // documentation
    v4(224, 0, 0, 0, 3),     // multicast, reserved, broadcast
];

/// IPv6 ranges outside of which nothing public is: only 2000::/3 is assigned to hosts at all.
const V6_PUBLIC: Ipv6Net = v6(0x2000, 0, 3);
const V6: [Ipv6Net; 6] = [
    v6(0x2001, 0, 23), // protocol assignments, Teredo (which holds an IPv4 address) among them
    v6(0x2001, 0x0db8, 32), // documentation
    v6(0x2002, 0, 16), // 6to4, which holds an IPv4 address
    v6(0x2620, 0x004f, 32), // AS112 and its neighbours
    v6(0x3fff, 0, 20), // documentation
    v6(0x3ffe, 0, 16), // the 6bone that was
];

/// Whether `address` is not a public host's. Those inside NAT64 and IPv4-mapped addresses are judged like all others that lie
/// outside of the public range: refused.
pub fn is_special(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => V4.iter().any(|range| range.contains(&address)),
        IpAddr::V6(address) => {
            !V6_PUBLIC.contains(&address) || V6.iter().any(|range| range.contains(&address))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_hosts_are_dialled() {
        for special in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(is_special(special.parse().unwrap()), "{special}");
        }
        for public in [
            "1.1.1.1",
            "9.9.9.9",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.17.0.1",
            "198.20.0.1",
            "223.255.255.254",
            "2606:4700::1111",
            "2a00:1450::1",
            "2001:4860::8888",
        ] {
            assert!(!is_special(public.parse().unwrap()), "{public}");
        }
    }
}
