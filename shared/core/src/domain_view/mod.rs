//! From the answers of a domain to what it says: which keys it lists, which index it declares.
//!
//! Pure. The probe of a domain asks the four [`RecordPlace`]s and hands over one [`ProbeResult`] for each; a [`DomainView`] answers
//! the questions of `trust`. The rules of evidence:
//!
//! - One matching record in one place is enough for a key to be **listed**.
//! - TXT that is not validated (neither DNSSEC nor DNS over HTTPS) is not evidence, for or against.
//! - "Not listed" is a strong statement: it stops releases by a key that was trusted. So it takes an answer from every
//!   place. A place that failed (timeout, 500, a wrong certificate, bogus DNSSEC) makes the domain
//!   **unreachable**: a missing answer means neither yes nor no.
//! - Endorsements and revocations count by their signatures alone; where they were found proves nothing.

use std::collections::BTreeMap;
use std::fmt;

use crate::discovery::{
    self, DevRegistry, DocumentError, Malformed, PackageNamespaceDoc, Records, TxtRecord,
};
use crate::key::PublicKey;
use crate::name::{IndexUrl, Namespace, QualifiedName};
use crate::statement::{Endorsement, Envelope, Revocation, Verified};
use crate::token::{Scope, Token};

#[cfg(test)]
pub(crate) mod tests;

/// Where a domain's records may stand, in the order in which a person is told of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordPlace {
    /// `/.well-known/rust-lang.org/package-namespace.json`.
    Json,
    /// `/.well-known/cargo-publishers`.
    Publishers,
    /// TXT at the domain itself.
    TxtApex,
    /// TXT at `_cargo-namespace.<domain>`.
    TxtLabel,
}

impl RecordPlace {
    /// All places, in order.
    pub const ALL: [Self; 4] = [Self::Json, Self::Publishers, Self::TxtApex, Self::TxtLabel];

    /// The place as a person finds it: a URL, or "TXT at …".
    pub fn describe(self, namespace: &Namespace, dev: Option<DevRegistry>) -> String {
        let domain = namespace.as_str();
        match self {
            Self::Json => discovery::well_known_json_url(namespace, dev),
            Self::Publishers => discovery::cargo_publishers_url(namespace, dev),
            Self::TxtApex => format!("TXT at {domain}"),
            Self::TxtLabel => format!("TXT at {}.{domain}", discovery::TXT_LABEL),
        }
    }
}

/// What came back from one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeOutcome {
    /// The body of an HTTPS document, answered with 200 and a valid certificate.
    Document(Vec<u8>),
    /// TXT records, DNSSEC-validated or from DNS over HTTPS.
    Txt(Vec<TxtRecord>),
    /// Provably nothing there: 404 or 410 for a document, validated denial (or no records) for TXT.
    Absent,
    /// TXT that may not be believed because its zone is provably unsigned; the reason, for a person.
    Unusable(String),
    /// No usable answer: timeout, other status, bad certificate, too large, bogus DNSSEC; the reason, for a person.
    Failed(String),
}

/// One place, and what came back from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeResult {
    /// Where.
    pub place: RecordPlace,
    /// What.
    pub outcome: ProbeOutcome,
}

/// What a domain says about its namespace, as far as it could be asked.
#[derive(Clone, Debug)]
pub struct DomainView {
    namespace: Namespace,
    dev: Option<DevRegistry>,
    places: BTreeMap<RecordPlace, PlaceAnswer>,
    endorsements: Vec<Verified<Endorsement>>,
    revocations: Vec<Revocation>,
    remarks: Vec<String>,
}

/// A result, read.
#[derive(Clone, Debug)]
enum PlaceAnswer {
    /// The place answered; an absent one holds nothing.
    Answered {
        tokens: Vec<Token>,
        /// Every index that it declares; with a single place saying two things, both.
        indexes: Vec<IndexUrl>,
    },
    Unusable,
    Failed(String),
}

