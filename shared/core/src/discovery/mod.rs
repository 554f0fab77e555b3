//! What a domain owner publishes about a namespace, and what a registry publishes about itself.
//!
//! Pure: bytes in, values out, and back. The probe of a domain fetches these documents, [`domain_view`](crate::domain_view) weighs them, `cargo nspublish`
//! writes them. A *record* is a token with optional attributes
//! (`sha256-… index=sparse+https://crates.example/index/`). Records stand in three places:
//!
//! | place | shape |
//! |---|---|
//! | DNS TXT at the domain, or at `_cargo-namespace.<domain>` | one record a TXT record, its strings joined |
//! | `https://<domain>/.well-known/cargo-publishers` | text, one record a line, `#` comments |
//! | `https://<domain>/.well-known/rust-lang.org/package-namespace.json` | JSON, see [`PackageNamespaceDoc`] |
//!
//! All three are shared with others: a domain has TXT records for mail and site verification, and another registry
//! may keep tokens of its own kind in the same file. Whatever is not ours is passed over without a word; what looks
//! like ours and cannot be read is reported as [`Malformed`], so that a typing mistake does not look like silence.
//!
//! A registry describes itself in `https://<registry>/.well-known/cargo.txt`, see [`CargoTxt`].

mod cargo_txt;
mod dev;
mod document;
mod records;

pub use cargo_txt::{CargoTxt, CargoTxtError, IndexTemplate, ValueError};
pub use dev::DevRegistry;
pub use document::PackageNamespaceDoc;
pub use records::{
    Malformed, Records, TxtRecord, parse_cargo_publishers, parse_txt, render_cargo_publishers,
    with_records_added,
};

use crate::limits;
use crate::name::{Namespace, is_local_http};

/// Path of [`PackageNamespaceDoc`] on the namespace's domain.
pub const PACKAGE_NAMESPACE_PATH: &str = "/.well-known/rust-lang.org/package-namespace.json";
/// Path of the text document on the namespace's domain.
pub const CARGO_PUBLISHERS_PATH: &str = "/.well-known/cargo-publishers";
/// Path of [`CargoTxt`] on a registry's host.
pub const CARGO_TXT_PATH: &str = "/.well-known/cargo.txt";
/// The label under the domain where TXT records may stand, for domains whose apex is crowded or is a CNAME.
pub const TXT_LABEL: &str = "_cargo-namespace";

/// `https://<domain>/.well-known/rust-lang.org/package-namespace.json`; below `localhost`, where the development registry
/// answers.
pub fn well_known_json_url(namespace: &Namespace, dev: Option<DevRegistry>) -> String {
    format!("{}{PACKAGE_NAMESPACE_PATH}", dev::origin(namespace, dev))
}

/// `https://<domain>/.well-known/cargo-publishers`; below `localhost`, where the development registry answers.
pub fn cargo_publishers_url(namespace: &Namespace, dev: Option<DevRegistry>) -> String {
    format!("{}{CARGO_PUBLISHERS_PATH}", dev::origin(namespace, dev))
}

/// `https://<host>/.well-known/cargo.txt` of a registry that is named by any URL of its host.
pub fn cargo_txt_url(registry: &str) -> String {
    let scheme = if is_local_http(registry) { "http" } else { "https" };
    let host = registry.split_once("://").map_or(registry, |(_, rest)| rest);
    let host = host.split('/').next().unwrap_or_default();
    format!("{scheme}://{host}{CARGO_TXT_PATH}")
}

/// The two names at which TXT records are looked for: the domain, then `_cargo-namespace.<domain>`. No trailing dot.
pub fn txt_names(namespace: &Namespace) -> [String; 2] {
    [namespace.as_str().to_owned(), format!("{TXT_LABEL}.{}", namespace.as_str())]
}

/// Why a discovery document as a whole cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// Longer than [`limits::MAX_DOCUMENT`].
    #[error("the document is {size} bytes long, the limit is {limit}")]
    TooLarge {
        /// Its length in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// More of something than its limit.
    #[error("there are {count} {what}, the limit is {limit}")]
    TooMany {
        /// What, in the plural.
        what: &'static str,
        /// How many.
        count: usize,
        /// The limit.
        limit: usize,
    },
    /// Not UTF-8.
    #[error("the document is not UTF-8 text")]
    NotText,
    /// Not even the beginning of a JSON object: most often a web page, which some hosts answer to any path.
    #[error("the answer is not a JSON object (a web page?)")]
    NotJson,
    /// JSON, but not of the documented shape.
    #[error("the document cannot be read: {0}")]
    Shape(#[from] serde_json::Error),
}

/// The text of a document: within the cap, UTF-8, without a byte order mark.
fn text(bytes: &[u8]) -> Result<&str, DocumentError> {
    if bytes.len() > limits::MAX_DOCUMENT {
        return Err(DocumentError::TooLarge { size: bytes.len(), limit: limits::MAX_DOCUMENT });
    }
    let text = std::str::from_utf8(bytes).map_err(|_| DocumentError::NotText)?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

fn at_most(what: &'static str, count: usize, limit: usize) -> Result<(), DocumentError> {
    if count > limit { Err(DocumentError::TooMany { what, count, limit }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_addresses_of_a_namespace() {
        let ns = Namespace::parse("foobar-project.org").unwrap();
        assert_eq!(
            well_known_json_url(&ns, None),
            "https://foobar-project.org/.well-known/rust-lang.org/package-namespace.json"
        );
        assert_eq!(
            cargo_publishers_url(&ns, None),
            "https://foobar-project.org/.well-known/cargo-publishers"
        );
        assert_eq!(txt_names(&ns), ["foobar-project.org", "_cargo-namespace.foobar-project.org"]);
        assert_eq!(
            cargo_txt_url("crates.corp.example:8443"),
            "https://crates.corp.example:8443/.well-known/cargo.txt"
        );
    }

    #[test]
    fn an_internationalised_domain_is_asked_by_its_a_label() {
        let ns = Namespace::parse("münchen.de").unwrap();
        assert!(well_known_json_url(&ns, None).starts_with("https://xn--mnchen-3ya.de/"));
    }
}
