//! `config.json` of an index.

use semver::Version;
use serde::{Deserialize, Serialize};

use super::tree::index_prefix;
use crate::digest::Digest;
use crate::limits::MAX_INDEX_CONFIG;
use crate::name::{CrateName, IndexUrl, Namespace, is_local_http};

/// What stands in an index's `config.json`. Fields that are not listed here are ignored, as Cargo does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexConfig {
    /// Where a .crate is, as a template with `{crate}`, `{version}`, `{prefix}`, `{lowerprefix}` and
    /// `{sha256-checksum}`; a template with none of them gets `/{crate}/{version}/download` appended.
    pub dl: String,
    /// The base URL of the web API; a static site has none, and `cargo publish` then refuses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api: Option<String>,
    /// The namespace that this index belongs to. Cargo ignores the field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Namespace>,
    /// Whether every request needs a token: a private index.
    #[serde(rename = "auth-required", default, skip_serializing_if = "std::ops::Not::not")]
    pub auth_required: bool,
}

/// Why a `config.json` was not understood.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Longer than the cap.
    #[error("config.json is larger than {MAX_INDEX_CONFIG} bytes")]
    TooLarge,
    /// Not JSON, or without `dl`.
    #[error("failed to parse config.json: {0}")]
    Json(#[from] serde_json::Error),
    /// A download template that leads anywhere but to `https`.
    #[error("`dl` in config.json is `{0}`, which is not an https URL")]
    NotHttps(String),
}

impl IndexConfig {
    /// Reads the bytes of a `config.json`.
    ///
    /// # Errors
    /// When it is too large, not JSON, lacks `dl`, or `dl` is not an `https` URL. That of an index on this machine may lead there.
    pub fn parse(bytes: &[u8], index: &IndexUrl) -> Result<Self, ConfigError> {
        if bytes.len() > MAX_INDEX_CONFIG {
            return Err(ConfigError::TooLarge);
        }
        let config: Self = serde_json::from_slice(bytes)?;
        let is_safe = config.dl.starts_with("https://") || index.is_local() && is_local_http(&config.dl);
        if !is_safe {
            return Err(ConfigError::NotHttps(config.dl));
        }
        Ok(config)
    }

    /// The bytes of the file: indented JSON and a line break, the same for the same value.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("strings and booleans serialise");
        text.push('\n');
        text
    }

    /// The URL of one .crate, by Cargo's template rules.
    #[must_use]
    pub fn download_url(&self, name: &CrateName, version: &Version, checksum: &Digest) -> String {
        const MARKERS: [&str; 5] = ["{crate}", "{version}", "{prefix}", "{lowerprefix}", "{sha256-checksum}"];
        if !MARKERS.iter().any(|marker| self.dl.contains(marker)) {
            return format!("{}/{name}/{version}/download", self.dl);
        }
        self.dl
            .replace("{crate}", name.as_str())
            .replace("{version}", &version.to_string())
            .replace("{prefix}", &index_prefix(name.as_str()))
            .replace("{lowerprefix}", &index_prefix(&name.as_str().to_ascii_lowercase()))
            .replace("{sha256-checksum}", &checksum.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(dl: &str) -> String {
        let config = IndexConfig { dl: dl.to_owned(), api: None, namespace: None, auth_required: false };
        let name = "SerdeAbc".parse().unwrap();
        config.download_url(&name, &Version::new(1, 0, 0), &Digest::of(b""))
    }

    #[test]
    fn a_plain_template_gets_cargos_suffix() {
        assert_eq!(url("https://d.example/crates"), "https://d.example/crates/SerdeAbc/1.0.0/download");
    }

    fn parse(bytes: &[u8]) -> Result<IndexConfig, ConfigError> {
        IndexConfig::parse(bytes, &IndexUrl::parse("sparse+https://d.example/index/").unwrap())
    }

    #[test]
    fn every_marker_is_replaced() {
        assert_eq!(
            url("https://d.example/{prefix}/{lowerprefix}/{crate}-{version}.crate?{sha256-checksum}"),
            "https://d.example/Se/rd/se/rd/SerdeAbc-1.0.0.crate?\
             e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }

    #[test]
    fn config_parses_prints_and_ignores_the_unknown() {
        let text = r#"{"dl":"https://d.example/","namespace":"serde.rs","auth-required":true,"later":[1]}"#;
        let config = parse(text.as_bytes()).unwrap();
        assert!(config.auth_required);
        assert_eq!(parse(config.to_json().as_bytes()).unwrap(), config);
    }

    #[test]
    fn downloads_over_plain_http_are_refused() {
        for dl in ["http://d.example/", "http://localhost:7979/"] {
            let error = parse(format!(r#"{{"dl":"{dl}"}}"#).as_bytes()).unwrap_err();
            assert!(error.to_string().contains("not an https URL"), "{error}");
        }
        let local = IndexUrl::parse("sparse+http://localhost:7979/index/hello.localhost/").unwrap();
        assert!(IndexConfig::parse(br#"{"dl":"http://localhost:7979/x"}"#, &local).is_ok());
        assert!(IndexConfig::parse(br#"{"dl":"http://d.example/"}"#, &local).is_err());
    }
}