impl PlaceAnswer {
    fn nothing() -> Self {
        Self::Answered { tokens: Vec::new(), indexes: Vec::new() }
    }
}

/// Whether a key may, according to its domain now, publish a crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listing {
    /// A token of the key stands.
    Listed {
        /// The widest scope that stands and covers the crate.
        scope: Scope,
        /// Where that token stands.
        places: Vec<RecordPlace>,
    },
    /// Every place answered, and none lists the key for this crate.
    NotListed {
        /// What may explain it: unsigned TXT, malformed records. For a person; untrusted text.
        remarks: Vec<String>,
    },
    /// Not found, and not every place answered.
    Unreachable {
        /// Which did not, and why. For a person; untrusted text.
        reason: String,
    },
}

/// Why there is no one answer to "where is the index".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    /// Records contradict one another. The identity of a namespace cannot be two things.
    #[error("{namespace} declares more than one index: {}", list(found))]
    Contradiction {
        /// Whose.
        namespace: Namespace,
        /// Each declaration and where it stands.
        found: Vec<(String, IndexUrl)>,
    },
    /// Nothing declares an index where it could be asked, and not every place could.
    #[error("failed to find the index of {namespace}: {reason}")]
    Unknown {
        /// Whose.
        namespace: Namespace,
        /// Which place did not answer, and why.
        reason: String,
    },
}

fn list(found: &[(String, IndexUrl)]) -> String {
    let found: Vec<String> = found.iter().map(|(place, index)| format!("{index} ({place})")).collect();
    found.join(", ")
}

impl DomainView {
    /// Weighs the observations of one namespace. A place that is missing among them counts as failed; of two about
    /// one place the later counts.
    pub fn from_observations(namespace: &Namespace, observations: Vec<ProbeResult>) -> Self {
        Self::seen_by(None, namespace, observations)
    }

    /// As [`DomainView::from_observations`], where a development registry may have been asked.
    pub fn seen_by(dev: Option<DevRegistry>, namespace: &Namespace, observations: Vec<ProbeResult>) -> Self {
        let mut view = Self {
            namespace: namespace.clone(),
            dev,
            places: RecordPlace::ALL
                .into_iter()
                .map(|p| (p, PlaceAnswer::Failed("not asked".to_owned())))
                .collect(),
            endorsements: Vec::new(),
            revocations: Vec::new(),
            remarks: Vec::new(),
        };
        let mut revocations = Vec::new();
        for ProbeResult { place, outcome } in observations {
            let seen = match outcome {
                ProbeOutcome::Absent => PlaceAnswer::nothing(),
                ProbeOutcome::Failed(reason) => PlaceAnswer::Failed(reason),
                ProbeOutcome::Unusable(reason) => {
                    view.remark(place, &reason);
                    PlaceAnswer::Unusable
                }
                ProbeOutcome::Txt(records) => view.take_records(place, discovery::parse_txt(&records)),
                ProbeOutcome::Document(bytes) if place == RecordPlace::Json => {
                    view.take_document(&bytes, &mut revocations)
                }
                ProbeOutcome::Document(bytes) => {
                    view.take_records(place, discovery::parse_cargo_publishers(&bytes))
                }
            };
            view.places.insert(place, seen);
        }
        view.take_revocations(&revocations);
        view
    }

    fn take_records(&mut self, place: RecordPlace, read: Result<Records, DocumentError>) -> PlaceAnswer {
        match read {
            Ok(Records { records, malformed }) => {
                for Malformed { text, problem } in malformed {
                    self.remark(place, &format!("`{text}` is not a usable record: {problem}"));
                }
                let declared = records.iter().filter_map(|record| record.index.clone()).collect();
                PlaceAnswer::Answered {
                    indexes: self.usable(place, declared),
                    tokens: records.into_iter().map(|record| record.token).collect(),
                }
            }
            Err(error) => PlaceAnswer::Failed(error.to_string()),
        }
    }

