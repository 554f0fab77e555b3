//! What a trust file may say, and that it is written back as it was read.

use super::*;
use crate::key::SecretKey;
use proptest::prelude::*;

fn key(seed: u8) -> PublicKey {
    SecretKey::from_seed([seed; 32]).public()
}

fn namespace(text: &str) -> Namespace {
    Namespace::parse(text).unwrap()
}

fn sample() -> TrustFile {
    let mut file = TrustFile::default();
    for (name, seed) in
        [("serde.rs", 1), ("example.com", 2), ("serde.rs/serde-abc", 3), ("serde.rs/serde", 3)]
    {
        let scope = Scope::parse(name).unwrap();
        let index = IndexUrl::default_for(scope.namespace());
        assert!(file.add_pin(&index, key(seed), scope));
    }
    assert!(file.revoke(&namespace("serde.rs"), key(9)));
    file
}

#[test]
fn printed_as_documented() {
    let text = sample().serialise();
    let mut lines: Vec<String> = vec![
        format!("{} serde.rs", key(1)),
        format!("{} serde.rs/serde", key(3)),
        format!("{} serde.rs/serde-abc", key(3)),
    ];
    lines.sort();
    let expected = format!(
        "{HEADER}\n[\"example.com\"]\nindex = \"sparse+https://example.com/cargo/index/\"\ntrusted = [\n  \"{} example.com\",\n]\n\
         \n[\"serde.rs\"]\nindex = \"sparse+https://serde.rs/cargo/index/\"\ntrusted = [\n  \"{}\",\n  \"{}\",\n  \"{}\",\n]\n\
         revoked = [\n  \"{}\",\n]\n",
        key(2),
        lines[0],
        lines[1],
        lines[2],
        key(9)
    );
    assert_eq!(text, expected);
    assert_eq!(TrustFile::parse(&text).unwrap(), sample());
    assert_eq!(TrustFile::parse("").unwrap(), TrustFile::default());
}

#[test]
fn a_scope_of_another_namespace_is_refused() {
    let text = sample().serialise().replace(" serde.rs/serde-abc\"", " example.com\"");
    let error = TrustFile::parse(&text).unwrap_err().to_string();
    assert!(error.contains("the scope example.com does not lie in serde.rs"), "{error}");
}

#[test]
fn what_does_not_belong_is_refused_and_not_skipped() {
    let text = sample().serialise();
    let problem = |text: &str| match TrustFile::parse(text).unwrap_err() {
        TrustFileError::Line { problem, .. } => problem,
        other => panic!("{other}"),
    };
    let unknown = problem(&text.replace("revoked = [", "revokd = ["));
    assert_eq!(unknown, TrustFileProblem::UnknownKey("revokd".into()));
    assert!(matches!(problem("[\"serde.rs\"]\ntrusted = []\n"), TrustFileProblem::NoIndex(_)));
    assert!(matches!(problem("version = 1"), TrustFileProblem::Name(_)));
    assert!(matches!(problem(&text.replace(" serde.rs\"", "\"")), TrustFileProblem::NoScope(_)));
    assert!(matches!(problem(&text.replace("ed25519:", "ed25519:AAAA")), TrustFileProblem::Key(_)));
    let twice = "[\"serde.rs\"]\nindex = \"sparse+https://serde.rs/i/\"\n[\"SERDE.rs\"]\nindex = \"sparse+https://serde.rs/i/\"\n";
    assert!(matches!(problem(twice), TrustFileProblem::Twice(_)));
    let wrong = text.replace("revoked = [", "[\"serde.rs\".revoked]\nx = [");
    assert!(matches!(problem(&wrong), TrustFileProblem::WrongType { key: "revoked", .. }));
    assert!(matches!(problem("\"serde.rs\" = 3"), TrustFileProblem::NoIndex(_)));
    let local = "[\"serde.rs\"]\nindex = \"sparse+http://localhost:7979/i/\"\n";
    assert!(matches!(problem(local), TrustFileProblem::LocalIndex(_)));
    assert!(TrustFile::parse(&local.replace("serde.rs", "hello.localhost")).is_ok());
}

#[test]
fn merge_conflicts_are_named() {
    let text = sample().serialise().replace("revoked = [", "<<<<<<< ours\nrevoked = [");
    assert!(matches!(TrustFile::parse(&text), Err(TrustFileError::Conflict(_))));
}

#[test]
fn a_pin_covers_what_its_scope_covers() {
    let file = sample();
    let name = |text: &str| QualifiedName::parse(text).unwrap();
    assert!(file.pinned(&name("serde.rs/anything"), &key(1)).is_some());
    assert!(file.pinned(&name("serde.rs/serde-abc"), &key(3)).is_some());
    assert_eq!(file.pinned(&name("serde.rs/anything"), &key(3)), None);
    assert_eq!(file.pinned(&name("example.com/anything"), &key(1)), None);
}

#[test]
fn a_revoked_key_is_not_pinned_even_where_a_merge_left_its_line() {
    let mut file = sample();
    let name = QualifiedName::parse("serde.rs/serde").unwrap();
    let pins = file.namespaces.get_mut(&name.namespace).unwrap();
    pins.revoked.insert(key(1));
    let file = TrustFile::parse(&file.serialise()).unwrap();
    assert_eq!(file.pinned(&name, &key(1)), None);
    assert!(file.is_revoked(&name.namespace, &key(1)));
}

#[test]
fn a_wider_pin_takes_the_place_of_a_narrower() {
    let mut file = sample();
    let index = IndexUrl::default_for(&namespace("serde.rs"));
    assert!(file.add_pin(&index, key(3), Scope::parse("serde.rs").unwrap()));
    assert!(!file.add_pin(&index, key(3), Scope::parse("serde.rs/serde").unwrap()));
    assert_eq!(file.pins(&namespace("serde.rs")).unwrap().trusted.len(), 2);
}

fn any_file() -> impl Strategy<Value = TrustFile> {
    let scope = prop::sample::select(vec![
        "serde.rs",
        "serde.rs/a",
        "serde.rs/b_c",
        "a-b.example",
        "xn--mnchen-3ya.example/x",
    ]);
    let pin = (any::<u8>(), scope, any::<bool>());
    prop::collection::vec(pin, 0..20).prop_map(|pins| {
        let mut file = TrustFile::default();
        for (seed, scope, revoke) in pins {
            let scope = Scope::parse(scope).unwrap();
            let namespace = scope.namespace().clone();
            file.add_pin(&IndexUrl::default_for(&namespace), key(seed), scope);
            if revoke {
                file.revoke(&namespace, key(seed.wrapping_add(1)));
            }
        }
        file
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn printing_and_reading_are_inverse(file in any_file()) {
        let text = file.serialise();
        let read = TrustFile::parse(&text).unwrap();
        prop_assert_eq!(&read, &file);
        prop_assert_eq!(read.serialise(), text);
    }

    #[test]
    fn arbitrary_text_never_panics(text in "[\\[\\]\"a-z.=#, \\n{}']{0,80}") {
        let _ = TrustFile::parse(&text);
    }
}
