//! From texts of the configuration to values.

use std::net::IpAddr;

use cargo_namespaces::name::IndexUrl;
use cargo_namespaces_net::resolver::ResolverSetting;
use ipnet::IpNet;

use super::Public;
use super::error::{ConfigError, value};

/// The URL of a registry that has none: good for a look at it, not for publishing.
const DEFAULT_URL: &str = "https://localhost:7979/";

/// Where the registry is found.
pub(super) fn public(
    url: Option<String>,
    contact: Option<String>,
    is_dev: bool,
) -> Result<Public, ConfigError> {
    let is_default = url.is_none();
    let text = url.unwrap_or_else(|| DEFAULT_URL.to_owned());
    let wrong = |_| value("url", text.clone(), "an https URL for users, such as `https://crates.example/`");
    let slash = if text.ends_with('/') { "" } else { "/" };
    let probe = IndexUrl::parse(&format!("sparse+{text}{slash}")).map_err(wrong)?;
    if probe.is_local() && !is_dev {
        return Err(value(
            "url",
            text,
            "an https URL for users (`serve --dev` is for trying things out over http)",
        ));
    }
    let url = probe.http_base().to_owned();
    IndexUrl::parse(&format!("sparse+{url}index/{}/", "a.".repeat(100) + "example"))
        .map_err(|_| value("url", text.clone(), "short enough to be part of every index URL"))?;
    if let Some(contact) = contact.as_ref().filter(|text| text.contains(char::is_control)) {
        return Err(value("contact", contact, "one line of text"));
    }
    Ok(Public { url, contact, is_default })
}

/// Ranges of addresses; a single address is one, too.
pub(super) fn ranges(key: &'static str, texts: Vec<String>) -> Result<Vec<IpNet>, ConfigError> {
    let expected = "a range of addresses, such as `10.0.0.0/8`, `fd00::/8` or a single address";
    let range = |text: String| {
        let single = || text.parse::<IpAddr>().ok().map(IpNet::from);
        text.parse().ok().or_else(single).ok_or_else(|| value(key, text, expected))
    };
    texts.into_iter().map(range).collect()
}

/// A resolver, as it is named in the file.
pub(super) fn resolver(text: String) -> Result<ResolverSetting, ConfigError> {
    if text == "system" {
        return Ok(ResolverSetting::System);
    }
    if text.starts_with("https://") {
        return Ok(ResolverSetting::Doh(text));
    }
    let address = text.parse().ok().or_else(|| Some((text.parse::<IpAddr>().ok()?, 53).into()));
    let expected = "`system`, an IP address with or without a port, or the https URL of a DoH service";
    address.map(ResolverSetting::Server).ok_or_else(|| value("validation.resolvers", text, expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_a_network_or_an_address() {
        let parsed = |text: &str| ranges("validation.allow", vec![text.to_owned()]);
        let holds = |range: &str, address: &str| {
            parsed(range).unwrap()[0].contains(&address.parse::<IpAddr>().unwrap())
        };
        assert!(holds("10.0.0.0/8", "10.255.0.1") && !holds("10.0.0.0/8", "11.0.0.1"));
        assert!(holds("10.1.2.3/8", "10.255.0.1"), "bits beyond the prefix mean nothing");
        assert!(holds("0.0.0.0/0", "203.0.113.1") && !holds("0.0.0.0/0", "::1"));
        assert!(holds("fd00::/8", "fdff::1") && !holds("fd00::/8", "fe00::1"));
        assert!(holds("192.0.2.1", "192.0.2.1") && !holds("192.0.2.1", "192.0.2.2"));
        for wrong in ["", "10.0.0.0/33", "::/129", "10/8", "10.0.0.0/x", "host/8"] {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
    }
}
