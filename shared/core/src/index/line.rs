//! The index line: one release, one line of JSON.
//!
//! The fields are Cargo's, as crates.io writes them (optional ones omitted when empty), and three of ours that
//! Cargo ignores: `attestations`, `countersignature` and `yank_attestations`. Fields that nobody here knows are ignored too, with the exception
//! of those that Cargo acts on and a namespace has no use for: artifact dependencies.

use std::collections::BTreeMap;

use semver::{Version, VersionReq};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::dep::IndexDep;
use super::facts::Facts;
use super::feature;
use crate::digest::Digest;
use crate::limits::{MAX_ATTESTATIONS, MAX_DEPENDENCIES, MAX_FEATURE_VALUES, MAX_FEATURES, MAX_INDEX_LINE};
use crate::name::CrateName;
use crate::statement::{Attestation, Countersigned, YankAttestation};
use crate::time::Timestamp;

/// One release in an index. What is deserialised is valid: within the caps, of texts that Cargo accepts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct IndexLine {
    /// The crate's name, in the spelling of its Cargo.toml.
    pub name: CrateName,
    /// The version, build metadata included.
    pub vers: Version,
    /// The dependencies of every kind.
    pub deps: Vec<IndexDep>,
    /// SHA-256 of the .crate.
    pub cksum: Digest,
    /// Features in the syntax that every Cargo reads.
    #[serde(default)]
    pub features: BTreeMap<String, Vec<String>>,
    /// Features that use `dep:` or `?`, and those that enable one of them. Cargo merges the two maps.
    #[serde(default, deserialize_with = "null_is_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub features2: BTreeMap<String, Vec<String>>,
    /// Whether new resolutions pass this release by.
    #[serde(default, deserialize_with = "null_is_default")]
    pub yanked: bool,
    /// The native library that this crate claims for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub links: Option<String>,
    /// The oldest Rust that the crate says it builds with, as in its Cargo.toml.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rust_version: Option<String>,
    /// When the registry published it. Nobody's decision rests on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pubtime: Option<Timestamp>,
    /// The schema: 1, or 2 when there is a `features2`. Older Cargos skip what they do not know.
    #[serde(default = "one", deserialize_with = "null_is_one", skip_serializing_if = "is_one")]
    pub v: u32,
    /// Signatures over the release statement, which is rebuilt from this line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attestations: Vec<Attestation>,
    /// The registry that accepted the release says so. It counts as nobody's signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub countersignature: Option<Countersigned>,
    /// Signatures over yanks and unyanks, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub yank_attestations: Vec<YankAttestation>,
}

/// Why an index line was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LineError {
    /// Longer than the cap.
    #[error("the line is longer than {MAX_INDEX_LINE} bytes")]
    TooLong,
    /// Not JSON, a field missing or of the wrong kind, or a name, version or checksum that is none.
    #[error("failed to parse the line: {0}")]
    Json(#[from] serde_json::Error),
    /// More of something than anybody needs.
    #[error("the line has more than {max} {what}")]
    TooMany {
        /// What there is too much of, in the plural.
        what: &'static str,
        /// The cap.
        max: usize,
    },
    /// A text that Cargo would not accept in its place.
    #[error("{what} {text:?} is not one that Cargo accepts")]
    Text {
        /// What the text stands for, such as `the dependency name`.
        what: &'static str,
        /// The text, shown escaped.
        text: String,
    },
    /// A schema that this program does not know.
    #[error("the line has schema version {0}; this program knows 1 and 2")]
    Schema(u32),
}

impl IndexLine {
    /// The line of a new release: `facts` are what [`super::compute()`] found in the package.
    ///
    /// Features are split as crates.io splits them, so that Cargos from before 2021 still read the rest.
    #[must_use]
    pub fn new(facts: Facts, cksum: Digest, attestations: Vec<Attestation>) -> Self {
        let (features, features2) = feature::split(facts.features);
        Self {
            name: facts.name,
            vers: facts.version,
            deps: facts.deps,
            cksum,
            v: if features2.is_empty() { 1 } else { 2 },
            features,
            features2,
            yanked: false,
            links: facts.links,
            rust_version: facts.rust_version,
            pubtime: None,
            attestations,
            countersignature: None,
            yank_attestations: Vec::new(),
        }
    }

