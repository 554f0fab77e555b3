//! [`Namespace`]: a DNS name that stands for whoever controls it.
//!
//! Text is normalised by UTS 46 (crate `idna`, nontransitional, STD3 rules) to lower-case A-labels, which is the form
//! that is compared, signed, hashed and shown to machines. People see both forms. The public suffix list (crate `psl`)
//! says which names belong to a registry of names rather than to somebody.

use std::fmt;
use std::net::IpAddr;

use idna::uts46::{AsciiDenyList, DnsLength, ErrorPolicy, Hyphens, Uts46};
use unicode_security::{MixedScript as _, confusable_detection::skeleton};

use super::NameError;
use super::local::is_localhost;
use crate::limits::{MAX_NAMESPACE, MAX_NAMESPACE_INPUT, MAX_NAMESPACE_LABELS};
use crate::text::{excerpt, string_form};

/// A domain as a namespace, in lower-case A-labels: `serde.rs`, `xn--mnchen-3ya.example`.
///
/// Two labels or more (`localhost` apart), at most ten and 253 bytes, no trailing dot, no IP address, no public suffix, no `.git`
/// (which is no top-level domain either).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Namespace(String);

/// What is wrong with a would-be namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NamespaceProblem {
    /// Nothing there.
    #[error("it is empty")]
    Empty,
    /// More than 253 bytes.
    #[error("it is longer than {MAX_NAMESPACE} bytes")]
    TooLong,
    /// More than ten labels.
    #[error("it has more than {MAX_NAMESPACE_LABELS} labels")]
    TooManyLabels,
    /// No dot in it.
    #[error("it has no dot")]
    OneLabel,
    /// `serde.rs.`
    #[error("it ends with a dot")]
    TrailingDot,
    /// An address, or a last label that URL parsers take for the end of one.
    #[error("it is an IP address")]
    IpAddress,
    /// Not a host name by UTS 46.
    #[error("it is not a valid host name")]
    NotAHostName,
    /// `serde.git`: an index URL that ends in it would be taken by Cargo for that of `serde`.
    #[error("it ends in `.git`, which Cargo does not tell from the same name without it")]
    Git,
    /// `co.uk`, `github.io`.
    #[error("it is a public suffix, under which others register names")]
    PublicSuffix,
}

/// Which special-use names may be namespaces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SpecialUseNames {
    /// None.
    #[default]
    None,
    /// `localhost` and names below it: there is a development registry.
    Localhost,
    /// All: there is a network with its own DNS.
    All,
}

impl From<bool> for SpecialUseNames {
    fn from(allowed: bool) -> Self {
        if allowed { Self::All } else { Self::None }
    }
}

/// Why a name is in nobody's hands (the registry of special-use domain names, RFC 6761 and its successors).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SpecialUse {
    /// `localhost` and below.
    Localhost,
    /// `.test`
    Test,
    /// `.example`
    Example,
    /// `.invalid`
    Invalid,
    /// `.local`, multicast DNS.
    Local,
    /// `.internal`, private networks.
    Internal,
    /// `.home.arpa`, home networks.
    HomeArpa,
    /// `.onion`, Tor.
    Onion,
    /// `.alt`, other name systems.
    Alt,
}

impl fmt::Display for SpecialUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Localhost => "localhost",
            Self::Test => ".test",
            Self::Example => ".example",
            Self::Invalid => ".invalid",
            Self::Local => ".local",
            Self::Internal => ".internal",
            Self::HomeArpa => ".home.arpa",
            Self::Onion => ".onion",
            Self::Alt => ".alt",
        })
    }
}

impl Namespace {
    /// Reads a domain name, Unicode or A-labels, in any case.
    ///
    /// # Errors
    /// [`NameError::Namespace`] with what is wrong. Special-use names parse: see [`Namespace::check_special_use`].
    pub fn parse(text: &str) -> Result<Self, NameError> {
        normalise(text).map(Self).map_err(|problem| NameError::Namespace { text: excerpt(text), problem })
    }

    /// The A-labels.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The Unicode form: `münchen.example`. Only for people; see [`Namespace::display_both`].
    pub fn to_unicode(&self) -> String {
        Uts46::new().to_unicode(self.0.as_bytes(), AsciiDenyList::STD3, Hyphens::Check).0.into_owned()
    }

    /// What a person is shown: `serde.rs`, or both forms where they differ: `münchen.example (xn--mnchen-3ya.example)`.
    pub fn display_both(&self) -> String {
        let unicode = self.to_unicode();
        if unicode == self.0 { unicode } else { format!("{unicode} ({})", self.0) }
    }

    /// The domain that somebody registered: `example.co.uk` of `crates.team.example.co.uk`.
    pub fn registrable(&self) -> &str {
        let domain = psl::domain_str(&self.0);
        domain.unwrap_or(&self.0)
    }

