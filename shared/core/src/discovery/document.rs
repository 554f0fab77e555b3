//! `package-namespace.json`: the one document that also carries endorsements and revocations.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{DocumentError, at_most, text};
use crate::limits;
use crate::name::IndexUrl;
use crate::statement::Envelope;
use crate::token::Token;

/// The parsed `package-namespace.json`:
///
/// ```json
/// { "authorized_keys": ["sha256-…", "sha256-…"],
///   "index": "sparse+https://foobar-project.org/cargo/index/",
///   "endorsements": [<DSSE envelope>, …], "revocations": [<DSSE envelope>, …] }
/// ```
///
/// Every field may be missing. Unknown fields and keys of another kind are kept through a rewrite, because the file
/// belongs to the domain's owner and not to this program.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PackageNamespaceDoc {
    /// The tokens, in order.
    pub authorized_keys: Vec<Token>,
    /// Entries of `authorized_keys` that are no tokens of ours: another registry's, or a typing mistake.
    pub foreign_keys: Vec<String>,
    /// The canonical index, if the document declares one.
    pub index: Option<IndexUrl>,
    /// Signed statements that one key continues another. Parsed, not verified.
    pub endorsements: Vec<Envelope>,
    /// Signed statements that a key is not to be trusted any more. Parsed, not verified.
    pub revocations: Vec<Envelope>,
    /// Fields that this version does not know.
    pub extra: Map<String, Value>,
}

/// The shape on the wire; `authorized_keys` are plain strings there, since the format of a key is its registry's.
#[derive(Serialize, Deserialize)]
struct Wire {
    #[serde(default)]
    authorized_keys: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    index: Option<IndexUrl>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    endorsements: Vec<Envelope>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    revocations: Vec<Envelope>,
    #[serde(flatten)]
    extra: Map<String, Value>,
}

impl PackageNamespaceDoc {
    /// Reads the document; a byte order mark is tolerated.
    ///
    /// # Errors
    /// [`DocumentError::NotJson`] for what does not even begin as a JSON object (hosts answer their front page to any
    /// path); the others for a document that was meant, and cannot be read.
    pub fn parse(bytes: &[u8]) -> Result<Self, DocumentError> {
        let text = text(bytes)?;
        if !text.trim_start().starts_with('{') {
            return Err(DocumentError::NotJson);
        }
        let wire: Wire = serde_json::from_str(text)?;
        at_most("authorized_keys", wire.authorized_keys.len(), limits::MAX_RECORDS)?;
        at_most("endorsements", wire.endorsements.len(), limits::MAX_ENDORSEMENTS)?;
        at_most("revocations", wire.revocations.len(), limits::MAX_ENDORSEMENTS)?;
        let mut doc = Self {
            index: wire.index,
            endorsements: wire.endorsements,
            revocations: wire.revocations,
            extra: wire.extra,
            ..Self::default()
        };
        for key in wire.authorized_keys {
            match key.parse() {
                Ok(token) => doc.authorized_keys.push(token),
                Err(_) => doc.foreign_keys.push(key),
            }
        }
        Ok(doc)
    }

