//! Records in TXT and in `cargo-publishers`: reading past everything that is not ours.

use std::fmt::Write as _;

use super::{DocumentError, at_most, text};
use crate::limits;
use crate::token::Record;

/// The records of one place, in the order in which they stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Records {
    /// The readable records.
    pub records: Vec<Record>,
    /// What begins like a record and cannot be read.
    pub malformed: Vec<Malformed>,
}

/// A line or TXT record that begins like one of ours and cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// What stands there; untrusted, at most one line.
    pub text: String,
    /// What is wrong with it, as a fragment.
    pub problem: String,
}

/// One TXT record: its character strings as they came, at most 255 bytes each.
///
/// DNS hosts split a long value into several strings, some at odd places; the value is what remains when they are
/// joined with nothing between (RFC 7208 section 3.3 does the same).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TxtRecord(pub Vec<Vec<u8>>);

impl TxtRecord {
    /// A record of a single string.
    pub fn single(text: &str) -> Self {
        Self(vec![text.as_bytes().to_vec()])
    }

    fn joined(&self) -> Vec<u8> {
        self.0.concat()
    }
}

/// Reads the TXT records of one name; records of others (SPF, site verification, binary) are passed over.
///
/// # Errors
/// When the name holds more than [`limits::MAX_TXT_RECORDS`] records, or more than [`limits::MAX_DOCUMENT`] bytes.
pub fn parse_txt(records: &[TxtRecord]) -> Result<Records, DocumentError> {
    at_most("TXT records", records.len(), limits::MAX_TXT_RECORDS)?;
    let size = records.iter().flat_map(|record| &record.0).map(Vec::len).sum();
    if size > limits::MAX_DOCUMENT {
        return Err(DocumentError::TooLarge { size, limit: limits::MAX_DOCUMENT });
    }
    let mut found = Records::default();
    for record in records {
        if let Ok(text) = std::str::from_utf8(&record.joined()) {
            found.take(text);
        }
    }
    Ok(found)
}

/// Reads `cargo-publishers`: one record a line, `#` begins a comment at the start of a line or after white space,
/// a byte order mark and CRLF are tolerated.
///
/// # Errors
/// When it is longer than [`limits::MAX_DOCUMENT`], holds more than [`limits::MAX_RECORDS`] or is not UTF-8. A web page in its place holds no records, and is
/// not an error.
pub fn parse_cargo_publishers(bytes: &[u8]) -> Result<Records, DocumentError> {
    let mut found = Records::default();
    for line in text(bytes)?.lines() {
        found.take(without_comment(line));
    }
    at_most("records", found.records.len() + found.malformed.len(), limits::MAX_RECORDS)?;
    Ok(found)
}

/// Writes records as `cargo-publishers` holds them: one a line, each line ended.
pub fn render_cargo_publishers(records: &[Record]) -> String {
    let mut text = String::new();
    for record in records {
        let _ = writeln!(text, "{record}");
    }
    text
}

/// `existing` with those of `records` at its end that it does not hold yet; comments and the records of others stay.
///
/// # Errors
/// As [`parse_cargo_publishers`].
pub fn with_records_added(existing: &str, records: &[Record]) -> Result<String, DocumentError> {
    let held = parse_cargo_publishers(existing.as_bytes())?;
    let missing: Vec<Record> = records.iter().filter(|r| !held.records.contains(r)).cloned().collect();
    let mut text = existing.to_owned();
    if !missing.is_empty() && !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(&render_cargo_publishers(&missing));
    Ok(text)
}

