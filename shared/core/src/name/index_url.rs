//! [`IndexUrl`]: where a namespace's index lives, which is what Cargo knows the namespace by.
//!
//! The canonical URL is declared before the first publish and never changes; hosting moves by DNS, redirects or source
//! replacement. Since texts are compared, signed and locked, there is one normal form:
//! `sparse+https://host[:port]/path/`, lower-case host, no default port, a slash at the end.
//!
//! `sparse+http://` is read for `localhost` and names below it, which never leave the machine (RFC 6761, section 6.3): the
//! index of a development registry, and of no namespace that is somebody's ([`IndexUrl::may_serve`]).

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::local::is_localhost;
use super::namespace::{ends_in_a_number, to_host_name};
use super::{NameError, Namespace};
use crate::limits::MAX_INDEX_URL;
use crate::text::{excerpt, percent_decode, string_form};

/// The URL of a sparse index in normal form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IndexUrl(String);

/// What is wrong with a would-be index URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IndexUrlProblem {
    /// More than 512 bytes.
    #[error("it is longer than {MAX_INDEX_URL} bytes")]
    TooLong,
    /// No `sparse+https://` in front.
    #[error("it does not start with `sparse+https://`")]
    NotSparse,
    /// `sparse+http://`: anyone on the way could change the index.
    #[error("`http` is refused but for `localhost`, `https` is needed")]
    Http,
    /// `https://user:password@host/`: it would be committed and locked.
    #[error("it holds a user name or password")]
    UserInfo,
    /// `?…` or `#…`
    #[error("it has a query or a fragment")]
    QueryOrFragment,
    /// Neither a host name nor an address.
    #[error("its host is not valid")]
    Host,
    /// No number from 1 to 65535.
    #[error("its port is not valid")]
    Port,
    /// A character that URLs write otherwise, `//`, `.` or `..`.
    #[error("its path is not plain: no empty, `.` or `..` parts, and only characters of URLs")]
    Path,
    /// Cargo takes `x.git` and `x` for one repository.
    #[error("it ends in `.git`, which Cargo does not tell from the same URL without it")]
    Git,
}

const PREFIX: &str = "sparse+https://";
/// Only for this machine itself.
const LOCAL_PREFIX: &str = "sparse+http://";

impl IndexUrl {
    /// Reads an index URL. The case of the host, a written-out `:443` and a missing slash at the end are normalised.
    ///
    /// # Errors
    /// [`NameError::IndexUrl`] with what is wrong.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        normalise(text).map(Self).map_err(|problem| NameError::IndexUrl { text: excerpt(text), problem })
    }

    /// Where a namespace's index is when its domain declares nothing: `sparse+https://<domain>/cargo/index/`.
    pub fn default_for(namespace: &Namespace) -> Self {
        Self(format!("{PREFIX}{namespace}/cargo/index/"))
    }

    /// The whole URL, `sparse+` included.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is read over plain http, from this machine itself.
    pub fn is_local(&self) -> bool {
        self.0.starts_with(LOCAL_PREFIX)
    }

    /// Whether it can be the index of the namespace: one on this machine only of a name below `localhost`.
    pub fn may_serve(&self, namespace: &Namespace) -> bool {
        !self.is_local() || namespace.is_local()
    }

    /// The HTTPS URL of the index's root: `https://serde.rs/cargo/index/`.
    pub fn http_base(&self) -> &str {
        &self.0["sparse+".len()..]
    }

    /// The HTTPS URL of a file of the index; `rel` is relative and written by us: `config.json`, `se/rd/serde-abc`.
    pub fn join(&self, rel: &str) -> String {
        format!("{}{rel}", self.http_base())
    }

    /// The host, without the port; an IPv6 address in its brackets.
    pub fn host(&self) -> &str {
        split_port(self.authority()).0
    }

    /// The port, that of the scheme where none is written.
    pub fn port(&self) -> u16 {
        let default = if self.is_local() { 80 } else { 443 };
        split_port(self.authority()).1.and_then(|port| port.parse().ok()).unwrap_or(default)
    }

    fn authority(&self) -> &str {
        let prefix = if self.is_local() { LOCAL_PREFIX } else { PREFIX };
        let rest = &self.0[prefix.len()..];
        rest.split_once('/').map_or(rest, |(authority, _)| authority)
    }
}

fn normalise(text: &str) -> Result<String, IndexUrlProblem> {
    if text.len() > MAX_INDEX_URL {
        return Err(IndexUrlProblem::TooLong);
    }
    let (prefix, default_port) =
        if text.starts_with(LOCAL_PREFIX) { (LOCAL_PREFIX, "80") } else { (PREFIX, "443") };
    let Some(rest) = text.strip_prefix(prefix) else {
        let http = text.starts_with("http://");
        return Err(if http { IndexUrlProblem::Http } else { IndexUrlProblem::NotSparse });
    };
    if rest.contains(['?', '#']) {
        return Err(IndexUrlProblem::QueryOrFragment);
    }
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if authority.contains('@') {
        return Err(IndexUrlProblem::UserInfo);
    }
    let (host, port) = split_port(authority);
    let host = normal_host(host).ok_or(IndexUrlProblem::Host)?;
    if prefix == LOCAL_PREFIX && !is_localhost(&host) {
        return Err(IndexUrlProblem::Http);
    }
    let port = match port {
        None => String::new(),
        Some(port) if port == default_port => String::new(),
        Some(port) => format!(":{}", valid_port(port).ok_or(IndexUrlProblem::Port)?),
    };
    let path = path.strip_suffix('/').unwrap_or(path);
    check_path(path)?;
    let slash = if path.is_empty() { "" } else { "/" };
    Ok(format!("{prefix}{host}{port}/{path}{slash}"))
}

/// Host and port, at the last colon that is not inside an IPv6 address.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

fn normal_host(host: &str) -> Option<String> {
    if let Some(inner) = host.strip_prefix('[') {
        let address: Ipv6Addr = inner.strip_suffix(']')?.parse().ok()?;
        return Some(format!("[{address}]"));
    }
    if let Ok(address) = host.parse::<Ipv4Addr>() {
        return Some(address.to_string());
    }
    to_host_name(host).filter(|name| !ends_in_a_number(name))
}

fn valid_port(port: &str) -> Option<u16> {
    let number: u16 = port.parse().ok()?;
    (number != 0 && number.to_string() == port).then_some(number)
}

fn check_path(path: &str) -> Result<(), IndexUrlProblem> {
    if path.is_empty() {
        return Ok(());
    }
    for part in path.split('/') {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@%".contains(&b);
        let decoded = percent_decode(part).ok_or(IndexUrlProblem::Path)?;
        if part.is_empty() || !part.bytes().all(plain) || decoded == "." || decoded == ".." {
            return Err(IndexUrlProblem::Path);
        }
    }
    let last = path.rsplit('/').next().unwrap_or_default();
    if percent_decode(last).is_some_and(|last| last.to_ascii_lowercase().ends_with(".git")) {
        return Err(IndexUrlProblem::Git);
    }
    Ok(())
}

impl fmt::Display for IndexUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

string_form!(IndexUrl, NameError);
