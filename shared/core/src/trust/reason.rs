//! Why a release is not trusted, written for the person who is stuck: what, what it means, what next.
//!
//! [`Reason`]'s `Display` is the one-line *what*; [`Reason::meaning`] and [`Reason::next`] go below it. Machines read
//! [`Reason::code`], which never changes.

use std::fmt;

use semver::Version;

use crate::discovery::DevRegistry;
use crate::domain_view::{Listing, RecordPlace};
use crate::key::PublicKey;
use crate::name::{IndexUrl, QualifiedName};
use crate::statement::Revocation;
use crate::token::{Scope, Token};

/// A release, and why it is not trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The namespace, and the crate in it.
    pub name: QualifiedName,
    /// The release.
    pub version: Version,
    /// The development registry that it comes from, if it comes from one.
    pub dev: Option<DevRegistry>,
    /// Why.
    pub why: Why,
}

/// Why a release is not trusted. Texts inside (`reason`, `remarks`) are untrusted and not escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the nouns of the message, see the texts below")]
pub enum Why {
    /// No signature holds.
    Unsigned,
    /// The domain answered, and lists other keys or none.
    KeyNotListed { key: PublicKey, remarks: Vec<String> },
    /// A new crate, and the domain did not answer.
    DomainUnreachable { key: PublicKey, reason: String },
    /// A new release, the domain did not answer, and `--strict` was given.
    DomainUnreachableStrict { key: PublicKey, reason: String },
    /// A new release by a key that stands and is not pinned; `known` is what is pinned for the namespace.
    KeyChanged { key: PublicKey, scope: Scope, places: Vec<RecordPlace>, known: Vec<(PublicKey, Scope)> },
    /// A new release by a pinned key that the domain no longer lists.
    KeyNoLongerListed { key: PublicKey, remarks: Vec<String> },
    /// A new release by an unknown key while the domain did not answer.
    KeyUnknownDomainUnreachable { key: PublicKey, reason: String },
    /// A locked release by a key that is not pinned for it; `elsewhere` is another scope it is pinned for, `listing` what
    /// the domain says, if it was asked. `is_first` when no key is pinned for the namespace.
    KeyNotPinned { key: PublicKey, elsewhere: Option<Scope>, listing: Option<Listing>, is_first: bool },
    /// Only revoked keys signed; without a statement the trust file says so.
    KeyRevoked { key: PublicKey, statement: Option<Box<Revocation>> },
    /// The domain declares another index than the pinned one.
    IndexMoved { pinned: IndexUrl, declared: IndexUrl },
    /// The release comes from a registry that is not the namespace's.
    IndexWrong { found: IndexUrl, expected: IndexUrl, source: IndexSource },
    /// The domain's records name several indexes.
    IndexContradiction { problem: String },
    /// Nothing is pinned, and the domain could not be asked.
    IndexUnknown { reason: String },
}

/// Where the expected index is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexSource {
    /// The trust file.
    Pinned,
    /// The domain.
    Declared,
}