impl Records {
    /// Takes one line or TXT value: a record, something malformed, or nothing of ours.
    fn take(&mut self, value: &str) {
        let value = value.trim();
        if !Record::looks_like(value) {
            return;
        }
        match value.parse::<Record>() {
            Ok(record) => self.records.push(record),
            Err(error) => {
                self.malformed.push(Malformed { text: value.to_owned(), problem: with_causes(&error) });
            }
        }
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// The part of a line before its comment. Neither base64 nor an index URL holds a `#`, but other tokens might, so
/// only a `#` at the start or after white space counts.
fn without_comment(line: &str) -> &str {
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        if c == '#' && before.is_whitespace() {
            return &line[..at];
        }
        before = c;
    }
    line
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::token::Token;

    const ONE: &str = "sha256-kdRCstHTc6I8OxwyuW+QC8gFkn4tT8/g4a0M//cvCXk=";
    const TWO: &str = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

    fn tokens(found: &Records) -> Vec<String> {
        found.records.iter().map(|r| r.token.to_string()).collect()
    }

    #[test]
    fn publishers_with_comments_bom_and_crlf() {
        let file =
            format!("\u{feff}# who may publish\r\n\r\n{ONE}\r\n  {TWO}   # Alex, until spring\r\n#{ONE}\r\n");
        let found = parse_cargo_publishers(file.as_bytes()).unwrap();
        assert_eq!(tokens(&found), [ONE, TWO]);
        assert!(found.malformed.is_empty());
    }

    #[test]
    fn tokens_of_another_registry_and_web_pages_are_passed_over() {
        let file = format!("ZG2ioiTY3tMgwDYfmb6p\n<!doctype html>\n{ONE}\nv=spf1 -all\n");
        let found = parse_cargo_publishers(file.as_bytes()).unwrap();
        assert_eq!(tokens(&found), [ONE]);
        assert!(found.malformed.is_empty());
    }

    #[test]
    fn a_record_names_the_index() {
        let file = format!("{ONE} index=sparse+https://crates.example/index/foobar-project.org/\n");
        let found = parse_cargo_publishers(file.as_bytes()).unwrap();
        let index = found.records[0].index.as_ref().unwrap();
        assert_eq!(index.as_str(), "sparse+https://crates.example/index/foobar-project.org/");
    }

    #[test]
    fn what_looks_like_ours_and_cannot_be_read_is_reported() {
        let file = "sha256-tooShort=\n";
        let found = parse_cargo_publishers(file.as_bytes()).unwrap();
        assert!(found.records.is_empty());
        assert_eq!(found.malformed[0].text, "sha256-tooShort=");
        assert!(!found.malformed[0].problem.is_empty());
    }

    #[test]
    fn a_document_beyond_the_cap_is_refused() {
        let file = "# padding\n".repeat(limits::MAX_DOCUMENT / 10 + 1);
        assert!(matches!(parse_cargo_publishers(file.as_bytes()), Err(DocumentError::TooLarge { .. })));
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        assert!(matches!(parse_cargo_publishers(b"\xff\xfe\x00"), Err(DocumentError::NotText)));
    }

    #[test]
    fn split_txt_strings_are_joined_with_nothing_between() {
        let (a, b) = ONE.split_at(20);
        let record = TxtRecord(vec![a.as_bytes().to_vec(), b.as_bytes().to_vec()]);
        assert_eq!(tokens(&parse_txt(&[record]).unwrap()), [ONE]);
    }

    #[test]
    fn foreign_txt_beside_ours_is_passed_over() {
        let records = [
            TxtRecord::single("v=spf1 include:mail.example -all"),
            TxtRecord(vec![vec![0xff, 0x00]]),
            TxtRecord::single(ONE),
            TxtRecord::single("site-verification=abc"),
            TxtRecord::single(TWO),
        ];
        let found = parse_txt(&records).unwrap();
        assert_eq!(tokens(&found), [ONE, TWO]);
        assert!(found.malformed.is_empty());
    }

    #[test]
    fn endless_txt_is_refused() {
        let long = vec![TxtRecord(vec![vec![b'x'; 255]; 200]); 10];
        assert!(matches!(parse_txt(&long), Err(DocumentError::TooLarge { .. })));
        let many = vec![TxtRecord::single("x"); limits::MAX_TXT_RECORDS + 1];
        assert!(matches!(parse_txt(&many), Err(DocumentError::TooMany { .. })));
    }

    #[test]
    fn adding_keeps_what_stands_and_adds_nothing_twice() {
        let old = format!("# ours\n{ONE}\nZG2ioiTY3tMgwDYfmb6p");
        let records = [ONE.parse::<Record>().unwrap(), TWO.parse::<Record>().unwrap()];
        let new = with_records_added(&old, &records).unwrap();
        assert_eq!(new, format!("{old}\n{TWO}\n"));
        assert_eq!(with_records_added(&new, &records).unwrap(), new);
    }

    fn any_token() -> impl Strategy<Value = Token> {
        use base64::Engine as _;
        any::<[u8; 32]>().prop_map(|bytes| {
            let text = base64::engine::general_purpose::STANDARD.encode(bytes);
            format!("sha256-{text}").parse().unwrap()
        })
    }

    fn any_record() -> impl Strategy<Value = Record> {
        (any_token(), proptest::option::of("[a-z]{1,8}")).prop_map(|(token, host)| {
            let index = host.map(|h| format!(" index=sparse+https://{h}.example/i/")).unwrap_or_default();
            format!("{token}{index}").parse().unwrap()
        })
    }

    proptest! {
        #[test]
        fn written_records_read_back(records in proptest::collection::vec(any_record(), 0..8)) {
            let text = render_cargo_publishers(&records);
            let found = parse_cargo_publishers(text.as_bytes()).unwrap();
            prop_assert_eq!(&found.records, &records);
            prop_assert_eq!(render_cargo_publishers(&found.records), text);
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = parse_cargo_publishers(&bytes);
            let _ = parse_txt(&[TxtRecord(vec![bytes])]);
        }
    }
}
