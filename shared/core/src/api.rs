//! What is said between a registry and those who ask it: paths, bodies, the error body. One definition for both sides.
//!
//! Each namespace has a web API of its own below `<registry>/ns/<namespace>`, which its index's `config.json` names; the
//! part of it that Cargo speaks is Cargo's. What concerns the registry as a whole stands below `<registry>/api/v1`.
//!
//! | path | who asks |
//! |---|---|
//! | `PUT  /ns/{namespace}/api/v1/crates/new` | `cargo publish`; the release statement is the authorization |
//! | `DELETE …/crates/{crate}/{version}/yank`, `PUT …/unyank` | `cargo yank`; the [`Yank`](crate::statement::Yank) is |
//! | `GET  …/crates/{crate}/owners` | `cargo owner --list` |
//! | `GET  …/crates?q=…&per_page=…` | `cargo search` |
//! | `GET  /api/v1/namespace/{namespace}` | [`NamespaceInfo`] |
//! | `POST /api/v1/namespace/{namespace}/check` | [`CheckRequest`] → [`CheckResponse`] |
//! | `GET  /api/v1/crate/{namespace}/{crate}` | [`CrateInfo`] |
//! | `POST /api/v1/owners`, `/api/v1/transfer` | [`SignedRequest`] → [`Done`] |
//! | `POST /api/v1/attestations` | [`ResignRequest`] → [`Done`] |
//! | `POST /api/v1/documents` | [`DocumentsRequest`] → [`Done`] |
//!
//! Of a private namespace, whatever is not authorized by its own statement needs a [`Read`](crate::statement::Read), the `POST`
//! requests too. An authorization is a signed statement, as [`Envelope::to_header`] writes it. A refusal is [`ErrorBody`], which Cargo
//! prints whole, line breaks and all: its text is written for the person in front of it.

use std::collections::BTreeMap;

use semver::Version;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::domain_view::RecordPlace;
use crate::key::PublicKey;
use crate::name::{CrateName, IndexUrl, Namespace, QualifiedName};
use crate::statement::{Attestation, Envelope};
use crate::time::Timestamp;
use crate::token::Record;

/// The paths, relative to a registry's URL, without a slash at the beginning.
pub mod path {
    use crate::name::{Namespace, QualifiedName};

    /// Below it stands one web API a namespace.
    pub const NAMESPACES: &str = "ns";
    /// Below it stand the indexes.
    pub const INDEX: &str = "index";
    /// Changing owners.
    pub const OWNERS: &str = "api/v1/owners";
    /// Handing a crate over.
    pub const TRANSFER: &str = "api/v1/transfer";
    /// Signing releases again.
    pub const ATTESTATIONS: &str = "api/v1/attestations";
    /// Endorsements and revocations.
    pub const DOCUMENTS: &str = "api/v1/documents";

    /// The base of a namespace's web API, as `config.json` names it.
    pub fn web_api(namespace: &Namespace) -> String {
        format!("{NAMESPACES}/{namespace}")
    }

    /// The index of a namespace, with its slash.
    pub fn index(namespace: &Namespace) -> String {
        format!("{INDEX}/{namespace}/")
    }

    /// What the registry knows of a namespace.
    pub fn namespace(namespace: &Namespace) -> String {
        format!("api/v1/namespace/{namespace}")
    }

    /// Whether a key may publish.
    pub fn check(namespace: &Namespace) -> String {
        format!("api/v1/namespace/{namespace}/check")
    }

    /// What the registry knows of a crate.
    pub fn krate(name: &QualifiedName) -> String {
        format!("api/v1/crate/{}", name.to_url_segment())
    }
}

/// A refusal, as Cargo reads and prints it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// One, as a rule.
    pub errors: Vec<ErrorDetail>,
}

/// One reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorDetail {
    /// For a person, in as many lines as it takes.
    pub detail: String,
    /// For a program: one of the codes in the protocol's documentation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

impl ErrorBody {
    /// A single reason.
    pub fn new(code: &str, detail: impl Into<String>) -> Self {
        Self { errors: vec![ErrorDetail { detail: detail.into(), code: Some(code.to_owned()) }] }
    }
}

/// What `cargo publish` sends beside a .crate, as far as it is compared or kept; other fields are ignored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewCrate {
    /// The package's name.
    pub name: CrateName,
    /// Its version, with its build part.
    pub vers: Version,
    /// Its dependencies.
    #[serde(default, deserialize_with = "null_is_default")]
    pub deps: Vec<NewDep>,
    /// Its features, all in one map.
    #[serde(default, deserialize_with = "null_is_default")]
    pub features: BTreeMap<String, Vec<String>>,
    /// `package.links`.
    #[serde(default)]
    pub links: Option<String>,
    /// `package.rust-version`.
    #[serde(default)]
    pub rust_version: Option<String>,
    /// `package.description`.
    #[serde(default)]
    pub description: Option<String>,
}

