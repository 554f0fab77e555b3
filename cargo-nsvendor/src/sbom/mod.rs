//! `--sbom`: a bill of materials of what is vendored, in CycloneDX 1.6 and SPDX 2.3.
//!
//! ```text
//! lock files (packages, hashes, graph) ┐
//! Cargo.toml of each (licence, uses)    ├─► [`Bom`] ─► [`cyclonedx`] ─► vendor.cdx.json
//! verification (namespace, key)        ┘         └─► [`spdx`]      ─► vendor.spdx.json
//! ```
//!
//! The same project gives the same bytes, wherever and whenever: no random identifier, and no time unless
//! `SOURCE_DATE_EPOCH` says one. Identifiers are derived from the content. This page and the two writers are pure.

pub mod cyclonedx;
pub mod declared;
pub mod facts;
pub mod files;
pub mod gather;
pub mod license;
pub mod own;
pub mod spdx;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cargo_namespaces::digest::Digest;
use cargo_namespaces::time::Timestamp;
use semver::Version;

pub use declared::Uses;
pub use facts::Facts;

/// The name that the documents give for what made them.
pub const TOOL: &str = "cargo-nsvendor";

/// One of the formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// CycloneDX 1.6, JSON.
    CycloneDx,
    /// SPDX 2.3, JSON.
    Spdx,
}

impl Format {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::CycloneDx => "cyclonedx",
            Self::Spdx => "spdx",
        }
    }
}

/// `--sbom FORMAT[=FILE]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Which format.
    pub format: Format,
    /// Where to; beside the vendored directory if not said.
    pub file: Option<PathBuf>,
}

impl Wanted {
    /// Reads `cyclonedx`, `spdx=FILE`, ….
    ///
    /// # Errors
    /// What is wrong, and what was meant where that can be guessed.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (name, file) = match text.split_once('=') {
            Some((_, "")) => return Err("there is no file after `=`".to_owned()),
            Some((name, file)) => (name, Some(PathBuf::from(file))),
            None => (text, None),
        };
        let format = match name {
            "cyclonedx" => Format::CycloneDx,
            "spdx" => Format::Spdx,
            other => {
                return Err(crate::suggest::unknown(
                    "format of a bill of materials",
                    other,
                    ["cyclonedx", "spdx"],
                ));
            }
        };
        Ok(Self { format, file })
    }

    /// The file, for what is vendored to `target`.
    pub fn path(&self, directory: &Path, target: &Path) -> PathBuf {
        let Some(file) = &self.file else {
            let mut name = target.file_name().unwrap_or_default().to_owned();
            name.push(match self.format {
                Format::CycloneDx => ".cdx.json",
                Format::Spdx => ".spdx.json",
            });
            return target.with_file_name(name);
        };
        cargo_namespaces_net::fs::clean(&directory.join(file))
    }
}

/// A bill of materials, in no format yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bom {
    /// What it is of: the one package of the project, or the workspace.
    pub name: String,
    /// The packages of the project itself, by position in `components`.
    pub roots: Vec<usize>,
    /// Every package, by identifier.
    pub components: Vec<Component>,
    /// `SOURCE_DATE_EPOCH`, where it is set.
    pub time: Option<Timestamp>,
}

/// One package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// Its package URL; for a package of the project, `path+<name>@<version>`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// Where it comes from.
    pub origin: Origin,
    /// SHA-256 of its .crate.
    pub sha256: Option<Digest>,
    /// What its manifest says.
    pub facts: Facts,
    /// Who signed it.
    pub signed: Option<Signed>,
    /// What it depends on, by position, and for what.
    pub dependencies: Vec<(usize, Uses)>,
}

/// Where a package comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The project's own disk.
    Path,
    /// A registry: where the .crate can be downloaded, if that is known.
    Registry(Option<String>),
    /// `git+https://…@<commit>`.
    Git(String),
}

/// The signature of a release in a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// Whose namespace.
    pub namespace: String,
    /// The key, as the trust file writes it.
    pub key: String,
    /// Why it is trusted.
    pub trusted: &'static str,
}

impl Component {
    /// Its package URL; the project's own packages have none.
    pub fn purl(&self) -> Option<&str> {
        (self.origin != Origin::Path).then_some(self.id.as_str())
    }
}

impl Bom {
    /// The components that are part of what is built: those that the project's own packages reach by plain dependencies. The
    /// others are for building and testing only.
    pub fn built_in(&self) -> BTreeSet<usize> {
        let mut seen: BTreeSet<usize> = self.roots.iter().copied().collect();
        let mut pending = self.roots.clone();
        while let Some(at) = pending.pop() {
            for (to, uses) in &self.components[at].dependencies {
                if uses.normal && seen.insert(*to) {
                    pending.push(*to);
                }
            }
        }
        seen
    }

    /// The document in a format, with a line end.
    pub fn write(&self, format: Format) -> String {
        let value = match format {
            Format::CycloneDx => cyclonedx::document(self),
            Format::Spdx => spdx::document(self),
        };
        let mut text = serde_json::to_string_pretty(&value).expect("values can be written as JSON");
        text.push('\n');
        text
    }
}

/// An identifier that is the content's own: a UUID of version 8 made of its SHA-256 (RFC 9562, section 5.8).
fn uuid(content: &serde_json::Value) -> String {
    let digest = Digest::of(content.to_string().as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_bytes()[..16]);
    bytes[6] = (bytes[6] & 0x0f) | 0x80;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
pub mod testing;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_names_a_format_and_perhaps_a_file() {
        let target = Path::new("/p/third_party");
        let path = |text: &str| Wanted::parse(text).unwrap().path(Path::new("/here"), target);
        assert_eq!(path("cyclonedx"), Path::new("/p/third_party.cdx.json"));
        assert_eq!(path("spdx"), Path::new("/p/third_party.spdx.json"));
        assert_eq!(path("spdx=out/a.json"), Path::new("/here/out/a.json"));
        assert!(Wanted::parse("cyclondx").unwrap_err().contains("did you mean `cyclonedx`"));
        assert!(Wanted::parse("spdx=").is_err());
    }

    #[test]
    fn an_identifier_is_the_contents_own() {
        let one = uuid(&serde_json::json!({ "a": 1 }));
        assert_eq!(one, uuid(&serde_json::json!({ "a": 1 })));
        assert_ne!(one, uuid(&serde_json::json!({ "a": 2 })));
        assert_eq!((one.len(), one.as_bytes()[14]), (36, b'8'));
    }
}
