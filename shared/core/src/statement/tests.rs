use proptest::prelude::*;

use super::*;
use crate::digest::Digest;
use crate::key::{SecretKey, Signature};
use crate::name::IndexUrl;
use crate::time::Timestamp;
use crate::token::Scope;

fn secret(seed: u8) -> SecretKey {
    SecretKey::from_seed([seed; 32])
}

fn at() -> Timestamp {
    Timestamp::parse("2026-11-20T12:00:00Z").unwrap()
}

fn index() -> IndexUrl {
    IndexUrl::parse("sparse+https://serde.rs/cargo/index/").unwrap()
}

fn release() -> ReleaseStatement {
    ReleaseStatement {
        name: QualifiedName::parse("serde.rs/serde-abc").unwrap(),
        version: semver::Version::new(1, 0, 0),
        cksum: Digest::of(b"crate"),
        index: index(),
        at: at(),
    }
}

fn endorsement() -> Endorsement {
    Endorsement {
        by: secret(1).public(),
        key: secret(2).public(),
        scope: Scope::parse("serde.rs/serde-abc").unwrap(),
        index: index(),
        recovery: true,
        issued_at: at(),
        expires_at: Some(at().plus_seconds(60)),
        nonce: Nonce::from_bytes([3; 16]),
    }
}

fn revocation() -> Revocation {
    Revocation {
        by: secret(2).public(),
        key: secret(1).public(),
        index: index(),
        reason: Some("the laptop was \"lost\" – é".to_owned()),
        issued_at: at(),
        nonce: Nonce::from_bytes([4; 16]),
    }
}

fn bytes_of(facts: &impl Predicate) -> Vec<u8> {
    facts.statement().bytes().to_vec()
}

fn text_of(facts: &impl Predicate) -> String {
    String::from_utf8(bytes_of(facts)).unwrap()
}

fn parse<P: Predicate>(text: impl AsRef<[u8]>) -> Result<P, StatementError> {
    Statement::parse(text.as_ref()).map(Statement::into_facts)
}

fn signed(payload: &[u8], key: &SecretKey) -> Envelope {
    let signature = (key.public(), key.sign(&pae(PAYLOAD_TYPE, payload)));
    Envelope::new(payload.to_vec(), std::iter::once(signature))
}

fn yank() -> Yank {
    let ReleaseStatement { name, version, cksum, index, at } = release();
    Yank { name, version, cksum, index, operation: YankOperation::Yank, at, nonce: None }
}

#[test]
fn a_release_has_exactly_these_bytes() {
    let cksum = Digest::of(b"crate");
    let expected = format!(
        concat!(
            r#"{{"_type":"https://in-toto.io/Statement/v1","#,
            r#""subject":[{{"name":"serde-abc-1.0.0.crate","digest":{{"sha256":"{}"}}}}],"#,
            r#""predicateType":"https://in-toto.io/attestation/release/v0.1","#,
            r#""predicate":{{"purl":"pkg:cargo/serde-abc@1.0.0?repository_url="#,
            r#"sparse%2Bhttps:%2F%2Fserde.rs%2Fcargo%2Findex%2F","#,
            r#""releaseId":"serde.rs/serde-abc@1.0.0","publishedAt":"2026-11-20T12:00:00Z"}}}}"#
        ),
        cksum
    );
    assert_eq!(text_of(&release()), expected);
    assert_eq!(parse::<ReleaseStatement>(expected.as_bytes()).unwrap(), release());
}

#[test]
fn a_build_part_is_encoded_in_the_purl_only() {
    let statement = ReleaseStatement { version: "1.0.0-rc.1+a.b".parse().unwrap(), ..release() };
    let text = text_of(&statement);
    assert!(
        text.contains("pkg:cargo/serde-abc@1.0.0-rc.1%2Ba.b?") && text.contains("serde-abc@1.0.0-rc.1+a.b\"")
    );
    assert!(text.contains("serde-abc-1.0.0-rc.1+a.b.crate"));
    assert_eq!(parse::<ReleaseStatement>(text.as_bytes()).unwrap(), statement);
}