impl Reason {
    /// Stable kebab-case code for machines.
    pub fn code(&self) -> &'static str {
        match self.why {
            Why::Unsigned => "unsigned",
            Why::KeyNotListed { .. } => "key-not-listed",
            Why::DomainUnreachable { .. } => "domain-silent",
            Why::DomainUnreachableStrict { .. } => "domain-silent-strict",
            Why::KeyChanged { .. } => "key-changed",
            Why::KeyNoLongerListed { .. } => "key-no-longer-listed",
            Why::KeyUnknownDomainUnreachable { .. } => "key-unknown-domain-silent",
            Why::KeyNotPinned { .. } => "key-not-pinned",
            Why::KeyRevoked { .. } => "key-revoked",
            Why::IndexMoved { .. } => "index-moved",
            Why::IndexWrong { .. } => "index-wrong",
            Why::IndexContradiction { .. } => "index-contradiction",
            Why::IndexUnknown { .. } => "index-unknown",
        }
    }

    /// Whether trying again later may help: the domain was not heard.
    pub fn is_unreachable(&self) -> bool {
        matches!(
            self.why,
            Why::DomainUnreachable { .. }
                | Why::DomainUnreachableStrict { .. }
                | Why::KeyUnknownDomainUnreachable { .. }
                | Why::IndexUnknown { .. }
        )
    }

    /// What it means: one or more sentences, some with a list below.
    pub fn meaning(&self) -> String {
        let domain = self.domain();
        match &self.why {
            Why::Unsigned => "The index line has no valid signature for this .crate.".to_owned(),
            Why::KeyNotListed { remarks, .. } => with_list(
                format!(
                    "A release must be signed by a key that {domain} lists. The domain answered at every place for \
                     records, and none of them lists this key for the crate."
                ),
                remarks,
            ),
            Why::DomainUnreachable { reason, .. } => format!(
                "The domain must list the key of a crate that is new to the project, and the domain did not answer. \
                 {reason}"
            ),
            Why::DomainUnreachableStrict { reason, .. } => {
                format!("With --strict, the domain must list the key of a new release. {reason}")
            }
            Why::KeyChanged { scope, places, known, .. } => self.key_changed(scope, places, known),
            Why::KeyNoLongerListed { remarks, .. } => with_list(
                format!(
                    "The project trusts this key, but {domain} answered at every place and no longer lists it. The owner \
                     removed it, or the domain has a new owner."
                ),
                remarks,
            ),
            Why::KeyUnknownDomainUnreachable { reason, .. } => {
                format!("The project does not trust this key yet, and the domain did not answer. {reason}")
            }
            Why::KeyNotPinned { elsewhere, listing, .. } => {
                let held = match elsewhere {
                    Some(scope) => format!("contains this key, but for {scope} only"),
                    None => "does not contain this key: the project has not accepted it".to_owned(),
                };
                let held = format!("The trust file (.cargo/namespaces.toml) {held}.");
                match listing {
                    Some(listing) => self.with_listing(&held, listing),
                    None => held,
                }
            }
            Why::KeyRevoked { statement, .. } => revoked(statement.as_deref()),
            Why::IndexMoved { pinned, declared } => format!(
                "The project pinned {pinned}, and {domain} declares {declared} now. An index URL identifies its namespace \
                 and should not change: either the owner moved it, or the domain has a new owner and the same names now \
                 refer to other crates."
            ),
            Why::IndexWrong { expected, source, .. } => {
                let says = match source {
                    IndexSource::Pinned => "The trust file says",
                    IndexSource::Declared => "The domain declares",
                };
                format!(
                    "{says} {expected}. A lock file, a configuration or another crate's index line named a registry that \
                     is not the index of {domain}."
                )
            }
            Why::IndexContradiction { problem } => {
                format!("{problem}. A namespace has one canonical index, declared everywhere the same.")
            }
            Why::IndexUnknown { reason } => {
                format!("No index is pinned for {domain}, and the domain did not answer. {reason}")
            }
        }
    }

    fn key_changed(&self, scope: &Scope, places: &[RecordPlace], known: &[(PublicKey, Scope)]) -> String {
        let domain = self.domain();
        let listed = format!(
            "{domain} lists it for {scope} now (at {}).",
            list_places(&self.name, self.dev, places, "and")
        );
        if known.is_empty() {
            return format!(
                "{listed} The project has the crate in its lock file, but has pinned no key for {domain}."
            );
        }
        let known: Vec<String> = known.iter().map(|(key, scope)| format!("{key} for {scope}")).collect();
        with_list(
            format!(
                "{listed} No key that the project trusts has endorsed it. It may belong to a new maintainer or a new \
                 machine, or to somebody who took over the domain. Trusted so far:"
            ),
            &known,
        )
    }

    /// What the domain says of the key now.
    fn with_listing(&self, held: &str, listing: &Listing) -> String {
        let domain = self.domain();
        match listing {
            Listing::Listed { scope, places } => {
                format!(
                    "{held} {domain} lists it for {scope} (at {}).",
                    list_places(&self.name, self.dev, places, "and")
                )
            }
            Listing::NotListed { remarks } => {
                with_list(format!("{held} {domain} answered at every place and does not list it."), remarks)
            }
            Listing::Unreachable { reason } => {
                format!("{held} {domain} is unreachable. {reason}")
            }
        }
    }

    /// The key that `--trust` would accept although a person has to decide, and the places where the domain lists it; none
    /// while the domain does not list it.
    pub fn listed_key(&self) -> Option<(&PublicKey, Vec<String>)> {
        let (key, places) = match &self.why {
            Why::KeyChanged { key, places, .. } => (key, places),
            Why::KeyNotPinned { key, listing: Some(Listing::Listed { places, .. }), .. } => (key, places),
            _ => return None,
        };
        Some((key, places.iter().map(|place| place.describe(&self.name.namespace, self.dev)).collect()))
    }

    /// What to do next: an imperative fragment, with the command or the record ready to copy. `resume` is the command line that
    /// takes a flag more, as `cargo nsadd serde.rs/serde-abc`.
    pub fn next(&self, resume: &str) -> String {
        let (name, domain) = (&self.name, self.domain());
        let trust = |key: &PublicKey| format!("\n    {resume} --trust {key}");
        match &self.why {
            Why::Unsigned => format!("ask the owner of {domain} to sign the release: `cargo nspublish` does"),
            Why::KeyNotListed { key, .. } => {
                let one = Token::compute(&Scope::Crate(name.clone()), key);
                let all = Token::compute(&Scope::Namespace(name.namespace.clone()), key);
                format!(
                    "if the key is right, the owner of {domain} publishes one of these records:\n  {one} (for {name})\n  \
                     {all} (for every crate of {domain})\nin {}",
                    list_places(name, self.dev, &RecordPlace::ALL, "or")
                )
            }
            Why::DomainUnreachable { .. } | Why::IndexUnknown { .. } => {
                format!("check the name and the network, and try again when {domain} answers")
            }
            Why::DomainUnreachableStrict { .. } => {
                "try again later, or without `--strict`: a pinned key is then accepted while the domain is unreachable"
                    .to_owned()
            }
            Why::KeyChanged { key, .. } => {
                format!("ask the owner through a channel other than the domain; if the key is theirs:{}", trust(key))
            }
            Why::KeyNoLongerListed { key, .. } => format!(
                "stay on the locked release; if the owner says that this one is theirs:{}",
                trust(key)
            ),
            Why::KeyUnknownDomainUnreachable { key, .. } => format!(
                "try again when {domain} answers; if the owner says that the key is theirs:{}",
                trust(key)
            ),
            Why::KeyNotPinned { is_first: true, .. } => format!(
                "let the project trust what {domain} lists, look at the key that is shown, and commit \
                 .cargo/namespaces.toml:\n    cargo nsadd --sync"
            ),
            Why::KeyNotPinned { key, listing: Some(Listing::NotListed { .. }), .. } => format!(
                "use another release; if the owner confirms through another channel that the key is theirs:{}",
                trust(key)
            ),
            Why::KeyNotPinned { key, .. } => {
                format!("ask the owner through a channel other than the domain; if the key is theirs:{}", trust(key))
            }
            Why::KeyRevoked { .. } => format!(
                "use a release that another key of {domain} signed, or ask the owner to sign this one again (`cargo \
                 nspublish key rotate`)"
            ),
            Why::IndexMoved { .. } => {
                format!(
                    "ask the owner through a channel other than the domain; if the move is theirs:\n    {resume} \
                     --trust-index"
                )
            }
            Why::IndexWrong { expected, .. } => {
                format!(
                    "name {expected} for {domain} in .cargo/config.toml: `cargo nsadd --register {}`",
                    name.namespace
                )
            }
            Why::IndexContradiction { .. } => {
                format!("ask the owner of {domain} to declare one index everywhere")
            }
        }
    }

    fn domain(&self) -> String {
        self.name.namespace.display_both()
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let domain = self.domain();
        write!(f, "{} v{} ", self.name, self.version)?;
        match &self.why {
            Why::Unsigned => write!(f, "is not signed"),
            Why::KeyNotListed { key, .. } => write!(f, "is signed by {key}, which {domain} does not list"),
            Why::DomainUnreachable { key, .. } => {
                write!(f, "is signed by {key}, which could not be verified: {domain} is unreachable")
            }
            Why::DomainUnreachableStrict { .. } => {
                write!(f, "is new, and its key could not be verified: {domain} is unreachable")
            }
            Why::KeyChanged { key, .. } => write!(f, "is signed by {key}: the key changed"),
            Why::KeyNoLongerListed { key, .. } => {
                write!(f, "is signed by {key}, which {domain} no longer lists")
            }
            Why::KeyUnknownDomainUnreachable { key, .. } => {
                write!(f, "is signed by {key}, which the project does not trust, and {domain} is unreachable")
            }
            Why::KeyNotPinned { key, .. } => write!(f, "is signed by {key}, which is not pinned for it"),
            Why::KeyRevoked { key, .. } => write!(f, "is signed by {key}, which is revoked"),
            Why::IndexMoved { .. } => {
                write!(f, "is not accepted: {domain} declares another index than the pinned one")
            }
            Why::IndexWrong { found, .. } => {
                write!(f, "comes from {found}, which is not the index of {domain}")
            }
            Why::IndexContradiction { .. } => {
                write!(f, "is not accepted: the records of {domain} name different indexes")
            }
            Why::IndexUnknown { .. } => write!(f, "is not accepted: the index of {domain} is unknown"),
        }
    }
}

impl std::error::Error for Reason {}

fn revoked(statement: Option<&Revocation>) -> String {
    let Some(statement) = statement else {
        return "The trust file (.cargo/namespaces.toml) lists the key under `revoked`.".to_owned();
    };
    let by = if statement.by == statement.key {
        "itself".to_owned()
    } else {
        format!("{}, which it endorsed", statement.by)
    };
    let said =
        statement.reason.as_ref().map(|reason| format!(" Reason given: {reason}.")).unwrap_or_default();
    format!(
        "Its revocation of {} is signed by {by}.{said} The key may be in other hands, so a release that only this key \
         signed is refused, whenever it was signed.",
        statement.issued_at
    )
}

/// The places, for a sentence; `word` stands before the last.
pub(super) fn list_places(
    name: &QualifiedName,
    dev: Option<DevRegistry>,
    places: &[RecordPlace],
    word: &str,
) -> String {
    let places: Vec<String> = places.iter().map(|place| place.describe(&name.namespace, dev)).collect();
    match places.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} {word} {last}", before.join(", ")),
        None => "no place".to_owned(),
    }
}

fn with_list(mut text: String, items: &[String]) -> String {
    for item in items {
        text.push_str("\n  ");
        text.push_str(item);
    }
    text
}
