//! Domain tokens: what a domain owner publishes to say which key may publish.
//!
//! ```text
//! token(scope, key) = "sha256-" + base64( SHA-256( scope ‖ 0x00 ‖ ed25519 public key, 32 bytes ) )
//! scope             = "foobar-project.org" (any crate of the namespace) or "foobar-project.org/blurbs" (this crate)
//! ```
//!
//! A [`Record`] is one line of a document or one TXT record: a token, then attributes.
//! ```text
//! sha256-kdRC… index=sparse+https://crates.example/index/foobar-project.org/
//! ```
//! Nothing in it is secret. One record serves every registry and every consumer.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::digest::{Digest, Hasher};
use crate::key::{PublicKey, decode};
use crate::limits::{MAX_RECORD, MAX_RECORD_ATTRIBUTES};
use crate::name::{IndexUrl, NameError, Namespace, QualifiedName};
use crate::text::{excerpt, string_form};

/// What a key may publish.
///
/// The spelling of a crate counts, because the token is over the spelling: a scope for `a-b` says nothing about `a_b`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Any crate of the namespace.
    Namespace(Namespace),
    /// This crate only.
    Crate(QualifiedName),
}

impl Scope {
    /// Reads `namespace` or `namespace/crate`.
    ///
    /// # Errors
    /// What the name says.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.contains('/') {
            QualifiedName::parse(text).map(Self::Crate)
        } else {
            Namespace::parse(text).map(Self::Namespace)
        }
    }

    /// The namespace that the scope lies in.
    pub fn namespace(&self) -> &Namespace {
        match self {
            Self::Namespace(namespace) => namespace,
            Self::Crate(name) => &name.namespace,
        }
    }

    /// Whether a key with this scope may publish `name`.
    pub fn covers(&self, name: &QualifiedName) -> bool {
        match self {
            Self::Namespace(namespace) => *namespace == name.namespace,
            Self::Crate(krate) => krate == name,
        }
    }

    /// Whether this scope is no wider than `other`.
    pub fn within(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Crate(name), _) => other.covers(name),
            (Self::Namespace(ours), Self::Namespace(theirs)) => ours == theirs,
            (Self::Namespace(_), Self::Crate(_)) => false,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Namespace(namespace) => namespace.fmt(f),
            Self::Crate(name) => name.fmt(f),
        }
    }
}

string_form!(Scope, NameError);

/// The hash that stands for one key and one scope; its text is `sha256-` and 44 characters of base64.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token([u8; 32]);

/// A text is no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a token: `sha256-` and 44 characters of base64 are expected")]
pub struct TokenError(String);

impl Token {
    const PREFIX: &str = "sha256-";

    /// The token by which a domain lets `key` publish in `scope`.
    pub fn compute(scope: &Scope, key: &PublicKey) -> Self {
        Self(*hash(&scope.to_string(), key.as_bytes()).as_bytes())
    }

    /// Reads `sha256-<base64>`.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        let bytes = text.strip_prefix(Self::PREFIX).and_then(decode);
        bytes.map(Self).ok_or_else(|| TokenError(excerpt(text)))
    }
}

/// SHA-256 of the scope, a zero byte (no name holds one), and the bytes of whoever it is about.
fn hash(scope: &str, id: &[u8]) -> Digest {
    let mut hasher = Hasher::new();
    hasher.update(scope.as_bytes());
    hasher.update(&[0]);
    hasher.update(id);
    hasher.finish().0
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", Self::PREFIX, STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({self})")
    }
}

string_form!(Token, TokenError);

/// A token with its attributes, as it stands in a TXT record or on a line of `cargo-publishers`.
///
/// Attributes of other names are kept as they are and mean nothing, so that the format can grow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Record {
    /// The token.
    pub token: Token,
    /// `index=`: the namespace's canonical index, where the domain declares one.
    pub index: Option<IndexUrl>,
    /// The other attributes, in their order.
    pub other: Vec<(String, String)>,
}

/// Why a text is no record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// It does not start with a token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// `index=` with something else than an index URL.
    #[error("a bad `index` attribute")]
    Index(#[source] NameError),
    /// `index=` twice.
    #[error("duplicate attribute `index`")]
    TwoIndexes,
    /// A word that is no `name=value`.
    #[error("{0:?} is not an attribute of the form name=value")]
    Attribute(String),
    /// Longer than a record may be, or more attributes.
    #[error(
        "the record is longer than {MAX_RECORD} bytes or has more than {MAX_RECORD_ATTRIBUTES} attributes"
    )]
    TooLong,
}

impl Record {
    /// A record of `token` alone.
    pub fn new(token: Token) -> Self {
        Self { token, index: None, other: Vec::new() }
    }

    /// Whether the text means to be a record: TXT names hold other people's texts too, which are no errors.
    pub fn looks_like(text: &str) -> bool {
        text.trim_ascii_start().starts_with(Token::PREFIX)
    }

