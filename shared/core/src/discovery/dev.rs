//! [`DevRegistry`]: the development registry of this machine (`cargo nsregistry serve --dev`), which answers for every domain
//! below `localhost` over plain http, at one port.
//!
//! Such a domain needs no DNS and no certificate: `http://hello.localhost:7979/.well-known/…` is this machine for everybody, so
//! it proves nothing to anybody else, and it is asked only where `CARGO_NAMESPACES_DEV` names the registry.

use std::fmt;
use std::num::NonZeroU16;
use std::str::FromStr;

use crate::name::{IndexUrl, Namespace};

/// A registry at `http://localhost:<port>/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DevRegistry(NonZeroU16);

impl DevRegistry {
    /// The one at a port.
    pub fn at(port: u16) -> Option<Self> {
        NonZeroU16::new(port).map(Self)
    }

    /// The one that an index is on, if it is on one.
    pub fn of(index: &IndexUrl) -> Option<Self> {
        if index.is_local() { Self::at(index.port()) } else { None }
    }

    /// Its port.
    pub fn port(self) -> u16 {
        self.0.get()
    }

    /// Its URL, without a slash at the end.
    pub fn url(self) -> String {
        format!("http://localhost:{}", self.0)
    }
}

impl fmt::Display for DevRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url())
    }
}

impl FromStr for DevRegistry {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = "the URL that `cargo nsregistry serve --dev` prints, such as `http://localhost:7979`";
        let port = text.trim_end_matches('/').strip_prefix("http://localhost:");
        let number =
            port.and_then(|port| port.parse::<NonZeroU16>().ok().filter(|read| read.to_string() == port));
        number.map(Self).ok_or(expected)
    }
}

/// Where a domain is asked for its documents: `https://serde.rs`, or for a name below `localhost`, where there is a development
/// registry, `http://hello.localhost:7979`.
pub(super) fn origin(namespace: &Namespace, dev: Option<DevRegistry>) -> String {
    match dev.filter(|_| namespace.is_local()) {
        Some(dev) => format!("http://{namespace}:{}", dev.0),
        None => format!("https://{namespace}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_port_of_this_machine() {
        for text in ["http://localhost:7979", "http://localhost:7979/"] {
            assert_eq!(text.parse::<DevRegistry>().unwrap().url(), "http://localhost:7979");
        }
        for text in [
            "",
            "localhost:7979",
            "http://localhost",
            "http://localhost:0",
            "http://localhost:07979",
            "http://localhost:+7979",
            "http://127.0.0.1:7979",
            "https://localhost:7979",
            "http://crates.example:7979",
            "http://localhost:7979/x",
        ] {
            assert!(text.parse::<DevRegistry>().is_err(), "{text}");
        }
    }

    #[test]
    fn only_names_below_localhost_are_asked_there() {
        let dev = DevRegistry::at(7979);
        let at = |name: &str| origin(&Namespace::parse(name).unwrap(), dev);
        assert_eq!(at("hello.localhost"), "http://hello.localhost:7979");
        assert_eq!(at("serde.rs"), "https://serde.rs");
        let hello = Namespace::parse("hello.localhost").unwrap();
        assert_eq!(origin(&hello, None), "https://hello.localhost");
        let index = IndexUrl::parse("sparse+http://localhost:7979/index/hello.localhost/").unwrap();
        assert_eq!(DevRegistry::of(&index), dev);
        assert_eq!(DevRegistry::of(&IndexUrl::default_for(&hello)), None);
    }
}
