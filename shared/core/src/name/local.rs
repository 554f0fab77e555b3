//! `localhost` and the names below it: this machine, for every resolver that keeps to RFC 6761 (section 6.3), and for curl
//! and so for Cargo whatever the resolver says.

/// Whether a host name in lower case is `localhost` or below it.
pub fn is_localhost(host: &str) -> bool {
    host.strip_suffix("localhost").is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Whether a URL is `http` to this machine by such a name. Not by an address: what a name below `localhost` means nobody can
/// change, and one rule is enough.
pub fn is_local_http(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else { return false };
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let (host, port) = authority.split_once(':').unwrap_or((authority, "80"));
    is_localhost(host) && port.parse::<u16>().is_ok_and(|port| port != 0) && !authority.contains('@')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_local() {
        for url in [
            "http://localhost",
            "http://localhost/",
            "http://localhost:7979/x?y",
            "http://hello.localhost:7979/",
            "http://a.b.localhost",
        ] {
            assert!(is_local_http(url), "{url}");
        }
        for url in [
            "https://localhost/",
            "http://127.0.0.1/",
            "http://[::1]/",
            "http://notlocalhost/",
            "http://localhost.example/",
            "http://localhost@evil.example/",
            "http://localhost:80@evil.example/",
            "http://evil.example\\@localhost/",
            "http://evil.example/localhost",
            "http://evil.example?.localhost",
            "http://evil.example#.localhost",
            "http://localhost:0/",
            "http://localhost:x/",
            "http://localhost./",
            "http:///localhost",
        ] {
            assert!(!is_local_http(url), "{url}");
        }
    }
}
