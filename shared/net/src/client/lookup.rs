//! The system's name lookup, asked once a host.
//!
//! Dozens of downloads from one host begin at the same moment, each on a connection of its own until it is known that one
//! can carry them all. Each would look the same name up, and a server that drops one question of such a burst costs the
//! whole run the system's time-out, which is five seconds.
//!
//! `localhost` and names below it are this machine; few systems know the latter, and none is asked (RFC 6761, section 6.3).

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _};
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::OnceCell;

use cargo_namespaces::name::is_localhost;

/// This machine, as development registries listen: first over IPv4. The port is set by whoever connects.
const LOOPBACK: [SocketAddr; 2] = [
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
    SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), 0),
];

/// The addresses of one host, once they are known; those who ask meanwhile wait for the same answer.
type Answer = Arc<OnceCell<Vec<SocketAddr>>>;

/// The lookup of one client. A client lives as long as one command, so nothing is forgotten.
#[derive(Debug, Default)]
pub(super) struct Lookup(Mutex<HashMap<String, Answer>>);

impl Resolve for Lookup {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        if is_localhost(&host) {
            return Box::pin(async { Ok(Box::new(LOOPBACK.into_iter()) as Addrs) });
        }
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = Arc::clone(answers.entry(host.clone()).or_default());
        drop(answers);
        Box::pin(async move {
            // A failure is not kept: the repetition of a request asks again.
            let found = answer.get_or_try_init(|| system(host)).await?;
            Ok(Box::new(found.clone().into_iter()) as Addrs)
        })
    }
}

async fn system(host: String) -> std::io::Result<Vec<SocketAddr>> {
    // The port is set by whoever connects.
    let asked = tokio::task::spawn_blocking(move || (host.as_str(), 0).to_socket_addrs());
    Ok(asked.await.map_err(std::io::Error::other)??.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_looked_up_once_and_a_failure_not_kept() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let lookup = Lookup::default();
        let ask = |host: &str| runtime.block_on(lookup.resolve(host.parse().unwrap()));
        let known = |host: &str| lookup.0.lock().unwrap().get(host).and_then(|answer| answer.get().cloned());
        for host in ["localhost", "hello.localhost"] {
            assert_eq!(ask(host).unwrap().collect::<Vec<_>>(), LOOPBACK);
            assert_eq!(known(host), None, "nobody was asked");
        }
        // An address is a name that every system knows.
        let found: Vec<SocketAddr> = ask("127.0.0.1").unwrap().collect();
        assert_eq!(known("127.0.0.1"), Some(found));
        // Whatever the system would say now, the first answer stands.
        let elsewhere: SocketAddr = "192.0.2.1:0".parse().unwrap();
        let answer = Arc::new(OnceCell::new_with(Some(vec![elsewhere])));
        lookup.0.lock().unwrap().insert("127.0.0.1".to_owned(), answer);
        assert_eq!(ask("127.0.0.1").unwrap().collect::<Vec<_>>(), [elsewhere]);
        assert!(ask("nothing.invalid").is_err());
        assert_eq!(known("nothing.invalid"), None);
    }
}