    /// Writes the document: indented JSON, fields in the order above, foreign keys after ours, a line break at the
    /// end. The same document always gives the same bytes.
    pub fn to_json(&self) -> String {
        let tokens = self.authorized_keys.iter().map(Token::to_string);
        let wire = Wire {
            authorized_keys: tokens.chain(self.foreign_keys.iter().cloned()).collect(),
            index: self.index.clone(),
            endorsements: self.endorsements.clone(),
            revocations: self.revocations.clone(),
            extra: self.extra.clone(),
        };
        let mut json = serde_json::to_string_pretty(&wire).expect("strings and envelopes always serialise");
        json.push('\n');
        json
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TOKEN: &str = "sha256-kdRCstHTc6I8OxwyuW+QC8gFkn4tT8/g4a0M//cvCXk=";

    #[test]
    fn the_example_of_the_proposal_reads() {
        let doc =
            PackageNamespaceDoc::parse(format!(r#"{{"authorized_keys": ["{TOKEN}"]}}"#).as_bytes()).unwrap();
        assert_eq!(doc.authorized_keys[0].to_string(), TOKEN);
        assert_eq!(doc.index, None);
    }

    #[test]
    fn byte_order_mark_and_crlf_are_tolerated() {
        let json = format!("\u{feff}{{\r\n \"authorized_keys\": [\"{TOKEN}\"]\r\n}}\r\n");
        assert_eq!(PackageNamespaceDoc::parse(json.as_bytes()).unwrap().authorized_keys.len(), 1);
    }

    #[test]
    fn what_is_not_ours_is_kept_through_a_rewrite() {
        let json = format!(r#"{{"authorized_keys": ["md5-x", "{TOKEN}"], "contact": {{"b": 1, "a": 2}}}}"#);
        let doc = PackageNamespaceDoc::parse(json.as_bytes()).unwrap();
        assert_eq!(doc.foreign_keys, ["md5-x"]);
        let written = doc.to_json();
        assert!(written.contains("md5-x") && written.contains("\"contact\""), "{written}");
        let again = PackageNamespaceDoc::parse(written.as_bytes()).unwrap();
        assert_eq!(again, doc);
        assert_eq!(again.to_json(), written);
    }

    #[test]
    fn a_web_page_is_not_a_broken_document() {
        let page = b"<!doctype html><title>parked</title>";
        assert!(matches!(PackageNamespaceDoc::parse(page), Err(DocumentError::NotJson)));
        assert!(matches!(
            PackageNamespaceDoc::parse(b"{\"authorized_keys\": [}"),
            Err(DocumentError::Shape(_))
        ));
    }

    #[test]
    fn an_index_over_http_is_refused() {
        let json = br#"{"index": "sparse+http://foobar-project.org/cargo/index/"}"#;
        assert!(matches!(PackageNamespaceDoc::parse(json), Err(DocumentError::Shape(_))));
    }

    #[test]
    fn a_document_beyond_the_cap_is_refused() {
        let json = format!("{{\"x\": \"{}\"}}", "a".repeat(limits::MAX_DOCUMENT));
        assert!(matches!(PackageNamespaceDoc::parse(json.as_bytes()), Err(DocumentError::TooLarge { .. })));
    }

    #[test]
    fn statements_read_back_and_still_hold() {
        use crate::domain_view::tests::{endorsement, everything, key, revocation};
        use crate::statement::{Endorsement, Predicate as _, Revocation};
        let (old, new) = (key(), key());
        let doc = PackageNamespaceDoc {
            endorsements: vec![endorsement(&old, &new, everything()).sign(&old)],
            revocations: vec![revocation(&old, &old)],
            ..PackageNamespaceDoc::default()
        };
        let again = PackageNamespaceDoc::parse(doc.to_json().as_bytes()).unwrap();
        assert_eq!(again, doc);
        assert_eq!(again.endorsements[0].open::<Endorsement>().unwrap().key, new.public());
        assert_eq!(again.revocations[0].open::<Revocation>().unwrap().key, old.public());
    }

    proptest! {
        #[test]
        fn written_documents_read_back(
            tokens in proptest::collection::vec(any::<[u8; 32]>(), 0..5),
            foreign in proptest::collection::vec("md5-[a-z]{0,9}", 0..3),
            host in proptest::option::of("[a-z]{1,8}"),
        ) {
            use base64::Engine as _;
            let b64 = |b: &[u8; 32]| base64::engine::general_purpose::STANDARD.encode(b);
            let doc = PackageNamespaceDoc {
                authorized_keys: tokens.iter().map(|t| format!("sha256-{}", b64(t)).parse().unwrap()).collect(),
                foreign_keys: foreign,
                index: host.map(|h| IndexUrl::parse(&format!("sparse+https://{h}.example/i/")).unwrap()),
                ..PackageNamespaceDoc::default()
            };
            let written = doc.to_json();
            let again = PackageNamespaceDoc::parse(written.as_bytes()).unwrap();
            prop_assert_eq!(&again, &doc);
            prop_assert_eq!(again.to_json(), written);
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = PackageNamespaceDoc::parse(&bytes);
        }
    }
}