    /// Reads one line, with or without its line break.
    ///
    /// # Errors
    /// [`LineError`] for what Cargo would not read, for artifact dependencies, and above the caps. An unknown schema
    /// is told apart ([`LineError::Schema`]): Cargo skips such lines.
    pub fn parse(line: &str) -> Result<Self, LineError> {
        #[derive(Deserialize)]
        struct Schema {
            v: Option<u32>,
        }
        if line.len() > MAX_INDEX_LINE {
            return Err(LineError::TooLong);
        }
        // Not validated yet, so that what is wrong is known by its kind.
        let fields = |line| {
            let mut json = serde_json::Deserializer::from_str(line);
            Self::deserialize(&mut json).and_then(|parsed| json.end().map(|()| parsed))
        };
        let parsed = match fields(line) {
            Ok(parsed) => parsed,
            // A later schema may have changed any other field, so its number is looked at by itself.
            Err(error) => match serde_json::from_str::<Schema>(line) {
                Ok(Schema { v: Some(v) }) if !(1..=2).contains(&v) => return Err(LineError::Schema(v)),
                _ => return Err(error.into()),
            },
        };
        parsed.validate()?;
        Ok(parsed)
    }

    /// The line as JSON without its line break: the only way a line is written.
    ///
    /// Line breaks and control characters cannot get in: JSON escapes them.
    #[must_use]
    pub fn to_line(&self) -> String {
        serde_json::to_string(self).expect("names, numbers and text serialise")
    }

    fn validate(&self) -> Result<(), LineError> {
        if !(1..=2).contains(&self.v) {
            return Err(LineError::Schema(self.v));
        }
        at_most("dependencies", self.deps.len(), MAX_DEPENDENCIES)?;
        at_most("features", self.features.len() + self.features2.len(), MAX_FEATURES)?;
        at_most("attestations", self.attestations.len(), MAX_ATTESTATIONS)?;
        at_most("yank attestations", self.yank_attestations.len(), MAX_ATTESTATIONS)?;
        for (name, values) in self.features.iter().chain(&self.features2) {
            at_most("values in one feature", values.len(), MAX_FEATURE_VALUES)?;
            legal("the feature", name, feature::is_name)?;
            values.iter().try_for_each(|value| legal("the feature value", value, feature::is_value))?;
        }
        for dep in &self.deps {
            at_most("features of one dependency", dep.features.len(), MAX_FEATURE_VALUES)?;
            legal("the dependency name", &dep.name, feature::is_package_name)?;
            legal("the dependency name", dep.package_name(), feature::is_package_name)?;
            legal("the version requirement", &dep.req, |req| VersionReq::parse(req).is_ok())?;
            dep.features.iter().try_for_each(|name| legal("the feature", name, feature::is_name))?;
            if let Some(target) = &dep.target {
                legal("the target", target, |target| feature::normalise_target(target).is_some())?;
            }
        }
        if let Some(links) = &self.links {
            legal("`links`", links, feature::is_links)?;
        }
        if let Some(rust_version) = &self.rust_version {
            legal("`rust_version`", rust_version, feature::is_rust_version)?;
        }
        Ok(())
    }
}

impl Serialize for IndexLine {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for IndexLine {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parsed = Self::deserialize(deserializer)?;
        parsed.validate().map_err(D::Error::custom)?;
        Ok(parsed)
    }
}

fn at_most(what: &'static str, count: usize, max: usize) -> Result<(), LineError> {
    if count > max { Err(LineError::TooMany { what, max }) } else { Ok(()) }
}

fn legal(what: &'static str, text: &str, rule: impl Fn(&str) -> bool) -> Result<(), LineError> {
    if rule(text) { Ok(()) } else { Err(LineError::Text { what, text: text.chars().take(100).collect() }) }
}

fn one() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_one(v: &u32) -> bool {
    *v == 1
}

fn null_is_one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(1))
}

fn null_is_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
