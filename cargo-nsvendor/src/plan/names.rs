//! The directory that each source gets.

use std::collections::BTreeSet;

use cargo_namespaces::digest::Digest;

use super::PlannedSource;

/// The directory of crates.io.
pub const CRATES_IO: &str = "crates.io";
/// The directory above those of git repositories. A namespace has a dot in its name, so it cannot be called this.
const GIT: &str = "git";

/// The names that are taken, in lower case: some file systems ignore case.
#[derive(Default)]
pub struct Names(BTreeSet<String>);

impl Names {
    /// A name for a source: its own, followed by a part of its digest if that is taken.
    pub fn choose(&mut self, source: &PlannedSource) -> String {
        let (wanted, identity) = match source {
            PlannedSource::CratesIo => (CRATES_IO.to_owned(), CRATES_IO.to_owned()),
            PlannedSource::Namespace { namespace, index } => (namespace.to_string(), index.to_string()),
            PlannedSource::Registry(url) => (host_of(url), url.clone()),
            PlannedSource::Git(url) => (format!("{GIT}/{}", url.short_name()), url.to_string()),
        };
        let mut name = wanted.clone();
        if !self.0.insert(name.to_lowercase()) {
            // The digest does not depend on other sources in the graph.
            let digest = Digest::of(identity.as_bytes()).to_string();
            name = format!("{wanted}-{}", &digest[..8]);
            self.0.insert(name.to_lowercase());
        }
        name
    }
}

/// The host of a URL: `crates.corp.example` of `sparse+https://crates.corp.example:8080/index/`. For anything else, some name that a
/// directory can have.
fn host_of(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = host.split_once(':').map_or(host, |(host, _)| host);
    let clean: String =
        host.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.')).collect();
    let clean = clean.trim_matches(['.', '-']).to_ascii_lowercase();
    if clean.is_empty() || clean == GIT { "registry".to_owned() } else { clean }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_made_clean() {
        assert_eq!(host_of("registry+https://user@Corp.Example:1/x"), "corp.example");
        assert_eq!(host_of("registry+file:///home/x"), "registry");
        assert_eq!(host_of("registry+ssh://git/x"), "registry");
    }
}