    /// Why nobody can own this name, if so. Such names are for tests and for networks with their own DNS.
    pub fn special_use(&self) -> Option<SpecialUse> {
        if self.0.ends_with(".home.arpa") || self.0 == "home.arpa" {
            return Some(SpecialUse::HomeArpa);
        }
        match self.0.rsplit('.').next()? {
            "localhost" => Some(SpecialUse::Localhost),
            "test" => Some(SpecialUse::Test),
            "example" => Some(SpecialUse::Example),
            "invalid" => Some(SpecialUse::Invalid),
            "local" => Some(SpecialUse::Local),
            "internal" => Some(SpecialUse::Internal),
            "onion" => Some(SpecialUse::Onion),
            "alt" => Some(SpecialUse::Alt),
            _ => None,
        }
    }

    /// Refuses a special-use name unless the configuration allows them. Called where a name enters a command.
    ///
    /// # Errors
    /// [`NameError::SpecialUse`].
    pub fn check_special_use(&self, allowed: impl Into<SpecialUseNames>) -> Result<(), NameError> {
        match (self.special_use(), allowed.into()) {
            (None, _) | (Some(_), SpecialUseNames::All) => Ok(()),
            (Some(SpecialUse::Localhost), SpecialUseNames::Localhost) => Ok(()),
            (Some(kind), _) => Err(NameError::SpecialUse { namespace: self.clone(), kind }),
        }
    }

    /// Whether it is `localhost` or below it: this machine.
    pub fn is_local(&self) -> bool {
        is_localhost(&self.0)
    }

    /// Whether one label mixes scripts as no language does (UTS 39, section 5.1): a Cyrillic `а` in `pаypal.example`.
    pub fn is_mixed_script(&self) -> bool {
        self.to_unicode().split('.').any(|label| !label.is_single_script())
    }

    /// Whether the two are different names that a reader may take for one: their shapes are confusable (UTS 39,
    /// section 4), or one character was added, left out, changed, or swapped with its neighbour.
    pub fn looks_like(&self, other: &Self) -> bool {
        if self == other {
            return false;
        }
        let (ours, theirs) = (self.to_unicode(), other.to_unicode());
        skeleton(&ours).eq(skeleton(&theirs)) || strsim::osa_distance(&ours, &theirs) == 1
    }
}

fn normalise(text: &str) -> Result<String, NamespaceProblem> {
    if text.is_empty() {
        return Err(NamespaceProblem::Empty);
    }
    if text.len() > MAX_NAMESPACE_INPUT {
        return Err(NamespaceProblem::TooLong);
    }
    if text.ends_with(['.', '。', '．', '｡']) {
        return Err(NamespaceProblem::TrailingDot);
    }
    let name = to_host_name(text).ok_or_else(|| problem_of(text))?;
    if ends_in_a_number(&name) {
        return Err(NamespaceProblem::IpAddress);
    }
    match name.split('.').count() {
        1 if name != "localhost" => return Err(NamespaceProblem::OneLabel),
        n if n > MAX_NAMESPACE_LABELS => return Err(NamespaceProblem::TooManyLabels),
        _ => {}
    }
    if name.ends_with(".git") {
        return Err(NamespaceProblem::Git);
    }
    // A suffix by the default rule alone (`grep` under an unknown `.example`) is not `known`.
    match psl::suffix(name.as_bytes()) {
        Some(suffix) if suffix.is_known() && suffix == name.as_bytes() => Err(NamespaceProblem::PublicSuffix),
        _ => Ok(name),
    }
}

/// What to call the fault of a text that UTS 46 refused.
fn problem_of(text: &str) -> NamespaceProblem {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    if bare.parse::<IpAddr>().is_ok() {
        return NamespaceProblem::IpAddress;
    }
    let without_length =
        Uts46::new().to_ascii(text.as_bytes(), AsciiDenyList::STD3, Hyphens::Check, DnsLength::Ignore);
    match without_length {
        Ok(name) if name.len() > MAX_NAMESPACE => NamespaceProblem::TooLong,
        _ => NamespaceProblem::NotAHostName,
    }
}

/// The lower-case A-labels of a host name; `None` when it is none. Also for the hosts of index URLs.
pub(super) fn to_host_name(text: &str) -> Option<String> {
    let name = Uts46::new()
        .to_ascii(text.as_bytes(), AsciiDenyList::STD3, Hyphens::Check, DnsLength::Verify)
        .ok()?
        .into_owned();
    // What normalises must be a fixed point, or one name would have two identities.
    let mut again = String::with_capacity(name.len());
    let stable = Uts46::new().process(
        name.as_bytes(),
        AsciiDenyList::STD3,
        Hyphens::Check,
        ErrorPolicy::FailFast,
        |_, _, _| false,
        &mut again,
        None,
    );
    match stable {
        Ok(idna::uts46::ProcessingSuccess::Passthrough) => Some(name),
        Ok(idna::uts46::ProcessingSuccess::WroteToSink) if again == name => Some(name),
        _ => None,
    }
}

/// Whether URL parsers would read the host as an IPv4 address: its last label is a number (the URL standard's
/// "ends in a number").
pub(super) fn ends_in_a_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    let hex = last.strip_prefix("0x").is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_hexdigit()));
    hex || (!last.is_empty() && last.bytes().all(|b| b.is_ascii_digit()))
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

string_form!(Namespace, NameError);