#[test]
fn other_serialisations_of_a_release_are_refused() {
    let text = text_of(&release());
    let name = "serde-abc-1.0.0.crate";
    for (from, to) in [
        (",\"predicate\"", ", \"predicate\""),
        ("/Statement/v1", "/Statement/v0.1"),
        (name, "serde-abc-1.0.1.crate"),
        (name, "serde\\u002dabc-1.0.0.crate"),
        ("pkg:cargo/serde-abc@", "pkg:cargo/serde-abd@"),
        ("https:%2F%2F", "https%3A%2F%2F"),
        ("%2F", "%2f"),
        ("%2Findex%2F\"", "%2Findex\""),
        ("serde.rs/serde-abc@1", "Serde.rs/serde-abc@1"),
        ("serde.rs/serde-abc@1.0.0", "serde.rs/serde-abc@1.0"),
        ("12:00:00Z\"}", "12:00:00Z\",\"more\":1}"),
        ("{\"_type\"", "{\"more\":1,\"_type\""),
        ("}],", "},{\"name\":\"x\",\"digest\":{\"sha256\":\"0\"}}],"),
    ] {
        let other = text.replacen(from, to, 1);
        assert_ne!(other, text, "{from}");
        assert!(parse::<ReleaseStatement>(other.as_bytes()).is_err(), "{other}");
    }
    assert!(parse::<ReleaseStatement>(format!("{text}\n").as_bytes()).is_err());
    let kind = parse::<ReleaseStatement>(&bytes_of(&revocation()));
    assert!(matches!(kind, Err(StatementError::Kind { .. })), "{kind:?}");
    let large = text.replacen("{", &format!("{{{}", " ".repeat(20_000)), 1);
    assert!(matches!(parse::<ReleaseStatement>(large.as_bytes()), Err(StatementError::TooLarge)));
}

#[test]
fn an_attestation_holds_for_its_statement_only() {
    let attestation = release().attest(&secret(1));
    release().verify(&attestation).unwrap();
    let facts: [fn(&mut ReleaseStatement); 4] = [
        |s| s.cksum = Digest::of(b"crats"),
        |s| s.version = semver::Version::new(1, 0, 1),
        |s| s.name = QualifiedName::parse("serde.rs/serde-abd").unwrap(),
        |s| s.index = IndexUrl::parse("sparse+https://mirror.example/").unwrap(),
    ];
    for change in facts {
        let mut other = release();
        change(&mut other);
        assert!(matches!(other.verify(&attestation), Err(StatementError::Signature(_))));
    }
    let later = Attestation { at: at().plus_seconds(1), ..attestation };
    assert!(matches!(release().verify(&later), Err(StatementError::Time)));
    let theirs = Attestation { key: secret(2).public(), ..attestation };
    assert!(matches!(release().verify(&theirs), Err(StatementError::Signature(_))));
    let envelope = release().sign(&secret(1));
    assert_eq!(envelope.open::<ReleaseStatement>().unwrap().into_facts(), release());
    assert_eq!(envelope.verify(&attestation.key).unwrap().signature(), attestation.sig);
    let json = serde_json::to_string(&attestation).unwrap();
    assert!(json.starts_with(&format!(
        r#"{{"key":"{}","at":"2026-11-20T12:00:00Z","sig":""#,
        attestation.key.to_base64()
    )));
    assert_eq!(serde_json::from_str::<Attestation>(&json).unwrap(), attestation);
}

#[test]
fn the_pre_authentication_encoding_counts_bytes() {
    // The test vector of the DSSE protocol.
    assert_eq!(
        pae("http://example.com/HelloWorld", b"hello world"),
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    );
    assert_eq!(pae("é", b""), "DSSEv1 2 é 0 ".as_bytes());
}

/// Whether OpenSSL finds the envelope's signature good over the encoding of its payload.
fn openssl_accepts(envelope: &Envelope, key: &SecretKey) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let put = |bytes: &[u8]| {
        let mut file = tempfile::NamedTempFile::new_in(&folder).unwrap();
        std::io::Write::write_all(&mut file, bytes).unwrap();
        file.keep().unwrap().1.into_os_string().into_string().unwrap()
    };
    let secret = key.to_pkcs8_pem();
    let (read, public) = crate::key::tests::openssl(&["pkey", "-pubout"], secret.as_bytes());
    assert!(read);
    let (public, message) = (put(&public), put(&pae(&envelope.payload_type, &envelope.payload)));
    let sig = put(&envelope.signatures[0].sig);
    let args =
        ["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", &public, "-in", &message, "-sigfile", &sig];
    crate::key::tests::openssl(&args, b"").0
}

#[test]
fn openssl_accepts_an_envelope_and_refuses_a_changed_one() {
    let key = SecretKey::generate().unwrap();
    let mut envelope = release().sign(&key);
    assert!(openssl_accepts(&envelope, &key));
    envelope.payload[100] ^= 1;
    assert!(!openssl_accepts(&envelope, &key));
    assert!(envelope.verify(&key.public()).is_err());
}

