//! What a development registry may be told: nothing that would let it be taken for another one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use cargo_namespaces::discovery::DevRegistry;
use cargo_namespaces::name::Namespace;

use super::file::value;
use super::{ConfigError, Server};

/// The development registry that listens there: only where no other machine reaches it.
pub(super) fn development(url: Option<&String>, server: &Server) -> Result<DevRegistry, ConfigError> {
    let set = [("url", url.is_some()), ("server.tls-certificate", server.tls.is_some())];
    let proxies = [("server.trusted-proxies", !server.trusted_proxies.is_empty())];
    if let Some((key, _)) = set.into_iter().chain(proxies).find(|(_, is_set)| *is_set) {
        return Err(ConfigError::NotForDevelopment { key });
    }
    let [v4, v6] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    let dev = DevRegistry::at(server.listen.port()).filter(|_| [v4, v6].contains(&server.listen.ip()));
    let expected = "127.0.0.1 or [::1] with a port: a development registry is for this machine alone, and its port is part of \
                    every crate's identity";
    dev.ok_or_else(|| value("server.listen", server.listen.to_string(), expected))
}

/// Whether a name is one of those.
pub(super) fn is_local(name: &str) -> bool {
    Namespace::parse(name).is_ok_and(|namespace| namespace.is_local())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use cargo_namespaces::name::Namespace;
    use cargo_namespaces_cli::env::Environment;
    use cargo_namespaces_net::fs;

    use crate::config::{Overrides, load};

    #[test]
    fn a_development_registry_is_this_machines_alone() {
        let dev = |text: &str| {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("registry.toml");
            fs::write_atomic(&path, text.as_bytes()).unwrap();
            load(Some(&path), &Environment::default(), &Overrides { dev: true, ..Overrides::default() })
        };
        let config = dev("").unwrap();
        assert_eq!(config.public.url(), "http://localhost:7979/");
        assert_eq!(config.storage.data, Path::new("nsregistry-dev"));
        assert!(!config.public.is_default);
        let namespace = Namespace::parse("hello.localhost").unwrap();
        let index = config.public.index_of(&namespace);
        assert_eq!(index.as_str(), "sparse+http://localhost:7979/index/hello.localhost/");
        assert_eq!(dev("[server]\nlisten = \"[::1]:80\"").unwrap().public.url(), "http://localhost/");
        assert!(dev("[namespaces.\"corp.localhost\"]\nauth-required = true").is_ok());
        for (text, names) in [
            ("[server]\nlisten = \"0.0.0.0:7979\"", "server.listen"),
            ("[server]\nlisten = \"[::]:7979\"", "server.listen"),
            ("[server]\nlisten = \"192.0.2.1:7979\"", "server.listen"),
            ("[server]\nlisten = \"127.0.0.2:7979\"", "server.listen"),
            ("[server]\nlisten = \"127.0.0.1:0\"", "server.listen"),
            ("url = \"https://crates.example/\"", "url"),
            ("[server]\ntls-certificate = \"c\"\ntls-key = \"k\"", "tls-certificate"),
            ("[server]\ntrusted-proxies = [\"127.0.0.1\"]", "trusted-proxies"),
            ("[namespaces.\"serde.rs\"]\nauth-required = true", "namespaces"),
        ] {
            let error = dev(text).unwrap_err().to_string();
            assert!(error.contains(names), "{text}: {error}");
        }
    }
}