    fn take_document(&mut self, bytes: &[u8], revocations: &mut Vec<Envelope>) -> PlaceAnswer {
        let doc = match PackageNamespaceDoc::parse(bytes) {
            Ok(doc) => doc,
            // A host that answers its front page to any path says: there is no such document.
            Err(error @ DocumentError::NotJson) => {
                self.remark(RecordPlace::Json, &error.to_string());
                return PlaceAnswer::nothing();
            }
            Err(error) => return PlaceAnswer::Failed(error.to_string()),
        };
        for key in doc.foreign_keys.iter().filter(|key| key.starts_with("sha256-")) {
            self.remark(RecordPlace::Json, &format!("`{key}` is not a usable token"));
        }
        for envelope in &doc.endorsements {
            match envelope.open::<Endorsement>() {
                Ok(endorsement) if endorsement.scope.namespace() == &self.namespace => {
                    self.endorsements.push(endorsement);
                }
                Ok(endorsement) => {
                    self.remark(RecordPlace::Json, &format!("an endorsement is for {}", endorsement.scope));
                }
                Err(error) => {
                    self.remark(RecordPlace::Json, &format!("an endorsement is not valid: {error}"));
                }
            }
        }
        *revocations = doc.revocations;
        let indexes = self.usable(RecordPlace::Json, doc.index.into_iter().collect());
        PlaceAnswer::Answered { tokens: doc.authorized_keys, indexes }
    }

    /// Keeps the revocations that hold: signed by the revoked key itself, or by a key which the revoked key endorsed.
    ///
    /// Neither the endorsement's expiry nor a revocation of the endorsed key matters here: a revocation, once
    /// possible, must not be undone by time or by revoking who spoke it.
    fn take_revocations(&mut self, envelopes: &[Envelope]) {
        for envelope in envelopes {
            match envelope.open::<Revocation>().map(Verified::into_facts) {
                Ok(revocation) if self.may_revoke(&revocation) => self.revocations.push(revocation),
                Ok(revocation) => {
                    let text = format!(
                        "{} may not revoke {}: the revocation is ignored",
                        revocation.by, revocation.key
                    );
                    self.remark(RecordPlace::Json, &text);
                }
                Err(error) => self.remark(RecordPlace::Json, &format!("a revocation is not valid: {error}")),
            }
        }
    }

    fn may_revoke(&self, revocation: &Revocation) -> bool {
        revocation.by == revocation.key
            || self.endorsements.iter().any(|endorsement| {
                endorsement.by == revocation.key
                    && endorsement.key == revocation.by
                    && endorsement.index == revocation.index
            })
    }

    fn remark(&mut self, place: RecordPlace, text: &str) {
        self.remarks.push(format!("{}: {text}", place.describe(&self.namespace, self.dev)));
    }

    /// The declared indexes without those that lead to the machine of whoever reads them.
    fn usable(&mut self, place: RecordPlace, declared: Vec<IndexUrl>) -> Vec<IndexUrl> {
        let (usable, local): (Vec<_>, Vec<_>) =
            declared.into_iter().partition(|index| index.may_serve(&self.namespace));
        for index in local {
            self.remark(place, &format!("the index {index} is on the local machine, and is ignored"));
        }
        usable
    }

    /// Whose view this is.
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// What a person should know about the records: unsigned TXT, malformed lines, statements that do not hold.
    pub fn remarks(&self) -> &[String] {
        &self.remarks
    }

    /// Whether `key` may publish `name` according to the domain now.
    pub fn listing(&self, key: &PublicKey, name: &QualifiedName) -> Listing {
        if name.namespace != self.namespace {
            return Listing::Unreachable {
                reason: format!("{} was asked, not {}", self.namespace, name.namespace),
            };
        }
        for scope in [Scope::Namespace(name.namespace.clone()), Scope::Crate(name.clone())] {
            let places = self.places_of(&Token::compute(&scope, key));
            if !places.is_empty() {
                return Listing::Listed { scope, places };
            }
        }
        match self.failures() {
            Some(reason) => Listing::Unreachable { reason },
            None => Listing::NotListed { remarks: self.remarks.clone() },
        }
    }

