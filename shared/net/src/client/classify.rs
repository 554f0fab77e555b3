//! Why no answer arrived, from the layers of errors below.

use std::error::Error;
use std::fmt;

use cargo_namespaces::error;

/// What kept an answer from arriving whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportErrorKind {
    /// `--offline`: nothing was tried.
    Offline,
    /// Ctrl-C.
    Interrupted,
    /// Not an https URL.
    Url,
    /// The client itself cannot be set up: a CA file, a proxy address.
    SetUp,
    /// The host has no address.
    Dns,
    /// No connection to the host.
    Connect,
    /// The host's certificate is not good, or TLS failed otherwise.
    Tls,
    /// The proxy cannot be reached, or does not let this through.
    Proxy,
    /// Not in time.
    Timeout,
    /// More bytes than allowed.
    TooLarge,
    /// Sent on too often, or to somewhere that is not https.
    Redirect,
    /// The connection broke off, or the answer is not HTTP.
    Broken,
    /// The answer cannot be written to disk.
    Disk,
}

/// A request that got no whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransportError {
    pub kind: TransportErrorKind,
    /// What was asked for.
    pub url: String,
    /// What the system or the library said; may be empty.
    pub detail: String,
}

impl TransportError {
    /// An error of this kind.
    pub fn new(kind: TransportErrorKind, url: &str, detail: impl Into<String>) -> Self {
        Self { kind, url: url.to_owned(), detail: detail.into() }
    }

    /// True when the host did not answer, or not whole; a certificate that is not good is an answer.
    pub fn is_silence(&self) -> bool {
        use TransportErrorKind::{Broken, Connect, Dns, Proxy, Timeout};
        matches!(self.kind, Broken | Connect | Dns | Proxy | Timeout)
    }

    /// The host of the URL; the whole URL when it has none.
    pub fn host(&self) -> &str {
        let rest = self.url.split_once("://").map_or(self.url.as_str(), |(_, rest)| rest);
        let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
        authority.rsplit_once('@').map_or(authority, |(_, host)| host)
    }

    /// What to do next, where that is known.
    pub fn hint(&self) -> Option<&'static str> {
        use TransportErrorKind::*;
        match self.kind {
            Offline => Some("run it once without `--offline`"),
            Dns | Connect | Timeout | Broken => Some(
                "check the network, and the proxy if there is one (`http.proxy` in Cargo's configuration)",
            ),
            Tls => Some(
                "a private authority is named by `http.cainfo` in Cargo's configuration; \
                 otherwise the host's owner must renew the certificate",
            ),
            Proxy => Some("check `http.proxy` in Cargo's configuration and `HTTPS_PROXY`"),
            SetUp => Some("check `http.cainfo` and `http.proxy` in Cargo's configuration"),
            _ => None,
        }
    }

    /// From reqwest's error for `url`.
    pub(super) fn from_reqwest(url: &str, failed: &reqwest::Error) -> Self {
        let texts = error::texts(failed);
        let detail = texts.last().cloned().unwrap_or_default();
        let all = texts.join(": ");
        let kind = kind_of(failed, &all);
        // The last link of a TLS error is the one worth reading; elsewhere too, but for a tunnel's refusal.
        let detail = match kind {
            TransportErrorKind::Proxy => texts
                .iter()
                .find(|link| link.contains("tunnel") || link.contains("proxy"))
                .cloned()
                .unwrap_or(detail),
            _ => detail,
        };
        Self::new(kind, url, detail)
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use TransportErrorKind::*;
        let (url, host) = (&self.url, self.host());
        match self.kind {
            Offline => write!(f, "`{url}` is needed, but the command runs offline"),
            Interrupted => write!(f, "interrupted while fetching `{url}`"),
            Url => write!(f, "`{url}` is not an https URL"),
            SetUp => f.write_str("failed to set up the connections"),
            Dns => write!(f, "failed to find the address of `{host}`"),
            Connect => write!(f, "failed to connect to `{host}`"),
            Tls => write!(f, "no trusted TLS connection to `{host}`"),
            Proxy => write!(f, "the proxy did not connect to `{host}`"),
            Timeout => write!(f, "`{host}` did not answer `{url}` in time"),
            TooLarge => write!(f, "the answer of `{url}` is too large"),
            Redirect => write!(f, "`{url}` redirects to a URL that is not allowed"),
            Broken => write!(f, "the connection to `{host}` broke off while fetching `{url}`"),
            Disk => write!(f, "failed to store the answer of `{url}`"),
        }?;
        if self.detail.is_empty() { Ok(()) } else { write!(f, ": {}", self.detail) }
    }
}

impl Error for TransportError {}

fn kind_of(failed: &reqwest::Error, all: &str) -> TransportErrorKind {
    let is_tls = error::chain(failed).any(|link| link.is::<rustls::Error>());
    if failed.is_timeout() {
        TransportErrorKind::Timeout
    } else if is_tls {
        TransportErrorKind::Tls
    } else if all.contains("dns error") || all.contains("failed to lookup address") {
        TransportErrorKind::Dns
    } else if all.contains("tunnel") || all.contains("proxy") || all.contains("socks") {
        TransportErrorKind::Proxy
    } else if failed.is_connect() {
        TransportErrorKind::Connect
    } else {
        TransportErrorKind::Broken
    }
}