#[test]
fn an_envelope_is_verified_by_key_and_not_by_key_id() {
    let mut envelope = signed(b"{}", &secret(1));
    let (ours, theirs) = (secret(1).public(), secret(2).public());
    envelope.verify(&ours).unwrap();
    assert!(matches!(envelope.verify(&theirs), Err(EnvelopeError::NotSigned(key)) if key == theirs));
    envelope.signatures[0].keyid = Some(theirs.to_string());
    envelope.verify(&ours).unwrap();
    assert!(envelope.verify(&theirs).is_err());
    // A signature of another algorithm before it does not disturb.
    envelope.signatures.insert(0, EnvelopeSignature { keyid: None, sig: vec![0; 70] });
    envelope.verify(&ours).unwrap();
    assert_eq!(Envelope::parse(envelope.to_json().as_bytes()).unwrap(), envelope);
    envelope.payload_type = "application/json".to_owned();
    let key = secret(1);
    envelope.signatures[0].sig = key.sign(&pae("application/json", b"{}")).as_bytes().to_vec();
    assert!(matches!(envelope.verify(&ours), Err(EnvelopeError::PayloadType(_))));
}

#[test]
fn envelopes_of_others_are_read_and_broken_ones_named() {
    let read = |text: &str| Envelope::parse(text.as_bytes());
    // URL-safe base64, a field that we do not know, and no key id.
    let fine = r#"{"payloadType":"t","payload":"_-8=","signatures":[{"sig":"-_8="}],"more":[1]}"#;
    assert_eq!(read(fine).unwrap().payload, [0xff, 0xef]);
    assert!(matches!(read("{}"), Err(EnvelopeError::Json(_))));
    assert!(matches!(read(&fine.replace("_-8=", "!")), Err(EnvelopeError::Base64("payload"))));
    assert!(matches!(read(&fine.replace("-_8=", "!")), Err(EnvelopeError::Base64("signature"))));
    assert!(matches!(read(&fine.replace(r#"{"sig":"-_8="}"#, "")), Err(EnvelopeError::Signatures)));
    let many = vec![r#"{"sig":""}"#; 17].join(",");
    assert!(matches!(read(&fine.replace(r#"{"sig":"-_8="}"#, &many)), Err(EnvelopeError::Signatures)));
    assert!(matches!(read(&fine.replace("_-8=", &"AAAA".repeat(6000))), Err(EnvelopeError::Payload)));
    assert!(matches!(read(&" ".repeat(40_000)), Err(EnvelopeError::TooLarge)));
    let embedded: Result<Envelope, _> = serde_json::from_str(&fine.replace("_-8=", &"AAAA".repeat(20_000)));
    assert!(embedded.unwrap_err().to_string().contains("larger"));
}

#[test]
fn endorsements_and_revocations_count_when_signed_by_whom_they_name() {
    let envelope = endorsement().sign(&secret(1));
    assert_eq!(envelope.open::<Endorsement>().unwrap().into_facts(), endorsement());
    assert!(endorsement().sign(&secret(2)).open::<Endorsement>().is_err());
    assert!(envelope.open::<Revocation>().is_err());
    assert!(
        endorsement().is_expired(at().plus_seconds(60)) && !endorsement().is_expired(at().plus_seconds(59))
    );
    assert!(!Endorsement { expires_at: None, ..endorsement() }.is_expired(Timestamp::from_unix(u64::MAX)));

    assert_eq!(revocation().sign(&secret(2)).open::<Revocation>().unwrap().into_facts(), revocation());
    assert!(revocation().sign(&secret(1)).open::<Revocation>().is_err());
    for reason in ["", "a\nb", "\u{1b}[31m", &"x".repeat(501)] {
        let statement = Revocation { reason: Some(reason.to_owned()), ..revocation() };
        assert!(statement.sign(&secret(2)).open::<Revocation>().is_err(), "{reason:?}");
    }
}

#[test]
fn the_subject_of_a_key_statement_is_its_key() {
    let text = text_of(&endorsement());
    let digest = Digest::of(secret(2).public().as_bytes()).to_string();
    assert!(text.contains(&format!(
        r#""subject":[{{"name":"{}","digest":{{"sha256":"{digest}"}}}}]"#,
        secret(2).public()
    )));
    let other = text.replace(&digest, &Digest::of(b"").to_string());
    assert!(matches!(parse::<Endorsement>(other.as_bytes()), Err(StatementError::Form { .. })));
    // The bare base64 of a key is another text of it, and `null` another text of nothing.
    let bare = text.replacen("\"by\":\"ed25519:", "\"by\":\"", 1);
    assert!(parse::<Endorsement>(bare.as_bytes()).is_err());
    let endless = Endorsement { expires_at: None, ..endorsement() };
    let null = text_of(&endless).replace(",\"nonce\"", ",\"expiresAt\":null,\"nonce\"");
    assert!(parse::<Endorsement>(null.as_bytes()).is_err());
}

#[test]
fn a_yank_is_rebuilt_from_its_line() {
    let attestation = yank().attest(&secret(1));
    yank().verify(&attestation).unwrap();
    let json = serde_json::to_string(&attestation).unwrap();
    assert!(json.starts_with(r#"{"operation":"yank","key":""#) && !json.contains("nonce"), "{json}");
    assert_eq!(serde_json::from_str::<YankAttestation>(&json).unwrap(), attestation);
    let unyank = Yank { operation: YankOperation::Unyank, ..yank() };
    assert!(unyank.verify(&attestation).is_err());
    let turned = YankAttestation { operation: YankOperation::Unyank, ..attestation };
    assert!(matches!(unyank.verify(&turned), Err(StatementError::Signature(_))));
    let with_nonce = Yank { nonce: Some(Nonce::from_bytes([5; 16])), ..yank() };
    assert!(with_nonce.verify(&attestation).is_err());
    let envelope = with_nonce.sign(&secret(1));
    assert_eq!(envelope.open::<Yank>().unwrap().into_facts(), with_nonce);
    assert!(envelope.verify(&secret(2).public()).is_err());
}

fn any_release() -> impl Strategy<Value = ReleaseStatement> {
    let version =
        (0..99_u64, 0..99_u64, 0..99_u64, "(-[a-z][a-z0-9]{0,5})?(\\+[a-z0-9]{1,5}(\\.[a-z0-9]{1,3})?)?");
    let parts = (
        "[a-z]{1,8}",
        "[A-Za-z]x[A-Za-z0-9_-]{0,20}",
        version,
        any::<[u8; 32]>(),
        "(/[a-z0-9~%+:]{1,8}){0,3}",
        any::<u64>(),
    );
    parts.prop_filter_map("no index", |(domain, krate, (major, minor, patch, rest), cksum, path, at)| {
        Some(ReleaseStatement {
            name: QualifiedName::parse(&format!("{domain}.example/{krate}")).ok()?,
            version: format!("{major}.{minor}.{patch}{rest}").parse().unwrap(),
            cksum: Digest::from_bytes(cksum),
            index: IndexUrl::parse(&format!("sparse+https://{domain}.example{path}")).ok()?,
            at: Timestamp::from_unix(at),
        })
    })
}

proptest! {
    #[test]
    fn a_release_parses_back_to_the_same_bytes(statement in any_release()) {
        let bytes = bytes_of(&statement);
        let parsed = parse::<ReleaseStatement>(&bytes).unwrap();
        prop_assert_eq!(bytes_of(&parsed), bytes);
        prop_assert_eq!(parsed, statement);
    }

    #[test]
    fn any_changed_byte_breaks_the_signature(statement in any_release(), place in any::<prop::sample::Index>(), change in 1..=255_u8) {
        let attestation = statement.attest(&secret(1));
        let mut envelope = statement.sign(&secret(1));
        let place = place.index(envelope.payload.len());
        envelope.payload[place] ^= change;
        prop_assert!(envelope.verify(&attestation.key).is_err());
        if let Ok(other) = parse::<ReleaseStatement>(&envelope.payload) {
            let moved = Attestation { at: other.at, ..attestation };
            prop_assert!(other.verify(&moved).is_err());
        }
    }

    #[test]
    fn any_changed_byte_of_a_signature_breaks_it(place in 0..64_usize, change in 1..=255_u8) {
        let attestation = release().attest(&secret(1));
        let mut bytes = *attestation.sig.as_bytes();
        bytes[place] ^= change;
        let changed = Attestation { sig: Signature::from_bytes(bytes), ..attestation };
        prop_assert!(release().verify(&changed).is_err());
    }

    #[test]
    fn any_bytes_are_answered(bytes in any::<Vec<u8>>(), cut in any::<prop::sample::Index>(), byte in any::<u8>()) {
        for mut near in [bytes_of(&release()), bytes_of(&endorsement()), bytes_of(&revocation()), bytes_of(&yank())] {
            let place = cut.index(near.len());
            near[place] = byte;
            check_all(&near);
            near.truncate(place);
            check_all(&near);
        }
        check_all(&bytes);
    }
}

/// Whatever parses is written as the same bytes.
fn check_all(bytes: &[u8]) {
    if let Ok(statement) = parse::<ReleaseStatement>(bytes) {
        assert_eq!(bytes_of(&statement), bytes);
    }
    if let Ok(statement) = parse::<Endorsement>(bytes) {
        assert_eq!(bytes_of(&statement), bytes);
    }
    if let Ok(statement) = parse::<Revocation>(bytes) {
        assert_eq!(bytes_of(&statement), bytes);
    }
    if let Ok(statement) = parse::<Yank>(bytes) {
        assert_eq!(bytes_of(&statement), bytes);
    }
    let _ = Envelope::parse(bytes);
}
