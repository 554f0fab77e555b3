//! The keys that DNSSEC validation starts from: the DNS root's, or those of the configured file.
//!
//! The file holds DNSKEY or DS records in presentation form, as `dig . DNSKEY`, `unbound-anchor` or a name server's key
//! tool print them; time to live and class may be missing. A DS is turned into its key by asking for it: the key fits
//! the digest or it is not taken.

use std::path::Path;

use hickory_resolver::proto::dnssec::rdata::{DNSKEY, DNSSECRData, DS};
use hickory_resolver::proto::dnssec::{Algorithm, DigestType, TrustAnchors, Verifier as _};
use hickory_resolver::proto::op::Query;
use hickory_resolver::proto::rr::{Name, RData, RecordType};

use super::LookupError;
use super::wire::Wire;
use crate::fs;

/// Why a text is no list of trust anchors.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum AnchorError {
    #[error("it holds no record")]
    NoRecord,
    #[error("`{0}` is neither a DNSKEY nor a DS record")]
    OtherRecord(String),
    #[error("a DNSKEY record has four fields")]
    ShortKey,
    #[error("{0}")]
    Keys(String),
    #[error("`{0}` is not the data of a DS record")]
    Digest(String),
    #[error("the digest type {0} is not supported")]
    DigestType(String),
}

/// The configured keys.
#[derive(Clone, Default)]
pub(super) struct Anchors {
    keys: TrustAnchors,
    digests: Vec<(Name, DS)>,
}

impl std::fmt::Debug for Anchors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Anchors").finish_non_exhaustive()
    }
}

impl Anchors {
    /// Those of a file. The root's built-in keys do not count beside them.
    pub(super) fn read(path: &Path) -> Result<Self, LookupError> {
        let shown = path.display();
        let text = fs::read_to_string(path).map_err(|error| {
            LookupError(format!("the trust anchor `{shown}` cannot be read: {}", error.source))
        })?;
        Self::parse(&text)
            .map_err(|problem| LookupError(format!("the trust anchor `{shown}` is not usable: {problem}")))
    }

    fn parse(text: &str) -> Result<Self, AnchorError> {
        let mut keys = String::new();
        let mut digests = Vec::new();
        for record in records(text) {
            let (owner, rest) = record.split_first().ok_or(AnchorError::NoRecord)?;
            let kind = rest
                .iter()
                .position(|field| field.eq_ignore_ascii_case("DNSKEY") || field.eq_ignore_ascii_case("DS"))
                .ok_or_else(|| AnchorError::OtherRecord(record.join(" ")))?;
            let data = &rest[kind + 1..];
            if rest[kind].eq_ignore_ascii_case("DS") {
                digests.push((
                    super::parse_name(owner).map_err(|error| AnchorError::Keys(error.to_string()))?,
                    digest(data)?,
                ));
            } else {
                // Flags, protocol, algorithm, then the key, which may be written in pieces.
                let (head, key) = data.split_at_checked(3).ok_or(AnchorError::ShortKey)?;
                keys.push_str(&format!("{owner} 3600 IN DNSKEY {} {}\n", head.join(" "), key.concat()));
            }
        }
        if keys.is_empty() && digests.is_empty() {
            return Err(AnchorError::NoRecord);
        }
        let keys: TrustAnchors = if keys.is_empty() {
            TrustAnchors::empty()
        } else {
            keys.parse().map_err(|error| AnchorError::Keys(format!("{error}")))?
        };
        Ok(Self { keys, digests })
    }

    /// With the keys that fit the digests, fetched now.
    pub(super) async fn resolve(&self, wire: &Wire) -> Result<TrustAnchors, LookupError> {
        let mut keys = self.keys.clone();
        for (owner, digest) in &self.digests {
            let query = Query::query(owner.clone(), RecordType::DNSKEY);
            let answer = wire.ask(query).await.map_err(|error| {
                LookupError(format!("failed to fetch the keys of the trust anchor `{owner}`: {error}"))
            })?;
            for record in &answer.answers {
                if let RData::DNSSEC(DNSSECRData::DNSKEY(key)) = &record.data
                    && covers(digest, owner, key)
                    && let Ok(public) = key.key()
                {
                    keys.insert_with_name(&*public, owner.into());
                }
            }
        }
        Ok(keys)
    }
}

fn covers(digest: &DS, owner: &Name, key: &DNSKEY) -> bool {
    digest.algorithm() == key.algorithm() && digest.covers(owner, key).unwrap_or(false)
}

/// Key tag, algorithm, digest type, then the digest in hexadecimal, which may be written in pieces.
fn digest(data: &[String]) -> Result<DS, AnchorError> {
    let bad = || AnchorError::Digest(data.join(" "));
    let (head, hex) = data.split_at_checked(3).ok_or_else(bad)?;
    let tag = head[0].parse().map_err(|_| bad())?;
    let algorithm = Algorithm::from_u8(head[1].parse().map_err(|_| bad())?);
    let kind = DigestType::from(head[2].parse::<u8>().map_err(|_| bad())?);
    if !kind.is_supported() {
        return Err(AnchorError::DigestType(head[2].clone()));
    }
    let hex = hex.concat();
    let bytes: Option<Vec<u8>> =
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()).collect();
    let bytes = bytes.filter(|bytes| !bytes.is_empty()).ok_or_else(bad)?;
    Ok(DS::new(tag, algorithm, kind, bytes))
}

/// The fields of each record: comments are dropped, parentheses join lines.
fn records(text: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut record = Vec::new();
    let mut open = false;
    for line in text.lines() {
        let line = line.split(';').next().unwrap_or_default();
        for field in line.replace('(', " ( ").replace(')', " ) ").split_whitespace() {
            match field {
                "(" => open = true,
                ")" => open = false,
                _ => record.push(field.to_owned()),
            }
        }
        if !open && !record.is_empty() {
            found.push(std::mem::take(&mut record));
        }
    }
    found.extend((!record.is_empty()).then_some(record));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str =
        "mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==";

    #[test]
    fn keys_are_read_in_every_common_form() {
        for text in [
            format!(". DNSKEY 257 3 13 {KEY}\n"),
            format!(". 3600 IN DNSKEY 257 3 13 {KEY}\n"),
            format!(". IN DNSKEY 257 3 13 (\n  {} ; first\n  {} )\n", &KEY[..40], &KEY[40..]),
            format!("; made by hand\n\n. DNSKEY 257 3 13 {KEY} ; the root\n"),
        ] {
            let anchors = Anchors::parse(&text).unwrap();
            assert_eq!(anchors.keys.len(), 1, "{text}");
        }
    }

    #[test]
    fn digests_are_read() {
        let text = ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D";
        let anchors = Anchors::parse(text).unwrap();
        assert_eq!(anchors.digests.len(), 1);
        assert!(anchors.keys.is_empty(), "the built-in keys do not count beside a configured anchor");
        let (owner, digest) = &anchors.digests[0];
        assert!(owner.is_root());
        assert_eq!(digest.key_tag(), 20326);
    }

    #[test]
    fn what_is_not_an_anchor_is_refused() {
        for text in ["", "; nothing", ". A 127.0.0.1", ". DS 1 8 2 xyz", ". DS 1 8 2", ". DNSKEY 257 3"] {
            assert!(Anchors::parse(text).is_err(), "{text}");
        }
    }
}