    fn places_of(&self, token: &Token) -> Vec<RecordPlace> {
        let lists = |seen: &PlaceAnswer| matches!(seen, PlaceAnswer::Answered { tokens, .. } if tokens.contains(token));
        self.places.iter().filter(|(_, seen)| lists(seen)).map(|(place, _)| *place).collect()
    }

    /// The places that gave no usable answer and why, for a person; `None` when all answered.
    pub fn failures(&self) -> Option<String> {
        let failed: Vec<String> = self
            .places
            .iter()
            .filter_map(|(place, seen)| match seen {
                PlaceAnswer::Failed(reason) => {
                    Some(format!("{}: {reason}", place.describe(&self.namespace, self.dev)))
                }
                PlaceAnswer::Answered { .. } | PlaceAnswer::Unusable => None,
            })
            .collect();
        (!failed.is_empty()).then(|| failed.join("; "))
    }

    /// The canonical index that the domain declares; the default, when everything answered and nothing declares one.
    ///
    /// # Errors
    /// See [`IndexError`].
    pub fn declared_index(&self) -> Result<IndexUrl, IndexError> {
        match (self.written_index()?, self.failures()) {
            (Some(index), _) => Ok(index),
            (None, None) => Ok(IndexUrl::default_for(&self.namespace)),
            (None, Some(reason)) => Err(IndexError::Unknown { namespace: self.namespace.clone(), reason }),
        }
    }

    /// The index of a namespace that is in use: what stands written, or the default of a domain that lists keys and was
    /// heard at every place. A domain that says nothing of namespaces may have any index one day.
    ///
    /// # Errors
    /// [`IndexError::Contradiction`].
    pub fn index_in_use(&self) -> Result<Option<IndexUrl>, IndexError> {
        let lists =
            |seen: &PlaceAnswer| matches!(seen, PlaceAnswer::Answered { tokens, .. } if !tokens.is_empty());
        let default = self.places.values().any(lists) && self.failures().is_none();
        Ok(self.written_index()?.or_else(|| default.then(|| IndexUrl::default_for(&self.namespace))))
    }

    /// The index that stands written at the domain, if one does.
    ///
    /// # Errors
    /// [`IndexError::Contradiction`].
    pub fn written_index(&self) -> Result<Option<IndexUrl>, IndexError> {
        let mut found: Vec<(String, IndexUrl)> = Vec::new();
        for (place, seen) in &self.places {
            let PlaceAnswer::Answered { indexes, .. } = seen else { continue };
            for index in indexes {
                if found.iter().all(|(_, known)| known != index) {
                    found.push((place.describe(&self.namespace, self.dev), index.clone()));
                }
            }
        }
        if found.len() > 1 {
            return Err(IndexError::Contradiction { namespace: self.namespace.clone(), found });
        }
        Ok(found.pop().map(|(_, index)| index))
    }

    /// The endorsements whose signature holds and whose scope lies in the namespace. Whether to follow one is for
    /// `trust` to say.
    pub fn endorsements(&self) -> &[Verified<Endorsement>] {
        &self.endorsements
    }

    /// The revocation of `key` that counts for this canonical index, if there is one.
    pub fn revocation_of(&self, key: &PublicKey, index: &IndexUrl) -> Option<&Revocation> {
        self.revocations.iter().find(|r| &r.key == key && &r.index == index)
    }
}

impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listed { scope, .. } => write!(f, "listed for {scope}"),
            Self::NotListed { .. } => f.write_str("not listed"),
            Self::Unreachable { reason } => write!(f, "unreachable ({reason})"),
        }
    }
}