    /// Reads one record; words are separated by ASCII white space.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn parse(text: &str) -> Result<Self, RecordError> {
        if text.len() > MAX_RECORD {
            return Err(RecordError::TooLong);
        }
        let mut words = text.split_ascii_whitespace();
        let mut record = Self::new(Token::parse(words.next().unwrap_or_default())?);
        for word in words {
            let (name, value) = word
                .split_once('=')
                .filter(|(name, _)| !name.is_empty())
                .ok_or_else(|| RecordError::Attribute(excerpt(word)))?;
            if name == "index" {
                let index = IndexUrl::parse(value).map_err(RecordError::Index)?;
                if record.index.replace(index).is_some() {
                    return Err(RecordError::TwoIndexes);
                }
            } else {
                record.other.push((name.to_owned(), value.to_owned()));
            }
        }
        if record.other.len() > MAX_RECORD_ATTRIBUTES {
            return Err(RecordError::TooLong);
        }
        Ok(record)
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.token.fmt(f)?;
        if let Some(index) = &self.index {
            write!(f, " index={index}")?;
        }
        self.other.iter().try_for_each(|(name, value)| write!(f, " {name}={value}"))
    }
}

string_form!(Record, RecordError);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::SecretKey;
    use proptest::prelude::*;

    fn scope(text: &str) -> Scope {
        Scope::parse(text).unwrap()
    }

    #[test]
    fn the_shape_gives_the_known_vector() {
        let text = STANDARD.encode(hash("example.com", &97131_u64.to_le_bytes()).as_bytes());
        assert_eq!(text, "kdRCstHTc6I8OxwyuW+QC8gFkn4tT8/g4a0M//cvCXk=");
    }

    #[test]
    fn a_token_is_of_one_scope_and_one_key() {
        let (ours, theirs) = (SecretKey::from_seed([1; 32]).public(), SecretKey::from_seed([2; 32]).public());
        let token = Token::compute(&scope("foobar-project.org/blurbs"), &ours);
        let concatenated = Digest::of(&[b"foobar-project.org/blurbs\0", &ours.as_bytes()[..]].concat());
        assert_eq!(token.0, *concatenated.as_bytes());
        assert_ne!(token, Token::compute(&scope("foobar-project.org"), &ours));
        assert_ne!(token, Token::compute(&scope("foobar-project.org/blurbs"), &theirs));
        assert_eq!(Token::parse(&token.to_string()).unwrap(), token);
    }

    #[test]
    fn a_scope_covers_its_namespace_or_its_one_crate() {
        let name = |text| QualifiedName::parse(text).unwrap();
        let (whole, one) = (scope("serde.rs"), scope("serde.rs/a-b"));
        assert!(whole.covers(&name("serde.rs/a-b")) && one.covers(&name("serde.rs/a-b")));
        for other in ["serde.rs/a_b", "serde.rs/A-b", "serde.rs/a-bc", "sub.serde.rs/a-b", "rs.serde/a-b"] {
            assert!(!one.covers(&name(other)), "{other}");
        }
        assert!(!whole.covers(&name("sub.serde.rs/a-b")));
        assert!(one.within(&whole) && one.within(&one) && whole.within(&whole));
        assert!(
            !whole.within(&one) && !one.within(&scope("serde.rs/a_b")) && !one.within(&scope("other.rs"))
        );
    }

    const TOKEN: &str = "sha256-kdRCstHTc6I8OxwyuW+QC8gFkn4tT8/g4a0M//cvCXk=";

    #[test]
    fn a_record_keeps_what_it_does_not_know() {
        let text =
            format!("{TOKEN} index=sparse+https://crates.example/index/foobar-project.org/ note=a=b later=");
        let record = Record::parse(&text).unwrap();
        assert_eq!(record.index.as_ref().unwrap().host(), "crates.example");
        assert_eq!(record.other[0], ("note".to_owned(), "a=b".to_owned()));
        assert_eq!(record.to_string(), text);
        assert_eq!(Record::parse(&format!("  {TOKEN}\t")).unwrap(), Record::new(TOKEN.parse().unwrap()));
    }

    #[test]
    fn a_broken_record_is_no_record() {
        for wrong in [
            "",
            "v=spf1 -all",
            "sha256-",
            &TOKEN[..TOKEN.len() - 1],
            &TOKEN.replace("sha256", "SHA256"),
            &format!("{TOKEN}="),
            &format!("{TOKEN} word"),
            &format!("{TOKEN} =x"),
            &format!("{TOKEN} index=http://a.example/"),
            &format!("{TOKEN} index=sparse+https://a.example/ index=sparse+https://a.example/"),
            &format!("{TOKEN} x={}", "y".repeat(MAX_RECORD)),
            &format!("{TOKEN}{}", " a=b".repeat(17)),
        ] {
            assert!(Record::parse(wrong).is_err(), "{wrong}");
        }
        // Base64 whose unused last bits are set is another text for the same bytes: refused.
        assert!(Token::parse(&TOKEN.replace("CXk=", "CXl=")).is_err());
    }

    proptest! {
        #[test]
        fn records_parse_back(other in proptest::collection::vec(("[a-hj-z]{1,8}", "[!-~]{0,8}"), 0..5)) {
            let record = Record { token: TOKEN.parse().unwrap(), index: None, other };
            prop_assert_eq!(Record::parse(&record.to_string()).unwrap(), record);
        }

        #[test]
        fn any_text_is_answered(text in ".*") {
            let _ = (Record::parse(&text), Scope::parse(&text), Token::parse(&text));
        }
    }
}