/// A dependency in [`NewCrate`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewDep {
    /// The package's own name, whatever Cargo.toml calls it.
    pub name: String,
    /// The requirement.
    pub version_req: String,
    /// Features that are switched on.
    #[serde(default, deserialize_with = "null_is_default")]
    pub features: Vec<String>,
    /// Whether a feature must ask for it.
    #[serde(default, deserialize_with = "null_is_default")]
    pub optional: bool,
    /// Whether the default feature is on.
    #[serde(default = "yes", deserialize_with = "null_is_yes")]
    pub default_features: bool,
    /// The platform.
    #[serde(default)]
    pub target: Option<String>,
    /// Which of the three tables.
    #[serde(default)]
    pub kind: Option<String>,
    /// The index URL of its registry; none means this one.
    #[serde(default)]
    pub registry: Option<String>,
    /// The name in Cargo.toml, where it is another.
    #[serde(default)]
    pub explicit_name_in_toml: Option<String>,
}

fn yes() -> bool {
    true
}

/// Cargo's reference says of the fields of a publish: one that is missing is null. Of a list, a map or a switch, that is the
/// value that it has when nothing is said.
fn null_is_default<'de, T: Default + Deserialize<'de>, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

fn null_is_yes<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_else(yes))
}

/// The answer to a publish: what the person should hear although it went well.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// Cargo prints them.
    pub warnings: Warnings,
}

/// Warnings in Cargo's shape.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warnings {
    /// Always empty here.
    pub invalid_categories: Vec<String>,
    /// Always empty here.
    pub invalid_badges: Vec<String>,
    /// Sentences.
    pub other: Vec<String>,
}

/// That something was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// True.
    pub ok: bool,
    /// What was done, in a sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub msg: String,
}

impl Done {
    /// Done, with a sentence.
    pub fn new(msg: impl Into<String>) -> Self {
        Self { ok: true, msg: msg.into() }
    }
}

/// The owners of a crate, as `cargo owner --list` reads them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owners {
    /// One a key.
    pub users: Vec<Owner>,
}

/// One owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Cargo wants a number; ours counts from one and means nothing.
    pub id: u32,
    /// The key.
    pub login: String,
    /// Who added it, and when.
    pub name: Option<String>,
}

/// What `cargo search` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchResults {
    /// The best first.
    pub crates: Vec<SearchHit>,
    /// The total.
    pub meta: SearchMeta,
}

/// One found crate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchHit {
    /// Its name.
    pub name: String,
    /// Its newest version that is not yanked, or its newest.
    pub max_version: String,
    /// Its description.
    pub description: Option<String>,
}

/// How many there are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchMeta {
    /// In all, shown or not.
    pub total: u64,
}

/// "May this key publish?"
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRequest {
    /// Whose.
    pub key: PublicKey,
    /// Which crate; without it, any of the namespace.
    #[serde(rename = "crate", default, skip_serializing_if = "Option::is_none")]
    pub krate: Option<CrateName>,
}

/// What stands between a key and a publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckState {
    /// Nothing.
    MayPublish,
    /// No record of the key stands at the domain, and nobody publishes in this namespace here yet.
    UnknownDomain,
    /// No record of the key stands, and others publish in this namespace.
    Stranger,
    /// A record stands, but the domain declares another index, or two.
    OtherIndex,
    /// The crate belongs to other keys: ask them for it.
    NotOwner,
    /// The key, or the namespace, may not publish until somebody undoes that.
    Blocked,
}

/// The answer to [`CheckRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckResponse {
    /// Whose.
    pub namespace: Namespace,
    /// The canonical index that the namespace has on this registry.
    pub index: IndexUrl,
    /// What stands between.
    pub state: CheckState,
    /// The refusal that a publish would get, or that it may.
    pub message: String,
    /// Record a: lets the key publish this crate. None without a crate.
    pub crate_record: Option<Record>,
    /// Record b: lets the key publish every crate of the namespace.
    pub namespace_record: Record,
    /// What was seen in each place; empty when the domain was not asked.
    pub places: Vec<PlaceReport>,
    /// The owners of the crate, when it exists.
    pub owners: Vec<PublicKey>,
    /// The registry's clock.
    pub now: Timestamp,
}

/// What was seen in one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceReport {
    /// Which.
    pub place: PlaceName,
    /// As a person finds it: a URL, or "TXT at …".
    pub at: String,
    /// In words.
    pub seen: String,
    /// Whether a record of the key that counts stands there.
    pub found: bool,
}

/// [`RecordPlace`] on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlaceName {
    /// `package-namespace.json`.
    Json,
    /// `cargo-publishers`.
    Publishers,
    /// TXT at the domain.
    TxtApex,
    /// TXT below it.
    TxtLabel,
}

impl From<RecordPlace> for PlaceName {
    fn from(place: RecordPlace) -> Self {
        match place {
            RecordPlace::Json => Self::Json,
            RecordPlace::Publishers => Self::Publishers,
            RecordPlace::TxtApex => Self::TxtApex,
            RecordPlace::TxtLabel => Self::TxtLabel,
        }
    }
}

/// What a registry knows of a namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamespaceInfo {
    /// Its name.
    pub namespace: Namespace,
    /// Its canonical index here.
    pub index: IndexUrl,
    /// Whether anything is published in it.
    pub known: bool,
    /// Why nothing may be published in it at present.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frozen: Option<String>,
    /// Its crates.
    pub crates: Vec<CrateName>,
    /// Endorsements of its publishers' keys: the registry's copy.
    pub endorsements: Vec<Envelope>,
    /// Revocations of its publishers' keys: the registry's copy.
    pub revocations: Vec<Envelope>,
}

/// What a registry knows of a crate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrateInfo {
    /// Its full name.
    pub name: QualifiedName,
    /// The canonical index.
    pub index: IndexUrl,
    /// Its description in the newest release.
    pub description: Option<String>,
    /// Its owners.
    pub owners: Vec<PublicKey>,
    /// To whom it is offered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offered_to: Option<PublicKey>,
    /// The releases, oldest first.
    pub versions: Vec<VersionInfo>,
    /// What was done to its ownership, oldest first: an operator's reset stands here for all to see.
    pub history: Vec<Event>,
}

/// One release in [`CrateInfo`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionInfo {
    /// Its version, with its build part.
    pub version: Version,
    /// SHA-256 of the .crate.
    pub cksum: Digest,
    /// Whether new resolutions pass it by.
    pub yanked: bool,
    /// When it was published.
    pub published_at: Option<Timestamp>,
    /// The signatures over the release statement, as the index line has them.
    pub attestations: Vec<Attestation>,
}

/// One entry of an audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// Who: a key, or `operator`.
    pub actor: String,
    /// What, such as `publish` or `reset-owner`.
    pub action: String,
    /// To what: a namespace, crate or release.
    pub subject: String,
    /// More of it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// A signed request: an owners change or a transfer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedRequest {
    /// The statement.
    pub envelope: Envelope,
}

/// Endorsements and revocations for the registry's copy of a namespace's documents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentsRequest {
    /// Whose keys they are about.
    pub namespace: Namespace,
    /// The statements, applied in order, all or none.
    pub envelopes: Vec<Envelope>,
}

/// Further signatures for releases that are there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResignRequest {
    /// Whose.
    pub namespace: Namespace,
    /// All or none are taken.
    pub releases: Vec<Resigned>,
}

/// One release that is signed again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resigned {
    /// The crate, by its name in the namespace.
    #[serde(rename = "crate")]
    pub krate: CrateName,
    /// The release.
    pub version: Version,
    /// The signature over its release statement.
    pub attestation: Attestation,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_cargos_error_body() {
        let body = serde_json::to_string(&ErrorBody::new("frozen", "line one\nline two")).unwrap();
        assert_eq!(body, r#"{"errors":[{"detail":"line one\nline two","code":"frozen"}]}"#);
        let cargos: ErrorBody = serde_json::from_str(r#"{"errors":[{"detail":"no"}]}"#).unwrap();
        assert_eq!(cargos.errors[0].code, None);
    }

    #[test]
    fn a_publish_of_cargo_is_read() {
        let json = r#"{"name":"hello","vers":"0.1.0","deps":[{"optional":false,"default_features":true,"name":"itoa",
            "features":[],"version_req":"^1","target":null,"kind":"normal","registry":"https://github.com/rust-lang/crates.io-index",
            "explicit_name_in_toml":"int"}],"features":{"default":[]},"authors":[],"description":null,"documentation":null,
            "homepage":null,"readme":null,"readme_file":null,"keywords":[],"categories":[],"license":null,"license_file":null,
            "repository":null,"badges":{},"links":null,"rust_version":null}"#;
        let new: NewCrate = serde_json::from_str(json).unwrap();
        assert_eq!(new.deps[0].explicit_name_in_toml.as_deref(), Some("int"));
    }

    #[test]
    fn a_field_of_a_publish_that_is_missing_or_null_says_nothing() {
        for fields in ["", r#","deps":null,"features":null"#, r#","deps":[],"features":{}"#] {
            let json = format!(r#"{{"name":"hello","vers":"0.1.0"{fields}}}"#);
            let new: NewCrate = serde_json::from_str(&json).unwrap();
            assert!(new.deps.is_empty() && new.features.is_empty(), "{json}");
        }
        let nothing = r#""features":null,"optional":null,"default_features":null,"target":null,"kind":null"#;
        for fields in [String::new(), format!(",{nothing}")] {
            let json = format!(r#"{{"name":"itoa","version_req":"^1"{fields}}}"#);
            let dep: NewDep = serde_json::from_str(&json).unwrap();
            assert!(dep.features.is_empty() && !dep.optional && dep.default_features, "{json}");
        }
        for json in [r#"{"vers":"0.1.0"}"#, r#"{"name":"hello","vers":null}"#] {
            assert!(serde_json::from_str::<NewCrate>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn paths_are_relative_to_the_registry() {
        let name = QualifiedName::parse("serde.rs/serde-abc").unwrap();
        assert_eq!(path::web_api(&name.namespace), "ns/serde.rs");
        assert_eq!(path::krate(&name), "api/v1/crate/serde.rs%2Fserde-abc");
        assert_eq!(path::check(&name.namespace), "api/v1/namespace/serde.rs/check");
    }
}
